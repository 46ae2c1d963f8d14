"""Rows written again since an attempt's blocks: what each run wrote lies over them, packed as one.

Of a row that lies there more than once, the latest counts; once most are of no account any more,
they are packed anew. Releases before wrote each into a table of its own, which is still read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sync import arrow_blocks
from sync.digests import Bytes
from sync.model import Cell, Row, Table
from sync.overlays import UNKNOWN, spread
from sync.packing import unpacked
from sync.remembering import SIZE
from sync.tables import Target

InOne = int | str
"""A key as `key_in_one` gives it."""
FEW = 1000


@dataclass(frozen=True, slots=True)
class Written:
    """A row as it stands since a run wrote it; one that is gone holds what it held last."""

    key: InOne
    row: Row
    alive: bool
    tag: bytes
    stamp: int


class Overlaid:
    """All that lies over the blocks of one attempt, each key once, whole numbers in their order."""

    def __init__(self, target: Target, attempt: int, table: Table, type_: Any) -> None:
        self._table, self._packed = table, list[bytes]()
        self._singly = _singly(target, attempt)
        whole = type_ == pa.int64()
        texts = [str(row[0]) for row in self._singly]
        keys = [pa.array([int(text) if whole else text for text in texts], type_)]
        tags = [_bytes(row[1]) for row in self._singly]
        stamps = [np.array([row[2] for row in self._singly], np.int64)]
        alive = [np.array([row[3] is not None for row in self._singly], np.bool_)]
        query = (
            f"SELECT keys, content, alive, tags, stamps FROM {target.state}overlays "
            "WHERE attempt = ? ORDER BY number"
        )
        for key, content, there, tag, stamp in target.blobs(query, [attempt]):
            keys.append(arrow_blocks.unpack(_bytes(key))[1][0])
            self._packed.append(_bytes(content))
            alive.append(np.frombuffer(_bytes(there), np.bool_))
            tags.append(_bytes(tag))
            stamps.append(np.frombuffer(_bytes(stamp), np.int64))
        self._ends = np.cumsum([len(each) for each in keys]).tolist()
        every = pa.concat_arrays(keys)
        self._places = _latest(every, whole)
        self.stale = len(every) - len(self._places)
        self.keys = every.take(pa.array(self._places, pa.int64()))
        self.tags: Bytes = np.frombuffer(b"".join(tags), np.uint8).reshape(-1, SIZE)[self._places]
        self.stamps: NDArray[np.int64] = np.concatenate(stamps)[self._places]
        self.alive: NDArray[np.bool_] = np.concatenate(alive)[self._places]

    def rows(self, places: Sequence[int]) -> list[Row | None]:
        """What was written for some of the keys, by where they stand; None for what is gone."""
        held = self._held(places)
        return [row if self.alive[place] else None for place, row in zip(places, held, strict=True)]

    def written(self) -> list[Written]:
        """All of it, to be packed anew."""
        held = self._held(range(len(self._places)))
        sides = self.keys.to_pylist(), held, self.alive.tolist(), self.tags, self.stamps.tolist()
        return [
            Written(key, row, alive, tag.tobytes(), stamp)
            for key, row, alive, tag, stamp in zip(*sides, strict=True)
        ]

    def _held(self, places: Sequence[int]) -> list[Row]:
        found: dict[int, Row] = {}
        parts: dict[int, list[int]] = {}
        for place in places:
            part = int(np.searchsorted(self._ends, self._places[place], "right"))
            parts.setdefault(part, []).append(place)
        for part, wanted in parts.items():
            begin = self._ends[part - 1] if part else 0
            inside = [int(self._places[place]) - begin for place in wanted]
            found |= dict(zip(wanted, self._of_part(part, inside), strict=True))
        return [found[place] for place in places]

    def _of_part(self, part: int, inside: Sequence[int]) -> list[Row]:
        if not part:
            return [_single(self._singly[place], self._table) for place in inside]
        names, columns = arrow_blocks.unpack(self._packed[part - 1])
        some = arrow_blocks.rows_of(arrow_blocks.some(columns, inside))
        return fitted(names, some, self._table)


def add(target: Target, attempt: int, table: Table, rows: Sequence[Written], type_: Any) -> None:
    """Lays rows over an attempt's blocks, and over what lay there; nothing commits."""
    if not rows:
        return
    lay(
        target, attempt, table,
        pa.array([row.key for row in rows], type_),
        [arrow_blocks.texts(each) for each in zip(*(row.row for row in rows), strict=True)],
        np.array([row.alive for row in rows], np.bool_),
        b"".join(row.tag for row in rows),
        np.array([row.stamp for row in rows], np.int64),
    )  # fmt: skip


def lay(
    target: Target, attempt: int, table: Table, keys: Any, cells: Sequence[Any],
    alive: NDArray[np.bool_], tags: bytes, stamps: NDArray[np.int64],
) -> None:  # fmt: skip
    """The same of columns: the keys, and what the table's columns hold."""
    target.run(
        f"INSERT INTO {target.state}overlays "
        "(attempt, number, keys, content, alive, tags, stamps) VALUES (?, (SELECT "
        f"coalesce(max(number), 0) + 1 FROM {target.state}overlays WHERE attempt = ?), "
        "?, ?, ?, ?, ?)",
        [
            attempt, attempt, arrow_blocks.pack(["key"], [keys]),
            arrow_blocks.pack(table.names, cells), alive.tobytes(), tags, stamps.tobytes(),
        ],
    )  # fmt: skip


def pack_anew(target: Target, attempt: int, table: Table, overlaid: Overlaid) -> None:
    """Makes one of all that lies over an attempt's blocks, if most of it is of no account."""
    if overlaid.stale <= max(FEW, len(overlaid.keys)):
        return
    rows = overlaid.written()
    for name in ("moved", "overlays"):
        target.run(f"DELETE FROM {target.state}{name} WHERE attempt = ?", [attempt])
    add(target, attempt, table, rows, overlaid.keys.type)


def fitted(names: Sequence[str], found: Sequence[Sequence[Cell]], table: Table) -> list[Row]:
    """Rows with the columns that the table has now."""
    if [*names] == [*table.names]:
        return [tuple(row) for row in found]
    places = [names.index(name) if name in names else None for name in table.names]
    return [tuple(UNKNOWN if place is None else row[place] for place in places) for row in found]


def _singly(target: Target, attempt: int) -> list[Row]:
    return target.blobs(
        f"SELECT row_key, tag, stamp, content, key_cells FROM {target.state}moved "
        "WHERE attempt = ?",
        [attempt],
    )


def _single(row: Row, table: Table) -> Row:
    _, _, _, content, cells = row
    held = unpacked(None if content is None else str(content))
    return held or spread(table, unpacked(str(cells)) or ())


def _latest(keys: Any, whole: bool) -> NDArray[np.int64]:
    """Where each key stands last; whole numbers in their order."""
    last = {key: place for place, key in enumerate(keys.to_pylist())}
    places = np.fromiter(last.values(), np.int64, len(last))
    return places[np.argsort(keys.to_numpy()[places])] if whole else places


def _bytes(cell: Cell) -> bytes:
    assert isinstance(cell, bytes)
    return cell
