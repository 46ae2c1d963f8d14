"""The pages of the audit log: entries and filters, one entry, the check, files of it."""

from collections.abc import Mapping
from typing import Any

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from prompt_repo.errors import GitFailed, PromptRepoError
from webapp import audit, audit_anchors, audit_log, clock, people
from webapp.access import Scope, access, caller
from webapp.audit_anchors import Anchored
from webapp.audit_check import check
from webapp.audit_export import TYPES, lines
from webapp.audit_log import Link
from webapp.audit_reading import OUTCOMES, entry, everything, page
from webapp.audit_trails import asked, before, did
from webapp.audit_words import KINDS, words_of
from webapp.services import records, repository, settings

blueprint = Blueprint("audit_pages", __name__, url_prefix="/audit")
PAGE = 50
LOOKS = {"done": "is-completed", "failed": "is-failed", "refused": "is-refused"}


@blueprint.app_template_filter("action_words")
def _action_words(action: str) -> str:
    return words_of(action)


@blueprint.app_template_filter("actor_name")
def _actor_name(actor: str) -> str:
    """An actor as people read it: `sam`, or `ci (token 3)`."""
    kind, _, rest = actor.partition(":")
    if kind == "token":
        number, _, name = rest.partition(":")
        return f"{name} (token {number})"
    return rest if kind == "person" else actor


@blueprint.app_template_global()
def outcome_look(outcome: str) -> str:
    return LOOKS.get(outcome, "")


@blueprint.get("")
@access(Scope.ADMIN)
def index() -> AnyResponse:
    """The newest entries that fit, and how the chain stands; for htmx the entries alone."""
    wanted = asked(request.args)
    found = page(records(), wanted, before(), PAGE)
    by_htmx = request.headers.get("HX-Request") == "true"
    name = "_entries" if by_htmx else "index"
    answer = make_response(
        render_template(
            f"audit/{name}.html",
            found=found,
            wanted=wanted,
            kinds=KINDS,
            outcomes=OUTCOMES,
            standing=None if by_htmx else _standing(),
        )
    )
    answer.vary.add("HX-Request")
    return answer


@blueprint.get("/<int:number>")
@access(Scope.ADMIN)
def show(number: int) -> str:
    """One entry: all that it says, and its place in the chain."""
    found = entry(records(), number)
    if found is None:
        sealed = audit_log.last_seal(records())
        cut = sealed is not None and number <= sealed.through
        raise NotFound(
            f"entry {number} was sealed and cut" if cut else f"there is no entry {number}"
        )
    detail = {**found["detail"]}
    changes = detail.pop("changes", None) or _only_change(found, detail)
    sealed = audit_log.last_seal(records())
    first, last = (sealed.through if sealed else 0) + 1, audit_log.head(records()).entry
    return render_template(
        "audit/show.html", entry=found, detail=detail, changes=changes, first=first, last=last
    )


@blueprint.get("/check")
@access(Scope.ADMIN)
def verify() -> str:
    """Works every hash out again, and says where the log isn't what was written."""
    report = check(records(), audit_anchors.all_of(repository().store.path))
    return render_template("audit/check.html", report=report)


@blueprint.post("/anchor")
@access(Scope.ADMIN)
def anchor() -> AnyResponse:
    """Has Git keep the newest hash now."""
    try:
        link = audit_anchors.anchor(records(), repository().store.path, caller().actor)
    except GitFailed:
        flash("Another process is anchoring the log just now. Look again in a moment.", "warn")
        return redirect(url_for(".index"), 303)
    audit.leave_out()  # the anchor is an entry itself
    flash(f"Git keeps entry {link.entry:,} now." if link else "Git keeps the newest entry already.")
    return redirect(url_for(".index"), 303)


@blueprint.get("/people/<name>")
@access(Scope.ADMIN)
def of_person(name: str) -> str:
    """What a person did, themselves and by the tokens they made."""
    try:
        account = people.found(records(), name)
    except people.PeopleError as error:
        raise NotFound(str(error)) from error
    found = did(account, PAGE, before())
    return render_template("audit/of_person.html", person=account, found=found)


@blueprint.get("/export.csv", defaults={"form": "csv"})
@blueprint.get("/export.jsonl", defaults={"form": "jsonl"})
@access(Scope.ADMIN)
def export(form: str) -> Response:
    """All entries that fit as a file, oldest first, streamed."""
    wanted = asked(request.args)
    audit.enter_reading("audit log", form=form, filters=wanted.query())
    text = lines(everything(records(), wanted), form)
    answer = Response(text, content_type=TYPES[form])
    name = f"audit-{clock.now():%Y-%m-%d}.{form}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _standing() -> dict[str, Any]:
    """How the chain stands at a glance: its head, what Git keeps, what was cut."""
    head = audit_log.head(records())
    anchored, failure = _anchored()
    sealed = audit_log.last_seal(records())
    return {
        "head": head,
        "count": head.entry - (sealed.through if sealed else 0),
        "anchored": anchored,
        "failure": failure,
        "fits": _fits(anchored, head),
        "sealed": sealed,
        "days": settings().audit_days,
    }


def _anchored() -> tuple[Anchored | None, str]:
    try:
        return audit_anchors.newest(repository().store.path), ""
    except PromptRepoError as error:
        return None, str(error)


def _fits(anchored: Anchored | None, head: Link) -> bool:
    """Whether the newest anchor is of this log; a look at one entry, not a check of all."""
    if anchored is None:
        return True
    found = entry(records(), anchored.entry)
    return anchored.entry <= head.entry and found is not None and found["hash"] == anchored.hash


def _only_change(found: Mapping[str, Any], detail: dict[str, Any]) -> list[dict[str, Any]]:
    """The one file that was written, taken out of the detail."""
    if not (found["path"] and found["commit"] and isinstance(detail.get("after", ""), str)):
        return []
    sides = {name: detail.pop(name, None) for name in ("before", "after")}
    return [{"path": found["path"], **sides}] if any(sides.values()) else []
