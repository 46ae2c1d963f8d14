"""The tables of change requests: what is proposed, and all that was said and done about it."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.records.models import Base, Key, Moment


class ChangeRequest(Base):
    """A branch under review; `head` and `fingerprint` are what was last seen of it.

    `base_head` is the commit of the base it was last compared with: what a merge came upon.
    """

    __tablename__ = "change_requests"
    __table_args__ = (
        Index("change_requests_by_state", "state", "number"),
        # One open request a branch: whoever comes second finds the first one.
        Index(
            "change_requests_open",
            "slug",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    number: Mapped[int] = mapped_column(Key, primary_key=True)
    slug: Mapped[str] = mapped_column(String(120), index=True)
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    base: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(8))
    actor: Mapped[str] = mapped_column(String(80))
    account_id: Mapped[int | None] = mapped_column(
        Key, ForeignKey("accounts.id", ondelete="SET NULL")
    )
    name: Mapped[str] = mapped_column(String(128))
    email: Mapped[str] = mapped_column(String(254))
    head: Mapped[str] = mapped_column(String(40))
    base_head: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(40))
    merge_commit: Mapped[str | None] = mapped_column(String(40))
    opened_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)


class ChangeEntry(Base):
    """One thing said or done about a change request, in order: its conversation.

    A comment on a line has a path and a line of the text at `head`. A review counts while the
    change request's fingerprint is the one it was made on.
    """

    __tablename__ = "change_entries"
    __table_args__ = (Index("change_entries_by_number", "number", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[int] = mapped_column(
        Key, ForeignKey("change_requests.number", ondelete="CASCADE")
    )
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(String(80))
    account_id: Mapped[int | None] = mapped_column(
        Key, ForeignKey("accounts.id", ondelete="SET NULL")
    )
    name: Mapped[str] = mapped_column(String(128))
    email: Mapped[str] = mapped_column(String(254))
    head: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(String(200))
    line: Mapped[int | None]
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_by: Mapped[str] = mapped_column(String(128))
