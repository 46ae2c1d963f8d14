"""How far a run has come, and what it did."""

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass, field

TELLING = 100
"""Of so many rows one must be done before it is told how long the others take."""


@dataclass(slots=True)
class Counts:
    """What happened to one table's rows."""

    seen: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    kept: int = 0
    conflicts: int = 0
    failed: int = 0
    """Rows that staging would not take."""
    bytes: int = 0

    @property
    def written(self) -> int:
        """Rows that staging took."""
        return self.inserted + self.updated + self.deleted

    def add_written(self, other: "Counts") -> None:
        """Adds what else was written."""
        self.inserted += other.inserted
        self.updated += other.updated
        self.deleted += other.deleted

    def written_before(self) -> "Counts":
        """What another look at the same rows adds to: they are counted once."""
        return Counts(inserted=self.inserted, updated=self.updated, deleted=self.deleted)

    def once(self) -> None:
        """Counts rows once that were written first, and found unchanged by a later attempt."""
        others = self.inserted + self.updated + self.kept + self.conflicts
        self.unchanged = min(self.unchanged, max(0, self.seen - others))

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Step:
    """One word on progress: which table, how much of it, and of everything."""

    table: str
    done: int
    expected: int
    bytes: int
    all_done: int
    all_expected: int
    seconds_left: float | None


Progress = Callable[[Step], None]


def silent(step: Step) -> None:
    """The progress of a run that nobody watches."""


@dataclass(slots=True)
class Clock:
    """Tells the progress of a run, with an estimate of what is left."""

    expected: dict[str, int]
    progress: Progress = silent
    began: float = field(default_factory=time.monotonic)
    done: dict[str, int] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)

    def tell(self, table: str, done: int, size: int) -> None:
        """So many rows and bytes of a table are done."""
        self.done[table] = done
        self.bytes[table] = size
        here = sum(self.done.values())
        of = sum(max(rows, self.done.get(name, 0)) for name, rows in self.expected.items())
        took = time.monotonic() - self.began
        left = took / here * (of - here) if here and here * TELLING >= of else None
        self.progress(
            Step(table, done, max(done, self.expected.get(table, 0)), size, here, of, left)
        )


def now() -> str:
    """This moment in UTC, as runs are told by."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
