"""Large tables filled in parts, ranges of keys, by several processes or machines at once.

`plan` cuts, `fill` fills one part and can go on where an earlier one was killed, `finish` makes the
parts into what a single filling would have left. Between them only the database keeps state, so
each part may be a job of its own: production's snapshot must be kept open by whoever planned.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

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
from sync.work import Outcome, Work


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
        f"SELECT number, low, high, last_key, blocks, seen, done FROM {target.state}shards "
        "WHERE attempt = %s ORDER BY number", [attempt],
    )  # fmt: skip
    return [
        Shard(table, attempt, number, unpacked(low), unpacked(high), unpacked(last), blocks, seen,
              done == 1)
        for number, low, high, last, blocks, seen, done in rows
    ]  # fmt: skip


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
    cancelled: Callable[[], bool],
) -> Outcome:  # fmt: skip
    """Fills one part, from where it stands. Raises Unfit, Cancelled, or RunInProgress.

    `source` must see the snapshot that the parts were planned on. While a part is being filled no
    run can begin that knows nothing of it.
    """
    if not target.lock_part():
        raise RunInProgress("a run begins that knows nothing of this part")
    outcome = Outcome()
    start = shard.last_key or shard.low
    mine = Attempt(shard.attempt, "", "", start, False, shard.blocks, shard.seen)
    Filling(source, target, work, Clock({}), cancelled, None, shard).go_on(mine, outcome)
    target.run(
        f"UPDATE {target.state}shards SET done = 1 WHERE attempt = ? AND number = ?",
        [shard.attempt, shard.number],
    )
    target.commit()
    return outcome


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


__all__ = ["Shard", "fill", "finish", "plan", "planned", "works"]
