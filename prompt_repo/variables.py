"""Find and fill `{character_name}`, `{emotion}` and the other variables of a prompt."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from prompt_repo.model import Character, Emotion

BUILT_IN = ("character_name", "character_id", "emotion")
WORD = re.compile(r"\{\{([a-z][a-z0-9_]{0,63})\}\}|\{([a-z][a-z0-9_]{0,63})\}")
"""`{{name}}` (the first group) or `{name}` (the second), whichever begins first."""


@dataclass(frozen=True, slots=True)
class Span:
    """A `{word}` in a text: where it stands (in characters), and whether it is a variable."""

    start: int
    end: int
    name: str
    known: bool


def known(
    character: Character | None, emotion: Emotion, shared: Mapping[str, str]
) -> dict[str, str]:
    """The variables a prompt can use, with their values.

    The character's own win over shared ones, and the built-in ones over both. `{emotion}` is
    the emotion's label in lower case ("Very sad" gives "very sad"), as it reads in a sentence.
    A default read without a character has no `character_name` and no `character_id`.
    """
    values = {name: value for name, value in shared.items() if name not in BUILT_IN}
    if character is not None:
        values.update(character.variables)
        values["character_name"] = character.name
        values["character_id"] = character.id
    values["emotion"] = emotion.label.lower()
    return values


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with `{name}` replaced by its value, in one pass from left to right.

    A value is never read again for variables; `{{name}}` with a known name is a literal
    `{name}`; all other braces stay as they are.
    """

    def value(found: re.Match[str]) -> str:
        literal, name = found.groups()
        if name is not None:
            return values.get(name, found[0])
        return f"{{{literal}}}" if literal in values else found[0]

    return WORD.sub(value, text) if "{" in text else text


def spans(text: str, names: Collection[str]) -> list[Span]:
    """Every `{word}` in order; a `{{word}}` is a literal or other braces, so it is none."""
    return [
        Span(found.start(), found.end(), found[2], found[2] in names)
        for found in WORD.finditer(text)
        if found[2] is not None
    ]


def words(text: str) -> set[str]:
    """Every `{word}` of a text, known or not."""
    return {span.name for span in spans(text, ())}


def unknown(text: str, names: Collection[str]) -> tuple[str, ...]:
    """The `{word}`s no variable answers to, in order, each once.

    A default may use `character_name` and `character_id` though it is read without a character.
    """
    if "{" not in text:
        return ()
    words = (span.name for span in spans(text, names) if not span.known)
    return tuple(dict.fromkeys(word for word in words if word not in BUILT_IN))
