"""Some of a PostgreSQL staging's rows read and written as columns of texts."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import errors

from sync.errors import StagingMoved
from sync.model import Table
from sync.tables_postgres_telling import Telling
from sync.tables_postgres_text import (
    from_table,
    has_key,
    key_in_one,
    lines_out,
    names_of,
    quoted,
    table_name,
)
from sync.tables_text_columns import lines_of_columns, text_columns

WAITING = (errors.UniqueViolation, errors.ExclusionViolation, errors.ForeignKeyViolation)
"""What may be different once other rows have gone or come."""
PIECE = 2**24
BY_PLACE = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
"""Rows are gone to where they were seen. Left to itself the planner, which knows nothing of a table
just made, at times reads the whole table for some thousand rows of it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Some of staging's rows: columns of texts, their keys, who wrote them, and where they are."""

    columns: list[Any]
    keys: Any
    stamps: Any
    places: Any


@dataclass(frozen=True, slots=True)
class Changed:
    """What rows are to hold in some of their columns, behind those of the key; and how they were
    seen: rows that others wrote meanwhile are not written over.
    """

    names: tuple[str, ...]
    columns: list[Any]
    stamps: Any
    places: Any


class ByColumns(Telling):
    """What `rows_at` and `write` do, without a row made of it here."""

    @abstractmethod
    def _quiet(self, table: Table) -> None:
        """Switches triggers off, where that is to be done table by table."""

    @abstractmethod
    def _loud(self, table: Table) -> None:
        """Switches them on again."""

    @abstractmethod
    def _temporary(self, what: str, table: str, columns: str) -> str:
        """An empty table for this transaction with some columns of another."""

    def columns_at(self, table: Table, keys: Sequence[int | str]) -> Standing:
        """The rows that have some keys."""
        query = (
            f"SELECT {names_of(table.names, 't.')}, {key_in_one(table)}, t.xmin, t.ctid "
            f"FROM {from_table(table)} t WHERE {has_key(table, keys)}"
        )
        lines = b"".join(lines_out(self._connection, query, PIECE)) if keys else b""
        *columns, found, stamps, places = text_columns(lines, len(table.names) + 3)
        return Standing(columns, found, stamps, places)

    def write_columns(self, table: Table, fresh: Sequence[Any], changed: Changed) -> bool:
        """Puts rows in, and changes others; False where rows stand in the way: then nothing is."""
        self._quiet(table)
        self._connection.execute(f"SAVEPOINT batch; {BY_PLACE}".encode())
        done = True
        try:
            self._over(table, changed)
            if len(fresh[0]):
                self._put(table_name(table), names_of(table.names), fresh)
        except WAITING:
            self._connection.execute("ROLLBACK TO batch")
            done = False
        self._loud(table)
        return done

    def _over(self, table: Table, changed: Changed) -> None:
        count = len(changed.stamps)
        if not (count and changed.names):
            return
        written = (*table.key, *changed.names)
        stamp, place = unlike(written, "seen_stamp"), unlike(written, "seen_place")
        columns = f"{names_of(written)}, xmin AS {stamp}, ctid AS {place}"
        name = f"pg_temp.{self._temporary('over', table_name(table), columns)}"
        every = [*changed.columns, changed.stamps, changed.places]
        self._put(name, f"{names_of(written)}, {stamp}, {place}", every)
        sets = ", ".join(f"{quoted(each)} = n.{quoted(each)}" for each in changed.names)
        same = " AND ".join(f"t.{quoted(each)} = n.{quoted(each)}" for each in table.key)
        statement = (
            f"UPDATE {from_table(table)} t SET {sets} FROM {name} n "
            f"WHERE t.ctid = n.{place} AND {same} AND t.xmin = n.{stamp}"
        )
        if self._connection.execute(statement.encode()).rowcount != count:
            raise StagingMoved(f"{table.name} was changed in staging at this very moment")

    def _put(self, name: str, columns: str, cells: Sequence[Any]) -> None:
        statement = f"COPY {name} ({columns}) FROM STDIN".encode()
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(lines_of_columns(cells))


def unlike(names: Sequence[str], wanted: str) -> str:
    """A name for a column beside others."""
    while wanted in names:
        wanted += "_"
    return wanted
