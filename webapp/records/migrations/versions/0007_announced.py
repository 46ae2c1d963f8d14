"""Up to where each branch was told of."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds the table, and what a delivery is known by."""
    op.create_table(
        "announced",
        sa.Column("branch", sa.String(16), primary_key=True),
        sa.Column("commit", sa.String(40), nullable=False),
    )
    op.create_index("deliveries_by_message", "deliveries", ["message"])
