"""Exports and imports in the records: begun, found, moved on, over."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from webapp import clock
from webapp.access import Caller
from webapp.config import Settings
from webapp.records import Records
from webapp.records.transfer_models import Kind, Status, Transfer
from webapp.transfer_errors import TooManyTransfers, TransferNotFound

WARNED = 50  # warnings that are kept
LIFE = timedelta(hours=24)
HOUR = timedelta(hours=1)


def begin(
    records: Records,
    settings: Settings,
    who: Caller,
    kind: Kind,
    environment: str,
    commit: str,
    name: str,
    options: dict[str, Any],
) -> Transfer:
    """Enters a new one; raises TooManyTransfers."""
    now = clock.now()
    made = Transfer(
        id=str(uuid.uuid4()),
        kind=kind,
        environment=environment,
        commit=commit,
        name=name[:200],
        status=Status.PENDING,
        options=options,
        facts={},
        error="",
        file="",
        created_by=who.actor[:80],
        account_id=who.account_id,
        created_at=now,
        expires_at=now + LIFE,
    )
    with records.writing() as session:
        mine = (Transfer.created_by == made.created_by, Transfer.created_at > now - HOUR)
        count = session.scalar(select(func.count()).select_from(Transfer).where(*mine)) or 0
        if count >= settings.transfer_limit:
            oldest = session.scalar(select(func.min(Transfer.created_at)).where(*mine)) or now
            raise TooManyTransfers(
                settings.transfer_limit, int((oldest + HOUR - now).total_seconds()) + 1
            )
        session.add(made)
    return made


def find(records: Records, ident: str, kind: Kind) -> Transfer:
    """One by its id; raises TransferNotFound."""
    with records.reading() as session:
        found = session.get(Transfer, ident)
    if found is None or found.kind != kind:
        raise TransferNotFound
    return found


def move(records: Records, ident: str, present: Sequence[Status], **values: Any) -> bool:
    """Changes one that is in one of some states; says whether it was."""
    return _moved(records, (Transfer.id == ident, Transfer.status.in_(present)), values)


def move_begun(records: Records, found: Transfer, present: Sequence[Status], **values: Any) -> bool:
    """The same, where nobody called it off and began anew since it was `found`."""
    same = Transfer.id == found.id, Transfer.started_at == found.started_at
    return _moved(records, (*same, Transfer.status.in_(present)), values)


def _moved(
    records: Records, wanted: Sequence[ColumnElement[bool]], values: Mapping[str, Any]
) -> bool:
    with records.writing() as session:
        done = session.execute(update(Transfer).where(*wanted).values(**values))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def few(warnings: Sequence[str]) -> list[str]:
    """The first of many warnings, and how many more there are."""
    more = len(warnings) - WARNED
    return [*warnings[:WARNED], *([f"and {more:,} more like these"] if more > 0 else [])]


def listed(records: Records, limit: int = 20) -> list[Transfer]:
    """The newest of everybody."""
    with records.reading() as session:
        query = select(Transfer).order_by(Transfer.created_at.desc()).limit(limit)
        return list(session.scalars(query))


def expired(records: Records, limit: int = 200) -> list[Transfer]:
    """Those whose files are to go."""
    with records.reading() as session:
        return list(
            session.scalars(
                select(Transfer)
                .where(Transfer.cleaned_at.is_(None), Transfer.expires_at <= clock.now())
                .limit(limit)
            )
        )
