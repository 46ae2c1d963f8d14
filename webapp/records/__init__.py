"""What is not a prompt: accounts, sessions, tokens, the audit log; SQLite or PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Row, Select, create_engine, event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.orm import Session

from webapp.records import change_models as change_models
from webapp.records import preview_models as preview_models
from webapp.records import staging_models as staging_models
from webapp.records import transfer_models as transfer_models
from webapp.records import webhook_models as webhook_models  # Base.metadata is to know its tables
from webapp.records.asking import Driver, Question, Shape
from webapp.records.migrating import migrate
from webapp.records.ready import Ready

NO_WAIT = "set local synchronous_commit to off"
CHECKPOINT = 4_000  # pages of SQLite's log before it is worked in, which waits for the disk
WAIT = 30  # seconds a writer waits for another on SQLite, or for a connection on PostgreSQL


class Records:
    """The SQL database, safe to share between threads; opens no connection until it is asked."""

    def __init__(self, url: str) -> None:
        self.engine = self._writer = self._quick = _engine(url)
        if self._is_sqlite:
            # SQLite must be told at BEGIN that a transaction will write: one that starts as a
            # reader and then writes fails at once where another wrote meanwhile, however long
            # it would wait.
            self._writer = _sqlite(url, begin="begin immediate")
            self._quick = _sqlite(url, begin="begin immediate", synchronous="normal")
        engines = {self.engine, self._writer, self._quick}
        self._ready = {engine: Ready(engine) for engine in engines}

    @property
    def _is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; values loaded in it may be used afterwards."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def rows(
        self, query: Select[*tuple[Any, ...]], **told: object
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """What a query of columns finds; a third of the work that a session makes of it."""
        with self.engine.connect() as connection:
            return connection.execute(query, told).all()

    def answers(self, question: Question[Shape], **told: object) -> list[Shape]:
        """What a question finds that was made once, and is `told` what it asks about."""
        # By the connection that most requests write by: SQLite forgets what it read of the file
        # as soon as another connection wrote to it.
        with self._ready[self._quick].driver() as driver:
            return question.answers(driver, told)

    @contextmanager
    def writing(self, *, lasting: bool = True) -> Iterator[Session]:
        """A transaction that is committed at the end, or rolled back where the block raises.

        One that needn't be `lasting` outlives this program's death as any other does, but not
        a power cut in the same second: it doesn't wait for the disk.
        """
        engine = self._engine_of(lasting)
        with Session(engine, expire_on_commit=False) as session, session.begin():
            self._hasten(session, lasting)
            yield session

    @contextmanager
    def connecting(self, *, lasting: bool = True) -> Iterator[Connection]:
        """A writing transaction without what a session makes of it; for `lasting` see above."""
        with self._engine_of(lasting).begin() as connection:
            self._hasten(connection, lasting)
            yield connection

    @contextmanager
    def driving(self, *, lasting: bool = True) -> Iterator[Driver]:
        """A writing transaction by the driver alone; for `lasting` see above."""
        with self._ready[self._engine_of(lasting)].driver() as driver:
            if driver.is_sqlite:
                driver.do("begin immediate")
            elif not lasting:
                driver.do(NO_WAIT)
            yield driver
            driver.commit()

    def _engine_of(self, lasting: bool) -> Engine:
        return self._writer if lasting else self._quick

    def _hasten(self, transaction: Connection | Session, lasting: bool) -> None:
        if not lasting and not self._is_sqlite:
            transaction.execute(text(NO_WAIT))

    def migrate(self) -> None:
        """Brings the schema up to date; several processes may do it at once."""
        migrate(self._writer)

    def check(self) -> None:
        """Asks the database something; raises SQLAlchemy's OperationalError where it is away."""
        with self.engine.connect() as connection:
            connection.execute(text("select 1"))

    def close(self) -> None:
        """Closes the connections that stand open."""
        for engine, ready in self._ready.items():
            ready.close()
            engine.dispose()


def _engine(url: str) -> Engine:
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(url)
    if address.get_backend_name() in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
    return create_engine(
        address, pool_pre_ping=True, pool_timeout=WAIT, connect_args={"connect_timeout": 10}
    )


def _sqlite(url: str, begin: str = "begin", synchronous: str = "full") -> Engine:
    engine = create_engine(url, connect_args={"timeout": WAIT})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN leaves out schema changes
        connection.execute("pragma foreign_keys = on")
        connection.execute(f"pragma synchronous = {synchronous}")
        connection.execute(f"pragma wal_autocheckpoint = {CHECKPOINT}")

    def start(dbapi_connection: Any) -> None:
        dbapi_connection.execute(begin)

    # Not by an event of the engine: one that has any looks for listeners four times a statement.
    engine.dialect.do_begin = start  # type: ignore[method-assign]
    return engine
