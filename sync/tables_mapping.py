"""Where a mapping is kept: one table, by SQLAlchemy, in any database that it knows."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    inspect,
    select,
    tuple_,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from sync.errors import UnusableDatabase

MANY = 300


class Entry(NamedTuple):
    """A row of the mapping."""

    tag: str
    kind: str
    fake: str
    run: str
    recorded: str
    expires: str
    sealed: bytes | None


METADATA = MetaData()
MAPPING = Table(
    "prompt_repo_mapping",
    METADATA,
    Column("tag", String(32), primary_key=True),
    Column("fake", Text, primary_key=True, index=True),
    Column("kind", String(20), nullable=False),
    Column("run", String(40), nullable=False),
    Column("recorded", String(30), nullable=False),
    Column("expires", String(30), nullable=False, index=True),
    Column("sealed", LargeBinary),
)

COLUMNS = ", ".join(Entry._fields)
RENEWED = "ON CONFLICT (tag, fake) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in Entry._fields if name not in ("tag", "fake")
)
INTO = f"INSERT INTO prompt_repo_mapping ({COLUMNS})"


class MappingTable:
    """The table, made where it is not there yet. Raises UnusableDatabase where it can't be."""

    def __init__(self, url: str) -> None:
        try:
            self._engine = _engine(url)
            METADATA.create_all(self._engine)
        except ValueError:  # which quotes what stands where the port should
            raise UnusableDatabase("the address of the mapping's database can't be read") from None
        except (SQLAlchemyError, ImportError) as error:
            why = getattr(error, "orig", None) or error
            raise UnusableDatabase(f"the mapping's database can't be used: {why}") from error

    def add(self, entries: Sequence[Entry]) -> None:
        """Puts entries in; those that are there get their new time.

        All who share a sync do so in one order, so that none waits for another that waits for it.
        """
        if not entries:
            return
        entries = sorted(entries)
        with self._engine.begin() as connection:
            WAYS.get((connection.dialect.name, connection.dialect.driver), _add)(
                connection, entries
            )

    def by_tags(self, tags: Sequence[str], now: str) -> list[Entry]:
        """The entries with one of some tags whose time is not over."""
        return self._some(MAPPING.c.tag.in_(tags), now)

    def by_fake(self, fake: str, now: str) -> list[Entry]:
        """The entries of a fake whose time is not over."""
        return self._some(MAPPING.c.fake == fake, now)

    def _some(self, wanted: object, now: str) -> list[Entry]:
        query = select(MAPPING).where(wanted, MAPPING.c.expires > now)  # type: ignore[arg-type]
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(MAPPING.c.recorded, MAPPING.c.fake))
            return [Entry(**row._mapping) for row in rows]

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()


def expire(url: str, now: str) -> int:
    """Takes entries away whose time is over, where there are any; raises UnusableDatabase."""
    try:
        engine = _engine(url)
        with engine.begin() as connection:
            if not inspect(connection).has_table(MAPPING.name):
                return 0
            return connection.execute(delete(MAPPING).where(MAPPING.c.expires <= now)).rowcount
    except (SQLAlchemyError, ImportError) as error:
        why = getattr(error, "orig", None) or error
        raise UnusableDatabase(f"the mapping's database can't be used: {why}") from error


def _engine(url: str) -> Engine:
    known = url.startswith("postgresql:")
    address = "postgresql+psycopg" + url[len("postgresql") :] if known else url
    return create_engine(address, poolclass=NullPool)


def _add(connection: Connection, entries: Sequence[Entry]) -> None:
    for begin in range(0, len(entries), MANY):
        some = entries[begin : begin + MANY]
        keys = [(entry.tag, entry.fake) for entry in some]
        connection.execute(delete(MAPPING).where(tuple_(MAPPING.c.tag, MAPPING.c.fake).in_(keys)))
        connection.execute(MAPPING.insert(), [entry._asdict() for entry in some])


def _add_to_sqlite(connection: Connection, entries: Sequence[Entry]) -> None:
    marks = ", ".join("?" * len(Entry._fields))
    connection.exec_driver_sql(f"{INTO} VALUES ({marks}) {RENEWED}", [*entries])


def _add_to_postgresql(connection: Connection, entries: Sequence[Entry]) -> None:
    """By COPY into a table of this transaction's own: a tenth of the time of a statement each."""
    given = "pg_temp.prompt_repo_mapping_given"
    driven = connection.connection.driver_connection
    assert driven is not None
    with driven.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE prompt_repo_mapping_given ON COMMIT DROP AS "
            f"SELECT {COLUMNS} FROM prompt_repo_mapping WITH NO DATA"
        )
        with cursor.copy(f"COPY {given} ({COLUMNS}) FROM STDIN") as copy:
            for entry in entries:
                copy.write_row(entry)
        cursor.execute(f"{INTO} SELECT {COLUMNS} FROM {given} ORDER BY tag, fake {RENEWED}")


WAYS = {
    ("sqlite", "pysqlite"): _add_to_sqlite,
    ("postgresql", "psycopg"): _add_to_postgresql,
}
"""Those that take an entry over one that is there, and are given many in a way of theirs."""
