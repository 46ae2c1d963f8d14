"""Carries an import out: all of it in one move of a ref, or nothing.

Git itself writes the objects, beside the repository, while nobody waits; under the writers' lock
they are only moved in, and the branch with them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from prompt_repo import changes, documents, git_cli
from prompt_repo.errors import (
    InvalidDocument,
    NothingProposed,
    ProtectedBranch,
    RefMoved,
    RepositoryBusy,
    ReviewRequired,
)
from prompt_repo.git_incoming import incoming
from prompt_repo.layout import CONFIGURATION, Kind, character_path, names_of, place_of
from prompt_repo.model import Author
from prompt_repo.progress import Progress, silent
from prompt_repo.reasons import check_reason
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.transfer_documents import blob_id
from prompt_repo.transfer_errors import ImportConflicts, ImportEdited, ImportMoved, NotInFile
from prompt_repo.transfer_plan import Entry, Plan, State, Strategy
from prompt_repo.transfer_staged import Staged
from prompt_repo.transfer_stream import Stream

ATTEMPTS = 20
FEW = 200  # entries of a plan read at once
TABLES = """
DROP TABLE IF EXISTS moves;
DROP TABLE IF EXISTS finals;
CREATE TABLE moves (
    at INTEGER, turn INTEGER, made INTEGER, name TEXT, email TEXT, reason TEXT,
    path TEXT, number INTEGER
);
CREATE TABLE finals (path TEXT PRIMARY KEY, raw BLOB) WITHOUT ROWID;
"""
"""moves    versions to be written; `at` and `turn` are when, in an order that all histories keep
finals   what shall stand at last, where the versions don't say so already
"""


@dataclass(frozen=True)
class Choices:
    """What shall become of conflicts: by document, else `default`; None is undecided."""

    default: Strategy | None = None
    each: Mapping[str, Strategy] = field(default_factory=dict)

    def of(self, path: str) -> Strategy | None:
        """What was said of a document."""
        return self.each.get(path, self.default)

    @classmethod
    def told(cls, default: str | None, each: Iterable[str] = ()) -> "Choices":
        """Choices in words: a strategy for all, and `PATH=STRATEGY` for single documents.

        Raises ValueError for a word that is no strategy.
        """
        parts = [word.rpartition("=") for word in each]
        return cls(
            Strategy(default) if default else None,
            {path: Strategy(word) for path, _, word in parts},
        )


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: the branch's commits before and after; equal where nothing changed."""

    branch: str
    before: str
    after: str
    documents: int
    commits: int


def land_anyway(done: Imported) -> None:
    """The last word of an import that nobody can call off."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who imports, why, and what shall become of conflicts."""

    author: Author
    reason: str = ""
    choices: Choices = field(default_factory=Choices)
    last_word: Callable[[Imported], None] = land_anyway
    """Is told what is about to be done, when all is written and nothing moved; may raise."""


def undecided(plan: Plan, choices: Choices) -> list[str]:
    """The conflicts of a plan that nobody has decided, or that a merge can't join."""
    found, after = [], ""
    while some := plan.entries(State.CONFLICT, after, FEW):
        after = some[-1].path
        for entry in some:
            choice = choices.of(entry.path)
            if choice is None or (choice is Strategy.MERGE and entry.merged is None):
                found.append(entry.path)
    return found


def apply(
    repository: Repository, plan: Plan, order: Order, progress: Progress = silent
) -> Imported:
    """Imports a plan onto its branch.

    Raises ImportConflicts, ImportMoved where what it is about moved since, ProtectedBranch,
    ReviewRequired, InvalidReason, RepositoryBusy, StorageFailed, GitFailed.
    """
    if plan.branch == PRODUCTION:
        raise ProtectedBranch(plan.branch)
    if plan.branch in repository.reviewed:
        raise ReviewRequired(plan.branch)
    reason = check_reason(order.reason)
    count = _prepare(repository, plan, order.choices)
    if not count:
        return Imported(plan.branch, plan.commit, plan.commit, 0, 0)
    head = plan.commit
    for _ in range(ATTEMPTS):
        head = _still(repository, plan)
        move = _Move(plan.branch, head, head, count)
        written = _write(repository, plan, move, order, reason, progress)
        if written is not None:
            _announce(repository, plan, head, written.after)
            return written
    raise RepositoryBusy(plan.branch, 0)


