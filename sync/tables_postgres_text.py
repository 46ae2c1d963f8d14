"""PostgreSQL as the sync speaks to it: connections, names, and rows as COPY's text."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import conninfo, errors, pq, sql

from sync.errors import UnusableDatabase
from sync.model import Cell, Row, Table
from sync.tables import BATCH

# What is not named here, pg_catalog, PostgreSQL looks through first: somebody's function in public
# that is called like one of its own is not taken for it.
SETTINGS = (
    "SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; "
    "SET bytea_output = 'hex'; SET extra_float_digits = 1; SET client_encoding = 'UTF8'; "
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; "
    "SELECT set_config(name, '0', false) FROM (VALUES ('idle_session_timeout'), "
    "('transaction_timeout')) known (name) WHERE current_setting(name, true) IS NOT NULL; "
    "SET default_transaction_isolation = 'read committed'; "
    "SET search_path = public, pg_temp"
)
ESCAPES = {
    "\\\\": "\\",
    "\\t": "\t",
    "\\n": "\n",
    "\\r": "\r",
    "\\b": "\b",
    "\\f": "\f",
    "\\v": "\v",
}


def connect(url: str, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection with settings under which values have one spelling. Raises UnusableDatabase."""
    scheme, colon, rest = url.partition(":")
    address = scheme.partition("+")[0] + colon + rest
    _check(address)
    try:
        connection = psycopg.connect(address, autocommit=True, application_name="prompt-repo sync")
    except psycopg.Error as error:
        raise UnusableDatabase(f"the database can't be opened: {said(error)}") from error
    connection.execute(SETTINGS)
    connection.autocommit = options.get("autocommit", False)
    return connection


