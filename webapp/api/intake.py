"""What the API takes in: bodies and queries, described once for the code and the document."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from prompt_repo.changes import TEXT_LENGTH, TITLE_LENGTH
from prompt_repo.reasons import REASON_LENGTH

COMMIT = "^[0-9a-f]{40}$"
IDENT = "^[a-z0-9][a-z0-9_-]{0,63}$"
EMOTION_IDENT = "^(?!character$)[a-z0-9][a-z0-9_-]{0,63}$"
UNHELD = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff"
"""What a text can't hold, as a class of a regular expression; unpaired surrogates can't either."""
LINE_UNHELD = rf"{UNHELD}\t\n"
MOST_EDITS = 1_000
MOST_ITEMS = 500
MOST_VERSIONS = 2**31 - 1
NUMBER = re.compile(r"-?[0-9]{1,15}")
SPACED_ZONE = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:\d\d)$")
"""What `+` in a time becomes in a query where it was not escaped: a blank before the zone."""
PROMPT_EXAMPLE = "{character_name} clenches her jaw; {emotion}, but holding it in."


class Given(BaseModel):
    """What comes in: nothing unknown, and no guessing at types."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


def _described(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema(schema)


def _flag(value: Any) -> Any:
    words = {"true": True, "false": False}
    if value not in words:
        raise ValueError("say true or false")
    return words[value]


def _spelled(value: Any) -> Any:
    if not (isinstance(value, str) and NUMBER.fullmatch(value)):
        raise ValueError("give a whole number")
    return int(value)


def _integral(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plus(value: Any) -> Any:
    return SPACED_ZONE.sub(r"\1+\2", value) if isinstance(value, str) else value


SPELLED = BeforeValidator(_spelled)
"""A whole number in a query. It stands after the bounds, which the description then shows."""
INTEGRAL = BeforeValidator(_integral)
"""1.0 is a whole number to JSON Schema, so it is one here."""


Text = Annotated[
    str,
    _described(
        type="string",
        pattern=rf"^[^{UNHELD}]*[^{UNHELD}\s][^{UNHELD}]*$",
        description="Kept exactly, apart from CRLF becoming LF. `{name}` is a variable where the "
        "name is known. Control characters are refused with their line and column.",
        examples=[PROMPT_EXAMPLE],
    ),
]
Notes = Annotated[
    str,
    _described(
        type="string",
        pattern=rf"^[^{UNHELD}]*$",
        maxLength=16_384,
        description="What people noted beside the text.",
    ),
]
Description = Annotated[
    str, Field(max_length=16_384), _described(type="string", pattern=rf"^[^{UNHELD}]{{0,16384}}$")
]
Name = Annotated[
    str,
    Field(max_length=200),
    _described(
        type="string",
        maxLength=200,
        pattern=rf"^[^{LINE_UNHELD}]*[^{LINE_UNHELD}\s][^{LINE_UNHELD}]*$",
        description="The name people read, and what `{character_name}` gives.",
        examples=["Aria Vale"],
    ),
]
TAG = rf"^[^{UNHELD}\s](?:[^{LINE_UNHELD}]{{0,62}}[^{UNHELD}\s])?$"
Tags = Annotated[
    list[str],
    _described(
        type="array",
        items={"type": "string", "pattern": TAG, "maxLength": 64},
        uniqueItems=True,
        maxItems=32,
        description="Words to find it by, each once; how many is a limit in `prompts.yaml`.",
        examples=[["close-up", "night"]],
    ),
]
Variables = Annotated[
    dict[str, str],
    _described(
        type="object",
        maxProperties=200,
        propertyNames={
            "pattern": "^[a-z][a-z0-9_]{0,63}$",
            "not": {"enum": ["character_name", "character_id", "emotion"]},
        },
        additionalProperties={"type": "string", "maxLength": 4096, "pattern": f"^[^{UNHELD}]*$"},
        description="Values that prompts use as `{name}`.",
        examples=[{"wardrobe": "a long green coat"}],
    ),
]
Reason = Annotated[
    str,
    Field(
        default="",
        max_length=REASON_LENGTH,
        description="Why: the commit message. Without one the server writes what was done.",
        examples=["Softer since the March reviews"],
        json_schema_extra={"pattern": rf"^[^{UNHELD}]*$"},
    ),
]
Base = Annotated[
    str | None,
    Field(
        default=None,
        pattern=COMMIT,
        description="The commit this edit began from, in place of If-Match. Where this very "
        "prompt moved since, the answer is 409 with base, theirs, yours and a merge.",
    ),
]


SLUG = "^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$"
Title = Annotated[
    str,
    Field(
        max_length=TITLE_LENGTH,
        pattern=rf"^[^{LINE_UNHELD}]*[^{LINE_UNHELD}\s][^{LINE_UNHELD}]*$",
        examples=["Softer Aria"],
    ),
]


class PromptChange(Given):
    """A prompt's new text. Notes and tags stay as they are where they are left out."""

    prompt_text: Text
    reason: Reason
    notes: Notes | None = None
    tags: Tags | None = None
    base: Base


class Removal(Given):
    """Why a prompt or a character goes."""

    reason: Reason
    base: Base


class Restoring(Given):
    """Why a removed prompt comes back."""

    reason: Reason
    base: Base


class Reverting(Given):
    """The version whose text shall stand again."""

    version: Annotated[int, Field(ge=1, le=MOST_VERSIONS, examples=[1]), INTEGRAL]
    reason: Reason
    base: Base


class CharacterCreation(Given):
    """A new character."""

    id: Annotated[str, Field(pattern=IDENT, examples=["aria"])]
    name: Name
    description: Description = ""
    variables: Variables = {}
    tags: Tags = []
    reason: Reason


class CharacterChange(Given):
    """What changes of a character; what is left out stays. `archived` puts away or brings back."""

    name: Name | None = None
    description: Description | None = None
    variables: Variables | None = None
    tags: Tags | None = None
    archived: bool | None = None
    reason: Reason
    base: Base


class BulkEdit(Given):
    """One of many edits, each saying what it saw, where `base` does not say it for all."""

    character: Annotated[str, Field(pattern=IDENT, examples=["aria"])] | None = Field(
        description="Whose prompt; null for the global default."
    )
    emotion: Annotated[str, _described(type="string", pattern=EMOTION_IDENT)]
    prompt_text: Text | None = Field(description="The new text; null removes the prompt.")
    notes: Notes | None = None
    tags: Tags | None = None
    base: Base
    if_match: str | None = Field(
        None,
        max_length=200,
        description="The ETag read, or `*` for whatever is there.",
    )
    if_none_match: Literal["*"] | None = Field(
        None, description="`*`: the prompt must not stand yet."
    )


class ChangeTitle(Given):
    """What a new change request is called."""

    title: Title
    description: Annotated[str, Field(max_length=TEXT_LENGTH, pattern=f"^[^{UNHELD}]*$")] = ""


Flag = Annotated[bool, BeforeValidator(_flag)]
At = Annotated[
    str | None,
    Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The past: a full commit id that the environment has held, a tag, or a time "
        "of RFC 3339. An answer at a full commit id never changes.",
        examples=["2026-11-23T09:00:00Z"],
    ),
    BeforeValidator(_plus),
    _described(type="string", minLength=1, maxLength=200),
]
Cursor = Annotated[
    str | None,
    Field(default=None, pattern=COMMIT, description="`next_cursor` of the page before."),
    _described(type="string", pattern=COMMIT),
]
CharacterCursor = Annotated[
    str | None,
    Field(default=None, pattern=IDENT, description="`next_cursor` of the page before."),
    _described(type="string", pattern=IDENT),
]
Limit = Annotated[
    int, Field(ge=1, le=MOST_ITEMS, description="The most items of one page."), SPELLED
]
Number = Annotated[int, Field(ge=1, le=MOST_VERSIONS), SPELLED]


class Reading(Given):
    """When."""

    at: At


class ListingPrompts(Reading):
    """When, and whether those that were removed are meant."""

    removed: Flag = Field(False, description="List the prompts that were removed instead.")


class Searching(Reading):
    """Which characters."""

    q: str = Field(
        "", max_length=200, description="Words that id, name, tags and description must hold."
    )
    tag: list[Annotated[str, Field(max_length=64)]] = Field(
        default=[], max_length=32, description="Tags a character must all have."
    )
    archived: Flag = Field(False, description="List the archived characters instead.")
    cursor: CharacterCursor


class ListingCharacters(Searching):
    """Which characters, a page at a time."""

    limit: Limit = 100


class ListingMatrix(Searching):
    """Which characters; without `limit` all at once."""

    limit: Annotated[int, Field(ge=1, le=100_000), SPELLED] | None = None


class ListingVersions(Reading):
    """Which versions, a page at a time."""

    cursor: Cursor
    limit: Limit = 50


class Comparing(Reading):
    """Which two versions."""

    from_: Annotated[Number, Field(alias="from", description="The older version's number.")]
    to: Annotated[Number, Field(description="The newer version's number.")]
    context: Annotated[int, Field(ge=0, le=100_000), SPELLED] = Field(
        3, description="Unchanged lines shown around a change."
    )
