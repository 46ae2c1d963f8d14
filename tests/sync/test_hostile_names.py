"""Names of tables and columns that mean something to SQL, to Python or to the sync itself."""

from pathlib import Path

import pytest

from tests import servers
from tests.sync.databases import ask, carry_out, checksum, draft, sync

TABLES = ("plain", 'odd %s ? "x"; DROP TABLE plain; --', "we'ird\\{0}:a", "CaseD.dot")
COLUMNS = (
    "seen_stamp", "a%b", "a%sb", 'q"uote', "ap'os", "back\\slash", "new\nline", "{x}", ":name",
    "$1", "t", "n", "ord;er -- x", "key", "content", "?", "%(x)s",
)  # fmt: skip


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("table", TABLES)
def test_every_way_of_a_sync_takes_such_names(postgres: servers.Postgres, table: str) -> None:
    """Filled, filled as text, with indexes last; moved, deleted, in conflict, by a watermark."""
    source, target = postgres.create(), postgres.create()
    name, columns = _quoted(table), ", ".join(f"{_quoted(each)} text" for each in COLUMNS)
    first, second = _quoted(COLUMNS[0]), _quoted(COLUMNS[1])
    cells = ", ".join("'Value ' || n || ' x'" for _ in COLUMNS)
    carry_out(
        source,
        f"CREATE TABLE {name} (id bigserial PRIMARY KEY, {columns}, moved_at timestamp)",
        f"INSERT INTO {name} SELECT n, {cells}, '2026-01-01' FROM generate_series(1, 50) n",
    )
    rules = draft(source)
    marked = rules.replace("    columns:", "    watermark: moved_at\n    columns:")
    assert (50, 0) == tuple(sync(source, target, rules).total.written for _ in range(2))

    carry_out(source, f"UPDATE {name} SET {first} = 'moved' WHERE id < 6",
              f"DELETE FROM {name} WHERE id = 50")  # fmt: skip
    moved = sync(source, target, rules).total
    carry_out(source, f"UPDATE {name} SET {second} = 'theirs' WHERE id < 3")
    carry_out(target, f"UPDATE {name} SET {second} = 'own' WHERE id < 3")
    paused = sync(source, target, rules).status
    settled = sync(source, target, rules, on_conflict="overwrite").status
    sync(source, target, marked)
    carry_out(source, f"UPDATE {name} SET {first} = 'again', moved_at = '2026-02-01' WHERE id < 4")

    assert (5, 1, "paused", "completed") == (moved.updated, moved.deleted, paused, settled)
    assert 3 == sync(source, target, marked).total.updated
    for how in ({}, {"by_columns": False}, {"indexes_last": True}):
        sync(source, anew := postgres.create(), marked, **how)
        assert checksum(target) == checksum(anew)
    assert [(49,)] == ask(target, f"SELECT count(*) FROM {name}")


def test_a_key_called_like_two_columns_is_one(tmp_path: Path) -> None:
    """Names that go with an email are looked up by it, in a SQLite file too."""
    source, target = (f"sqlite:///{tmp_path / name}.sqlite3" for name in ("live", "copy"))
    carry_out(
        source,
        """CREATE TABLE people ("a, b" INTEGER PRIMARY KEY, full_name TEXT, email TEXT);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT);
        INSERT INTO people VALUES (1, 'Ada King', 'ada@old.test');
        INSERT INTO orders VALUES (7, 'ada@old.test')""",
    )

    assert 2 == sync(source, target).total.inserted
    query = "SELECT count(*) FROM people JOIN orders USING (email)"
    assert [(1,)] == ask(target, query)
