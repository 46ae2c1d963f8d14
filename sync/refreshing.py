"""What moved in one table on either side since the last run, found by the traces of that run.

Production tells a hash of each row, staging which transactions wrote its rows. What differs from
the traces is then read on all three sides, judged and written (see `moving`).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sync import arrow_blocks
from sync.arrow_overlaid import InOne
from sync.arrow_traces import Remembered, Stretch, Traces, differ, places_in, stretches
from sync.moved_rows import Found, Told
from sync.moving import FEW, MOST_MOVED, OLD, Moving
from sync.summed import SHORT
from sync.sums import Sums
from sync.threads import Soon, ahead


class Refreshing(Moving):
    """Finds what moved by traces, and settles it."""

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
        if not self._follows:
            return None
        return Soon(lambda: ask(work.table, work.selection, work.watermark, value))

    def _told(self, changed: Soon[list[tuple[InOne, int]]]) -> Told:
        self._remembered.warm()  # meanwhile
        rows = sorted(changed.get())
        hashes = arrow_blocks.numbers([hashed for _, hashed in rows])
        return Told(self._remembered.column([key for key, _ in rows]), self._tags(hashes))

    def _sums(self) -> Soon[tuple[Sums, str]] | None:
        """Sums of production's keys, where they may spare us reading these."""
        if not (self._follows and self._remembered.whole):
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
