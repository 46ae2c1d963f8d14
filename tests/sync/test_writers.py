"""Columns written into staging: by either writer, and by two of them in turns."""

import itertools
import threading
from typing import Any

import pytest

from sync import filling, tables_binary
from sync import run as sync_run
from sync.errors import Unsupported
from sync.tables_text_columns import TextWriter
from sync.tables_writing import ColumnWriter
from tests import servers
from tests.sync.databases import ask, carry_out, checksum, sync

KINDS = """
CREATE TABLE kinds (
  id bigint PRIMARY KEY, small smallint, plain integer, big bigint, said text, short varchar(20),
  padded char(5), yes boolean, day date, token uuid, raw bytea, told json, known jsonb,
  at timestamp, seen timestamptz, rough timestamp(3)
);
"""
CELLS = """
INSERT INTO kinds VALUES
  (1, -32768, 2147483647, -9223372036854775808, E'tab\\tline\\n\\\\N', 'é😀', 'ab', true,
   '1969-02-03', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x00ff5c', '{"a" :  1}',
   '{"b": [1, null]}', '1902-01-01 01:02:03.000001', '2026-11-26 10:00:00.123456+02',
   '2020-01-01 00:00:00.123'),
  (3, 0, 0, 0, '', '', '', false, '0001-01-01', '00000000-0000-0000-0000-000000000000', '', '""',
   '""', '0001-01-01', '9999-12-31 23:59:59.999999+00', '2000-01-01');
INSERT INTO kinds (id) VALUES (2);
INSERT INTO kinds (id, said, token) SELECT n, 'no ' || n, gen_random_uuid()
  FROM generate_series(4, 5000) n;
"""
KEPT = """
version: 1
tables:
  kinds:
    columns:
      {id: keep, small: keep, plain: keep, big: keep, said: keep, short: keep, padded: keep,
       yes: keep, day: keep, token: keep, raw: keep, told: keep, known: keep, at: keep, seen: keep,
       rough: keep}
"""

USERS = "CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL, badge text);"
PEOPLE = 60_000
BADGES = f"""
INSERT INTO users SELECT n, 'Ada Nr ' || n, 'badge ' || n FROM generate_series(1, {PEOPLE}) n;
"""
RULES = "{version: 1, tables: {users: {columns: {id: keep, name: full_name, badge: keep}}}}"


def texts_forbidden(self: TextWriter, *_: object) -> None:
    """Stands in for the writer of texts where it is not to be asked."""
    pytest.fail("a table went as texts")


@pytest.mark.parametrize("with_pgpq", [True, False])
def test_every_type_of_a_column_is_written_exactly(
    postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch, with_pgpq: bool
) -> None:
    """Also where there is no pgpq, and ADBC writes."""
    assert tables_binary.has_pgpq
    monkeypatch.setattr(tables_binary, "has_pgpq", with_pgpq)
    monkeypatch.setattr(TextWriter, "put", texts_forbidden)
    source, target = postgres.create(), postgres.create()
    carry_out(source, KINDS, CELLS)

    result = sync(source, target, KEPT)

    assert ("completed", 5000) == (result.status, result.total.inserted)
    assert checksum(source) == checksum(target)
    assert 0 == sync(source, target, KEPT).total.written


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> set[ColumnWriter]:
    """Those that put rows in."""
    found = set[ColumnWriter]()
    put = tables_binary.BinaryWriter.put

    def noted(self: tables_binary.BinaryWriter, *given: Any) -> None:
        found.add(self)
        put(self, *given)

    monkeypatch.setattr(tables_binary.BinaryWriter, "put", noted)
    return found


def test_two_write_one_table_in_turns(
    postgres: servers.Postgres, writers: set[ColumnWriter]
) -> None:
    """Each block tells the transaction that wrote its rows, in the order of the key."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, USERS, BADGES)

    assert PEOPLE == sync(source, target, RULES).total.inserted

    stamps = ask(
        target,
        "SELECT number, stamp, count(*), min(id), max(id) FROM users "
        "JOIN prompt_repo_sync.blocks ON stamp = users.xmin::text::bigint GROUP BY 1, 2 ORDER BY 1",
    )
    assert filling.HANDS == len(writers)
    assert PEOPLE == sum(rows for _, _, rows, _, _ in stamps) == stamps[-1][4]
    for (number, _, _, _, last), (following, _, _, first, _) in itertools.pairwise(stamps):
        assert (number + 1, last + 1) == (following, first)


def test_two_that_stand_in_each_others_way_end(
    postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later piece holds a value that the earlier one needs: staging alone has it unique."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, USERS, BADGES, "UPDATE users SET badge = 'both' WHERE id IN (1, 1500)")
    carry_out(target, USERS, "CREATE UNIQUE INDEX one_each ON users (badge)")
    put = tables_binary.BinaryWriter.put
    numbers, second = iter(range(1000)), threading.Event()

    def held(self: Any, *given: Any) -> None:
        number = next(numbers)
        if number == 0:
            assert second.wait(60)
        put(self, *given)
        if number == 1:
            second.set()

    monkeypatch.setattr(tables_binary.BinaryWriter, "put", held)
    monkeypatch.setattr(tables_binary.BinaryWriter, "waits", 1)

    with pytest.raises(Unsupported, match="users has rows that can't be written"):
        sync(source, target, RULES)

    assert second.is_set()
    assert [(PEOPLE - 1, 1)] == ask(
        target, "SELECT count(*), min(id) FILTER (WHERE badge = 'both') FROM users"
    )


def test_one_writes_where_staging_takes_no_more_connections(
    postgres: servers.Postgres, writers: set[ColumnWriter]
) -> None:
    """Of the two that a role may have here, the run itself holds one."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, USERS, BADGES)
    name = target.split("/")[3].partition("?")[0]
    role = f"two_{name}"
    carry_out(
        target, f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 2",
        f"GRANT SET ON PARAMETER session_replication_role TO {role}",
        f"ALTER DATABASE {name} OWNER TO {role}",
    )  # fmt: skip

    result = sync(source, target.replace("postgres@", f"{role}@"), RULES)

    assert (PEOPLE, 1) == (result.total.inserted, len(writers))
    carry_out(target, f"REVOKE SET ON PARAMETER session_replication_role FROM {role}")


def test_few_rows_are_kept_to_be_searched_for_where_cells_are_large(
    postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at least, and no more than there is room for."""
    kept = list[int]()

    def counted(*given: Any) -> list[Any]:
        kept.append(len(given[-1]))
        return []

    monkeypatch.setattr(sync_run, "search", counted)
    source, target = postgres.create(), postgres.create()
    carry_out(source, USERS, BADGES, "UPDATE users SET badge = repeat(badge, 100)")
    for room in (2**26, 20_000, 1):
        monkeypatch.setattr(filling, "MOST_HELD", room)
        sync(source, target, RULES)
        carry_out(target, "DROP SCHEMA prompt_repo_sync CASCADE", "TRUNCATE users")

    assert kept[0] >= filling.MOST_SAMPLED
    assert 1 < kept[1] < 30
    assert 1 == kept[2]
