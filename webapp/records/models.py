"""The tables of the records."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, Integer, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A point in time with its zone, always UTC; SQLite, which keeps no zones, included."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What goes to the database; raises ValueError for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What comes from the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite numbers rows by itself only where the key is exactly INTEGER.
Key = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """What every table is declared on."""


class Account(Base):
    """A person who may log in; `name` is what they type, `display_name` what commits carry.

    A password with `one_time_until` was given by an admin: it opens nothing after that moment,
    and until its owner has chosen another, nothing but the page to choose it.
    """

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(128))
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(16))
    password: Mapped[str] = mapped_column(Text)  # an argon2 hash; empty where there is none
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Moment)
    one_time_until: Mapped[datetime | None] = mapped_column(Moment)
    logged_in_at: Mapped[datetime | None] = mapped_column(Moment)


class Login(Base):
    """One browser that is logged in; its key is kept hashed, so that it opens nothing."""

    __tablename__ = "logins"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(
        Key, ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


class Identity(Base):
    """Who an account is to an identity provider; `subject` is the provider's own id of a person."""

    __tablename__ = "identities"

    issuer: Mapped[str] = mapped_column(String(512), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        Key, ForeignKey("accounts.id", ondelete="CASCADE"), unique=True
    )


class Token(Base):
    """A key for programs; kept hashed. `environments` is None where it is for all."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[bytes] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    environments: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    made_by: Mapped[int | None] = mapped_column(Key, ForeignKey("accounts.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class AuditEntry(Base):
    """Who did what, when, from where, and whether it was allowed; never changed once written.

    `path` is the prompt an entry is about, `commit` what it wrote or was about; empty where there
    is none.
    `hash` covers all of it and `previous_hash`, the hash of the entry before (`audit_chain`).
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_by_actor", "actor", "id"),
        Index("audit_by_subject", "subject", "id"),
        Index("audit_by_action", "action", "id"),
        Index("audit_by_path", "path", "id"),
        Index("audit_by_commit", "commit", "id"),
        Index("audit_by_request", "request_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(String(160), default="")
    commit: Mapped[str] = mapped_column(String(64), default="")
    outcome: Mapped[str] = mapped_column(String(16))
    status: Mapped[int]
    address: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous_hash: Mapped[bytes | None]
    hash: Mapped[bytes | None]


class AuditSeal(Base):
    """A stretch of the audit log that was sealed, so that it may be cut: `through` is its end."""

    __tablename__ = "audit_seals"

    through: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    hash: Mapped[bytes]
    entries: Mapped[int]
    since: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[datetime] = mapped_column(Moment)
    at: Mapped[datetime] = mapped_column(Moment)


class Mirror(Base):
    """The one mirror: how its last round went, and which process is at work on it just now."""

    __tablename__ = "mirror"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    leased_until: Mapped[datetime | None] = mapped_column(Moment)
    began_at: Mapped[datetime | None] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    pushed_at: Mapped[datetime | None] = mapped_column(Moment)
    taken_at: Mapped[datetime | None] = mapped_column(Moment)
    error: Mapped[str] = mapped_column(Text)
    branches: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
