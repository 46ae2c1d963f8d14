"""Routes of the API, each with what the OpenAPI document says of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Blueprint
from pydantic import BaseModel

from webapp.access import Scope, access

View = TypeVar("View", bound=Callable[..., Any])
ENVIRONMENT = "/v1/environments/<any(staging, production):env>"
CHARACTER = f"{ENVIRONMENT}/characters/<character>"
OVERRIDE = f"{CHARACTER}/emotional-prompts/<emotion>"
DEFAULT = f"{ENVIRONMENT}/defaults/<emotion>"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one route does, in the terms of OpenAPI."""

    summary: str
    answers: Mapping[int, type[BaseModel]]
    body: type[BaseModel] | None = None
    body_optional: bool = False
    query: type[BaseModel] | None = None
    writes: bool = False
    headers: tuple[str, ...] = ()
    text: bool = False
    also: Mapping[int, str] = field(default_factory=dict)
    """Further statuses with what they mean."""
    takes: tuple[str, ...] = ()
    """What the request's body may be where it is a file."""
    media: str = ""
    """What the body is where it is no JSON."""
    of_prompts: bool = True
    """Whether the answer is of a commit, and so names it."""


OPERATIONS: dict[str, Operation] = {}
"""By endpoint."""


def route(
    blueprint: Blueprint, method: str, rule: str, scope: Scope, endpoint: str, told: Operation
) -> Callable[[View], View]:
    """Adds a view under a rule, with the scope it needs and what is told of it."""

    def add(view: View) -> View:
        blueprint.add_url_rule(rule, endpoint, access(scope)(view), methods=[method])
        OPERATIONS[f"{blueprint.name}.{endpoint}"] = told
        return view

    return add


def on_prompts(
    blueprint: Blueprint, method: str, tail: str, scope: Scope, endpoint: str, told: Operation
) -> Callable[[View], View]:
    """Adds a view for overrides and for defaults alike; for these `character` is None."""

    def add(view: View) -> View:
        marked = access(scope)(view)
        for name, rule, defaults in (
            (endpoint, OVERRIDE, {}),
            (f"default_{endpoint}", DEFAULT, {"character": None}),
        ):
            blueprint.add_url_rule(rule + tail, name, marked, methods=[method], defaults=defaults)
            OPERATIONS[f"{blueprint.name}.{name}"] = told
        return view

    return add
