"""What the API takes and gives out about the staging environment and its syncs."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from webapp import clock, staging_values
from webapp.api.intake import INTEGRAL, SPELLED, Given
from webapp.api.schemas import Answer
from webapp.records.staging_models import StagingConfig, Sync, SyncConflict
from webapp.staging_health import Status
from webapp.sync_conflicts import Standing as Sums
from webapp.sync_progress import Standing

State = Literal["ok", "warn", "failing", "not set up"]
MOST_ID = 10**15 - 1
SyncState = Literal["pending", "in_progress", "paused", "completed", "failed", "cancelled"]
Side = Literal["production", "staging"]
Plain = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00-\x1f\x7f]*$")]
TableName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class HealthPart(Answer):
    """One part that staging stands on."""

    name: str
    state: State
    said: str
    milliseconds: float | None
    version: str
    free_bytes: int | None


class IsolationCheck(Answer):
    """One thing in which staging must differ from production."""

    name: str
    state: State
    said: str


class StagingStatus(Answer):
    """How the environment is."""

    state: State
    """The worst of all parts and checks."""
    parts: list[HealthPart]
    isolation: list[IsolationCheck]
    drift: dict[str, int]
    """How many documents differ from production's, by what became of them."""
    last_sync_at: datetime | None
    last_sync_status: Literal["success", "failed", "pending"]
    running_sync: UUID | None
    next_syncs: list[datetime]


class StagingConfiguration(Answer):
    """Where staging is, who may enter, and when it syncs by itself."""

    id: UUID
    environment_name: str
    database_url: str
    """Its password is covered; `env:NAME` where it stands in the environment."""
    storage_bucket: str
    admin_subdomain: str
    vpn_required: bool
    data_sync_enabled: bool
    """Without it nothing is synced, by hand or on the schedule."""
    sync_schedule: str
    """Five fields of cron, in UTC; empty where no sync begins by itself."""
    last_sync_at: datetime | None
    last_sync_status: Literal["success", "failed", "pending"]
    anonymization_enabled: bool
    """Without it nothing is synced."""
    created_at: datetime
    updated_at: datetime


class ConfigurationChange(Given):
    """What changes; what is left out stays as it is."""

    environment_name: Plain | None = None
    database_url: Plain | None = None
    storage_bucket: Plain | None = None
    admin_subdomain: Plain | None = None
    vpn_required: bool | None = None
    data_sync_enabled: bool | None = None
    sync_schedule: Plain | None = None
    anonymization_enabled: bool | None = None


class SyncOrder(Given):
    """What to sync, and how."""

    tables: list[TableName] = Field(
        default_factory=list, max_length=2000, description="Only these; without it all."
    )
    dry_run: bool = Field(False, description="Look and count; write nothing.")
    reset: bool = Field(False, description="Discard what was changed in staging alone.")
    indexes_last: bool = Field(
        False, description="Build indexes and keys of empty tables once their rows are in."
    )
    processes: Annotated[int, Field(ge=1, le=64), INTEGRAL] = Field(
        1, description="How many processes of one worker fill large, empty tables."
    )
    share: bool = Field(
        True, description="Where one process fills them, other workers help to fill them."
    )


class TableProgress(Answer):
    """How far one table is."""

    table: str
    done: int
    expected: int
    bytes: int


class SyncProgress(Answer):
    """How far a sync is that is under way."""

    doing: str
    percent: int
    seconds_left: float | None
    tables: list[TableProgress]


class ConflictSums(Answer):
    """How many rows moved on both sides, and about how many it is decided."""

    open: int
    decided: int
    tables: dict[str, int]


class SyncRun(Answer):
    """One sync."""

    id: UUID
    sync_id: str
    environment: str
    status: SyncState
    records_synced: int
    """Rows of production that staging now has as fakes."""
    records_failed: int
    """Rows that it has not: in conflict, or found to hold originals."""
    anonymization_applied: bool
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    error_message: str | None
    initiated_by: str
    """Who started it; of a scheduled one, who saved the schedule."""
    scheduled: bool
    missed: bool
    """Whether it is a run of the schedule that never began."""
    dry_run: bool
    reset: bool
    indexes_last: bool
    processes: int
    share: bool
    tables: list[str]
    rules_version: int
    attempts: int
    cancelling: bool
    resumable: bool
    counts: dict[str, dict[str, int]]
    """What became of each table's rows."""
    warnings: list[str]
    conflicts: ConflictSums
    progress: SyncProgress | None


class SyncRunDetail(SyncRun):
    """One sync with what a try of it shows."""

    samples: list[dict[str, Any]]
    """Ten rows of each table before (covered) and after; of a dry run alone."""


class SyncRunList(Answer):
    """Syncs, newest first."""

    items: list[SyncRun]
    next_cursor: str | None


class Listing(Given):
    """Which part of a list."""

    cursor: Annotated[str, Field(max_length=36)] | None = None
    limit: Annotated[int, Field(ge=1, le=100), SPELLED] = 30


