"""Accounts, log-ins, tokens and the audit log."""

import sqlalchemy as sa
from alembic import op

from webapp.records.models import Key, Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the first tables."""
    _accounts()
    _tokens()
    _audit()
    _keep_audit_entries()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", Key, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("display_name", sa.String(128), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
    )
    op.create_table(
        "logins",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column(
            "account_id",
            Key,
            sa.ForeignKey("accounts.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False, index=True),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", Key, primary_key=True),
        sa.Column("key", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("environments", sa.JSON),
        sa.Column("made_by", Key, sa.ForeignKey("accounts.id", ondelete="SET NULL")),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment),
        sa.Column("revoked_at", Moment),
        sa.Column("used_at", Moment),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", Key, primary_key=True),
        sa.Column("at", Moment, nullable=False, index=True),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("action", sa.String(80), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary),
        sa.Column("hash", sa.LargeBinary),
    )
    op.create_index("audit_by_actor", "audit", ["actor", "id"])
    op.create_index("audit_by_subject", "audit", ["subject", "id"])


def _keep_audit_entries() -> None:
    """The database itself refuses to change or delete what the audit log says."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"create trigger audit_keeps_{verb} before {verb} on audit begin "
                "select raise(abort, 'the audit log is append-only'); end"
            )
        return
    op.execute(
        "create function audit_keeps() returns trigger language plpgsql as "
        "$$ begin raise exception 'the audit log is append-only'; end $$"
    )
    op.execute(
        "create trigger audit_keeps before update or delete or truncate on audit "
        "for each statement execute function audit_keeps()"
    )
