"""Statements that are compiled once and sent by the driver: the same as SQLAlchemy's own way."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import DBAPIError, StatementError

from tests.test_records import entry
from webapp import audit_entries
from webapp.records import Records
from webapp.records.asking import Addition, Driver, Question
from webapp.records.models import AuditEntry

COLUMNS = tuple(AuditEntry.__table__.columns.keys())
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_SINCE = Question(
    select(AuditEntry.subject, AuditEntry.at, AuditEntry.detail, AuditEntry.hash)
    .where(AuditEntry.at >= bindparam("since"), AuditEntry.outcome == "done")
    .order_by(AuditEntry.id)
    .limit(2),
    lambda *values: values,
)
_ENTRY = Addition(insert(AuditEntry), COLUMNS)


def test_a_question_answers_as_sqlalchemy_does(records: Records) -> None:
    """Times keep their zone, JSON comes back as values and bytes as bytes; limits hold."""
    for number in range(4):
        one = entry(f"subject {number}")
        one.at, one.detail = NOON + timedelta(hours=number), {"ü": [number, None]}
        audit_entries.write(records, one)
    columns = AuditEntry.subject, AuditEntry.at, AuditEntry.detail, AuditEntry.hash
    query = select(*columns).where(AuditEntry.id.in_([2, 3])).order_by(AuditEntry.id)

    found = records.answers(_SINCE, since=NOON + timedelta(hours=1))

    assert [tuple(row) for row in records.rows(query)] == found
    assert ("subject 1", NOON + timedelta(hours=1), {"ü": [1, None]}) == found[0][:3]


def test_what_breaks_off_is_rolled_back(records: Records) -> None:
    """A transaction by the driver is all or nothing, and its connection is good afterwards."""
    with pytest.raises(StatementError), records.driving() as driver:
        _two(driver, _row(1), {**_row(2), "at": NOON.replace(tzinfo=None)})
    with records.driving(lasting=False) as driver:
        _ENTRY.add(driver, _row(2))

    assert [2] == [row.id for row in records.rows(select(AuditEntry.id))]


def test_errors_are_sqlalchemys(records: Records) -> None:
    """A number that is taken, and a value that can't be stored, are refused as it refuses them."""
    with records.driving() as driver:
        _ENTRY.add(driver, _row(1))

    with pytest.raises(DBAPIError), records.driving() as driver:
        _ENTRY.add(driver, _row(1))
    with pytest.raises(StatementError, match="JSON"), records.driving() as driver:
        _ENTRY.add(driver, {**_row(2), "detail": {"what": object()}})


def _two(driver: Driver, *rows: dict[str, object]) -> None:
    for row in rows:
        _ENTRY.add(driver, row)


def _row(number: int) -> dict[str, object]:
    values = audit_entries.columns(entry("driven"))
    return {**values, "id": number, "previous_hash": None, "hash": bytes(32)}


def test_a_connection_is_used_again_and_by_one_at_a_time(records: Records) -> None:
    """On SQLite; PostgreSQL's go back to the pool, which looks after them."""
    ready = records._ready[records.engine]
    with ready.driver() as first, ready.driver() as other:
        assert first is not other
    with ready.driver() as again:
        assert (again in (first, other)) == again.is_sqlite


def test_a_connection_in_which_something_broke_is_not_handed_on(records: Records) -> None:
    """With what it was in the midst of."""
    with pytest.raises(DBAPIError), records.driving() as driver:
        _two(driver, _row(1), _row(1))

    with records.driving() as after:
        assert after is not driver
    assert [] == records.rows(select(AuditEntry.id))


def test_a_child_of_the_process_makes_connections_of_its_own(records: Records) -> None:
    """SQLite's must not be carried across a fork."""
    ready = records._ready[records.engine]
    with ready.driver() as before:
        pass
    ready._process -= 1  # as if a parent had made it

    with ready.driver() as after:
        assert after is not before
