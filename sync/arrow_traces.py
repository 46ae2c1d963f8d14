"""What an attempt left of each row: its key, a tag of its original, and who wrote it.

By these a run finds what moved on either side without reading the rows. They come in blocks, in
order of the key; single rows written since then lie over them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sync import arrow_blocks
from sync.arrow_blocks import key_type
from sync.arrow_overlaid import InOne, Overlaid
from sync.digests import Bytes
from sync.model import Row, Table
from sync.remembering import SIZE
from sync.state import Attempt
from sync.tables_postgres_target import PostgresTarget

MOST_KEPT = 2_000_000
"""Rows of blocks that are held, since they are asked for more than once."""


@dataclass(slots=True)
class Traces:
    """The traces of one block, with those laid over it; `alive` is what it still has."""

    number: int
    keys: Any
    tags: Bytes
    stamps: NDArray[np.int64]
    alive: NDArray[np.bool_]


@dataclass(slots=True)
class Moved:
    """The traces of single rows that were written since the blocks."""

    keys: Any
    tags: Bytes
    stamps: NDArray[np.int64]
    alive: NDArray[np.bool_]
    met: NDArray[np.bool_] = field(init=False)
    """Which of them stand in a block that was looked at."""
    seen: NDArray[np.bool_] = field(init=False)
    """Which of the others the database still has that was looked through last."""

    def __post_init__(self) -> None:
        self.met = np.zeros(len(self.stamps), np.bool_)
        self.seen = np.zeros(len(self.stamps), np.bool_)

    def moved(self, keys: Any, tags: Bytes, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which rows, that are in no block, are not as they were; by their tags, where known."""
        places = self.note(keys)
        there = places >= 0
        there[there] = self.alive[places[there]]
        moved = ~there
        both = there & known
        moved[both] = differ(tags[both], self.tags[places[both]])
        return moved

    def note(self, keys: Any) -> NDArray[np.int64]:
        """Where keys that a database has stand here; -1 where they do not."""
        places = places_in(keys, self.keys)
        self.seen[places[places >= 0]] = True
        return places

    def beyond(self) -> NDArray[np.intp]:
        """Those that stand in no block: the rows that came since."""
        return np.flatnonzero(~self.met & self.alive)


class Remembered:
    """All traces that a finished attempt left of a table."""

    def __init__(self, target: PostgresTarget, table: Table, attempt: Attempt) -> None:
        self._target, self._attempt = target, attempt
        self.type = key_type(table)
        self.whole = self.type == pa.int64()
        self.ordered = len(table.key) == 1
        self.overlaid = Overlaid(target, attempt.number, table, self.type)
        each = self.overlaid
        self.moved = Moved(each.keys, each.tags, each.stamps, each.alive)
        self._kept: dict[int, Traces] = {}
        self._room = MOST_KEPT

    def untraced(self) -> list[int]:
        """The blocks that have no traces yet."""
        query = (
            f"SELECT number FROM {self._target.state}blocks WHERE attempt = ? AND keys IS NULL "
            "ORDER BY number"
        )
        return [int(str(number)) for (number,) in self._target.run(query, [self._attempt.number])]

    def column(self, keys: Sequence[InOne]) -> Any:
        """Keys as a column."""
        return pa.array(keys, self.type)

    def key(self, cell: str) -> InOne:
        """A key out of its text."""
        return int(cell) if self.whole else cell

    def moved_rows(self, keys: Sequence[InOne]) -> dict[InOne, Row | None]:
        """What was written since the blocks for some keys."""
        places = places_in(self.column(keys), self.overlaid.keys).tolist()
        there = [(key, place) for key, place in zip(keys, places, strict=True) if place >= 0]
        rows = self.overlaid.rows([place for _, place in there])
        return dict(zip([key for key, _ in there], rows, strict=True))

    def blocks(self) -> Iterator[Traces]:
        """The traces block by block; all at once where keys have no order that is theirs."""
        each = (self._block(number) for number in range(self._attempt.blocks))
        if self.ordered:
            yield from each
        elif parts := list(each):
            yield Traces(
                -1, pa.concat_arrays([part.keys for part in parts]),
                np.concatenate([part.tags for part in parts]),
                np.concatenate([part.stamps for part in parts]),
                np.concatenate([part.alive for part in parts]),
            )  # fmt: skip

    def keys(self) -> Iterator[tuple[int, Any]]:
        """The keys of each block, with its number."""
        for number in range(self._attempt.blocks):
            ((keys,),) = self._target.blobs(
                f"SELECT keys FROM {self._target.state}blocks WHERE attempt = ? AND number = ?",
                [self._attempt.number, number],
            )
            assert isinstance(keys, bytes)
            yield number, arrow_blocks.unpack(keys)[1][0]

    def warm(self) -> None:
        """Reads as many blocks as are held."""
        for number in range(self._attempt.blocks):
            if self._room <= 0:
                break
            self._block(number)

    def _block(self, number: int) -> Traces:
        if number in self._kept:
            return self._kept[number]
        traces = self._read(number)
        if len(traces.stamps) <= self._room:
            self._kept[number] = traces
            self._room -= len(traces.stamps)
        return traces

    def _read(self, number: int) -> Traces:
        ((keys, tags, stamp, stamps),) = self._target.blobs(
            f"SELECT keys, tags, stamp, stamps FROM {self._target.state}blocks "
            "WHERE attempt = ? AND number = ?",
            [self._attempt.number, number],
        )
        assert isinstance(keys, bytes)
        assert isinstance(tags, bytes)
        _, (column,) = arrow_blocks.unpack(keys)
        own = (
            np.frombuffer(stamps, np.int64).copy()
            if isinstance(stamps, bytes)
            else np.full(len(column), stamp, np.int64)
        )
        traces = Traces(
            number, column, np.frombuffer(tags, np.uint8).reshape(-1, SIZE), own,
            np.ones(len(column), np.bool_),
        )  # fmt: skip
        return self._laid_over(traces)

    def _laid_over(self, traces: Traces) -> Traces:
        if not len(self.moved.keys):
            return traces
        found = places_in(self.moved.keys, traces.keys)
        over = np.flatnonzero(found >= 0)
        if len(over):
            rows = found[over]
            traces.tags = traces.tags.copy()
            traces.tags[rows], traces.stamps[rows] = self.moved.tags[over], self.moved.stamps[over]
            traces.alive[rows] = self.moved.alive[over]
            self.moved.met[over] = True
        return traces


