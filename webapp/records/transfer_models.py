"""The table of exports and imports: what was asked for, and what became of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.records.models import Base, Key, Moment


class Kind(StrEnum):
    """Which way prompts go."""

    EXPORT = "export"
    IMPORT = "import"


class Status(StrEnum):
    """Where an export is (the first five), or an import (all but `completed`).

    `landing` is an import whose branch moves just now, so that it can't be called off any more.
    """

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PREVIEWED = "previewed"
    REFUSED = "refused"
    IMPORTING = "importing"
    LANDING = "landing"
    IMPORTED = "imported"
    PROPOSED = "proposed"
    UNDONE = "undone"


AT_WORK = (Status.PENDING, Status.PROCESSING)


class Transfer(Base):
    """One export or import. `commit` is what an export shows, or an import's preview is of.

    `options` are what was asked for; `facts` what was found: counts, problems, commits.
    """

    __tablename__ = "transfers"
    __table_args__ = (
        Index("transfers_by_person", "created_by", "created_at"),
        Index("transfers_by_kind", "kind", "created_at"),
        Index("transfers_to_clean", "cleaned_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    environment: Mapped[str] = mapped_column(String(16))
    commit: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(16))
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    error: Mapped[str] = mapped_column(Text, default="")
    file: Mapped[str] = mapped_column(String(200), default="")
    size: Mapped[int | None] = mapped_column(BigInteger)
    created_by: Mapped[str] = mapped_column(String(80))
    account_id: Mapped[int | None] = mapped_column(
        Key, ForeignKey("accounts.id", ondelete="SET NULL")
    )
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    completed_at: Mapped[datetime | None] = mapped_column(Moment)
    cleaned_at: Mapped[datetime | None] = mapped_column(Moment)

    @property
    def at_work(self) -> bool:
        """Whether it may still change by itself."""
        return self.status in AT_WORK
