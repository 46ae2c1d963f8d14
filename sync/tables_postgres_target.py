"""PostgreSQL as staging: written in bulk by COPY, a transaction a batch."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from sync.errors import StagingMoved, UnusableDatabase
from sync.model import Cell, Key, Row, Schema, Table
from sync.orphans import orphans
from sync.tables import Blocked, Change, Reference, Source, key_reader, upsert, write_singly
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_columns import WAITING, ByColumns, unlike
from sync.tables_postgres_ddl import create_like
from sync.tables_postgres_identity import identity_of
from sync.tables_postgres_locks import Locks
from sync.tables_postgres_schema import OWN_SCHEMA, SPELLED, read_schema
from sync.tables_postgres_sequences import set_behind
from sync.tables_postgres_text import (
    after_key,
    as_replica,
    checksum_of,
    connect,
    copied_out,
    from_table,
    has_key,
    lines_of,
    literal,
    names_of,
    order_of,
    quoted,
    said,
    table_name,
)
from sync.tables_postgres_writers import Writers

FIRING = """
SELECT 1 FROM pg_trigger WHERE tgenabled IN ('A', 'R') AND tgrelid IN (
  SELECT %s::regclass UNION ALL SELECT relid FROM pg_partition_tree(%s::regclass)) LIMIT 1"""
"""Triggers, foreign keys' own among them, that a session fires though it calls itself a replica."""


