"""SQLite through SQLAlchemy; values are SQLite's own storage classes."""

import re
from collections.abc import Iterator, Sequence

from sqlalchemy.exc import IntegrityError

from sync.errors import StagingMoved
from sync.model import Cell, Key, Row, Schema, Table
from sync.orphans import orphans
from sync.tables import (
    BATCH,
    Blocked,
    Change,
    Reference,
    Selection,
    Source,
    key_reader,
    upsert,
    write_singly,
)
from sync.tables_failures import refusal
from sync.tables_sqlite_files import Hold, check_place, connect, identity, path_of
from sync.tables_sqlite_schema import OWN, quoted, read_schema

FEW_KEYS = 300


def _names(columns: Sequence[str], prefix: str = "") -> str:
    return ", ".join(prefix + quoted(column) for column in columns)


def _after(table: Table, after: Row | None) -> tuple[str, list[Cell]]:
    if after is None:
        return "", []
    marks = ", ".join("?" for _ in after)
    return f"({_order(table)}) > ({marks})", list(after)


def _order(table: Table) -> str:
    return ", ".join(f"t.{quoted(name)} COLLATE BINARY" for name in table.key)


class SqliteSource:
    """Production's file, opened read-only, in one read transaction."""

    dialect = "sqlite"

    def __init__(self, url: str) -> None:
        self._path = path_of(url)
        self.connection = connect(self._path, read_only=True)

    def identity(self) -> frozenset[str]:
        """What tells this file from others."""
        return identity(self._path)

    def schema(self) -> Schema:
        """The tables."""
        return read_schema(self.connection)

    def snapshot(self) -> str:
        """Size and time of the file and its log: they move with each write."""
        files = [self._path, self._path.with_name(self._path.name + "-wal")]
        stats = [path.stat() for path in files if path.exists()]
        return " ".join(f"{about.st_size}:{about.st_mtime_ns}" for about in stats)

    def read(self, table: Table, selection: Selection) -> Iterator[list[Row]]:
        """The rows in order of the key, in batches."""
        columns = ", ".join([_names(table.names, "t."), *selection.extras])
        behind, values = _after(table, selection.after)
        wanted = [f"({each})" for each in (selection.where, behind) if each]
        query = f"SELECT {columns} FROM {quoted(table.bare)} t {selection.joins}"
        query += f" WHERE {' AND '.join(wanted)}" if wanted else ""
        query += f" ORDER BY {_order(table)}" if selection.ordered else ""
        query += f" LIMIT {selection.limit}" if selection.limit else ""
        found = self.connection.exec_driver_sql(query, tuple(values))
        while batch := found.fetchmany(BATCH):
            yield [tuple(row) for row in batch]

    def sample(self, table: Table, most: int) -> list[Row]:
        """A few rows."""
        query = f"SELECT {_names(table.names)} FROM {quoted(table.bare)} LIMIT {most}"
        return [tuple(row) for row in self.connection.exec_driver_sql(query)]

    def refusal(self, table: Table, where: str) -> str:
        """What SQLite says of it when it plans to read those rows."""
        query = f"EXPLAIN SELECT 1 FROM {quoted(table.bare)} t WHERE ({where})"
        return refusal(self.connection.exec_driver_sql, query)

    def checksum(self, table: Table, selection: Selection) -> str:
        """SQLite has no hashes of its own."""
        return ""

    def folding(self, table: Table, column: str) -> int:
        """How many values differ from another one only by case or blanks."""
        name = quoted(column)
        found = self.connection.exec_driver_sql(
            f"SELECT count(*) FROM (SELECT 1 FROM {quoted(table.bare)} WHERE {name} IS NOT NULL "
            f"GROUP BY lower(trim({name})) HAVING count(*) > 1)"
        )
        return int(found.fetchall()[0][0])

    def quoted(self, name: str) -> str:
        """A name as SQL writes it."""
        return quoted(name)

    def close(self) -> None:
        """Ends the snapshot."""
        self.connection.close()


