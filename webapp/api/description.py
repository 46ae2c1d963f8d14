"""The API's description of itself: OpenAPI 3.1, made of the routes and models."""

import inspect
import re
from collections.abc import Sequence
from typing import Any

from flask import Response, current_app, jsonify, render_template, request
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from prompt_repo.repository import PRODUCTION, STAGING
from webapp.access import Caller, NotLoggedIn, Scope, caller, public
from webapp.api import blueprint, intake, problems, reference, schemas
from webapp.api.routing import OPERATIONS, Operation
from webapp.services import repository

SENTENCES = {
    200: "Done.",
    201: "Made.",
    202: "Begun; it goes on without you.",
    204: "Done; there is nothing to say.",
    304: "As it was when you read it.",
    400: "Not understood; a wrong emotion comes with `valid_emotions`.",
    401: "No token, or one that is unknown, expired or revoked.",
    403: "Not allowed to this token, or at staging to none; production moves by promotion only.",
    404: "Not there.",
    409: "It moved since `base`: base, theirs, yours and a merge; or the id is taken.",
    412: "The ETag is stale, or something stands where nothing should.",
    413: "Too large.",
    415: "The body must be application/json in UTF-8.",
    422: "Understood, and not valid; `errors` says where.",
    428: "The write does not say what it saw.",
    429: "Too often; `Retry-After` says when to try again.",
    503: "A part is away or busy; `Retry-After` says when to try again.",
}
REFERENCE = "#/components/schemas/{model}"
READ_REFUSALS = (400, 401, 403, 404, 422, 503)
WRITE_REFUSALS = (*READ_REFUSALS, 409, 412, 413, 415, 428)
ABOUT = """\
Emotional prompts in Git: read, resolve, edit, compare, go back.

Send a token as `Authorization: Bearer …`. Every answer about prompts names its commit and
carries an ETag; `?at=` reads the past. A write says what it saw: `If-Match` with the ETag it read
(`*` for whatever is there), `If-None-Match: *` to create, or `base`, a commit, in the body.
Errors are problems of RFC 9457."""
GROUPS = {
    "admin/prompts": "Export and import",
    "changes": "Change requests",
    "promotions": "Promotions",
    "previews": "Previews",
    "/test": "Previews",
    "defaults": "Global defaults",
    "emotional-prompts": "Prompts of a character",
    "characters": "Characters",
    "matrix": "Everything at once",
    "bulk": "Everything at once",
    "export": "Everything at once",
    "staging": "Staging",
}
"""What an operation is listed under, by the first of these that its path holds."""
ORDER = (
    "Prompts of a character",
    "Global defaults",
    "Characters",
    "Everything at once",
    "Change requests",
    "Promotions",
    "Previews",
    "Staging",
    "Export and import",
)
ENTITY_TAGS = r'^(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*$'
REQUEST_HEADERS: dict[str, dict[str, Any]] = {
    "If-Match": {
        "description": "What this write saw: the ETag it read, or `*` for whatever is there. "
        "In its place the body can name a `base`.",
        "schema": {"anyOf": [{"const": "*"}, {"type": "string", "pattern": ENTITY_TAGS}]},
    },
    "If-None-Match": {
        "description": "ETags that you hold: 304 where one of them is current.",
        "schema": {"type": "string"},
    },
}
CREATING = {
    "description": "`*` to create: 412 where something stands already.",
    "schema": {"type": "string", "examples": ["*"]},
}
ANSWER_HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {
        "description": "Made of all that the answer was built from.",
        "schema": {"type": "string"},
    },
    "Prompt-Commit": {
        "description": "The commit that was read.",
        "schema": {"type": "string", "pattern": intake.COMMIT},
    },
    "Location": {"description": "Where it is from now on.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds.", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    "WWW-Authenticate": {"description": "How to say who you are.", "schema": {"type": "string"}},
}
IDENTS = {
    "character": {"$ref": REFERENCE.format(model="CharacterId")},
    "emotion": {"$ref": REFERENCE.format(model="EmotionId")},
    "env": {"$ref": REFERENCE.format(model="Environment")},
    "number": {"type": "integer", "minimum": 1, "maximum": intake.MOST_VERSIONS, "examples": [1]},
    "comment": {"type": "integer", "minimum": 1, "maximum": intake.MOST_VERSIONS},
    "preview": {"type": "string", "format": "uuid"},
    "sync": {"type": "string", "format": "uuid"},
    "export": {"type": "string", "format": "uuid"},
    "promotion": {"type": "string", "pattern": intake.COMMIT},
}


@blueprint.get("/v1/openapi.json")
@public
def openapi() -> Response:
    """The OpenAPI 3.1 document."""
    return jsonify(document(_emotions()))


@blueprint.get("/docs")
@public
def page() -> str:
    """The same for people."""
    told, host = document(_emotions()), request.host_url.rstrip("/")
    return render_template(
        "api/docs.html",
        host=host,
        groups=reference.groups(told, host),
        shapes=reference.shapes(told),
    )


def document(emotions: Sequence[str] = ()) -> dict[str, Any]:
    """OpenAPI 3.1 of every route that told of itself; `emotions` are those it says are valid."""
    paths: dict[str, dict[str, Any]] = {}
    models: set[type[BaseModel]] = {problems.Problem}
    for rule in current_app.url_map.iter_rules():
        told = OPERATIONS.get(rule.endpoint)
        if told is None:
            continue
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        paths.setdefault(_path(rule), {})[min(methods).lower()] = _operation(rule, told)
        models |= {*told.answers.values(), *([told.body] if told.body else [])}
    found = _schemas(sorted(models, key=lambda model: model.__name__))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Prompt repository", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in sorted({_group(path) for path in paths}, key=_place)],
        "paths": dict(sorted(paths.items(), key=lambda item: (_place(_group(item[0])), item[0]))),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**_ids(emotions), **found},
        },
    }


