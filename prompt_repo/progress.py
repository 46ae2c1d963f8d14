"""How far a long task has come: what it tells whoever wants to show it."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Progress = Callable[[str, int, int | None], None]
"""Is told what is being done, how many are done, and of how many, where that is known."""

TOLD_EVERY = 256  # things between two words on progress

T = TypeVar("T")


Warn = Callable[[str], None]
"""Is told in a sentence what somebody should know of what is being done."""


def unheard(what: str) -> None:
    """The warnings of a task that nobody watches."""


def silent(what: str, done: int, of: int | None) -> None:
    """The progress of a task that nobody watches."""


def counted(things: Iterable[T], what: str, of: int | None, progress: Progress) -> Iterable[T]:
    """The things as they come; now and then `progress` hears how many went by."""
    return things if progress is silent else _counted(things, what, of, progress)


def _counted(things: Iterable[T], what: str, of: int | None, progress: Progress) -> Iterator[T]:
    done = 0
    for done, thing in enumerate(things, 1):
        yield thing
        if done % TOLD_EVERY == 0:
            progress(what, done, of)
    progress(what, done, of)
