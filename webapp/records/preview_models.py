"""The table of previews: what was asked, of which text, and what became of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.records.models import Base, Key, Moment


class Status(StrEnum):
    """Where a preview is; the last three are for good."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


LONGEST_NAME = 2000
"""Characters of what a service calls a clip; proxies put their own way to it into the name."""
AT_WORK = (Status.PENDING, Status.PROCESSING)

MADE = "made_at is not null"
TO_CLEAN = "completed_at is not null and cleaned_at is null"
TO_TELL = "account_id is not null and seen_at is null"


def _where(name: str, column: str, *more: str, condition: str) -> Index:
    """An index of some rows only: asking for a preview need not write into it."""
    return Index(
        name, column, *more, sqlite_where=text(condition), postgresql_where=text(condition)
    )


class Preview(Base):
    """A clip that somebody asked for; the record stays when the file is gone.

    `shown` is what the service was told besides the text, `version` and `commit` are of the prompt
    it began from, and `origin` says whether the text is that prompt's or was typed. `file` names
    it in the storage; a preview that reuses another's has the same, and both its `made_at`.
    `counts_for` is whose limit it counts towards: the person's, whichever token of theirs asked.
    """

    __tablename__ = "previews"
    __table_args__ = (
        Index("previews_by_person", "counts_for", "created_at"),
        Index("previews_by_environment", "environment", "created_at"),
        Index("previews_by_status", "status", "created_at"),
        Index("previews_by_prompt", "character_id", "emotion", "created_at"),
        _where("previews_by_fingerprint", "fingerprint", "expires_at", condition=MADE),
        _where("previews_by_file", "file", condition=MADE),
        _where("previews_to_clean", "expires_at", condition=TO_CLEAN),
        _where("previews_to_tell", "account_id", "created_at", condition=TO_TELL),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    environment: Mapped[str] = mapped_column(String(16))
    character_id: Mapped[str | None] = mapped_column(String(64))
    emotion: Mapped[str] = mapped_column(String(64))
    shown: Mapped[dict[str, Any]] = mapped_column(JSON)
    prompt_text: Mapped[str] = mapped_column(Text)
    resolved_text: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(String(16))
    version: Mapped[int | None]
    commit: Mapped[str] = mapped_column(String(40))
    service: Mapped[str] = mapped_column(String(64))
    service_settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    error: Mapped[str] = mapped_column(Text, default="")
    created_by: Mapped[str] = mapped_column(String(80))
    counts_for: Mapped[str] = mapped_column(String(80))
    account_id: Mapped[int | None] = mapped_column(
        Key, ForeignKey("accounts.id", ondelete="SET NULL")
    )
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    completed_at: Mapped[datetime | None] = mapped_column(Moment)
    cleaned_at: Mapped[datetime | None] = mapped_column(Moment)
    seen_at: Mapped[datetime | None] = mapped_column(Moment)
    seconds: Mapped[float | None] = mapped_column(Float)
    attempts: Mapped[int] = mapped_column(default=0)
    file: Mapped[str] = mapped_column(String(200), default="")
    made_at: Mapped[datetime | None] = mapped_column(Moment)
    size: Mapped[int | None]
    reused_from: Mapped[str | None] = mapped_column(String(36))
    remote_id: Mapped[str] = mapped_column(String(LONGEST_NAME), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    log: Mapped[list[str]] = mapped_column(JSON, default=list)

    @property
    def at_work(self) -> bool:
        """Whether it may still change by itself."""
        return self.status in AT_WORK

    def playable(self, now: datetime) -> bool:
        """Whether there is a clip to play, at this moment."""
        return self.status == Status.COMPLETED and now < self.expires_at
