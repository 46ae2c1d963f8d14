"""What SQLite says of its tables: columns, keys, triggers."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from sync.model import Cell, Column, ForeignKey, Schema, Table, Unique

OWN = "prompt_repo_sync_"
ROW_NUMBERS = ("rowid", "oid", "_rowid_")
"""What SQLite calls a row's number where no column has that name."""
SHAPES = (
    (r".*INT.*", "integer"),
    (r".*(CHAR|CLOB|TEXT|STRING).*", "text"),
    (r"(DATETIME|TIMESTAMP).*", "timestamp"),
    (r"DATE", "date"),
    (r"TIME", "time"),
    (r"BOOL.*", "boolean"),
    (r"JSON.*", "json"),
    (r"UUID", "uuid"),
    (r".*BLOB.*|BINARY.*|VARBINARY.*|BYTEA", "bytes"),
    (r".*(REAL|FLOA|DOUB|NUMERIC|DECIMAL|MONEY).*", "decimal"),
)


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def read_schema(connection: Connection) -> Schema:
    """The tables that a connection's database has, without the sync's own."""
    listed = connection.exec_driver_sql(
        "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ).fetchall()
    shadows = {row[0] for row in listed if re.match(r"(?i)\s*CREATE VIRTUAL", row[2] or "")}
    tables, left = {}, []
    for name, type_, _ in listed:
        if name.startswith(OWN) or any(name.startswith(f"{each}_") for each in shadows):
            continue
        if type_ == "view" or name in shadows:
            left.append(f"{name} ({'view' if type_ == 'view' else 'virtual table'})")
        else:
            tables[name] = _read_table(connection, name)
    known = {name.lower(): table for name, table in tables.items()}
    for name, table in tables.items():
        links = tuple(each for key in table.foreign_keys for each in _spelled(key, known))
        tables[name] = replace(table, foreign_keys=links)
    return Schema(tables, tuple(left))


def _spelled(key: ForeignKey, known: dict[str, Table]) -> Iterator[ForeignKey]:
    """A foreign key with names as its tables have them; none where it leads nowhere."""
    target = known.get(key.target.lower())
    if target is None:
        return
    own = {name.lower(): name for name in known[key.table.lower()].names}
    theirs = {name.lower(): name for name in target.names}
    wanted = key.target_columns or target.key
    there = all(each.lower() in own for each in key.columns)
    if there and all(each.lower() in theirs for each in wanted):
        yield replace(
            key, columns=tuple(own[each.lower()] for each in key.columns), target=target.name,
            target_columns=tuple(theirs[each.lower()] for each in wanted),
        )  # fmt: skip


def _read_table(connection: Connection, name: str) -> Table:
    def ask(query: str, *values: Cell) -> list[Any]:
        return list(connection.exec_driver_sql(query, tuple(values)).fetchall())

    found = ask('SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)', name)
    columns = tuple(_column(*row[:3]) for row in found if row[4] == 0)
    key = tuple(row[0] for row in sorted(found, key=lambda row: row[3]) if row[3])
    if not key:
        taken = {row[0].lower() for row in found}
        number = next(each for each in ROW_NUMBERS if each not in taken)
        columns = (Column(number, "INTEGER", "integer", nullable=False), *columns)
        key = (number,)
    triggers = ask(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE",
        name,
    )
    empty = " OR ".join(f"{quoted(each)} IS NULL" for each in key)
    nameless = ask(f"SELECT 1 FROM {quoted(name)} WHERE {empty} LIMIT 1")  # SQLite allows it
    return Table(
        name, "main", name, columns, () if nameless else key, tuple(_uniques(ask, name, key)),
        tuple(_foreign(ask, name)), tuple(row[0] for row in triggers),
        ask(f"SELECT count(*) FROM {quoted(name)}")[0][0],
        generated=tuple(row[0] for row in found if row[4] in (2, 3)),
    )  # fmt: skip


def _column(name: str, type_: str, filled: int) -> Column:
    length = re.search(r"CHAR\w*\s*\((\d+)\)", type_.upper())
    shape = next(
        (shape for pattern, shape in SHAPES if re.fullmatch(pattern, type_.upper())), "text"
    )
    return Column(name, type_ or "any", shape, not filled, int(length[1]) if length else None)


def _uniques(ask: Any, name: str, key: tuple[str, ...]) -> Iterator[Unique]:
    yield Unique("primary key", key)
    for index, unique in ask('SELECT name, "unique" FROM pragma_index_list(?)', name):
        if unique:
            parts = [row[0] for row in ask("SELECT name FROM pragma_index_info(?)", index)]
            bare = tuple(part for part in parts if part is not None)
            if bare != key:
                yield Unique(index, bare, "expression" if None in parts else "")


def _foreign(ask: Any, name: str) -> Iterator[ForeignKey]:
    rows = ask(
        'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq', name
    )
    for number in sorted({row[0] for row in rows}):
        parts = [row for row in rows if row[0] == number]
        theirs = tuple(row[3] for row in parts)
        if None in theirs:  # the primary key's
            theirs = ()
        yield ForeignKey(
            f"{name}_{number}", name, tuple(row[2] for row in parts), parts[0][1], theirs
        )
