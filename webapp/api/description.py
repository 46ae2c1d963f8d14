"""The API's description of itself: OpenAPI 3.1, made of the routes and models, and a page of it."""

import re
from typing import Any

from flask import Response, current_app, jsonify, render_template
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from webapp.access import public
from webapp.api import blueprint, intake, schemas
from webapp.api.routing import OPERATIONS, Operation

SENTENCES = {
    200: "Done.",
    201: "Made.",
    304: "As it was when you read it.",
    400: "Not understood; a wrong emotion comes with `valid_emotions`.",
    401: "No token, or one that is unknown, expired or revoked.",
    403: "Not allowed to this token; production moves by promotion only.",
    404: "Not there.",
    409: "It moved since `base`: base, theirs, yours and a merge; or the id is taken.",
    412: "The ETag is stale, or something stands where nothing should.",
    413: "Too large.",
    415: "The body must be application/json.",
    422: "Understood, and not valid; `errors` says where.",
    428: "The write does not say what it saw.",
    503: "A part is away or busy; try again.",
}
REFERENCE = "#/components/schemas/{model}"
READ_REFUSALS = (400, 401, 403, 404, 422, 503)
WRITE_REFUSALS = (*READ_REFUSALS, 409, 412, 413, 415, 428)


@blueprint.get("/v1/openapi.json")
@public
def openapi() -> Response:
    """The OpenAPI 3.1 document."""
    return jsonify(document())


@blueprint.get("/docs")
@public
def page() -> str:
    """The same for people."""
    return render_template("api/docs.html", document=document())


def document() -> dict[str, Any]:
    """OpenAPI 3.1 of every route that told of itself."""
    paths: dict[str, dict[str, Any]] = {}
    models: set[type[BaseModel]] = {schemas.Problem}
    for rule in current_app.url_map.iter_rules():
        told = OPERATIONS.get(rule.endpoint)
        if told is None:
            continue
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        path = re.sub(r"<(?:[^:<>]*:)?(\w+)>", r"{\1}", rule.rule)
        paths.setdefault(path, {})[min(methods).lower()] = _operation(rule, told)
        models |= {*told.answers.values(), *([told.body] if told.body else [])}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Prompt repository",
            "version": "1",
            "description": "Emotional prompts in Git: read, resolve, edit, compare, go back.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(sorted(models, key=lambda model: model.__name__)),
        },
    }


def _schemas(models: list[type[BaseModel]]) -> dict[str, Any]:
    wanted: list[Any] = [(model, _mode(model)) for model in models]
    _, found = models_json_schema(wanted, ref_template=REFERENCE)
    definitions: dict[str, Any] = found["$defs"]
    return definitions


def _mode(model: type[BaseModel]) -> str:
    return "validation" if issubclass(model, intake.Given) else "serialization"


def _operation(rule: Rule, told: Operation) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.removeprefix("api."),
        "summary": told.summary,
        "parameters": _parameters(rule, told),
        "responses": _responses(told),
    }
    if told.body is not None:
        operation["requestBody"] = {
            "required": not told.body_optional,
            "content": {"application/json": {"schema": _reference(told.body)}},
        }
    return operation


def _parameters(rule: Rule, told: Operation) -> list[dict[str, Any]]:
    found = []
    for name in sorted(rule.arguments - set(rule.defaults or {})):
        schema: dict[str, Any] = {"type": "string"}
        if name == "env":
            schema["enum"] = ["staging", "production"]
        if name == "number":
            schema = {"type": "integer", "minimum": 0}
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    found += _query(told.query) if told.query else []
    found += [{"name": name, "in": "header", "schema": {"type": "string"}} for name in told.headers]
    return found


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=REFERENCE)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": each}
        for name, each in schema["properties"].items()
    ]


def _responses(told: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, model in told.answers.items():
        content: dict[str, Any] = {"application/json": {"schema": _reference(model)}}
        if told.text:
            content["text/plain"] = {"schema": {"type": "string"}}
        found[str(status)] = {"description": SENTENCES[status], "content": content}
    if not told.writes:
        found["304"] = {"description": SENTENCES[304]}
    problem = {"application/problem+json": {"schema": _reference(schemas.Problem)}}
    for status in WRITE_REFUSALS if told.writes else READ_REFUSALS:
        found[str(status)] = {"description": SENTENCES[status], "content": problem}
    return found


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