class ListingConflicts(Given):
    """Which part of the conflicts, and of which table."""

    cursor: Annotated[int, Field(ge=0, le=MOST_ID), SPELLED] = 0
    limit: Annotated[int, Field(ge=1, le=500), SPELLED] = 50
    table: TableName | None = None


class RowConflict(Answer):
    """A row that both sides moved. Production's values are fakes; null where a side has no row."""

    id: int
    table: str
    key: str
    kind: str
    columns: list[str]
    moved: list[str]
    """The columns that a merge must be told about."""
    base: list[Any] | None
    production: list[Any] | None
    staging: list[Any] | None
    decision: Literal["overwrite", "skip", "merge"] | None
    take: dict[str, Side]
    decided_by: str | None
    decided_at: datetime | None


class ConflictList(Answer):
    """Open conflicts of a sync."""

    items: list[RowConflict]
    next_cursor: int | None
    sums: ConflictSums


class Resolution(Given):
    """What is done about some conflicts: those of these ids, of a table, or with neither all."""

    action: Literal["overwrite", "skip", "merge"]
    conflicts: list[Annotated[int, Field(ge=1, le=MOST_ID), INTEGRAL]] = Field(
        default_factory=list, max_length=10_000
    )
    table: TableName | None = None
    take: dict[Annotated[str, Field(max_length=200)], Side] = Field(
        default_factory=dict,
        description="For a merge: whose value each moved column takes; `*` speaks for the rest.",
    )
    undecided: bool = Field(False, description="Leave what is decided already as it is.")
    resume: bool = Field(False, description="Resume the sync once all are decided.")


class Decided(Answer):
    """What was decided, and how the sync stands."""

    decided: int
    sums: ConflictSums
    sync: SyncRun


def configuration(found: StagingConfig) -> dict[str, Any]:
    """The configuration as the API gives it out."""
    return {
        "id": found.id,
        "environment_name": found.environment_name,
        "database_url": staging_values.masked(found.database_url),
        "storage_bucket": found.storage_bucket,
        "admin_subdomain": found.admin_subdomain,
        "vpn_required": found.vpn_required,
        "data_sync_enabled": found.data_sync_enabled,
        "sync_schedule": found.sync_schedule,
        "last_sync_at": time(found.last_sync_at),
        "last_sync_status": found.last_sync_status,
        "anonymization_enabled": found.anonymization_enabled,
        "created_at": time(found.created_at),
        "updated_at": time(found.updated_at),
    }


def status(found: Status, config: StagingConfig, running: Sync | None, runs: list[datetime]) -> Any:
    """The state of the environment as the API gives it out."""
    return {
        "state": found.state,
        "parts": [
            {name: getattr(part, name) for name in HealthPart.model_fields} for part in found.parts
        ],
        "isolation": [
            {name: getattr(each, name) for name in IsolationCheck.model_fields}
            for each in found.isolation
        ],
        "drift": found.drift,
        "last_sync_at": time(config.last_sync_at),
        "last_sync_status": config.last_sync_status,
        "running_sync": running.id if running else None,
        "next_syncs": [time(run) for run in runs],
    }


PLAIN = (
    "id", "sync_id", "environment", "status", "records_synced", "records_failed",
    "anonymization_applied", "initiated_by", "scheduled", "missed", "dry_run", "reset",
    "indexes_last", "processes", "share", "tables",
    "rules_version", "attempts", "counts", "warnings",
)  # fmt: skip


def sync_run(found: Sync, sums: Sums, standing: Standing | None, resumable: bool) -> dict[str, Any]:
    """A sync as the API gives it out."""
    return {
        **{name: getattr(found, name) for name in PLAIN},
        "created_at": time(found.created_at),
        "started_at": time(found.started_at),
        "completed_at": time(found.completed_at),
        "error_message": found.error_message or None,
        "cancelling": found.under_way and found.cancelled_at is not None,
        "resumable": resumable,
        "conflicts": conflict_sums(sums),
        "progress": _progress(standing) if standing is not None else None,
    }


def conflict_sums(sums: Sums) -> dict[str, Any]:
    """The sums of conflicts."""
    return {"open": sums.open, "decided": sums.decided, "tables": dict(sums.tables)}


def conflict(row: SyncConflict) -> dict[str, Any]:
    """A conflict as the API gives it out."""
    plain = ("id", "table", "kind", "columns", "moved", "base", "production", "staging", "take")
    return {
        **{name: getattr(row, name) for name in plain},
        "key": row.row_key,
        "decision": row.decision or None,
        "decided_by": row.decided_by or None,
        "decided_at": time(row.decided_at),
    }


def _progress(standing: Standing) -> dict[str, Any]:
    return {
        "doing": standing.doing,
        "percent": standing.percent,
        "seconds_left": standing.seconds_left,
        "tables": [
            {"table": name, "done": each.done, "expected": each.expected, "bytes": each.bytes}
            for name, each in standing.tables.items()
        ],
    }


def time(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return clock.plain(moment) if moment else None
