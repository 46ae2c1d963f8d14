"""The pages of what went live when: promotions, roll-backs, one of them, and rolling it back."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from prompt_repo.drift import compare
from prompt_repo.errors import PlanMoved, PromptRepoError, RolledBackMoved, StorageFailed
from prompt_repo.layout import place_of
from prompt_repo.model import Commit, FileChange
from prompt_repo.releases import Did, notes_of, release, releases, what_did
from prompt_repo.repository import PRODUCTION
from prompt_repo.rolling_back import find
from webapp import promoting
from webapp.access import Scope, access
from webapp.board import known_of
from webapp.errors import status_of
from webapp.formatting import capitalize_first, counted
from webapp.kept_form import keeps_forms
from webapp.services import repository
from webapp.sides import Comparison, comparison

blueprint = Blueprint("releases", __name__, url_prefix="/promotion/history")
keeps_forms(blueprint)
PAGE = 25
SHOWN = 200  # documents that a page names; of more the number is told
DID = {
    Did.PROMOTED: "Promoted",
    Did.ROLLED_BACK: "Rolled back",
    Did.HOTFIXED: "Hotfix",
    Did.BEGAN: "Began",
    Did.COMMITTED: "Committed",
}


@dataclass(frozen=True)
class Deployed:
    """A document that a promotion or a roll-back changed, with its numbers before and after.

    `now` is the number that stands today where that is another one; `moved` tells that. It is
    `back` where what stands today is what stood before.
    """

    path: str
    name: str
    before: str
    after: str
    now: str
    moved: bool
    back: bool


@blueprint.get("")
@access(Scope.READ)
def index() -> str:
    """Production's own commits, newest first, a page at a time."""
    found = releases(repository(), request.args.get("cursor"), PAGE)
    return render_template("promotion/history.html", page=found, did=DID)


@blueprint.get("/<promotion>")
@access(Scope.READ)
def show(promotion: str) -> str:
    """One promotion or roll-back: who, when, from what, its notes and its changes."""
    found = release(repository(), _commit(promotion).oid)
    commit = found.commit
    return render_template(
        "promotion/release.html",
        release=found,
        did=DID,
        documents=_deployed(commit, _changes(commit)[:SHOWN]),
        count=len(_changes(commit)),
        notes=notes_of(repository(), commit.parents[0], commit),
    )


@blueprint.get("/<promotion>/document")
@access(Scope.READ)
def document(promotion: str) -> Response:
    """What a promotion changed in one document, to stand in its page or by itself."""
    commit = _header(promotion)
    path = request.args.get("path", "")
    change = _change(commit, path)
    found = _compared(change) if change else None
    page = "_change" if request.headers.get("HX-Request") == "true" else "change"
    answer = make_response(
        render_template(
            f"promotion/{page}.html",
            commit=commit,
            name=_called(path) if change else "",
            change=found,
        ),
        200 if found else 404,
    )
    answer.vary.add("HX-Request")
    return answer


@blueprint.get("/<promotion>/roll-back")
@access(Scope.PROMOTE)
def ask(promotion: str) -> Response:
    """Shows what would be put back, and lets one choose."""
    commit = _commit(promotion)
    return _asked(commit, set(_paths(commit)), set(), "")


@blueprint.post("/<promotion>/roll-back")
@access(Scope.PROMOTE)
def roll_back(promotion: str) -> Response:
    """Puts back what was picked, if production is where the page saw it."""
    commit = _commit(promotion)
    only, anyway = set(request.form.getlist("path")), set(request.form.getlist("anyway"))
    if "rest" in request.form:
        only |= {*_paths(commit)[SHOWN:]}
    reason = request.form.get("reason", "")
    if not only:
        return _asked(commit, only, anyway, reason, 422, refusal="Pick at least one document.")
    try:
        done = promoting.put_back(
            commit.oid,
            reason,
            only if only != set(_paths(commit)) else None,
            anyway & only,
            request.form.get("production") or None,
        )
    except PlanMoved:
        return _asked(commit, only, anyway, reason, 409, moved=True)
    except RolledBackMoved as error:
        return _asked(commit, only, anyway, reason, 409, undecided=set(error.paths))
    except StorageFailed:
        raise
    except PromptRepoError as error:
        said = f"{capitalize_first(str(error))}."
        return _asked(commit, only, anyway, reason, status_of(error), refusal=said)
    count = counted(len(done.paths), "document")
    back = what_did(done.commit)[0] is Did.ROLLED_BACK
    flash(
        f"{'Put' if back else 'Promoted'} {count} {'back' if back else 'again'} as {done.tag}.",
        "good",
    )
    return redirect(url_for("releases.show", promotion=done.commit.oid), 303)


def _asked(
    commit: Commit, only: set[str], anyway: set[str], reason: str, status: int = 200, **more: Any
) -> Response:
    found = release(repository(), commit.oid)
    return make_response(
        render_template(
            "promotion/roll_back.html",
            release=found,
            again=found.did is Did.ROLLED_BACK,
            documents=_deployed(commit, _changes(commit)[:SHOWN]),
            rest=_paths(commit)[SHOWN:],
            production=repository().head(PRODUCTION),
            only=only,
            anyway=anyway,
            reason=reason,
            **more,
        ),
        status,
    )


def _commit(promotion: str) -> Commit:
    """The commit an address names; raises RevisionNotFound."""
    return find(repository(), promotion)


def _header(promotion: str) -> Commit:
    """The same without its changes, which costs no look at a tree."""
    return find(repository(), promotion, changes=False)


def _change(commit: Commit, path: str) -> FileChange | None:
    """What a commit did to one document; None where it did nothing to it."""
    if place_of(path) is None:
        return None
    history = repository().history
    history.ensure(commit.oid)
    sides = (history.held(each, path) for each in (commit.parents[0], commit.oid))
    old, new = (held.blob if held is not None else None for held in sides)
    return FileChange(path, old, new) if old != new else None


def _changes(commit: Commit) -> list[FileChange]:
    return [change for change in commit.changes if place_of(change.path) is not None]


def _paths(commit: Commit) -> list[str]:
    return [change.path for change in _changes(commit)]


def _deployed(commit: Commit, changes: list[FileChange]) -> list[Deployed]:
    history, head = repository().history, repository().head(PRODUCTION)
    history.ensure(head)
    known = known_of(repository(), compare(repository()))
    found = []
    for change in changes:
        now = history.held(head, change.path)
        blob = now.blob if now else None
        found.append(
            Deployed(
                path=change.path,
                name=known.called(change.path),
                before=_number(commit.parents[0], change.path),
                after=_number(commit.oid, change.path),
                now=_number(head, change.path),
                moved=blob != change.new,
                back=blob == change.old,
            )
        )
    return found


def _called(path: str) -> str:
    return known_of(repository(), compare(repository())).called(path)


def _number(commit: str, path: str) -> str:
    held = repository().history.held(commit, path)
    if held is None:
        return "none"
    return str(held.number) if held.blob is not None else "removed"


def _compared(change: FileChange) -> Comparison:
    return comparison(repository(), change.path, change.old, change.new)