def propose(
    repository: Repository, plan: Plan, slug: str, order: Order, progress: Progress = silent
) -> changes.Opened:
    """Imports a plan onto the branch of a new change request, which begins where the plan does.

    Raises NothingProposed, ImportConflicts, InvalidReason and what comes of writing.
    """
    reason = check_reason(order.reason)
    count = _prepare(repository, plan, order.choices)
    if not count:
        raise NothingProposed
    for _ in range(ATTEMPTS):
        branch = changes.branch_of(changes.free(repository, slug))
        move = _Move(branch, None, plan.commit, count)
        written = _write(repository, plan, move, order, reason, progress)
        if written is not None:
            repository.history.ensure(written.after)
            return changes.Opened(branch.removeprefix(changes.FOLDER), plan.commit, written.after)
    raise RepositoryBusy(slug, 0)


def undo(repository: Repository, done: Imported, author: Author, reason: str = "") -> Imported:
    """Puts back what an import changed, in one commit; raises ImportEdited where it moved since."""
    store = repository.store
    changed = store.changed(done.before, done.after)
    with store.locked():
        head = repository.head(done.branch)
        moved = {each.path for each in store.changed(done.after, head)}
        if edited := sorted(moved & {each.path for each in changed}):
            raise ImportEdited(edited)
        if done.branch in repository.reviewed or done.branch == PRODUCTION:
            raise ReviewRequired(done.branch)
        commit = store.write(
            done.branch,
            head,
            {},
            author=author,
            message=check_reason(reason) or f"Undo the import of {done.documents:,} documents",
            existing={each.path: each.old for each in changed},
        )
        repository.written(done.branch, commit)
    return Imported(done.branch, head, commit.oid, len(changed), 1)


def _announce(repository: Repository, plan: Plan, before: str, after: str) -> None:
    """Has whoever listens hear of all commits as of one."""
    branch = plan.branch
    repository.history.ensure(after)
    repository.learn(plan.staged.values())
    if not repository.listeners:
        return  # nobody asked, and a catalogue of everything is what takes memory
    changed = tuple(repository.store.changed(before, after))
    tip = repository.store.header(after)
    repository.written(branch, replace(tip, parents=(before,), changes=changed))


def _still(repository: Repository, plan: Plan) -> str:
    """The branch's head, where nothing that the plan is about has moved since."""
    head = repository.head(plan.branch)
    if head != plan.commit and (paths := moved(repository, plan, plan.commit, head)):
        raise ImportMoved(plan.branch, plan.commit, head, paths)
    return head


def moved(repository: Repository, plan: Plan, before: str, after: str) -> list[str]:
    """What changed between two commits of what a plan is about, and of what its prompts need."""
    known = plan.staged.paths()
    needed = {character_path(who) for who in names_of(known) if who}
    return sorted(
        each.path
        for each in repository.store.changed(before, after)
        if each.path in known
        or each.path == CONFIGURATION
        or (each.path in needed and each.new is None)
    )


def _prepare(repository: Repository, plan: Plan, choices: Choices) -> int:
    """Writes down what is to be written; gives the number of documents that change."""
    strangers = [path for path in choices.each if plan.entry(path) is None]
    if strangers:
        raise NotInFile(strangers)
    open_ones = undecided(plan, choices)
    if open_ones:
        raise ImportConflicts(open_ones)
    staged = plan.staged
    staged.connection.executescript(f"{TABLES} BEGIN;")
    turns = _Turns(staged)
    count = 0
    for entry in _characters_first(plan):
        wanted, raw = _outcome(repository, staged, entry, choices.of(entry.path))
        if not wanted:
            continue
        count += 1
        last = turns.take(entry) if entry.joins else entry.ours
        if last != (blob_id(raw) if raw is not None else None):
            staged.connection.execute("INSERT INTO finals VALUES (?, ?)", (entry.path, raw))
    return count


