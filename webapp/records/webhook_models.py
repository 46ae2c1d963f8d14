"""The tables of webhooks: where events go, and the outbox of what goes there."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.records.models import Base, Key, Moment


class Webhook(Base):
    """An address that is told of events; its secret is made of `nonce` and this server's key."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    url: Mapped[str] = mapped_column(String(2000))
    events: Mapped[list[str]] = mapped_column(JSON)
    nonce: Mapped[bytes]
    enabled: Mapped[bool] = mapped_column(default=True)
    made_by: Mapped[int | None] = mapped_column(Key, ForeignKey("accounts.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(Moment)


class Delivery(Base):
    """One event on its way to one webhook; `state` is waiting, delivered or failed.

    While it waits, `due_at` says when to try; whoever tries moves it on first, which is a lease:
    where that process dies, another tries when it has run out. `message` is the same for every
    attempt, so that a receiver can tell that it had it already.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_due", "state", "due_at"),
        Index("deliveries_of_webhook", "webhook_id", "id"),
        Index("deliveries_by_message", "message"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(Key, ForeignKey("webhooks.id", ondelete="CASCADE"))
    message: Mapped[str] = mapped_column(String(64))
    event: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None] = mapped_column(Moment)
    status: Mapped[int | None]
    answer: Mapped[str] = mapped_column(Text, default="")


class Announced(Base):
    """The commit up to which everything on an environment's branch is in the outbox."""

    __tablename__ = "announced"

    branch: Mapped[str] = mapped_column(String(16), primary_key=True)
    commit: Mapped[str] = mapped_column(String(40))
