"""Clips beside each other: all emotions of a character, and one prompt before and after."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for

from prompt_repo.catalogue import Catalogue
from prompt_repo.errors import PromptRepoError
from prompt_repo.layout import prompt_key
from prompt_repo.model import Emotion, PromptKey
from webapp import preview_asking, previews
from webapp.access import Scope, access
from webapp.formatting import capitalize_first, counted
from webapp.history_pages import asked_number
from webapp.preview_asking import Text
from webapp.preview_errors import PreviewError
from webapp.prompt_routes import ENVIRONMENT, on_prompts, subject_of
from webapp.queue import NoQueue
from webapp.records.preview_models import Preview
from webapp.services import records, repository
from webapp.video import Misconfigured

blueprint = Blueprint("clips", __name__, url_prefix=ENVIRONMENT)
WALL = "/clips/<character>"
REFUSALS = (PreviewError, NoQueue, Misconfigured, PromptRepoError)


@dataclass(frozen=True)
class Place:
    """A place for a clip: what it shows, the text it would be made of, the clip if there is one.

    Where there is no text, the emotion may be gone too.
    """

    label: str
    emotion: Emotion | None
    text: Text | None
    resolved: str
    clip: Preview | None

    @property
    def open(self) -> bool:
        """Whether a clip could be made here."""
        return self.text is not None and self.clip is None


@blueprint.get(WALL)
@access(Scope.READ)
def wall(environment: str, character: str) -> str:
    """All emotions of a character at once, as clips."""
    key = prompt_key(character, repository().current(environment).configuration.emotions[0].id)
    catalogue = repository().current(environment)
    return render_template(
        "previews/wall.html",
        character=catalogue.character(str(key.character)),
        places=_wall(environment, catalogue, character),
    )


@blueprint.post(WALL)
@access(Scope.WRITE)
def make_wall(environment: str, character: str):
    """Asks for every clip that isn't there."""
    catalogue = repository().current(environment)
    catalogue.character(character)
    places = [each for each in _wall(environment, catalogue, character) if each.open]
    make(environment, character, [(catalogue, each) for each in places])
    return redirect(url_for("clips.wall", environment=environment, character=character), 303)


@on_prompts(blueprint, "/compare/clips")
@access(Scope.READ)
def compare(environment: str, character: str | None, emotion: str) -> str:
    """Two versions of a prompt as clips that play in step."""
    subject = subject_of(environment, character, emotion)
    numbers = asked_number("from"), asked_number("to")
    return render_template(
        "previews/compare.html",
        subject=subject,
        numbers=numbers,
        places=_pair(environment, subject.catalogue, subject.key, numbers),
    )


@on_prompts(blueprint, "/compare/clips", "POST")
@access(Scope.WRITE)
def make_pair(environment: str, character: str | None, emotion: str):
    """Asks for those of the two that aren't there."""
    subject = subject_of(environment, character, emotion)
    numbers = asked_number("from"), asked_number("to")
    places = _pair(environment, subject.catalogue, subject.key, numbers)
    missing = [(subject.catalogue, each) for each in places if each.open]
    make(environment, subject.key.character, missing)
    arguments: dict[str, Any] = {"from": numbers[0], "to": numbers[1]}
    return redirect(
        url_for(
            "clips.compare",
            environment=environment,
            character=character,
            emotion=emotion,
            **arguments,
        ),
        303,
    )


def _wall(environment: str, catalogue: Catalogue, character: str) -> list[Place]:
    made = previews.of_texts(records(), environment, character)
    places = []
    for emotion in catalogue.configuration.emotions:
        key = PromptKey(character, emotion.id)
        stands = catalogue.lookup(key) is not None
        text = preview_asking.standing(catalogue, key) if stands else None
        places.append(place(emotion.label, emotion, catalogue, key, text, made))
    return places


def _pair(
    environment: str, catalogue: Catalogue, key: PromptKey, numbers: tuple[int, int]
) -> list[Place]:
    made = previews.of_texts(records(), environment, key.character)
    emotion = catalogue.configuration.by_id[key.emotion]
    places = []
    for word, number in zip(("Before", "After"), numbers, strict=True):
        text = preview_asking.numbered(catalogue, key, number)
        label = f"{word}: version {number}"
        places.append(place(label, emotion, catalogue, key, text, made))
    return places


def place(
    label: str,
    emotion: Emotion,
    catalogue: Catalogue,
    key: PromptKey,
    text: Text | None,
    made: dict[tuple[str, str], Preview],
) -> Place:
    """A place, with the clip of exactly its text where one was made."""
    resolved = preview_asking.resolved(catalogue, key, text.text) if text else ""
    clip = made.get((key.emotion, resolved)) if text else None
    if clip is not None and clip.status == "cancelled":
        clip = None
    return Place(label, emotion, text, resolved, clip)


def make(environment: str, character: str | None, places: list[tuple[Catalogue, Place]]) -> None:
    """Asks for clips until all are, or one is refused; says what came of it."""
    for count, (catalogue, each) in enumerate(places):
        assert each.text is not None
        assert each.emotion is not None
        key = PromptKey(character, each.emotion.id)
        try:
            preview_asking.ask(environment, catalogue, key, each.text)
        except REFUSALS as error:
            told = capitalize_first(str(error)).rstrip(".")
            flash(f"{counted(count, 'clip')} of {len(places)} asked for. {told}.", "warn")
            return
    if not places:
        flash("Every clip is there already.")
