"""What may be pushed: every ref and every document is checked before anything is let in.

A push is taken whole or not at all. Its objects wait beside the repository (`git_incoming`) while
they are checked without a lock; under the writers' lock they are only moved in, and the refs with
them. Work grows with what was pushed, not with what is there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prompt_repo import documents
from prompt_repo.catalogue import Tables, advanced
from prompt_repo.dependencies import problems_of
from prompt_repo.errors import InvalidDocument, Problem, PromptRepoError, RefMoved
from prompt_repo.git_incoming import Entered, Incoming, public_refs
from prompt_repo.git_merging import merge_bases
from prompt_repo.git_protocol import Order
from prompt_repo.git_store import Move
from prompt_repo.git_trees import EntryKind
from prompt_repo.layout import CONFIGURATION, ENVIRONMENTS, is_branch, names_of, place_of
from prompt_repo.model import Author, Configuration, Held, Limits, Prompt
from prompt_repo.parsed import Parsed
from prompt_repo.placing import BEGINNING, emotions_at, foreign, no_file, placed
from prompt_repo.receiving_documents import Documents
from prompt_repo.receiving_production import against_production
from prompt_repo.receiving_words import (
    ENCODED,
    FORGED,
    NOT_FORWARD,
    ORPHAN,
    Refusal,
    is_utf8,
    printable,
)
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.trailers import forged
from prompt_repo.yaml_tree import MAXIMUM

HEADS, TAGS = "refs/heads/", "refs/tags/"
ENOUGH = 20  # problems told of one push
CHECKED = Prompt("checked already")
"""What stands for a prompt whose text isn't held in memory any more."""
LONGEST_LINK = 200  # bytes of what a link leads to that are told
UNREAD = 5_000  # characters of a name that are looked at


@dataclass(frozen=True, slots=True)
class Rights:
    """What whoever pushes may move.

    Who `proposes` may push to `changes/*` alone. Without `environments` all are meant. `closed`
    says of a branch why it takes no pushes just now: reviews are required there, say.
    """

    writes: bool = False
    promotes: bool = False
    proposes: bool = False
    environments: frozenset[str] | None = None
    closed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a push: the moves made, or why none was."""

    moves: tuple[Move, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def receive(
    repository: Repository,
    incoming: Incoming,
    orders: Sequence[Order],
    rights: Rights,
    who: Author,
    why: str = "push",
) -> Received:
    """Checks a push whose objects have arrived, and lets it in.

    Raises InvalidPush where objects are missing, RepositoryBusy, StorageFailed, GitFailed.
    """
    refusals = [*check(repository, incoming, orders, rights)]
    if refusals:
        return Received(refusals=tuple(refusals))
    moves = [
        (order.ref.removeprefix(HEADS), order.old, order.new)
        for order in orders
        if order.new is not None and order.new != order.old
    ]
    incoming.sync()
    try:
        moved = repository.store.accept(incoming.objects, moves, who, why)
    except RefMoved as elsewhere:
        return Received(refusals=(_moved(f"{HEADS}{elsewhere.ref}"),))
    lost = [_moved(f"{HEADS}{each[0]}") for each in moves if each not in moved]
    return Received(tuple(moved), tuple(lost))


def check(
    repository: Repository, incoming: Incoming, orders: Sequence[Order], rights: Rights
) -> Iterator[Refusal]:
    """Why a push can't be let in, ref by ref; nothing where it can."""
    first = [*_refs(repository, orders, rights)]
    yield from first
    if first:
        return
    known = {*public_refs(repository.store).values()}
    staging = repository.head(STAGING)
    for order in sorted(orders, key=_rank):
        if order.new is None or order.new == order.old:
            continue
        refusal = _forward(incoming, order)
        if refusal is None:
            refusal = next(_contents(repository, incoming, order, known, staging), None)
        if refusal is not None:
            yield refusal
        elif order.ref == f"{HEADS}{STAGING}":
            staging = order.new
        known.add(order.new)


def refusal_of_name(ref: str, rights: Rights) -> str:
    """Why nobody with these rights moves a ref of this name; empty where they may."""
    branch = ref.removeprefix(HEADS)
    if ref.startswith(TAGS):
        return "tags are the server's to make; each promotion gets one"
    if not ref.startswith(HEADS) or not is_branch(branch):
        return "no branch of this repository; push to staging, production or changes/<name>"
    if branch in rights.closed:
        return rights.closed[branch]
    needed = PRODUCTION if branch == PRODUCTION else STAGING
    if rights.environments is not None and needed not in rights.environments:
        return f"this token is not for {needed}"
    if branch == PRODUCTION:
        return "" if rights.promotes else "this needs the right to promote"
    if branch not in ENVIRONMENTS and rights.proposes:
        return ""
    return "" if rights.writes else "this needs the right to write"


def _refs(repository: Repository, orders: Sequence[Order], rights: Rights) -> Iterator[Refusal]:
    """What can be said of the refs alone, before any object is looked at."""
    for order in orders:
        branch = order.ref.removeprefix(HEADS)
        why = refusal_of_name(order.ref[:UNREAD], rights)
        if why:
            yield Refusal(order.ref, why)
        elif order.new is None:
            yield Refusal(order.ref, "branches are not deleted by a push; nothing here gets lost")
        elif repository.store.head(branch) != order.old:
            yield _moved(order.ref)
        elif order.old is None and branch in ENVIRONMENTS:
            yield Refusal(order.ref, "the repository has no such branch; `prompt-repo init` first")


def _rank(order: Order) -> tuple[bool, str]:
    """Staging before production, which may take what goes to staging in the same push."""
    return order.ref != f"{HEADS}{STAGING}", order.ref


def _moved(ref: str) -> Refusal:
    return Refusal(ref, "fetch first: it moved on since you last fetched it")


