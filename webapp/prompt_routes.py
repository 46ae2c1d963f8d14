"""What pages of defaults and overrides share: their addresses, and the prompt they are about."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint

from prompt_repo.layout import prompt_key
from webapp.reading import Subject
from webapp.services import repository

View = TypeVar("View", bound=Callable[..., Any])
ENVIRONMENT = "/environments/<any(staging, production):environment>"


def on_prompts(blueprint: Blueprint, rule: str, method: str = "GET") -> Callable[[View], View]:
    """Routes a view under the address of every default and of every override.

    The view gets `environment`, `character` (None for a default) and `emotion`.
    """

    def register(view: View) -> View:
        name = view.__name__
        blueprint.add_url_rule(
            f"/defaults/<emotion>{rule}",
            name,
            view,
            methods=[method],
            defaults={"character": None},
        )
        blueprint.add_url_rule(
            f"/characters/<character>/<emotion>{rule}", name, view, methods=[method]
        )
        return view

    return register


def subject_of(environment: str, character: str | None, emotion: str) -> Subject:
    """The prompt an address names, as it stands now.

    Raises InvalidId, UnknownEmotion, CharacterNotFound.
    """
    key = prompt_key(character, emotion)
    return Subject(repository(), repository().current(environment), environment, key)
