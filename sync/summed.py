"""What all traces of an attempt come to: by it a run tells that nothing but a few rows moved.

Its keys are kept as sums, its rows by the transactions that wrote them. Where production's keys
have these sums and staging's rows these transactions, no trace need be read.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sync import arrow_blocks
from sync.arrow_blocks import has_numbers
from sync.arrow_traces import Remembered
from sync.state import Attempt, State
from sync.sums import Sums
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.work import Work

SHORT = 2**32
"""PostgreSQL tells of a row the lower half of its transaction's number."""


@dataclass(slots=True)
class Summed:
    """Sums of the keys, and how many rows each transaction wrote; 0 for those to be looked at."""

    keys: Sums = field(default_factory=Sums)
    stamps: Counter[int] = field(default_factory=Counter)
    laid: int = 0
    """How many rows were laid over the blocks since all of it was read."""

    def came(self, keys: Iterable[int]) -> Sums:
        """The sums with some keys more."""
        return self.with_keys(arrow_blocks.numbers([*keys]))

    def with_keys(self, keys: Any) -> Sums:
        """The same with a column of keys."""
        more = Sums(self.keys.count, self.keys.plain, self.keys.squares)
        more.add(keys)
        return more

    def written(self, before: int | None, after: int) -> None:
        """Takes down that a row was written anew."""
        self.stamps[after % SHORT] += 1
        if before is not None:
            self.stamps[before % SHORT] -= 1
        self.laid += 1

    def all_written(self, before: np.ndarray, rows: int, after: int) -> None:
        """Takes down that one transaction wrote rows, most over those that others had written."""
        for stamp, number in _counted(before).items():
            self.stamps[stamp] -= number
        self.stamps[after % SHORT] += rows
        self.laid += rows

    def dumps(self) -> str:
        """As text."""
        stamps = {stamp: number for stamp, number in self.stamps.items() if number}
        sums = self.keys.count, self.keys.plain, self.keys.squares
        return json.dumps([sums, stamps, self.laid])

    @classmethod
    def loads(cls, text: str) -> "Summed | None":
        """From text; None where there is none."""
        if not text:
            return None
        sums, stamps, laid = json.loads(text)
        return cls(Sums(*sums), Counter({int(key): n for key, n in stamps.items()}), laid)


def summed_up(target: PostgresTarget, work: Work, attempt: Attempt) -> str:
    """What all traces come to, for tables of which a watermark tells; empty for others."""
    if not work.watermark or not has_numbers(work.table):
        return ""
    made, remembered = Summed(), Remembered(target, work.table, attempt)
    if remembered.untraced():
        return ""
    for traces in remembered.blocks():
        made.keys.add(arrow_blocks.chosen(traces.keys, traces.alive))
        made.stamps.update(_counted(traces.stamps[traces.alive]))
    beyond = remembered.moved.beyond()
    made.keys.add(remembered.moved.keys.take(beyond))
    made.stamps.update(_counted(remembered.moved.stamps[beyond]))
    return made.dumps()


def _counted(stamps: np.ndarray) -> dict[int, int]:
    found, counts = np.unique(stamps % SHORT, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def note_watermark(
    source: PostgresSource, target: PostgresTarget, state: State, work: Work, attempt: Attempt,
    seen: int,
) -> None:  # fmt: skip
    """Notes how far production's watermark was, and how many rows there were."""
    mark = source.greatest(work.table, work.watermark) if work.watermark else ""
    state.saw(attempt.number, mark, seen, work.made, summed_up(target, work, attempt))
