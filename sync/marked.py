"""A table brought up to date by its watermark alone, where no trace of the last run is needed.

What an attempt's traces come to is known (see `summed`). If production's keys, but for those that
came, have these sums, none went; if staging's rows are by these transactions, nobody else wrote
there. Then what the watermark tells of is all that moved, and staging's rows are what was written:
each row that differs is put in or written over, whichever verdict is asked for. So all of it stays
in columns; only where rows stand in others' way are they judged and written as any others are.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sync import arrow_blocks, arrow_marked, moving
from sync.arrow_marked import Pairs, Places, taken
from sync.arrow_overlaid import InOne, Written, lay
from sync.collecting import uncollected
from sync.errors import Cancelled
from sync.filling import MOST_SAMPLED, SAMPLED, SHOWN
from sync.folds import check_folding
from sync.foresight import Foresight, Look
from sync.model import Row
from sync.moved_rows import Faked, Found, Row3
from sync.moving import Moving
from sync.progress import Clock
from sync.state import Attempt, State
from sync.summed import SHORT
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_columns import Changed
from sync.tables_postgres_late import Late
from sync.tables_postgres_target import PostgresTarget
from sync.threads import Soon
from sync.work import Outcome, Record, Work


class Marked(Moving):
    """Finds and settles what a watermark tells of; finds nothing where that is not enough."""

    _look: Look
    _pairs: Pairs

    def __init__(
        self, source: PostgresSource, target: PostgresTarget, state: State, work: Work, run: str,
        attempt: Attempt, record: Record | None, foresight: Foresight,
    ) -> None:  # fmt: skip
        super().__init__(source, target, state, work, run, attempt, record)
        self._foresight = foresight

    def find(self) -> Found | None:
        """What moved; None where that can't be told without the traces."""
        look = self._foresight.take(self._work, self._attempt)
        late = None if look is None else look.late.result()
        if look is None or late is None:
            return None
        with uncollected():
            self._look, self._pairs = look, self._paired(late)
        self._summed, self._mark = look.summed, late.mark
        came = self._pairs.keys.filter(arrow_blocks.mask(self._pairs.at < 0))
        if self._summed.with_keys(came) != late.sums or not self._untouched():
            return None
        return Found(seen=late.sums.count)

    def _paired(self, late: Late) -> Pairs:
        work, columns = self._work, late.columns
        keys = np.sort(late.keys.to_numpy()).tolist()
        standing = Soon(lambda: self._target.columns_at(work.table, keys))
        if arrow_marked.may_fold(work.table, work.folded, columns):
            check_folding(self._source, work.table, work.folded)
        assert work.columns is not None
        fakes, tags = work.columns(columns), self._tags(late.hashes)
        there = standing.get()
        stood = arrow_blocks.whole(there.keys)
        return arrow_marked.paired(
            late.keys, columns, fakes, tags, there.columns, stood, there.stamps, there.places
        )

    def _untouched(self) -> bool:
        """Whether staging's rows are all as they were written."""
        rows, ours = self._look.standing.result()
        known = np.array([*self._summed.stamps], np.int64)
        return rows == ours == self._summed.keys.count and bool(
            np.isin(self._pairs.stamps, known).all()
        )

    def settle(
        self, found: Found, outcome: Outcome, reset: bool, dry: bool, cancelled: Callable[[], bool],
        clock: Clock,
    ) -> None:  # fmt: skip
        """Writes all rows that moved."""
        counts, moved = outcome.counts, self._pairs.moved()
        counts.seen = counts.unchanged = found.seen
        for start in range(0, max(1, len(moved)), moving.AT_ONCE):
            if cancelled():
                self._target.rollback()
                raise Cancelled("the run was cancelled; what it had finished stays")
            rows = moved[start : start + moving.AT_ONCE]
            with uncollected():
                self._write(rows, outcome, reset, dry)
            if not dry:
                self._note(outcome, last=start + moving.AT_ONCE >= len(moved))
            clock.tell(self._work.table.name, found.seen, counts.bytes)

    def _write(self, rows: Places, outcome: Outcome, reset: bool, dry: bool) -> None:
        pairs, table, counts = self._pairs, self._work.table, outcome.counts
        here = pairs.at[rows] >= 0
        over, fresh = rows[here], rows[~here]
        if not (dry or self._written(over, fresh)):
            (chosen,) = taken([pairs.keys], rows)
            keys = chosen.to_pylist()
            looked = self._looked_at(dict.fromkeys(keys), {}, outcome)
            self._settle(looked, outcome, reset, dry)
            return
        self._tell_of(rows, outcome)
        counts.inserted += len(fresh)
        counts.updated += len(over)
        counts.unchanged -= len(rows)
        links = {name for key in table.foreign_keys for name in key.columns}
        leads = pairs.differ[[*table.positions(sorted(links & {*table.names}))]][:, over]
        outcome.same_links += len(over) - int(leads.any(0).sum())

    def _written(self, over: Places, fresh: Places) -> bool:
        """Writes rows, and notes that; False where others stand in their way."""
        pairs, table, at = self._pairs, self._work.table, self._pairs.at[over]
        if not (len(over) or len(fresh)):
            return True
        differing = np.flatnonzero(pairs.differ[:, over].any(1)).tolist()
        columns = [pairs.fakes[place] for place in (*table.positions(table.key), *differing)]
        (places,) = taken([pairs.places], at)
        changed = Changed(
            tuple(table.names[place] for place in differing), taken(columns, over),
            arrow_blocks.numbers(pairs.stamps[at].tolist()), places,
        )  # fmt: skip
        if not self._target.write_columns(table, taken(pairs.fakes, fresh), changed):
            return False
        rows = np.sort(np.concatenate([over, fresh]))
        (keys,), (came,) = taken([pairs.keys], rows), taken([pairs.keys], fresh)
        (stamp,) = {*self._stamps_at(keys[:1].to_pylist()).values()}
        lay(
            self._target, self._attempt.number, table, keys, taken(pairs.fakes, rows),
            np.ones(len(rows), np.bool_), pairs.tags[rows].tobytes(),
            np.full(len(rows), stamp, np.int64),
        )  # fmt: skip
        self._summed.all_written(pairs.stamps[at], len(rows), stamp)
        self._summed.keys = self._summed.with_keys(came)
        return True

    def _tell_of(self, rows: Places, outcome: Outcome) -> None:
        """Lets others know of originals and their fakes; a few are kept to search for."""
        pairs = self._pairs
        sides = [taken(each, rows) for each in (pairs.originals, pairs.fakes)]
        if self._record is not None and len(rows):
            self._record(self._work.table, *(arrow_blocks.rows_of(each) for each in sides))
        outcome.counts.bytes += arrow_marked.size_of(sides[0])
        if len(outcome.originals) < MOST_SAMPLED:
            some = rows[:: max(1, len(rows) // SAMPLED)]
            outcome.originals += arrow_blocks.rows_of(taken(pairs.originals, some))
        if len(outcome.shown) < SHOWN:
            shown = [arrow_blocks.rows_of([each[:SHOWN] for each in side]) for side in sides]
            outcome.shown += list(zip(*shown, strict=True))

    def _note(self, outcome: Outcome, last: bool) -> None:
        """What was written stays, whatever comes; the watermark moves on only with the last."""
        attempt, made, summed = self._attempt, self._work.made, self._summed.dumps()
        assert self._mark is not None
        mark, seen = (
            (self._mark, outcome.counts.seen) if last else (attempt.watermark, attempt.seen)
        )
        self._state.saw(attempt.number, mark, seen, made, summed)
        self._count(outcome, self._source.snapshot() if last else "")

    # Where others stand in the way: row by row, as they were found

    def _sides(
        self, keys: Sequence[InOne]
    ) -> tuple[dict[InOne, Faked], dict[InOne, tuple[Row, Any]]]:
        pairs = self._pairs
        rows = np.flatnonzero(np.isin(pairs.keys.to_numpy(), np.array(keys, np.int64)))
        there = rows[pairs.at[rows] >= 0]
        at = pairs.at[there]
        originals, fakes = (
            arrow_blocks.rows_of(taken(each, rows)) for each in (pairs.originals, pairs.fakes)
        )
        tags = [tag.tobytes() for tag in pairs.tags[rows]]
        stands = arrow_blocks.rows_of(taken(pairs.standing, at))
        stamps = [str(stamp) for stamp in pairs.stamps[at]]
        of = pairs.keys.to_numpy()
        made = [Faked(*each) for each in zip(originals, fakes, tags, strict=True)]
        return (
            dict(zip(of[rows].tolist(), made, strict=True)),
            dict(zip(of[there].tolist(), zip(stands, stamps, strict=True), strict=True)),
        )

    def _bases(
        self, keys: dict[InOne, tuple[int, int] | None], stands: dict[InOne, tuple[Row, Any]]
    ) -> dict[InOne, Row | None]:
        return {key: row for key, (row, _) in stands.items() if key in keys}

    def _remember(
        self, rows: list[Row3], standing: list[Row | None], written: set[int], singly: bool
    ) -> list[Written]:
        made = super()._remember(rows, standing, written, singly)
        for row, each in zip(rows, made, strict=True):
            if each.alive:
                before = None if row.staging is None else int(str(row.stamp)) % SHORT
                self._summed.written(before, each.stamp)
        came = [int(row.key) for row, each in zip(rows, made, strict=True)
                if row.staging is None and each.alive]  # fmt: skip
        self._summed.keys = self._summed.came(came)
        return made
