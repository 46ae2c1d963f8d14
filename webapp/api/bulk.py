"""Edits in bulk over the API: what an operation would do, and a commit undone."""

from typing import Annotated, Any

from flask import Response, jsonify
from pydantic import Field

from prompt_repo import bulk, undoing
from prompt_repo.bulk import CopyFrom, Effect, Item, Operation, Plan, Remove, SetText, Tag
from prompt_repo.documents import normalise
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.expectations import AtCommit
from prompt_repo.model import Prompt, PromptKey
from prompt_repo.patterns import Replacement
from webapp import audit
from webapp.access import Scope, caller
from webapp.api import asking, blueprint, bulk_bodies, intake
from webapp.api.routing import ENVIRONMENT, route
from webapp.api.routing import Operation as Told
from webapp.api.schemas import Answer
from webapp.services import repository


class PlannedPrompt(Answer):
    """What an operation would make of one prompt; null is no text of its own."""

    character: str | None
    emotion: str
    path: str
    effect: Effect
    before: str | None
    after: str | None
    tags_before: list[str]
    tags_after: list[str]
    why: str
    """Why it is skipped; else empty."""


class BulkPlan(Answer):
    """What an operation would do; `commit` is the `base` to carry it out with."""

    commit: str
    changes: int
    items: list[PlannedPrompt]
    """In the order of the cells."""


class Undoing(intake.Given):
    """The commit to undo."""

    commit: Annotated[str, Field(pattern=intake.COMMIT)]
    rest: bool = Field(
        False, description="Leave what changed again since, and undo the others; else 409."
    )
    reason: intake.Reason


class Undone(Answer):
    """What undoing did; `commit` is what the environment holds now."""

    changed: bool
    commit: str
    paths: list[str]


@route(
    blueprint,
    "POST",
    f"{ENVIRONMENT}/bulk/plan",
    Scope.REVIEW,
    "bulk_plan",
    Told(
        "What an operation would do to many prompts",
        {200: BulkPlan},
        body=bulk_bodies.BulkPlanning,
        writes=True,
    ),
)
def plan(env: str) -> Response:
    """Prompt by prompt, before and after; nothing is changed."""
    audit.leave_out()
    given = asking.body(bulk_bodies.BulkPlanning)
    found = planned(env, given.cells, given.operation, given.base)
    items = [_item(each) for each in found.items]
    return jsonify({"commit": found.commit, "changes": len(found.changing), "items": items})


@route(
    blueprint,
    "POST",
    f"{ENVIRONMENT}/bulk/undo",
    Scope.WRITE,
    "bulk_undo",
    Told("Undo a commit by another", {200: Undone}, body=Undoing, writes=True),
)
def undo(env: str) -> Response:
    """Puts back what a commit changed, unless it changed again since: 409 names those paths."""
    given = asking.body(Undoing)
    who = caller().author
    done = undoing.undo(repository(), env, given.commit, who, given.reason, rest=given.rest)
    audit.describe(f"undo of {given.commit[:9]}", undone=given.commit)
    body = {
        "changed": done.commit is not None,
        "commit": done.catalogue.commit,
        "paths": list(done.changed),
    }
    return jsonify(body)


def planned(
    env: str,
    cells: list[bulk_bodies.Cell] | None,
    operation: bulk_bodies.BulkOperation,
    base: str | None,
) -> Plan:
    """A plan made at `base`, now without one; raises what `bulk.plan` raises."""
    if not cells:
        raise InvalidDocument([Problem("body", "name the prompts it is for", field="cells")])
    keys = [PromptKey(each.character, each.emotion) for each in cells]
    return bulk.plan(repository().at(env, base), keys, operation_of(operation))


def to_carry_out(env: str, given: bulk_bodies.Bulk) -> Plan:
    """The plan of a bulk edit that names an operation; raises PreconditionRequired."""
    if given.edits is not None:
        said = "send `edits`, or `cells` with an `operation`, not both"
        raise InvalidDocument([Problem("body", said, field="edits")])
    if given.operation is None:
        said = "send `edits`, or `cells` with an `operation`"
        raise InvalidDocument([Problem("body", said, field="edits")])
    expect = asking.expectation(given.base, None)
    base = expect.commit if isinstance(expect, AtCommit) else None
    return planned(env, given.cells, given.operation, base)


def operation_of(given: bulk_bodies.BulkOperation) -> Operation:
    """What a body asks for, as the domain has it."""
    match given:
        case bulk_bodies.SetOperation(prompt_text=text):
            return SetText(text)
        case bulk_bodies.CopyOperation(from_character=character):
            return CopyFrom(character)
        case bulk_bodies.RemoveOperation():
            return Remove()
        case bulk_bodies.TagOperation(add=add, remove=remove):
            return Tag(tuple(add), tuple(remove))
        case bulk_bodies.ReplaceOperation():
            return Replacement(
                normalise(given.find),
                normalise(given.replace),
                is_pattern=given.pattern,
                ignore_case=given.ignore_case,
            )


def _item(item: Item) -> dict[str, Any]:
    before, after = item.before or Prompt(""), item.after or Prompt("")
    return {
        "character": item.key.character,
        "emotion": item.key.emotion,
        "path": item.key.path,
        "effect": item.effect.value,
        "before": item.before.text if item.before else None,
        "after": item.after.text if item.after else None,
        "tags_before": list(before.tags),
        "tags_after": list(after.tags),
        "why": item.why,
    }
