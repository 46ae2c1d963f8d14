"""What goes wrong, as an answer: one table, one shape for programs, one page for people."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import structlog
from flask import (
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from jinja2 import TemplateError
from markupsafe import escape
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    SecurityError,
)
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as AnyResponse

from prompt_repo import errors as domain
from prompt_repo.layout import CONFIGURATION, ENVIRONMENTS
from prompt_repo.transfer_errors import (
    ImportConflicts,
    ImportEdited,
    ImportMoved,
    InvalidFile,
    NotInFile,
)
from prompt_repo.undoing import UndoConflict
from sync.errors import SyncError
from webapp import limits
from webapp.access import API, GIT, NotAllowed, NotLoggedIn, PasswordMustChange, UndeclaredAccess
from webapp.change_records import ChangeNotFound, ChangeState
from webapp.people import PeopleError
from webapp.preview_errors import (
    NothingToPreview,
    PreviewFailed,
    PreviewGone,
    PreviewNotFound,
    PreviewNotReady,
    PreviewOver,
    TooManyPreviews,
)
from webapp.queue import NoQueue
from webapp.security import request_id
from webapp.staging_access import concerns
from webapp.staging_config import ConfigError, NotSetUp
from webapp.storage import StorageFailed, StorageMisconfigured
from webapp.sync_faults import fault
from webapp.sync_rules import NoRules, RulesMoved
from webapp.syncs import SyncNotFound, SyncOver, SyncUnderWay
from webapp.tokens import TokenError
from webapp.transfer_errors import TooManyTransfers, TransferGone, TransferNotFound, TransferState
from webapp.video import Misconfigured

log = structlog.get_logger(__name__)


class PreconditionRequired(Exception):
    """A write does not say what it saw."""

    def __init__(self) -> None:
        super().__init__(
            "say what you saw: If-Match with the ETag you read (or * for whatever is there), "
            "If-None-Match: * to create, or `base` with a commit in the body"
        )


STATUS: Mapping[type[Exception], int] = {
    domain.InvalidId: 400,
    domain.UnknownEmotion: 400,
    domain.CharacterNotFound: 404,
    domain.PromptNotFound: 404,
    domain.VersionNotFound: 404,
    domain.RevisionNotFound: 404,
    domain.InvalidCursor: 404,
    domain.CharacterExists: 409,
    domain.CharacterArchived: 409,
    domain.EditConflict: 409,
    UndoConflict: 409,
    domain.RefMoved: 409,
    domain.RepositoryExists: 409,
    domain.PreconditionFailed: 412,
    domain.InvalidDocument: 422,
    domain.InvalidReason: 422,
    domain.InvalidEdit: 422,
    domain.PlanMoved: 409,
    domain.ChangeMoved: 409,
    domain.MergeConflicts: 409,
    domain.UpdateNeeded: 409,
    domain.NothingProposed: 409,
    domain.Undecided: 409,
    domain.RolledBackMoved: 409,
    domain.NothingToPromote: 409,
    domain.NotInPlan: 422,
    domain.ProtectedBranch: 403,
    domain.RepositoryNotFound: 503,
    domain.RepositoryBusy: 503,
    domain.StorageFailed: 503,
    domain.InvalidPush: 400,
    domain.GitMissing: 503,
    domain.GitFailed: 500,
    NotLoggedIn: 401,
    NotAllowed: 403,
    UndeclaredAccess: 403,
    ChangeNotFound: 404,
    ChangeState: 409,
    PeopleError: 422,
    TokenError: 422,
    PreconditionRequired: 428,
    CSRFError: 400,
    RateLimitExceeded: 429,
    DBAPIError: 503,
    PoolTimeout: 503,
    RedisError: 503,
    NoQueue: 503,
    PreviewNotFound: 404,
    PreviewGone: 410,
    PreviewNotReady: 409,
    PreviewOver: 409,
    PreviewFailed: 500,
    NothingToPreview: 422,
    TooManyPreviews: 429,
    StorageFailed: 503,
    StorageMisconfigured: 503,
    Misconfigured: 503,
    SyncNotFound: 404,
    NoRules: 404,
    SyncUnderWay: 409,
    SyncOver: 409,
    RulesMoved: 409,
    NotSetUp: 409,
    ConfigError: 422,
    SyncError: 422,
    InvalidFile: 422,
    ImportConflicts: 409,
    NotInFile: 422,
    ImportMoved: 409,
    ImportEdited: 409,
    TransferNotFound: 404,
    TransferState: 409,
    TransferGone: 410,
    TooManyTransfers: 429,
}
NAMING_PATHS = (
    ImportConflicts,
    ImportEdited,
    ImportMoved,
    UndoConflict,
    domain.Undecided,
    domain.RolledBackMoved,
    domain.MergeConflicts,
    domain.UpdateNeeded,
)
RETRY = {503: "5"}
SAYS = {
    DBAPIError: "the records database can't be reached; try again in a moment",
    PoolTimeout: "the records database is too busy; try again in a moment",
    RedisError: "Redis can't be reached; try again in a moment",
    CSRFError: "this form was not sent from our own page, or the session it belongs to has "
    "ended; go back, reload the page and send it again",
    RateLimitExceeded: "too many tries; wait a little",
    domain.StorageFailed: "the server can't write; its disk may be full, its log has the reason",
    domain.GitFailed: "git failed on the server; its log has the reason",
}
"""What is said in place of an error's own words, which are meant for the log or say too little."""
BARE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
    "<h1>{status} {title}</h1><p>{detail}</p>"
)
PLAIN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Read by programs only, though they stand beside the pages."""


def init_app(app: Flask) -> None:
    """Answers every error by the table, whatever raised it."""
    for kind in (*STATUS, HTTPException, Exception):
        app.register_error_handler(kind, answer)


def status_of(error: Exception) -> int:
    """The HTTP status of an error; 500 for what the table doesn't know."""
    if isinstance(error, HTTPException) and type(error) not in STATUS:
        return error.code or 500
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def answer(error: Exception) -> AnyResponse:
    """The response to an error, in the form that was asked for."""
    if isinstance(error, HTTPException) and (error.code is None or error.code < 400):
        return error.get_response()
    status = status_of(error)
    g.audit_why = words(error, status)[1]
    g.audit_bad_key = isinstance(error, NotLoggedIn) and error.given
    if status >= 500:
        # On staging's pages its words may quote an original.
        told = {"why": str(fault(error))} if concerns(request.path) else {"exc_info": error}
        log.error("request failed", status=status, **told)
    if not wants_json() and isinstance(error, NotLoggedIn):
        return _to_log_in()
    if not wants_json() and isinstance(error, PasswordMustChange):
        return redirect(url_for("auth.account"))
    if request.path.startswith(GIT):
        response = Response(f"{words(error, status)[1]}\n", status, mimetype="text/plain")
    else:
        response = (_problem if wants_json() else _page)(error, status)
    for name, value in _headers(error, status):
        response.headers[name] = value
    return response


