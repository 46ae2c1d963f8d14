"""The writers' lock, and its journal: what a writer that died was about to do."""

import errno
import fcntl
import json
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from prompt_repo.errors import RepositoryBusy

FIRST_WAIT = 0.001  # seconds, doubled up to the longest
LONGEST_WAIT = 0.02
JOURNAL = 4096  # bytes, always written whole and within one page: no kill leaves half of it
Entry: TypeAlias = Mapping[str, object]
"""What the journal says of a write under way; empty before the ref is touched."""


class WriterLock:
    """One writer at a time, threads and processes alike; re-entrant within a thread.

    The lock file carries a journal: open while a write is under way. Whoever gets the lock and
    finds the journal open knows that its owner is dead, for the kernel released the lock, and
    hands the entry to `recover`.
    """

    def __init__(self, file: Path, recover: Callable[[Entry], None]) -> None:
        self._file = file
        self._recover = recover
        self._thread = threading.RLock()
        self._depth = 0
        self._fd = -1
        _all.add(self)

    @contextmanager
    def held(self, timeout: float) -> Iterator[None]:
        """Holds the lock; raises RepositoryBusy after `timeout` seconds."""
        until = time.monotonic() + timeout
        if not self._thread.acquire(timeout=timeout):
            raise RepositoryBusy(str(self._file), timeout)
        try:
            if self._depth == 0:
                self._take(until, timeout)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._release()
        finally:
            self._thread.release()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keeps the journal open for the time of a write; only death leaves it so."""
        self.note({})
        try:
            yield
        finally:
            self._close_journal()

    def note(self, entry: Entry) -> None:
        """Says in the journal what comes next; the page cache outlives a killed process."""
        raw = json.dumps(entry, ensure_ascii=False).encode()
        if len(raw) > JOURNAL:
            raise ValueError("this entry is too long for the journal")
        os.pwrite(self._fd, raw.ljust(JOURNAL), 0)

    def _close_journal(self) -> None:
        os.pwrite(self._fd, b" " * JOURNAL, 0)

    def _take(self, until: float, timeout: float) -> None:
        self._file.parent.mkdir(exist_ok=True)
        self._fd = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._wait(until, timeout)
            raw = os.pread(self._fd, JOURNAL, 0).strip()
            if raw:
                self._recover(_parsed(raw))
                self._close_journal()
        except BaseException:
            self._release()
            raise

    def _wait(self, until: float, timeout: float) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as failure:
                if failure.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            if time.monotonic() > until:
                raise RepositoryBusy(str(self._file), timeout)
            time.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    def _release(self) -> None:
        # Said aloud, because a child that was forked meanwhile shares the lock until it closes.
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        os.close(self._fd)
        self._fd = -1

    def forget(self) -> None:
        """Starts anew in a forked child, where the threads that held the lock are not."""
        self._thread = threading.RLock()
        self._depth = 0
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _parsed(raw: bytes) -> Entry:
    """The journal's entry; empty where a power cut left no more than rubbish of it."""
    try:
        entry = json.loads(raw)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


_all: "weakref.WeakSet[WriterLock]" = weakref.WeakSet()


def _forget_all() -> None:
    for lock in _all:
        lock.forget()


os.register_at_fork(after_in_child=_forget_all)
