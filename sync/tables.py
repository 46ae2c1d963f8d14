"""Databases as the sync uses them: what one to read from and one to write to can do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Protocol

from sync.errors import UnusableDatabase
from sync.model import Cell, Key, Row, Schema, Table

BATCH = 5000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a table are read, and what is read beside them.

    `where` is a condition on `t`; `joins` are SQL joins whose columns `extras` come after the
    table's own; `after` is the key to go on behind, `until` the last one.
    """

    where: str = ""
    joins: str = ""
    extras: tuple[str, ...] = ()
    after: Row | None = None
    until: Row | None = None
    ordered: bool = True
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A row to be written over one that was seen as `before`, with the stamp it had then."""

    row: Row
    before: Row
    stamp: Cell


@dataclass(slots=True)
class Blocked:
    """Rows that could not be written yet: another row still holds a value that is unique.

    `changes` go with how the row stands now: its unique values out of the others' way.
    """

    inserts: list[Row] = field(default_factory=list)
    changes: list[tuple[Change, Row]] = field(default_factory=list)
    singly: bool = False
    """Whether rows were written one by one, and so not all by one (sub)transaction."""

    def __len__(self) -> int:
        return len(self.inserts) + len(self.changes)


class Source(Protocol):
    """Production: one snapshot of it, read and never written to."""

    dialect: str

    def identity(self) -> frozenset[str]:
        """What tells this database from others, however its address is spelled."""

    def schema(self) -> Schema:
        """Its tables."""

    def snapshot(self) -> str:
        """Stays the same for as long as nothing was written; empty where that can't be told."""

    def read(self, table: Table, selection: Selection) -> Iterator[list[Row]]:
        """The rows in order of the key, in batches."""

    def sample(self, table: Table, most: int) -> list[Row]:
        """A few rows."""

    def refusal(self, table: Table, where: str) -> str:
        """What the database says against a condition on its rows; empty where it reads it."""

    def checksum(self, table: Table, selection: Selection) -> str:
        """Tells whether the rows of a selection are still the same; empty where it can't."""

    def folding(self, table: Table, column: str) -> int:
        """How many values of a column differ from another one only by case or blanks."""

    def quoted(self, name: str) -> str:
        """A name as SQL writes it."""

    def close(self) -> None:
        """Ends the snapshot."""


class Target(Protocol):
    """Staging: rows, and the sync's own tables beside them."""

    dialect: str
    state: str
    replica: bool

    def identity(self) -> frozenset[str]:
        """What tells this database from others, however its address is spelled."""

    def schema(self) -> Schema:
        """Its tables, without the sync's own."""

    def create_like(self, source: "Source") -> None:
        """Makes production's tables in an empty database."""

    def lock(self) -> bool:
        """Takes staging for one run until it is closed; False where another one has it."""

    def is_locked(self) -> bool:
        """Whether a run holds staging now; takes nothing."""

    def run(self, sql: str, values: Sequence[Cell] = ()) -> list[Row]:
        """Carries out a statement with `?` for values, in the transaction that is open."""

    def put(self, name: str, columns: Sequence[str], rows: Sequence[Row], key: int) -> None:
        """Rows into a table of the sync's own, over those with the same first `key` columns."""

    def blobs(self, query: str, values: Sequence[Cell]) -> list[Row]:
        """What a query gives that asks for bytes above all."""

    def has_state(self) -> bool:
        """Whether a sync has left its own tables here."""

    def commit(self) -> None:
        """Makes what was done since the last one last."""

    def rollback(self) -> None:
        """Takes back what was done since the last commit."""

    def rows(self, table: Table, after: Row | None) -> Iterator[list[tuple[Row, Cell]]]:
        """Staging's rows in order of the key with a stamp that changes when they do."""

    def park(self, table: Table, batches: Iterator[list[Row]]) -> Iterator[list[Row]]:
        """The rows sorted by their key anew; for tables whose key is faked."""

    def write(self, table: Table, inserts: Sequence[Row], changes: Sequence[Change]) -> "Blocked":
        """Puts rows in; tells which others stand in the way of.

        Raises StagingMoved where a row is not as it was seen.
        """

    def delete(self, table: Table, rows: Sequence[Row], incoming: Sequence["Reference"]) -> int:
        """Takes rows away that nothing refers to and that are still as given; tells how many."""

    def checksum(self, table: Table) -> str:
        """Tells whether a table's rows are still the same; empty where it can't."""

    def find(self, table: Table, rows: Sequence[Row]) -> dict[Key, Row]:
        """The rows that have the keys of those given."""

    def stamp(self, table: Table, row: Row) -> Cell:
        """What `rows` tells beside a row that stands in staging."""

    def finish(self, tables: Sequence[Table]) -> None:
        """Sets sequences behind the largest ids, and lets the planner look again."""

    def orphans(self, table: Table) -> list[str]:
        """Foreign keys of a table that lead nowhere."""

    def canonical(self, table: Table, column: str, value: Cell) -> Cell:
        """A value as the column would give it back."""

    def close(self) -> None:
        """Lets go of staging."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key that leads to a table from another one: who must not lose what it names."""

    table: Table
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]


