"""Emails that differ only by case or blanks get one fake; where they must be unique, none can."""

from collections.abc import Sequence
from contextlib import closing

from sync.errors import Unsupported
from sync.folding import folded_email
from sync.model import Row, Table
from sync.rules import TableRules
from sync.tables import Source
from sync.tables_postgres import PostgresSource
from sync.threads import Soon


def folded_columns(table: Table, mine: TableRules) -> tuple[str, ...]:
    """The columns of emails that are unique by themselves."""
    alone = {unique.columns[0] for unique in table.uniques if len(unique.columns) == 1}
    return tuple(
        name for name in table.names if name in alone and mine.columns[name].kind == "email"
    )


def check_folding(source: Source, table: Table, columns: Sequence[str]) -> None:
    """Raises Unsupported where two of production's emails would get one fake."""
    for name in columns:
        if source.folding(table, name):
            index = next(each.name for each in table.uniques if each.columns == (name,))
            raise Unsupported(
                [f"{table.name}.{name} is unique ({index}), and holds emails that differ only by "
                 "case or blanks, which are folded; use `hash`, or make them one in production"]
            )  # fmt: skip


class Folding:
    """The check of several tables: on PostgreSQL beside what comes before the first row is written.

    It looks through all of production's emails, which takes as long as a fifteenth of a whole sync.
    """

    def __init__(self, source: Source, wanted: Sequence[tuple[Table, Sequence[str]]]) -> None:
        """Raises Unsupported where it has looked already."""
        self._soon: Soon[None] | None = None
        wanted = [(table, columns) for table, columns in wanted if columns]
        if wanted and isinstance(source, PostgresSource):
            url, snapshot = source.url, source.shared()
            self._soon = Soon(lambda: _look_beside(url, snapshot, wanted))
        else:
            for table, columns in wanted:
                check_folding(source, table, columns)

    def wait(self) -> None:
        """Waits until it has looked; raises Unsupported."""
        if self._soon is not None:
            self._soon.get()

    def leave(self) -> None:
        """Waits, whatever came of it."""
        if self._soon is not None:
            self._soon.end(lambda _: None)


def _look_beside(url: str, snapshot: str, wanted: Sequence[tuple[Table, Sequence[str]]]) -> None:
    with closing(PostgresSource(url, snapshot)) as source:
        for table, columns in wanted:
            check_folding(source, table, columns)


def may_fold(table: Table, columns: Sequence[str], rows: Sequence[Row]) -> bool:
    """Whether one of some rows holds an email that another spelling could be of."""
    return any(
        isinstance(cell := row[place], str) and folded_email(cell) != cell
        for place in table.positions(columns)
        for row in rows
    )
