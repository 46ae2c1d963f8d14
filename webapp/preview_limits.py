"""How many previews may be asked for, how many may wait, and how long a text may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Integer, bindparam, func, or_, select

from prompt_repo import hidden_characters
from webapp.access import Caller
from webapp.config import Settings
from webapp.preview_errors import NothingToPreview, TooManyPreviews
from webapp.records.asking import Driver, Question
from webapp.records.preview_models import AT_WORK, Preview

HOUR = timedelta(hours=1)
_RECENT = Preview.created_at > bindparam("since", type_=Preview.created_at.type)
COUNTS = select(
    select(func.count()).where(Preview.counts_for == bindparam("whose"), _RECENT).scalar_subquery(),
    select(func.count())
    .where(Preview.environment == bindparam("environment"), _RECENT)
    .scalar_subquery(),
    select(func.count())
    .where(or_(*(Preview.status == each for each in AT_WORK)))
    .scalar_subquery(),
)
_NEWEST = (
    select(Preview.created_at)
    .where(_RECENT)
    .order_by(Preview.created_at.desc())
    .offset(bindparam("most", type_=Integer))
    .limit(1)
)
_MINE = Question(_NEWEST.where(Preview.counts_for == bindparam("whose")), lambda moment: moment)
_HERE = Question(
    _NEWEST.where(Preview.environment == bindparam("environment")), lambda moment: moment
)
LOCK = 7_260_311_846  # any number: PostgreSQL's advisory lock of those who ask for previews


def check_text(settings: Settings, resolved: str) -> None:
    if not resolved.strip():
        raise NothingToPreview("there is no text to preview; write one first")
    if not hidden_characters.is_seen(resolved):
        raise NothingToPreview(
            "the text to preview has only characters that nobody sees; write what should happen"
        )
    size, most = len(resolved.encode("utf-8", "surrogatepass")), settings.preview_text_bytes
    if size > most:
        raise NothingToPreview(
            f"the resolved text has {size:,} bytes; a video service is sent {most:,} at most"
        )


def alone(driver: Driver) -> None:
    """On PostgreSQL one at a time, so that limits hold exactly; SQLite has one writer anyway."""
    if not driver.is_sqlite:
        driver.do(f"select pg_advisory_xact_lock({LOCK})")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many previews a person and an environment had within the hour, and how many wait."""

    mine: int
    here: int
    waiting: int


def counts_for(who: Caller) -> str:
    """Whose limit: the account's behind a token too, and a token's own where there is none."""
    return who.actor[:80] if who.person_id is None else f"account:{who.person_id}"


def told(environment: str, whose: str, now: datetime) -> dict[str, object]:
    """What COUNTS is asked with."""
    return {"whose": whose, "environment": environment, "since": now - HOUR}


def check_limits(
    driver: Driver, settings: Settings, found: Counts, told: Mapping[str, object], now: datetime
) -> None:
    """Raises TooManyPreviews where an environment, or a person, had as many as may be."""
    mine, here = settings.preview_limit_per_person, settings.preview_limit_per_environment
    if found.mine >= mine:
        left = _seconds_left(_MINE.answers(driver, {**told, "most": mine - 1}), now)
        raise _too_many("you have asked for", found.mine, mine, left)
    if found.here >= here:
        left = _seconds_left(_HERE.answers(driver, {**told, "most": here - 1}), now)
        raise _too_many(f"in {told['environment']} there were", found.here, here, left)


def check_queue(settings: Settings, found: Counts) -> None:
    """Raises TooManyPreviews where as many wait as may."""
    if found.waiting >= settings.preview_queue:
        raise TooManyPreviews(
            f"{found.waiting:,} previews wait to be made already; come back in a minute", 60
        )


def _too_many(words: str, count: int, most: int, left: int) -> TooManyPreviews:
    return TooManyPreviews(
        f"{words} {count:,} previews within an hour, and {most:,} are the most; "
        f"come back in {_in_words(left)}",
        left,
    )


def _seconds_left(blocking: Sequence[datetime], now: datetime) -> int:
    """When there is one fewer than the most: the oldest that counts is an hour old then."""
    oldest = blocking[0] if blocking else now
    return int((oldest + HOUR - now).total_seconds()) + 1


def _in_words(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"{seconds} seconds" if seconds < 90 else f"{minutes} minutes"
