"""Whose limit a preview counts towards: a person's, whichever of their tokens asked."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Those that are there count for the account that asked, else for the token, as they did."""
    with op.batch_alter_table("previews") as table:
        table.add_column(sa.Column("counts_for", sa.String(80), nullable=False, server_default=""))
    op.execute("update previews set counts_for = coalesce('account:' || account_id, created_by)")
    op.drop_index("previews_by_person", "previews")
    op.create_index("previews_by_person", "previews", ["counts_for", "created_at"])
