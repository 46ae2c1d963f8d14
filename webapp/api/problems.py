"""What the API gives out where something goes wrong: one shape for all of it."""

from pydantic import ConfigDict, Field

from webapp.api.promotion_bodies import PromotionPlan
from webapp.api.schemas import Answer


class Wrong(Answer):
    """One thing wrong, and where: in the text or body from line 1 and column 1."""

    path: str
    message: str
    line: int | None
    column: int | None
    field: str
    valid: list[str]


class Clash(Answer):
    """Two edits of one document: what both began from, both sides, the merge if there is one."""

    path: str
    base: str | None
    theirs: str | None
    yours: str | None
    merged: str | None
    merged_with_markers: str


class Problem(Answer):
    """A problem of RFC 9457, with what would be valid."""

    model_config = ConfigDict(extra="forbid", title="Problem")

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[Wrong] = Field(default_factory=list)
    valid_emotions: list[str] = Field(default_factory=list)
    path: str = ""
    etag: str | None = None
    branch: str = ""
    instead: str = ""
    base: str | None = None
    theirs: str | None = None
    yours: str | None = None
    merged: str | None = None
    merged_with_markers: str = ""
    conflicts: list[Clash] = Field(default_factory=list)
    head: str = ""
    paths: list[str] = Field(default_factory=list)
    """The documents that somebody has to decide about first."""
    plan: PromotionPlan | None = None
    """The plan as it is now, where the one named is out of date."""
