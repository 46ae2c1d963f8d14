"""Objects of a repository, read by many threads: raw ones, commits, trees, files of a tree."""

import atexit
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from dulwich.objects import Blob, ObjectID, ShaFile, Tag, Tree
from dulwich.objects import Commit as GitCommit
from dulwich.repo import Repo

from prompt_repo import git_trees
from prompt_repo.errors import RepositoryDamaged, RevisionNotFound, StorageFailed
from prompt_repo.git_refs import OID

TREES_KEPT = 4096  # raw trees kept in memory: those of the heads' folders are read each edit
COMMITS_KEPT = 16  # commits just made, which are mostly what the next one builds on
TREES_BYTES = 64_000_000
MAPPED = 16 * 1024 * 1024  # bytes read of packs, after which large ones are let go of
PAGES = 64 * 1024  # bytes that Linux has in memory around each place that is read of a mapped file
PEELED_KEPT = 65_536  # tags whose commits are known

R = TypeVar("R")


class Reader:
    """The objects in one repository folder; dulwich's own objects are one a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._trees: OrderedDict[bytes, bytes] = OrderedDict()
        self._trees_bytes = 0
        self._trees_lock = threading.Lock()
        self._peeled: OrderedDict[str, str] = OrderedDict()
        self._made: OrderedDict[str, GitCommit] = OrderedDict()

    def raw(self, oid: str) -> tuple[int, bytes]:
        """The kind and bytes of an object; raises RevisionNotFound, RepositoryDamaged."""
        if not OID.fullmatch(oid):
            raise RevisionNotFound(oid)
        name = ObjectID(oid.encode())
        try:
            found = self._retried(lambda: self.repo.object_store.get_raw(name))
            self._let_go(len(found[1]))
            return found
        except KeyError as missing:
            raise RevisionNotFound(oid) from missing
        except OSError as refused:
            raise StorageFailed.of(refused, self._path) from refused
        except Exception as broken:  # noqa: BLE001 - dulwich meets damage with whatever comes up
            damage = str(broken)
        # Raised here, for what was caught holds the pack's memory, which then can't be closed.
        raise RepositoryDamaged(f"object {oid} can't be read ({damage})")

    def object(self, oid: str, name: str) -> ShaFile:
        """An object in dulwich's form; raises RevisionNotFound for `name`, which led to it."""
        try:
            kind, raw = self.raw(oid)
        except RevisionNotFound as missing:
            raise RevisionNotFound(name) from missing
        try:
            return ShaFile.from_raw_string(kind, raw, ObjectID(oid.encode()))
        except Exception as broken:
            raise RepositoryDamaged(f"object {oid} makes no sense ({broken})") from broken

    def commit(self, oid: str) -> GitCommit:
        """A commit in dulwich's form, which nobody changes; raises RevisionNotFound."""
        made = self._made.get(oid)
        if made is not None:
            return made
        found = self.object(oid, oid)
        if not isinstance(found, GitCommit):
            raise RevisionNotFound(oid)
        return found

    def keep_commit(self, commit: GitCommit) -> None:
        """Keeps a commit at hand that has just been written."""
        with self._trees_lock:
            self._made[commit.id.decode()] = commit
            while len(self._made) > COMMITS_KEPT:
                self._made.popitem(last=False)

    def peeled(self, oid: str, name: str) -> str:
        """The commit that a tag leads to; kept, for none changes. RevisionNotFound for `name`."""
        known = self._peeled.get(oid)
        if known is None:
            found = self.object(oid, name)
            while isinstance(found, Tag):
                found = self.object(found.object[1].decode(), name)
            if not isinstance(found, GitCommit):
                raise RevisionNotFound(name)
            known = self._peeled[oid] = found.id.decode()
            while len(self._peeled) > PEELED_KEPT:
                self._peeled.popitem(last=False)
        return known

    def parent(self, oid: str) -> GitCommit:
        """A commit that another one names; raises RepositoryDamaged where it is gone."""
        try:
            return self.commit(oid)
        except RevisionNotFound as missing:
            raise RepositoryDamaged(f"commit {oid} is missing") from missing

    def blob(self, oid: str) -> bytes:
        """The bytes of a blob that a tree names; raises RepositoryDamaged where it is gone."""
        return self._named(oid, Blob)

    def tree(self, oid: bytes) -> bytes:
        """The raw bytes of a tree, kept; raises RepositoryDamaged where it is gone."""
        with self._trees_lock:
            raw = self._trees.get(oid)
            if raw is not None:
                self._trees.move_to_end(oid)
                return raw
        raw = self._named(oid.decode(), Tree)
        self.keep_tree(oid, raw)
        return raw

    def keep_tree(self, oid: bytes, raw: bytes) -> None:
        """Keeps a tree's bytes at hand, in place of those that were not read for longest."""
        with self._trees_lock:
            if oid not in self._trees:
                self._trees[oid] = raw
                self._trees_bytes += len(raw)
            while len(self._trees) > TREES_KEPT or self._trees_bytes > TREES_BYTES:
                self._trees_bytes -= len(self._trees.popitem(last=False)[1])

    def entries(self, tree: bytes, prefix: bytes = b"") -> Iterator[git_trees.Entry]:
        """All that a tree holds at any depth, by path, apart from its folders."""
        for name, mode, oid in git_trees.entries(self._named(tree.decode(), Tree)):
            if git_trees.is_folder(mode):
                yield from self.entries(oid, prefix + name + b"/")
            else:
                yield prefix + name, mode, oid

    @property
    def repo(self) -> Repo:
        """This thread's own, also in a child process."""
        repo: Repo | None = getattr(self._local, "repo", None)
        if repo is None or self._local.pid != os.getpid():
            repo = Repo(str(self._path))
            self._local.repo, self._local.pid = repo, os.getpid()
            _opened.add(repo)
        return repo

    def close(self) -> None:
        """Closes this thread's own, which is opened again where it is needed."""
        if getattr(self._local, "repo", None) is not None:
            with suppress(BufferError):  # of a pack in use; it goes when that is over
                self._local.repo.close()
        self._local.repo = None

    def _named(self, oid: str, kind: type[ShaFile]) -> bytes:
        """The bytes of an object that another one names; raises RepositoryDamaged."""
        try:
            found, raw = self.raw(oid)
        except RevisionNotFound as missing:
            raise RepositoryDamaged(
                f"object {oid} is missing, or left out of a partial clone"
            ) from missing
        if found != kind.type_num:
            raise RepositoryDamaged(f"object {oid} is no {kind.type_name.decode()}")
        return raw

    def _retried(self, read: Callable[[], R]) -> R:
        """A read, once more with a fresh dulwich repository if a repack took a pack away."""
        try:
            return read()
        except (FileNotFoundError, BufferError, ValueError, KeyError):
            self.close()
            return read()

    def _let_go(self, size: int) -> None:
        """Closes packs once much was read of large ones.

        Dulwich maps them whole, and what was touched of them counts as memory of this process for
        as long as they are mapped.
        """
        self._local.read = getattr(self._local, "read", 0) + max(size, PAGES)
        if self._local.read > MAPPED:
            self._local.read = 0
            if sum(pack.mmap_size for pack in self.repo.object_store.packs) > MAPPED:
                self.close()


# Closed at exit: dulwich's own destructors complain on standard error when they run last.
_opened: "weakref.WeakSet[Repo]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for repo in list(_opened):
        repo.close()
