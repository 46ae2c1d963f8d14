"""The rule by which production takes a push: only what staging holds, on production's own line.

Each new commit on the line of first parents either merges a commit of staging, or names one by
`Promoted-From:`; every path it changes must hold what staging holds there. A path that was rolled
back goes along only where `Promotes-Held-Back: <path>` says so.
"""

from collections.abc import Iterator

from prompt_repo.drift import held_back
from prompt_repo.errors import Problem
from prompt_repo.git_incoming import Incoming
from prompt_repo.git_protocol import Order
from prompt_repo.model import Commit
from prompt_repo.receiving_words import Refusal
from prompt_repo.repository import Repository
from prompt_repo.trailers import PROMOTED_FROM, PROMOTES_HELD_BACK, forged

HERE = {each.lower(): each for each in (PROMOTED_FROM, PROMOTES_HELD_BACK)}
"""Those that a push to production may bring, by what they are in small letters."""
OFF_LINE = (
    "production's own commits must stay its first parents: on production, "
    "`git merge --no-ff origin/staging`, then push"
)


def against_production(
    repository: Repository, incoming: Incoming, order: Order, staging: str
) -> Iterator[Refusal]:
    """Why production can't go to where a push wants it; `staging` is where that stands then."""
    assert order.new is not None
    assert order.old is not None
    line = _line(incoming, order.old, order.new)
    fresh = {*incoming.commits([order.new], [order.old, staging])}
    if line is None:
        yield Refusal(order.ref, OFF_LINE)
        return
    held = {*held_back(repository, order.old)}
    for commit in line:
        if commit.oid in fresh:  # else production goes forward along staging's own line
            whys = [
                f"commit {commit.oid[:9]} {why}" for why in _of_commit(incoming, commit, staging)
            ]
            yield from (Refusal(order.ref, why) for why in whys)
        other = [*_other(incoming, commit)] if commit.oid in fresh else []
        if other:
            why = f"commit {commit.oid[:9]} changes what staging does not hold so"
            yield Refusal(order.ref, why, tuple(other[:20]), len(other))
        changed = {change.path for change in commit.changes}
        picked = {value for key, value in commit.trailers if key == PROMOTES_HELD_BACK}
        for path in sorted((changed & held) - picked):
            yield Refusal(
                order.ref,
                f"{path} is held back, for it was rolled back in production; to promote it all "
                f"the same, commit {commit.oid[:9]} needs the trailer "
                f"`{PROMOTES_HELD_BACK}: {path}`",
            )
        held = held - changed - picked


def _line(incoming: Incoming, old: str, new: str) -> list[Commit] | None:
    """The commits that come onto production's line, oldest first; None where it isn't that line."""
    added = {*incoming.commits([new], [old])}
    line: list[Commit] = []
    at = new
    while at in added:
        line.append(incoming.store.commit(at))
        at = line[-1].parents[0] if line[-1].parents else ""
    return line[::-1] if at == old else None


def _of_commit(incoming: Incoming, commit: Commit, staging: str) -> Iterator[str]:
    """What is wrong with how a commit says where its prompts come from."""
    key = forged(pair for pair in commit.trailers if pair[0] not in HERE.values())
    if key.lower() in HERE:
        yield f"carries the trailer {key!r}; write it {HERE[key.lower()]!r}"
    elif key:
        yield (
            f"carries the trailer {key!r}, which is the server's to write; "
            "roll back by `prompt-repo rollback`, fix by a change request"
        )
    if len(commit.parents) > 2:
        yield "merges more than one commit; merge staging alone"
    named = _sources(commit)
    if not named:
        yield (
            "neither merges staging nor names a commit of it by `Promoted-From: <commit>`; edit "
            "staging, then promote"
        )
    for source in named:
        if not incoming.store.exists(source) or not incoming.store.is_ancestor(source, staging):
            yield f"takes its prompts from {source[:40]}, which staging does not hold"


def _other(incoming: Incoming, commit: Commit) -> Iterator[Problem]:
    """The paths that a commit changes to something else than its source holds."""
    first = commit.parents[0]
    sources = [each for each in _sources(commit) if incoming.store.exists(each)]
    # What differs from a source, by path: what else changed is as it is there.
    differs = [
        {change.path for change in incoming.store.changed(source, commit.oid)} for source in sources
    ]
    for change in commit.changes:
        if all(change.path in paths for paths in differs):
            names = " or ".join(source[:9] for source in sources) or "staging"
            yield Problem(change.path, f"is not what it is at {names}, against {first[:9]}")


def _sources(commit: Commit) -> list[str]:
    """The commits that a commit of production takes its prompts from."""
    named = [value for key, value in commit.trailers if key == PROMOTED_FROM]
    return [*commit.parents[1:2], *named]
