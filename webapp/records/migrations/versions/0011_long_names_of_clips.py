"""Room for what proxies of video services call a clip: theirs, and the way to it, in one name."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Makes the name of a clip on the service's side ten times as long."""
    with op.batch_alter_table("previews") as table:
        table.alter_column(
            "remote_id",
            existing_type=sa.String(200),
            type_=sa.String(2000),
            existing_nullable=False,
        )
