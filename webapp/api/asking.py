"""What a request of the API says: its body, its query, and what it saw."""

import json
import re
from typing import Any, TypeVar, get_origin

from flask import Response, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from prompt_repo.catalogue import Catalogue
from prompt_repo.errors import InvalidDocument, Problem, ProtectedBranch
from prompt_repo.expectations import Absent, Anything, AtCommit, Expectation, Matches
from prompt_repo.repository import PRODUCTION
from webapp.api import intake
from webapp.arrivals import Arriving
from webapp.errors import PreconditionRequired
from webapp.services import repository

Body = TypeVar("Body", bound=BaseModel)
ETAG = re.compile(r'(W/)?"([^"\x00-\x20\x7f]*)"')
ETAGS = re.compile(rf"[\s,]*{ETAG.pattern}(?:\s*,[\s,]*{ETAG.pattern})*[\s,]*")
DIGITS = 32
JSON, BOM = "application/json", "\ufeff"
UTF_8 = frozenset({"", "utf-8", "utf8"})
TEXT = "-text"
"""What the ETag of a plain-text answer ends with: another form is another entity."""


def body(model: type[Body], *, optional: bool = False) -> Body:
    """The request's JSON as a model.

    Raises UnsupportedMediaType, RequestEntityTooLarge, BadRequest for what is no JSON,
    InvalidDocument for what is JSON and not what is wanted, or is said in the address, where
    nobody would read it.
    """
    _nothing_in_the_query()
    raw = _raw()
    if not raw and optional:
        return model()
    _check_form()
    given = _parsed(raw)
    if not isinstance(given, dict):
        raise InvalidDocument([Problem("body", "send a JSON object")])
    try:
        return model.model_validate(given)
    except ValidationError as wrong:
        raise InvalidDocument([_problem(each, "body") for each in wrong.errors()[:200]]) from wrong


def _nothing_in_the_query() -> None:
    if not request.query_string:
        return
    lost = [
        Problem("query", "is not read here; say it in the body", field=n[:80]) for n in request.args
    ]
    if lost:
        raise InvalidDocument(lost)


def _raw() -> bytes:
    # A request with neither a length nor chunks has no body, and nothing stands in its way.
    arriving = request.environ["wsgi.input"]
    return arriving.read() if isinstance(arriving, Arriving) else b""


def _check_form() -> None:
    sent = request.environ
    if sent.get("CONTENT_TYPE") == JSON and "HTTP_CONTENT_ENCODING" not in sent:
        return  # as nearly everybody says it
    charset = request.mimetype_params.get("charset", "").lower()
    if request.mimetype != JSON or charset not in UTF_8:
        raise UnsupportedMediaType("send the body as Content-Type: application/json, in UTF-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("send the body without Content-Encoding")


def _parsed(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8")
        if text.startswith(BOM):
            raise BadRequest("the body is not JSON: it begins with a BOM; leave that out")
        return _READER.decode(text)
    except UnicodeDecodeError as wrong:
        raise BadRequest(f"byte {wrong.start + 1} of the body is not UTF-8") from wrong
    except json.JSONDecodeError as wrong:
        where = f"line {wrong.lineno}, column {wrong.colno}"
        raise BadRequest(f"the body is not JSON: {wrong.msg} in {where}") from wrong
    except RecursionError as deep:
        raise BadRequest("the body is nested too deeply") from deep
    except ValueError as wrong:
        raise BadRequest(f"the body is not JSON: {wrong}") from wrong


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!r} stands twice in one object")
        found[key] = value
    return found


def _bounded(digits: str) -> int:
    if len(digits) > DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits; {DIGITS} is the most")
    return int(digits)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_READER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant, parse_int=_bounded)


def _problem(error: Any, where: str) -> Problem:
    field = ".".join(str(step)[:80] for step in error["loc"])
    return Problem(where, error["msg"].removeprefix("Value error, "), field=field)


def expectation(base: str | None, current: str | None) -> Expectation:
    """What a write says it saw; raises PreconditionRequired where it says nothing.

    `current` is the ETag now, by which one of several in If-Match is chosen. A weak one never
    matches; `*` says less than a `base` that comes with it. Raises BadRequest for an If-Match
    that is no ETag.
    """
    said = request.headers.get("If-Match")
    if said is not None:
        if said.strip() == "*":
            return Anything() if base is None else AtCommit(base)
        if not ETAGS.fullmatch(said):
            raise BadRequest('If-Match is `*` or the ETag as it was read, quotes and all: "…"')
        etags = [value.removesuffix(TEXT) for weak, value in ETAG.findall(said) if not weak]
        known = current is not None and current in etags
        return Matches(current if current is not None and known else (etags or [""])[0])
    if request.headers.get("If-None-Match", "").strip() == "*":
        return Absent()
    if base is not None:
        return AtCommit(base)
    raise PreconditionRequired


def query(model: type[Body]) -> Body:
    """The query string as a model; raises InvalidDocument, also for what the model doesn't know."""
    given: dict[str, Any] = {}
    for name, values in request.args.lists():
        many = get_origin(_field(model, name)) is list
        if not many and len(values) > 1:
            raise InvalidDocument([Problem("query", "give it once", field=name[:80])])
        given[name] = values if many else values[0]
    try:
        return model.model_validate(given)
    except ValidationError as wrong:
        raise InvalidDocument([_problem(each, "query") for each in wrong.errors()]) from wrong


def _field(model: type[BaseModel], name: str) -> Any:
    found = model.model_fields.get(name)
    return found.annotation if found else None


def conditional(response: Response) -> Response:
    """The response, or a 304 where the client has it already."""
    response.make_conditional(request)
    return response


def reading(environment: str) -> Catalogue:
    """The catalogue that a read is about: now, or at `?at=`; raises RevisionNotFound."""
    if not request.query_string:
        return repository().current(environment)
    return at(environment, query(intake.Reading))


def at(environment: str, asked: intake.Reading) -> Catalogue:
    """The catalogue that a query with more than a time is about; raises RevisionNotFound."""
    return repository().at(environment, asked.at)


def writing(environment: str) -> Catalogue:
    """The catalogue that a write begins from; raises ProtectedBranch for production."""
    if environment == PRODUCTION:
        raise ProtectedBranch(environment)
    return repository().current(environment)
