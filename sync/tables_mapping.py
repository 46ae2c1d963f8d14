"""Where a mapping is kept: one table, by SQLAlchemy, in any database that it knows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import (
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
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
        address = (
            "postgresql+psycopg" + url[len("postgresql") :]
            if url.startswith("postgresql:")
            else url
        )
        try:
            self._engine = create_engine(address, poolclass=NullPool)
            METADATA.create_all(self._engine)
        except ValueError:  # which quotes what stands where the port should
            raise UnusableDatabase("the address of the mapping's database can't be read") from None
        except (SQLAlchemyError, ImportError) as error:
            why = getattr(error, "orig", None) or error
            raise UnusableDatabase(f"the mapping's database can't be used: {why}") from error

    def add(self, entries: Sequence[Entry]) -> None:
        """Puts entries in; those that are there get their new time."""
        if not entries:
            return
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

    def expire(self, now: str) -> int:
        """Takes entries away whose time is over."""
        with self._engine.begin() as connection:
            return connection.execute(delete(MAPPING).where(MAPPING.c.expires <= now)).rowcount

    def close(self) -> None:
        """Lets go of the database."""
        self._engine.dispose()
