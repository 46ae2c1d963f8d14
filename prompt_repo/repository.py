"""One prompt repository: its store, its history index, and the catalogue of any commit."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from prompt_repo import documents
from prompt_repo.carrying import Carried
from prompt_repo.catalogue import (
    Catalogue,
    Found,
    Tables,
    advanced,
    blobs_of,
    folders_of,
    found_at,
    placed,
    shared,
    spots_of,
)
from prompt_repo.errors import BranchNotFound, RevisionNotFound
from prompt_repo.git_store import GitStore
from prompt_repo.history import History
from prompt_repo.indexing import Indexes
from prompt_repo.layout import CONFIGURATION, place_of
from prompt_repo.model import Author, Commit, Configuration, Held
from prompt_repo.parsed import Parsed, ParsedDocuments
from prompt_repo.progress import Progress, silent

STAGING = "staging"
PRODUCTION = "production"
KEPT = 8  # catalogues of earlier commits kept for reads in the past
HELD_COMMITS = 4096  # answers to "was this commit ever held?" kept; they never change


class Repository:
    """A prompt repository on disk, safe to share between threads.

    Another process that writes to the same folder is noticed at the next read. Branches in
    `reviewed` take no edits but those of merged change requests.
    """

    def __init__(self, store: GitStore) -> None:
        self.store = store
        self.listeners: list[Callable[[str, Commit], None]] = []
        self.reviewed: frozenset[str] = frozenset()
        self.history = History(store)
        self.indexes = Indexes(self.history.authors)
        self._parsed = ParsedDocuments(store)
        self._current: dict[str, Catalogue] = {}
        self._earlier: OrderedDict[str, Catalogue] = OrderedDict()
        self._held: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> "Repository":
        """The repository in a bare folder or a clone; raises RepositoryNotFound."""
        return cls(GitStore.open(path))

    @classmethod
    def create(cls, path: Path, configuration: Configuration, author: Author) -> "Repository":
        """A new repository whose two environments hold `configuration` and nothing else.

        Raises RepositoryExists.
        """
        store = GitStore.create(path)
        first = store.write(
            STAGING,
            None,
            {CONFIGURATION: documents.dump(configuration)},
            author=author,
            message="Begin the prompt repository",
        )
        store.create_branch(PRODUCTION, first.oid)
        return cls(store)

    def head(self, branch: str) -> str:
        """The commit a branch points to now; raises BranchNotFound."""
        head = self.store.head(branch)
        if head is None:
            raise BranchNotFound(branch)
        return head

    def current(self, branch: str) -> Catalogue:
        """Everything a branch holds now; costs one look at the ref while nothing moves."""
        head = self.head(branch)
        known = self._current.get(branch)
        if known is not None and known.commit == head:
            return known
        with self._lock:
            head = self.head(branch)  # it may have moved on while another thread held the lock
            known = self._current.get(branch)
            if known is None or known.commit != head:
                others = [each for name, each in self._current.items() if name != branch]
                known = self._advance(known or self._any_current(), head, others)
                self._current[branch] = known
        return known

    def catalogue(self, commit: str) -> Catalogue:
        """Everything at a full commit id that is in the repository; raises RevisionNotFound."""
        for known in list(self._current.values()):
            if known.commit == commit:
                return known
        with self._lock:
            earlier = self._earlier.get(commit)
            if earlier is None:
                self.history.ensure(commit)
                earlier = Catalogue(
                    commit,
                    find=lambda path: self._find(commit, path),
                    load=lambda: self._tables(commit),
                )
                self._earlier[commit] = earlier
            self._earlier.move_to_end(commit)
            while len(self._earlier) > KEPT:
                self._earlier.popitem(last=False)
        return earlier

    def at(self, branch: str, when: str | None) -> Catalogue:
        """What a branch held at a commit, a tag or a time (RFC 3339); None means now.

        Raises RevisionNotFound where the branch never held that commit.
        """
        return (
            self.current(branch) if when is None else self.catalogue(self.commit_at(branch, when))
        )

    def commit_at(self, branch: str, when: str) -> str:
        """The commit that `when` (a commit, a tag or a time) means on a branch.

        A time means what the branch pointed to then by Git's log of its moves, before that
        log began by the times of its first-parent commits. Raises RevisionNotFound.
        """
        moment = _moment(when)
        if moment is not None:
            return self._commit_at_time(branch, moment, when)
        commit = self.store.resolve(when)
        if not self.has_held(branch, commit):
            raise RevisionNotFound(when, branch)
        return commit

    def has_held(self, branch: str, commit: str) -> bool:
        """Whether a commit is what a branch points to, or one of its ancestors."""
        if (branch, commit) in self._held:
            return True
        if not self.store.is_ancestor(commit, self.head(branch)):
            return False
        self._held[branch, commit] = None  # a branch never loses a commit: refs only go forward
        while len(self._held) > HELD_COMMITS:
            self._held.popitem(last=False)
        return True

    def written(self, branch: str, commit: Commit, known: Catalogue | None = None) -> Catalogue:
        """Takes note of a commit this process has just made; gives the catalogue there.

        Who had it `foreseen` gives what is `known` of it. Whoever listens hears of it.
        """
        if known is None:
            self.history.record(commit)
        else:
            with self._lock:
                if self._follows(branch, commit):
                    self._current[branch] = known
        catalogue = self.current(branch)
        for listener in self.listeners:
            listener(branch, commit)
        return catalogue

    def parsed(self, blobs: Mapping[str, str]) -> dict[str, Parsed]:
        """The documents in blobs, given with a path where each stands."""
        return self._parsed.many(blobs)

    def learn(self, rows: Iterable[tuple[str, str]]) -> None:
        """Takes note of the values of documents just written, so that nobody parses them again."""
        self._parsed.learn(rows)

    def rebuild(self, progress: Progress = silent) -> int:
        """Makes all that is derived from Git anew; gives the number of commits indexed."""
        self._parsed.forget()
        return self.history.rebuild(progress)

    def check(self, progress: Progress = silent) -> list[str]:
        """What is wrong with all that is derived from Git, a line each; [] where it is sound."""
        problems = self.history.check(progress)
        for commit in sorted({*self.store.branches().values()}):
            problems += self._parsed.check(blobs_of(self.history.state(commit)))
        return list(dict.fromkeys(problems))

    def _commit_at_time(self, branch: str, moment: datetime, when: str) -> str:
        moves = self.store.moves(branch)
        before = [move for move in moves if move.at <= moment]
        if before and before[-1].old is not None:
            return before[-1].new
        head = moves[0].new if moves else self.head(branch)
        self.history.ensure(head)
        commit = self.history.before(head, moment)
        if commit is None:
            raise RevisionNotFound(when, branch)
        return commit

    def foreseen(self, branch: str, commit: Commit, carried: Carried) -> Catalogue | None:
        """What a branch will hold by a commit that only `carried` something from another branch.

        The history index knows the commit then. It may be on its way to the disk still: who gets
        a catalogue shows it to `written`, once it is there. None where it has to be looked at.
        """
        rows = [held.row for held in carried.versions.values()]
        besides = self.history.record_continuing(commit, rows)
        if besides is None or not self._follows(branch, commit):
            return None
        with self._lock:
            near = [each.tables for name, each in self._current.items() if name != branch]
        tables = self._advanced(carried.tables, besides, near) if besides else carried.tables
        moved = commit.parents[0], {*carried.spots, *spots_of(besides)}
        return Catalogue(commit.oid, tables=tables, moved=moved)

    def _follows(self, branch: str, commit: Commit) -> bool:
        """Whether a commit is made on the one whose catalogue is known."""
        known = self._current.get(branch)
        return known is not None and (known.commit,) == commit.parents[:1]

    def _any_current(self) -> Catalogue | None:
        return next(iter(self._current.values()), None)

    def _advance(
        self, known: Catalogue | None, head: str, others: Sequence[Catalogue]
    ) -> Catalogue:
        """The catalogue at a head; what it holds like one of the `others` is shared with that."""
        self.history.ensure(head)
        moved = self.history.moved(known.commit, head) if known is not None else None
        if known is None or moved is None:
            tables, fresh = self._tables(head), None
        else:
            near = [other.tables for other in others]
            tables, fresh = self._advanced(known.tables, moved, near), folders_of(moved)
        for other in others:
            tables = shared(tables, other.tables, tables.folders if fresh is None else fresh)
        since = (known.commit, spots_of(moved)) if known is not None and moved is not None else None
        return Catalogue(head, tables=tables, moved=since)

    def _tables(self, commit: str) -> Tables:
        return self._advanced(Tables(), self.history.state(commit))

    def _advanced(
        self, tables: Tables, moved: Mapping[str, Held | None], near: Sequence[Tables] = ()
    ) -> Tables:
        """The tables after some paths moved; what stands in others `near` is not parsed again."""
        known = {blob: value for other in near for blob, value in _standing(other, moved)}
        unknown = {blob: path for blob, path in blobs_of(moved).items() if blob not in known}
        return advanced(tables, moved, {**known, **self._parsed.many(unknown)})

    def _find(self, commit: str, path: str) -> Found | None:
        held = self.history.held(commit, path)
        if held is None or held.blob is None:
            return None
        return held, placed(self._parsed.one(held.blob, path), path)


def _standing(tables: Tables, moved: Mapping[str, Held | None]) -> Iterator[tuple[str, Parsed]]:
    """The blobs and values of those of the paths where the tables hold the same blob."""
    for path, held in moved.items():
        place = place_of(path)
        found = found_at(tables, place) if place is not None and held is not None else None
        if found is not None and held is not None and found[0].blob == held.blob and held.blob:
            yield held.blob, found[1]


def _moment(when: str) -> datetime | None:
    """A time with its zone (UTC where none is given); None where `when` is no time."""
    if len(when) < len("2026-11-23") or when[4:5] != "-":
        return None
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
