"""What a changed document does to resolved texts: every character and emotion it reaches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prompt_repo.catalogue import Catalogue
from prompt_repo.errors import InvalidDocument, PromptRepoError
from prompt_repo.layout import Kind, place_of

Pair = tuple[str, str]
"""A character and an emotion."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A resolved text before and after; None where there is none."""

    character: str
    emotion: str
    before: str | None
    after: str | None


def effects(
    before: Catalogue, after: Catalogue, path: str, behind: Pair = ("", "")
) -> Iterator[Effect]:
    """The resolved texts that differ by the document at `path`, in order, those after `behind`."""
    for character, emotion in _reached(before, after, path):
        if (character, emotion) <= behind:
            continue
        texts = tuple(resolved(each, character, emotion) for each in (before, after))
        if texts[0] != texts[1]:
            yield Effect(character, emotion, *texts)


def resolved(catalogue: Catalogue, character: str, emotion: str) -> str | None:
    """The text a video service gets; None where it would get none."""
    try:
        return catalogue.resolve(character, emotion).text
    except PromptRepoError:
        return None  # missing, or broken: a check names it


def _reached(before: Catalogue, after: Catalogue, path: str) -> Iterable[Pair]:
    place = place_of(path)
    if place is None:
        return []
    if place.kind is Kind.OVERRIDE:
        return [(place.character or "", place.emotion or "")]
    if place.kind is Kind.DEFAULT:
        emotion = place.emotion or ""
        return (
            (who, emotion)
            for who in _everybody(before, after)
            if _reads(before, after, who, emotion)
        )
    emotions = sorted({*_emotions(before), *_emotions(after)})
    people = [place.character or ""] if place.kind is Kind.CHARACTER else _everybody(before, after)
    return ((who, emotion) for who in people for emotion in emotions)


def _everybody(before: Catalogue, after: Catalogue) -> list[str]:
    """All characters at work on either side."""
    ids = sorted({*before.character_ids(), *after.character_ids()})
    return [each for each in ids if _at_work(after, each)]


def _at_work(catalogue: Catalogue, character: str) -> bool:
    try:
        return not catalogue.character(character).archived
    except PromptRepoError:
        return True  # gone or broken: what they lose by that is to be seen


def _reads(before: Catalogue, after: Catalogue, character: str, emotion: str) -> bool:
    folders = (each.tables.folders.get(character, {}) for each in (before, after))
    return any(emotion not in folder for folder in folders)


def _emotions(catalogue: Catalogue) -> tuple[str, ...]:
    try:
        return catalogue.configuration.emotion_ids
    except InvalidDocument:
        return ()
