"""Branches as files: read one, move one durably by compare-and-swap, read the log of moves."""

import os
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prompt_repo.errors import RefMoved, RepositoryBusy, RepositoryDamaged
from prompt_repo.git_lock import Entry, WriterLock
from prompt_repo.git_objects import make_folder, sync_folder
from prompt_repo.model import Author, RefMove

OWN_FOLDER = "prompt-repo"  # below the repository's folder; git leaves it alone
OID = re.compile(r"[0-9a-f]{40}")
MOVE = re.compile(
    rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\n]*?)<([^\n]*?)> (\d{1,11}) [+-]\d{4}(?:\t([^\n]*))?"
)
UPTIME = Path("/proc/uptime")  # seconds since the machine started
NOWHERE = "0" * 40
LOG_SUBJECT = 200  # bytes of a reason that the log of moves repeats
LOCK_WAIT = 0.02  # seconds between two looks at another program's lock


class Refs:
    """The refs of one repository; `lock` is what writers hold while they move one."""

    def __init__(self, git: Path, lock: WriterLock) -> None:
        self._git = git
        self._folder = str(git)
        self._lock = lock
        self._packed: tuple[tuple[int, int, int], dict[str, str]] = ((0, 0, 0), {})

    def read(self, ref: str) -> str | None:
        """The commit a ref names; None where it isn't there. `ref` must be a checked name.

        Raises RepositoryDamaged where the file holds no commit id: an empty ref must not be
        taken for an absent one, or the next writer would begin a history of its own.
        """
        try:
            fd = os.open(f"{self._folder}/{ref}", os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return self._packed_refs().get(ref)
        try:
            oid = os.read(fd, 41)[:40].decode("ascii", "replace")
        except IsADirectoryError:
            return self._packed_refs().get(ref)
        finally:
            os.close(fd)
        if not OID.fullmatch(oid):
            raise RepositoryDamaged(f"{ref} holds no commit id")
        return oid

    def moves(self, branch: str) -> list[RefMove]:
        """Where a branch pointed, oldest first; lines that a power cut tore are left out."""
        try:
            raw = (self._git / "logs" / "refs" / "heads" / branch).read_bytes()
        except FileNotFoundError:
            return []
        return [
            RefMove(
                None if old.decode() == NOWHERE else old.decode(),
                new.decode(),
                datetime.fromtimestamp(int(at), UTC),
                Author(_said(name), _said(email)),
                _said(why),
            )
            for old, new, name, email, at, why in MOVE.findall(raw)
        ]

    def swap(
        self, ref: str, old: str | None, new: str, *, who: bytes, why: str, timeout: float
    ) -> None:
        """Moves `ref` from `old` to `new`, durably; call it within the lock's `writing`.

        Raises RefMoved where the ref isn't at `old`, RepositoryBusy where another program holds
        Git's own lock on the ref for more than `timeout` seconds.
        """
        target = self._git / ref
        lock = target.with_name(target.name + ".lock")
        next_ref = self._git / OWN_FOLDER / "next-ref"
        make_folder(target.parent)
        stamp = _prepared(next_ref, new)
        line = _log_line(old, new, who, why)
        # Inode and time tell our lock from any other's; the entry comes before the lock does.
        self._lock.note({"ref": ref, "inode": stamp[0], "mtime": stamp[1], "line": line})
        try:
            _link(next_ref, lock, timeout)
            now = self.read(ref)
            if now != old:
                raise RefMoved(ref, old, now)
            _renamed(lock, target)
        finally:
            _unlink_ours(lock, stamp)
            next_ref.unlink()
        sync_folder(target.parent)
        self._append(ref, line)

    def recover(self, entry: Entry) -> None:
        """Clears a dead writer's lock on a ref, and logs its move if it came to that."""
        ref, line = entry.get("ref"), entry.get("line")
        if isinstance(ref, str) and isinstance(line, str):
            target = self._git / ref
            lock = target.with_name(target.name + ".lock")
            _unlink_ours(lock, (entry.get("inode"), entry.get("mtime")))
            with suppress(RepositoryDamaged):  # whoever reads that branch is told
                if self.read(ref) == line[41:81] and line not in self._log_end(ref):
                    sync_folder(target.parent)
                    self._append(ref, line)
        (self._git / OWN_FOLDER / "next-ref").unlink(missing_ok=True)

    def _packed_refs(self) -> dict[str, str]:
        """The refs that Git packed away, read again only when the file changed."""
        file = self._git / "packed-refs"
        try:
            stat = file.stat()
        except FileNotFoundError:
            return {}
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        known, refs = self._packed
        if known != stamp:
            lines = (line.split() for line in file.read_text(errors="replace").splitlines())
            refs = {line[1]: line[0] for line in lines if len(line) == 2 and OID.match(line[0])}
            self._packed = stamp, refs
        return refs

    def _append(self, ref: str, line: str) -> None:
        log = self._git / "logs" / ref
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as lines:
            lines.write(line.encode() + b"\n")

    def _log_end(self, ref: str) -> str:
        log = self._git / "logs" / ref
        if not log.exists():
            return ""
        with log.open("rb") as lines:
            lines.seek(max(0, log.stat().st_size - 4096))
            return lines.read().decode(errors="replace")


def _said(raw: bytes) -> str:
    return raw.decode(errors="replace").strip()


def _prepared(next_ref: Path, new: str) -> tuple[int, int]:
    """The ref's next content as a synced file: its inode and time."""
    next_ref.parent.mkdir(exist_ok=True)
    next_ref.unlink(missing_ok=True)
    with next_ref.open("xb") as file:
        file.write(f"{new}\n".encode())
        file.flush()
        os.fsync(file.fileno())
        stat = os.fstat(file.fileno())
    return stat.st_ino, stat.st_mtime_ns


def _link(next_ref: Path, lock: Path, timeout: float) -> None:
    """Takes Git's lock on a ref in one step: the file appears whole, with our inode."""
    until = time.monotonic() + timeout
    while True:
        try:
            lock.hardlink_to(next_ref)
            return
        except FileExistsError:
            if _older_than_this_boot(lock):
                lock.unlink(missing_ok=True)
            elif time.monotonic() > until:
                raise RepositoryBusy(str(lock), timeout) from None
            else:
                time.sleep(LOCK_WAIT)


def _renamed(lock: Path, target: Path) -> None:
    try:
        lock.replace(target)
    except IsADirectoryError:
        target.rmdir()  # Git leaves folders of deleted branches; one that isn't empty stays
        lock.replace(target)


def _unlink_ours(file: Path, stamp: tuple[object, object]) -> None:
    """Takes a file away if it is still the very one that was meant."""
    with suppress(FileNotFoundError):
        stat = file.stat()
        if (stat.st_ino, stat.st_mtime_ns) == stamp:
            file.unlink()


def _older_than_this_boot(file: Path) -> bool:
    """Whether a file was made before the machine last started: nobody alive can own it."""
    with suppress(FileNotFoundError):
        uptime = float(UPTIME.read_text().split()[0])
        return file.stat().st_mtime < time.time() - uptime - 1
    return False


def _log_line(old: str | None, new: str, who: bytes, why: str) -> str:
    subject = " ".join(why.split("\n", 1)[0].split())
    short = subject.encode(errors="replace")[:LOG_SUBJECT].decode(errors="ignore")
    return f"{old or NOWHERE} {new} {who.decode()} {int(time.time())} +0000\t{short}"
