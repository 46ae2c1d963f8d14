"""Data sync that is switched off refuses every sync, also one that a person starts."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
CONFIG = sa.table(
    "staging_config",
    sa.column("data_sync_enabled", sa.Boolean),
    sa.column("sync_schedule", sa.String),
    sa.column("next_run_at", sa.DateTime),
)


def upgrade() -> None:
    """Where the switch only kept the schedule from beginning syncs, having none says the same."""
    off = sa.update(CONFIG).where(CONFIG.c.data_sync_enabled.is_(False))
    op.execute(off.values(data_sync_enabled=True, sync_schedule="", next_run_at=None))
