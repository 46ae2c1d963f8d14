"""The audit log as a chain: hashes of what stands already, seals, and cuts of what is sealed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection

from webapp.audit_chain import GENESIS, digest
from webapp.records.models import Key, Moment

revision = "0010"
down_revision = "0009"
ENTRIES = sa.table(
    "audit",
    sa.column("id", Key),
    sa.column("at", Moment),
    *(
        sa.column(name, sa.String)
        for name in ("actor", "action", "subject", "path", "commit", "outcome")
    ),
    sa.column("status", sa.Integer),
    sa.column("address", sa.String),
    sa.column("request_id", sa.String),
    sa.column("detail", sa.JSON),
    sa.column("previous_hash", sa.LargeBinary),
    sa.column("hash", sa.LargeBinary),
)
AT_A_TIME = 1_000
REFUSAL = "select raise(abort, 'the audit log is append-only'); end"


def upgrade() -> None:
    """Chains the entries, and lets only what is sealed be deleted."""
    _let_go()
    op.add_column("audit", sa.Column("path", sa.String(160), nullable=False, server_default=""))
    op.add_column("audit", sa.Column("commit", sa.String(64), nullable=False, server_default=""))
    op.create_table(
        "audit_seals",
        sa.Column("through", Key, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("since", Moment, nullable=False),
        sa.Column("until", Moment, nullable=False),
        sa.Column("at", Moment, nullable=False),
    )
    _chain(op.get_bind())
    for name, columns in (
        ("audit_by_action", ["action", "id"]),
        ("audit_by_path", ["path", "id"]),
        ("audit_by_commit", ["commit", "id"]),
        ("audit_by_request", ["request_id"]),
    ):
        op.create_index(name, "audit", columns)
    if op.get_bind().dialect.name == "sqlite":
        _keep_on_sqlite()
    else:
        _keep_on_postgresql()


def _let_go() -> None:
    """Takes the guards of 0001 away, which know of no seals."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(f"drop trigger audit_keeps_{verb}")
        return
    op.execute("drop trigger audit_keeps on audit")
    op.execute("drop function audit_keeps()")


def _chain(connection: Connection) -> None:
    """Numbers and hashes what stands there, oldest first; the numbers on PostgreSQL had gaps."""
    previous, number, after = GENESIS, 0, 0
    columns = ENTRIES.c
    while True:
        found = connection.execute(
            sa.select(ENTRIES).where(columns.id > after).order_by(columns.id).limit(AT_A_TIME)
        ).mappings()
        entries = [dict(each) for each in found]
        if not entries:
            return
        for entry in entries:
            after, number = entry["id"], number + 1
            detail = entry["detail"]
            entry["commit"] = str(detail.get("commit") or "")[:64]
            entry["path"] = str(detail.get("path") or "")[:160]
            entry["id"] = number
            entry["previous_hash"], entry["hash"] = previous, digest(previous, entry)
            previous = entry["hash"]
            connection.execute(sa.update(ENTRIES).where(columns.id == after).values(entry))


def _keep_on_sqlite() -> None:
    for table in ("audit", "audit_seals"):
        op.execute(f"create trigger {table}_keeps_update before update on {table} begin {REFUSAL}")
    op.execute(
        f"create trigger audit_seals_keeps_delete before delete on audit_seals begin {REFUSAL}"
    )
    unsealed = "old.id > coalesce((select max(through) from audit_seals), 0)"
    op.execute(
        f"create trigger audit_keeps_delete before delete on audit when {unsealed} begin {REFUSAL}"
    )


def _keep_on_postgresql() -> None:
    op.execute(
        "create function audit_keeps() returns trigger language plpgsql as "
        "$$ begin raise exception 'the audit log is append-only'; end $$"
    )
    op.execute(
        "create function audit_keeps_unsealed() returns trigger language plpgsql as $$ begin "
        "if old.id > coalesce((select max(through) from audit_seals), 0) then "
        "raise exception 'the audit log is append-only'; end if; return old; end $$"
    )
    op.execute(
        "create trigger audit_keeps before update or truncate on audit "
        "for each statement execute function audit_keeps()"
    )
    op.execute(
        "create trigger audit_keeps_delete before delete on audit "
        "for each row execute function audit_keeps_unsealed()"
    )
    op.execute(
        "create trigger audit_seals_keeps before update or delete or truncate on audit_seals "
        "for each statement execute function audit_keeps()"
    )
