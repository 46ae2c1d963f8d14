"""The connections that write columns into a PostgreSQL staging, beside the run's own."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from sync.errors import UnusableDatabase
from sync.tables_arrow import FAILURES
from sync.tables_binary import open_writer
from sync.tables_text_columns import TextWriter
from sync.tables_writing import ColumnWriter
from sync.threads import Soon

C = TypeVar("C")
PATIENCE, PAUSE = 2.0, 0.05
"""Seconds for a server to see connections off."""


class Writers:
    """Opens them when they are wanted, and gives them up where staging takes no more."""

    url: str
    replica: bool

    def _prepare_writers(self) -> None:
        self._writers: list[Soon[ColumnWriter]] = []
        self._text: TextWriter | None = None
        self._had_writers = False
        """Whether any were asked for: staging may have yet to see them off."""

    def get_ready(self, hands: int = 1) -> list[Soon[ColumnWriter]]:
        """Opens so many connections that write columns, while others go on.

        One at most where triggers can't be switched off: these see nothing of what another holds.
        """
        wanted = hands if self.replica else 1
        while len(self._writers) < wanted:
            self._had_writers = True
            self._writers.append(Soon(lambda: open_writer(self.url, self.replica)))
        return self._writers[:wanted]

    def writers(self, hands: int) -> list[ColumnWriter]:
        """Each writes columns, in transactions of its own: fewer, where staging takes no more."""
        opened = list[ColumnWriter]()
        for each in self.get_ready(hands):
            with suppress(UnusableDatabase, *FAILURES):
                opened.append(each.get())
        if not opened:  # two that come at once may both be refused, where there is room for one
            self.dismiss_writers()
            alone = self.beside(lambda: open_writer(self.url, self.replica))
            self._writers.append(Soon(lambda: alone))
            opened.append(alone)
        return opened

    def text_writer(self) -> TextWriter:
        """The same as `writers` for columns of texts."""
        if self._text is None:
            self._had_writers = True
            self._text = self.beside(lambda: TextWriter(self.url, self.replica))
        return self._text

    def beside(self, connected: Callable[[], C]) -> C:
        """A connection more: instead of those that write, where staging takes no more."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return connected()
            except (UnusableDatabase, *FAILURES):
                if not self._had_writers or time.monotonic() > until:
                    raise
            self.dismiss_writers()
            time.sleep(PAUSE)

    def dismiss_writers(self) -> None:
        """Ends the connections that write columns; others are opened when they are asked for."""
        if self._text is not None:
            self._text.close()
            self._text = None
        for each in self._writers:
            each.end(lambda writer: writer.close())
        self._writers.clear()