def as_replica(connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    """Switches triggers and foreign keys off for this session alone; whether its role may do so."""
    try:
        connection.execute("SET session_replication_role = replica")
    except errors.InsufficientPrivilege:
        connection.rollback()
        return False
    connection.commit()
    return True


def _check(address: str) -> None:
    """Raises UnusableDatabase for an address of which errors would quote parts of the password."""
    try:
        parts = conninfo.conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        parts = None
    if (
        parts is None
        or re.search("[^,]@", str(parts.get("host") or ""))
        or not re.fullmatch("[0-9,]*", str(parts.get("port") or ""))
    ):
        raise UnusableDatabase(
            "the database's address can't be read; in a password write @ / : ? # % and blanks as "
            "%40 %2F %3A %3F %23 %25 %20"
        )


def cancel(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Ends what a connection is being asked by another thread; one that is closed asks nothing."""
    with suppress(psycopg.Error):
        connection.cancel_safe()


def said(error: psycopg.Error) -> str:
    """What PostgreSQL said, in one line."""
    return str(error).strip().split("\n")[0]


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def table_name(table: Table) -> str:
    """A table's name as SQL writes it."""
    return f"{quoted(table.schema)}.{quoted(table.bare)}"


def names_of(columns: Sequence[str], prefix: str = "") -> str:
    """Columns as SQL lists them."""
    return ", ".join(prefix + quoted(column) for column in columns)


def from_table(table: Table) -> str:
    """The table alone, without those that inherit from it, unless they are its partitions."""
    return table_name(table) if table.partitioned else f"ONLY {table_name(table)}"


def order_of(table: Table, prefix: str = "t.") -> list[str]:
    """The key's columns in an order that Python has, too."""
    made = []
    for name in table.key:
        column = table.column(name)
        bare = column.shape in ("integer", "uuid") and not column.array
        made.append(prefix + quoted(name) + ("" if bare else '::text COLLATE "C"'))
    return made


def key_in_one(table: Table, prefix: str = "t.") -> str:
    """A key as one value that no other key has: a number, or a text."""
    if len(table.key) > 1:
        parts = ", ".join(f"{prefix}{quoted(name)}::text" for name in table.key)
        return f"json_build_array({parts})::text"
    whole = table.column(table.key[0]).shape == "integer"
    return f"{prefix}{quoted(table.key[0])}::{'bigint' if whole else 'text'}"


def has_key(table: Table, keys: Sequence[int | str], prefix: str = "t.") -> str:
    """The condition for rows that have one of some keys, as `key_in_one` gives them."""
    if len(table.key) > 1:
        made = sql.Literal(list(keys)).as_string(None)
        return f"{key_in_one(table, prefix)} = ANY({made.strip()}::text[])"
    type_ = table.column(table.key[0]).type
    if all(isinstance(key, int) for key in keys):  # spelled here, at a tenth
        listed = ",".join(map(str, keys))
        return f"{prefix}{quoted(table.key[0])} = ANY('{{{listed}}}'::{type_}[])"
    made = sql.Literal([str(key) for key in keys]).as_string(None).strip()
    return f"{prefix}{quoted(table.key[0])} = ANY({made}::text[]::{type_}[])"


def after_key(table: Table, after: Row | None) -> str:
    """The condition for rows behind a key."""
    return _beside(table, ">", after)


def until_key(table: Table, until: Row | None) -> str:
    """The condition for rows up to a key."""
    return _beside(table, "<=", until)


def _beside(table: Table, how: str, cells: Row | None) -> str:
    if cells is None:
        return ""
    left = ", ".join(order_of(table))
    right = ", ".join(
        f"{literal(cell)}" + ("::uuid" if table.column(name).shape == "uuid" else "")
        for name, cell in zip(table.key, cells, strict=True)
    )
    return f"({left}) {how} ({right})"


def literal(cell: Cell) -> str:
    """A value as SQL writes it."""
    made: str = sql.Literal(cell).as_string(None)
    return made.strip()


def checksum_of(columns: str) -> str:
    """The number of rows and the sum of two hashes of each: whatever moves, moves them."""
    row = f"ROW({columns})::text"
    sums = [f"coalesce(sum(hashtextextended({row}, {seed})), 0)::text" for seed in (1, 2)]
    return f"concat_ws(' ', count(*), {', '.join(sums)})"


def rows_of(lines: Sequence[bytes]) -> list[Row]:
    """Rows out of the lines that COPY gives."""
    text = b"".join(lines).decode()
    found = text[:-1].split("\n")
    if "\\" not in text:
        return [tuple(line.split("\t")) for line in found]
    return [
        tuple(line.split("\t"))
        if "\\" not in line
        else tuple(None if part == "\\N" else unescaped(part) for part in line.split("\t"))
        for line in found
    ]


def unescaped(part: str) -> str:
    """A cell as it was before COPY spelled it."""
    if "\\" not in part:
        return part
    made, rest = [], iter(part)
    for each in rest:
        made.append(ESCAPES["\\" + next(rest)] if each == "\\" else each)
    return "".join(made)


def lines_of(rows: Sequence[Sequence[Cell]]) -> bytes:
    """Rows as COPY takes them."""
    made = "\n".join([_line(row) for row in rows]) + "\n"
    width = len(rows[0]) - 1 if rows else 0
    plain = "\\" not in made and "\r" not in made
    if not plain or made.count("\t") != width * len(rows) or made.count("\n") != len(rows):
        made = "".join([_escaped_line(row) + "\n" for row in rows])
    return made.encode()


def _line(row: Sequence[Cell]) -> str:
    try:
        return "\t".join(row)  # type: ignore[arg-type]
    except TypeError:  # a null among them
        return _escaped_line(row)


def _escaped_line(row: Sequence[Cell]) -> str:
    return "\t".join(["\\N" if cell is None else _escaped(str(cell)) for cell in row])


def _escaped(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text or "\t" in text or "\r" in text:
        text = text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return text


def copied_out(connection: psycopg.Connection[tuple[Any, ...]], query: str) -> Iterator[list[Row]]:
    """What a query gives, in batches; by libpq itself, which costs a third of psycopg's reader."""
    for lines in _copied_out(connection, query, lambda lines, _: len(lines) >= BATCH):
        yield rows_of(lines)


def lines_out(
    connection: psycopg.Connection[tuple[Any, ...]], query: str, most: int
) -> Iterator[bytes]:
    """The same as COPY's own lines, in pieces of about so many bytes."""
    for lines in _copied_out(connection, query, lambda _, size: size >= most):
        yield b"".join(lines)


def _copied_out(
    connection: psycopg.Connection[tuple[Any, ...]],
    query: str,
    full: Callable[[list[bytes], int], bool],
) -> Iterator[list[bytes]]:
    lib = connection.pgconn
    begun = lib.exec_(f"COPY ({query}) TO STDOUT".encode())
    if begun.status != pq.ExecStatus.COPY_OUT:
        raise errors.error_from_result(begun)
    finished = False
    try:
        lines: list[bytes] = []
        size = 0
        while (got := lib.get_copy_data(0))[0] > 0:
            lines.append(bytes(got[1]))
            size += got[0]
            if full(lines, size):
                yield lines
                lines, size = [], 0
        finished = True
        _end(connection)
        if lines:
            yield lines
    finally:
        if not finished:  # nobody wants the rest
            connection.cancel_safe()
            with suppress(psycopg.Error):
                while lib.get_copy_data(0)[0] > 0:
                    pass
                _end(connection)


def _end(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    failed = None
    while (result := connection.pgconn.get_result()) is not None:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            failed = errors.error_from_result(result)
    if failed is not None:
        raise failed
