"""The tables of the staging environment: its configuration, rules, syncs, and who came to it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.records.models import Base, Key, Moment


class SyncStatus(StrEnum):
    """Where a sync is; one that is paused, failed or cancelled can be resumed."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNDER_WAY = (SyncStatus.PENDING, SyncStatus.IN_PROGRESS)
RESUMABLE = (SyncStatus.PAUSED, SyncStatus.FAILED, SyncStatus.CANCELLED)


class StagingConfig(Base):
    """The one staging environment as its admins set it up.

    `database_url` may be `env:NAME`, and `scheduled_by` is who saved the schedule that stands: the
    runs of the clock are theirs. `next_run_at` is when the clock begins the next one.
    """

    __tablename__ = "staging_config"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    environment_name: Mapped[str] = mapped_column(String(64), unique=True)
    database_url: Mapped[str] = mapped_column(Text)
    storage_bucket: Mapped[str] = mapped_column(String(64))
    admin_subdomain: Mapped[str] = mapped_column(String(253))
    vpn_required: Mapped[bool]
    data_sync_enabled: Mapped[bool]
    sync_schedule: Mapped[str] = mapped_column(String(120))
    last_sync_at: Mapped[datetime | None] = mapped_column(Moment)
    last_sync_status: Mapped[str] = mapped_column(String(16))
    anonymization_enabled: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    updated_by: Mapped[str] = mapped_column(String(80))
    scheduled_by: Mapped[str] = mapped_column(String(80))
    next_run_at: Mapped[datetime | None] = mapped_column(Moment)


class SyncRules(Base):
    """One version of the rules of a sync, as YAML; never changed once it is there.

    `why` tells for `table` and `column` why a rule is what it is.
    """

    __tablename__ = "sync_rules"

    version: Mapped[int] = mapped_column(Key, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    why: Mapped[dict[str, dict[str, str]]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(String(500))
    saved_by: Mapped[str] = mapped_column(String(80))
    saved_at: Mapped[datetime] = mapped_column(Moment)


class Sync(Base):
    """A sync that somebody, or the clock, asked for; resuming it goes on in the same record.

    `tables` is what was chosen (none: all), `counts` what became of each table's rows, and
    `samples` what a dry run shows of them: originals are masked in it. `missed` is a run of the
    schedule that never began. `processes` are those of the worker that carries it out; with one
    of them, and `share`, other workers fill parts of large, empty tables.
    """

    __tablename__ = "syncs"
    __table_args__ = (
        Index("syncs_newest", "created_at"),
        Index(
            "syncs_one_at_a_time",
            "environment",
            unique=True,
            sqlite_where=text("status in ('pending', 'in_progress')"),
            postgresql_where=text("status in ('pending', 'in_progress')"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sync_id: Mapped[str] = mapped_column(String(64), unique=True)
    environment: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    records_synced: Mapped[int] = mapped_column(Key)
    records_failed: Mapped[int] = mapped_column(Key)
    anonymization_applied: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    completed_at: Mapped[datetime | None] = mapped_column(Moment)
    error_message: Mapped[str] = mapped_column(Text)
    initiated_by: Mapped[str] = mapped_column(String(80))
    scheduled: Mapped[bool]
    missed: Mapped[bool]
    tables: Mapped[list[str]] = mapped_column(JSON)
    dry_run: Mapped[bool]
    reset: Mapped[bool]
    restart: Mapped[bool]
    indexes_last: Mapped[bool]
    processes: Mapped[int]
    share: Mapped[bool]
    rules_version: Mapped[int] = mapped_column(Key)
    attempts: Mapped[int]
    queued_again: Mapped[int]
    cancelled_at: Mapped[datetime | None] = mapped_column(Moment)
    cancelled_by: Mapped[str] = mapped_column(String(80))
    counts: Mapped[dict[str, dict[str, int]]] = mapped_column(JSON)
    warnings: Mapped[list[str]] = mapped_column(JSON)
    samples: Mapped[list[dict[str, Any]]] = mapped_column(JSON)

    @property
    def under_way(self) -> bool:
        """Whether it may still change by itself."""
        return self.status in UNDER_WAY

    @property
    def resumable(self) -> bool:
        """Whether it can go on from where it stopped."""
        return self.status in RESUMABLE and not self.missed and not self.dry_run


class SyncConflict(Base):
    """A row that both sides moved since the last sync, and what was decided about it.

    There are fakes and staging's own values in it, no originals. `settled_at` is when a run
    carried the decision out.
    """

    __tablename__ = "sync_conflicts"
    __table_args__ = (Index("sync_conflicts_of", "sync", "settled_at", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    sync: Mapped[str] = mapped_column(String(36), ForeignKey("syncs.id", ondelete="CASCADE"))
    table: Mapped[str] = mapped_column(Text)
    row_key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(64))
    columns: Mapped[list[str]] = mapped_column(JSON)
    moved: Mapped[list[str]] = mapped_column(JSON)
    base: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    production: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    staging: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    decision: Mapped[str] = mapped_column(String(16))
    take: Mapped[dict[str, str]] = mapped_column(JSON)
    decided_by: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_at: Mapped[datetime | None] = mapped_column(Moment)


class AccessAttempt(Base):
    """Somebody came to a page or an address of staging, let in or not.

    The same within a minute is one row, and `times` says how often. Attempts of strangers count for
    their `network`: what goes beyond its rows of a day is `folded` into one more, which is of the
    last of them.
    """

    __tablename__ = "staging_attempts"
    __table_args__ = (
        Index("staging_attempts_same", "actor", "address", "last_at"),
        Index("staging_attempts_of", "network", "at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    last_at: Mapped[datetime] = mapped_column(Moment)
    times: Mapped[int]
    actor: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(64))
    host: Mapped[str] = mapped_column(String(255))
    method: Mapped[str] = mapped_column(String(16))
    path: Mapped[str] = mapped_column(String(300))
    outcome: Mapped[str] = mapped_column(String(16))
    why: Mapped[str] = mapped_column(String(120))
    request_id: Mapped[str] = mapped_column(String(64))
    network: Mapped[str] = mapped_column(String(64), default="", server_default="")
    folded: Mapped[bool] = mapped_column(default=False, server_default=false())
