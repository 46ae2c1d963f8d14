"""Branches as files: read one, move one durably by compare-and-swap, read the log of moves."""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prompt_repo.errors import RefMoved, RepositoryBusy, RepositoryDamaged
from prompt_repo.git_lock import Entry, WriterLock
from prompt_repo.git_objects import make_folder, sync_files, sync_folder
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
NEXT = "next-ref"  # a file of ours that becomes a ref


@dataclass(frozen=True, slots=True)
class Swap:
    """A ref, the object it is at (None: it is new), the one it goes to, and why."""

    ref: str
    old: str | None
    new: str
    why: str

    @classmethod
    def of_tag(cls, name: str, oid: str) -> "Swap":
        """That of a new tag."""
        return cls(f"refs/tags/{name}", None, oid, f"tag: {name}")

    def line(self, who: bytes) -> str:
        """What the log of moves says of it."""
        subject = " ".join(self.why.split("\n", 1)[0].split())
        short = subject.encode(errors="replace")[:LOG_SUBJECT].decode(errors="ignore")
        moved = f"{self.old or NOWHERE} {self.new}"
        return f"{moved} {who.decode()} {int(time.time())} +0000\t{short}"


@dataclass(frozen=True, slots=True)
class _Step:
    """A swap that is prepared: its file with inode and time, and its line in the log."""

    swap: Swap
    target: Path
    file: Path
    stamp: tuple[int, int]
    line: str

    @property
    def lock(self) -> Path:
        """Git's own lock on the ref."""
        return self.target.with_name(self.target.name + ".lock")

    @property
    def entry(self) -> Mapping[str, str | int]:
        """What the journal says of it."""
        inode, mtime = self.stamp
        return {"ref": self.swap.ref, "inode": inode, "mtime": mtime, "line": self.line}


@dataclass(frozen=True, slots=True)
class Ready:
    """Refs that may move once their files are synced."""

    steps: Sequence[_Step]

    @property
    def files(self) -> list[Path]:
        """What is to be synced before."""
        return [step.file for step in self.steps]


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

    def swap(self, swap: Swap, *, who: bytes, timeout: float) -> None:
        """Moves a ref durably; call it within the lock's `writing`.

        Raises RefMoved where the ref isn't at `old`, RepositoryBusy where another program holds
        Git's own lock on the ref for more than `timeout` seconds.
        """
        with self.prepared([swap], who) as ready:
            sync_files(ready.files)
            self.carry_out(ready, timeout)

    @contextmanager
    def prepared(self, swaps: Sequence[Swap], who: bytes) -> Iterator["Ready"]:
        """What the refs shall hold, as files to be synced by the block before it moves them."""
        folder = self._git / OWN_FOLDER
        folder.mkdir(exist_ok=True)
        steps: list[_Step] = []
        try:
            for number, swap in enumerate(swaps):
                target = self._git / swap.ref
                make_folder(target.parent)
                file = folder / f"{NEXT}{number or ''}"
                steps.append(_Step(swap, target, file, _filled(file, swap.new), swap.line(who)))
            yield Ready(steps)
        finally:
            for step in steps:
                step.file.unlink(missing_ok=True)

    def carry_out(self, ready: "Ready", timeout: float) -> None:
        """Moves all of them or none, durably; raises as `swap`."""
        # Inode and time tell our locks from any other's; the entry comes before the locks do.
        self._lock.note({"moves": [step.entry for step in ready.steps]})
        try:
            for step in ready.steps:
                _link(step.file, step.lock, timeout)
            for step in ready.steps:
                now = self.read(step.swap.ref)
                if now != step.swap.old:
                    raise RefMoved(step.swap.ref, step.swap.old, now)
            for step in ready.steps:
                _renamed(step.lock, step.target)
        finally:
            for step in ready.steps:
                _unlink_ours(step.lock, step.stamp)
        for folder in dict.fromkeys(step.target.parent for step in ready.steps):
            sync_folder(folder)
        for step in ready.steps:
            self._append(step.swap.ref, step.line)

    def recover(self, entry: Entry) -> None:
        """Clears a dead writer's locks on refs, and logs its moves if it came to that.

        Of several refs that move together those that come after a moved one are moved too.
        """
        moves = entry.get("moves", [entry])
        moved = False
        for move in moves if isinstance(moves, list) else ():
            ref, line = move.get("ref"), move.get("line")
            if isinstance(ref, str) and isinstance(line, str):
                lock = self._git / f"{ref}.lock"
                _unlink_ours(lock, (move.get("inode"), move.get("mtime")))
                with suppress(RepositoryDamaged):  # whoever reads that branch is told
                    moved = self._settled(ref, line, go_on=moved)
        for file in (self._git / OWN_FOLDER).glob(f"{NEXT}*"):
            file.unlink()

    def _settled(self, ref: str, line: str, *, go_on: bool) -> bool:
        """Finishes a dead writer's move of one ref; whether the ref stands where it should."""
        target, old, new = self._git / ref, line[:40], line[41:81]
        now = self.read(ref)
        if go_on and (now or NOWHERE) == old:
            file = self._git / OWN_FOLDER / NEXT
            _filled(file, new)
            sync_files([file])
            _renamed(file, target)
            now = new
        if now != new:
            return False
        if line not in self._log_end(ref):
            sync_folder(target.parent)
            self._append(ref, line)
        return True

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


def _filled(file: Path, new: str) -> tuple[int, int]:
    """A ref's next content as a file that is not synced yet: its inode and time."""
    file.unlink(missing_ok=True)
    with file.open("xb") as opened:
        opened.write(f"{new}\n".encode())
        opened.flush()
        stat = os.fstat(opened.fileno())
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
