"""The pages of change requests: lists, conversation, commits, files, and what is done to them."""

from collections.abc import Callable, Collection
from typing import Any

from flask import (
    Blueprint,
    Flask,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response

from prompt_repo.errors import (
    ChangeMoved,
    MergeConflicts,
    NothingProposed,
    PromptRepoError,
)
from prompt_repo.repository import PRODUCTION
from webapp import audit, change_lists, change_records, change_requests, events, protection
from webapp.access import NotAllowed, Scope, access, caller
from webapp.change_lists import Shown, Wanted
from webapp.change_records import ChangeState, Kind, Who
from webapp.change_views import Subject
from webapp.errors import status_of
from webapp.events import Event
from webapp.formatting import capitalize_first
from webapp.kept_form import keeps_forms
from webapp.records.change_models import ChangeRequest
from webapp.services import records, repository, settings

blueprint = Blueprint("changes", __name__, url_prefix="/changes")
keeps_forms(blueprint)
PAGE = 50
REACH = 25  # resolved texts of one page
LISTS = {
    Shown.OPEN: "Open",
    Shown.WAITING: "Waiting for me",
    Shown.MINE: "Mine",
    Shown.MERGED: "Merged",
    Shown.CLOSED: "Closed",
}
REFUSED = (PromptRepoError, ChangeState, NotAllowed)
"""What a step may be refused for, and the page says."""


def init_app(app: Flask) -> None:
    """Listens to branches."""
    events.listen(app, Event.BRANCH_MOVED, change_requests.branch_moved)


@blueprint.get("")
@access(Scope.READ)
def index() -> str:
    """The change requests of one list, newest first."""
    name = request.args.get("show", Shown.OPEN)
    shown = Shown(name) if name in set(Shown) else Shown.OPEN
    who = Who.of(caller())
    before = request.args.get("before", "")
    wanted = Wanted(shown, who, before=int(before) if _is_number(before) else None, limit=PAGE)
    found = change_lists.listed(records(), wanted)
    rows = found[:PAGE]
    return render_template(
        "changes/index.html",
        rows=rows,
        shown=shown,
        lists=LISTS,
        counts=change_lists.counts(records(), who),
        said=change_records.entry_counts(records(), [row.number for row in rows]),
        next_before=rows[-1].number if len(found) > PAGE else None,
    )


@blueprint.get("/<int:number>")
@access(Scope.READ)
def show(number: int) -> str:
    """The conversation, the checks, and what can be done."""
    return _conversation(change_requests.found(number))[0]


@blueprint.get("/<int:number>/commits")
@access(Scope.READ)
def commits(number: int) -> str:
    """The commits it brings."""
    subject = subject_of(change_requests.found(number))
    return render_template("changes/commits.html", subject=subject, **frame(subject))


@blueprint.get("/<int:number>/files")
@access(Scope.READ)
def files(number: int) -> Response:
    """Every changed document as text and as resolved text, with comments on lines.

    For htmx, the form for a comment on one line alone.
    """
    row, asked = change_requests.found(number), request.args
    if _by_htmx() and _is_number(asked.get("line", "")):
        return _varied(_line(subject_of(row), asked.get("path", ""), asked["line"]))
    return _varied(_files(row))


@blueprint.get("/<int:number>/reach")
@access(Scope.READ)
def reach(number: int) -> str:
    """Every resolved text that one document changes, a page at a time."""
    subject = subject_of(change_requests.found(number))
    path = request.args.get("path", "")
    behind = (request.args.get("character", ""), request.args.get("emotion", ""))
    known = subject.comparison is not None and path in subject.comparison.paths
    found = subject.effects(path, behind, REACH) if known else []
    return render_template(
        "changes/reach.html",
        subject=subject,
        path=path,
        title=subject.title(path) if known else path[:200],
        effects=found[:REACH],
        more=len(found) > REACH,
        **frame(subject),
    )


@blueprint.post("/<int:number>/say")
@access(Scope.REVIEW)
def say(number: int) -> Any:
    """A comment, or a review with or without one."""
    form = request.form
    text, head = form.get("text", ""), form.get("head", "")
    kinds = {"approve": Kind.APPROVED, "object": Kind.OBJECTED}
    kind = kinds.get(form.get("action", ""))

    def step() -> str:
        if kind is not None:
            change_requests.review(number, kind, head, text)
            return "Approved." if kind is Kind.APPROVED else "Changes requested."
        change_requests.comment(number, text)
        return ""

    return _step(number, step, text)


@blueprint.post("/<int:number>/lines")
@access(Scope.REVIEW)
def say_on_line(number: int) -> Any:
    """A comment on a line of a changed document."""
    form = request.form
    path, text, line = form.get("path", ""), form.get("text", ""), form.get("line", "")
    row = change_requests.found(number)
    try:
        subject = subject_of(row)
        known = subject.comparison is not None and path in subject.comparison.paths
        if not known or not _is_number(line):
            raise ChangeState("that line is not part of this change request any more")
        if form.get("head") != row.head:
            raise ChangeMoved(subject.branch, row.head)
        entry = change_requests.comment(number, text, path, int(line))
    except REFUSED as error:
        if _by_htmx():
            return _line(subject_of(row), path, line, typed=text, refusal=str(error)), 422
        return _files(row, refusal=str(error), typed=text, at=(path, line)), 422
    audit.describe(f"changes/{row.slug}", path=path, line=int(line))
    if _by_htmx():
        return _line(subject, path, line, entry=entry)
    return redirect(url_for(".files", number=number, _anchor=f"comment-{entry.id}"), 303)


@blueprint.post("/<int:number>/comments/<int:ident>/settle")
@access(Scope.REVIEW)
def settle(number: int, ident: int) -> Response:
    """Marks a comment as settled, or as open again."""
    settled = request.form.get("settled") != "no"
    change_requests.settle(number, ident, settled=settled)
    back = ".files" if request.form.get("back") == "files" else ".show"
    return redirect(url_for(back, number=number, _anchor=f"comment-{ident}"), 303)


@blueprint.post("/<int:number>/merge")
@access(Scope.WRITE)
def merge(number: int) -> Any:
    """Merges what was looked at."""

    def step() -> str:
        done = change_requests.merge(number, request.form.get("head", ""))
        audit.describe(commit=done.commit.oid, paths=[c.path for c in done.commit.changes[:50]])
        if done.left is not None:
            rest = change_records.open_on(records(), done.left)
            named = f"change request {rest.number}" if rest else f"changes/{done.left}"
            return f"Merged. Staging has other texts of this: {named} was opened to decide them."
        return "Merged; it reached staging as well." if done.staged else "Merged."

    return _step(number, step)


@blueprint.post("/<int:number>/update")
@access(Scope.REVIEW)
def update(number: int) -> Any:
    """Brings what its base did since into it; where that conflicts, leads to the decision."""

    def step() -> str:
        row = change_requests.update(number, request.form.get("head", ""))
        return f"Brought up to what {row.base} holds."

    return _step(number, step)


@blueprint.post("/<int:number>/close")
@access(Scope.REVIEW)
def close(number: int) -> Any:
    """Gives it up."""

    def step() -> str:
        change_requests.close(number, request.form.get("text", ""))
        return "Closed. Its branch is kept, so it can be reopened."

    return _step(number, step)


@blueprint.post("/<int:number>/reopen")
@access(Scope.REVIEW)
def reopen(number: int) -> Any:
    """Takes it up again."""

    def step() -> str:
        change_requests.reopen(number)
        return "Open again."

    return _step(number, step)


def subject_of(row: ChangeRequest) -> Subject:
    """A change request with what pages ask of it."""
    said = change_records.entries(records(), row.number)
    own = change_records.contributions(records(), row)
    required = protection.approvals(settings(), row.base)
    return Subject(repository(), row, said, own, required, change_requests.shut_out(said))


def frame(subject: Subject) -> dict[str, object]:
    """What all pages of one change request show."""
    who = Who.of(caller())
    row = subject.row
    return {
        "change": row,
        "mine": subject.contributed(who),
        "may_edit": subject.is_open
        and caller().may(Scope.REVIEW)
        and change_requests.may_edit(row),
        "may_merge": caller().may(Scope.WRITE)
        and (row.base != PRODUCTION or caller().may(Scope.PROMOTE)),
    }


def _step(number: int, step: Callable[[], str], typed: str = "") -> Any:
    """Does something, and shows the conversation: anew, or with why it was refused."""
    row = change_requests.found(number)
    audit.describe(f"changes/{row.slug}", number=number)
    try:
        said = step()
    except MergeConflicts:
        return redirect(url_for("change_editing.conflicts", number=number), 303)
    except NothingProposed:
        flash("There is nothing in it that its base does not hold already.")
    except REFUSED as error:
        status = status_of(error)
        return _conversation(change_requests.found(number), status, str(error), typed)
    else:
        if said:
            flash(said, "good")
    return redirect(url_for(".show", number=number), 303)


def _conversation(
    row: ChangeRequest, status: int = 200, refusal: str = "", typed: str = ""
) -> tuple[str, int]:
    subject = subject_of(row)
    page = render_template(
        "changes/show.html",
        subject=subject,
        typed=typed,
        refusal=capitalize_first(refusal),
        **frame(subject),
    )
    return page, status


def _files(
    row: ChangeRequest, refusal: str = "", typed: str = "", at: tuple[str, str] = ("", "")
) -> str:
    subject = subject_of(row)
    start = request.args.get("start", "0")
    asked = at if at[0] else (request.args.get("path", ""), request.args.get("line", ""))
    first = int(start) if _is_number(start) else 0
    found = subject.files(first)
    return render_template(
        "changes/files.html",
        subject=subject,
        files=found,
        next_start=first + len(found) if first + len(found) < subject.count else None,
        asked=(asked[0], int(asked[1]) if _is_number(asked[1]) else None),
        typed=typed,
        refusal=capitalize_first(refusal),
        **frame(subject),
    )


def _line(
    subject: Subject, path: str, line: str, typed: str = "", refusal: str = "", **more: Any
) -> str:
    """One line's form for a comment, or the comment, to stand below the line."""
    return render_template(
        "changes/_line.html",
        subject=subject,
        file={"path": path[:200], "title": subject.title(path) if path in _paths(subject) else ""},
        line=line,
        typed=typed,
        refusal=capitalize_first(refusal),
        **more,
    )


def _paths(subject: Subject) -> Collection[str]:
    return subject.comparison.paths if subject.comparison is not None else ()


def _by_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"


def _varied(page: str) -> Response:
    answer = make_response(page)
    answer.vary.add("HX-Request")
    return answer


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10
