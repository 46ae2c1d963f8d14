"""A second worker beside a sync: told of parts on its input, as a worker is by its queue."""

import json
import sys
from contextlib import closing, suppress
from typing import Any

from sync import rules, shards
from sync.filling import Shard
from sync.keyed import Key
from sync.pools import load
from sync.tables_failures import FAILURES
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget


def main() -> None:
    """Says so once it is ready; then fills the part that each line names."""
    load()
    print("ready", flush=True)
    for line in sys.stdin:
        with suppress(*FAILURES):  # a part that came too late: its sync is over, its snapshot gone
            _fill(**json.loads(line))


def _fill(source: str, staging: str, snapshot: str, text: str, key: str, part: list[Any]) -> None:
    with (
        closing(PostgresSource(source, snapshot)) as production,
        closing(PostgresTarget(staging)) as target,
    ):
        production.get_ready()
        target.get_ready()
        table, attempt, number = part
        work = shards.works(production, target, rules.parse(text), Key(key))[table]
        shards.fill(production, target, work, Shard(table, attempt, number, None, None), _never)


def _never() -> bool:
    return False


if __name__ == "__main__":
    main()
