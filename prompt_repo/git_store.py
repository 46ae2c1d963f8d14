"""Prompts as files in a bare Git repository: read at any commit, written durably."""

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property, partial
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType

from dulwich.objects import Blob, ObjectID, ShaFile, Tag
from dulwich.refs import Ref

from prompt_repo import git_cli, git_commits, git_format, git_objects, git_trees
from prompt_repo.alongside import both
from prompt_repo.errors import RefMoved, RepositoryExists, RevisionNotFound
from prompt_repo.git_lock import Entry, WriterLock
from prompt_repo.git_reader import Reader
from prompt_repo.git_refs import OID, OWN_FOLDER, Refs, Swap
from prompt_repo.git_trees import EntryKind
from prompt_repo.layout import is_branch
from prompt_repo.model import Author, Commit, FileChange, Graft, Label, RefMove

TAG = re.compile(r"(?!.*\.lock$)[A-Za-z0-9](?:[A-Za-z0-9_-]|[./](?=[A-Za-z0-9_-])){0,199}")
LOCK_TIMEOUT = 30.0  # seconds; two hundred queued edits take about two
FOREIGN_LOCK_TIMEOUT = 5.0  # seconds for a push by plain git, which locks a ref for milliseconds
SYSTEM = Author("prompt-repo", "")
Move = tuple[str, str | None, str]
"""A branch, the commit it is at (None: it is new), and the one it goes to."""


