"""Brings the records' schema up to date, once, however many processes start together."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

LOCK = 7_260_311_845  # any number: PostgreSQL's advisory lock of our migrations


def migrate(engine: Engine, to: str = "head") -> None:
    """Runs the migrations that are missing, all in one transaction; those up to one of them."""
    with _alone(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, to)


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    if engine.dialect.name == "sqlite":
        with _locked(Path(engine.url.database or "")):
            _use_write_ahead_log(engine)
            with engine.begin() as connection:
                yield connection
        return
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        yield connection


@contextmanager
def _locked(database: Path) -> Iterator[None]:
    # Turning the write-ahead log on doesn't wait for others as everything else in SQLite does.
    with database.with_suffix(".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        database.touch(mode=0o600)  # passwords' and tokens' hashes are the owner's to read
        yield


def _use_write_ahead_log(engine: Engine) -> None:
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("pragma journal_mode = wal")
    finally:
        connection.close()
