"""Previews: asked for, made, reused, given up, expired; the records are what is true of them.

The queue only says whose turn it is. A preview is `pending` in the records before it is queued,
becomes `processing` by one worker alone, and whatever happens to Redis or to a worker,
`preview_watch` sees to it that nothing waits or runs for ever.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from prompt_repo.layout import prompt_key
from webapp import audit, audit_entries, audit_log, clock, preview_limits
from webapp.access import Caller
from webapp.config import Settings
from webapp.preview_errors import PreviewNotFound, PreviewOver
from webapp.records import Records
from webapp.records.asking import Addition, Driver, Question
from webapp.records.preview_models import AT_WORK, LONGEST_NAME, Preview, Status
from webapp.video import Brief

LIFE = timedelta(hours=24)
REUSED = timedelta(days=5)
"""How long after a file was made it may get new previews; S3's own rule deletes it after 7 days."""
ANEW = "anew"
"""The fact of a preview that was asked for that no live clip will do."""

_plain = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
_MOMENT = Preview.created_at.type
ALIVE = (
    select(Preview.id)
    .where(Preview.fingerprint == bindparam("fingerprint"))
    .where(Preview.expires_at > bindparam("now", type_=_MOMENT))
    .where(Preview.status == Status.COMPLETED)
    .where(Preview.made_at > bindparam("made_since", type_=_MOMENT))
    .order_by(Preview.expires_at.desc())
    .limit(1)
)
COLUMNS = tuple(Preview.__table__.columns.keys())
_ADDED = Addition(insert(Preview), COLUMNS)
_LOOK = Question(
    preview_limits.COUNTS.add_columns(ALIVE.scalar_subquery()),
    lambda *values: (preview_limits.Counts(*values[:3]), values[3]),
)

Beside = Callable[[Driver, Preview], None]
"""What else is written where a preview is."""


class Made(NamedTuple):
    """What a preview has of another that shows the same clip."""

    id: str
    file: str
    made_at: datetime | None
    size: int | None
    reused_from: str | None
    seconds: float | None
    facts: dict[str, Any]
    log: list[str]


_MADE = Question(
    select(*(getattr(Preview, name) for name in Made._fields)).where(
        Preview.id == bindparam("ident")
    ),
    Made,
)


@dataclass(frozen=True)
class Wanted:
    """What to preview: a text, filled in for somebody, and where it comes from."""

    environment: str
    character_id: str | None
    brief: Brief
    prompt_text: str
    origin: str
    version: int | None
    commit: str
    service: str
    service_settings: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """The same for two that would give the same clip."""
        told = [
            self.environment, self.brief.as_json(), self.service, dict(self.service_settings),
        ]  # fmt: skip
        plain = _plain(told)
        return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def ask(
    records: Records,
    settings: Settings,
    wanted: Wanted,
    who: Caller,
    *,
    reuse: bool = True,
    beside: Beside | None = None,
) -> Preview:
    """A new preview: completed already where a live clip is the same, else pending.

    `beside` writes more in the same transaction. Raises NothingToPreview and TooManyPreviews, and
    then records nothing.
    """
    preview_limits.check_text(settings, wanted.brief.text)
    now = clock.now()
    row = _new(wanted, who, now)
    row["facts"] = {} if reuse else {ANEW: True}  # `begin` looks for a live clip once more
    told = preview_limits.told(wanted.environment, row["counts_for"], now)
    living = _living(row["fingerprint"] if reuse else "", now)
    with records.driving(lasting=False) as driver:
        preview_limits.alone(driver)
        ((counts, same),) = _LOOK.answers(driver, told | living)
        preview_limits.check_limits(driver, settings, counts, told, now)
        if same is not None:
            (there,) = _MADE.answers(driver, {"ident": same})
            row |= _taken_over(there, now)
        else:
            preview_limits.check_queue(settings, counts)
        _ADDED.add(driver, row)
        made = _just_added(row)
        if beside is not None:
            beside(driver, made)
    return made


def job_of(ident: str, attempt: int) -> str:
    """The id of the job that makes a preview at an attempt, counted from 1."""
    return f"{ident}-{attempt}"


def forget(records: Records, ident: str) -> None:
    """Takes back a preview that was asked for and could not be queued."""
    with records.writing(lasting=False) as session:
        found = session.get(Preview, ident)
        if found is not None and found.status == Status.PENDING:
            session.delete(found)


