"""Many prompts at once over the API: a character's, the defaults, the matrix, bulk, export."""

from collections.abc import Iterator
from typing import Any

from flask import Response, json, stream_with_context

from prompt_repo import editing
from prompt_repo.catalogue import Catalogue
from prompt_repo.editing import Edit, Outcome
from prompt_repo.errors import InvalidDocument, PromptNotFound
from prompt_repo.expectations import Absent, Anything, AtCommit, Expectation, Matches
from prompt_repo.model import PromptKey
from webapp import audit, change_records, change_requests
from webapp.access import Scope, caller
from webapp.api import answering, asking, blueprint, bulk_bodies, intake, schemas
from webapp.api.bulk import to_carry_out
from webapp.api.change_edits import edits_of
from webapp.api.characters import matching, page_of
from webapp.api.routing import CHARACTER, ENVIRONMENT, Operation, route
from webapp.change_records import ChangeNotFound
from webapp.formatting import counted
from webapp.services import records, repository


@route(
    blueprint,
    "GET",
    f"{CHARACTER}/emotional-prompts",
    Scope.READ,
    "prompts",
    Operation(
        "Every emotion of a character",
        {200: schemas.Prompts},
        query=intake.ListingPrompts,
        headers=("If-None-Match",),
    ),
)
def of_character(env: str, character: str) -> Response:
    """Each emotion's text and source, or with `removed=true` what was removed."""
    return _list(env, character)


@route(
    blueprint,
    "GET",
    f"{ENVIRONMENT}/defaults",
    Scope.READ,
    "defaults",
    Operation(
        "Every global default",
        {200: schemas.Prompts},
        query=intake.ListingPrompts,
        headers=("If-None-Match",),
    ),
)
def defaults(env: str) -> Response:
    """Each emotion's default, or with `removed=true` what was removed."""
    return _list(env, None)


def _list(env: str, character: str | None) -> Response:
    asked = asking.query(intake.ListingPrompts)
    catalogue = asking.at(env, asked)
    if character is not None:
        catalogue.character(character)
    emotions = catalogue.configuration.emotion_ids
    if asked.removed:
        gone = catalogue.removed(character)
        keys = [PromptKey(character, emotion) for emotion in emotions if emotion in gone]
        items = [answering.removed(repository(), catalogue, key) for key in keys]
    else:
        keys = [PromptKey(character, emotion) for emotion in emotions]
        items = [answering.prompt(repository(), catalogue, key) for key in keys]
    body = {"items": items, "next_cursor": None, "commit": catalogue.commit}
    return answering.answer(body, catalogue, answering.whole(catalogue))


@route(
    blueprint,
    "GET",
    f"{ENVIRONMENT}/matrix",
    Scope.READ,
    "matrix",
    Operation(
        "Characters by emotions, all at one commit",
        {200: schemas.Matrix},
        query=intake.ListingMatrix,
        headers=("If-None-Match",),
    ),
)
def matrix(env: str) -> Response:
    """Where each cell's prompt comes from."""
    asked = asking.query(intake.ListingMatrix)
    catalogue = asking.at(env, asked)
    page, next_cursor = page_of(matching(catalogue, asked), asked.cursor, asked.limit)
    items = [
        {
            "character": ident,
            "name": catalogue.character(ident).name,
            "archived": catalogue.character(ident).archived,
            "cells": answering.cells(catalogue, ident),
        }
        for ident in page
    ]
    body = {
        "emotions": [
            {"id": each.id, "label": each.label, "colour": each.colour}
            for each in catalogue.configuration.emotions
        ],
        "items": items,
        "next_cursor": next_cursor,
        "commit": catalogue.commit,
    }
    return answering.answer(body, catalogue, answering.whole(catalogue))


@route(
    blueprint,
    "GET",
    f"{ENVIRONMENT}/export",
    Scope.READ,
    "export",
    Operation(
        "Everything resolved at one commit",
        {200: schemas.Export},
        query=intake.Reading,
        headers=("If-None-Match",),
    ),
)
def export(env: str) -> Response:
    """Every character and emotion that has a text, streamed; archived characters too."""
    catalogue = asking.reading(env)
    audit.enter_reading(f"export of {env}", commit=catalogue.commit)
    stream = stream_with_context(_exported(env, catalogue))
    response = Response(stream, mimetype="application/json")
    return answering.marked(response, catalogue, answering.whole(catalogue))