def _characters_first(plan: Plan) -> Iterator[Entry]:
    for document in plan.staged.documents():
        entry = plan.entry(document.path)
        if entry is not None and entry.state is not State.UNCHANGED:
            yield entry


def _outcome(
    repository: Repository, staged: Staged, entry: Entry, strategy: Strategy | None
) -> tuple[bool, bytes | None]:
    """Whether a document changes, and the file that shall stand at last."""
    document = staged.document(entry.path)
    assert document is not None
    if entry.state is State.BEHIND:
        return strategy is Strategy.OVERWRITE, document.raw
    if entry.state is State.CONFLICT:
        if strategy is Strategy.SKIP:
            return entry.path == CONFIGURATION, entry.merged
        if strategy is Strategy.MERGE:
            return True, entry.merged
        return True, document.raw
    if entry.state is State.UPDATE and not document.versions:
        return True, _kept(repository, entry, document.raw)
    return True, document.raw


def _kept(repository: Repository, entry: Entry, raw: bytes | None) -> bytes | None:
    """A file that says what `raw` says, with the comments of the one that stands here."""
    if raw is None or entry.ours is None:
        return raw
    here = repository.store.blob(entry.ours)
    try:
        value = documents.parse(raw, entry.path)
        if documents.written(value) != raw:
            return raw  # written by hand itself
        return documents.edit(here, entry.path, value)
    except InvalidDocument:
        return raw


class _Turns:
    """Puts versions of many documents in one order that keeps each one's own.

    They go by their times; where a clock went back, a version waits for the one before it, and a
    prompt for its character. Those of one moment, person and reason are one commit again.
    """

    def __init__(self, staged: Staged) -> None:
        self._staged = staged
        self._begun: dict[str, tuple[int, tuple[object, ...]]] = {}

    def take(self, entry: Entry) -> str | None:
        """Notes the versions that a document lacks here; gives the blob of the last."""
        place = place_of(entry.path)
        who = place.character if place else None
        least, began = self._begun.get(who or "", (0, None))
        at, turn, last = -1, 0, None
        rows = []
        versions = self._staged.versions(entry.path)[entry.shared :]
        for number, each in enumerate(versions, entry.shared + 1):
            by = (each.at, each.author.name, each.author.email, each.reason)
            now = max(at, each.at, least)
            turn = turn + 1 if now == at else int(now == least and began not in (None, by))
            at = now
            rows.append((at, turn, *by, entry.path, number))
            last = blob_id(each.raw) if each.raw is not None else None
        self._staged.connection.executemany(
            "INSERT INTO moves VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
        if place is not None and place.kind is Kind.CHARACTER and rows:
            self._begun[who or ""] = rows[0][0], rows[0][2:6]
        return last


@dataclass(frozen=True, slots=True)
class _Move:
    """Which branch moves: where it is, where the commits begin, how many documents they change."""

    branch: str
    old: str | None
    begins: str
    documents: int


def _write(
    repository: Repository, plan: Plan, move: _Move, order: Order, reason: str, progress: Progress
) -> Imported | None:
    """Writes the commits and moves the branch; None where another writer was quicker."""
    stream = Stream(plan, move.begins, order.author, reason)
    with incoming(repository.store) as delivery:
        git_cli.fast_import(delivery.folder, stream.lines(progress))
        tip = delivery.store.head(STAGING)
        assert tip is not None
        delivery.sync()
        done = Imported(move.branch, move.begins, tip, move.documents, stream.commits)
        order.last_word(done)
        why = f"import: {plan.staged.name}"
        try:
            moved = repository.store.accept(
                delivery.objects, [(move.branch, move.old, tip)], order.author, why
            )
        except RefMoved:
            return None
    return done if moved else None
