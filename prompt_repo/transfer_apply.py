"""Carries an import out: all of it in one move of a ref, or nothing.

Git itself writes the objects, beside the repository, while nobody waits; under the writers' lock
they are only moved in, and the branch with them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from prompt_repo import changes, documents, git_cli
from prompt_repo.errors import (
    InvalidDocument,
    NothingProposed,
    ProtectedBranch,
    RefMoved,
    RepositoryBusy,
    ReviewRequired,
)
from prompt_repo.git_commits import person
from prompt_repo.git_incoming import incoming
from prompt_repo.layout import CONFIGURATION, Kind, place_of
from prompt_repo.model import Author
from prompt_repo.progress import Progress, counted, silent
from prompt_repo.reasons import check_reason
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.transfer_documents import blob_id
from prompt_repo.transfer_errors import ImportConflicts, ImportMoved, NotInFile
from prompt_repo.transfer_plan import Entry, Plan, State, Strategy
from prompt_repo.transfer_staged import Staged

ATTEMPTS = 20
FEW = 200  # entries of a plan read at once
TRAILER = "Imported-From"
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
IN_ORDER = """
SELECT m.at, m.turn, m.made, m.name, m.email, m.reason, m.path, v.raw
FROM moves m JOIN versions v ON v.path = m.path AND v.number = m.number
ORDER BY m.at, m.turn, m.made, m.name, m.email, m.reason, m.path
"""
GROUP = 6


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


@dataclass(frozen=True, slots=True)
class Order:
    """Who imports, why, and what shall become of conflicts."""

    author: Author
    reason: str = ""
    choices: Choices = field(default_factory=Choices)


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
        written = _write(repository, plan, (plan.branch, head, head), order, reason, progress)
        if written is not None:
            _announce(repository, plan, head, written[0])
            return Imported(plan.branch, head, written[0], count, written[1])
    raise RepositoryBusy(plan.branch, 0)


def propose(
    repository: Repository, plan: Plan, slug: str, order: Order, progress: Progress = silent
) -> changes.Opened:
    """Imports a plan onto the branch of a new change request, which begins where the plan does.

    Raises NothingProposed, ImportConflicts, InvalidReason and what comes of writing.
    """
    reason = check_reason(order.reason)
    if not _prepare(repository, plan, order.choices):
        raise NothingProposed
    for _ in range(ATTEMPTS):
        branch = changes.branch_of(changes.free(repository, slug))
        written = _write(repository, plan, (branch, None, plan.commit), order, reason, progress)
        if written is not None:
            repository.history.ensure(written[0])
            return changes.Opened(branch.removeprefix(changes.FOLDER), plan.commit, written[0])
    raise RepositoryBusy(slug, 0)


def undo(repository: Repository, done: Imported, author: Author, reason: str = "") -> Imported:
    """Puts back what an import changed, in one commit; raises ImportMoved where it moved since."""
    store = repository.store
    changed = store.changed(done.before, done.after)
    with store.locked():
        head = repository.head(done.branch)
        moved = {each.path for each in store.changed(done.after, head)}
        if moved & {each.path for each in changed}:
            raise ImportMoved(done.branch, done.after, head)
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
    if head != plan.commit:
        known = plan.staged.paths()
        if known & {each.path for each in repository.store.changed(plan.commit, head)}:
            raise ImportMoved(plan.branch, plan.commit, head)
    return head


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


def _write(
    repository: Repository,
    plan: Plan,
    move: tuple[str, str | None, str],
    order: Order,
    reason: str,
    progress: Progress,
) -> tuple[str, int] | None:
    """Writes the commits and moves the branch; gives its head and their number.

    None where another writer was quicker. `move` is the branch, where it is, where to begin.
    """
    branch, old, begins = move
    stream = _Stream(plan, begins, order.author, reason)
    with incoming(repository.store) as delivery:
        git_cli.fast_import(delivery.folder, stream.lines(progress))
        tip = delivery.store.head(STAGING)
        assert tip is not None
        delivery.sync()
        try:
            moved = repository.store.accept(
                delivery.objects, [(branch, old, tip)], order.author, f"import: {plan.staged.name}"
            )
        except RefMoved:
            return None
    return (tip, stream.commits) if moved else None


class _Stream:
    """An import as `git fast-import` reads it."""

    def __init__(self, plan: Plan, begins: str, author: Author, reason: str) -> None:
        self._connection = plan.staged.connection
        self._begins, self._author, self._plan = begins, author, plan
        self._reason = reason
        self._now = int(datetime.now(UTC).timestamp())
        self._from = plan.staged.base or " ".join(plan.staged.name.split())[:200]
        self.commits = 0

    def lines(self, progress: Progress) -> Iterator[bytes]:
        """The whole stream: the configuration, the versions in their order, what stands at last."""
        versions = self._count("moves")
        if versions:
            yield from self._finals("path = ?")
            yield from self._versions(versions, progress)
        yield from self._finals("path <> ?" if versions else "path <> ? OR 1")
        yield b"done\n"

    def _versions(self, count: int, progress: Progress) -> Iterator[bytes]:
        rows = counted(self._connection.execute(IN_ORDER), "Writing versions", count, progress)
        for (_, _, made, name, email, reason), files in groupby(
            rows, key=itemgetter(*range(GROUP))
        ):
            words = f"{reason}\n\n{TRAILER}: {self._from}" if reason else ""
            yield self._commit(_who(name, email), made, words)
            for row in files:
                yield _file(row[GROUP], row[GROUP + 1])

    def _finals(self, which: str) -> Iterator[bytes]:
        query = f"SELECT path, raw FROM finals WHERE {which} ORDER BY path"  # noqa: S608 - our words
        for count, (path, raw) in enumerate(self._connection.execute(query, (CONFIGURATION,))):
            if not count:
                words = self._reason or f"Import {self._plan.staged.name}"
                yield self._commit(person(self._author), self._now, words)
            yield _file(path, raw)

    def _commit(self, author: bytes, at: int, message: str) -> bytes:
        self.commits += 1
        begins = f"from {self._begins}\n" if self.commits == 1 else f"from :{self.commits - 1}\n"
        words = f"{message.strip()}\n".encode(errors="replace") if message else b""
        return (
            b"commit refs/heads/%b\nmark :%d\nauthor %b %d +0000\ncommitter %b %d +0000\n%b%b"
            % (
                STAGING.encode(),
                self.commits,
                author,
                at,
                person(self._author),
                self._now,
                b"data %d\n%b\n" % (len(words), words),
                begins.encode(),
            )
        )

    def _count(self, table: str) -> int:
        query = f"SELECT count(*) FROM {table}"  # noqa: S608 - our words
        count: int = self._connection.execute(query).fetchone()[0]
        return count


def _who(name: str, email: str) -> bytes:
    """Somebody whom a file names; git takes a name that is empty."""
    return f"{name} <{email}>".encode(errors="replace") if name else f"<{email}>".encode()


def _file(path: str, raw: bytes | None) -> bytes:
    if raw is None:
        return b"D %b\n" % path.encode()
    return b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(raw), raw)
