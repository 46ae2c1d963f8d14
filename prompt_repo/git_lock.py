"""The writers' lock, the swap of a ref, and what a writer that died left behind."""

import errno
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prompt_repo.errors import RefMoved, RepositoryBusy

FIRST_WAIT = 0.001
LONGEST_WAIT = 0.02
FOREIGN_LOCK_SECONDS = 5.0
"""How long a ref lock of another program (a push by plain git) is waited for."""


class WriterLock:
    """One writer at a time, threads and processes alike; re-entrant within a thread.

    The lock file carries a journal: while a write is under way it says so, and names the inode
    of the ref lock about to be taken. Whoever gets the lock and finds the journal open knows
    that its owner is dead (the kernel released the lock) and which files were its own.
    """

    def __init__(self, git: Path) -> None:
        self._git = git
        self._file = git / "prompt-repo" / "writer.lock"
        self._next_ref = git / "prompt-repo" / "next-ref"
        self._thread = threading.RLock()
        self._depth = 0
        self._fd = -1

    @contextmanager
    def held(self, timeout: float) -> Iterator[None]:
        """Holds the lock; raises RepositoryBusy after `timeout` seconds."""
        if not self._thread.acquire(timeout=timeout):
            raise RepositoryBusy(str(self._file), timeout)
        try:
            if self._depth == 0:
                self._take(timeout)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    os.close(self._fd)
        finally:
            self._thread.release()

    def _take(self, timeout: float) -> None:
        self._file.parent.mkdir(exist_ok=True)
        self._fd = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _flock(self._fd, self._file, timeout)
            self._clear_what_the_dead_left()
        except BaseException:
            os.close(self._fd)
            raise

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Marks the journal open, so that the next writer cleans up if this one dies."""
        self._note({"since": time.time()})
        yield
        self._note(None)

    def swap(self, ref: str, old: str | None, new: str, current: str | None) -> None:
        """Moves `ref` from `old` to `new`, durably; `current` is what packed refs say of it.

        Raises RefMoved where the ref isn't at `old`, RepositoryBusy where another program's
        lock on the ref stays.
        """
        target = self._git / ref
        lock = target.with_name(target.name + ".lock")
        target.parent.mkdir(parents=True, exist_ok=True)
        self._prepare(new, lock)
        self._link(lock)
        try:
            now = _value(target) or current
            if now != old:
                raise RefMoved(ref, old, now)
            os.rename(lock, target)
        except BaseException:
            lock.unlink(missing_ok=True)
            raise
        finally:
            self._next_ref.unlink(missing_ok=True)
        sync_folder(target.parent)

    def _prepare(self, new: str, lock: Path) -> None:
        """The ref's next content as a synced file, whose inode the journal names."""
        self._next_ref.unlink(missing_ok=True)
        fd = os.open(self._next_ref, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            os.write(fd, f"{new}\n".encode())
            os.fsync(fd)
            inode = os.fstat(fd).st_ino
        finally:
            os.close(fd)
        self._note({"since": time.time(), "lock": str(lock), "inode": inode})

    def _link(self, lock: Path) -> None:
        """Takes Git's lock on a ref in one step: the file appears whole, with our inode."""
        until = time.monotonic() + FOREIGN_LOCK_SECONDS
        while True:
            try:
                os.link(self._next_ref, lock)
                return
            except FileExistsError:
                if _older_than_this_boot(lock):
                    lock.unlink(missing_ok=True)
                elif time.monotonic() > until:
                    raise RepositoryBusy(str(lock), FOREIGN_LOCK_SECONDS) from None
                time.sleep(LONGEST_WAIT)

    def _note(self, entry: dict[str, object] | None) -> None:
        """Writes the journal in place; the page cache outlives a killed process."""
        raw = json.dumps(entry).encode().ljust(512) if entry else b""
        os.ftruncate(self._fd, len(raw))
        os.pwrite(self._fd, raw, 0)

    def _clear_what_the_dead_left(self) -> None:
        raw = os.pread(self._fd, 4096, 0).strip()
        if not raw:
            return
        with suppress(ValueError):  # killed within the note itself: before any lock was taken
            entry = json.loads(raw)
            if "lock" in entry:
                _unlink_inode(Path(entry["lock"]), entry["inode"])
        for stale in self._git.glob("objects/[0-9a-f][0-9a-f]/*.lock"):
            stale.unlink(missing_ok=True)
        self._next_ref.unlink(missing_ok=True)
        self._note(None)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _flock(fd: int, file: Path, timeout: float) -> None:
    until = time.monotonic() + timeout
    wait = FIRST_WAIT
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as failure:
            if failure.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if time.monotonic() > until:
            raise RepositoryBusy(str(file), timeout)
        time.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)


def _value(ref: Path) -> str | None:
    try:
        return ref.read_text().strip() or None
    except FileNotFoundError:
        return None


def _unlink_inode(file: Path, inode: int) -> None:
    """Takes a file away if it is still the very one that was meant."""
    with suppress(FileNotFoundError):
        if file.stat().st_ino == inode:
            file.unlink()


def _older_than_this_boot(file: Path) -> bool:
    """Whether a file was made before the machine last started: nobody alive can own it."""
    with suppress(FileNotFoundError):
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return file.stat().st_mtime < time.time() - uptime - 1
    return False
