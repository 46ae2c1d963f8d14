"""The pages of promotion: the board of what differs, one document's change, and the plan."""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from prompt_repo.drift import State, compare
from prompt_repo.errors import PlanMoved, PromptRepoError, StorageFailed
from prompt_repo.promotion import Pinned, planned
from webapp import audit, promoting
from webapp.access import Scope, access
from webapp.board import STATES, Filters, board, known_of
from webapp.choosing import Selection
from webapp.errors import status_of
from webapp.formatting import capitalize_first, counted
from webapp.kept_form import keeps_forms
from webapp.planning import plan_for
from webapp.services import repository
from webapp.sides import drifted, panes

blueprint = Blueprint("promotion", __name__, url_prefix="/promotion")
keeps_forms(blueprint)


@blueprint.get("")
@access(Scope.READ)
def index() -> Response:
    """The whole board; for htmx the lists alone, or the groups that follow."""
    after = request.args.get("after", "")
    found = board(repository(), Filters.asked(request.args), after)
    page = "index" if not _by_htmx() else "_groups" if after else "_board"
    return _answer(f"promotion/{page}.html", 200, board=found)


@blueprint.get("/document")
@access(Scope.READ)
def document() -> Response:
    """One document's change from production to staging; a diverged one in three panes."""
    plan = compare(repository())
    item = plan.by_path.get(request.args.get("path", ""))
    if item is None:
        raise NotFound("this document is the same in both environments, or there is none")
    diverged = item.state is State.DIVERGED
    return _answer(
        f"promotion/{'_document' if _by_htmx() else 'document'}.html",
        200,
        line=known_of(repository(), plan).line(item),
        panes=panes(repository(), plan, item) if diverged else None,
        change=drifted(repository(), item) if not diverged else None,
        choice="",
    )


@blueprint.get("/plan")
@access(Scope.READ)
def look() -> Response:
    """The plan of what an address names; of everything where it names nothing."""
    selection = Selection.typed(request.args)
    return _plan(selection if not selection.empty else Selection(everything=True))


@blueprint.post("/plan")
@access(Scope.PROMOTE)
def plan() -> Response:
    """The plan of what was picked on the board, or decided on the plan's own page."""
    audit.leave_out()
    selection = Selection.typed(request.form)
    if selection.empty:
        found = board(repository(), selection.filters)
        return _answer("promotion/index.html", 422, board=found, nothing=True)
    return _plan(selection)


@blueprint.post("")
@access(Scope.PROMOTE)
def carry_out() -> Response:
    """Promotes, if both environments are where the plan was made; else shows the plan anew."""
    selection = Selection.typed(request.form)
    reason = request.form.get("reason", "")
    pinned = Pinned(request.form.get("staging", ""), request.form.get("production", ""))
    try:
        planned(repository(), pinned)
        order = plan_for(repository(), selection).order
        done = promoting.carry_out(order, reason, pinned)
    except PlanMoved:
        return _plan(selection, 409, reason=reason, moved=True)
    except StorageFailed:
        raise
    except PromptRepoError as error:
        said = f"{capitalize_first(str(error))}."
        return _plan(selection, status_of(error), reason=reason, refusal=said)
    if not done.tag:
        flash("Staging took what was decided; production has it already.", "good")
        return redirect(url_for("promotion.index"), 303)
    flash(f"Promoted {counted(len(done.paths), 'document')} as {done.tag}.", "good")
    return redirect(url_for("releases.show", promotion=done.commit.oid), 303)


def _plan(selection: Selection, status: int = 200, reason: str = "", **more: Any) -> Response:
    found = plan_for(repository(), selection)
    return _answer("promotion/plan.html", status, found=found, reason=reason, **more)


def _answer(page: str, status: int, **values: Any) -> Response:
    answer = make_response(render_template(page, states=STATES, **values), status)
    answer.vary.add("HX-Request")
    return answer


def _by_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"
