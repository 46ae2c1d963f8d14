"""The pages of edits in bulk: what to do to chosen cells, what would come of it, undoing."""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from prompt_repo import editing, undoing
from prompt_repo.errors import EditConflict, PromptRepoError, StorageFailed
from prompt_repo.layout import place_of
from prompt_repo.model import PromptKey
from prompt_repo.repository import PRODUCTION
from prompt_repo.undoing import UndoConflict
from webapp import audit, change_requests
from webapp.access import NotAllowed, Scope, access, caller
from webapp.appearance import may_save
from webapp.bulk_choosing import EFFECTS, KINDS, Choice, preview, title
from webapp.change_records import ChangeState
from webapp.errors import status_of
from webapp.formatting import capitalize_first, counted
from webapp.kept_form import keeps_forms
from webapp.prompt_routes import ENVIRONMENT
from webapp.services import repository

blueprint = Blueprint("bulk", __name__, url_prefix=f"{ENVIRONMENT}/bulk")
keeps_forms(blueprint)
OFFERED = 500  # characters that a field offers to copy from
REFUSED = (PromptRepoError, ChangeState, NotAllowed)


@blueprint.get("")
@access(Scope.REVIEW)
def index(environment: str) -> Response:
    """What can be done to the cells that the address names."""
    return _ask(environment, request.args)


@blueprint.post("")
@access(Scope.REVIEW)
def choose(environment: str) -> Response:
    """What can be done to the cells of a form."""
    audit.leave_out()
    return _ask(environment, request.form)


@blueprint.post("/plan")
@access(Scope.REVIEW)
def plan(environment: str) -> Response:
    """What would come of it, prompt by prompt; nothing is changed."""
    audit.leave_out()
    return _look(environment, repository().head(environment))


@blueprint.post("/apply")
@access(Scope.REVIEW)
def apply(environment: str) -> Response:
    """Carries the plan out in one commit, or proposes it; the plan anew where prompts moved."""
    form = request.form
    base, reason = form.get("base", ""), form.get("reason", "")
    proposes = form.get("action") == "propose"
    if not proposes and not may_save(environment):
        raise NotAllowed(f"prompts of {environment} are not saved directly here; propose it")
    try:
        choice = _choice(environment, form)
        now = repository().at(environment, base)
        found = preview(now, choice)
        edits = found.plan.edits(choice.left)
        audit.describe(counted(len(edits), "prompt"), operation=choice.kind, **choice.typed)
        if proposes:
            wanted = change_requests.Draft(environment, reason or KINDS[choice.kind])
            row = change_requests.propose(wanted, edits, reason)
            flash("Proposed. Others can look at it, comment and approve now.", "good")
            return redirect(url_for("changes.show", number=row.number), 303)
        words = reason or f"{KINDS[choice.kind]}: {counted(len(edits), 'prompt')}"
        outcome = editing.save(repository(), environment, edits, caller().author, words)
    except EditConflict as conflict:
        audit.describe(why=str(conflict))
        paths = [each.path for each in conflict.conflicts]
        return _look(environment, repository().head(environment), 409, moved=paths)
    except StorageFailed:
        raise
    except REFUSED as error:
        audit.describe(why=str(error))
        return _look(environment, base, status_of(error), refusal=_sentence(error))
    if outcome.commit is None:
        flash("Nothing changed.")
        return redirect(url_for("matrix.index", environment=environment), 303)
    flash(f"Saved {counted(len(outcome.changed), 'prompt')} to {environment}.", "good")
    return redirect(url_for(".show", environment=environment, commit=outcome.commit.oid), 303)


@blueprint.get("/<commit>")
@access(Scope.READ)
def show(environment: str, commit: str) -> Response:
    """What a commit changed, and whether it can be undone as a whole."""
    return _done(environment, commit)


@blueprint.post("/<commit>/undo")
@access(Scope.WRITE)
def undo(environment: str, commit: str) -> Response:
    """Puts back what a commit changed, by another commit."""
    reason = request.form.get("reason", "")
    rest = request.form.get("rest") == "1"
    who = caller().author
    try:
        outcome = undoing.undo(repository(), environment, commit, who, reason, rest=rest)
    except UndoConflict:
        return _done(environment, commit, 409, moved_now=True)
    audit.describe(f"undo of {commit[:9]}", undone=commit)
    if outcome.commit is None:
        flash("All of it is as before already.")
        return redirect(url_for(".show", environment=environment, commit=commit), 303)
    flash(f"Undone: {counted(len(outcome.changed), 'prompt')} put back.", "good")
    return redirect(url_for(".show", environment=environment, commit=outcome.commit.oid), 303)


def _choice(environment: str, given: MultiDict[str, str]) -> Choice:
    return Choice.of(given, repository(), environment)


def _ask(
    environment: str, given: MultiDict[str, str], status: int = 200, refusal: str = ""
) -> Response:
    try:
        choice = _choice(environment, given)
    except PromptRepoError as error:
        choice, status, refusal = Choice(()), status_of(error), _sentence(error)
    catalogue = repository().current(environment)
    known = [each for each in choice.cells if each.emotion in catalogue.configuration.by_id]
    page = render_template(
        "bulk/choose.html",
        choice=choice,
        titles=[title(catalogue, each) for each in known],
        kinds=KINDS,
        characters=catalogue.character_ids()[:OFFERED],
        refusal=refusal,
    )
    return make_response(page, status)


def _look(environment: str, commit: str, status: int = 200, **more: Any) -> Response:
    """The plan at a commit; where it can't be made, the form again."""
    form = request.form
    try:
        choice = _choice(environment, form)
        now = repository().at(environment, commit or None)
        found = preview(now, choice)
    except PromptRepoError as error:
        return _ask(environment, form, status_of(error), _sentence(error))
    page = render_template(
        "bulk/plan.html",
        choice=choice,
        found=found,
        kinds=KINDS,
        effects=EFFECTS,
        reason=form.get("reason", ""),
        saves=may_save(environment),
        hotfix=environment == PRODUCTION,
        **{"moved": (), "refusal": "", **more},
    )
    return make_response(page, status)


def _done(environment: str, commit: str, status: int = 200, *, moved_now: bool = False) -> Response:
    found = undoing.look(repository(), environment, commit)
    catalogue = repository().current(environment)
    keys = {
        change.path: place.key
        for change in found.commit.changes
        if (place := place_of(change.path)) is not None and place.key is not None
    }

    def named(key: PromptKey) -> str:
        try:
            return title(catalogue, key)
        except (PromptRepoError, KeyError):
            return key.path

    page = render_template(
        "bulk/done.html",
        found=found,
        keys=keys,
        titles={path: named(key) for path, key in keys.items()},
        saves=may_save(environment),
        moved_now=moved_now,
    )
    return make_response(page, status)


def _sentence(error: Exception) -> str:
    return f"{capitalize_first(str(error))}."
