"""Syncs: asked for, carried out, paused by conflicts, resumed; the records are what is true.

The queue only says whose turn it is. One at a time is under way in an environment: an index of
the database sees to it. Whatever happens to Redis or to a worker, `sync_watch` ends what is lost.
"""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp import clock
from webapp.records import Records
from webapp.records.staging_models import (
    RESUMABLE,
    UNDER_WAY,
    StagingConfig,
    Sync,
    SyncStatus,
)

JOB = "sync-"
"""How the ids of syncs' jobs begin."""


class SyncNotFound(Exception):
    """There is no sync of this id."""

    def __init__(self) -> None:
        super().__init__("there is no such sync")


class SyncUnderWay(Exception):
    """A sync is under way, and there are never two at once; carries its id."""

    def __init__(self, ident: str = "") -> None:
        self.ident = ident
        super().__init__("a sync is under way; there are never two at once. Wait, or cancel it")


class SyncOver(Exception):
    """What is asked of a sync can't be done in the state it is in."""


@dataclass(frozen=True)
class Wanted:
    """What to sync, and how."""

    tables: tuple[str, ...] = ()
    dry_run: bool = False
    reset: bool = False
    restart: bool = True
    scheduled: bool = False
    indexes_last: bool = False
    processes: int = 1
    share: bool = True


def ask(
    records: Records, config: StagingConfig, wanted: Wanted, rules_version: int, who: str
) -> Sync:
    """A new sync, pending; raises SyncUnderWay."""
    made = _new(config, who)
    made.tables, made.dry_run, made.reset = list(wanted.tables), wanted.dry_run, wanted.reset
    made.restart, made.scheduled = wanted.restart, wanted.scheduled
    made.indexes_last, made.processes = wanted.indexes_last, wanted.processes
    made.share = wanted.share
    made.rules_version = rules_version
    try:
        with records.writing() as session:
            if ident := session.scalar(select(Sync.id).where(Sync.status.in_(UNDER_WAY)).limit(1)):
                raise SyncUnderWay(ident)  # also one that began under another name
            session.add(made)
    except IntegrityError as error:
        running = under_way(records)
        raise SyncUnderWay(running.id if running else "") from error
    return made


def miss(records: Records, config: StagingConfig, why: str) -> Sync:
    """Notes a run of the schedule that never began, and why."""
    made = _new(config, config.scheduled_by)
    made.scheduled = made.missed = True
    made.status, made.error_message, made.completed_at = SyncStatus.FAILED, why, clock.now()
    with records.writing() as session:
        session.add(made)
    return made


def _new(config: StagingConfig, who: str) -> Sync:
    now = clock.now()
    return Sync(
        id=str(uuid.uuid4()),
        sync_id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        environment=config.environment_name,
        status=SyncStatus.PENDING,
        records_synced=0,
        records_failed=0,
        anonymization_applied=config.anonymization_enabled,
        created_at=now,
        error_message="",
        initiated_by=who[:80],
        scheduled=False,
        missed=False,
        tables=[],
        dry_run=False,
        reset=False,
        restart=False,
        indexes_last=False,
        processes=1,
        share=True,
        rules_version=0,
        attempts=0,
        queued_again=0,
        cancelled_by="",
        counts={},
        warnings=[],
        samples=[],
    )


def is_job(ident: str) -> bool:
    """Whether a job is of a sync, or of a part of one."""
    return ident.startswith(JOB)


def job_of(sync: Sync) -> str:
    """The id of the job that carries a sync out, at the attempt that it waits for or is in."""
    attempt = sync.attempts + 1 if sync.status == SyncStatus.PENDING else sync.attempts
    return f"{JOB}{sync.id}-{attempt}-{sync.queued_again}"


def find(records: Records, ident: str) -> Sync:
    """A sync; raises SyncNotFound."""
    with records.reading() as session:
        found = session.get(Sync, ident)
    if found is None:
        raise SyncNotFound
    return found


def under_way(records: Records) -> Sync | None:
    """The sync that waits or runs."""
    with records.reading() as session:
        return session.scalars(select(Sync).where(Sync.status.in_(UNDER_WAY))).first()


def listed(records: Records, most: int = 30, before: str = "") -> list[Sync]:
    """Syncs, newest first; those older than one where it is named."""
    query = select(Sync).order_by(Sync.created_at.desc(), Sync.id.desc()).limit(most)
    with records.reading() as session:
        if before and (edge := session.get(Sync, before)) is not None:
            query = query.where(
                (Sync.created_at < edge.created_at)
                | ((Sync.created_at == edge.created_at) & (Sync.id < edge.id))
            )
        return list(session.scalars(query))


