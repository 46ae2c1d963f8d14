"""Change requests over the API: list, open, read, comment, review, update, merge, close."""

from bisect import bisect_right
from typing import Any

from flask import Response, jsonify, url_for

from prompt_repo.document_merging import Choice, Side
from prompt_repo.errors import InvalidDocument, Problem
from webapp import audit, change_lists, change_records, change_requests
from webapp.access import Scope, caller, require_environment
from webapp.api import answering, asking, blueprint, change_answers, change_bodies
from webapp.api.change_edits import proposed
from webapp.api.routing import Operation, route
from webapp.change_lists import Shown, Wanted
from webapp.change_records import Kind, Who
from webapp.changes import subject_of
from webapp.records.change_models import ChangeRequest
from webapp.services import records, repository

BASE = "/v1/changes"
ONE = f"{BASE}/<int:number>"
KINDS = {"approve": Kind.APPROVED, "request_changes": Kind.OBJECTED}


@route(
    blueprint,
    "GET",
    BASE,
    Scope.READ,
    "changes",
    Operation(
        "Change requests, newest first",
        {200: change_bodies.Changes},
        query=change_bodies.ListingChanges,
        headers=("If-None-Match",),
    ),
)
def index() -> Response:
    """Those of the environments that the token is for."""
    asked = asking.query(change_bodies.ListingChanges)
    wanted = Wanted(
        Shown(asked.show),
        Who.of(caller()),
        caller().environments,
        base=asked.base or "",
        before=asked.cursor,
        limit=asked.limit,
    )
    found = change_lists.listed(records(), wanted)
    rows = found[: asked.limit]
    more = rows[-1].number if len(found) > asked.limit else None
    return _answer({"items": [change_answers.change(row) for row in rows], "next_cursor": more})


@route(
    blueprint,
    "POST",
    BASE,
    Scope.REVIEW,
    "propose",
    Operation(
        "Open a change request with edits",
        {201: change_bodies.ChangeDetail},
        body=change_bodies.ChangeProposal,
        writes=True,
    ),
)
def create() -> Response:
    """A branch `changes/…` with one commit; nothing of the environment changes."""
    given = asking.body(change_bodies.ChangeProposal)
    require_environment(given.base)
    draft = change_requests.Draft(given.base, given.title, given.description, given.slug or "")
    row = change_requests.propose(
        draft, proposed(given, repository().current(given.base)), given.reason
    )
    _describe(row)
    response = _detail(row, 201)
    response.headers["Location"] = url_for("api.change", number=row.number)
    return response


@route(
    blueprint,
    "GET",
    ONE,
    Scope.READ,
    "change",
    Operation(
        "One change request: commits, checks, conflicts, reviews",
        {200: change_bodies.ChangeDetail},
        headers=("If-None-Match",),
    ),
)
def show(number: int) -> Response:
    """As git has it now."""
    return _answer(change_answers.detail(subject_of(change_requests.found(number))))


@route(
    blueprint,
    "GET",
    f"{ONE}/files",
    Scope.READ,
    "change_files",
    Operation(
        "What it changes, as text and as resolved text",
        {200: change_bodies.ChangedFiles},
        query=change_bodies.ListingFiles,
        headers=("If-None-Match",),
    ),
)
def files(number: int) -> Response:
    """Each document before and after, by path."""
    asked = asking.query(change_bodies.ListingFiles)
    subject = subject_of(change_requests.found(number))
    paths = subject.comparison.paths if subject.comparison else ()
    start = bisect_right(paths, asked.cursor) if asked.cursor else 0
    found = subject.files(start, asked.limit)
    more = found[-1].path if found and start + len(found) < len(paths) else None
    items = [change_answers.file(subject, each) for each in found]
    return _answer({"items": items, "next_cursor": more})


@route(
    blueprint,
    "POST",
    f"{ONE}/edits",
    Scope.REVIEW,
    "add_to_change",
    Operation(
        "Add edits to an open change request",
        {200: change_bodies.ChangeDetail},
        body=change_bodies.MoreEdits,
        writes=True,
    ),
)
def add(number: int) -> Response:
    """One more commit on its branch; reviews of what stood before don't count any more."""
    given = asking.body(change_bodies.MoreEdits)
    before = repository().catalogue(change_requests.editable(number).head)
    row = change_requests.add(number, proposed(given, before), given.reason)
    _describe(row)
    return _detail(row)


@route(
    blueprint,
    "GET",
    f"{ONE}/comments",
    Scope.READ,
    "conversation",
    Operation(
        "Everything said and done", {200: change_bodies.Conversation}, headers=("If-None-Match",)
    ),
)
def conversation(number: int) -> Response:
    """Comments, reviews, pushes and turns, oldest first."""
    change_requests.found(number)
    said = change_records.entries(records(), number)
    return _answer({"items": [change_answers.entry(each) for each in said]})


@route(
    blueprint,
    "POST",
    f"{ONE}/comments",
    Scope.REVIEW,
    "comment",
    Operation(
        "Comment on it, or on a line of a changed document",
        {201: change_bodies.ConversationEntry},
        body=change_bodies.CommentOrder,
        writes=True,
    ),
)
def comment(number: int) -> Response:
    """A line is one of the proposed text as it stands now."""
    given = asking.body(change_bodies.CommentOrder)
    row = change_requests.found(number)
    subject = subject_of(row)
    paths = subject.comparison.paths if subject.comparison else ()
    if (given.path is None) != (given.line is None):
        raise InvalidDocument([Problem("body", "a path and a line belong together", field="line")])
    if given.path is not None and given.path not in paths:
        wrong = Problem("body", "is not changed here", field="path", valid=paths[:20])
        raise InvalidDocument([wrong])
    said = change_requests.comment(number, given.text, given.path or "", given.line)
    _describe(row)
    return _made(change_answers.entry(said), number)


