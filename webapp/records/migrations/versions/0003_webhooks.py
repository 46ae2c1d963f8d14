"""Webhooks and the outbox of their deliveries."""

import sqlalchemy as sa
from alembic import op

from webapp.records.models import Key, Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the two tables."""
    op.create_table(
        "webhooks",
        sa.Column("id", Key, primary_key=True),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("made_by", Key, sa.ForeignKey("accounts.id", ondelete="SET NULL"), nullable=True),
        sa.Column("created_at", Moment, nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", Key, primary_key=True),
        sa.Column(
            "webhook_id",
            Key,
            sa.ForeignKey("webhooks.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("message", sa.String(64), nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due_at", Moment, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tried_at", Moment, nullable=True),
        sa.Column("status", sa.Integer, nullable=True),
        sa.Column("answer", sa.Text, nullable=False),
    )
    op.create_index("deliveries_due", "deliveries", ["state", "due_at"])
    op.create_index("deliveries_of_webhook", "deliveries", ["webhook_id", "id"])
