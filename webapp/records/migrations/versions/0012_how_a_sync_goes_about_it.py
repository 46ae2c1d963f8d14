"""How a sync goes about it: indexes last, processes, shared among workers."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Adds what syncs had by default so far."""
    with op.batch_alter_table("syncs") as table:
        for name, kind, usual in (
            ("indexes_last", sa.Boolean, sa.false()),
            ("processes", sa.Integer, sa.text("1")),
            ("share", sa.Boolean, sa.true()),
        ):
            table.add_column(sa.Column(name, kind, nullable=False, server_default=usual))