def find(records: Records, ident: str) -> Preview:
    """A preview; raises PreviewNotFound."""
    with records.reading() as session:
        found = session.get(Preview, ident)
    if found is None:
        raise PreviewNotFound
    return found


def cancel(records: Records, ident: str) -> Preview:
    """Ends a preview that waits or is being made; raises PreviewNotFound, PreviewOver."""
    with records.writing(lasting=False) as session:
        changed = _change(
            session, ident, AT_WORK, status=Status.CANCELLED, completed_at=clock.now()
        )
    found = find(records, ident)
    if not changed and found.status != Status.CANCELLED:
        raise PreviewOver(f"this preview is {found.status}; there is nothing to cancel")
    return found


def begin(records: Records, ident: str) -> Preview | None:
    """Takes a pending preview for the one who asks; None where it is somebody else's, or over.

    Where the same clip came alive while it waited, it is completed by that one.
    """
    now = clock.now()
    with records.writing(lasting=False) as session:
        taken = _change(
            session, ident, (Status.PENDING,),
            status=Status.PROCESSING, started_at=now, attempts=Preview.attempts + 1,
        )  # fmt: skip
        found = session.get(Preview, ident) if taken else None
        if found is None:
            return None
        same = alive(session, found.fingerprint, now) if not found.facts.get(ANEW) else None
        if same is not None:
            for name, value in _taken_over(same, now).items():
                setattr(found, name, value)
            return None
    return found


def wait_again(records: Records, ident: str) -> bool:
    """Puts a preview that is being made back among those that wait; False where it is over."""
    with records.writing(lasting=False) as session:
        return _change(session, ident, (Status.PROCESSING,), status=Status.PENDING, started_at=None)


def name_remote(records: Records, ident: str, remote_id: str) -> None:
    """Keeps what the service calls the clip, so that it can be given up."""
    with records.writing(lasting=False) as session:
        _change(session, ident, tuple(Status), remote_id=remote_id[:LONGEST_NAME])


def complete(
    records: Records,
    ident: str,
    file: str,
    size: int,
    facts: Mapping[str, Any],
    log: Sequence[str],
    seconds: float,
) -> bool:
    """Says that a clip is there; False where nobody wants it any more."""
    now = clock.now()
    with records.writing(lasting=False) as session:
        changed = _change(
            session, ident, (Status.PROCESSING,),
            status=Status.COMPLETED, completed_at=now, made_at=now, file=file, size=size,
            facts=dict(facts), log=list(log), seconds=seconds, error="",
        )  # fmt: skip
    if changed:
        _enter(records, ident, "done", seconds=seconds, size=size)
    return changed


def fail(records: Records, ident: str, error: str, log: Sequence[str] = ()) -> bool:
    """Says why a clip could not be made; False where it is over already."""
    with records.writing(lasting=False) as session:
        more = {"log": list(log)} if log else {}
        changed = _change(
            session, ident, AT_WORK,
            status=Status.FAILED, error=error.strip()[:4000], completed_at=clock.now(), **more,
        )  # fmt: skip
    if changed:
        _enter(records, ident, "failed", why=error.strip())
    return changed


def _enter(records: Records, ident: str, outcome: str, **detail: Any) -> None:
    """What became of a preview, for the audit log; its record lasts no longer than the entry."""
    made = find(records, ident)
    path = prompt_key(made.character_id, made.emotion).path
    about = {"path": path, "commit": made.commit, "preview": ident}
    facts = {**about, "environment": made.environment, **detail}
    entry = audit.unasked(made.created_by, "preview", f"preview {ident}", outcome, **facts)
    entry.address, entry.request_id = audit_log.origin(records, "path", path, preview=ident)
    audit_entries.write(records, entry, lasting=False)


def see(records: Records, account_id: int, ident: str = "") -> None:
    """Takes note that a person has seen how their previews ended, or how one did."""
    with records.writing(lasting=False) as session:
        session.execute(
            update(Preview)
            .where(Preview.account_id == account_id, Preview.seen_at.is_(None))
            .where(Preview.status.not_in(AT_WORK), *([Preview.id == ident] if ident else []))
            .values(seen_at=clock.now())
        )


