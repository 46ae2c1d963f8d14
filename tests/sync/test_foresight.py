"""Tables that watermarks tell of are read before their turns, while others are written."""

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sync import foresight, tables_postgres_late
from sync.errors import Cancelled, DatabaseFailed
from sync.model import Table
from sync.refreshing import Refreshing
from sync.tables_postgres_telling import Counting
from tests import servers
from tests.sync.databases import ask, carry_out, checksum, filled, sync
from tests.sync.test_killed import killed

TABLES = """
CREATE TABLE people (id bigint PRIMARY KEY, email text UNIQUE, said text, moved timestamp);
CREATE TABLE tasks (id integer PRIMARY KEY, person bigint REFERENCES people, state text,
  moved date);
CREATE TABLE visits (id bigint PRIMARY KEY, state text, moved timestamptz)
"""
ROWS = r"""
INSERT INTO people SELECT n, 'ada' || n || '@old.test', E'a\\b\tc' || n, '2026-01-01'
  FROM generate_series(1, 200) n;
INSERT INTO tasks SELECT n, 1 + n % 200, nullif('state ' || n, 'state 7'), '2026-01-01'
  FROM generate_series(1, 300) n;
INSERT INTO visits SELECT n, 'here', '2026-01-01' FROM generate_series(1, 90) n
"""
RULES = """
version: 1
tables:
  people: {watermark: moved, columns: {id: keep, email: email, said: keep, moved: keep}}
  tasks: {watermark: moved, columns: {id: keep, person: keep, state: keep, moved: keep}}
  visits: {watermark: moved, columns: {id: keep, state: keep, moved: keep}}
"""
MOVE = (
    "UPDATE people SET email = 'moved.' || email, said = NULL, moved = '2026-02-{0}' "
    "WHERE id % 9 = 1",
    r"INSERT INTO people VALUES (10{0}, 'new{0}@new.test', E'n\\N\n', '2026-02-{0}')",
    "UPDATE tasks SET state = 'moved {0}', moved = '2026-02-{0}' WHERE id % 7 = 0",
    "DELETE FROM tasks WHERE id = {0}",
    "UPDATE visits SET state = 'gone', moved = '2026-02-{0}' WHERE id % 5 = 0",
)


def _move(url: str, day: int) -> None:
    carry_out(url, *(each.format(day) for each in MOVE))


@pytest.fixture
def pair(postgres: servers.Postgres) -> tuple[str, str]:
    """Production, and a staging that was filled from it."""
    return filled(postgres, TABLES, ROWS, RULES)


def _as_anew(postgres: servers.Postgres, pair: tuple[str, str]) -> bool:
    sync(pair[0], anew := postgres.create(), RULES)
    return checksum(anew) == checksum(pair[1])


@pytest.mark.parametrize("large", [2**30, 0], ids=["in one pass", "in two"])
@pytest.mark.parametrize("depth", [1, 2])
def test_several_tables_come_to_what_a_new_staging_holds(
    postgres: servers.Postgres, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch,
    large: int, depth: int,
) -> None:  # fmt: skip
    """Run after run, however many are read ahead, and by one pass or by two."""
    monkeypatch.setattr(tables_postgres_late, "LARGE", large)
    monkeypatch.setattr(foresight, "DEPTH", depth)
    for day in (10, 11, 12):
        _move(pair[0], day)
        total = sync(*pair, RULES).total
        assert (1, 1) == (total.inserted, total.deleted)
        assert 0 == sync(*pair, RULES).total.written
        assert _as_anew(postgres, pair)


def test_more_rows_than_are_held_are_told_by_the_traces(
    postgres: servers.Postgres, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more are taken along than the limit and one; then the last run's traces are read."""
    monkeypatch.setattr(foresight, "MOST", 3)
    by_traces: list[str] = []
    find = Refreshing.find

    def found(self: Refreshing) -> Any:
        by_traces.append(self._work.table.name)
        return find(self)

    monkeypatch.setattr(Refreshing, "find", found)
    _move(pair[0], 10)
    sync(*pair, RULES)

    assert ["people", "tasks", "visits"] == sorted(by_traces)
    assert _as_anew(postgres, pair)


def test_values_that_others_hold_are_written_row_by_row(
    postgres: servers.Postgres, pair: tuple[str, str]
) -> None:
    """Two people swap their addresses, which are unique: no bulk can write that."""
    swap = "UPDATE people SET email = '{0}', moved = '2026-02-20' WHERE id = {1}"
    carry_out(
        pair[0],
        swap.format("aside", 1),
        swap.format("ada1@old.test", 2),
        swap.format("ada2@old.test", 1),
    )

    assert 2 == sync(*pair, RULES).total.updated
    assert 0 == sync(*pair, RULES).total.written
    assert _as_anew(postgres, pair)


def test_an_error_of_a_table_that_is_read_ahead_comes_in_its_turn(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes before it is carried over; the run fails with what the database said of it."""
    _move(pair[0], 10)
    count = Counting.standing

    def standing(self: Counting, table: Table, stamps: list[int]) -> tuple[int, int]:
        if table.name == "visits":
            raise psycopg.errors.InsufficientPrivilege("permission denied for table visits")
        return count(self, table, stamps)

    with monkeypatch.context() as patched:
        patched.setattr(Counting, "standing", standing)
        with pytest.raises(DatabaseFailed, match="table visits"):
            sync(*pair, RULES)

    assert [(1,)] == ask(pair[1], "SELECT count(*) FROM people WHERE id = 1010")
    assert [] == ask(pair[1], "SELECT 1 FROM visits WHERE state = 'gone'")
    assert "completed" == sync(*pair, RULES).status


def test_a_cancelled_run_leaves_nobody_who_reads(pair: tuple[str, str]) -> None:
    """Neither thread nor connection of what was read ahead stays behind; the next run goes on."""
    _move(pair[0], 10)
    before = threading.active_count()
    with pytest.raises(Cancelled):
        sync(*pair, RULES, cancelled=lambda: True)

    assert before == threading.active_count()
    others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'prompt-repo sync'"
    for _ in range(100):  # a server takes a moment to see that a client went
        if ask(pair[0], others) == [(0,)]:
            break
    else:
        pytest.fail("a connection stayed behind")
    assert "completed" == sync(*pair, RULES).status


@pytest.mark.slow
def test_killed_while_tables_are_read_ahead_and_gone_on_with(
    postgres: servers.Postgres, pair: tuple[str, str], tmp_path: Path
) -> None:
    """Killed before or behind each commit, one run after the other, it ends as if never killed."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    _move(pair[0], 10)
    deaths, number = 0, 1
    while killed(*pair, rules, number, "before" if number % 2 else "behind"):
        deaths += 1
        number += 1

    assert deaths >= 4
    assert "completed" == sync(*pair, RULES).status
    assert _as_anew(postgres, pair)
    assert 0 == sync(*pair, RULES).total.written
