"""Parts of tables filled by whoever comes first: the run itself, and others that it calls upon.

Nobody is waited for that does not come, and who is killed leaves the part to the next: a part is
filled here as soon as nobody else holds it.
"""

import time
from collections.abc import Callable, Sequence

from sync.errors import Cancelled
from sync.filling import Shard
from sync.progress import Clock
from sync.shards import fill, planned, tell
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.work import Record, Work

Call = Callable[[Sequence[Shard], str], None]
"""Asks others to fill parts of a snapshot; those may be here, or on other machines."""
OFTEN = 0.3


class Shared:
    """A run's own hands and those of others, which it does not know."""

    records = True

    def __init__(
        self, source: PostgresSource, target: PostgresTarget, others: int, call: Call,
        record: Record | None,
    ) -> None:  # fmt: skip
        self.number = others + 1
        self._source, self._target, self._call, self._record = source, target, call, record
        self._snapshot = source.shared()
        self._called: set[tuple[int, int]] = set()
        self._told = 0.0

    def begin(self, shards: Sequence[Shard]) -> None:
        """Calls others to parts that are not filled."""
        fresh = [each for each in shards
                 if not each.done and (each.attempt, each.number) not in self._called]  # fmt: skip
        self._called.update((each.attempt, each.number) for each in fresh)
        if fresh:
            self._call(fresh, self._snapshot)

    def fill(
        self, work: Work, shards: Sequence[Shard], clock: Clock, cancelled: Callable[[], bool]
    ) -> None:
        """Fills parts until all are filled, by us or by others. Raises Unfit, Cancelled."""
        attempt = shards[0].attempt
        self.begin(shards)

        def look() -> bool:
            if time.monotonic() - self._told > OFTEN:
                self._told = time.monotonic()
                tell(self._target, work, attempt, clock)
            return cancelled()

        while left := self._left(work, attempt):
            if look():
                raise Cancelled("the run was cancelled; what it had finished stays")
            rows = (
                fill(self._source, self._target, work, each, look, self._record) for each in left
            )
            if not any(rows):  # all are in others' hands
                time.sleep(OFTEN)
        tell(self._target, work, attempt, clock)

    def _left(self, work: Work, attempt: int) -> list[Shard]:
        parts = planned(self._target, work.table.name, attempt)
        self._target.rollback()
        return [each for each in parts if not each.done]

    def close(self) -> None:
        """Others find out by themselves that the run is over."""
