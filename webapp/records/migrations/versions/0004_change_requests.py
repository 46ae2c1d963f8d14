"""Change requests, and what was said and done about them."""

import sqlalchemy as sa
from alembic import op

from webapp.records.models import Key, Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Makes the two tables."""
    _requests()
    _entries()


def _requests() -> None:
    op.create_table(
        "change_requests",
        sa.Column("number", Key, primary_key=True),
        sa.Column("slug", sa.String(120), nullable=False, index=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("base", sa.String(16), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        *_who(),
        sa.Column("head", sa.String(40), nullable=False),
        sa.Column("base_head", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(40), nullable=False),
        sa.Column("merge_commit", sa.String(40)),
        sa.Column("opened_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
    )
    op.create_index("change_requests_by_state", "change_requests", ["state", "number"])
    op.create_index(
        "change_requests_open",
        "change_requests",
        ["slug"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _entries() -> None:
    op.create_table(
        "change_entries",
        sa.Column("id", Key, primary_key=True),
        sa.Column(
            "number",
            Key,
            sa.ForeignKey("change_requests.number", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", Moment, nullable=False),
        *_who(),
        sa.Column("head", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(40), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("line", sa.Integer),
        sa.Column("settled_at", Moment),
        sa.Column("settled_by", sa.String(128), nullable=False),
    )
    op.create_index("change_entries_by_number", "change_entries", ["number", "id"])


def _who() -> list[sa.Column[object]]:
    return [
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("account_id", Key, sa.ForeignKey("accounts.id", ondelete="SET NULL")),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
    ]