def differ(tags: Bytes, others: Bytes) -> NDArray[np.bool_]:
    """Which tags are not the ones beside them."""
    left, right = (np.ascontiguousarray(each).view(np.uint16) for each in (tags, others))
    made: NDArray[np.bool_] = (left != right).any(1)
    return made


def places_in(keys: Any, among: Any) -> NDArray[np.int64]:
    """Where each key stands among others; -1 where it does not."""
    if keys.equals(among):
        return np.arange(len(keys), dtype=np.int64)
    if among.type == pa.int64() and len(among):
        numbers = among.to_numpy()
        if (numbers[1:] > numbers[:-1]).all():
            return _searched(keys.to_numpy(), numbers)
    found = pc.index_in(keys, value_set=among).fill_null(-1)
    places: NDArray[np.int64] = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return places


def _searched(keys: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same among numbers in their order."""
    places = np.searchsorted(among, keys)
    places[places == len(among)] = 0
    return np.where(among[places] == keys, places, -1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One block's traces beside what a database has of the same stretch of keys."""

    traces: Traces
    keys: Any
    beside: list[Any]
    places: NDArray[np.int64]
    """Where each of the keys stands in the block; -1 where it does not."""

    @property
    def left_out(self) -> NDArray[np.bool_]:
        """Which rows of the block the database does not have."""
        there = np.zeros(len(self.traces.stamps), np.bool_)
        there[self.places[self.places >= 0]] = True
        return self.traces.alive & ~there


def stretches(batches: Iterator[list[Any]], remembered: Remembered) -> Iterator[Stretch]:
    """A database's keys, and columns beside them, cut where the blocks end."""
    stream = _Stream(batches)
    for traces in remembered.blocks():
        ordered = remembered.ordered and len(traces.keys)
        parts = stream.up_to(traces.keys[-1].as_py()) if ordered else list(stream.rest())
        keys, beside = pa.array([], remembered.type), list[Any]()
        if parts:
            keys, *beside = [pa.concat_arrays(list(each)) for each in zip(*parts, strict=True)]
        yield Stretch(traces, keys, beside, places_in(keys, traces.keys))
    for keys, *beside in stream.rest():
        none = np.empty(0, np.int64)
        nothing = Traces(-1, keys[:0], np.empty((0, SIZE), np.uint8), none, np.empty(0, np.bool_))
        yield Stretch(nothing, keys, beside, np.full(len(keys), -1, np.int64))


class _Stream:
    """Batches of columns in order of the first, taken up to one key after the other."""

    def __init__(self, batches: Iterator[list[Any]]) -> None:
        self._batches, self._ahead = batches, list[list[Any]]()

    def rest(self) -> Iterator[list[Any]]:
        """All that was not taken yet."""
        while self._ahead:
            yield self._ahead.pop(0)
        yield from self._batches

    def up_to(self, last: InOne) -> list[list[Any]]:
        """What comes up to a key."""
        while not self._ahead or self._ahead[-1][0][-1].as_py() <= last:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._ahead.append(batch)
        taken: list[list[Any]] = []
        while self._ahead:
            keys = self._ahead[0][0]
            count = _count_up_to(keys, last)
            if count == len(keys):
                taken.append(self._ahead.pop(0))
                continue
            if count:
                taken.append([column[:count] for column in self._ahead[0]])
                self._ahead[0] = [column[count:] for column in self._ahead[0]]
            break
        return taken


def _count_up_to(keys: Any, last: InOne) -> int:
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle].as_py() <= last:
            low = middle + 1
        else:
            high = middle
    return low
