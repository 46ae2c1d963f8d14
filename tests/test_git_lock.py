"""The writers' lock: one at a time, gone with its owner, and a journal of what was under way."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from prompt_repo.errors import RepositoryBusy
from prompt_repo.git_lock import JOURNAL, Entry, WriterLock

SPAWN = multiprocessing.get_context("spawn")


class Recovered(list[Entry]):
    """What a lock found that a dead writer had begun."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the lock is kept."""
    return tmp_path / "prompt-repo" / "writer.lock"


def hold(file: Path, writing: bool, held: Event, enough: Event) -> None:
    """Another process that holds the lock, perhaps in the middle of a write."""
    lock = WriterLock(file, [].append)
    with lock.held(10):
        if writing:
            with lock.writing():
                lock.note({"ref": "refs/heads/staging", "inode": 7})
                held.set()
                enough.wait()
        held.set()
        enough.wait()


def test_a_thread_takes_the_lock_again(file: Path) -> None:
    """Within one thread the lock is re-entrant, and free when the outermost is done."""
    lock, other = WriterLock(file, [].append), WriterLock(file, [].append)

    with lock.held(0):
        with lock.held(0):
            pass
        with pytest.raises(RepositoryBusy, match=r"writer\.lock"), other.held(0):
            pass
    with other.held(0):
        pass


def test_another_thread_waits_or_is_told(file: Path) -> None:
    """A second thread of the same process is kept out too."""
    lock = WriterLock(file, [].append)
    refused = []

    def try_it() -> None:
        try:
            with lock.held(0.01):
                pass
        except RepositoryBusy as busy:
            refused.append(busy.path)

    with lock.held(0):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()

    assert [str(file)] == refused


@pytest.mark.parametrize("writing", [False, True])
def test_a_killed_owner_leaves_the_lock_free(file: Path, writing: bool) -> None:
    """The next one gets it at once, and learns what was under way if anything was."""
    held, enough = SPAWN.Event(), SPAWN.Event()
    process = SPAWN.Process(target=hold, args=(file, writing, held, enough))
    process.start()
    held.wait()
    recovered = Recovered()
    lock = WriterLock(file, recovered.append)
    with pytest.raises(RepositoryBusy), lock.held(0):
        pass

    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with lock.held(0):
        pass
    with lock.held(0):
        pass

    assert ([{"ref": "refs/heads/staging", "inode": 7}] if writing else []) == recovered


def test_an_error_in_a_write_is_no_death(file: Path) -> None:
    """A writer that fails but lives cleans up itself; nobody recovers anything."""
    recovered = Recovered()
    lock = WriterLock(file, recovered.append)

    with pytest.raises(OSError, match="full"), lock.held(0), lock.writing():
        raise OSError("disk full")
    with lock.held(0):
        pass

    assert [] == recovered


@pytest.mark.parametrize("rubbish", [b"{", b"\0" * 2048, b"\xff\xfe", b"[1]", b"7"])
def test_a_journal_that_a_power_cut_spoiled_is_an_open_one(file: Path, rubbish: bytes) -> None:
    """What can't be read says only that something was under way."""
    file.parent.mkdir()
    file.write_bytes(rubbish)
    recovered = Recovered()

    with WriterLock(file, recovered.append).held(0):
        pass

    assert [{}] == recovered


def test_a_recovery_that_fails_is_tried_again(file: Path) -> None:
    """The journal stays open, and the lock free, until a recovery has succeeded."""
    file.parent.mkdir()
    file.write_bytes(b'{"ref": "x"}')
    recovered = Recovered()

    def fail(entry: Entry) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="full"), WriterLock(file, fail).held(0):
        pass
    with WriterLock(file, recovered.append).held(0):
        pass

    assert [{"ref": "x"}] == recovered


def test_a_forked_child_neither_holds_nor_keeps_the_lock(file: Path) -> None:
    """A child forked under the lock starts anew; the lock is free when the parent lets go."""
    lock = WriterLock(file, [].append)
    refused, enough = SPAWN.Event(), SPAWN.Event()
    with lock.held(0):
        child = os.fork()
        if child == 0:
            try:
                with lock.held(0):
                    os._exit(1)
            except RepositoryBusy:
                refused.set()
                enough.wait()
                os._exit(0)
        refused.wait(60)

    with WriterLock(file, [].append).held(0):
        enough.set()
    _, status = os.waitpid(child, 0)

    assert 0 == os.waitstatus_to_exitcode(status)


def test_an_entry_is_written_whole_or_refused(file: Path) -> None:
    """The journal never grows beyond what one write puts there at once."""
    lock = WriterLock(file, [].append)

    with lock.held(0), lock.writing(), pytest.raises(ValueError, match="too long"):
        lock.note({"line": "x" * JOURNAL})
