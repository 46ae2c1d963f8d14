"""Find and fill `{character_name}`, `{emotion}` and the other variables of a prompt."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from prompt_repo.model import Character, Emotion

BUILT_IN = ("character_name", "character_id", "emotion")
WORD = re.compile(r"\{\{([a-z][a-z0-9_]{0,63})\}\}|\{([a-z][a-z0-9_]{0,63})\}")


@dataclass(frozen=True, slots=True)
class Span:
    """A `{word}` in a text: where it stands (characters, end exclusive), and if it is a variable."""

    start: int
    end: int
    name: str
    known: bool


def known(
    character: Character | None, emotion: Emotion, shared: Mapping[str, str]
) -> dict[str, str]:
    """The variables a prompt can use, with their values.

    The character's own win over shared ones, and the built-in ones over both. `emotion` is the
    label in lower case, as it reads in a sentence. A default read without a character has no
    `character_name`.
    """
    values = dict(shared)
    values["emotion"] = emotion.label.lower()
    if character is not None:
        values.update(character.variables)
        values["emotion"] = emotion.label.lower()
        values["character_name"] = character.name
        values["character_id"] = character.id
    return values


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with `{name}` replaced by its value, in one pass.

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
    """Every `{word}` in order; a `{{word}}` with a known name is a literal, so it is none."""
    found = []
    for match in WORD.finditer(text):
        literal, name = match.groups()
        if name is not None:
            found.append(Span(match.start(), match.end(), name, name in names))
        elif literal not in names:
            found.append(Span(match.start() + 1, match.end() - 1, literal, known=False))
    return found


def unknown(text: str, names: Collection[str]) -> tuple[str, ...]:
    """The `{word}`s no variable answers to, in order, each once.

    A default may use `character_name` and `character_id` though it is read without a character.
    """
    if "{" not in text:
        return ()
    words = (
        span.name
        for span in spans(text, names)
        if not span.known and span.name not in BUILT_IN and text[span.start - 1 : span.start] != "{"
    )
    return tuple(dict.fromkeys(words))
