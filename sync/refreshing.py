"""A table brought up to date by looking only at rows that moved on either side since the last run.

Production tells a hash of each row, staging which transactions wrote its rows. What differs from
the traces of the last run is read on all three sides, judged like any other row, and written.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sync import arrow_blocks
from sync.arrow_overlaid import InOne, Written, pack_anew
from sync.arrow_traces import Remembered, Stretch, Traces, differ, places_in, stretches
from sync.collecting import uncollected
from sync.comparing import reset_verdict, verdict
from sync.deciding import Batch
from sync.digests import Bytes
from sync.errors import Cancelled
from sync.filling import MOST_SAMPLED, SAMPLED, SHOWN, tags_of
from sync.folds import check_folding, may_fold
from sync.model import Row
from sync.moved_rows import Found, Row3, Told, fakes_of, in_one
from sync.progress import Clock
from sync.remembering import NONE, SIZE
from sync.state import Attempt, State
from sync.sums import Sums
from sync.tables import key_reader
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.threads import Soon, ahead
from sync.work import Outcome, Record, Work

AT_ONCE = 5000
MOST_MOVED = 0.25
"""Of a table's rows: where more have moved, or lie over the blocks, it is walked through."""
FEW = 1000
OLD = 2**31
"""So many transactions later PostgreSQL's numbers may come again."""
SHORT = 2**32


