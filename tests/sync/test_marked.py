"""A table that is brought up to date by its watermark, without reading the last run's traces."""

import pytest

from sync import moving
from sync.errors import Cancelled
from sync.refreshing import Refreshing
from tests import servers
from tests.sync.databases import ask, carry_out, checksum, filled, sync

TABLES = "CREATE TABLE people (id bigint PRIMARY KEY, email text UNIQUE, moved timestamp)"
ROWS = """
INSERT INTO people SELECT n, 'ada' || n || '@old.test', '2026-01-01' FROM generate_series(1, 90) n;
UPDATE people SET moved = '2026-01-02' WHERE id > 80
"""
RULES = """
version: 1
tables: {people: {watermark: moved, columns: {id: keep, email: email, moved: keep}}}
"""
MOVE = """
UPDATE people SET email = 'm{0}.' || email, moved = '2026-02-{0}' WHERE id % 9 = {1} AND id < 91
"""


@pytest.fixture
def pair(postgres: servers.Postgres) -> tuple[str, str]:
    """Production, and a staging that was filled from it."""
    return filled(postgres, TABLES, ROWS, RULES)


@pytest.fixture
def _no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(_: Refreshing) -> None:
        raise AssertionError("the traces were asked")

    monkeypatch.setattr(Refreshing, "find", find)


def _as_anew(postgres: servers.Postgres, pair: tuple[str, str]) -> bool:
    sync(pair[0], anew := postgres.create(), RULES)
    return checksum(anew) == checksum(pair[1])


@pytest.mark.usefixtures("_no_traces")
def test_rows_that_come_and_move_need_no_traces(
    postgres: servers.Postgres, pair: tuple[str, str]
) -> None:
    """Run after run, and nothing is written where nothing moved."""
    for day in (10, 11, 12, 13):
        carry_out(
            pair[0],
            MOVE.format(day, day % 3),
            f"INSERT INTO people VALUES ({day * 100}, 'n{day}@new.test', '2026-02-{day} 06:00')",
        )
        total = sync(*pair, RULES).total
        assert (1, 10) == (total.inserted, total.updated)
        assert 0 == sync(*pair, RULES).total.written
        assert _as_anew(postgres, pair)


def test_what_staging_changed_itself_is_seen(pair: tuple[str, str]) -> None:
    """An edit of its own stays, one beside production's is a conflict; a row it lost stays lost."""
    carry_out(
        pair[1],
        "UPDATE people SET email = 'own@staging.test' || id WHERE id IN (1, 2)",
        "DELETE FROM people WHERE id = 3",
    )
    carry_out(pair[0], "UPDATE people SET email = 'x@y.test', moved = '2026-03-01' WHERE id = 2")

    paused = sync(*pair, RULES)
    again = sync(*pair, RULES, on_conflict="skip")

    assert ("paused", 1) == (paused.status, paused.total.conflicts)
    assert "completed" == again.status
    own = ask(pair[1], "SELECT id FROM people WHERE email LIKE 'own@staging.test_' ORDER BY 1")
    assert [(1,), (2,)] == own
    assert [] == ask(pair[1], "SELECT 1 FROM people WHERE id = 3")


def test_what_production_deleted_goes(postgres: servers.Postgres, pair: tuple[str, str]) -> None:
    """Also where as many came, and in the runs behind."""
    for day in (10, 11, 12):
        carry_out(
            pair[0],
            f"DELETE FROM people WHERE id = {day}",
            f"INSERT INTO people VALUES ({day * 100}, 'n{day}@new.test', '2026-02-{day}')",
            MOVE.format(day, 3),
        )
        assert 1 == sync(*pair, RULES).total.deleted
        assert 0 == sync(*pair, RULES).total.written
        assert _as_anew(postgres, pair)


@pytest.mark.usefixtures("_no_traces")
def test_a_run_that_ends_between_two_batches_is_gone_on_with(
    postgres: servers.Postgres, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watermark stays where it was until all of them are written."""
    monkeypatch.setattr(moving, "AT_ONCE", 3)
    carry_out(pair[0], MOVE.format(10, 1))
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        sync(*pair, RULES, cancelled=cancelled)
    moved = "SELECT count(*) FROM people WHERE moved = '2026-02-10'"
    (before,) = ask(pair[1], moved)
    total = sync(*pair, RULES).total

    assert ((6,), 10) == (before, total.updated)
    assert _as_anew(postgres, pair)
