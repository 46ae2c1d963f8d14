"""How a run is asked for, and what it did."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sync.comparing import Conflict
from sync.model import Row
from sync.progress import Counts, Progress, silent
from sync.sharing import Call
from sync.work import Record

PAUSED, RUNNING, COMPLETED, FAILED, CANCELLED = (
    "paused", "running", "completed", "failed", "cancelled",
)  # fmt: skip
INTERRUPTED, GIVEN_UP = "interrupted", "given up"
"""How runs stand that ended without being able to note it."""
UNFINISHED = (PAUSED, RUNNING, FAILED, CANCELLED)


def never() -> bool:
    """Nobody cancels."""
    return False


@dataclass(frozen=True, slots=True)
class Options:
    """How a run goes about it."""

    tables: tuple[str, ...] = ()
    """Only these; without it all that the rules do not skip."""
    dry_run: bool = False
    reset: bool = False
    """Staging's own rows and changes go."""
    on_conflict: str = "pause"
    """`pause`, or what is done about every conflict: overwrite, skip, merge."""
    restart: bool = False
    """An unfinished run of other rules, key or pools is given up."""
    indexes_last: bool = False
    """Empty tables lose their indexes and keys until their rows are in; on PostgreSQL."""
    processes: int = 1
    """How many fill a large empty table, each a range of keys; on PostgreSQL."""
    others: int = 0
    """How many would fill parts of large empty tables if they were called; on PostgreSQL."""
    call: Call | None = None
    """Calls them; they get along by `shards.works` and `shards.fill`."""
    by_columns: bool = True
    """As Arrow has them, where a table's types allow it; else all as texts."""
    progress: Progress = silent
    cancelled: Callable[[], bool] = never
    record: Record | None = None
    """Is handed each table's originals and fakes, for a mapping on production's side."""


@dataclass(slots=True)
class Result:
    """What a run did."""

    run: str
    status: str
    tables: dict[str, Counts] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    warnings: list[str] = field(default_factory=list)
    samples: dict[str, list[tuple[Row, Row]]] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def total(self) -> Counts:
        """All tables together."""
        total = Counts()
        for counts in self.tables.values():
            for name, number in counts.as_dict().items():
                setattr(total, name, getattr(total, name) + number)
        return total
