"""Objects that were sent and not yet let in: a repository beside ours, which reads ours too.

It lies in our own folder, so that what is accepted is moved, not copied. What is refused goes with
the folder, and nobody else ever saw it.
"""

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from prompt_repo import git_cli, git_objects, git_trees
from prompt_repo.errors import GitFailed, InvalidPush
from prompt_repo.git_commits import text_of
from prompt_repo.git_reader import Reader
from prompt_repo.git_refs import OWN_FOLDER
from prompt_repo.git_store import GitStore
from prompt_repo.git_trees import EntryKind
from prompt_repo.layout import is_branch

PREFIX = "incoming-"
STALE = 24 * 3600  # seconds after which a folder's owner is dead
DEEPEST = 2  # folders above a document
FAR = 8  # folders that are opened to name a file which lies too deep
HEAD = 12  # bytes of a pack before its objects
SMALL = 1024 * 1024  # bytes of a pack that is taken apart
READ_SECONDS = 600.0
READING = ("-c", "core.packedGitLimit=32m", "-c", "core.packedGitWindowSize=1m")
MEMORY = 512 * 1024 * 1024  # bytes that git may take for itself while it reads what was sent
SETTINGS = (
    "-c", "core.bigFileThreshold=1m",
    "-c", "core.deltaBaseCacheLimit=32m",
    "-c", "pack.threads=1",
    "-c", "core.looseCompression=1",
)  # fmt: skip


Entered = tuple[str, EntryKind | None, str]
"""A path, what stands there (None: a folder), and its id."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What is new below some commits: commits with their children first, and sizes of blobs."""

    commits: tuple[str, ...]
    sizes: Mapping[str, int]


class Incoming:
    """One delivery of objects; `store` sees them and ours, and nothing of it is ours yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._reader = Reader(folder)

    @property
    def objects(self) -> Path:
        """Where the objects are."""
        return self.folder / "objects"

    @cached_property
    def store(self) -> GitStore:
        """Reads what was sent, and what it builds on."""
        return GitStore(self.folder)

    def entered(self, oid: str, parent: str | None) -> Iterator[Entered]:
        """What stands at a commit and not so at another; raises RevisionNotFound.

        Folders deeper than any document lies come as they are.
        """
        before = self._reader.commit(parent).tree if parent is not None else None
        after = self._reader.commit(oid).tree
        for path, mode, entry in git_trees.entered(before, after, self._reader.tree, DEEPEST):
            kind = None if git_trees.is_folder(mode) else git_trees.kind(mode)
            yield path.decode(errors="replace"), kind, entry.decode()

    def first_file(self, folder: str) -> str:
        """The path below a tree of the first file in it; empty where none is a few folders down."""
        names: list[str] = []
        oid, mode = folder.encode(), git_trees.FOLDER_MODE
        while git_trees.is_folder(mode) and len(names) < FAR:
            entry = next(git_trees.entries(self._reader.tree(oid)), None)
            if entry is None:
                return ""
            name, mode, oid = entry
            names.append(name.decode(errors="replace"))
        return "" if git_trees.is_folder(mode) else "/".join(names)

    def unpack(self, pack: Iterator[bytes], most: int, seconds: float) -> None:
        """Takes in a pack of at most `most` bytes within `seconds`.

        Each object is checked as `git fsck` does. A few small ones are kept one by one, and
        anything larger as the pack, much as git itself does. Raises InvalidPush, GitMissing.
        """
        head = b""
        while len(head) < SMALL and (piece := next(pack, b"")):
            head += piece
        if len(head) < HEAD or not head.startswith(b"PACK"):
            raise InvalidPush("its pack makes no sense")
        few = len(head) < SMALL and int.from_bytes(head[8:12], "big") < git_objects.PACK_FROM
        verb = ["unpack-objects", "-q"] if few else ["index-pack", "--stdin", "--fix-thin"]
        limits = ["--strict", f"--max-input-size={most}"]
        done = git_cli.fed(
            self.folder,
            [*SETTINGS, *verb, *limits],
            chain([head], pack),
            memory=MEMORY,
            seconds=seconds,
        )
        if done.returncode != 0:
            raise InvalidPush(_reason(text_of(done.stderr)))

    def arrived(self, tips: Sequence[str], known: Iterable[str]) -> Arrived:
        """What `tips` reach and `known` commits don't; raises InvalidPush where any of it lacks.

        Work grows with what is new.
        """
        order = "".join(f"{line}\n" for line in (*tips, *(f"^{oid}" for oid in known)))
        listing = ["rev-list", "--objects", "--stdin"]
        done = git_cli.completed(self.folder, listing, order.encode())
        if done.returncode != 0:
            raise InvalidPush(f"objects are missing: {_reason(text_of(done.stderr))}")
        ids = b"".join(line[:40] + b"\n" for line in done.stdout.splitlines())
        check = "--batch-check=%(objectname) %(objecttype) %(objectsize)"
        told = git_cli.completed(self.folder, ["cat-file", "--buffer", check], ids)
        if told.returncode != 0:
            raise GitFailed("cat-file", text_of(told.stderr))
        rows = [line.split() for line in told.stdout.decode().splitlines()]
        lacking = [row[0] for row in rows if row[1] == "missing"]
        if lacking:
            raise InvalidPush(f"object {lacking[0]} is missing")
        commits = tuple(row[0] for row in rows if row[1] == "commit")
        return Arrived(commits, {row[0]: int(row[2]) for row in rows if row[1] == "blob"})

    def blobs(self, ids: Sequence[str], sizes: Mapping[str, int]) -> Iterator[bytes]:
        """The bytes of blobs, in order; where they are large, none of them stays in memory.

        Raises RepositoryDamaged, GitFailed.
        """
        if sum(sizes.get(oid, 0) for oid in ids) <= SMALL:
            yield from (self.store.blob(oid) for oid in ids)
            return
        with tempfile.TemporaryFile() as order:
            order.write("".join(f"{oid}\n" for oid in ids).encode())
            order.seek(0)
            reading = [*READING, "cat-file", "--batch"]
            told = git_cli.streamed(self.folder, reading, order, READ_SECONDS, {})
            yield from _contents(told, len(ids))

    def commits(self, tips: Sequence[str], known: Iterable[str]) -> list[str]:
        """The commits that `tips` reach and `known` commits don't; raises GitFailed."""
        order = "".join(f"{line}\n" for line in (*tips, *(f"^{oid}" for oid in known)))
        done = git_cli.completed(self.folder, ["rev-list", "--stdin"], order.encode())
        if done.returncode != 0:
            raise GitFailed("rev-list", text_of(done.stderr))
        return done.stdout.decode().split()

    def close(self) -> None:
        """Lets go of what this thread read; for the folder is about to go."""
        self._reader.close()
        self.store.close()

    def sync(self) -> None:
        """Has all of it survive a power cut, so that it can be let in by its names alone."""
        git_objects.sync_all(self.objects)


