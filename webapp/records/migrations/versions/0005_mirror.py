"""How the mirror stands."""

import sqlalchemy as sa
from alembic import op

from webapp.records.models import Key, Moment

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "mirror",
        sa.Column("id", Key, primary_key=True),
        sa.Column("leased_until", Moment),
        sa.Column("began_at", Moment),
        sa.Column("done_at", Moment),
        sa.Column("pushed_at", Moment),
        sa.Column("taken_at", Moment),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("branches", sa.JSON, nullable=False),
    )
