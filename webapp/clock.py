"""What time it is, in one place, so that a test can let a day pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_source: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731 - replaced by `stopped_at`


def now() -> datetime:
    """The present moment, in UTC."""
    return _source()


def plain(moment: datetime) -> str:
    """A moment in UTC as programs read it; `strftime` takes ten times as long."""
    return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"


@contextmanager
def stopped_at(moment: datetime) -> Iterator[None]:
    """Holds the clock of this process at a moment."""
    global _source
    before, _source = _source, lambda: moment
    try:
        yield
    finally:
        _source = before
