"""Passwords that are good once, when somebody last came, and people of an identity provider."""

import sqlalchemy as sa
from alembic import op

from webapp.records.models import Key, Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the columns and the table."""
    op.add_column("accounts", sa.Column("one_time_until", Moment))
    op.add_column("accounts", sa.Column("logged_in_at", Moment))
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(512), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column(
            "account_id",
            Key,
            sa.ForeignKey("accounts.id", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
    )