class Refreshing:
    """Finds and settles what moved in one table."""

    def __init__(
        self, source: PostgresSource, target: PostgresTarget, state: State, work: Work, run: str,
        attempt: Attempt, record: Record | None,
    ) -> None:  # fmt: skip
        self._record = record
        self._source, self._target, self._state, self._work = source, target, state, work
        self._run, self._attempt = run, attempt
        self._remembered = Remembered(target, work.table, attempt)
        self._of = key_reader(work.table)
        self._mark: str | None = None
        """The greatest value of production's watermark, where it was asked for."""
        self._stamps: dict[InOne, int] = {}
        """Which transaction wrote some rows last, as it was remembered."""

    def find(self) -> Found | None:
        """What moved; None where so much did that the table is better walked through."""
        if self._remembered.untraced():
            return None
        found = Found()
        most = max(FEW, int(self._attempt.seen * MOST_MOVED))
        if len(self._remembered.moved.keys) > most:
            return None
        stamps = self._target.stamps(self._work.table)
        sums, changed = self._sums(), self._changed()  # what takes a server long begins first
        told = None if changed is None else self._told(changed)
        summed = sums is not None and told is not None
        if sums is None or told is None or not self._by_sums(told, found, sums):
            if summed:  # production has other keys: they are all read, beside all that was known
                found, self._stamps = Found(), {}
                self._remembered = Remembered(self._target, self._work.table, self._attempt)
            for stretch in stretches(self._stream(told), self._remembered):
                self._in_production(stretch, found, told)
                if len(found.keys) > most:
                    return None
        if not self._in_staging(found, stamps.get()) or len(found.keys) > most:
            return None
        if not self._remembered.ordered:
            self._place([*found.keys], found)
        return found

    def _changed(self) -> Soon[list[tuple[InOne, int]]] | None:
        """Asks what a watermark tells of; None where there is none: then for all hashes."""
        work, value, ask = self._work, self._attempt.watermark, self._source.changed_since
        if not (work.watermark and value):
            return None
        return Soon(lambda: ask(work.table, work.selection, work.watermark, value))

    def _told(self, changed: Soon[list[tuple[InOne, int]]]) -> Told:
        self._remembered.warm()  # meanwhile
        rows = sorted(changed.get())
        hashes = arrow_blocks.numbers([hashed for _, hashed in rows])
        return Told(self._remembered.column([key for key, _ in rows]), self._tags(hashes))

    def _sums(self) -> Soon[tuple[Sums, str]] | None:
        """Sums of production's keys, where they may spare us reading these."""
        if not (self._work.watermark and self._attempt.watermark and self._remembered.whole):
            return None
        return self._source.sums(self._work.table, self._work.selection, self._work.watermark)

    def _by_sums(self, told: Told, found: Found, sums: Soon[tuple[Sums, str]]) -> bool:
        """Takes what a watermark tells of, if production has all other keys that it had."""
        expected, met = Sums(), np.zeros(len(told.keys), np.bool_)
        for traces in self._remembered.blocks():
            expected.add(arrow_blocks.chosen(traces.keys, traces.alive))
            found.expect(traces.stamps[traces.alive])
            again = np.flatnonzero(traces.alive & (traces.stamps == 0))
            found.add(traces.keys.take(again), traces.number, again.tolist())
            places = places_in(told.keys, traces.keys)
            here = np.flatnonzero(places >= 0)
            here = here[traces.alive[places[here]]]
            met[here] = True
            rows = here[differ(told.tags[here], traces.tags[places[here]])]
            self._add(found, told.keys.take(rows), traces, places[rows])
        moved, rest = self._remembered.moved, np.flatnonzero(~met)
        beyond, keys = moved.beyond(), told.keys.take(rest)
        fresh = moved.moved(keys, told.tags[rest], np.ones(len(rest), np.bool_))
        found.add(arrow_blocks.chosen(keys, fresh), -1, ())
        others = moved.keys.take(beyond)
        expected.add(others)
        expected.add(arrow_blocks.chosen(keys, places_in(keys, others) < 0))
        moved.seen[beyond] = True
        found.seen = expected.count
        there, self._mark = sums.get()
        return expected == there

    def _stream(self, told: Told | None) -> Iterator[list[Any]]:
        work = self._work
        if told is not None:
            return ahead(self._source.keys(work.table, work.selection))
        return ahead(self._source.hashes(work.table, work.selection))

    def _tags(self, hashes: Any) -> Bytes:
        assert self._work.hashed is not None
        return np.frombuffer(tags_of(self._work.hashed, hashes), np.uint8).reshape(-1, SIZE)

    def _in_production(self, stretch: Stretch, found: Found, told: Told | None) -> None:
        traces, keys = stretch.traces, stretch.keys
        found.seen += len(keys)
        found.expect(traces.stamps[traces.alive])
        again = np.flatnonzero(stretch.left_out | (traces.alive & (traces.stamps == 0)))
        found.add(traces.keys.take(again), traces.number, again.tolist())
        if not len(keys):
            return
        there = stretch.places >= 0
        there[there] = traces.alive[stretch.places[there]]
        if told is None:
            known, tags = np.ones(len(keys), np.bool_), self._tags(stretch.beside[0])
        else:
            known, tags = told.of(keys)
        moved = np.zeros(len(keys), np.bool_)
        both = known & there
        if both.all() and len(keys) == len(traces.stamps):
            moved = differ(tags, traces.tags)  # the same keys in the same order
        else:
            moved[both] = differ(tags[both], traces.tags[stretch.places[both]])
        fresh = np.flatnonzero(~there)
        moved[fresh] = self._remembered.moved.moved(keys.take(fresh), tags[fresh], known[fresh])
        places = np.flatnonzero(moved)
        self._add(found, keys.take(places), traces, stretch.places[places])

    def _add(self, found: Found, keys: Any, traces: Traces, places: NDArray[np.int64]) -> None:
        """Notes rows of a block, with who wrote them last; some may stand in no block."""
        found.add(keys, traces.number, places.tolist())
        known = np.flatnonzero(places >= 0)
        stamps = traces.stamps[places[known]].tolist()
        self._stamps |= dict(zip(keys.take(known).to_pylist(), stamps, strict=True))

    def _in_staging(self, found: Found, stands: dict[int, int]) -> bool:
        """Adds what moved in staging; whether that can be told."""
        moved = self._remembered.moved
        beyond = moved.beyond()
        found.expect(moved.stamps[beyond])
        again = ~moved.seen[beyond] | (moved.stamps[beyond] == 0)
        found.add(moved.keys.take(beyond[again]), -1, ())
        now = self._target.now()
        if any(now - stamp > OLD for stamp in found.expected if stamp):
            return False
        expected = {stamp % SHORT: number for stamp, number in found.expected.items() if stamp}
        ours = {stamp: number for stamp, number in expected.items()
                if stands.get(stamp, 0) <= number}  # fmt: skip
        others = sum(number for stamp, number in stands.items() if stamp not in ours)
        if others > max(FEW, found.seen * MOST_MOVED):
            return False
        there = Counter({stamp: stands.get(stamp, 0) for stamp in ours})
        if others:
            keys = self._target.keys_beyond(self._work.table, [*ours])
            found.add(self._remembered.column(keys), -1, ())
            there.update(self._locate(keys, found))
        if any(there[stamp] < number for stamp, number in ours.items()):
            self._missing(found)
        return True

    def _locate(self, keys: list[InOne], found: Found) -> Counter[int]:
        """Finds in which blocks keys stand that staging told of; tells who wrote them before."""
        column, moved = self._remembered.column(keys), self._remembered.moved
        beyond = moved.beyond()
        places = places_in(column, moved.keys.take(beyond))
        before = [moved.stamps[beyond][places[places >= 0]]]
        for traces in self._remembered.blocks() if keys else ():
            places = places_in(column, traces.keys)
            here = np.flatnonzero(places >= 0)
            before.append(traces.stamps[places[here]][traces.alive[places[here]]])
            for at in here.tolist():
                if found.keys[keys[at]] is None and traces.number >= 0:
                    found.keys[keys[at]] = traces.number, int(places[at])
        return Counter((np.concatenate(before) % SHORT).tolist())

    def _place(self, keys: list[InOne], found: Found) -> None:
        """Finds in which blocks keys stand, block by block."""
        left = [key for key in keys if found.keys[key] is None]
        for number, column in self._remembered.keys() if left else ():
            places = places_in(self._remembered.column(left), column).tolist()
            for key, place in zip(left, places, strict=True):
                if place >= 0:
                    found.keys[key] = number, place

    def _missing(self, found: Found) -> None:
        """Adds the rows that staging had and has no more."""
        moved = self._remembered.moved
        moved.seen[:] = False
        for stretch in stretches(self._target.keys(self._work.table), self._remembered):
            gone = np.flatnonzero(stretch.left_out)
            found.add(stretch.traces.keys.take(gone), stretch.traces.number, gone.tolist())
            moved.note(stretch.keys)
        beyond = moved.beyond()
        found.add(moved.keys.take(beyond[~moved.seen[beyond]]), -1, ())
        self._target.writer().rollback()

    # What was found

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
        if keys and not dry:
            overlaid = self._remembered.overlaid
            pack_anew(self._target, self._attempt.number, self._work.table, overlaid)
        for start in range(0, len(keys), AT_ONCE):
            if cancelled():
                self._target.rollback()
                raise Cancelled("the run was cancelled; what it had finished stays")
            some = {key: found.keys[key] for key in keys[start : start + AT_ONCE]}
            with uncollected():
                self._settle(self._looked_at(some, decided, outcome), outcome, reset, dry)
            if not dry:
                self._count(outcome, "")
            clock.tell(self._work.table.name, found.seen, outcome.counts.bytes)
        if not keys:
            clock.tell(self._work.table.name, found.seen, 0)
        if not dry:
            self._note_watermark(found.seen)
            self._count(outcome, self._source.snapshot())

    def _note_watermark(self, seen: int) -> None:
        if self._mark is None:
            note_watermark(self._source, self._state, self._work, self._attempt.number, seen)
        else:
            self._state.saw(self._attempt.number, self._mark, seen)

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
        work, key_of = self._work, self._remembered.key
        standing = Soon(lambda: self._target.rows_at(work.table, list(keys)))
        production = self._source.rows_at(work.table, work.selection, list(keys))
        originals = [row for row, _, _ in production]
        if may_fold(work.table, work.folded, originals):
            check_folding(self._source, work.table, work.folded)
        fakes = fakes_of(work, originals)
        self._show(originals, fakes, outcome)
        if self._record is not None and originals:
            self._record(work.table, originals, fakes)
        tags = self._tags(arrow_blocks.numbers([hashed for *_, hashed in production]))
        made = {
            key_of(key): (fake, tag.tobytes())
            for fake, tag, (_, key, _) in zip(fakes, tags, production, strict=True)
        }
        outcome.counts.unchanged -= len(made)
        stands = {key_of(key): (row, stamp) for row, key, stamp in standing.get()}
        bases = self._bases(keys, stands) | {key: decided[key] for key in keys if key in decided}
        rows = [
            Row3(key, bases.get(key), *made.get(key, (None, NONE)), *stands.get(key, (None, None)))
            for key in keys
        ]
        return sorted((row for row in rows if row.any), key=lambda row: self._of(row.any or ()))

    def _show(self, rows: list[Row], fakes: list[Row], outcome: Outcome) -> None:
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
    ) -> None:
        """Notes what stands now as written last, in the transaction that wrote it."""
        table = self._work.table
        pairs = list(zip(rows, standing, strict=True))
        mine = [row.key for row, stands in pairs if id(stands) in written]
        ours = self._stamps_at(mine if singly else mine[:1])
        if not singly:  # all by the one that wrote the first
            ours = dict.fromkeys(mine, next(iter(ours.values()), 0))
        rest = [row.key for row, stands in pairs if id(stands) not in written]
        now = {
            self._remembered.key(key): (row, int(str(stamp)))
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

    def _stamps_at(self, keys: list[InOne]) -> dict[InOne, int]:
        found = self._target.stamps_at(self._work.table, keys) if keys else []
        return {self._remembered.key(key): int(stamp) for key, stamp in found}


def note_watermark(
    source: PostgresSource, state: State, work: Work, attempt: int, seen: int
) -> None:
    """Notes how far production's watermark was, and how many rows there were."""
    mark = source.greatest(work.table, work.watermark) if work.watermark else ""
    state.saw(attempt, mark, seen)
