"""The parts of a table filled by processes of this machine."""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

from sync.errors import Cancelled
from sync.filling import Shard
from sync.keyed import Key
from sync.progress import Clock
from sync.rules import Rules
from sync.shards import fill, tell, works
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.work import Work

OFTEN = 0.3
_given: dict[str, Any] = {}


class Processes:
    """A few processes, begun at once so that they are ready when a large table comes."""

    records = False

    def __init__(
        self, number: int, source: PostgresSource, target: PostgresTarget, key: Key, rules: Rules,
        tables: tuple[str, ...],
    ) -> None:  # fmt: skip
        # A fork is ready at once, but must not happen beside threads that hold locks.
        how = "fork" if threading.active_count() == 1 and sys.platform == "linux" else "spawn"
        context = multiprocessing.get_context(how)
        self._stop = context.Event()
        self._target = target
        databases = (source.url, target.url, source.shared())
        given = (os.getpid(), databases, key.lend(), self._stop, rules, tables)
        self._pool = ProcessPoolExecutor(number, context, _begin, given)
        self.number = number
        self._begun: dict[tuple[int, int], Future[int]] = {}
        for _ in range(number):
            self._pool.submit(time.sleep, 0)

    def begin(self, shards: Sequence[Shard]) -> None:
        """Has the processes fill parts, one after the other."""
        for shard in shards:
            if not shard.done:
                self._begun[shard.attempt, shard.number] = self._pool.submit(_fill, shard)

    def fill(
        self, work: Work, shards: Sequence[Shard], clock: Clock, cancelled: Callable[[], bool]
    ) -> None:
        """Waits until the parts are filled, whether they were begun before or not."""
        fresh = [each for each in shards if (each.attempt, each.number) not in self._begun]
        self.begin(fresh)
        mine = {(each.attempt, each.number) for each in shards}
        left = {self._begun.pop(each) for each in mine & self._begun.keys()}
        try:
            while left:
                done, left = wait(left, OFTEN, FIRST_COMPLETED)
                for each in done:
                    each.result()
                if cancelled():
                    raise Cancelled("the run was cancelled; what it had finished stays")
                tell(self._target, work, shards[0].attempt, clock)
        finally:
            if left:
                self._stop.set()
                wait([*left, *self._begun.values()])

    def close(self) -> None:
        """Ends the processes."""
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)


def _begin(
    parent: int, databases: tuple[str, str, str], key: bytes, stop: Any, rules: Rules,
    tables: tuple[str, ...],
) -> None:  # fmt: skip
    """What a process does first: connects, and watches for its parent's end."""
    source, target, snapshot = databases
    both = PostgresSource(source, snapshot), PostgresTarget(target)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    for database in both:
        database.get_ready()
    _given.update(databases=both, stop=stop)
    _given["works"] = works(*both, rules, Key.lent(key), tables)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(OFTEN)
    os._exit(1)


def _fill(shard: Shard) -> int:
    source, target = _given["databases"]
    return fill(source, target, _given["works"][shard.table], shard, _given["stop"].is_set)
