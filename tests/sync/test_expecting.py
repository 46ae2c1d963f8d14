"""What is asked for next is read while others go on; who asks gets the same."""

from collections.abc import Iterator

import pytest

from sync.tables_arrow import ArrowReader
from sync.tables_postgres import PostgresSource
from tests import servers
from tests.sync.databases import ask, carry_out, checksum, filled, sync

MANY = "SELECT n FROM generate_series(1, 2000000) n"
FEW = "SELECT n FROM generate_series(1, 3) n"
TABLES = """
CREATE TABLE people (id bigint PRIMARY KEY, name text);
CREATE TABLE pets (id bigint PRIMARY KEY, name text);
CREATE TABLE toys (id bigint PRIMARY KEY, name text)
"""
ROWS = "; ".join(
    f"INSERT INTO {table} SELECT n, 'it ' || n FROM generate_series(1, 300) n"
    for table in ("people", "pets", "toys")
)
RULES = """
version: 1
tables:
  people: {columns: {id: keep, name: keep}}
  pets: {columns: {id: keep, name: keep}}
  toys: {columns: {id: keep, name: keep}}
"""
MOVE = "UPDATE {0} SET name = 'moved' WHERE id % 9 = 1; DELETE FROM {0} WHERE id = 5"


@pytest.fixture
def reader(postgres: servers.Postgres) -> Iterator[ArrowReader]:
    """A reader of an empty database."""
    source = PostgresSource(postgres.create())
    reader = ArrowReader(source.url, source.shared())
    yield reader
    reader.close()
    source.close()


def _read(reader: ArrowReader, query: str) -> list[int]:
    return [cell for batch in reader.read(query) for cell in batch[0].to_pylist()]


@pytest.mark.parametrize("expected", [[], [FEW], [MANY], [MANY, FEW], [FEW, MANY], [MANY, MANY]])
def test_who_asks_gets_what_was_asked_for(reader: ArrowReader, expected: list[str]) -> None:
    """Whatever was expected before, and once more behind it."""
    for query in expected:
        reader.expect(query)

    assert [1, 2, 3] == _read(reader, FEW)
    assert [1, 2, 3] == _read(reader, FEW)
    assert sum(range(2_000_001)) == sum(_read(reader, MANY))


def test_nobody_need_ask(reader: ArrowReader) -> None:
    """The reader is closed by its fixture while a query is at work."""
    reader.expect("SELECT pg_sleep(0.2)::text FROM generate_series(1, 5)")


def test_what_fails_is_raised_to_who_asks(reader: ArrowReader) -> None:
    """A query that the server refuses in its midst."""
    broken = "SELECT 1 / (n - 900000) FROM generate_series(1, 1000000) n"
    reader.expect(broken)

    with pytest.raises(Exception, match="division by zero"):
        _read(reader, broken)


@pytest.mark.parametrize("moves", [["people"], ["people", "toys"], ["people", "pets", "toys"]])
def test_tables_behind_a_moved_one_are_told_of_as_ever(
    postgres: servers.Postgres, moves: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their hashes are read while it is settled; staging is as if it were filled anew."""
    pair = filled(postgres, TABLES, ROWS, RULES)
    asked: list[str] = []
    expect = PostgresSource.expect_hashes

    def noted(self: PostgresSource, table: object, selection: object) -> None:
        asked.append(table.name)  # type: ignore[attr-defined]
        expect(self, table, selection)  # type: ignore[arg-type]

    monkeypatch.setattr(PostgresSource, "expect_hashes", noted)
    for table in moves:
        carry_out(pair[0], MOVE.format(table))

    result = sync(*pair, RULES)

    moved = sum(34 + 1 for _ in moves)
    assert (["pets", "toys"], moved) == (asked, result.total.written)
    sync(pair[0], anew := postgres.create(), RULES)
    assert checksum(anew) == checksum(pair[1])
    assert ask(pair[1], "SELECT count(*) FROM people") == [(299,)]


@pytest.mark.parametrize("there", [0, 3])
def test_the_first_rows_are_read_while_a_first_run_gets_ready(
    postgres: servers.Postgres, there: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staging comes to hold the same, also where it has rows, which are compared one by one."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, TABLES, ROWS)
    carry_out(target, TABLES)
    rows = f"SELECT n, 'it ' || n FROM generate_series(1, {there}) n"
    carry_out(target, f"INSERT INTO people {rows}")
    expected: list[str] = []
    expect = ArrowReader.expect

    def noted(self: ArrowReader, query: str) -> ArrowReader:
        expected.append(query)
        return expect(self, query)

    monkeypatch.setattr(ArrowReader, "expect", noted)

    result = sync(source, target, RULES)

    assert (900 - there, 1) == (result.total.written, len(expected))
    assert checksum(source) == checksum(target)
    assert 0 == sync(source, target, RULES).total.written
