"""The parts of a table filled by processes of this machine."""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from typing import Any

from sync.errors import Cancelled
from sync.filling import Shard
from sync.keyed import Key
from sync.progress import Clock
from sync.rules import Rules
from sync.shards import fill, planned, works
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.work import Outcome

OFTEN = 0.3
_given: dict[str, Any] = {}


class Processes:
    """A few processes, begun at once so that they are ready when a large table comes."""

    def __init__(
        self, number: int, source: PostgresSource, target: PostgresTarget, key: Key, rules: Rules,
        tables: tuple[str, ...],
    ) -> None:  # fmt: skip
        # A fork is ready at once, but must not happen beside threads that hold locks.
        how = "fork" if threading.active_count() == 1 and sys.platform == "linux" else "spawn"
        context = multiprocessing.get_context(how)
        self._stop = context.Event()
        self._source, self._target = source, target
        databases = (source.url, target.url, source.shared())
        given = (os.getpid(), databases, key.lend(), self._stop, rules, tables)
        self._pool = ProcessPoolExecutor(number, context, _begin, given)
        self.number = number
        for _ in range(number):
            self._pool.submit(time.sleep, 0)

    def fill(
        self, shards: Sequence[Shard], clock: Clock, cancelled: Callable[[], bool]
    ) -> list[Outcome]:
        """Fills parts of one table. Raises what a part raises, once the others have stopped."""
        left = {self._pool.submit(_fill, shard) for shard in shards if not shard.done}
        outcomes = []
        try:
            while left:
                done, left = wait(left, OFTEN)
                outcomes += [each.result() for each in done]
                if cancelled():
                    raise Cancelled("the run was cancelled; what it had finished stays")
                seen = sum(
                    each.seen for each in planned(self._target, shards[0].table, shards[0].attempt)
                )
                self._target.rollback()
                clock.tell(shards[0].table, seen, sum(each.counts.bytes for each in outcomes))
        finally:
            if left:
                self._stop.set()
                wait(left)
        return outcomes

    def close(self) -> None:
        """Ends the processes."""
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)


def _begin(
    parent: int, databases: tuple[str, str, str], key: bytes, stop: Any, rules: Rules,
    tables: tuple[str, ...],
) -> None:  # fmt: skip
    """What a process does first: connects, and watches for its parent's end."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    source, target, snapshot = databases
    both = PostgresSource(source, snapshot), PostgresTarget(target)
    _given.update(databases=both, stop=stop)
    _given["works"] = works(*both, rules, Key.lent(key), tables)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(OFTEN)
    os._exit(1)


def _fill(shard: Shard) -> Outcome:
    source, target = _given["databases"]
    return fill(source, target, _given["works"][shard.table], shard, _given["stop"].is_set)
