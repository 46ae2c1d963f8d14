"""What the API gives out: one description of every body, for the code and the document."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from prompt_repo.model import Source


class Answer(BaseModel):
    """What goes out: exactly these fields."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Person(Answer):
    """Whom a commit names."""

    name: str
    email: str


class Prompt(Answer):
    """A prompt as it stands, or how it last stood where `deleted_at` says when it was removed.

    Where a character has none of their own, it is the global default (`is_default`); where there
    is neither, lists hold it with the source `missing` and without a text. A file that plain Git
    broke has no text either; `problem` says what is wrong with it.
    """

    id: UUID
    """Permanent: UUIDv5 of the file's path."""
    character: str | None
    """Whom was asked for; null for a global default."""
    emotion: str
    prompt_text: str | None
    """The text as it was written, its variables not filled in."""
    source: Source
    is_default: bool
    """Whether the text is the global default."""
    is_global_override: bool
    """Whether a character's own text hides a global default."""
    version: int | None
    commit: str | None
    """The commit that made this version."""
    etag: str | None
    """What If-Match wants."""
    created_by: Person | None
    created_at: datetime | None
    updated_by: Person | None
    updated_at: datetime | None
    deleted_at: datetime | None
    reason: str | None
    variables: dict[str, str]
    """The variables this prompt can use, with their values."""
    unknown_variables: list[str]
    """The `{word}`s of the text that no variable answers to."""
    notes: str | None
    tags: list[str]
    problem: str | None = None
    """What is wrong with the file that stands, where it can't be read; else left out."""


class SavedPrompt(Prompt):
    """A prompt after a write."""

    changed: bool
    """False where everything stood so already, so that no version was made."""


class Resolved(Answer):
    """The text a video service gets."""

    id: UUID
    character: str | None
    emotion: str
    text: str
    """The text with its variables filled in."""
    source: Literal["character", "global"]
    is_default: bool
    version: int
    commit: str
    """The commit that made this version."""
    etag: str
    unknown_variables: list[str]


class Version(Answer):
    """One recorded text of a prompt; it never changes."""

    id: str
    """The commit."""
    prompt_id: UUID
    version: int
    commit: str
    prompt_text: str | None
    """Null where this version is a removal, or was broken by plain Git."""
    removed: bool
    problem: str | None = None
    """What is wrong with this version's file, where it can't be read; else left out."""
    created_by: Person
    created_at: datetime
    reason: str


class Part(Answer):
    """A piece of a line."""

    kind: Literal["same", "ins", "del"]
    text: str


class Line(Answer):
    """One line of a diff, both sides; `fold` stands for `folded` unchanged lines."""

    kind: Literal["same", "changed", "added", "removed", "fold"]
    old_number: int | None
    new_number: int | None
    old: list[Part]
    new: list[Part]
    folded: int


class Diff(Answer):
    """How two versions of one prompt differ."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Version = Field(alias="from")
    to: Version
    added: int
    """Lines."""
    removed: int
    """Lines."""
    lines: list[Line]
    unified: str
    """The same as `diff -u` writes it."""


class Character(Answer):
    """Who speaks."""

    id: str
    name: str
    description: str
    variables: dict[str, str]
    tags: list[str]
    archived: bool
    version: int
    commit: str
    """The commit that made this version of the character."""
    etag: str
    created_by: Person
    created_at: datetime
    updated_by: Person
    updated_at: datetime
    reason: str


class SavedCharacter(Character):
    """A character after a write."""

    changed: bool


class CharacterRow(Answer):
    """A character in the list."""

    id: str
    name: str
    description: str
    tags: list[str]
    archived: bool
    coverage: dict[str, Source]
    """By emotion: where its prompt comes from."""


class Emotion(Answer):
    """One state of the repository's list."""

    id: str
    label: str
    colour: str


class Cell(Answer):
    """Where one character's prompt for one emotion comes from."""

    source: Source
    version: int | None
    commit: str | None


class MatrixRow(Answer):
    """A character's prompts, by emotion."""

    character: str
    name: str
    archived: bool
    cells: dict[str, Cell]


class Page(Answer):
    """A list; `commit` is what it was read at."""

    next_cursor: str | None
    commit: str


class Prompts(Page):
    """Prompts, in the order of the emotions."""

    items: list[Prompt]


class Characters(Page):
    """Characters, by id."""

    items: list[CharacterRow]


class Versions(Page):
    """Versions, newest first."""

    items: list[Version]


class Matrix(Page):
    """Characters × emotions."""

    emotions: list[Emotion]
    items: list[MatrixRow]


class Saved(Answer):
    """What a bulk edit did; `commit` is what the environment holds now."""

    changed: bool
    commit: str
    change: int | None
    """The change request that the edits were proposed in."""
    items: list[SavedPrompt]
    """In the order of the edits."""


class Exported(Answer):
    """One prompt as a service gets it; `text` is null where it is missing or broken."""

    character: str
    emotion: str
    text: str | None
    source: Source
    version: int | None
    commit: str | None
    etag: str | None
    problem: str | None = None
    """What is wrong with the file that stands, where it can't be read; else left out."""


class Export(Answer):
    """Everything resolved at one commit, archived characters included."""

    environment: Literal["staging", "production"]
    commit: str
    emotions: list[str]
    items: list[Exported]


class Wrong(Answer):
    """One thing wrong, and where: in the text or body from line 1 and column 1."""

    path: str
    message: str
    line: int | None
    column: int | None
    field: str
    valid: list[str]
