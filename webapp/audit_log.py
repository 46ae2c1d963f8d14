"""The audit log as a chain: append an entry, seal a stretch of it and cut what is older.

Entries are numbered without gaps, and each holds the hash of the one before. So whoever appends
must be alone for as long as that takes: SQLite's writers are, PostgreSQL's take a lock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.engine import Connection

from webapp.audit_chain import GENESIS, digest
from webapp.records import Records
from webapp.records.asking import Addition, Driver, Question
from webapp.records.models import AuditEntry, AuditSeal

LOCK = 7_260_311_846  # any number: PostgreSQL's advisory lock of the audit log
SEALED = "audit.seal"
LATELY = 50  # entries that are looked through for where something began
AT_A_TIME = 5_000  # entries that one transaction cuts


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain stands: the number and the hash of an entry."""

    entry: int
    hash: bytes


NONE_YET = Link(0, GENESIS)
_NEWEST = Question(
    select(AuditEntry.id, AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1),
    lambda number, its_hash: Link(number, its_hash or GENESIS),
)
_TAKE_LOCK = f"select pg_advisory_xact_lock({LOCK})"
_ENTRY = Addition(insert(AuditEntry), tuple(AuditEntry.__table__.columns.keys()))


def append(records: Records, values: Mapping[str, Any], *, lasting: bool = True) -> Link:
    """Appends an entry with these columns, and gives its place in the chain."""
    with records.driving(lasting=lasting) as driver:
        return append_within(driver, values)


def origin(records: Records, column: str, value: str, **known: Any) -> tuple[str, str]:
    """From where, and in which request, somebody asked for what a worker did; empty if unknown.

    The newest entry of a request that has `value` in a column, and in its detail what is `known`.
    """
    rows = AuditEntry.__table__.c
    query = (
        select(rows.address, rows.request_id, rows.detail)
        .where(rows[column] == value, rows.request_id != "")
        .order_by(rows.id.desc())
        .limit(LATELY)
    )
    for address, request, detail in records.rows(query):
        if known.items() <= detail.items():
            return address, request
    return "", ""


def rehearse(records: Records) -> None:
    """Goes through what an entry asks, and enters none, so that it is compiled."""
    origin(records, "path", "")
    with records.driving(lasting=False) as driver:
        _NEWEST.answers(driver, {})
        _ENTRY.prepare(driver)


def head(records: Records) -> Link:
    """The newest entry's place."""
    return next(iter(records.answers(_NEWEST)), NONE_YET)


def last_seal(records: Records) -> AuditSeal | None:
    """The newest seal; None where nothing was ever cut."""
    with records.reading() as session:
        return session.scalars(select(AuditSeal).order_by(AuditSeal.through.desc())).first()


def seal(records: Records, before: datetime, values: Mapping[str, Any]) -> AuditSeal | None:
    """Seals the beginning of the log that is older than `before`; None where that is nothing.

    An entry made while the clock was wrong takes no newer one before it along, and holds up none
    after it. The seal is a row that allows the cut, and an entry of the chain with the columns
    `values`.
    """
    with records.connecting(lasting=True) as connection:
        _be_alone(_driver_of(connection))
        lately = AuditEntry.at.between(before, datetime.now(UTC))
        young = select(func.min(AuditEntry.id)).where(lately).scalar_subquery()
        old = select(
            func.max(AuditEntry.id).label("through"),
            func.count().label("entries"),
            func.min(AuditEntry.at).label("since"),
            func.max(AuditEntry.at).label("until"),
        ).where(AuditEntry.at < before, or_(young.is_(None), AuditEntry.id < young))
        through, entries, since, until = connection.execute(old).one()
        if through is None:
            return None
        its_hash = connection.scalar(select(AuditEntry.hash).where(AuditEntry.id == through))
        row = {
            "through": through,
            "hash": its_hash,
            "entries": entries,
            "since": since,
            "until": until,
            "at": datetime.now(UTC),
        }
        connection.execute(insert(AuditSeal), row)
        append_within(
            _driver_of(connection), {**values, "detail": {**values["detail"], **_told(row)}}
        )
    return AuditSeal(**row)


def cut(records: Records) -> int:
    """Takes away what is sealed, some at a time; gives how many entries went."""
    sealed = last_seal(records)
    count = 0
    while sealed is not None:
        with records.connecting(lasting=True) as connection:
            first = connection.scalar(select(func.min(AuditEntry.id))) or 0
            until = min(sealed.through, first + AT_A_TIME - 1)
            gone = connection.execute(delete(AuditEntry).where(AuditEntry.id <= until)).rowcount
        count += gone
        if not gone:
            break
    return count


def append_within(driver: Driver, values: Mapping[str, Any]) -> Link:
    """Appends an entry in a transaction that writes more than this, so that both are or neither."""
    _be_alone(driver)
    last = next(iter(_NEWEST.answers(driver, {})), NONE_YET)
    entry = {**values, "id": last.entry + 1}
    made = digest(last.hash, entry)
    _ENTRY.add(driver, {**entry, "previous_hash": last.hash, "hash": made})
    return Link(last.entry + 1, made)


def _be_alone(driver: Driver) -> None:
    """Makes others wait until this transaction is over; SQLite's begin did so already."""
    if not driver.is_sqlite:
        driver.do(_TAKE_LOCK)


def _driver_of(connection: Connection) -> Driver:
    return Driver(connection.connection, connection.dialect)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "through": row["through"],
        "hash": row["hash"].hex(),
        "entries": row["entries"],
        "since": row["since"].isoformat(),
        "until": row["until"].isoformat(),
    }
