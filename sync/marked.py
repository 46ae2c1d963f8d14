"""A table brought up to date by its watermark alone, where no trace of the last run is needed.

What an attempt's traces come to is known (see `summed`). If production's keys, but for those that
came, have these sums, none went; if staging's rows are by these transactions, nobody else wrote
there. Then what the watermark tells of is all that moved, and staging's rows are what was written.
"""

from collections.abc import Sequence
from typing import Any

from sync.arrow_overlaid import InOne, Written
from sync.model import Row
from sync.moved_rows import Faked, Found, Row3
from sync.moving import AT_ONCE, FEW, MOST_MOVED, OLD, Moving
from sync.summed import SHORT, Summed
from sync.threads import Soon
from sync.work import Outcome

MOST = 2 * AT_ONCE
MOST_BYTES = 64 * 2**20
"""So much of production may be held at once."""
MOST_STAMPS = 1000


class Marked(Moving):
    """Finds and settles what a watermark tells of; finds nothing where that is not enough."""

    _summed: Summed

    def find(self) -> Found | None:
        """What moved; None where that can't be told without the traces."""
        summed = Summed.loads(self._attempt.summed) if self._follows else None
        table, most = self._work.table, self._most()
        if summed is None or not self._serves(summed):
            return None
        self._summed = summed
        standing = self._target.standing(table, [*summed.stamps])
        sums = self._source.sums(table, self._work.selection, self._work.watermark)
        moved = self._source.rows_since(
            table, self._work.selection, self._work.watermark, self._attempt.watermark, most
        )
        if moved is None:
            return None
        keys = [self._key(key) for _, key, _ in moved]
        stands = Soon(lambda: self._target.rows_at(table, keys) if keys else [])
        self._made = self._fake(moved)
        self._stands = {self._key(key): (row, stamp) for row, key, stamp in stands.get()}
        expected = summed.came(int(key) for key in keys if key not in self._stands)
        there, self._mark = sums.get()
        if expected != there or not self._untouched(*standing.get()):
            return None
        found = Found(seen=there.count)
        found.keys = {key: None for key in keys if self._differs(key)}
        return found

    def _most(self) -> int:
        """How many rows may move."""
        table = self._work.table
        by_size = MOST_BYTES * max(1, table.rows) // max(1, table.bytes)
        return min(MOST, max(FEW, int(self._attempt.seen * MOST_MOVED)), by_size)

    def _serves(self, summed: Summed) -> bool:
        """Whether sums are of use: no row is to be looked at again, and the traces not too old."""
        now, stamps = self._target.now(), [*summed.stamps]
        return (
            0 not in stamps
            and len(stamps) <= MOST_STAMPS
            and all((now - stamp) % SHORT < OLD for stamp in stamps)
            and summed.laid <= max(FEW, int(self._attempt.seen * MOST_MOVED / 2))
            and not self._state.has_decided(self._work.table.name)
        )

    def _untouched(self, rows: int, ours: int) -> bool:
        """Whether staging's rows are all as they were written."""
        known = self._summed.stamps
        return rows == ours == self._summed.keys.count and all(
            int(str(stamp)) in known for _, stamp in self._stands.values()
        )

    def _differs(self, key: InOne) -> bool:
        return key not in self._stands or self._stands[key][0] != self._made[key].fake

    # As they were found

    def _sides(
        self, keys: Sequence[InOne]
    ) -> tuple[dict[InOne, Faked], dict[InOne, tuple[Row, Any]]]:
        return (
            {key: self._made[key] for key in keys if key in self._made},
            {key: self._stands[key] for key in keys if key in self._stands},
        )

    def _bases(
        self, keys: dict[InOne, tuple[int, int] | None], stands: dict[InOne, tuple[Row, Any]]
    ) -> dict[InOne, Row | None]:
        return {key: row for key, (row, _) in stands.items() if key in keys}

    def _begin(self, writes: bool) -> None:
        """Each batch says what the traces come to then."""

    def _remember(
        self, rows: list[Row3], standing: list[Row | None], written: set[int], singly: bool
    ) -> list[Written]:
        made = super()._remember(rows, standing, written, singly)
        for row, each in zip(rows, made, strict=True):
            if each.alive:
                before = None if row.staging is None else int(str(row.stamp))
                self._summed.written(before, each.stamp)
        came = [int(row.key) for row, each in zip(rows, made, strict=True)
                if row.staging is None and each.alive]  # fmt: skip
        self._summed.keys = self._summed.came(came)
        return made

    def _checkpoint(self, outcome: Outcome) -> None:
        """The watermark moves on only once all is written."""
        self._note(self._attempt.watermark, self._attempt.seen)
        super()._checkpoint(outcome)

    def _note_watermark(self, seen: int) -> None:
        assert self._mark is not None
        self._note(self._mark, seen)

    def _note(self, mark: str, seen: int) -> None:
        number, made = self._attempt.number, self._work.made
        self._state.saw(number, mark, seen, made, self._summed.dumps())