@route(
    blueprint,
    "PATCH",
    f"{ONE}/comments/<int:comment>",
    Scope.REVIEW,
    "settle",
    Operation(
        "Mark a comment as settled, or as open again",
        {200: change_bodies.ConversationEntry},
        body=change_bodies.Settling,
        writes=True,
    ),
)
def settle(number: int, comment: int) -> Response:
    """Whoever may comment may settle."""
    given = asking.body(change_bodies.Settling)
    said = change_requests.settle(number, comment, settled=given.settled)
    return jsonify(change_answers.entry(said))


@route(
    blueprint,
    "POST",
    f"{ONE}/reviews",
    Scope.REVIEW,
    "review",
    Operation(
        "Approve what stands at a commit, or request changes",
        {201: change_bodies.ConversationEntry},
        body=change_bodies.ReviewOrder,
        writes=True,
    ),
)
def review(number: int) -> Response:
    """403 for an approval by the account that proposed or pushed some of it."""
    given = asking.body(change_bodies.ReviewOrder)
    said = change_requests.review(number, KINDS[given.verdict], given.head, given.text)
    return _made(change_answers.entry(said), number)


@route(
    blueprint,
    "POST",
    f"{ONE}/update",
    Scope.REVIEW,
    "update_change",
    Operation(
        "Bring what its base did since into it, deciding what clashes",
        {200: change_bodies.ChangeDetail},
        body=change_bodies.UpdateOrder,
        writes=True,
    ),
)
def update(number: int) -> Response:
    """409 with the `paths` that are still to decide about."""
    given = asking.body(change_bodies.UpdateOrder)
    choices = {(each.path, each.field): _choice(each) for each in given.decisions}
    row = change_requests.update(number, given.head, choices, given.base)
    _describe(row)
    return _detail(row)


@route(
    blueprint,
    "POST",
    f"{ONE}/merge",
    Scope.WRITE,
    "merge_change",
    Operation(
        "Merge it into its base; a hotfix goes to staging as well",
        {200: change_bodies.MergeDone},
        body=change_bodies.MergeOrder,
        writes=True,
    ),
)
def merge(number: int) -> Response:
    """A merge commit with `Reviewed-by:` and `Change-Request:`; a hotfix needs `promote` too."""
    given = asking.body(change_bodies.MergeOrder)
    done = change_requests.merge(number, given.head)
    row = change_records.found(records(), number)
    _describe(row, done.commit.oid)
    left = change_records.open_on(records(), done.left) if done.left else None
    body = {
        "change": change_answers.change(row),
        "commit": done.commit.oid,
        "staging_commit": done.staged.oid if done.staged else None,
        "left": left.number if left else None,
    }
    response = jsonify(body)
    response.headers[answering.COMMIT] = done.commit.oid
    return response


@route(
    blueprint,
    "POST",
    f"{ONE}/close",
    Scope.REVIEW,
    "close_change",
    Operation(
        "Give it up; its branch stays",
        {200: change_bodies.ChangeDetail},
        body=change_bodies.Closing,
        body_optional=True,
        writes=True,
    ),
)
def close(number: int) -> Response:
    """By whoever proposed it, or may write."""
    given = asking.body(change_bodies.Closing, optional=True)
    row = change_requests.close(number, given.text)
    _describe(row)
    return _detail(row)


@route(
    blueprint,
    "POST",
    f"{ONE}/reopen",
    Scope.REVIEW,
    "reopen_change",
    Operation("Take it up again", {200: change_bodies.ChangeDetail}, writes=True),
)
def reopen(number: int) -> Response:
    """409 where its branch is gone, or has another open change request."""
    row = change_requests.reopen(number)
    _describe(row)
    return _detail(row)


def _choice(given: change_bodies.FieldChoice) -> Choice:
    if (given.choice is None) == (given.text is None):
        wrong = Problem("body", "give a choice or a text, one of the two", field="decisions")
        raise InvalidDocument([wrong])
    return Side(given.choice) if given.choice is not None else given.text or ""


def _describe(row: ChangeRequest, commit: str | None = None) -> None:
    audit.describe(f"changes/{row.slug}", number=row.number, commit=commit or row.head)


def _detail(row: ChangeRequest, status: int = 200) -> Response:
    response = jsonify(change_answers.detail(subject_of(row)))
    response.status_code = status
    return _headed(response, row.head)


def _made(body: dict[str, Any], number: int) -> Response:
    response = jsonify(body)
    response.status_code = 201
    response.headers["Location"] = url_for("api.conversation", number=number)
    return _headed(response, body["head"])


def _headed(response: Response, commit: str) -> Response:
    response.headers[answering.COMMIT] = commit
    return response


def _answer(body: dict[str, Any]) -> Response:
    response = jsonify(body)
    response.headers["Cache-Control"] = answering.ASK_AGAIN
    response.add_etag()
    return asking.conditional(response)