class GitStore:
    """Files at commits on branches, in a bare repository or the `.git` of a clone.

    Safe for many threads and processes: what is read is kept for all of them.
    """

    def __init__(self, path: Path, clone: Path | None = None) -> None:
        self.path = path
        self._clone = clone  # where HEAD of a clone's work tree is; None for a bare repository
        self._reader = Reader(path)
        self._lock = WriterLock(path / OWN_FOLDER / "writer.lock", self._recover)
        self._refs = Refs(path, self._lock)
        self._shallow: tuple[int, frozenset[str]] = (0, frozenset())

    @classmethod
    def create(cls, path: Path) -> "GitStore":
        """A new bare repository without a commit; raises RepositoryExists, StorageFailed."""
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RepositoryExists(str(path))
        with git_format.storage(path):
            git_format.make(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "GitStore":
        """The repository in a bare folder or a clone's work tree.

        Raises RepositoryNotFound, StorageFailed.
        """
        with git_format.storage(path):
            return cls(*git_format.folders(path))

    def guard(self) -> list[str]:
        """Sets what a server's repository needs and its configuration doesn't say.

        A backup made by `git clone --mirror` has lost what keeps git from rewriting branches. A
        clone's work tree is somebody's own and left alone. Gives the names of what was set;
        raises StorageFailed, RepositoryBusy.
        """
        if self._clone is not None:
            return []
        with self.locked():
            return git_format.guard(self.path)

    @cached_property
    def derived(self) -> Path:
        """The folder for what is made from the repository, and may be deleted.

        Of a repository that we may only read it is a temporary one, gone with this process.
        """
        folder = self.path / OWN_FOLDER
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
        self._temporary = tempfile.TemporaryDirectory(prefix="prompt-repo-")
        return Path(self._temporary.name)

    @property
    def is_shallow(self) -> bool:
        """Whether this is a clone whose history was cut off."""
        return bool(self._cut_off())

    def close(self) -> None:
        """Closes what this thread has open of it; it is opened again where it is needed."""
        self._reader.close()

    def head(self, branch: str) -> str | None:
        """The commit a branch points to; None where there is no such branch.

        In a clone, a branch that was only fetched so far counts as it is at `origin`. One small
        file is read: this runs at every request. Raises RepositoryDamaged.
        """
        if not is_branch(branch):
            return None
        found = self._refs.read(f"refs/heads/{branch}")
        if found is None and self._clone is not None:
            found = self._refs.read(f"refs/remotes/origin/{branch}")
        return found

    def branches(self) -> dict[str, str]:
        """The branches this project knows, with their commits."""
        names = {*self._names("refs/heads/")}
        if self._clone is not None:
            names.update(self._names("refs/remotes/origin/"))
        found = {name: self.head(name) for name in sorted(names)}
        return {name: oid for name, oid in found.items() if oid is not None}

    def tags(self) -> dict[str, str]:
        """The tags that `resolve` answers to, with the commits they name."""
        found = {}
        for name in self._names("refs/tags/"):
            with suppress(RevisionNotFound):  # of a blob or a tree, or of a name not let in
                found[name] = self.resolve(name)
        return found

    def tag_names(self) -> list[str]:
        """The names of all tags, whatever they name."""
        return self._names("refs/tags/")

    def resolve(self, name: str) -> str:
        """The commit a full commit id or a tag names; raises RevisionNotFound."""
        if OID.fullmatch(name):
            return self._reader.commit(name).id.decode()
        if not TAG.fullmatch(name):
            raise RevisionNotFound(name)
        oid = self._refs.read(f"refs/tags/{name}")
        if oid is None:
            raise RevisionNotFound(name)
        return self._reader.peeled(oid, name)

    def named(self, name: str) -> str:
        """The commit that a person means: a branch, what `resolve` takes, what git takes besides.

        That is HEAD, origin/staging, the beginning of an id, HEAD~2. Raises RevisionNotFound and
        GitMissing.
        """
        head = self.head(name)
        if head is not None:
            return head
        try:
            return self.resolve(name)
        except RevisionNotFound:
            found = git_cli.resolve(self._clone or self.path, name)
            if found is None:
                raise
            return found

    def commit(self, oid: str) -> Commit:
        """A commit with its changes against the first parent; raises RevisionNotFound."""
        found = self._reader.commit(oid)
        parents = self.parents(oid)
        before = self._reader.parent(parents[0]).tree if parents else None
        return git_commits.described(found, parents, self._changes(before, found.tree))

    def changes(self, commit: Commit) -> Iterator[FileChange]:
        """A commit's changes against the first parent, as they are found."""
        before = self._reader.parent(commit.parents[0]).tree if commit.parents else None
        return self._differing(before, self._reader.commit(commit.oid).tree)

    def header(self, oid: str) -> Commit:
        """A commit without its changes, which costs no look at a tree; raises RevisionNotFound."""
        return git_commits.described(self._reader.commit(oid), self.parents(oid), ())

    def encoding(self, oid: str) -> str:
        """What a commit says its message is written in; empty where it says nothing: UTF-8."""
        return git_commits.text_of(self._reader.commit(oid).encoding or b"")

    def parents(self, oid: str) -> tuple[str, ...]:
        """The ids of a commit's parents (none where a shallow clone ends); RevisionNotFound."""
        found = self._reader.commit(oid).parents
        return () if oid in self._cut_off() else tuple(parent.decode() for parent in found)

    def exists(self, oid: str) -> bool:
        """Whether a full id names a commit that is here."""
        try:
            self._reader.commit(oid)
        except RevisionNotFound:
            return False
        return True

    def read(self, oid: str, path: str) -> bytes | None:
        """A file at a commit; None where there is none. Raises RevisionNotFound."""
        names = tuple(path.encode(errors="replace").split(b"/"))
        blob = git_trees.find(self._reader.commit(oid).tree, names, self._reader.tree)
        return self.blob(blob.decode()) if blob is not None else None

    def blob(self, blob_id: str) -> bytes:
        """The bytes of a blob that a tree names; raises RepositoryDamaged where it is gone."""
        return self._reader.blob(blob_id)

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of many blobs, in the order asked; raises as `blob`."""
        for oid in ids:
            yield oid, self.blob(oid)

    def files(self, oid: str) -> Iterator[tuple[str, str]]:
        """Every regular file at a commit as (path, blob id). Raises RevisionNotFound."""
        everything = self.entries(oid)
        return ((path, blob) for path, kind, blob in everything if kind is EntryKind.FILE)

    def entries(self, oid: str) -> Iterator[tuple[str, EntryKind, str]]:
        """All that stands at a commit as (path, kind, id). Raises RevisionNotFound."""
        everything = self._reader.entries(self._reader.commit(oid).tree)
        return (
            (path.decode(errors="replace"), git_trees.kind(mode), entry.decode())
            for path, mode, entry in everything
        )

    def changed(self, old: str | None, new: str) -> list[FileChange]:
        """Files that differ between two commits; folders with equal ids are not opened."""
        before = self._reader.commit(old).tree if old else None
        return [*self._changes(before, self._reader.commit(new).tree)]

    def is_ancestor(self, ancestor: str, of: str) -> bool:
        """Whether `of` is `ancestor` or descends from it; goes by parents, never by dates.

        Raises RevisionNotFound.
        """
        self._reader.commit(ancestor)
        near = git_commits.descends(of, ancestor, self.parents)
        return git_cli.is_ancestor(self.path, ancestor, of) if near is None else near

    def moves(self, branch: str) -> list[RefMove]:
        """Where a branch pointed, oldest first, by Git's log of its moves."""
        return self._refs.moves(branch) if is_branch(branch) else []

    @contextmanager
    def locked(self, timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
        """The lock that all writers take; raises RepositoryBusy after `timeout` seconds.

        Raises StorageFailed where the disk is full, or the repository may only be read.
        """
        with git_format.storage(self.path), self._lock.held(timeout):
            yield

    def create_branch(self, branch: str, oid: str) -> None:
        """A new branch at a commit; raises RefMoved where it exists, RevisionNotFound."""
        self._require_branch(branch)
        self._reader.commit(oid)
        with self.locked(), self._lock.writing():
            self._move(self._swap(branch, None, oid, "branch: created"), SYSTEM)

    def write(
        self,
        branch: str,
        expected: str | None,
        changes: Mapping[str, bytes | None],
        *,
        author: Author,
        message: str,
        committer: Author | None = None,
        at: datetime | None = None,
        extra_parents: Sequence[str] = (),
        existing: Mapping[str, str | None] = MappingProxyType({}),
        graft: Graft | None = None,
        known: Sequence[FileChange] | None = None,
        label: Label | None = None,
        meanwhile: Callable[[Commit], None] | None = None,
    ) -> Commit:
        """Commits changed files onto a branch and moves it, durably; None takes a file away.

        `existing` names files by blobs that are in the repository already, and `graft` whole
        folders. Who knows all that changes (`known`) saves finding it out. A `label` becomes an
        annotated tag of the commit; both are there afterwards, or neither.
        `meanwhile` is called with the commit while it is written, which may still come to nothing.

        When this returns, a power cut loses nothing of it. `at` is the commit's time (None: now).
        Raises RefMoved where the branch isn't at `expected` (None: it must not exist) or the label
        is taken, RevisionNotFound for an extra parent that isn't here, RepositoryBusy,
        StorageFailed, and ValueError for a path that Git can't hold.
        """
        self._require_branch(branch)
        paths = {path: git_trees.split(path) for path in changes}
        with self.locked():
            now = self.head(branch)
            if now != expected:
                raise RefMoved(branch, expected, now)
            before = self._reader.commit(expected).tree if expected is not None else None
            parents = (*((expected,) if expected else ()), *map(self.resolve, extra_parents))
            blobs = {paths[path]: _blob(raw) for path, raw in changes.items()}
            ids = {path: blob.id if blob is not None else None for path, blob in blobs.items()}
            ids |= {
                git_trees.split(path): ObjectID(oid.encode()) if oid else None
                for path, oid in existing.items()
            }
            source = self._reader.commit(graft.commit).tree if graft is not None else None
            tree, trees = git_trees.remade(before, ids, graft, source, self._reader)
            commit = git_commits.made(tree, parents, author, committer, message, at)
            objects = [*(blob for blob in blobs.values() if blob is not None), *trees, commit]
            oid, who = commit.id.decode(), committer or author
            swaps = [self._swap(branch, expected, oid, message)]
            if label is not None:
                objects.append(tag := self._tag(label, oid, who, git_commits.moment(commit)))
                swaps.append(Swap.of_tag(label.name, tag.id.decode()))
            store = partial(self._store, objects, swaps, who, seldom=graft is not None)
            told = partial(git_commits.described, commit, parents)
            both(store, partial(meanwhile, told(tuple(known or ()))) if meanwhile else None)
            self._reader.keep_commit(commit)
            return told(self._changes(before, tree) if known is None else tuple(known))

    def accept(self, incoming: Path, moves: Sequence[Move], who: Author, why: str) -> list[Move]:
        """Takes in synced objects from a folder on this disk, and moves branches to them, durably.

        Gives those that moved: all, unless plain git wins one in between. Raises RefMoved, with
        nothing done, where one isn't where its move begins; RepositoryBusy, StorageFailed.
        """
        done: list[Move] = []
        with self.locked():
            for branch, old, _ in moves:
                self._require_branch(branch)
                if self.head(branch) != old:
                    raise RefMoved(branch, old, self.head(branch))
            with self._lock.writing(), suppress(RefMoved):
                git_objects.adopt(incoming, self.path / "objects")
                for branch, old, new in moves:
                    self._move(self._swap(branch, old, new, why), who)
                    done.append((branch, old, new))
        return done

    def tag(
        self, name: str, oid: str, *, who: Author, message: str, at: datetime | None = None
    ) -> None:
        """A new annotated tag at a commit, durably; raises RefMoved where the name is taken.

        Raises RevisionNotFound for a commit that isn't here, or a name that can't be a tag's.
        """
        self._reader.commit(oid)
        made = self._tag(Label(name, message), oid, who, at)
        with self.locked():
            self._store([made], [Swap.of_tag(name, made.id.decode())], who)

    def _tag(self, label: Label, oid: str, who: Author, at: datetime | None) -> Tag:
        if not TAG.fullmatch(label.name):
            raise RevisionNotFound(label.name)
        return git_commits.tagged(label.name, oid, who, label.message, at)

    def _store(
        self, made: Sequence[ShaFile], swaps: Sequence[Swap], who: Author, *, seldom: bool = False
    ) -> None:
        """Writes objects, then moves refs to them; their contents are synced at one time."""
        said = git_commits.person(who, longest=100)
        with self._lock.writing(), self._refs.prepared(swaps, said) as ready:
            git_objects.add(self.path / "objects", made, seldom=seldom, along=ready.files)
            self._refs.carry_out(ready, FOREIGN_LOCK_TIMEOUT)

    def _swap(self, branch: str, old: str | None, new: str, why: str) -> Swap:
        ref = f"refs/heads/{branch}"
        # A branch of a clone that was only fetched so far begins here.
        begins = self._clone is not None and self._refs.read(ref) is None
        return Swap(ref, None if begins else old, new, why)

    def _move(self, swap: Swap, who: Author) -> None:
        said = git_commits.person(who, longest=100)
        self._refs.swap(swap, who=said, timeout=FOREIGN_LOCK_TIMEOUT)

    def _recover(self, entry: Entry) -> None:
        git_objects.clear(self.path / "objects")
        self._refs.recover(entry)

    def _changes(self, before: bytes | None, after: bytes | None) -> tuple[FileChange, ...]:
        return tuple(sorted({*self._differing(before, after)}, key=attrgetter("path")))

    def _differing(self, before: bytes | None, after: bytes | None) -> Iterator[FileChange]:
        return git_commits.changes_of(git_trees.differences(before, after, self._reader.tree))

    def _names(self, base: str) -> list[str]:
        return [os.fsdecode(name) for name in self._reader.repo.refs.subkeys(Ref(base.encode()))]

    def _cut_off(self) -> frozenset[str]:
        """The commits where a shallow clone ends, whose parents aren't here."""
        try:
            stamp = (self.path / "shallow").stat().st_mtime_ns
        except FileNotFoundError:
            return frozenset()
        if self._shallow[0] != stamp:
            self._shallow = stamp, frozenset((self.path / "shallow").read_text().split())
        return self._shallow[1]

    def _require_branch(self, branch: str) -> None:
        if not is_branch(branch):
            raise RevisionNotFound(branch)


def _blob(raw: bytes | None) -> Blob | None:
    return Blob.from_string(raw) if raw is not None else None
