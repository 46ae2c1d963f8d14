"""One prompt over the API: read, resolve, set, remove, restore, revert, versions, diff."""

from flask import Response, json, request

from prompt_repo import editing
from prompt_repo.catalogue import Catalogue
from prompt_repo.editing import Edit, Outcome
from prompt_repo.errors import PromptNotFound, UnknownEmotion
from prompt_repo.model import PromptKey, Resolved, Source
from webapp import audit, log
from webapp.access import Scope, caller
from webapp.api import answering, asking, blueprint, fast_path, intake, schemas
from webapp.api.routing import OVERRIDE, Operation, on_prompts, route
from webapp.services import repository

PRECONDITIONS = ("If-Match", "If-None-Match")


@on_prompts(
    blueprint,
    "GET",
    "",
    Scope.READ,
    "prompt",
    Operation(
        "One prompt, own or default",
        {200: schemas.Prompt},
        query=intake.ListingPrompts,
        headers=("If-None-Match",),
    ),
)
def show(env: str, character: str | None, emotion: str) -> Response:
    """What stands; 404 where neither an override nor a default does."""
    key = PromptKey(character, emotion)
    asked = asking.query(intake.ListingPrompts)
    catalogue = asking.at(env, asked)
    if asked.removed:
        gone = answering.removed(repository(), _known(catalogue, key), key)
        if gone is None:
            raise PromptNotFound(key.path)
        return answering.answer(gone, catalogue, answering.whole(catalogue))
    if catalogue.lookup(key) is None:
        raise PromptNotFound(key.path)
    etag = catalogue.etag(key)
    found = answering.prompt(repository(), catalogue, key)
    if character is not None and found["is_default"]:
        log.remark(fell_back_to=PromptKey(None, emotion).path)
    return answering.answer(found, catalogue, etag)


@route(
    blueprint,
    "GET",
    f"{OVERRIDE}/resolved",
    Scope.READ,
    "resolved",
    Operation(
        "The text a video service gets, variables filled in",
        {200: schemas.Resolved},
        query=intake.Reading,
        headers=("If-None-Match",),
        text=True,
    ),
)
def resolved(env: str, character: str, emotion: str) -> Response:
    """The resolved text; what was built once is kept with the catalogue it was built from."""
    catalogue = asking.reading(env)
    plain = "text/plain" in request.headers.get("Accept", "") and _wants_text()
    if plain:
        return _as_text(catalogue, character, emotion)
    answer = fast_path.kept(catalogue, character, emotion)
    if answer is None:
        found = catalogue.resolve(character, emotion)
        made = fast_path.Kept(
            json.dumps(answering.resolved(found)).encode(), found.etag, _fell_back_to(found)
        )
        answer = fast_path.keep(catalogue, character, emotion, made)
    _remark(answer.fell_back_to)
    return _varying(Response(answer.body, mimetype="application/json"), catalogue, answer.etag)


def _as_text(catalogue: Catalogue, character: str, emotion: str) -> Response:
    found = catalogue.resolve(character, emotion)
    _remark(_fell_back_to(found))
    response = Response(found.text, mimetype="text/plain")
    return _varying(response, catalogue, found.etag + asking.TEXT)


def _varying(response: Response, catalogue: Catalogue, etag: str) -> Response:
    response.headers["Vary"] = "Accept"
    return answering.marked(response, catalogue, etag)


def _fell_back_to(found: Resolved) -> str:
    return PromptKey(None, found.emotion).path if found.source is Source.GLOBAL else ""


def _remark(fell_back_to: str) -> None:
    if fell_back_to:
        log.remark(fell_back_to=fell_back_to)


@on_prompts(
    blueprint,
    "PUT",
    "",
    Scope.WRITE,
    "set_prompt",
    Operation(
        "Set a prompt's text",
        {200: schemas.SavedPrompt, 201: schemas.SavedPrompt},
        body=intake.PromptChange,
        headers=PRECONDITIONS,
        writes=True,
    ),
)
def put(env: str, character: str | None, emotion: str) -> Response:
    """A new version; `changed` is false where the text stood so already."""
    given = asking.body(intake.PromptChange)
    key = PromptKey(character, emotion)
    now = asking.writing(env)
    expect = asking.expectation(given.base, now.etag(key))
    tags = tuple(given.tags) if given.tags is not None else None
    edit = Edit(key, given.prompt_text, given.notes, tags, expect)
    outcome = editing.save(repository(), env, [edit], caller().author, given.reason)
    made = outcome.commit is not None and outcome.commit.changes[0].old is None
    return _saved(outcome, key, 201 if made else 200)


@on_prompts(
    blueprint,
    "DELETE",
    "",
    Scope.WRITE,
    "remove_prompt",
    Operation(
        "Remove an override or a default; its history stays",
        {200: schemas.SavedPrompt},
        body=intake.Removal,
        body_optional=True,
        headers=("If-Match",),
        writes=True,
    ),
)
def remove(env: str, character: str | None, emotion: str) -> Response:
    """Takes the prompt away, softly."""
    given = asking.body(intake.Removal, optional=True)
    key = PromptKey(character, emotion)
    now = _known(asking.writing(env), key)
    expect = asking.expectation(given.base, now.etag(key))
    edit = Edit(key, None, expect=expect)
    outcome = editing.save(repository(), env, [edit], caller().author, given.reason)
    return _saved(outcome, key)