def _contents(told: Iterator[bytes], count: int) -> Iterator[bytes]:
    """The objects in what `git cat-file --batch` prints."""
    rest = bytearray()
    for _ in range(count):
        while (end := rest.find(b"\n")) < 0:
            rest += _more(told)
        size = int(rest[:end].split()[2])
        del rest[: end + 1]
        while len(rest) <= size:
            rest += _more(told)
        yield bytes(rest[:size])
        del rest[: size + 1]


def _more(told: Iterator[bytes]) -> bytes:
    piece = next(told, b"")
    if not piece:
        raise GitFailed("cat-file", "it ended before its time")
    return piece


@contextmanager
def incoming(store: GitStore, refs: Mapping[str, str] | None = None) -> Iterator[Incoming]:
    """A place for what is sent, gone at the end; `refs` are those that git shall find there."""
    own = store.path / OWN_FOLDER
    own.mkdir(exist_ok=True)
    clear_stale(store)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=own))
    try:
        for name in ("objects/info", "objects/pack", "refs/heads"):
            (folder / name).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        (folder / "objects/info/alternates").write_text(f"{(store.path / 'objects').resolve()}\n")
        if refs:
            lines = "".join(f"{oid} {ref}\n" for ref, oid in sorted(refs.items()))
            (folder / "packed-refs").write_text(lines)
        made = Incoming(folder)
        try:
            yield made
        finally:
            made.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def public_refs(store: GitStore) -> dict[str, str]:
    """The refs that everybody may have: the known branches, and tags with their own objects."""
    listing = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"]
    done = git_cli.completed(store.path, listing)
    if done.returncode != 0:
        raise GitFailed("for-each-ref", text_of(done.stderr))
    rows = (line.partition(" ") for line in text_of(done.stdout).splitlines())
    return {
        ref: oid
        for oid, _, ref in rows
        if ref.startswith("refs/tags/") or is_branch(ref.removeprefix("refs/heads/"))
    }


def clear_stale(store: GitStore) -> int:
    """Takes away what deliveries left whose process died; gives how many."""
    oldest = time.time() - STALE
    stale = [
        folder
        for folder in (store.path / OWN_FOLDER).glob(f"{PREFIX}*")
        if folder.stat().st_mtime < oldest
    ]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stale)


def _reason(said: str) -> str:
    """What git said, in its own words without its prefixes."""
    lines = [line.partition(": ")[2] or line for line in said.strip().splitlines()]
    return "; ".join(dict.fromkeys(lines))[:500] or "git did not say why"