def problem(
    status: int, title: str, detail: str, *, kind: str = "about:blank", **more: Any
) -> Response:
    """A problem of RFC 9457 as a response; `more` are further members of it."""
    response = jsonify(
        {
            "type": kind,
            "title": title,
            "status": status,
            "detail": detail,
            **more,
            "request_id": request_id(),
        }
    )
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def wants_json() -> bool:
    """Whether the answer goes to a program."""
    if request.path.startswith((API, GIT)) or request.path in PLAIN:
        return True
    best = request.accept_mimetypes.best_match(
        ["text/html", "application/json", "application/problem+json"], default="text/html"
    )
    return best != "text/html"


def words(error: Exception, status: int) -> tuple[str, str]:
    """An error's title and its sentence, the same for people and for programs."""
    title = HTTP_STATUS_CODES.get(status, "Error")
    if isinstance(error, HTTPException) and type(error) not in STATUS:
        return title, _own_words(error) or error.description or title
    for kind in type(error).__mro__:
        if kind in SAYS:
            return title, SAYS[kind]
        if kind in STATUS:
            return title, str(error)
    return title, f"the server failed; its log has the reason under {request_id()}"


def _own_words(error: HTTPException) -> str:
    """What is said in place of werkzeug's sentence, where that one helps nobody."""
    if isinstance(error, RequestEntityTooLarge):
        most = current_app.config["MAX_CONTENT_LENGTH"]
        return f"what was sent is too large; {most:,} bytes are the most"
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        return f"{request.method[:20]} isn't answered here; {', '.join(error.valid_methods)} are"
    if isinstance(error, NotFound) and error.description == NotFound.description:
        return "there is nothing at this address"
    return ""


