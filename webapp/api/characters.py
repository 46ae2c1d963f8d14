"""Characters over the API: list, create, read, change, archive."""

from dataclasses import replace

from flask import Response, url_for

from prompt_repo import editing
from prompt_repo.catalogue import Catalogue
from prompt_repo.editing import Outcome
from prompt_repo.model import Character
from webapp import audit
from webapp.access import Scope, caller
from webapp.api import answering, asking, blueprint, intake, schemas
from webapp.api.routing import CHARACTER, ENVIRONMENT, Operation, route
from webapp.services import repository


def page_of(
    found: list[str], cursor: str | None, limit: int | None
) -> tuple[list[str], str | None]:
    """A part of a list of ids in order, and the next cursor: the last id of this part."""
    left = [ident for ident in found if cursor is None or ident > cursor]
    if limit is None or len(left) <= limit:
        return left, None
    return left[:limit], left[limit - 1]


def matching(catalogue: Catalogue, asked: intake.Searching) -> list[str]:
    """Ids of the characters that a query is about."""
    index = repository().indexes.of(catalogue)
    return sorted(index.characters(asked.q, asked.tag, archived=asked.archived))


@route(
    blueprint,
    "GET",
    f"{ENVIRONMENT}/characters",
    Scope.READ,
    "characters",
    Operation(
        "List characters with their coverage",
        {200: schemas.Characters},
        query=intake.ListingCharacters,
        headers=("If-None-Match",),
    ),
)
def index(env: str) -> Response:
    """Characters of whom all words of `q` are said, and who have every `tag`."""
    asked = asking.query(intake.ListingCharacters)
    catalogue = asking.at(env, asked)
    page, next_cursor = page_of(matching(catalogue, asked), asked.cursor, asked.limit)
    items = [answering.character_row(catalogue, ident) for ident in page]
    body = {"items": items, "next_cursor": next_cursor, "commit": catalogue.commit}
    return answering.answer(body, catalogue, answering.whole(catalogue))


@route(
    blueprint,
    "POST",
    f"{ENVIRONMENT}/characters",
    Scope.WRITE,
    "create_character",
    Operation(
        "Create a character",
        {201: schemas.SavedCharacter},
        body=intake.CharacterCreation,
        writes=True,
    ),
)
def create(env: str) -> Response:
    """A new character without prompts of its own; 409 where the id is taken."""
    given = asking.body(intake.CharacterCreation)
    who = Character(given.id, given.name, given.description, given.variables, tuple(given.tags))
    outcome = editing.create_character(repository(), env, who, caller().author, given.reason)
    response = _saved(outcome, who.id, 201)
    response.headers["Location"] = url_for("api.character", env=env, character=who.id)
    return response


@route(
    blueprint,
    "GET",
    CHARACTER,
    Scope.READ,
    "character",
    Operation(
        "One character", {200: schemas.Character}, query=intake.Reading, headers=("If-None-Match",)
    ),
)
def show(env: str, character: str) -> Response:
    """A character, archived or not."""
    catalogue = asking.reading(env)
    body = answering.character(repository(), catalogue, character)
    return answering.answer(body, catalogue, catalogue.character_etag(character))


@route(
    blueprint,
    "PATCH",
    CHARACTER,
    Scope.WRITE,
    "change_character",
    Operation(
        "Change a character; `archived: false` brings one back",
        {200: schemas.SavedCharacter},
        body=intake.CharacterChange,
        headers=("If-Match",),
        writes=True,
    ),
)
def change(env: str, character: str) -> Response:
    """What the body names differs afterwards, the rest stays."""
    given = asking.body(intake.CharacterChange)
    etag = asking.writing(env).character_etag(character)
    expect = asking.expectation(given.base, etag)
    told = given.model_dump(exclude={"base", "reason"}, exclude_none=True)
    if "tags" in told:
        told["tags"] = tuple(told["tags"])
    outcome = editing.change_character(
        repository(),
        env,
        character,
        lambda who: replace(who, **told),
        caller().author,
        given.reason,
        expect,
    )
    return _saved(outcome, character)


@route(
    blueprint,
    "DELETE",
    CHARACTER,
    Scope.WRITE,
    "archive_character",
    Operation(
        "Archive a character: out of lists, read-only, nothing lost",
        {200: schemas.SavedCharacter},
        body=intake.Removal,
        body_optional=True,
        headers=("If-Match",),
        writes=True,
    ),
)
def archive(env: str, character: str) -> Response:
    """Archives; PATCH with `archived: false` undoes it."""
    given = asking.body(intake.Removal, optional=True)
    etag = asking.writing(env).character_etag(character)
    expect = asking.expectation(given.base, etag)
    outcome = editing.archive_character(
        repository(), env, character, caller().author, given.reason, expect
    )
    return _saved(outcome, character)


def _saved(outcome: Outcome, character: str, status: int = 200) -> Response:
    commit = outcome.commit.oid if outcome.commit else None
    audit.describe(f"characters/{character}", commit=commit)
    body = answering.character(repository(), outcome.catalogue, character)
    body["changed"] = outcome.commit is not None
    etag = outcome.catalogue.character_etag(character)
    return answering.answer(body, outcome.catalogue, etag, status)