def _forward(incoming: Incoming, order: Order) -> Refusal | None:
    assert order.new is not None
    try:
        if not incoming.store.exists(order.new):
            return Refusal(order.ref, "it would point to no commit")
        if order.old is not None and not incoming.store.is_ancestor(order.old, order.new):
            return Refusal(order.ref, NOT_FORWARD)
    except PromptRepoError as broken:
        return Refusal(order.ref, str(broken))
    return None


def _contents(
    repository: Repository,
    incoming: Incoming,
    order: Order,
    known: Iterable[str],
    staging: str,
) -> Iterator[Refusal]:
    """What is wrong with what a ref would hold; `staging` is where that is, or goes to."""
    assert order.new is not None
    branch = order.ref.removeprefix(HEADS)
    arrived = incoming.arrived([order.new], known)
    delivery = Documents(incoming, arrived.sizes)
    for commit in reversed(arrived.commits):
        encoding = incoming.store.encoding(commit)
        if not is_utf8(encoding):
            said = printable(encoding[:40])
            yield Refusal(order.ref, ENCODED.format(commit=commit[:9], encoding=said))
        problems = [*_documents(delivery, commit)]
        if problems:
            why = f"commit {commit[:9]} holds what can't be kept"
            yield Refusal(order.ref, why, tuple(problems[:ENOUGH]), len(problems))
    if branch == PRODUCTION:
        yield from against_production(repository, incoming, order, staging)
    elif order.old is None and not merge_bases(incoming.folder, order.new, staging):
        yield Refusal(order.ref, ORPHAN)
    else:
        # A branch of a hotfix stands on production, with the trailers that are there.
        since = [order.old] if order.ref == f"{HEADS}{STAGING}" and order.old else known
        for commit in incoming.commits([order.new], since):
            key = forged(incoming.store.header(commit).trailers)
            if key:
                yield Refusal(order.ref, FORGED.format(commit=commit[:9], key=key))
    problems = [*_together(repository, delivery, branch, order.new)]
    if problems:
        told = tuple(_placed(incoming, order.new, problems[:ENOUGH]))
        yield Refusal(order.ref, "its documents don't fit together", told, len(problems))


def _documents(delivery: Documents, commit: str) -> Iterator[Problem]:
    """What is wrong with the files that a commit brings, each by itself."""
    good: dict[str, str] = {}
    for path, kind, oid in _brought(delivery.incoming, commit):
        size = delivery.sizes.get(oid, 0)
        if kind is None:
            yield _folder(path, delivery.incoming.first_file(oid))
        elif kind is not EntryKind.FILE:
            yield no_file(_short(path), kind.value, _named(delivery, kind, oid))
        elif place_of(path) is None:
            yield foreign(_short(path))
        elif size > MAXIMUM:
            yield Problem(path, f"has {size:,} bytes, {MAXIMUM:,} are the most", *BEGINNING)
        else:
            good[path] = oid
    for _, value in delivery.read(good):
        if isinstance(value, InvalidDocument):
            yield from value.problems


def _folder(path: str, first: str) -> Problem:
    """What lies deeper than documents do, by the first file of it; one may be nowhere near."""
    if first:
        return foreign(_short(f"{path}/{first}"))
    return Problem(_short(f"{path}/"), "is a folder where only documents may stand")


def _named(delivery: Documents, kind: EntryKind, oid: str) -> str:
    """What a link leads to, or a submodule's commit."""
    if kind is EntryKind.LINK and delivery.sizes.get(oid, 0) <= LONGEST_LINK:
        return delivery.incoming.store.blob(oid).decode(errors="replace")
    return oid[:9] if kind is EntryKind.SUBMODULE else ""


def _placed(incoming: Incoming, tip: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Problems of documents together, with their places in the files as the tip holds them."""
    listed = emotions_at(incoming.store.read(tip, CONFIGURATION))
    for each in problems:
        yield placed(each, incoming.store.read(tip, each.path), listed)


def _brought(incoming: Incoming, commit: str) -> Iterator[Entered]:
    """What a commit holds and none of its parents does."""
    parents = incoming.store.parents(commit)
    first = incoming.entered(commit, parents[0] if parents else None)
    others = [{*incoming.entered(commit, parent)} for parent in parents[1:]]
    return (each for each in first if all(each in other for other in others))


def _together(
    repository: Repository, delivery: Documents, branch: str, tip: str
) -> Iterator[Problem]:
    """What is wrong across documents: emotions, characters, limits, as the tip would hold them."""
    before = repository.current(branch if branch in ENVIRONMENTS else STAGING)
    changes = [
        change
        for change in delivery.incoming.store.changed(before.commit, tip)
        if place_of(change.path) is not None
    ]
    moved = {change.path: Held(0, 0, tip, change.new) for change in changes}
    brought = {change.path: change.new for change in changes if change.new is not None}
    limits = _limits(before.tables, delivery, brought)
    values: dict[str, Parsed] = {}
    for path, value in delivery.read(brought):
        if isinstance(value, Prompt) and limits is not None:
            yield from documents.check_prompt(value, limits, path)
        values[brought[path]] = CHECKED if isinstance(value, Prompt) else value
    after = advanced(before.tables, moved, values)
    yield from problems_of(after, moved.keys(), names_of(moved))


def _limits(tables: Tables, delivery: Documents, brought: Mapping[str, str]) -> Limits | None:
    """The limits that hold once a push is in; None where its `prompts.yaml` is no good."""
    value: Parsed | None
    if CONFIGURATION in brought:
        ((_, value),) = delivery.read({CONFIGURATION: brought[CONFIGURATION]})
    else:
        value = tables.configuration[1] if tables.configuration else None
    return value.limits if isinstance(value, Configuration) else None


def _short(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:200]}…"