def members(error: Exception) -> dict[str, Any]:
    """What an error says beyond its sentence."""
    if isinstance(error, domain.UnknownEmotion):
        return {"valid_emotions": list(error.valid)}
    if isinstance(error, domain.InvalidDocument | InvalidFile | ConfigError):
        return _invalid(error)
    if isinstance(error, domain.PreconditionFailed):
        return {"path": error.path, "etag": error.etag}
    if isinstance(error, domain.ReviewRequired):
        return {"branch": error.branch, "instead": "propose it: POST /api/v1/changes"}
    if isinstance(error, domain.ProtectedBranch):
        return {"branch": error.branch, "instead": "edit staging, then promote it"}
    if isinstance(error, domain.EditConflict):
        return _conflicts(error)
    if isinstance(error, domain.ChangeMoved):
        return {"branch": error.branch, "head": error.head or ""}
    if isinstance(error, NAMING_PATHS):
        return {"paths": list(error.paths)}
    return {}


def _invalid(error: domain.InvalidDocument | InvalidFile | ConfigError) -> dict[str, Any]:
    if isinstance(error, ConfigError):
        return {"errors": field_errors(error.problems)}
    told = {"errors": [asdict(each) for each in error.problems]}
    return {**told, "count": error.count} if isinstance(error, InvalidFile) else told


def field_errors(problems: Mapping[str, str]) -> list[dict[str, Any]]:
    """What is wrong with each field, in the shape that wrong documents are told in."""
    return [asdict(domain.Problem("body", said, field=field)) for field, said in problems.items()]


def _conflicts(error: domain.EditConflict) -> dict[str, Any]:
    conflicts = [asdict(each) for each in error.conflicts]
    only = conflicts[0] if len(conflicts) == 1 else {}
    return {**only, "conflicts": conflicts, "head": error.head}


def _problem(error: Exception, status: int) -> Response:
    title, detail = words(error, status)
    own = next((kind for kind in type(error).__mro__ if kind in STATUS), None)
    name = f"urn:prompt-repo:{_slug(own.__name__)}" if own else "about:blank"
    return problem(status, title, detail, kind=name, **members(error))


def _page(error: Exception, status: int) -> Response:
    title, detail = words(error, status)
    shown = {"status": status, "title": title, "detail": detail}
    bare = BARE.format(**{name: escape(value) for name, value in shown.items()})
    if isinstance(request.routing_exception, SecurityError):
        return Response(bare, status)  # no link can be written for a host that is none of ours
    try:
        page = render_template(
            "errors/error.html",
            **shown,
            more=members(error),
            request_id=request_id(),
            broken_settings=_broken_settings(error),
        )
    except (SQLAlchemyError, RedisError, domain.PromptRepoError, TemplateError) as failure:
        # The page has parts (who is logged in, say) that may be just what is broken.
        log.warning("the page of an error can't be drawn", exc_info=failure)
        page = bare
    return Response(page, status)


def _broken_settings(error: Exception) -> str:
    """The environment whose `prompts.yaml` can't be read, so that none of its pages can be made."""
    branch = str((request.view_args or {}).get("environment", ""))
    if not isinstance(error, domain.InvalidDocument) or branch not in ENVIRONMENTS:
        return ""
    return branch if any(each.path == CONFIGURATION for each in error.problems) else ""


def _to_log_in() -> AnyResponse:
    goal = url_for("auth.log_in", next=request.full_path.rstrip("?"))
    if request.method != "GET":
        goal = url_for("auth.log_in")
    if request.headers.get("HX-Request"):
        return Response("", 401, {"HX-Redirect": url_for("auth.log_in")})
    return redirect(goal)


def _headers(error: Exception, status: int) -> list[tuple[str, str]]:
    own = ("content-type", "content-length")
    headers: list[tuple[str, str]] = []
    if isinstance(error, HTTPException):
        headers = [each for each in error.get_headers() if each[0].lower() not in own]
    if isinstance(error, NotLoggedIn):
        more = ', error="invalid_token"' if error.given else ""
        scheme = "Basic" if request.path.startswith(GIT) else "Bearer"
        headers.append(("WWW-Authenticate", f'{scheme} realm="prompt-repo"{more}'))
    if isinstance(error, RateLimitExceeded):
        headers.append(("Retry-After", str(limits.seconds_left())))
    if isinstance(error, TooManyPreviews | TooManyTransfers):
        headers.append(("Retry-After", str(error.seconds)))
    if status in RETRY:
        headers.append(("Retry-After", RETRY[status]))
    return headers


def _slug(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