class PostgresTarget(ByColumns, Writers):
    """Staging: the run's own connection, others that read ahead, and others that fill tables."""

    dialect = "postgresql"
    state = f"{OWN_SCHEMA}."

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = connect(url)
        self.locks = Locks(self._connection)
        self.replica = as_replica(self._connection)
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._prepare_writers()

    def identity(self) -> frozenset[str]:
        """What tells this database from others."""
        found = identity_of(self._connection)
        self._connection.rollback()
        return found

    def ask(self, query: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """What a query gives."""
        return self._connection.execute(query, values).fetchall()

    def schema(self) -> Schema:
        """The tables, without the sync's own."""
        return read_schema(self.ask)

    def create_like(self, source: Source) -> None:
        """Makes production's tables here; all or none."""
        assert isinstance(source, PostgresSource)
        create_like(source.ask, self._connection)
        self._connection.commit()

    def lock(self) -> bool:
        """Takes staging for one run until it is closed."""
        return self.locks.run()

    def is_locked(self) -> bool:
        """Whether a run holds staging now."""
        return self.locks.is_run()

    def run(self, sql: str, values: Sequence[Cell] = ()) -> list[Row]:
        """Carries out a statement in the transaction that is open."""
        if values:
            cursor = self._connection.execute(sql.replace("?", "%s"), list(values))
        else:  # names in it may hold either
            cursor = self._connection.execute(sql)
        return cursor.fetchall() if cursor.description else []

    def put(self, name: str, columns: Sequence[str], rows: Sequence[Row], key: int) -> None:
        """Rows into a table of the sync's own, over those with the same key."""
        if not rows:
            return
        parked = self._temporary("put", name, ", ".join(columns))
        lines = [[f"\\x{c.hex()}" if isinstance(c, bytes) else c for c in row] for row in rows]
        self._copy_in(f"pg_temp.{parked}", columns, lines)
        given = f"SELECT {', '.join(columns)} FROM pg_temp.{parked} WHERE true"
        self._connection.execute(upsert(name, columns, key, given))

    def has_state(self) -> bool:
        """Whether a sync has left its own tables here."""
        return self.ask("SELECT to_regclass(%s) IS NOT NULL", [f"{OWN_SCHEMA}.runs"]) == [(True,)]

    def commit(self) -> None:
        """Makes what was done last."""
        self._connection.commit()

    def rollback(self) -> None:
        """Takes back what was done since the last commit."""
        self._connection.rollback()

    def rows(self, table: Table, after: Row | None) -> Iterator[list[tuple[Row, Cell]]]:
        """Staging's rows in order of the key; the stamp is the transaction that wrote the row."""
        wanted = after_key(table, after)
        query = (
            f"SELECT {names_of(table.names, 't.')}, t.xmin FROM {from_table(table)} t "
            f"{'WHERE ' + wanted if wanted else ''} ORDER BY {', '.join(order_of(table))}"
        )
        with contextlib.closing(
            self.beside(lambda: connect(self.url, autocommit=True))
        ) as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for batch in copied_out(connection, query):
                yield [(row[:-1], row[-1]) for row in batch]

    def park(self, table: Table, batches: Iterator[list[Row]]) -> Iterator[list[Row]]:
        """The rows sorted by their key anew, in a table of the sync's own."""
        name = f"{OWN_SCHEMA}.parked"
        self._connection.execute(f"DROP TABLE IF EXISTS {name}")
        self._connection.execute(
            f"CREATE UNLOGGED TABLE {name} AS SELECT {names_of(table.names)} "
            f"FROM {table_name(table)} WITH NO DATA"
        )
        for batch in batches:
            self._copy_in(name, table.names, batch)
        self._connection.commit()
        query = f"SELECT {names_of(table.names, 't.')} FROM {name} t ORDER BY "
        with contextlib.closing(connect(self.url, autocommit=True)) as connection:
            yield from copied_out(connection, query + ", ".join(order_of(table)))
        self._connection.execute(f"DROP TABLE {name}")
        self._connection.commit()

    def _temporary(self, what: str, table: str, columns: str) -> str:
        """An empty table for this transaction with some columns of another.

        One for all times that it is wanted: each that is made holds a lock until the commit.
        """
        number = self._numbers.setdefault((what, table, columns), len(self._numbers))
        name = f"{what}_{number}"
        self._connection.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS {name} ON COMMIT DROP AS SELECT {columns} "
            f"FROM {table} WITH NO DATA"
        )
        self._connection.execute(f"DELETE FROM pg_temp.{name}")
        return name

    def _copy_in(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        statement = f"COPY {name} ({names_of(columns)}) FROM STDIN"
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(lines_of(rows))

    def write(self, table: Table, inserts: Sequence[Row], changes: Sequence[Change]) -> Blocked:
        """Puts rows in; where unique values have moved between rows, in the order they can."""
        blocked = Blocked()
        self._quiet(table)
        self._connection.execute("SAVEPOINT batch")
        try:
            self._change(table, changes)
            if inserts:
                self._copy_in(table_name(table), table.names, inserts)
        except WAITING:
            self._connection.execute("ROLLBACK TO batch")
            blocked = write_singly(table, inserts, changes, self._one)
            blocked.singly = True
        self._loud(table)
        return blocked

    def _quiet(self, table: Table) -> None:
        self._alter(table, "DISABLE")

    def _loud(self, table: Table) -> None:
        self._alter(table, "ENABLE")

    def _alter(self, table: Table, how: str) -> None:
        if self.replica or not table.triggers:
            return
        self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is put off bars altering
        for trigger in table.triggers:
            self._connection.execute(
                f"ALTER TABLE {table_name(table)} {how} TRIGGER {quoted(trigger)}"
            )

    def _change(self, table: Table, changes: Sequence[Change]) -> None:
        others = [name for name in table.names if name not in table.key]
        if not changes or not others:
            return
        stamp = unlike(table.names, "seen_stamp")
        columns = f"{names_of(table.names)}, xmin AS {stamp}"
        name = self._temporary("changes", table_name(table), columns)
        rows = [(*change.row, change.stamp) for change in changes]
        self._copy_in(f"pg_temp.{name}", [*table.names, stamp], rows)
        sets = ", ".join(f"{quoted(each)} = n.{quoted(each)}" for each in others)
        same = " AND ".join(f"t.{quoted(each)} = n.{quoted(each)}" for each in table.key)
        done = self._connection.execute(
            f"UPDATE {from_table(table)} t SET {sets} FROM pg_temp.{name} n "
            f"WHERE {same} AND (t.xmin = n.{stamp} OR n.{stamp} IS NULL)"
        )
        if done.rowcount != len(changes):
            raise StagingMoved(f"{table.name} was changed in staging at this very moment")

    def _one(self, table: Table, each: Row | Change) -> bool:
        self._connection.execute("SAVEPOINT one")
        done = True
        try:
            if isinstance(each, Change):
                self._change(table, [each])
            else:
                self._copy_in(table_name(table), table.names, [each])
        except WAITING:
            self._connection.execute("ROLLBACK TO one")
            done = False
        self._connection.execute("RELEASE one")
        return done

    def delete(self, table: Table, rows: Sequence[Row], incoming: Sequence[Reference]) -> int:
        """Takes rows away that nothing refers to and that are still as given."""
        if not rows:
            return 0
        self._quiet(table)
        name = self._temporary("gone", table_name(table), names_of(table.names))
        self._copy_in(f"pg_temp.{name}", table.names, rows)
        same = " AND ".join(f"t.{quoted(each)} = g.{quoted(each)}" for each in table.key)
        as_given = (
            f"ROW({names_of(table.names, 't.')})::text = ROW({names_of(table.names, 'g.')})::text"
        )
        free = "".join(f" AND NOT {self._referred(each, table, name)}" for each in incoming)
        done = self._connection.execute(
            f"DELETE FROM {from_table(table)} t USING pg_temp.{name} g "
            f"WHERE {same} AND {as_given}{free}"
        )
        self._loud(table)
        return done.rowcount

    def _referred(self, reference: Reference, table: Table, gone: str) -> str:
        pairs = list(zip(reference.columns, reference.target_columns, strict=True))
        same = " AND ".join(f"c.{quoted(own)} = t.{quoted(theirs)}" for own, theirs in pairs)
        beyond = ""
        if reference.table.name == table.name:
            keys = " AND ".join(f"s.{quoted(each)} = c.{quoted(each)}" for each in table.key)
            beyond = f" AND NOT EXISTS (SELECT 1 FROM pg_temp.{gone} s WHERE {keys})"
        return f"EXISTS (SELECT 1 FROM {table_name(reference.table)} c WHERE {same}{beyond})"

    def checksum(self, table: Table) -> str:
        """The number of rows and the sum of their hashes."""
        columns = checksum_of(names_of(table.names, "t."))
        return str(self.ask(f"SELECT {columns} FROM {from_table(table)} t")[0][0])

    def find(self, table: Table, rows: Sequence[Row]) -> dict[Key, Row]:
        """The rows that have the keys of those given."""
        if not rows:
            return {}
        query = (
            f"SELECT {names_of(table.names, 't.')} FROM {from_table(table)} t "
            f"WHERE {_has_key_of(table, rows)}"
        )
        of = key_reader(table)
        return {of(row): row for batch in copied_out(self._connection, query) for row in batch}

    def stamp(self, table: Table, row: Row) -> Cell:
        """The transaction that wrote the row."""
        query = f"SELECT t.xmin FROM {from_table(table)} t WHERE {_has_key_of(table, [row])}"
        return next(found[0] for batch in copied_out(self._connection, query) for found in batch)

    def finish(self, tables: Sequence[Table]) -> None:
        """Sets sequences behind the largest ids, and lets the planner look again."""
        for table in tables:
            set_behind(self.ask, table)
        self._connection.commit()

    def orphans(self, table: Table) -> list[str]:
        """Foreign keys of a table that lead nowhere."""
        return orphans(
            table, table_name(table), lambda key: str(self.ask(SPELLED, [key.target])[0][0]),
            lambda query: int(self.ask(query)[0][0]),
        )  # fmt: skip

    def canonical(self, table: Table, column: str, value: Cell) -> Cell:
        """A value as the column would give it back."""
        if value is None:
            return None
        type_ = table.column(column).type
        try:
            found = self.ask(f"SELECT CAST({literal(str(value))} AS {type_})::text")[0][0]
        except psycopg.DataError as error:
            self._connection.rollback()
            raise UnusableDatabase(
                f"{table.name}.{column} can't hold the constant {value!r}: {said(error)}"
            ) from error
        return {"true": "t", "false": "f"}.get(found, found) if type_ == "boolean" else str(found)

    def bare(self, table: Table, after: Row | None) -> bool:
        """Whether a table has no row behind a key."""
        wanted = after_key(table, after)
        query = f"SELECT 1 FROM {from_table(table)} t {'WHERE ' + wanted if wanted else ''} LIMIT 1"
        return not self.ask(query)

    def blobs(self, query: str, values: Sequence[Cell]) -> list[Row]:
        """What a query gives, in PostgreSQL's binary form, which is shorter for bytes."""
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(query.replace("?", "%s"), list(values)).fetchall()

    def fires(self, table: Table) -> bool:
        """Whether something of a table's fires though triggers are off for this session."""
        found = self.ask(FIRING, [table_name(table)] * 2)
        self._connection.rollback()
        return bool(found)

    def close(self) -> None:
        """Lets go of staging."""
        self.dismiss_writers()
        self._connection.close()


def _has_key_of(table: Table, rows: Sequence[Row]) -> str:
    """A condition that a row has the key of one of those given."""
    places = table.positions(table.key)
    if len(places) == 1:  # by the index
        return has_key(table, [str(row[places[0]]) for row in rows])
    keys = ", ".join("(" + ", ".join(literal(row[place]) for place in places) + ")" for row in rows)
    as_text = ", ".join(f"({each})::text" for each in order_of(table))
    return f"({as_text}) IN ({keys})"
