"""SQLite connections that stand ready between one use and the next.

To take a connection out of SQLAlchemy's pool and to put it back takes longer than a question that
SQLite answers in 5 µs; and a save asks four times. PostgreSQL's stay in the pool, which looks
whether they still live.
"""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from webapp.records.asking import Driver


class Ready:
    """The drivers of one engine, as many as were ever in use at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._keeps = engine, engine.dialect.name == "sqlite"
        self._idle: deque[Driver] = deque()
        self._process, self._parents = os.getpid(), deque[Driver]()

    @contextmanager
    def driver(self) -> Iterator[Driver]:
        """One for this block alone; what the block didn't commit is rolled back."""
        driver = self._taken()
        try:
            yield driver
        except BaseException:
            driver.close()
            raise
        if self._keeps:
            self._idle.append(driver)
        else:
            driver.close()

    def close(self) -> None:
        """Closes those that stand ready."""
        while self._idle:
            self._idle.pop().close()

    def _taken(self) -> Driver:
        if self._process != os.getpid():  # SQLite's connections may be used by who made them alone
            self._parents, self._idle = self._idle, deque()
            self._process = os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return self._made()

    def _made(self) -> Driver:
        connection: Any = self._engine.raw_connection()
        if self._keeps:
            connection.detach()  # the pool has no more to do with it
            connection = connection.dbapi_connection
        return Driver(connection, self._engine.dialect)