def unseen(records: Records, account_id: int) -> list[Preview]:
    """A person's previews of the last day that are at work, or failed and weren't seen yet."""
    with records.reading() as session:
        return list(
            session.scalars(
                select(Preview)
                .where(Preview.account_id == account_id, Preview.seen_at.is_(None))
                .where(Preview.created_at > clock.now() - LIFE)
                .where(Preview.status.in_((*AT_WORK, Status.FAILED)))
                .order_by(Preview.created_at.desc())
                .limit(20)
            )
        )


def listed(
    records: Records, environment: str = "", whose: str = "", status: str = "", limit: int = 50
) -> list[Preview]:
    """Previews, newest first; of everybody, or those that count for one (`counts_for`)."""
    wheres = [
        *([Preview.environment == environment] if environment else []),
        *([Preview.counts_for == whose] if whose else []),
        *([Preview.status == status] if status else []),
    ]
    with records.reading() as session:
        query = select(Preview).where(*wheres)
        return list(session.scalars(query.order_by(Preview.created_at.desc()).limit(limit)))


def of_texts(
    records: Records, environment: str, character_id: str | None
) -> dict[tuple[str, str], Preview]:
    """A character's previews of the last day, by emotion and resolved text; the newest of each."""
    whose = Preview.character_id
    with records.reading() as session:
        found = session.scalars(
            select(Preview)
            .where(whose == character_id if character_id is not None else whose.is_(None))
            .where(Preview.environment == environment, Preview.expires_at > clock.now())
            .order_by(Preview.created_at)
        )
        return {(each.emotion, each.resolved_text): each for each in found}


def newest(
    records: Records, environment: str, character_id: str | None, emotion: str
) -> Preview | None:
    """The newest preview of a prompt as it stood or was typed."""
    with records.reading() as session:
        query = select(Preview).where(
            Preview.environment == environment,
            Preview.emotion == emotion,
            Preview.origin.not_in(("version", "proposed")),
            Preview.character_id == character_id
            if character_id is not None
            else Preview.character_id.is_(None),
        )
        return session.scalars(query.order_by(Preview.created_at.desc()).limit(1)).first()


def _new(wanted: Wanted, who: Caller, now: datetime) -> dict[str, Any]:
    brief = wanted.brief.as_json()
    return dict.fromkeys(COLUMNS) | {
        "id": str(uuid.uuid4()),
        "environment": wanted.environment,
        "character_id": wanted.character_id,
        "emotion": wanted.brief.emotion,
        "shown": {name: brief[name] for name in ("character", "label", "colour")},
        "prompt_text": wanted.prompt_text,
        "resolved_text": wanted.brief.text,
        "origin": wanted.origin,
        "version": wanted.version,
        "commit": wanted.commit,
        "service": wanted.service,
        "service_settings": dict(wanted.service_settings),
        "fingerprint": wanted.fingerprint,
        "status": Status.PENDING,
        "error": "",
        "created_by": who.actor[:80],
        "counts_for": preview_limits.counts_for(who),
        "account_id": who.account_id,
        "created_at": now,
        "expires_at": now + LIFE,
        "attempts": 0,
        "file": "",
        "remote_id": "",
        "facts": {},
        "log": [],
    }


def _just_added(row: Mapping[str, Any]) -> Preview:
    """The preview of a row that was just written; nothing takes note of each of its values."""
    made = Preview()
    made.__dict__.update(row)
    return made


def _living(fingerprint: str, now: datetime) -> dict[str, Any]:
    """What ALIVE is asked with: a finished preview of the same whose file is there and will be."""
    return {"fingerprint": fingerprint, "now": now, "made_since": now - REUSED}


def alive(session: Session, fingerprint: str, now: datetime) -> Preview | None:
    """A finished preview of the same whose file is there and will be."""
    found = session.connection().execute(ALIVE, _living(fingerprint, now)).scalar()
    return session.get(Preview, found) if found is not None else None


def _taken_over(same: Preview | Made, now: datetime) -> dict[str, Any]:
    """What a preview has of another that shows the same clip."""
    return {
        "status": Status.COMPLETED,
        "started_at": now,
        "completed_at": now,
        "file": same.file,
        "made_at": same.made_at,
        "size": same.size,
        "reused_from": same.reused_from or same.id,
        "seconds": same.seconds,
        "facts": same.facts,
        "log": same.log,
    }


def _change(session: Session, ident: str, present: Sequence[str], **values: object) -> bool:
    """Changes a preview that is in one of some states; says whether it was.

    The session must not have loaded it before.
    """
    done = session.execute(
        update(Preview)
        .where(Preview.id == ident, Preview.status.in_(present))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]
