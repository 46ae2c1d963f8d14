"""What watermarks tell of several tables, asked of both databases before each table's turn.

Each database is asked by connections beside the run's own, as many tables at once as may be held:
while one is settled the next ones are read. Production's all see the run's own snapshot.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from sync.moving import AT_ONCE, FEW, MOST_MOVED, OLD
from sync.state import Attempt, State
from sync.summed import SHORT, Summed
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_late import Late, late
from sync.tables_postgres_target import PostgresTarget
from sync.tables_postgres_telling import Counting
from sync.work import Work

T = TypeVar("T")
MOST = 2 * AT_ONCE
MOST_BYTES = 32 * 2**20
"""So much of a table of production's may be held at once."""
MOST_STAMPS = 1000
DEPTH = 2
"""So many tables are read ahead and held at once."""


class _Connection(Protocol):
    def cancel(self) -> None: ...
    def close(self) -> None: ...


C = TypeVar("C", bound=_Connection)


@dataclass(frozen=True, slots=True)
class Look:
    """What is asked of one table: production's late rows, and how many of staging's are ours."""

    work: Work
    attempt: Attempt
    summed: Summed
    late: "Future[Late | None]" = field(default_factory=Future)
    standing: "Future[tuple[int, int]]" = field(default_factory=Future)

    @property
    def most(self) -> int:
        """How many rows may move."""
        table = self.work.table
        by_size = MOST_BYTES * max(1, table.rows) // max(1, table.bytes)
        return min(MOST, max(FEW, int(self.attempt.seen * MOST_MOVED)), by_size)


class Foresight:
    """Asks ahead, and hands each table's answers over when its turn has come."""

    def __init__(self, source: PostgresSource, target: PostgresTarget, state: State) -> None:
        self._source, self._target, self._state = source, target, state
        self._looks: list[Look] = []
        self._threads: list[threading.Thread] = []
        self._open: list[_Connection] = []
        self._stopped = False
        self._lock = threading.Condition()
        self._held = 0

    def begin(self, wanted: Sequence[tuple[Work, Attempt]]) -> None:
        """Asks of tables in the order of their turns, where that is of use."""
        looks = [look for work, attempt in wanted if (look := self._look(work, attempt))]
        if looks:
            self._looks = looks
            self._ask(looks, ahead=True)

    def take(self, work: Work, attempt: Attempt) -> Look | None:
        """What was asked of a table, or is now; None where a watermark is not enough.

        What was asked of tables before it, and not taken, is let go of.
        """
        names = [look.work.table.name for look in self._looks]
        ahead = None
        if work.table.name in names:
            number = names.index(work.table.name) + 1
            ahead, self._looks = self._looks[number - 1], self._looks[number:]
            with self._lock:
                self._held -= number
                self._lock.notify_all()
        now = self._look(work, attempt)
        if now is None or (ahead is not None and ahead.attempt == attempt):
            return ahead if now else None
        self._ask([now], ahead=False)
        return now

    def _look(self, work: Work, attempt: Attempt) -> Look | None:
        """None where sums are of no use: a row is to be looked at again, the traces are old."""
        follows = work.watermark and attempt.watermark and attempt.made == work.made
        summed = Summed.loads(attempt.summed) if follows else None
        if summed is None or work.selection.extras:
            return None
        now, stamps = self._target.now(), [*summed.stamps]
        serves = (
            0 not in stamps
            and len(stamps) <= MOST_STAMPS
            and all((now - stamp) % SHORT < OLD for stamp in stamps)
            and summed.laid <= max(FEW, int(attempt.seen * MOST_MOVED / 2))
            and not self._state.has_decided(work.table.name)
        )
        return Look(work, attempt, summed) if serves else None

    def _ask(self, looks: Sequence[Look], ahead: bool) -> None:
        """Both databases at once; `ahead` no more is asked than may be held."""
        url, snapshot = self._source.url, self._source.shared()

        def late_of(look: Look, beside: PostgresSource) -> Late | None:
            work = look.work
            mark, since = work.watermark, look.attempt.watermark
            return late(beside, work.table, work.selection, mark, since, look.most)

        def standing_of(look: Look, beside: Counting) -> tuple[int, int]:
            return beside.standing(look.work.table, [*look.summed.stamps])

        self._start(looks, lambda: PostgresSource(url, snapshot), late_of, _late, ahead)
        target = self._target.url
        self._start(looks, lambda: Counting(target), standing_of, _standing, False)

    def _start(
        self, looks: Sequence[Look], connect: Callable[[], C], ask: Callable[[Look, C], T],
        of: Callable[[Look], "Future[T]"], ahead: bool,
    ) -> None:  # fmt: skip
        left = deque(looks)

        def work() -> None:
            look = self._next(left, ahead)
            try:
                with closing(connect()) as beside:
                    self._open.append(beside)
                    while look is not None:
                        of(look).set_result(ask(look, beside))
                        look = self._next(left, ahead)
            except BaseException as error:  # noqa: BLE001 - raised again by whose turn it is
                failed = ([] if look is None else [look]) + self._rest(left)
                for each in failed:
                    of(each).set_exception(error)

        for _ in range(min(DEPTH, len(looks))):
            thread = threading.Thread(target=work, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _next(self, left: deque[Look], ahead: bool) -> Look | None:
        """The next table, once another may be held; none after the last, and after the end."""
        with self._lock:
            if ahead and left:
                self._lock.wait_for(lambda: self._stopped or self._held < DEPTH)
            if self._stopped or not left:
                return None
            self._held += ahead
            return left.popleft()

    def _rest(self, left: deque[Look]) -> list[Look]:
        """What nobody asks of any more, since a connection failed."""
        with self._lock:
            rest = [*left]
            left.clear()
            return rest

    def close(self) -> None:
        """Ends what is still being asked."""
        with self._lock:
            self._stopped = True
            self._lock.notify_all()
        for thread in self._threads:
            while thread.is_alive():
                for beside in self._open:
                    beside.cancel()
                thread.join(0.05)


def _late(look: Look) -> "Future[Late | None]":
    return look.late


def _standing(look: Look) -> "Future[tuple[int, int]]":
    return look.standing
