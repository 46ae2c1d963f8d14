"""Bodies of change requests: what comes in and what goes out."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from prompt_repo.change_checks import Grade
from prompt_repo.changes import TEXT_LENGTH
from webapp.api.intake import (
    IDENT,
    INTEGRAL,
    MOST_EDITS,
    MOST_VERSIONS,
    PROMPT_EXAMPLE,
    SLUG,
    SPELLED,
    UNHELD,
    Base,
    BulkEdit,
    ChangeTitle,
    Given,
    Limit,
    Name,
    Reason,
    Tags,
    Text,
    Variables,
)
from webapp.api.intake import Description as CharacterDescription
from webapp.api.promotion_bodies import Oid, Path
from webapp.api.schemas import Answer, Person
from webapp.change_records import Kind, State

NOT_BLANK = rf"^[^{UNHELD}]*[^{UNHELD}\s][^{UNHELD}]*$"
Description = Annotated[str, Field(max_length=TEXT_LENGTH, pattern=f"^[^{UNHELD}]*$")]
Said = Annotated[
    str,
    Field(max_length=TEXT_LENGTH, pattern=NOT_BLANK, examples=["Is one breath enough?"]),
]
Edits = Annotated[list[BulkEdit], Field(max_length=MOST_EDITS)]
Line = Annotated[int, Field(ge=1, le=MOST_VERSIONS), INTEGRAL]
Environment = Literal["staging", "production"]


class CharacterSettings(Given):
    """What a character's settings shall be; what is left out stays."""

    character: Annotated[str, Field(pattern=IDENT, examples=["aria"])]
    name: Name | None = None
    description: CharacterDescription | None = None
    variables: Variables | None = None
    tags: Tags | None = None
    base: Base
    if_match: str | None = Field(
        None, max_length=200, description="The ETag read, or `*` for whatever is there."
    )


EDIT_EXAMPLE = {"character": "aria", "emotion": "angry", "prompt_text": PROMPT_EXAMPLE}


class ProposedEdits(Given):
    """Texts of prompts, characters' settings, or both."""

    edits: Edits = Field(default_factory=list, examples=[[EDIT_EXAMPLE]])
    characters: Annotated[list[CharacterSettings], Field(max_length=MOST_EDITS)] = Field(
        default_factory=list
    )


class ChangeProposal(ProposedEdits, ChangeTitle):
    """Edits for others to look at, on a branch of their own.

    Nothing changes in `base` until they are merged; of production it is a hotfix.
    """

    base: Environment = "staging"
    slug: Annotated[str, Field(pattern=SLUG, examples=["softer-aria"])] | None = None
    """The end of the branch's name `changes/…`; without it made of the title."""
    reason: Reason


class MoreEdits(ProposedEdits):
    """More edits for an open change request; one `base` commit or ETag each, if they say one."""

    reason: Reason


class ListingChanges(Given):
    """Which change requests, newest first, a page at a time."""

    show: Literal["open", "mine", "waiting", "merged", "closed"] = "open"
    """`waiting`: open ones that the caller has not reviewed; or theirs, and changes are wanted."""
    base: Environment | None = None
    cursor: Annotated[int, Field(ge=1, le=MOST_VERSIONS), SPELLED] | None = Field(
        None, description="`next_cursor` of the page before."
    )
    limit: Limit = 50


class ListingFiles(Given):
    """Which documents, a page at a time."""

    cursor: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="`next_cursor` of the page before."
    )
    limit: Limit = 50


class CommentOrder(Given):
    """Something to say; about a line of a changed document where `path` and `line` name one."""

    text: Said
    path: Path | None = None
    line: Line | None = None
    """Of the proposed text, from 1."""


class Settling(Given):
    """Whether a comment is settled."""

    settled: Annotated[bool, Field(examples=[True])]


class ReviewOrder(Given):
    """A verdict on what stands at `head`."""

    verdict: Literal["approve", "request_changes"]
    head: Oid
    """The commit that was looked at; 409 where there are newer ones."""
    text: Description = ""
    """Needed where changes are requested."""


class FieldChoice(Given):
    """What shall stand of one field that both sides changed: a side, or a text of both."""

    path: Path
    field: Annotated[str, Field(max_length=100)]
    """As `conflicts` has it; "" for the whole document."""
    choice: Literal["ours", "theirs"] | None = None
    """`ours` is the change request's, `theirs` its base's."""
    text: Text | None = None


class UpdateOrder(Given):
    """Brings what the base did since into the change request, with decisions where they clash."""

    head: Oid
    base: Oid | None = None
    """The base's commit that the decisions were made on; 409 where it has moved."""
    decisions: Annotated[list[FieldChoice], Field(max_length=1000)] = Field(default_factory=list)


class MergeOrder(Given):
    """Merges what was looked at."""

    head: Oid


class Closing(Given):
    """Why a change request is given up."""

    text: Description = ""


class Change(Answer):
    """A change request in a list."""

    number: int
    branch: str
    title: str
    base: Environment
    state: State
    proposed_by: Person
    head: str
    """The newest commit of its branch."""
    opened_at: datetime
    updated_at: datetime
    merge_commit: str | None


class Changes(Answer):
    """Newest first."""

    items: list[Change]
    next_cursor: int | None


class Checked(Answer):
    """One check; what is `failed` keeps it from being merged."""

    name: str
    grade: Grade
    summary: str
    details: list[str]


class Reviewed(Answer):
    """Somebody's verdict, and whether it is about what stands now."""

    by: Person
    verdict: Literal["approve", "request_changes"]
    counts: bool
    at: datetime


class FieldClash(Answer):
    """A field that both sides changed: `ours` is the change request's, `theirs` its base's."""

    path: str
    field: str
    base: str | None
    ours: str | None
    theirs: str | None


class Proposed(Answer):
    """One commit that it brings."""

    commit: str
    reason: str
    created_by: Person
    created_at: datetime


class ChangeDetail(Change):
    """One change request, with all that decides whether it may be merged."""

    description: str
    base_commit: str
    """The base's commit that it is compared with."""
    paths: list[str]
    commits: list[Proposed]
    """Newest first, at most 250."""
    behind: int
    """How many commits its base is ahead."""
    checks: list[Checked]
    conflicts: list[FieldClash]
    reviews: list[Reviewed]
    approvals_required: int
    mergeable: bool


class ChangedFile(Answer):
    """A changed document: its text before and after; null where it does not stand."""

    path: str
    character: str | None
    emotion: str | None
    before: str | None
    after: str | None
    added: int
    removed: int
    unified: str
    """As `diff -u` writes it."""
    resolved: list["ResolvedChange"]
    """The first resolved texts that change by it."""
    more: bool
    """Whether it changes more of them."""


class ResolvedChange(Answer):
    """A resolved text before and after."""

    character: str
    emotion: str
    before: str | None
    after: str | None


class ChangedFiles(Answer):
    """By path."""

    items: list[ChangedFile]
    next_cursor: str | None


class ConversationEntry(Answer):
    """One thing said or done."""

    id: int
    kind: Kind
    by: Person
    at: datetime
    text: str
    head: str
    path: str | None
    line: int | None
    settled_at: datetime | None
    settled_by: str | None


class Conversation(Answer):
    """Everything said and done, oldest first."""

    items: list[ConversationEntry]


class MergeDone(Answer):
    """What a merge did."""

    change: Change
    commit: str
    """The merge commit on the base."""
    staging_commit: str | None
    """Of a hotfix: the commit that brought it to staging."""
    left: int | None
    """Of a hotfix: the change request for what staging has another text of."""
