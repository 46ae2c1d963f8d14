"""Sees to it that no sync waits or runs for ever, and begins those that the schedule wants."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from croniter import croniter
from sqlalchemy import select

from webapp import clock, demo_database, staging_config, sync_progress, sync_rules, syncs
from webapp.config import Settings
from webapp.queue import SYNCS, UPKEEP, Found, Jobs, NoQueue
from webapp.records import Records
from webapp.records.staging_models import UNDER_WAY, StagingConfig, Sync, SyncStatus
from webapp.staging_config import NotSetUp
from webapp.syncs import SyncUnderWay, Wanted

log = structlog.get_logger(__name__)
GRACE = timedelta(seconds=5)
"""How long a sync may be in the records before it is in the queue."""
PATIENCE = timedelta(seconds=20)
"""How long a sync that was cancelled may go on; then its process is killed."""
MOST_AGAIN = 3
LATE = timedelta(minutes=10)
"""How late a run of the schedule may begin; one that would be later is reported as missed."""
MOST_MISSED = 20
DEMO, DEMO_SECONDS = "make-demo-database", 900
LOST = (
    "the worker that ran this sync ended before it was done{how}; what was finished stays, and "
    "resuming goes on from there"
)


def look(records: Records, settings: Settings, jobs: Jobs) -> None:
    """Compares the sync that is under way with its job, then looks at the schedule.

    Raises NoQueue.
    """
    with records.reading() as session:
        found = list(session.scalars(select(Sync).where(Sync.status.in_(UNDER_WAY))))
    for sync in found:
        _look_at(records, settings, jobs, sync)
    begin_due(records, settings, jobs)
    if demo_database.wanted(settings) and jobs.find(DEMO) is None:
        jobs.enqueue(UPKEEP, "make_demo_database", ident=DEMO, seconds=DEMO_SECONDS)


def _look_at(records: Records, settings: Settings, jobs: Jobs, sync: Sync) -> None:
    job = jobs.find(syncs.job_of(sync))
    if job is not None and (job.waits or job.runs):
        if sync.cancelled_at is not None and sync.cancelled_at < clock.now() - PATIENCE:
            jobs.cancel(syncs.job_of(sync))
            said = (
                "cancelled; it did not stop by itself and was killed. Resuming goes on from there"
            )
            _end(records, settings, sync, SyncStatus.CANCELLED, said)
        return
    if not _still(records, sync):
        return
    if sync.status == SyncStatus.PENDING:
        _queue_again(records, settings, jobs, sync, job)
    elif sync.cancelled_at is not None:
        _end(records, settings, sync, SyncStatus.CANCELLED, "cancelled")
    else:
        _fail(records, settings, jobs, sync, job)


def _still(records: Records, sync: Sync) -> bool:
    """Whether it stands as it did when we looked: its job may have ended just before ours did."""
    try:
        now = syncs.find(records, sync.id)
    except syncs.SyncNotFound:
        return False
    return (now.status, now.attempts) == (sync.status, sync.attempts)


def _queue_again(
    records: Records, settings: Settings, jobs: Jobs, sync: Sync, job: Found | None
) -> None:
    if sync.created_at > clock.now() - GRACE:
        return
    if sync.queued_again >= MOST_AGAIN:
        _fail(records, settings, jobs, sync, job)
    elif syncs.queue_again(records, sync):
        log.warning("a sync was not in the queue", sync=sync.id)
        enqueue(settings, jobs, syncs.find(records, sync.id))


def _fail(records: Records, settings: Settings, jobs: Jobs, sync: Sync, job: Found | None) -> None:
    why = job.failure if job else ""
    killed = "signal 9" in why or "Abandoned" in why
    said = LOST.format(how=" (it was killed)" if killed else "")
    log.warning("a sync was lost", sync=sync.id, why=why)
    counts = sync_progress.read(jobs.redis, sync.id).counts()
    told = sync_progress.so_far(sync, counts) if counts else {}
    _end(records, settings, sync, SyncStatus.FAILED, said, **told)


def _end(
    records: Records, settings: Settings, sync: Sync, status: SyncStatus, said: str, **values: Any
) -> None:
    if syncs.end(records, sync.id, status, error_message=said, **values) and not sync.dry_run:
        staging_config.note_run(records, settings, "failed")


def enqueue(settings: Settings, jobs: Jobs, sync: Sync) -> None:
    """Queues the job of a sync that is pending; raises NoQueue."""
    ident, seconds = syncs.job_of(sync), settings.sync_time_limit
    jobs.enqueue(SYNCS, "run_sync", sync.id, ident=ident, seconds=seconds)


# The schedule


def begin_due(records: Records, settings: Settings, jobs: Jobs) -> None:
    """Begins the sync that is due; what should have begun long ago is reported as missed."""
    config = staging_config.current(records, settings)
    now, due = clock.now(), config.next_run_at
    if due is None or due > now:
        return
    if not staging_config.move_on(records, config, now):
        return  # another clock was quicker
    *earlier, latest = _slots(config, due, now)
    late = due < now - LATE
    for slot in [*earlier, latest] if late else earlier:
        syncs.miss(records, config, f"missed: no worker was there at {slot:%Y-%m-%d %H:%M} UTC")
    if late:
        return
    try:
        _begin(records, settings, jobs, config)
    except (NotSetUp, SyncUnderWay, NoQueue) as error:
        syncs.miss(records, config, f"missed at {latest:%Y-%m-%d %H:%M} UTC: {error}")


def _begin(records: Records, settings: Settings, jobs: Jobs, config: StagingConfig) -> None:
    newest, standing = syncs.latest(records), sync_rules.latest(records)
    if newest is not None and newest.status == SyncStatus.PAUSED:
        raise NotSetUp("the sync before waits for decisions about conflicts")
    if standing is None:
        raise NotSetUp("there are no rules yet")
    staging_config.allow_sync(config)
    staging_config.addresses(config, settings)
    made = syncs.ask(records, config, Wanted(scheduled=True), standing.version, config.scheduled_by)
    try:
        enqueue(settings, jobs, made)
    except NoQueue:
        syncs.forget(records, made)
        raise


def _slots(config: StagingConfig, due: datetime, now: datetime) -> list[datetime]:
    coming, slots = croniter(config.sync_schedule, due), [due]
    while len(slots) < MOST_MISSED and (slot := coming.get_next(datetime)) < now:
        slots.append(slot)
    return slots
