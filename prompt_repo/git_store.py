"""Prompts as files in a bare Git repository; with git_trees the only importer of dulwich."""

import atexit
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

from dulwich.errors import NotGitRepository
from dulwich.object_store import iter_tree_contents
from dulwich.objects import Blob, ShaFile, Tag, Tree
from dulwich.objects import Commit as GitCommit
from dulwich.reflog import format_reflog_line, read_reflog
from dulwich.repo import Repo

from prompt_repo import git_cli, git_trees
from prompt_repo.errors import RefMoved, RepositoryExists, RepositoryNotFound, RevisionNotFound
from prompt_repo.git_lock import WriterLock, sync_folder
from prompt_repo.layout import is_branch
from prompt_repo.model import Author, Commit, FileChange, RefMove, split_trailers

OID = re.compile(r"[0-9a-f]{40}")
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*")
UNSAFE = re.compile(r"[\x00-\x1f\x7f<>]")
LOCK_TIMEOUT = 30.0  # seconds; two hundred queued edits take about two
PACK_FROM = 50  # objects; that many and more go into one pack, with one fsync
TREES_KEPT = 512  # raw trees kept in memory: those of the heads' large folders are read each edit
LARGE_TREES = 64_000_000  # bytes of them
NEAR = 64  # commits walked here before git is asked about ancestry
SETTINGS = {
    # What plain git writes here is synced too; reads at a time go by the log of ref moves.
    "core": {"fsync": "all", "logAllRefUpdates": "always"},
    "gc": {"auto": "0", "reflogExpire": "never", "reflogExpireUnreachable": "never"},
    "receive": {"denyNonFastForwards": "true", "denyDeletes": "true"},
    "transfer": {"fsckObjects": "true"},
}

R = TypeVar("R")

OPEN: "WeakSet[Repo]" = WeakSet()


@atexit.register
def _close() -> None:
    """Closes what is open: dulwich's own finalisers complain once Python is shutting down."""
    for repo in list(OPEN):
        repo.close()