def latest(records: Records) -> Sync | None:
    """The newest sync that was to write something."""
    with records.reading() as session:
        query = select(Sync).where(Sync.dry_run.is_(False), Sync.missed.is_(False))
        return session.scalars(query.order_by(Sync.created_at.desc()).limit(1)).first()


def begin(records: Records, ident: str) -> Sync | None:
    """Takes a pending sync for the one who asks; None where another has it, or it is over."""
    with records.writing() as session:
        if not _change(
            session, ident, (SyncStatus.PENDING,),
            status=SyncStatus.IN_PROGRESS, started_at=func.coalesce(Sync.started_at, clock.now()),
            attempts=Sync.attempts + 1,
        ):  # fmt: skip
            return None
        session.expire_all()
        return session.get(Sync, ident)


def resume(records: Records, ident: str) -> Sync:
    """Has a sync go on from where it stopped; raises SyncOver, SyncUnderWay, SyncNotFound."""
    found = find(records, ident)
    newest = latest(records)
    if not found.resumable or (newest is not None and newest.id != ident):
        raise SyncOver(
            "only the newest sync can go on, once it is paused, failed or cancelled; start a new "
            "one, which brings staging up to date all the same"
        )
    try:
        with records.writing() as session:
            done = _change(
                session, ident, RESUMABLE,
                status=SyncStatus.PENDING, error_message="", completed_at=None, cancelled_at=None,
                cancelled_by="", queued_again=0, restart=False,
            )  # fmt: skip
    except IntegrityError as error:
        raise SyncUnderWay from error
    if not done:
        raise SyncUnderWay(ident)
    return find(records, ident)


def forget(records: Records, sync: Sync) -> None:
    """Takes back what could not be queued: a new one is none, a resumed one failed."""
    with records.writing() as session:
        if sync.attempts == 0:
            session.execute(
                delete(Sync).where(Sync.id == sync.id, Sync.status == SyncStatus.PENDING)
            )
        else:
            said = "it could not be queued; resume it in a moment"
            _change(
                session, sync.id, (SyncStatus.PENDING,),
                status=SyncStatus.FAILED, error_message=said, completed_at=clock.now(),
            )  # fmt: skip


def cancel(records: Records, ident: str, who: str) -> Sync:
    """Ends a sync that waits at once, one that runs as soon as its batch is done.

    Raises SyncOver, SyncNotFound.
    """
    now = clock.now()
    with records.writing() as session:
        waited = _change(
            session, ident, (SyncStatus.PENDING,),
            status=SyncStatus.CANCELLED, completed_at=now, cancelled_at=now, cancelled_by=who[:80],
        )  # fmt: skip
        asked = waited or _change(
            session, ident, (SyncStatus.IN_PROGRESS,), cancelled_at=now, cancelled_by=who[:80]
        )
    found = find(records, ident)
    if not asked:
        raise SyncOver(f"this sync is {found.status.replace('_', ' ')}; there is nothing to cancel")
    return found


def is_cancelled(records: Records, ident: str, attempt: int) -> bool:
    """Whether somebody asked a running sync to stop, or it is not in that attempt any more."""
    query = select(Sync.cancelled_at, Sync.status, Sync.attempts).where(Sync.id == ident)
    rows = [tuple(row) for row in records.rows(query)]
    return rows != [(None, SyncStatus.IN_PROGRESS, attempt)]


def queue_again(records: Records, sync: Sync) -> bool:
    """Notes that a sync which is in no queue gets a new job."""
    with records.writing() as session:
        return _change(session, sync.id, (SyncStatus.PENDING,), queued_again=sync.queued_again + 1)


def end(records: Records, ident: str, status: SyncStatus, **values: Any) -> bool:
    """Says how a sync ended, or that it is paused; False where it is over already."""
    ended = None if status == SyncStatus.PAUSED else clock.now()
    with records.writing() as session:
        return _change(
            session, ident, UNDER_WAY, **{"status": status, "completed_at": ended, **values}
        )


def _change(session: Session, ident: str, present: Sequence[str], **values: Any) -> bool:
    done = session.execute(
        update(Sync)
        .where(Sync.id == ident, Sync.status.in_(present))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]