def upsert(name: str, columns: Sequence[str], key: int, given: str) -> str:
    """The statement that puts rows into a table, over those with the same first columns."""
    sets = ", ".join(f"{each} = excluded.{each}" for each in columns[key:])
    return (
        f"INSERT INTO {name} ({', '.join(columns)}) {given} "
        f"ON CONFLICT ({', '.join(columns[:key])}) DO UPDATE SET {sets}"
    )


def write_singly(
    table: Table,
    inserts: Sequence[Row],
    changes: Sequence[Change],
    write_one: Callable[[Table, Row | Change], bool],
) -> Blocked:
    """Row by row, again and again for as long as that helps; `write_one` tells if it could."""
    waiting: list[Row | Change] = [*changes, *inserts]
    aside = False
    while waiting:
        left = [each for each in waiting if not write_one(table, each)]
        if len(left) == len(waiting):
            if aside:
                break
            left, aside = [_out_of_the_way(table, each, write_one) for each in left], True
        waiting = left
    return Blocked(
        [each for each in waiting if not isinstance(each, Change)],
        [(each, each.before) for each in waiting if isinstance(each, Change)],
    )


def _out_of_the_way(
    table: Table, each: Row | Change, write_one: Callable[[Table, Row | Change], bool]
) -> Row | Change:
    """A change after its row gave up the unique values that it will lose."""
    if not isinstance(each, Change):
        return each
    names = {name for unique in table.uniques for name in unique.columns} - {*table.key}
    row = list(each.before)
    for place in table.positions(sorted(names)):
        column = table.columns[place]
        if each.row[place] != row[place]:
            if column.nullable:
                row[place] = None
            elif column.shape == "text":
                row[place] = token_hex(16)[: column.length or 32]
    aside = Change(tuple(row), each.before, each.stamp)
    if aside.row == each.before or not write_one(table, aside):
        return each
    return Change(each.row, aside.row, None)


def key_reader(table: Table) -> Callable[[Row], Key]:
    """A function that gives a row's key in an order that is the databases' own, too."""
    readers = [
        (place, _reader(table.columns[place].shape, table.columns[place].type))
        for place in table.positions(table.key)
    ]
    if len(readers) == 1:
        ((only, reader),) = readers
        return lambda row: reader(row[only])
    return lambda row: tuple(part for place, reader in readers for part in reader(row[place]))


def _reader(shape: str, type_: str) -> Callable[[Cell], Key]:
    def of(cell: Cell) -> Key:
        if isinstance(cell, str):
            if shape == "integer":
                try:
                    return (1, int(cell))
                except ValueError:
                    return (2, cell)
            return (2, cell.rstrip(" ") if type_.startswith("character(") else cell)
        if isinstance(cell, bytes):
            return (3, cell)
        return (0, 0) if cell is None else (1, cell)

    return of


def dialect_of(url: str) -> str:
    """`postgresql` or `sqlite`; raises UnusableDatabase for any other address."""
    scheme, colon, _ = url.partition(":")
    scheme = scheme.partition("+")[0].lower() if colon else ""
    if scheme in ("postgresql", "postgres"):
        return "postgresql"
    if scheme == "sqlite":
        return "sqlite"
    said = f"{scheme[:40]!r} databases can't be copied" if colon else "this is no address"
    raise UnusableDatabase(
        f"{said}; give one such as postgresql://user@host/name or sqlite:///path/to/file"
    )


def open_source(url: str, snapshot: str = "") -> Source:
    """Production at an address; raises UnusableDatabase. PostgreSQL's as another has it open."""
    if dialect_of(url) == "postgresql":
        from sync.tables_postgres import PostgresSource

        return PostgresSource(url, snapshot)
    from sync.tables_sqlite import SqliteSource

    return SqliteSource(url)


def open_target(url: str, make: bool = True) -> Target:
    """Staging at an address; raises UnusableDatabase. Where it is a file, that may be `make`d."""
    if dialect_of(url) == "postgresql":
        from sync.tables_postgres_target import PostgresTarget

        return PostgresTarget(url)
    from sync.tables_sqlite import SqliteTarget

    return SqliteTarget(url, make)
