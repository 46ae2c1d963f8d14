"""Where a mapping is kept: one table, by SQLAlchemy, in any database that it knows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import (
    Column,
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
    text,
    tuple_,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from sync.errors import UnusableDatabase

MANY = 300


@dataclass(frozen=True, slots=True)
class Entry:
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

KNOWS_CONFLICTS = ("sqlite", "postgresql")
ADD = text(
    "INSERT INTO prompt_repo_mapping (tag, fake, kind, run, recorded, expires, sealed) "
    "VALUES (:tag, :fake, :kind, :run, :recorded, :expires, :sealed) "
    "ON CONFLICT (tag, fake) DO UPDATE SET kind = excluded.kind, run = excluded.run, "
    "recorded = excluded.recorded, expires = excluded.expires, sealed = excluded.sealed"
)


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
        entries = sorted(entries, key=lambda entry: (entry.tag, entry.fake))
        with self._engine.begin() as connection:
            if connection.dialect.name in KNOWS_CONFLICTS:  # a fifth of the work
                connection.execute(ADD, [asdict(entry) for entry in entries])
                return
            for begin in range(0, len(entries), MANY):
                some = entries[begin : begin + MANY]
                keys = [(entry.tag, entry.fake) for entry in some]
                connection.execute(
                    delete(MAPPING).where(tuple_(MAPPING.c.tag, MAPPING.c.fake).in_(keys))
                )
                connection.execute(MAPPING.insert(), [asdict(entry) for entry in some])

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
