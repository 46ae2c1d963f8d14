"""Rows that moved on either side since the last run: read, judged like any other row, and written.

Who finds them says so beforehand; see `refreshing` and `marked`.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from sync import arrow_blocks
from sync.arrow_blocks import has_numbers
from sync.arrow_overlaid import InOne, Written, pack_anew
from sync.arrow_traces import Remembered
from sync.collecting import uncollected
from sync.comparing import reset_verdict, verdict
from sync.deciding import Batch
from sync.digests import Bytes
from sync.errors import Cancelled
from sync.filling import MOST_SAMPLED, SAMPLED, SHOWN, tags_of
from sync.folds import check_folding, may_fold
from sync.model import Row
from sync.moved_rows import Faked, Found, Row3, fakes_of, in_one
from sync.progress import Clock
from sync.remembering import NONE, SIZE
from sync.state import Attempt, State
from sync.summed import SHORT, note_watermark, summed_up
from sync.tables import key_reader
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.threads import Soon
from sync.work import Outcome, Record, Work

AT_ONCE = 5000
MOST_MOVED = 0.25
"""Of a table's rows: where more have moved, or lie over the blocks, it is walked through."""
FEW = 1000
OLD = 2**31
"""So many transactions later PostgreSQL's numbers may come again."""


class Moving:
    """Settles what moved in one table, once that was found."""

    def __init__(
        self, source: PostgresSource, target: PostgresTarget, state: State, work: Work, run: str,
        attempt: Attempt, record: Record | None,
    ) -> None:  # fmt: skip
        self._record = record
        self._source, self._target, self._state, self._work = source, target, state, work
        self._run, self._attempt = run, attempt
        self._follows = bool(work.watermark and attempt.watermark and attempt.made == work.made)
        """Whether a watermark tells what moved since."""
        self._key: Callable[[str], InOne] = int if has_numbers(work.table) else str
        self._of = key_reader(work.table)
        self._mark: str | None = None
        """The greatest value of production's watermark, where it was asked for."""
        self._stamps: dict[InOne, int] = {}
        """Which transaction wrote some rows last, as it was remembered."""

    @cached_property
    def _remembered(self) -> Remembered:
        return Remembered(self._target, self._work.table, self._attempt)

    @abstractmethod
    def find(self) -> Found | None:
        """What moved; None where it can't tell."""

    def _tags(self, hashes: Any) -> Bytes:
        assert self._work.hashed is not None
        return np.frombuffer(tags_of(self._work.hashed, hashes), np.uint8).reshape(-1, SIZE)

    def settle(
        self, found: Found, outcome: Outcome, reset: bool, dry: bool, cancelled: Callable[[], bool],
        clock: Clock,
    ) -> None:  # fmt: skip
        """Judges all rows that were found, and writes what is to be written."""
        outcome.counts.seen = found.seen
        decided = self._decided()
        for key in decided:
            found.keys.setdefault(key, None)
        keys = sorted(found.keys)
        outcome.counts.unchanged = found.seen
        if not dry:
            self._begin(bool(keys))
        for start in range(0, len(keys), AT_ONCE):
            if cancelled():
                self._target.rollback()
                raise Cancelled("the run was cancelled; what it had finished stays")
            some = {key: found.keys[key] for key in keys[start : start + AT_ONCE]}
            with uncollected():
                self._settle(self._looked_at(some, decided, outcome), outcome, reset, dry)
            if not dry:
                self._checkpoint(outcome)
            clock.tell(self._work.table.name, found.seen, outcome.counts.bytes)
        if not keys:
            clock.tell(self._work.table.name, found.seen, 0)
        if not dry:
            self._state.clear_decided(self._work.table.name)  # all of it was looked at
            self._note_watermark(found.seen)
            self._count(outcome, self._source.snapshot())

    def _begin(self, writes: bool) -> None:
        """What goes before the first row: no longer true is what a killed run would leave."""
        number, mark = self._attempt.number, self._attempt.watermark if self._follows else ""
        self._state.saw(number, mark, self._attempt.seen, self._work.made)
        if writes:
            pack_anew(self._target, number, self._work.table, self._remembered.overlaid)

    def _note_watermark(self, seen: int) -> None:
        work, mark = self._work, self._mark
        if mark is None:
            note_watermark(self._source, self._target, self._state, work, self._attempt, seen)
        else:
            summed = summed_up(self._target, work, self._attempt)
            self._state.saw(self._attempt.number, mark, seen, work.made, summed)

    def _checkpoint(self, outcome: Outcome) -> None:
        """What was written so far stays, whatever comes."""
        self._count(outcome, "")

    def _count(self, outcome: Outcome, snapshot: str) -> None:
        self._state.count(self._attempt.number, outcome.counts)
        self._state.belongs(self._attempt.number, self._run, snapshot)
        self._target.commit()

    def _decided(self) -> dict[InOne, Row | None]:
        return {
            in_one(self._work.table, cells): content
            for cells, content in self._state.decided(self._work.table.name)
        }

    def _looked_at(
        self, keys: dict[InOne, tuple[int, int] | None], decided: dict[InOne, Row | None],
        outcome: Outcome,
    ) -> list[Row3]:  # fmt: skip
        """Rows on all three sides, in order of their keys."""
        made, stands = self._sides(list(keys))
        self._tell([*made.values()], outcome)
        outcome.counts.unchanged -= len(made)
        bases = self._bases(keys, stands) | {
            key: decided[key]
            for key in keys
            if key in decided and (key in made or key in stands)  # else it is gone on all sides
        }
        rows = [
            Row3(key, bases.get(key), *_told(made.get(key)), *stands.get(key, (None, None)))
            for key in keys
        ]
        return sorted((row for row in rows if row.any), key=lambda row: self._of(row.any or ()))

    def _sides(
        self, keys: Sequence[InOne]
    ) -> tuple[dict[InOne, Faked], dict[InOne, tuple[Row, Any]]]:
        """Production's rows of some keys, and staging's with their stamps."""
        table, selection = self._work.table, self._work.selection
        standing = Soon(lambda: self._target.rows_at(table, keys))
        made = self._fake(self._source.rows_at(table, selection, keys))
        return made, {self._key(key): (row, stamp) for row, key, stamp in standing.get()}

    def _fake(self, production: Sequence[tuple[Row, str, int]]) -> dict[InOne, Faked]:
        work, originals = self._work, [row for row, _, _ in production]
        if may_fold(work.table, work.folded, originals):
            check_folding(self._source, work.table, work.folded)
        fakes = fakes_of(work, originals)
        tags = self._tags(arrow_blocks.numbers([hashed for *_, hashed in production]))
        return {
            self._key(key): Faked(row, fake, tag.tobytes())
            for (row, key, _), fake, tag in zip(production, fakes, tags, strict=True)
        }

    def _tell(self, made: list[Faked], outcome: Outcome) -> None:
        """Lets others know of originals and their fakes."""
        rows, fakes = [each.original for each in made], [each.fake for each in made]
        if self._record is not None and rows:
            self._record(self._work.table, rows, fakes)
        outcome.counts.bytes += sum(len(str(cell)) for row in rows for cell in row)
        if len(outcome.originals) < MOST_SAMPLED:
            outcome.originals += rows[:: max(1, len(rows) // SAMPLED)]
        if len(outcome.shown) < SHOWN:
            outcome.shown += list(zip(rows[:SHOWN], fakes[:SHOWN], strict=True))

    def _bases(
        self, keys: dict[InOne, tuple[int, int] | None], stands: dict[InOne, tuple[Row, Any]]
    ) -> dict[InOne, Row | None]:
        """What was written last for each key: staging's row, where nobody wrote it since."""
        mine: dict[InOne, Row | None] = {
            key: row
            for key, (row, stamp) in stands.items()
            if (written := self._stamps.get(key, 0)) and int(str(stamp)) == written % SHORT
        }
        bases: dict[InOne, Row | None] = {}
        blocks: dict[int, list[tuple[int, InOne]]] = {}
        for key, place in keys.items():
            if place is not None and key not in mine:
                blocks.setdefault(place[0], []).append((place[1], key))
        for number, wanted in sorted(blocks.items()):
            rows = self._state.rows_of_block(
                self._attempt.number, number, self._work.table, [place for place, _ in wanted]
            )
            bases |= dict(zip((key for _, key in wanted), rows, strict=True))
        others = [key for key in keys if key not in mine]
        return bases | self._remembered.moved_rows(others) | mine

    def _settle(self, rows: list[Row3], outcome: Outcome, reset: bool, dry: bool) -> None:
        batch = Batch(self._work, outcome, reset_verdict if reset else verdict)
        standing: list[Row | None] = []
        for row in rows:
            before = len(batch.block)
            if row.production is not None or row.staging is not None:
                batch.add(row.base, row.production, row.staging, row.stamp)
            standing.append(batch.block[before] if len(batch.block) > before else None)
        if dry:
            return
        self._state.add_gone(self._work.table, batch.gone)
        self._state.add_conflicts(batch.conflicts, self._run)
        blocked = self._target.write(self._work.table, batch.inserts, batch.changes)
        outcome.blocked += len(blocked)
        left = batch.left(blocked) if blocked else {}
        written = {id(row) for row in batch.inserts} | {id(each.row) for each in batch.changes}
        stands = [left.get(id(each), each) for each in standing]
        self._remember(rows, stands, written - {*left}, blocked.singly)

    def _remember(
        self, rows: list[Row3], standing: list[Row | None], written: set[int], singly: bool
    ) -> list[Written]:
        """Notes what stands now as written last, in the transaction that wrote it."""
        table = self._work.table
        pairs = list(zip(rows, standing, strict=True))
        mine = [row.key for row, stands in pairs if id(stands) in written]
        ours = self._stamps_at(mine if singly else mine[:1])
        if not singly:  # all by the one that wrote the first
            ours = dict.fromkeys(mine, next(iter(ours.values()), 0))
        rest = [row.key for row, stands in pairs if id(stands) not in written]
        now = {
            self._key(key): (row, int(str(stamp)))
            for row, key, stamp in (self._target.rows_at(table, rest) if rest else ())
        }
        moved = []
        for row, stands in pairs:
            there, stamp = now.get(row.key, (None, 0))
            by = ours.get(row.key, stamp if stands is not None and there == stands else 0)
            settled = stands == row.production
            held, tag = stands or row.any or (), row.tag if settled else NONE
            moved.append(Written(row.key, held, stands is not None, tag, by))
        self._state.add_written(table, self._attempt.number, moved)
        return moved

    def _stamps_at(self, keys: list[InOne]) -> dict[InOne, int]:
        found = self._target.stamps_at(self._work.table, keys) if keys else []
        return {self._key(key): int(stamp) for key, stamp in found}


def _told(made: Faked | None) -> tuple[Row | None, bytes]:
    return (None, NONE) if made is None else (made.fake, made.tag)
