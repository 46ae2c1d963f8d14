"""The staging environment: configuration, rules, syncs with their conflicts, attempts to enter."""

import sqlalchemy as sa
from alembic import op

from webapp.records.models import Key, Moment

revision = "0008"
down_revision = "0007"
ONE_AT_A_TIME = sa.text("status in ('pending', 'in_progress')")


def upgrade() -> None:
    """Makes the tables and what they are looked up by."""
    _config()
    _rules()
    _syncs()
    _conflicts()
    _attempts()


def _text(name: str, length: int = 0) -> "sa.Column[object]":
    return sa.Column(name, sa.String(length) if length else sa.Text, nullable=False)


def _needed(name: str, kind: object) -> "sa.Column[object]":
    return sa.Column(name, kind, nullable=False)  # type: ignore[arg-type]


def _config() -> None:
    op.create_table(
        "staging_config",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("environment_name", sa.String(64), nullable=False, unique=True),
        _text("database_url"),
        _text("storage_bucket", 64),
        _text("admin_subdomain", 253),
        _needed("vpn_required", sa.Boolean),
        _needed("data_sync_enabled", sa.Boolean),
        _text("sync_schedule", 120),
        sa.Column("last_sync_at", Moment),
        _text("last_sync_status", 16),
        _needed("anonymization_enabled", sa.Boolean),
        _needed("created_at", Moment),
        _needed("updated_at", Moment),
        _text("updated_by", 80),
        _text("scheduled_by", 80),
        sa.Column("next_run_at", Moment),
    )


def _rules() -> None:
    op.create_table(
        "sync_rules",
        sa.Column("version", Key, primary_key=True),
        _text("text"),
        _needed("why", sa.JSON),
        _text("reason", 500),
        _text("saved_by", 80),
        _needed("saved_at", Moment),
    )


def _syncs() -> None:
    op.create_table(
        "syncs",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("sync_id", sa.String(64), nullable=False, unique=True),
        _text("environment", 64),
        _text("status", 16),
        _needed("records_synced", Key),
        _needed("records_failed", Key),
        _needed("anonymization_applied", sa.Boolean),
        _needed("created_at", Moment),
        sa.Column("started_at", Moment),
        sa.Column("completed_at", Moment),
        _text("error_message"),
        _text("initiated_by", 80),
        *(_needed(name, sa.Boolean) for name in ("scheduled", "missed")),
        _needed("tables", sa.JSON),
        *(_needed(name, sa.Boolean) for name in ("dry_run", "reset", "restart")),
        _needed("rules_version", Key),
        *(_needed(name, sa.Integer) for name in ("attempts", "queued_again")),
        sa.Column("cancelled_at", Moment),
        _text("cancelled_by", 80),
        *(_needed(name, sa.JSON) for name in ("counts", "warnings", "samples")),
    )
    op.create_index("syncs_newest", "syncs", ["created_at"])
    op.create_index(
        "syncs_one_at_a_time",
        "syncs",
        ["environment"],
        unique=True,
        sqlite_where=ONE_AT_A_TIME,
        postgresql_where=ONE_AT_A_TIME,
    )


def _conflicts() -> None:
    op.create_table(
        "sync_conflicts",
        sa.Column("id", Key, primary_key=True),
        sa.Column(
            "sync", sa.String(36), sa.ForeignKey("syncs.id", ondelete="CASCADE"), nullable=False
        ),
        _text("table"),
        _text("row_key"),
        _text("kind", 64),
        *(_needed(name, sa.JSON) for name in ("columns", "moved")),
        *(sa.Column(name, sa.JSON(none_as_null=True)) for name in SIDES),
        _text("decision", 16),
        _needed("take", sa.JSON),
        _text("decided_by", 80),
        sa.Column("decided_at", Moment),
        sa.Column("settled_at", Moment),
    )
    op.create_index("sync_conflicts_of", "sync_conflicts", ["sync", "settled_at", "id"])


SIDES = ("base", "production", "staging")


def _attempts() -> None:
    op.create_table(
        "staging_attempts",
        sa.Column("id", Key, primary_key=True),
        sa.Column("at", Moment, nullable=False, index=True),
        _needed("last_at", Moment),
        _needed("times", sa.Integer),
        _text("actor", 80),
        _text("address", 64),
        _text("host", 255),
        _text("method", 16),
        _text("path", 300),
        _text("outcome", 16),
        _text("why", 120),
        _text("request_id", 64),
    )
    op.create_index("staging_attempts_same", "staging_attempts", ["actor", "address", "last_at"])
