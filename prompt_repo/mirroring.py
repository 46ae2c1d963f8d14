"""A mirror: another repository that has what we have, and whose pushes count as pushes to us.

What it has is fetched aside and checked as strictly as any push; what we have goes there. Where the
two went apart nothing is forced: it is told, and people decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from prompt_repo import git_anchors
from prompt_repo.errors import InvalidPush
from prompt_repo.git_incoming import Incoming, incoming, public_refs
from prompt_repo.git_protocol import Order
from prompt_repo.git_remote import Remote, apart
from prompt_repo.git_store import GitStore, Move
from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.model import Author
from prompt_repo.receiving import HEADS, TAGS, Rights, receive
from prompt_repo.repository import Repository

ANCHORS = "refs/prompt-repo/audit"
APART = ("non-fast-forward", "fetch first")
"""What git says of a ref that would have to be forced."""


class Standing(StrEnum):
    """How a branch stands on both sides, after a round."""

    SAME = "same"
    DIVERGED = "diverged"
    REFUSED_HERE = "refused here"
    REFUSED_THERE = "refused there"


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch on both sides: how many commits only we have, and only they."""

    name: str
    standing: Standing
    ahead: int = 0
    behind: int = 0
    why: str = ""


@dataclass(frozen=True)
class Round:
    """What one round did: the moves it made here, and how every branch stands now."""

    moves: tuple[Move, ...] = ()
    branches: tuple[Branch, ...] = ()
    pushed: tuple[str, ...] = field(default=())


def exchange(repository: Repository, remote: Remote, rights: Rights, who: Author) -> Round:
    """Fetches, takes in what may come in, and pushes what is ours.

    Raises GitFailed where the other side can't be reached, GitMissing, RepositoryBusy.
    """
    store = repository.store
    with incoming(store, public_refs(store)) as delivery:
        theirs = remote.fetch(delivery)
        moves: list[Move] = []
        branches: dict[str, Branch] = {}
        for name in sorted(theirs, key=_rank):
            branch, moved = _take(repository, delivery, name, theirs[name], rights, who)
            moves += moved
            if branch is not None:
                branches[name] = branch
        ours = store.branches()
        going = [
            f"{HEADS}{name}"
            for name, oid in sorted(ours.items(), key=lambda pair: _rank(pair[0]))
            if theirs.get(name) != oid and name not in branches
        ]
        refused: dict[str, str] = {}
        for ref in going:  # one by one, for one that is refused must not hold the others up
            refused |= remote.push(store, [ref])
        remote.push(store, [f"{TAGS}{tag}" for tag in store.tags()])  # some hosts make their own
        rewritten = _push_anchors(store, remote)
    for name in ours:
        why = refused.get(f"{HEADS}{name}")
        if name not in branches:
            standing = Standing.REFUSED_THERE if why else Standing.SAME
            branches[name] = Branch(name, standing, why=why or "")
    if rewritten is not None:
        branches[rewritten.name] = rewritten
    pushed = tuple(ref for ref in going if ref.startswith(HEADS) and ref not in refused)
    shown = sorted(branches.values(), key=lambda branch: _rank(branch.name))
    return Round(tuple(moves), tuple(shown), pushed)


def _push_anchors(store: GitStore, remote: Remote) -> Branch | None:
    """Brings the anchors of the audit log there; gives how they went apart, if they did.

    A mirror that takes no such ref, as another prompt repository, has none.
    """
    if git_anchors.newest(store.path, ANCHORS) is None:
        return None
    why = remote.push(store, [ANCHORS]).get(ANCHORS, "")
    if not any(words in why for words in APART):
        return None
    said = f"the mirror has other anchors of the audit log than we do ({why}): one was written anew"
    return Branch("audit log", Standing.REFUSED_THERE, why=said)


def _take(
    repository: Repository,
    delivery: Incoming,
    name: str,
    theirs: str,
    rights: Rights,
    who: Author,
) -> tuple[Branch | None, Sequence[Move]]:
    """Moves a branch to where they have it, if it may; else says how it stands."""
    ours = repository.store.head(name)
    if ours == theirs:
        return None, ()
    ahead, behind = apart(delivery, ours, theirs) if ours is not None else (0, 0)
    if ours is not None and not behind:
        return None, ()  # we are ahead: it is pushed
    if ahead:
        return Branch(name, Standing.DIVERGED, ahead, behind), ()
    try:
        order = Order(f"{HEADS}{name}", ours, theirs)
        outcome = receive(repository, delivery, [order], rights, who, "mirror")
    except InvalidPush as wrong:
        return Branch(name, Standing.REFUSED_HERE, ahead, behind, str(wrong)), ()
    if outcome.refusals:
        first = outcome.refusals[0]
        why = "; ".join([first.why, *map(str, first.problems[:3])])
        return Branch(name, Standing.REFUSED_HERE, ahead, behind, why), ()
    return None, outcome.moves


def _rank(name: str) -> tuple[int, str]:
    """Staging, then production, which may take what came to staging; then changes."""
    return (ENVIRONMENTS.index(name) if name in ENVIRONMENTS else len(ENVIRONMENTS)), name


def as_plain(branches: Sequence[Branch]) -> list[dict[str, object]]:
    """Branches in JSON's types."""
    return [
        {
            "name": each.name,
            "standing": str(each.standing),
            "ahead": each.ahead,
            "behind": each.behind,
            "why": each.why,
        }
        for each in branches
    ]


def from_plain(rows: Sequence[Mapping[str, object]]) -> list[Branch]:
    """Branches from what `as_plain` gave."""
    return [
        Branch(
            str(row["name"]),
            Standing(str(row["standing"])),
            int(str(row["ahead"])),
            int(str(row["behind"])),
            str(row["why"]),
        )
        for row in rows
    ]
