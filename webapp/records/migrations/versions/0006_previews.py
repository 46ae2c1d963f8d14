"""Previews."""

import sqlalchemy as sa
from alembic import op

from webapp.records.models import Key, Moment

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Makes the table and what it is looked up by."""
    op.create_table("previews", *_what_was_asked(), *_what_became_of_it())
    for name, columns in (
        ("previews_by_person", ["created_by", "created_at"]),
        ("previews_by_environment", ["environment", "created_at"]),
        ("previews_by_status", ["status", "created_at"]),
        ("previews_by_fingerprint", ["fingerprint", "expires_at"]),
        ("previews_by_file", ["file"]),
        ("previews_to_clean", ["cleaned_at", "expires_at"]),
        ("previews_to_tell", ["account_id", "seen_at", "created_at"]),
        ("previews_by_prompt", ["character_id", "emotion", "created_at"]),
    ):
        op.create_index(name, "previews", columns)


def _what_was_asked() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("environment", sa.String(16), nullable=False),
        sa.Column("character_id", sa.String(64)),
        sa.Column("emotion", sa.String(64), nullable=False),
        sa.Column("shown", sa.JSON, nullable=False),
        sa.Column("prompt_text", sa.Text, nullable=False),
        sa.Column("resolved_text", sa.Text, nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("service_settings", sa.JSON, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_by", sa.String(80), nullable=False),
        sa.Column("account_id", Key, sa.ForeignKey("accounts.id", ondelete="SET NULL")),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
    ]


def _what_became_of_it() -> list[sa.Column[object]]:
    return [
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("started_at", Moment),
        sa.Column("completed_at", Moment),
        sa.Column("cleaned_at", Moment),
        sa.Column("seen_at", Moment),
        sa.Column("seconds", sa.Float),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("file", sa.String(200), nullable=False),
        sa.Column("made_at", Moment),
        sa.Column("size", sa.Integer),
        sa.Column("reused_from", sa.String(36)),
        sa.Column("remote_id", sa.String(200), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("log", sa.JSON, nullable=False),
    ]
