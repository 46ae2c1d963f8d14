"""Objects of a repository, read by many threads: raw ones, commits, trees, files of a tree."""

import atexit
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from dulwich.objects import Blob, ObjectID, ShaFile, Tree
from dulwich.objects import Commit as GitCommit
from dulwich.repo import Repo

from prompt_repo import git_trees
from prompt_repo.errors import RevisionNotFound
from prompt_repo.git_refs import OID

TREES_KEPT = 512  # raw trees kept in memory: those of the heads' large folders are read each edit
TREES_BYTES = 64_000_000

R = TypeVar("R")


class Reader:
    """The objects in one repository folder; dulwich's own objects are one a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._trees: OrderedDict[bytes, bytes] = OrderedDict()
        self._trees_bytes = 0
        self._trees_lock = threading.Lock()

    def raw(self, oid: str) -> tuple[int, bytes]:
        """The kind and bytes of an object; raises RevisionNotFound."""
        if not OID.fullmatch(oid):
            raise RevisionNotFound(oid)
        name = ObjectID(oid.encode())
        try:
            return self._retried(lambda: self.repo.object_store.get_raw(name))
        except (KeyError, ValueError) as missing:
            raise RevisionNotFound(oid) from missing

    def object(self, oid: str, name: str) -> ShaFile:
        """An object in dulwich's form; raises RevisionNotFound for `name`, which led to it."""
        try:
            kind, raw = self.raw(oid)
            return ShaFile.from_raw_string(kind, raw, ObjectID(oid.encode()))
        except RevisionNotFound as missing:
            raise RevisionNotFound(name) from missing

    def commit(self, oid: str) -> GitCommit:
        """A commit in dulwich's form; raises RevisionNotFound."""
        found = self.object(oid, oid)
        if not isinstance(found, GitCommit):
            raise RevisionNotFound(oid)
        return found

    def blob(self, oid: str) -> bytes:
        """The bytes of a blob; raises RevisionNotFound."""
        kind, raw = self.raw(oid)
        if kind != Blob.type_num:
            raise RevisionNotFound(oid)
        return raw

    def tree(self, oid: bytes) -> bytes:
        """The raw bytes of a tree, kept; raises RevisionNotFound."""
        with self._trees_lock:
            raw = self._trees.get(oid)
            if raw is not None:
                self._trees.move_to_end(oid)
                return raw
        raw = self._tree_once(oid)
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
        for name, mode, oid in git_trees.entries(self._tree_once(tree)):
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

    def _tree_once(self, oid: bytes) -> bytes:
        kind, raw = self.raw(oid.decode())
        if kind != Tree.type_num:
            raise RevisionNotFound(oid.decode())
        return raw

    def _retried(self, read: Callable[[], R]) -> R:
        """A read, once more with a fresh dulwich repository if a repack took a pack away."""
        try:
            return read()
        except (FileNotFoundError, BufferError, ValueError, KeyError):
            self._local.repo = None
            return read()


# Closed at exit: dulwich's own destructors complain on standard error when they run last.
_opened: "weakref.WeakSet[Repo]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for repo in list(_opened):
        repo.close()
