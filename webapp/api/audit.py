"""The audit log over the API: who did what, when, from where; filters, and a cursor."""

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response, jsonify
from pydantic import Field

from prompt_repo.errors import InvalidDocument, Problem
from webapp import audit_reading, audit_trails
from webapp.access import Scope
from webapp.api import asking, blueprint
from webapp.api.intake import Given, Limit
from webapp.api.routing import Operation, route
from webapp.api.schemas import Answer
from webapp.audit_words import Kind
from webapp.services import records

Word = Annotated[str | None, Field(max_length=audit_reading.LONGEST)]


class ListingAudit(Given):
    """Which entries: those that have all of what is said."""

    subject: Word = Field(None, description="A part of what it was about.")
    actor: Word = Field(
        None, description="Who: `person:sam` or `token:3:ci` exactly, or a part of that."
    )
    kind: Literal[tuple(each.value for each in Kind)] | None = Field(  # type: ignore[valid-type]
        None, description="What it was about, broadly."
    )
    action: Word = Field(None, description="What was done, by its own name.")
    outcome: Literal["done", "failed", "refused"] | None = None
    address: Word = Field(None, description="How the client's address begins.")
    request: Word = Field(None, description="The id of the request.")
    path: Word = Field(None, description="The file of a prompt.", examples=["defaults/idle.yaml"])
    commit: Word = Field(None, description="How the id of the commit begins.")
    detail: Word = Field(None, description="A part of what was before, after, or told besides.")
    since: Word = Field(None, description="A time of RFC 3339, or a day, in UTC.")
    until: Word = Field(None, description="A time of RFC 3339, or a day, which is let in.")
    cursor: Annotated[str | None, Field(pattern="^[0-9]{1,18}$")] = Field(
        None, description="`next_cursor` of the page before."
    )
    limit: Limit = 100


class AuditEntry(Answer):
    """Something that was done or tried, by whom, when, and from where."""

    id: int
    at: datetime
    actor: str
    """`person:sam`, `token:3:ci`, `command line`, or a part of the server."""
    action: str
    words: str
    """What the action is called on the pages."""
    subject: str
    path: str
    """The file of the prompt that it was about; empty where it was about none, or about many."""
    commit: str
    """The commit that was written, or that it was about; empty where there was none."""
    outcome: Literal["done", "failed", "refused"]
    status: int
    """The HTTP status; 0 where it was no request."""
    address: str
    request_id: str
    detail: dict[str, Any]
    previous_hash: str
    hash: str
    """SHA-256 of `previous_hash` and of this entry, as docs/operating.md says."""


class AuditLog(Answer):
    """Entries of the audit log, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None


@route(
    blueprint,
    "GET",
    "/v1/audit",
    Scope.ADMIN,
    "audit",
    Operation("Who did what, when, from where", {200: AuditLog}, query=ListingAudit),
)
def audit() -> Response:
    """Entries that have all of what is asked for, newest first, a page at a time."""
    asked = asking.query(ListingAudit)
    texts = asked.model_dump(exclude_none=True, exclude={"cursor", "limit"})
    _check_times(texts)
    before = int(asked.cursor) if asked.cursor else None
    found = audit_reading.page(records(), audit_trails.asked(texts), before, asked.limit)
    cursor = str(found.next_before) if found.next_before else None
    items = [audit_reading.told(each) for each in found.entries]
    return jsonify({"items": items, "next_cursor": cursor})


def _check_times(texts: dict[str, str]) -> None:
    for name in ("since", "until"):
        if name in texts and audit_reading.moment(texts[name]) is None:
            said = "give a time such as 2026-11-25T09:00:00Z, or a day such as 2026-11-25"
            raise InvalidDocument([Problem("query", said, field=name)])
