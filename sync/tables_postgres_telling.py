"""What a PostgreSQL staging tells of its rows: who wrote them, and how they are now."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import psycopg

from sync.model import Cell, Row, Table
from sync.tables_arrow import read_beside
from sync.tables_postgres_text import (
    cancel,
    connect,
    copied_out,
    from_table,
    has_key,
    key_in_one,
    names_of,
    order_of,
)
from sync.threads import Soon


class Telling:
    """Rows by the transactions that wrote them, and by their keys."""

    url: str
    _connection: psycopg.Connection[tuple[Any, ...]]

    @abstractmethod
    def ask(self, query: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """What a query gives."""

    def stamps(self, table: Table) -> Soon[dict[int, int]]:
        """How many rows each transaction wrote that stand as it left them.

        Counted while others go on, by a connection of its own.
        """
        query = f"SELECT t.xmin::text, count(*) FROM {from_table(table)} t GROUP BY t.xmin"

        def count() -> dict[int, int]:
            with closing(connect(self.url, autocommit=True)) as beside:
                return {int(stamp): n for stamp, n in beside.execute(query.encode()).fetchall()}

        return Soon(count)

    def now(self) -> int:
        """The number of a transaction that begins now."""
        return int(self.ask("SELECT txid_snapshot_xmax(txid_current_snapshot())")[0][0])

    def keys_beyond(self, table: Table, stamps: Sequence[int]) -> list[int | str]:
        """The keys of rows that other transactions wrote."""
        query = (
            f"SELECT {key_in_one(table)} FROM {from_table(table)} t "
            f"WHERE t.xmin <> ALL({_xids(stamps)})"
        )
        return [key for (key,) in self.ask(query)]

    def keys(self, table: Table) -> Iterator[list[Any]]:
        """Each row's key, in order."""
        query = f"SELECT {key_in_one(table)} FROM {from_table(table)} t "
        return read_beside(self.url, query + f"ORDER BY {', '.join(order_of(table))}")

    def rows_at(self, table: Table, keys: Sequence[int | str]) -> list[tuple[Row, str, Cell]]:
        """The rows that have some keys, with the key and the stamp of each."""
        query = (
            f"SELECT {names_of(table.names, 't.')}, {key_in_one(table)}, t.xmin "
            f"FROM {from_table(table)} t WHERE {has_key(table, keys)}"
        )
        return [
            (row[:-2], str(row[-2]), row[-1])
            for batch in copied_out(self._connection, query)
            for row in batch
        ]

    def stamps_at(self, table: Table, keys: Sequence[int | str]) -> list[tuple[str, str]]:
        """Which transactions wrote the rows that have some keys."""
        query = (
            f"SELECT {key_in_one(table)}, t.xmin FROM {from_table(table)} t "
            f"WHERE {has_key(table, keys)}"
        )
        return [
            (str(key), str(stamp))
            for batch in copied_out(self._connection, query)
            for key, stamp in batch
        ]


class Counting:
    """A connection beside the run's own that counts staging's rows."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url, autocommit=True)

    def standing(self, table: Table, stamps: Sequence[int]) -> tuple[int, int]:
        """How many rows there are, and how many of them some transactions wrote."""
        query = (
            f"SELECT count(*), count(*) FILTER (WHERE t.xmin = ANY({_xids(stamps)})) "
            f"FROM {from_table(table)} t"
        )
        ((rows, ours),) = self._connection.execute(query.encode()).fetchall()
        return int(rows), int(ours)

    def cancel(self) -> None:
        """Ends what is being asked, from another thread."""
        cancel(self._connection)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def _xids(stamps: Sequence[int]) -> str:
    """Transactions as SQL writes them; beside values to be filled in a name may hold no %."""
    return f"'{{{','.join(str(int(stamp)) for stamp in stamps)}}}'::text[]::xid[]"