def _exported(env: str, catalogue: Catalogue) -> Iterator[str]:
    emotions = catalogue.configuration.emotion_ids
    head = json.dumps({"environment": env, "commit": catalogue.commit, "emotions": emotions})
    yield head.removesuffix("}") + ', "items": ['
    between = ""
    for ident in catalogue.character_ids():
        for emotion in emotions:
            yield between + json.dumps(_one_exported(catalogue, ident, emotion))
            between = ",\n"
    yield "]}\n"


def _one_exported(catalogue: Catalogue, character: str, emotion: str) -> dict[str, Any]:
    try:
        return answering.exported(catalogue.resolve(character, emotion))
    except (PromptNotFound, InvalidDocument) as error:
        source = catalogue.coverage(character)[emotion]
        problem = str(error) if isinstance(error, InvalidDocument) else None
        return answering.not_exported(character, emotion, source, problem)


@route(
    blueprint,
    "POST",
    f"{ENVIRONMENT}/bulk",
    Scope.WRITE,
    "bulk",
    Operation(
        "Many edits in one commit, all or nothing",
        {200: schemas.Saved},
        body=bulk_bodies.Bulk,
        headers=("If-Match",),
        writes=True,
    ),
)
def bulk(env: str) -> Response:
    """Each edit may say what it saw; else `base`, or If-Match: *, counts for all.

    In place of `edits` an `operation` on many `cells` can stand: set, replace, copy, remove, tag.
    """
    given = asking.body(bulk_bodies.Bulk)
    if given.change is not None:
        return _proposed(env, given)
    edits = _edits(env, given)
    outcome = editing.save(repository(), env, edits, caller().author, given.reason)
    commit = outcome.commit.oid if outcome.commit else None
    audit.describe(counted(len(outcome.changed), "prompt"), commit=commit)
    body = {
        "changed": outcome.commit is not None,
        "commit": outcome.catalogue.commit,
        "change": None,
        "items": [_item(outcome, edit.key) for edit in edits],
    }
    return answering.answer(body, outcome.catalogue, None)


def _proposed(env: str, given: bulk_bodies.Bulk) -> Response:
    """The same edits in a change request: a new one, or one that is open."""
    edits = _edits(env, given) if given.operation else edits_of(given.edits or [], given.base)
    if isinstance(given.change, intake.ChangeTitle):
        draft = change_requests.Draft(env, given.change.title, given.change.description)
        row = change_requests.propose(draft, edits, given.reason)
    else:
        slug = given.change or ""
        known = change_records.open_on(records(), slug)
        if known is None or known.base != env:
            raise ChangeNotFound(slug)
        row = change_requests.add(known.number, edits, given.reason)
    audit.describe(f"changes/{row.slug}", number=row.number, commit=row.head)
    catalogue = repository().catalogue(row.head)
    changed = {change.path for change in repository().store.commit(row.head).changes}
    items = [
        {**answering.prompt(repository(), catalogue, each.key), "changed": each.key.path in changed}
        for each in edits
    ]
    body = {"changed": True, "commit": row.head, "change": row.number, "items": items}
    return answering.answer(body, catalogue, None)


def _edits(env: str, given: bulk_bodies.Bulk) -> list[Edit]:
    """The edits of a body, or those that its operation comes to."""
    if given.edits is None or given.operation is not None:
        return to_carry_out(env, given).edits()
    return [_edit(each, given.base) for each in given.edits]


def _edit(given: intake.BulkEdit, base: str | None) -> Edit:
    tags = tuple(given.tags) if given.tags is not None else None
    key = PromptKey(given.character, given.emotion)
    return Edit(key, given.prompt_text, given.notes, tags, _expectation(given, base))


def _expectation(given: intake.BulkEdit, base: str | None) -> Expectation:
    if given.if_none_match:
        return Absent()
    if given.if_match not in (None, "*"):
        return Matches(given.if_match.strip('"'))
    if given.base is not None:
        return AtCommit(given.base)
    if given.if_match == "*":
        return Anything()
    return asking.expectation(base, None)


def _item(outcome: Outcome, key: PromptKey) -> dict[str, object]:
    body = answering.prompt(repository(), outcome.catalogue, key)
    return {**body, "changed": key.path in outcome.changed}
