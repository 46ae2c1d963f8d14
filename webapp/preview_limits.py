"""How many previews may be asked for, how many may wait, and how long a text may be."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.preview_errors import NothingToPreview, TooManyPreviews
from webapp.records.preview_models import AT_WORK, Preview

HOUR = timedelta(hours=1)
LOCK = 7_260_311_846  # any number: PostgreSQL's advisory lock of those who ask for previews


def check_text(settings: Settings, resolved: str) -> None:
    if not resolved.strip():
        raise NothingToPreview("there is no text to preview; write one first")
    size, most = len(resolved.encode("utf-8", "surrogatepass")), settings.preview_text_bytes
    if size > most:
        raise NothingToPreview(
            f"the resolved text has {size:,} bytes; a video service is sent {most:,} at most"
        )


def alone(session: Session) -> None:
    """On PostgreSQL one at a time, so that limits hold exactly; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def check_limits(
    session: Session, settings: Settings, environment: str, actor: str, now: datetime
) -> None:
    """Raises TooManyPreviews where a person, or an environment, had as many as may be."""
    mine, here = Preview.created_by == actor, Preview.environment == environment
    recent = Preview.created_at > now - HOUR
    counts = session.execute(
        select(
            select(func.count()).where(mine, recent).scalar_subquery(),
            select(func.count()).where(here, recent).scalar_subquery(),
        )
    ).one()
    for count, most, whose, words in (
        (counts[0], settings.preview_limit_per_person, mine, "you have asked for"),
        (counts[1], settings.preview_limit_per_environment, here, f"in {environment} there were"),
    ):
        if count >= most:
            left = _seconds_left(session, whose, most, now)
            raise TooManyPreviews(
                f"{words} {count:,} previews within an hour, and {most:,} are the most; "
                f"come back in {_in_words(left)}",
                left,
            )


def check_queue(session: Session, settings: Settings) -> None:
    """Raises TooManyPreviews where as many wait as may."""
    waiting = session.scalar(select(func.count()).where(Preview.status.in_(AT_WORK))) or 0
    if waiting >= settings.preview_queue:
        raise TooManyPreviews(
            f"{waiting:,} previews wait to be made already; come back in a minute", 60
        )


def _seconds_left(session: Session, whose: ColumnElement[bool], most: int, now: datetime) -> int:
    """When there is one fewer than the most: the oldest that counts is an hour old then."""
    blocking = session.scalar(
        select(Preview.created_at)
        .where(whose, Preview.created_at > now - HOUR)
        .order_by(Preview.created_at.desc())
        .offset(most - 1)
        .limit(1)
    )
    return int(((blocking or now) + HOUR - now).total_seconds()) + 1


def _in_words(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"{seconds} seconds" if seconds < 90 else f"{minutes} minutes"
