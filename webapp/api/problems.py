"""What the API gives out where something goes wrong: one shape for all of it."""

from pydantic import ConfigDict, Field

from webapp.api.promotion_bodies import PromotionPlan
from webapp.api.schemas import Answer, Wrong


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
    """What went wrong, as a URN; `about:blank` where the status says all."""
    title: str
    status: int
    detail: str
    """A sentence that a person can act on."""
    request_id: str
    """What the server's log has it under."""
    errors: list[Wrong] = Field(default_factory=list)
    """Everything that is not valid in the body, the query or the document."""
    count: int = 0
    """How many errors an import's file has, of which the first 200 are told."""
    valid_emotions: list[str] = Field(default_factory=list)
    """Where the emotion was wrong."""
    path: str = ""
    """The document that it is about."""
    etag: str | None = None
    """The one that is current, where another was named."""
    branch: str = ""
    """The branch that does not move this way."""
    instead: str = ""
    """What to do in place of it."""
    base: str | None = None
    """The text that the edit began from, where another one came in between."""
    theirs: str | None = None
    """The text that stands now."""
    yours: str | None = None
    """The text that was sent."""
    merged: str | None = None
    """Both edits in one text, where they touch different lines."""
    merged_with_markers: str = ""
    """The same with `<<<<<<<` and `>>>>>>>` around lines that both touched."""
    conflicts: list[Clash] = Field(default_factory=list)
    """All of them, where many edits were sent at once."""
    head: str = ""
    """The commit that the texts are of."""
    paths: list[str] = Field(default_factory=list)
    """The documents that somebody has to decide about first."""
    plan: PromotionPlan | None = None
    """The plan as it is now, where the one named is out of date."""
