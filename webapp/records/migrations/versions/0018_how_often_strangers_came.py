"""Attempts of strangers at staging count for the network that they came from, up to a bound."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Those that are there count for none; they are of days before, or of a few hours."""
    with op.batch_alter_table("staging_attempts") as table:
        table.add_column(sa.Column("network", sa.String(64), nullable=False, server_default=""))
        table.add_column(
            sa.Column("folded", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.create_index("staging_attempts_of", "staging_attempts", ["network", "at"])