class SqliteTarget:
    """Staging's file; one run at a time, by a lock beside it."""

    dialect = "sqlite"
    state = OWN
    replica = True

    def __init__(self, url: str, make: bool = True) -> None:
        self._path = path_of(url)
        check_place(self._path, make)
        self.connection = connect(self._path, read_only=False)
        self.connection.rollback()
        self._hold = Hold(self._path)

    def identity(self) -> frozenset[str]:
        """What tells this file from others."""
        return identity(self._path)

    def schema(self) -> Schema:
        """The tables, without the sync's own."""
        found = read_schema(self.connection)
        self.connection.rollback()
        return found

    def create_like(self, source: Source) -> None:
        """Makes production's tables here; all or none."""
        assert isinstance(source, SqliteSource)
        kinds = "CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END"
        listed = source.connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE "
            f"'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '{OWN}%' ORDER BY {kinds}, rowid"
        )
        for (statement,) in listed.fetchall():
            if not re.match(r"(?i)\s*CREATE VIRTUAL", statement):
                self.connection.exec_driver_sql(statement)
        self.connection.commit()

    def lock(self) -> bool:
        """Takes staging for one run until it is closed."""
        return self._hold.take()

    def is_locked(self) -> bool:
        """Whether a run holds staging now."""
        return self._hold.is_taken()

    def run(self, sql: str, values: Sequence[Cell] = ()) -> list[Row]:
        """Carries out a statement in the transaction that is open."""
        found = self.connection.exec_driver_sql(sql, tuple(values))
        return [tuple(row) for row in found] if found.returns_rows else []

    def blobs(self, query: str, values: Sequence[Cell]) -> list[Row]:
        """What a query gives that asks for bytes above all."""
        return self.run(query, values)

    def put(self, name: str, columns: Sequence[str], rows: Sequence[Row], key: int) -> None:
        """Rows into a table of the sync's own, over those with the same key."""
        if not rows:
            return
        given = f"VALUES ({', '.join('?' for _ in columns)})"
        self.connection.exec_driver_sql(upsert(name, columns, key, given), [tuple(r) for r in rows])

    def has_state(self) -> bool:
        """Whether a sync has left its own tables here."""
        query = "SELECT 1 FROM sqlite_master WHERE name = ?"
        return bool(self.run(query, [f"{OWN}runs"]))

    def commit(self) -> None:
        """Makes what was done last."""
        self.connection.commit()

    def rollback(self) -> None:
        """Takes back what was done since the last commit."""
        self.connection.rollback()

    def rows(self, table: Table, after: Row | None) -> Iterator[list[tuple[Row, Cell]]]:
        """Staging's rows in order of the key, page by page, so that writing can go on between."""
        places = table.positions(table.key)
        while True:
            behind, values = _after(table, after)
            query = f"SELECT {_names(table.names, 't.')} FROM {quoted(table.bare)} t "
            query += f"WHERE {behind} " if behind else ""
            page = self.run(f"{query}ORDER BY {_order(table)} LIMIT {BATCH}", values)
            if not page:
                return
            yield [(row, None) for row in page]
            after = tuple(page[-1][place] for place in places)

    def park(self, table: Table, batches: Iterator[list[Row]]) -> Iterator[list[Row]]:
        """The rows sorted by their key anew, in a table of the sync's own."""
        name = f"{OWN}parked"
        self.run(f"DROP TABLE IF EXISTS {name}")
        self.run(f"CREATE TABLE {name} ({_names(table.names)})")
        marks = ", ".join("?" for _ in table.names)
        for batch in batches:
            self.connection.exec_driver_sql(f"INSERT INTO {name} VALUES ({marks})", list(batch))
        self.run(f"CREATE INDEX {name}_key ON {name} ({_names(table.key)})")
        self.commit()
        parked = Table(name, "main", name, table.columns, table.key)
        for page in self.rows(parked, None):
            yield [row for row, _ in page]
        self.run(f"DROP TABLE {name}")
        self.commit()

    def write(self, table: Table, inserts: Sequence[Row], changes: Sequence[Change]) -> Blocked:
        """Puts rows in; where unique values have moved between rows, in the order they can."""
        blocked = Blocked()
        loud = self._quiet(table)
        self.run("SAVEPOINT batch")
        try:
            for change in changes:
                self._change(table, change)
            if inserts:
                self.connection.exec_driver_sql(self._insert(table), list(inserts))
        except IntegrityError:
            self.run("ROLLBACK TO batch")
            blocked = write_singly(table, inserts, changes, self._one)
        self.run("RELEASE batch")
        for statement in loud:
            self.run(statement)
        return blocked

    def _insert(self, table: Table) -> str:
        marks = ", ".join("?" for _ in table.names)
        return f"INSERT INTO {quoted(table.bare)} ({_names(table.names)}) VALUES ({marks})"

    def _quiet(self, table: Table) -> list[str]:
        """Takes the triggers away until the end of the batch; gives what makes them again."""
        made = self.run(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? "
            "COLLATE NOCASE",
            [table.bare],
        )
        for name, _ in made:
            self.run(f"DROP TRIGGER {quoted(str(name))}")
        return [str(statement) for _, statement in made]

    def _change(self, table: Table, change: Change) -> None:
        places = table.positions(table.key)
        sets = ", ".join(f"{quoted(name)} = ?" for name in table.names if name not in table.key)
        same = " AND ".join(f"{quoted(name)} IS ?" for name in table.names)
        if not sets:
            return
        new = [cell for place, cell in enumerate(change.row) if place not in places]
        done = self.connection.exec_driver_sql(
            f"UPDATE {quoted(table.bare)} SET {sets} WHERE {same}", (*new, *change.before)
        )
        if done.rowcount != 1:
            raise StagingMoved(f"{table.name} was changed in staging at this very moment")

    def _one(self, table: Table, each: Row | Change) -> bool:
        try:
            if isinstance(each, Change):
                self._change(table, each)
            else:
                self.connection.exec_driver_sql(self._insert(table), each)
        except IntegrityError as error:
            if "UNIQUE" not in str(error.orig):
                raise
            return False
        return True

    def delete(self, table: Table, rows: Sequence[Row], incoming: Sequence[Reference]) -> int:
        """Takes rows away that nothing refers to and that are still as given."""
        if not rows:
            return 0
        loud = self._quiet(table)
        gone = f"{OWN}leaving"
        self.run(f"DROP TABLE IF EXISTS temp.{gone}")
        self.run(f"CREATE TEMP TABLE {gone} ({_names(table.names)})")
        marks = ", ".join("?" for _ in table.names)
        self.connection.exec_driver_sql(f"INSERT INTO {gone} VALUES ({marks})", list(rows))
        self.run(f"CREATE INDEX temp.{gone}_key ON {gone} ({_names(table.key)})")
        same = " AND ".join(f"g.{quoted(name)} IS t.{quoted(name)}" for name in table.names)
        free = "".join(f" AND NOT {_referred(each, table, gone)}" for each in incoming)
        done = self.connection.exec_driver_sql(
            f"DELETE FROM {quoted(table.bare)} AS t WHERE EXISTS "
            f"(SELECT 1 FROM {gone} g WHERE {same}){free}"
        )
        for statement in loud:
            self.run(statement)
        return done.rowcount

    def checksum(self, table: Table) -> str:
        """SQLite has no hashes of its own."""
        return ""

    def find(self, table: Table, rows: Sequence[Row]) -> dict[Key, Row]:
        """The rows that have the keys of those given."""
        places, of = table.positions(table.key), key_reader(table)
        found: dict[Key, Row] = {}
        for begin in range(0, len(rows), FEW_KEYS):
            some = rows[begin : begin + FEW_KEYS]
            marks = ", ".join("(" + ", ".join("?" for _ in places) + ")" for _ in some)
            query = f"SELECT {_names(table.names)} FROM {quoted(table.bare)} WHERE "
            query += f"({_names(table.key)}) IN (VALUES {marks})"
            for row in self.run(query, [row[place] for row in some for place in places]):
                found[of(row)] = row
        return found

    def stamp(self, table: Table, row: Row) -> Cell:
        """None, as `rows` has it: SQLite keeps none."""
        return None

    def finish(self, tables: Sequence[Table]) -> None:
        """Ids go on behind the largest by themselves."""

    def orphans(self, table: Table) -> list[str]:
        """Foreign keys of a table that lead nowhere."""
        return orphans(
            table, quoted(table.bare), lambda key: quoted(key.target),
            lambda query: int(str(self.run(query)[0][0])),
        )  # fmt: skip

    def canonical(self, table: Table, column: str, value: Cell) -> Cell:
        """A value as the column would give it back."""
        shape = table.column(column).shape
        if isinstance(value, bool):
            return int(value)
        if shape in ("integer", "decimal", "boolean") and isinstance(value, str):
            found = self.run("SELECT CAST(? AS NUMERIC)", [value])[0][0]
            return found if str(found) == value else value
        return str(value) if shape == "text" and isinstance(value, int | float) else value

    def close(self) -> None:
        """Lets go of staging."""
        self.connection.close()
        self._hold.let_go()


def _referred(reference: Reference, table: Table, gone: str) -> str:
    pairs = zip(reference.columns, reference.target_columns, strict=True)
    same = " AND ".join(f"c.{quoted(own)} = t.{quoted(theirs)}" for own, theirs in pairs)
    beyond = ""
    if reference.table.name == table.name:
        keys = " AND ".join(f"s.{quoted(each)} = c.{quoted(each)}" for each in table.key)
        beyond = f" AND NOT EXISTS (SELECT 1 FROM {gone} s WHERE {keys})"
    return f"EXISTS (SELECT 1 FROM {quoted(reference.table.bare)} c WHERE {same}{beyond})"