class GitStore:
    """Files at commits on branches, in a bare repository or the `.git` of a clone.

    Safe for many threads and processes: dulwich's own objects are one a thread.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._lock = WriterLock(path)
        self._trees: OrderedDict[bytes, bytes] = OrderedDict()
        self._trees_bytes = 0
        self._trees_lock = threading.Lock()
        self._packed: tuple[tuple[int, int, int], dict[str, str]] = ((0, 0, 0), {})

    @classmethod
    def create(cls, path: Path) -> "GitStore":
        """A new bare repository without a commit; raises RepositoryExists."""
        if path.exists() and any(path.iterdir()):
            raise RepositoryExists(str(path))
        path.mkdir(parents=True, exist_ok=True)
        repo = Repo.init_bare(str(path), default_branch=b"staging")
        config = repo.get_config()
        for section, values in SETTINGS.items():
            for name, value in values.items():
                config.set((section.encode(),), name.encode(), value.encode())
        config.write_to_path()
        repo.close()
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "GitStore":
        """The repository in a bare folder or a clone's work tree; raises RepositoryNotFound."""
        try:
            repo = Repo(str(path))
        except (NotGitRepository, NotADirectoryError, FileNotFoundError) as missing:
            raise RepositoryNotFound(str(path)) from missing
        store = cls(Path(os.fsdecode(repo.commondir())).resolve())
        repo.close()
        (store.path / "prompt-repo").mkdir(exist_ok=True)
        return store

    def head(self, branch: str) -> str | None:
        """The commit a branch points to; None where there is no such branch.

        One small file is read: this runs at every request.
        """
        if not is_branch(branch):
            return None
        try:
            fd = os.open(f"{self.path}/refs/heads/{branch}", os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return self._packed_refs().get(f"refs/heads/{branch}")
        try:
            return os.read(fd, 41)[:40].decode("ascii") or None
        finally:
            os.close(fd)

    def branches(self) -> dict[str, str]:
        """The branches this project knows, with their commits."""
        found = {name: self.head(name) for name in self._names(b"refs/heads") if is_branch(name)}
        return {name: oid for name, oid in found.items() if oid is not None}

    def tags(self) -> dict[str, str]:
        """All tags with the commits they name."""
        return {name: self.resolve(name) for name in self._names(b"refs/tags")}

    def resolve(self, name: str) -> str:
        """The commit a full commit id or a tag names; raises RevisionNotFound."""
        if OID.fullmatch(name):
            self._object(name.encode(), GitCommit, name)
            return name
        if not TAG.fullmatch(name) or name.endswith(".lock"):
            raise RevisionNotFound(name)
        oid = self._repo.refs.read_ref(f"refs/tags/{name}".encode())  # type: ignore[arg-type]
        if oid is None:
            raise RevisionNotFound(name)
        return self._peeled(oid, name)

    def commit(self, oid: str) -> Commit:
        """A commit with its changes against the first parent; raises RevisionNotFound."""
        found = self._commit(oid)
        parents = tuple(parent.decode() for parent in found.parents)
        before = self._commit(parents[0]).tree if parents else None
        return _described(oid, found, self._changes(before, found.tree))

    def parents(self, oid: str) -> tuple[str, ...]:
        """The ids of a commit's parents; raises RevisionNotFound."""
        return tuple(parent.decode() for parent in self._commit(oid).parents)

    def exists(self, oid: str) -> bool:
        """Whether a full id names a commit that is here."""
        try:
            self._commit(oid)
        except RevisionNotFound:
            return False
        return True

    def read(self, oid: str, path: str) -> bytes | None:
        """A file at a commit; None where there is none. Raises RevisionNotFound."""
        blob = git_trees.find(self._commit(oid).tree, _split(path), self._tree)
        return self.blob(blob.decode()) if blob is not None else None

    def blob(self, blob: str) -> bytes:
        """The bytes of a blob; raises RevisionNotFound."""
        return self._object(blob.encode(), Blob, blob).as_raw_string()

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of many blobs, in the order asked; raises RevisionNotFound."""
        for oid in ids:
            yield oid, self.blob(oid)

    def files(self, oid: str) -> Iterator[tuple[str, str]]:
        """Every regular file at a commit as (path, blob id)."""
        for entry in iter_tree_contents(self._repo.object_store, self._commit(oid).tree):
            if entry.mode is not None and entry.mode & 0o170000 == 0o100000:
                assert entry.path is not None
                assert entry.sha is not None
                yield entry.path.decode(errors="replace"), entry.sha.decode()

    def changed(self, old: str | None, new: str) -> list[FileChange]:
        """Files that differ between two commits; folders with equal ids are not opened."""
        before = self._commit(old).tree if old is not None else None
        return list(self._changes(before, self._commit(new).tree))

    def is_ancestor(self, ancestor: str, of: str) -> bool:
        """Whether `of` is `ancestor` or descends from it; goes by parents, never by dates."""
        seen = {of}
        front = [of]
        while front and len(seen) < NEAR:
            if ancestor in seen:
                return True
            front = [p for oid in front for p in self.parents(oid) if p not in seen]
            seen.update(front)
        if ancestor in seen or not front:
            return ancestor in seen
        return git_cli.is_ancestor(self.path, ancestor, of)

    def moves(self, branch: str) -> list[RefMove]:
        """Where a branch pointed, oldest first, by Git's log of its moves."""
        if not is_branch(branch):
            return []
        try:
            with open(self.path / "logs" / "refs" / "heads" / branch, "rb") as log:
                return [_move(entry) for entry in read_reflog(log)]
        except FileNotFoundError:
            return []

    def locked(self, timeout: float = LOCK_TIMEOUT) -> AbstractContextManager[None]:
        """The lock that all writers take; raises RepositoryBusy after `timeout` seconds."""
        return self._lock.held(timeout)

    def create_branch(self, branch: str, oid: str) -> None:
        """A new branch at a commit; raises RefMoved where it exists, RevisionNotFound."""
        self._require_branch(branch)
        self._commit(oid)
        with self.locked(), self._lock.writing():
            self._move(branch, None, oid, b"prompt-repo <>", "branch: created")

    def write(
        self,
        branch: str,
        expected: str | None,
        changes: Mapping[str, bytes | None],
        *,
        author: Author,
        message: str,
        at: datetime | None = None,
        extra_parents: Sequence[str] = (),
    ) -> Commit:
        """Commits changed files onto a branch and moves it, durably; None takes a file away.

        When this returns, a power cut loses nothing of it. Raises RefMoved where the branch
        isn't at `expected` (None: it must not exist), RepositoryBusy.
        """
        self._require_branch(branch)
        with self.locked():
            if self.head(branch) != expected:
                raise RefMoved(branch, expected, self.head(branch))
            with self._lock.writing():
                commit, objects = self._build(expected, changes, author, message, at, extra_parents)
                self._add(objects)
                self._move(branch, expected, commit.id.decode(), commit.author, message)
            return _described(commit.id.decode(), commit, self._written(expected, changes, objects))

    @property
    def _repo(self) -> Repo:
        repo: Repo | None = getattr(self._local, "repo", None)
        if repo is None or self._local.pid != os.getpid():
            repo = Repo(str(self.path))
            OPEN.add(repo)
            # Acknowledged means on disk. Said here and not in the repository's configuration,
            # because git prints a warning at each command where core.fsyncObjectFiles is set.
            repo.object_store.fsync_object_files = True
            # Large trees are hashes, which don't compress; packing does it over anyway.
            repo.object_store.loose_compression_level = 1
            self._local.repo, self._local.pid = repo, os.getpid()
        return repo

    def _retried(self, read: Callable[[], R]) -> R:
        """A read, once more with a fresh dulwich repository if a repack took a pack away."""
        try:
            return read()
        except (FileNotFoundError, BufferError, ValueError, KeyError):
            self._local.repo = None
            return read()

    def _object(self, oid: bytes, kind: type[ShaFile], name: str) -> ShaFile:
        try:
            found = self._retried(lambda: self._repo.object_store[oid])  # type: ignore[index]
        except (KeyError, ValueError) as missing:
            raise RevisionNotFound(name) from missing
        if not isinstance(found, kind):
            raise RevisionNotFound(name)
        return found

    def _commit(self, oid: str) -> GitCommit:
        if not OID.fullmatch(oid):
            raise RevisionNotFound(oid)
        found = self._object(oid.encode(), GitCommit, oid)
        assert isinstance(found, GitCommit)
        return found

    def _peeled(self, oid: bytes, name: str) -> str:
        found = self._object(oid, ShaFile, name)
        while isinstance(found, Tag):
            found = self._object(found.object[1], ShaFile, name)
        if not isinstance(found, GitCommit):
            raise RevisionNotFound(name)
        return found.id.decode()

    def _tree(self, oid: bytes) -> bytes:
        """The raw bytes of a tree; large ones that every edit reads are kept."""
        with self._trees_lock:
            raw = self._trees.get(oid)
            if raw is not None:
                self._trees.move_to_end(oid)
                return raw
        raw = self._retried(lambda: self._repo.object_store.get_raw(oid))[1]  # type: ignore[arg-type]
        self._keep_tree(oid, raw)
        return raw

    def _keep_tree(self, oid: bytes, raw: bytes) -> None:
        with self._trees_lock:
            if oid not in self._trees:
                self._trees[oid] = raw
                self._trees_bytes += len(raw)
            while len(self._trees) > TREES_KEPT or self._trees_bytes > LARGE_TREES:
                self._trees_bytes -= len(self._trees.popitem(last=False)[1])

    def _changes(self, before: bytes | None, after: bytes | None) -> tuple[FileChange, ...]:
        found = git_trees.differences(before, after, self._tree)
        return tuple(
            FileChange(
                path.decode(errors="replace"),
                old.decode() if old else None,
                new.decode() if new else None,
            )
            for path, (old, new) in sorted(found.items())
        )

    def _names(self, base: bytes) -> list[str]:
        return [name.decode() for name in self._repo.refs.keys(base=base)]  # type: ignore[arg-type]

    def _packed_refs(self) -> dict[str, str]:
        """The refs that Git packed away, read again only when the file changed."""
        file = self.path / "packed-refs"
        try:
            stat = file.stat()
        except FileNotFoundError:
            return {}
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if self._packed[0] != stamp:
            lines = (line.split() for line in file.read_text().splitlines())
            refs = {line[1]: line[0] for line in lines if len(line) == 2 and OID.match(line[0])}
            self._packed = stamp, refs
        return self._packed[1]

    def _require_branch(self, branch: str) -> None:
        if not is_branch(branch):
            raise RevisionNotFound(branch)

    def _build(
        self,
        parent: str | None,
        changes: Mapping[str, bytes | None],
        author: Author,
        message: str,
        at: datetime | None,
        extra_parents: Sequence[str],
    ) -> tuple[GitCommit, list[ShaFile]]:
        blobs = {
            _split(path): Blob.from_string(raw) if raw is not None else None
            for path, raw in changes.items()
        }
        base = self._commit(parent).tree if parent is not None else None
        ids = {path: blob.id if blob is not None else None for path, blob in blobs.items()}
        tree, trees = git_trees.updated(base, ids, self._tree)
        for made in trees:
            self._keep_tree(made.id, made.as_raw_string())
        if tree is None:
            empty = Tree()
            trees.append(empty)
            tree = empty.id
        commit = GitCommit()
        commit.tree = tree
        commit.parents = [oid.encode() for oid in (*([parent] if parent else []), *extra_parents)]  # type: ignore[misc]
        commit.author = commit.committer = _person(author)
        commit.author_time = commit.commit_time = int(at.timestamp() if at else time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = f"{message.strip()}\n".encode()
        return commit, [*(blob for blob in blobs.values() if blob is not None), *trees, commit]

    def _written(
        self, parent: str | None, changes: Mapping[str, bytes | None], objects: Sequence[ShaFile]
    ) -> tuple[FileChange, ...]:
        """What a write changed, known without comparing trees: its blobs lead the objects."""
        tree = self._commit(parent).tree if parent is not None else None
        made = iter(objects)
        found = []
        for path, raw in changes.items():
            old = git_trees.find(tree, _split(path), self._tree)
            new = next(made).id if raw is not None else None
            if old != new:
                found.append(
                    FileChange(path, old.decode() if old else None, new.decode() if new else None)
                )
        return tuple(found)

    def _add(self, objects: Sequence[ShaFile]) -> None:
        """Objects and the names of their files, on disk before any ref names them."""
        store = self._repo.object_store
        if len(objects) >= PACK_FROM:
            store.add_objects([(each, None) for each in objects])
            sync_folder(self.path / "objects" / "pack")
            return
        for each in objects:
            store.add_object(each)
        folders = {each.id[:2].decode() for each in objects}
        for folder in sorted(folders):
            sync_folder(self.path / "objects" / folder)
        sync_folder(self.path / "objects")

    def _move(self, branch: str, old: str | None, new: str, who: bytes, why: str) -> None:
        ref = f"refs/heads/{branch}"
        self._lock.swap(ref, old, new, self._packed_refs().get(ref))
        line = format_reflog_line(
            old.encode() if old else None,
            new.encode(),
            who,
            int(time.time()),
            0,
            why.splitlines()[0].encode() if why else b"",
        )
        log = self.path / "logs" / ref
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as lines:
            lines.write(line + b"\n")


def _split(path: str) -> tuple[bytes, ...]:
    return tuple(path.encode().split(b"/"))


def _person(author: Author) -> bytes:
    name = UNSAFE.sub(" ", author.name).strip() or "Unknown"
    email = UNSAFE.sub("", author.email).replace(" ", "")
    return f"{name} <{email}>".encode(errors="replace")


def _author(raw: bytes) -> Author:
    name, _, rest = raw.decode(errors="replace").partition(" <")
    return Author(name, rest.rstrip(">"))


def _described(oid: str, commit: GitCommit, changes: tuple[FileChange, ...]) -> Commit:
    message = commit.message.decode(errors="replace").strip("\n")
    return Commit(
        oid=oid,
        parents=tuple(parent.decode() for parent in commit.parents),
        author=_author(commit.author),
        authored_at=datetime.fromtimestamp(commit.author_time, UTC),
        committed_at=datetime.fromtimestamp(commit.commit_time, UTC),
        message=message,
        changes=changes,
        trailers=split_trailers(message)[1],
    )


def _move(entry: object) -> RefMove:
    old, new, _, at, _, _ = entry  # type: ignore[misc]
    return RefMove(
        None if old == b"0" * 40 else old.decode(),  # type: ignore[has-type]
        new.decode(),  # type: ignore[has-type]
        datetime.fromtimestamp(at, UTC),  # type: ignore[has-type]
    )
