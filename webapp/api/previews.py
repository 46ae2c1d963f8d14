"""Test previews over the API: ask, follow, cancel, fetch the clip."""

from typing import Any
from uuid import UUID

from flask import Response, jsonify, url_for
from werkzeug.wrappers import Response as AnyResponse

from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.model import PromptKey
from webapp import clock, job_progress, preview_asking, preview_serving, previews
from webapp.access import Scope, require_environment
from webapp.api import asking, blueprint
from webapp.api.answering import MadeAt
from webapp.api.preview_bodies import Preview, Testing, preview
from webapp.api.routing import Operation, on_prompts, route
from webapp.job_progress import Standing
from webapp.records.preview_models import Preview as Record
from webapp.services import records, repository, services

ONE = "/v1/previews/<uuid:preview>"


@on_prompts(
    blueprint,
    "POST",
    "/test",
    Scope.WRITE,
    "test_prompt",
    Operation(
        "Test a prompt: make a temporary clip of it",
        {202: Preview},
        body=Testing,
        body_optional=True,
        writes=True,
        also={429: "A limit is reached; `Retry-After` says when to come back."},
    ),
)
def test(env: str, character: str | None, emotion: str) -> Response:
    """A preview job; it changes nothing in the repository. Follow it by its `Location`."""
    given = asking.body(Testing, optional=True)
    catalogue, key = repository().current(env), PromptKey(character, emotion)
    if given.reader is not None and character is not None:
        why = "only a global default is read by others; leave this out for a character's own prompt"
        raise InvalidDocument([Problem("body", why, field="reader")])
    if given.prompt_text is not None and given.version is not None:
        why = "say either prompt_text or version, not both"
        raise InvalidDocument([Problem("body", why, field="version")])
    if given.prompt_text is not None:
        catalogue.lookup(key)  # refuses an emotion or a character that isn't there
        text = preview_asking.typed(catalogue, key, given.prompt_text)
    elif given.version is not None:
        text = preview_asking.numbered(catalogue, key, given.version)
    else:
        text = preview_asking.standing(catalogue, key)
    made = preview_asking.ask(env, catalogue, key, text, reuse=given.reuse, reader=given.reader)
    return MadeAt(_told(made, Standing()), 202, url_for("api.preview", preview=made.id))


@route(
    blueprint,
    "GET",
    ONE,
    Scope.READ,
    "preview",
    Operation("A preview and how far it is", {200: Preview}),
)
def show(preview: UUID) -> Response:
    """Its status: pending, processing, completed, failed or cancelled."""
    found = _found(preview)
    return _answer(found, _standing(found))


@route(
    blueprint,
    "DELETE",
    ONE,
    Scope.WRITE,
    "cancel_preview",
    Operation("Cancel a preview", {200: Preview}, writes=True),
)
def cancel(preview: UUID) -> Response:
    """Ends it whether it waits or runs, and frees what it made; 409 where it is over."""
    found = _found(preview)
    preview_asking.cancel(found.id)
    over = _found(preview)
    return _answer(over, _standing(over))


@route(
    blueprint,
    "GET",
    f"{ONE}/video",
    Scope.READ,
    "preview_video",
    Operation(
        "The clip of a completed preview",
        {200: Preview},
        media="video/mp4",
        also={
            206: "The part that `Range` asked for.",
            302: "The storage's own address of it, signed for some minutes.",
            409: "It is still being made.",
            410: "It expired, or was cancelled.",
            416: "`Range` asks for what is not there.",
            500: "It could not be made; the video service's own words.",
        },
    ),
)
def video(preview: UUID) -> AnyResponse:
    """An MP4, in parts where `Range` asks for one, or 302 to the storage's own signed address.

    409 while it is being made, 410 when it has expired or was cancelled, and 500 with the video
    service's own words where it failed.
    """
    return preview_serving.clip(_found(preview), link=True)


def _found(ident: UUID) -> Record:
    found = previews.find(records(), str(ident))
    require_environment(found.environment)
    return found


def _standing(found: Record) -> Standing:
    return job_progress.read(services().redis if found.at_work else None, found.id)


def _answer(found: Record, standing: Standing) -> Response:
    return jsonify(_told(found, standing))


def _told(found: Record, standing: Standing) -> dict[str, Any]:
    lines = standing.lines if found.at_work else found.log
    percent = standing.percent if found.at_work else 100
    progress = {"percent": percent, "doing": standing.doing, "log": list(lines)}
    playable = found.playable(clock.now())
    address = url_for("api.preview_video", preview=found.id, _external=True) if playable else None
    return preview(found, address, progress)