@on_prompts(
    blueprint,
    "POST",
    "/restore",
    Scope.WRITE,
    "restore_prompt",
    Operation(
        "Bring a removed prompt back",
        {200: schemas.SavedPrompt},
        body=intake.Restoring,
        body_optional=True,
        headers=("If-Match",),
        writes=True,
    ),
)
def restore(env: str, character: str | None, emotion: str) -> Response:
    """The last text that stood, as the next version."""
    given = asking.body(intake.Restoring, optional=True)
    key = PromptKey(character, emotion)
    expect = asking.expectation(given.base, asking.writing(env).etag(key))
    outcome = editing.restore(repository(), env, key, caller().author, given.reason, expect)
    return _saved(outcome, key)


@on_prompts(
    blueprint,
    "POST",
    "/revert",
    Scope.WRITE,
    "revert_prompt",
    Operation(
        "Go back to a version, by a new version with its text",
        {200: schemas.SavedPrompt},
        body=intake.Reverting,
        headers=("If-Match",),
        writes=True,
    ),
)
def revert(env: str, character: str | None, emotion: str) -> Response:
    """A new version with the old text."""
    given = asking.body(intake.Reverting)
    key = PromptKey(character, emotion)
    expect = asking.expectation(given.base, asking.writing(env).etag(key))
    outcome = editing.revert(
        repository(), env, key, given.version, caller().author, given.reason, expect
    )
    return _saved(outcome, key)


@on_prompts(
    blueprint,
    "GET",
    "/versions",
    Scope.READ,
    "versions",
    Operation(
        "A prompt's versions, newest first",
        {200: schemas.Versions},
        query=intake.ListingVersions,
        headers=("If-None-Match",),
    ),
)
def versions(env: str, character: str | None, emotion: str) -> Response:
    """A page of the history of exactly this prompt, without falling back."""
    key = PromptKey(character, emotion)
    asked = asking.query(intake.ListingVersions)
    catalogue = _known(asking.at(env, asked), key)
    history = repository().history
    if history.held(catalogue.commit, key.path) is None:
        raise PromptNotFound(key.path)
    page = history.page(catalogue.commit, key.path, asked.cursor, asked.limit)
    items = [answering.version(repository(), key, each) for each in page.versions]
    body = {"items": items, "next_cursor": page.next_cursor, "commit": catalogue.commit}
    return answering.answer(body, catalogue, answering.whole(catalogue))


@on_prompts(
    blueprint,
    "GET",
    "/versions/<int:number>",
    Scope.READ,
    "version",
    Operation(
        "One version", {200: schemas.Version}, query=intake.Reading, headers=("If-None-Match",)
    ),
)
def version(env: str, character: str | None, emotion: str, number: int) -> Response:
    """A version by its number along this prompt's chain."""
    key = PromptKey(character, emotion)
    catalogue = _known(asking.reading(env), key)
    found = repository().history.numbered(catalogue.commit, key.path, number)
    body = answering.version(repository(), key, found)
    return answering.answer(body, catalogue, found.commit)


@on_prompts(
    blueprint,
    "GET",
    "/diff",
    Scope.READ,
    "diff",
    Operation(
        "How two versions differ, by lines and words",
        {200: schemas.Diff},
        query=intake.Comparing,
        headers=("If-None-Match",),
    ),
)
def diff(env: str, character: str | None, emotion: str) -> Response:
    """The difference from one version to another."""
    key = PromptKey(character, emotion)
    asked = asking.query(intake.Comparing)
    catalogue = _known(asking.at(env, asked), key)
    old, new = (
        repository().history.numbered(catalogue.commit, key.path, number)
        for number in (asked.from_, asked.to)
    )
    body = answering.diff(repository(), key, old, new, asked.context)
    return answering.answer(body, catalogue, answering.whole(catalogue))


def _known(catalogue: Catalogue, key: PromptKey) -> Catalogue:
    """The catalogue, if the key's emotion and character are in it."""
    if key.emotion not in catalogue.configuration.by_id:
        raise UnknownEmotion(key.emotion, catalogue.configuration.emotion_ids)
    if key.character is not None:
        catalogue.character(key.character)
    return catalogue


def _wants_text() -> bool:
    best = request.accept_mimetypes.best_match(("application/json", "text/plain"))
    return best == "text/plain"


def _saved(outcome: Outcome, key: PromptKey, status: int = 200) -> Response:
    _describe(outcome, key)
    body = answering.prompt(repository(), outcome.catalogue, key)
    body["changed"] = outcome.commit is not None
    return answering.answer(body, outcome.catalogue, outcome.catalogue.etag(key), status)


def _describe(outcome: Outcome, key: PromptKey) -> None:
    audit.describe(key.path, commit=outcome.commit.oid if outcome.commit else None)