def _emotions() -> Sequence[str]:
    """The emotions of the environments that the caller may read; none for strangers."""
    try:
        who = caller()
    except NotLoggedIn:
        return ()
    found: dict[str, None] = {}
    for environment in (STAGING, PRODUCTION):
        if _reads(who, environment):
            found |= dict.fromkeys(repository().current(environment).configuration.emotion_ids)
    return tuple(found)


def _reads(who: Caller, environment: str) -> bool:
    return who.may(Scope.READ) and (who.environments is None or environment in who.environments)


def _ids(emotions: Sequence[str]) -> dict[str, Any]:
    emotion: dict[str, Any] = {
        "type": "string",
        "description": "One of the repository's own list.",
        "pattern": intake.EMOTION_IDENT,
    }
    if emotions:
        emotion["enum"] = list(emotions)
    return {
        "Environment": {"type": "string", "enum": [STAGING, PRODUCTION]},
        "CharacterId": {"type": "string", "pattern": intake.IDENT, "examples": ["aria"]},
        "EmotionId": emotion,
    }


def _schemas(models: list[type[BaseModel]]) -> dict[str, Any]:
    wanted: list[Any] = [(model, _mode(model)) for model in models]
    _, found = models_json_schema(wanted, ref_template=REFERENCE)
    definitions: dict[str, Any] = found["$defs"]
    for each in definitions.values():
        properties = each.get("properties", {})
        if properties.get("emotion", {}).get("pattern") == intake.EMOTION_IDENT:
            properties["emotion"] = IDENTS["emotion"]
    return definitions


def _mode(model: type[BaseModel]) -> str:
    return "validation" if issubclass(model, intake.Given) else "serialization"


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:[^:<>]*:)?(\w+)>", r"{\1}", rule.rule)


def _group(path: str) -> str:
    known = next((name for part, name in GROUPS.items() if f"/{part}" in path), None)
    return known or path.split("/")[3].replace("-", " ").capitalize()


def _place(group: str) -> int:
    return ORDER.index(group) if group in ORDER else len(ORDER)


def _operation(rule: Rule, told: Operation) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.removeprefix("api."),
        "tags": [_group(_path(rule))],
        "summary": told.summary,
        "description": inspect.getdoc(current_app.view_functions[rule.endpoint]) or told.summary,
        "parameters": _parameters(rule, told),
        "responses": _responses(told),
    }
    if told.body is not None:
        operation["requestBody"] = {
            "required": not told.body_optional,
            "content": {"application/json": {"schema": _reference(told.body)}},
        }
    if told.takes:
        content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in told.takes}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(rule: Rule, told: Operation) -> list[dict[str, Any]]:
    names = [name for name in rule.arguments if name not in (rule.defaults or {})]
    found = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": IDENTS.get(name, {"type": "string"}),
        }
        for name in sorted(names, key=lambda name: rule.rule.index(f"{name}>"))
    ]
    found += _query(told.query) if told.query else []
    for name in told.headers:
        creates = told.writes and name == "If-None-Match"
        found.append(
            {"name": name, "in": "header", **(CREATING if creates else REQUEST_HEADERS[name])}
        )
    return found


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=REFERENCE)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, **_asked(each)}
        for name, each in schema["properties"].items()
    ]


def _asked(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter's description and schema; null, which no query can say, left out."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    plain = {**schema, **(kinds[0] if len(kinds) == 1 else {})}
    plain = {name: value for name, value in plain.items() if name not in ("anyOf", "title")}
    if plain.get("default", ...) is None:
        del plain["default"]
    about = plain.pop("description", None)
    return {**({"description": about} if about else {}), "schema": plain}


def _responses(told: Operation) -> dict[str, Any]:
    conditional = not told.writes and "If-None-Match" in told.headers
    found: dict[str, Any] = {}
    for status, model in told.answers.items():
        content: dict[str, Any] = {"application/json": {"schema": _reference(model)}}
        if told.media:
            content = {told.media: {"schema": {"contentMediaType": told.media}}}
        if told.text:
            content["text/plain"] = {"schema": {"type": "string"}}
        found[str(status)] = {"description": SENTENCES[status], "content": content}
        found[str(status)]["headers"] = _answered(told, status)
    if conditional:
        headers = _headers("ETag", "Prompt-Commit")
        found["304"] = {"description": SENTENCES[304], "headers": headers}
    problem = {"application/problem+json": {"schema": _reference(problems.Problem)}}
    for status in WRITE_REFUSALS if told.writes else READ_REFUSALS:
        found[str(status)] = {"description": SENTENCES[status], "content": problem}
    for status, sentence in told.also.items():
        content = {"content": problem} if status >= 400 else {}
        found[str(status)] = {"description": sentence, **content}
    found["401"]["headers"] = _headers("WWW-Authenticate")
    found["503"]["headers"] = _headers("Retry-After")
    return found


def _answered(told: Operation, status: int) -> dict[str, Any]:
    names = ["Prompt-Commit"] if told.of_prompts and not told.also else []
    if told.headers and told.answers[status] is not schemas.Saved:  # it stands for many prompts
        names.append("ETag")
    if status == 201 and not told.headers:
        names.append("Location")
    return _headers(*names)


def _headers(*names: str) -> dict[str, Any]:
    return {name: ANSWER_HEADERS[name] for name in names}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model.__name__)}
