"""Tells of commits, whoever made them: what this process wrote, and what was pushed to it.

Every write of the editor, the API and the forms passes `Repository.written`, and every push is
announced as a branch that moved. From that it follows here which prompts changed, and what was
promoted by plain Git.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from flask import Flask, Response, after_this_request, g, has_request_context

from prompt_repo.layout import ENVIRONMENTS, place_of
from prompt_repo.model import Commit, FileChange
from prompt_repo.releases import Did, release
from prompt_repo.repository import PRODUCTION
from webapp import audit, events, unannounced
from webapp.events import Event, Happened
from webapp.services import records, repository

NAMED = 50  # prompts that one event names; of more the number is told
FOLLOWED = 100  # commits of one push to production that are told of
RELEASED = {Did.PROMOTED: Event.PROMOTED, Did.ROLLED_BACK: Event.ROLLED_BACK}


def init_app(app: Flask) -> None:
    """Works out what each move of a branch means."""
    events.listen(app, Event.BRANCH_MOVED, _work_out)


def written(branch: str, commit: Commit) -> None:
    """Announces a commit that this process made while it answered somebody.

    That waits until the answer is made: writers are still locked out when a commit is written.
    """
    if not has_request_context():
        return
    old = commit.parents[0] if commit.parents else None
    g.just_written = {**g.get("just_written", {}), commit.oid: commit}
    audit.committed(branch, commit)

    @after_this_request
    def tell(response: Response) -> Response:
        events.announce(
            Event.BRANCH_MOVED, branch=branch, old=old, new=commit.oid, written_here=True
        )
        return response


def _work_out(happened: Happened) -> None:
    branch, old, new = (happened.facts.get(name) for name in ("branch", "old", "new"))
    if branch in ENVIRONMENTS and new:
        work_out(branch, old, new, here=bool(happened.facts.get("written_here")))
        if g.get("noted"):  # else nobody waits for it, and the next look passes over it
            unannounced.told(records(), branch, old, new)


def work_out(branch: str, old: str | None, new: str, *, here: bool = False) -> None:
    """Announces what a move of an environment's branch means.

    Who wrote it `here` announces a promotion by itself.
    """
    mine: Commit | None = g.get("just_written", {}).get(new) if g else None
    changes = mine.changes if mine is not None else repository().store.changed(old, new)
    prompts = [each for each in changes if (place := place_of(each.path)) and place.key]
    if prompts:
        commit = mine or repository().store.header(new)
        events.announce(
            Event.PROMPT_CHANGED,
            environment=branch,
            commit=new,
            reason=commit.reason,
            author={"name": commit.author.name, "email": commit.author.email},
            prompts=[_named(each) for each in prompts[:NAMED]],
            count=len(prompts),
        )
    if branch == PRODUCTION and old and not here:
        for each in pushed(old, new):
            _promoted(each)


def _promoted(commit: str) -> None:
    """Announces what a commit pushed to production did."""
    found = release(repository(), commit)
    if found.did in RELEASED:
        paths = [change.path for change in found.commit.changes]
        announce_release(RELEASED[found.did], found.commit, found.tag, paths)


def announce_release(event: Event, commit: Commit, tag: str | None, paths: list[str]) -> None:
    """Announces a promotion or a roll-back."""
    events.announce(
        event,
        environment=PRODUCTION,
        commit=commit.oid,
        tag=tag or None,
        reason=commit.reason,
        paths=paths[:NAMED],
        count=len(paths),
    )


def pushed(old: str, new: str) -> list[str]:
    """The commits of a branch's own line that a move brought, oldest first."""

    def line() -> Iterator[str]:
        at = new
        while at != old:
            yield at
            parents = repository().store.parents(at)
            if not parents:
                return
            at = parents[0]

    return list(reversed([*islice(line(), FOLLOWED)]))


def _named(change: FileChange) -> dict[str, Any]:
    place = place_of(change.path)
    assert place is not None
    return {
        "path": change.path,
        "character": place.character,
        "emotion": place.emotion,
        "removed": change.new is None,
    }
