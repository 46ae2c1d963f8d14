"""Large tables filled in parts, ranges of keys, by several processes or machines at once.

`plan` cuts, `fill` fills one part and can go on where an earlier one was killed, `finish` makes the
parts into what a single filling would have left. Between them only the database keeps state, so
each part may be a job of its own: production's snapshot must be kept open by whoever planned. Who
fills a part claims it, for as long as its connection lives; so a part whose filler was killed is
free for the next at once.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

from sync import pools
from sync.anonymise import Fakes
from sync.errors import RunInProgress
from sync.filling import Filling, Shard
from sync.keyed import Key
from sync.packing import packed, unpacked
from sync.preparing import Preparation
from sync.progress import Clock
from sync.rules import Rules
from sync.state import Attempt, State
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.work import Outcome, Record, Work


class Fillers(Protocol):
    """Who fills the parts of a table."""

    number: int
    """How many they are."""
    records: bool
    """Whether they take the mapping down themselves."""

    def begin(self, shards: Sequence[Shard]) -> None:
        """Says which parts there are, so that somebody may begin with them."""

    def fill(
        self, work: Work, shards: Sequence[Shard], clock: Clock, cancelled: Callable[[], bool]
    ) -> None:
        """Fills the parts of one table. Raises Cancelled, or Unfit, once nobody fills any more."""

    def close(self) -> None:
        """Lets go of whoever fills."""


def plan(
    source: PostgresSource, target: PostgresTarget, work: Work, attempt: Attempt, parts: int
) -> list[Shard]:
    """Cuts an empty table's keys into ranges of about as many rows each, and notes them."""
    cuts = [None, *source.boundaries(work.table, work.selection, parts), None]
    name = work.table.name
    shards = [
        Shard(name, attempt.number, number, low, high)
        for number, (low, high) in enumerate(pairwise(cuts))
    ]
    ends = [[None if end is None else packed(end) for end in (each.low, each.high)]
            for each in shards]  # fmt: skip
    target.put(
        f"{target.state}shards",
        ("attempt", "number", "low", "high"),
        [(attempt.number, each.number, *both) for each, both in zip(shards, ends, strict=True)],
        2,
    )
    target.commit()
    return shards


def planned(target: PostgresTarget, table: str, attempt: int) -> list[Shard]:
    """The parts of an attempt, and how far each came; none where it was not cut."""
    rows = target.ask(
        "SELECT number, low, high, last_key, blocks, seen, done, bytes "
        f"FROM {target.state}shards WHERE attempt = %s ORDER BY number", [attempt],
    )  # fmt: skip
    return [
        Shard(table, attempt, number, unpacked(low), unpacked(high), unpacked(last), blocks, seen,
              done == 1, size)
        for number, low, high, last, blocks, seen, done, size in rows
    ]  # fmt: skip


def tell(target: PostgresTarget, work: Work, attempt: int, clock: Clock) -> None:
    """Tells how far a table's parts are, whoever fills them."""
    parts = planned(target, work.table.name, attempt)
    target.rollback()
    clock.tell(work.table.name, sum(each.seen for each in parts), sum(each.bytes for each in parts))


def works(
    source: PostgresSource, target: PostgresTarget, rules: Rules, key: Key,
    tables: tuple[str, ...] = (),
) -> dict[str, Work]:  # fmt: skip
    """What to do about each table, for whoever fills parts that somebody else has planned."""
    fakes = Fakes(key, pools.load(), rules.locale)
    prepared = Preparation(source, target, rules, fakes, tables, False)
    prepared.read()
    return prepared.works()[1]


def fill(
    source: PostgresSource, target: PostgresTarget, work: Work, shard: Shard,
    cancelled: Callable[[], bool], record: Record | None = None,
) -> int:  # fmt: skip
    """Fills one part, from where it stands; tells how many rows that were.

    0 where somebody else fills it or has. Raises Unfit, Cancelled, or RunInProgress. `source`
    must see the snapshot that the parts were planned on. While a part is being filled no run can
    begin that knows nothing of it.
    """
    if not target.locks.part():
        raise RunInProgress("a run begins that knows nothing of this part")
    if not target.locks.claim(shard.attempt, shard.number):
        return 0
    try:
        found = [each for each in planned(target, shard.table, shard.attempt)
                 if each.number == shard.number and not each.done]  # fmt: skip
        target.rollback()
        return sum(_fill(source, target, work, each, cancelled, record) for each in found)
    finally:
        target.rollback()
        target.locks.let_go(shard.attempt, shard.number)


def _fill(
    source: PostgresSource, target: PostgresTarget, work: Work, shard: Shard,
    cancelled: Callable[[], bool], record: Record | None,
) -> int:  # fmt: skip
    outcome = Outcome()
    start = shard.last_key or shard.low
    mine = Attempt(shard.attempt, "", "", start, False, shard.blocks, shard.seen)
    Filling(source, target, work, Clock({}), cancelled, record, shard).go_on(mine, outcome)
    target.run(
        f"UPDATE {target.state}shards SET done = 1 WHERE attempt = ? AND number = ?",
        [shard.attempt, shard.number],
    )
    target.commit()
    return outcome.counts.inserted


def finish(target: PostgresTarget, state: State, shards: Sequence[Shard]) -> None:
    """Joins what the parts left to one attempt; also of parts that will not be filled to their end.

    The attempt then says what was written for every key it has, and nothing of others.
    """
    if not shards:
        return
    attempt, at = shards[0].attempt, target.state
    for now, (number,) in enumerate(
        target.ask(f"SELECT number FROM {at}blocks WHERE attempt = %s ORDER BY 1", [attempt])
    ):
        target.run(
            f"UPDATE {at}blocks SET number = ? WHERE attempt = ? AND number = ?",
            [now, attempt, number],
        )
    target.run(
        f"UPDATE {at}attempts a SET blocks = s.blocks, seen = s.seen, last_key = (SELECT last_key "
        f"FROM {at}shards WHERE attempt = ? AND last_key IS NOT NULL ORDER BY number DESC LIMIT 1) "
        f"FROM (SELECT sum(blocks) AS blocks, sum(seen) AS seen FROM {at}shards WHERE attempt = ?) "
        "s WHERE a.number = ?",
        [attempt, attempt, attempt],
    )
    target.run(f"DELETE FROM {at}shards WHERE attempt = ?", [attempt])
    state.finish(shards[0].table, attempt)
    target.commit()


__all__ = ["Fillers", "Shard", "fill", "finish", "plan", "planned", "tell", "works"]
