"""Bodies of the API that are about many prompts at once."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from webapp.api.intake import (
    EMOTION_IDENT,
    IDENT,
    MOST_EDITS,
    PROMPT_EXAMPLE,
    SLUG,
    Base,
    BulkEdit,
    ChangeTitle,
    Given,
    Reason,
    Tags,
    Text,
)


class Cell(Given):
    """A prompt by whose it is (null for the default) and its emotion."""

    character: Annotated[str, Field(pattern=IDENT, examples=["aria"])] | None
    emotion: Annotated[
        str, WithJsonSchema({"type": "string", "pattern": EMOTION_IDENT, "examples": ["angry"]})
    ]


class SetOperation(Given):
    """Each prompt gets this text."""

    kind: Literal["set"]
    prompt_text: Text


class ReplaceOperation(Given):
    """What is found in each prompt's own text is replaced; others are skipped."""

    kind: Literal["replace"]
    find: Annotated[str, Field(min_length=1, max_length=500, examples=["push-in"])]
    replace: Annotated[str, Field(max_length=10_000)] = ""
    pattern: bool = Field(
        False,
        description="Whether `find` is a regular expression; `\\1` in `replace` is a group then. "
        "One that takes more than two seconds is refused.",
    )
    ignore_case: bool = False


class CopyOperation(Given):
    """Each prompt gets that character's own text for its emotion; null: the default's."""

    kind: Literal["copy"]
    from_character: Annotated[str, Field(pattern=IDENT)] | None


class RemoveOperation(Given):
    """Overrides are removed, so that the defaults show again."""

    kind: Literal["remove"]


class TagOperation(Given):
    """Tags are added and taken away; texts stay."""

    kind: Literal["tag"]
    add: Tags = Field([])
    remove: Tags = Field([])


BulkOperation = SetOperation | ReplaceOperation | CopyOperation | RemoveOperation | TagOperation
Discriminated = Annotated[BulkOperation, Field(discriminator="kind")]
Cells = Annotated[list[Cell], Field(min_length=1, max_length=MOST_EDITS)]


class BulkPlanning(Given):
    """An operation, and the prompts it is for."""

    cells: Cells
    operation: Discriminated = Field(
        examples=[{"kind": "replace", "find": "push-in", "replace": "pull-out"}]
    )
    base: Base


class Bulk(Given):
    """Many edits in one commit, all or none: each by itself, or an operation on many prompts."""

    edits: Annotated[list[BulkEdit], Field(min_length=1, max_length=MOST_EDITS)] | None = Field(
        None,
        examples=[
            [
                {
                    "character": "aria",
                    "emotion": "angry",
                    "prompt_text": PROMPT_EXAMPLE,
                    "if_match": "*",
                }
            ]
        ],
    )
    cells: Cells | None = None
    operation: Discriminated | None = Field(
        None, description="What is done to `cells`, in place of `edits`. Plan it first."
    )
    reason: Reason
    base: Base
    change: Annotated[str, Field(pattern=SLUG)] | ChangeTitle | None = Field(
        None,
        description="Propose the edits instead of saving them: the slug of an open change "
        "request to add them to, or the title of a new one.",
    )
