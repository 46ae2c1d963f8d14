"""Exports and imports."""

import sqlalchemy as sa
from alembic import op

from webapp.records.models import Key, Moment

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Makes the table and what it is looked up by."""
    op.create_table(
        "transfers",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("environment", sa.String(16), nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("file", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger),
        sa.Column("created_by", sa.String(80), nullable=False),
        sa.Column("account_id", Key, sa.ForeignKey("accounts.id", ondelete="SET NULL")),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("started_at", Moment),
        sa.Column("completed_at", Moment),
        sa.Column("cleaned_at", Moment),
    )
    for name, columns in (
        ("transfers_by_person", ["created_by", "created_at"]),
        ("transfers_by_kind", ["kind", "created_at"]),
        ("transfers_to_clean", ["cleaned_at", "expires_at"]),
    ):
        op.create_index(name, "transfers", columns)
