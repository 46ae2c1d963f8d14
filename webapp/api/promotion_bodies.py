"""Bodies of promotions: what comes in and what goes out."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from prompt_repo.drift import State
from prompt_repo.layout import Kind
from prompt_repo.releases import Did
from webapp.api.intake import COMMIT, Cursor, Given, Limit, Reason, Text
from webapp.api.schemas import Answer, Person, Wrong

Oid = Annotated[str, Field(pattern=COMMIT)]
Path = Annotated[str, Field(min_length=1, max_length=200, examples=["characters/aria/angry.yaml"])]
Paths = Annotated[list[Path], Field(max_length=100_000)]


class Planning(Given):
    """Which way; there is one."""

    from_: Annotated[Literal["staging"], Field(alias="from")] = "staging"
    to: Literal["production"] = "production"


class Pins(Given):
    """The commits that the plan was made on."""

    staging: Oid
    production: Oid


class NewText(Given):
    """A text of its own for a prompt that diverged."""

    prompt_text: Text


class PromotionOrder(Given):
    """What shall go: all that is ahead, or `only` some."""

    plan: Pins
    """From GET /promotions/plan; 409 with a fresh plan where either has moved."""
    only: Paths | None = None
    held_back: Paths = Field(default_factory=list)
    """What was rolled back, and shall go along this time."""
    decisions: dict[Path, Literal["staging", "production"] | NewText] = Field(default_factory=dict)
    """What becomes of what diverged; it reaches staging as well."""
    reason: Reason


class RollbackOrder(Given):
    """What of a promotion is put back: all of it, or `only` some."""

    production: Oid | None = None
    """The commit of production this was decided on; 409 where it has moved."""
    only: Paths | None = None
    anyway: Paths = Field(default_factory=list)
    """What moved in production since, and is put back all the same."""
    reason: Reason


class ListingPromotions(Given):
    """Which of them, a page at a time."""

    cursor: Cursor
    limit: Limit = 50


class End(Answer):
    """One end of a promotion."""

    environment: str
    commit: str


class Standing(Answer):
    """The version that stands in one environment."""

    version: int
    commit: str
    removed: bool


class DriftItem(Answer):
    """One document that differs; a side is null where nothing ever stood there."""

    path: str
    kind: Kind
    character: str | None
    emotion: str | None
    state: State
    staging: Standing | None
    production: Standing | None


class PromotionPlan(Answer):
    """How production differs from staging."""

    from_: End = Field(alias="from")
    to: End
    items: list[DriftItem]
    counts: dict[str, int]
    problems: list[Wrong]
    """What would break a rule in production if all that is ahead went: mend it, or leave it out."""


class PromotionDone(Answer):
    """One commit on production's own line."""

    id: str
    """The commit."""
    tag: str | None
    did: Did
    source: str | None
    """Staging's commit that it took; null where it promoted again what production had."""
    paths: list[str]
    reason: str
    created_by: Person
    created_at: datetime


class PromotionDetail(PromotionDone):
    """One of them, with notes made from the reasons."""

    notes: str


class PromotionList(Answer):
    """Newest first."""

    items: list[PromotionDone]
    next_cursor: str | None
    commit: str
