"""Bodies of the API that are about previews, in and out."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from webapp import clock, previews
from webapp.api.intake import IDENT, INTEGRAL, MOST_VERSIONS, Given, Text
from webapp.api.schemas import Answer
from webapp.records.preview_models import Preview as Record
from webapp.records.preview_models import Status

OURS = frozenset({previews.ANEW, "queued_again"})
"""Facts of a preview that are about its job, not its clip."""


class Testing(Given):
    """What to preview: a text not saved yet, or a version, not both; else what stands."""

    prompt_text: Text | None = None
    version: Annotated[int, Field(ge=1, le=MOST_VERSIONS, examples=[1]), INTEGRAL] | None = None
    reader: str | None = Field(
        None,
        pattern=IDENT,
        examples=["aria"],
        description="For a global default: the character whose name and variables fill it in; "
        "without it the first who reads the default.",
    )
    reuse: bool = Field(
        True, description="Whether a live clip of the same text, service and settings will do."
    )


class Progress(Answer):
    """How far a preview is."""

    percent: int
    doing: str
    """What it does now."""
    log: list[str]
    """What its job has said."""


class Preview(Answer):
    """A temporary clip of one resolved prompt; it is never saved to the repository."""

    id: UUID
    status: Literal["pending", "processing", "completed", "failed", "cancelled"]
    environment: Literal["staging", "production"]
    character_id: str | None
    emotion: str
    prompt_text: str
    """As it was written or typed."""
    resolved_text: str
    """What the video service got."""
    origin: Literal["typed", "saved", "version", "proposed"]
    """Whether the text was typed, stood in the repository, or is of a change request."""
    version: int | None
    """The version it is, or for a typed text the one it began from."""
    commit: str
    service: str
    settings: dict[str, Any]
    """What shaped the clip besides the text."""
    video_url: str | None
    """Where the clip is, once it is completed and until it expires."""
    error: str | None
    """Why it failed, in the video service's own words."""
    reused_from: UUID | None
    """The preview whose clip this one shows too."""
    created_by: str
    created_at: datetime
    expires_at: datetime
    """24 hours after it was asked for."""
    started_at: datetime | None
    completed_at: datetime | None
    seconds: float | None
    """How long the making took."""
    size: int | None
    """Bytes."""
    attempts: int
    facts: dict[str, Any]
    """What the service tells of the clip; of local animatics the beats with their times."""
    progress: Progress


def preview(found: Record, video_url: str | None, progress: dict[str, Any]) -> dict[str, Any]:
    """A preview as the API gives it out."""
    return {
        "id": found.id,
        "status": found.status,
        "environment": found.environment,
        "character_id": found.character_id,
        "emotion": found.emotion,
        "prompt_text": found.prompt_text,
        "resolved_text": found.resolved_text,
        "origin": found.origin,
        "version": found.version,
        "commit": found.commit,
        "service": found.service,
        "settings": found.service_settings,
        "video_url": video_url,
        "error": found.error if found.status == Status.FAILED else None,
        "reused_from": found.reused_from,
        "created_by": found.created_by,
        "created_at": _time(found.created_at),
        "expires_at": _time(found.expires_at),
        "started_at": _time(found.started_at),
        "completed_at": _time(found.completed_at),
        "seconds": found.seconds,
        "size": found.size,
        "attempts": found.attempts,
        "facts": {name: each for name, each in found.facts.items() if name not in OURS},
        "progress": progress,
    }


def _time(moment: datetime | None) -> str | None:
    return clock.plain(moment) if moment else None
