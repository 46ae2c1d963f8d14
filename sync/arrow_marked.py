"""Rows that a watermark tells of, as columns: production's fakes beside staging's rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sync import arrow_blocks
from sync.arrow_traces import places_in
from sync.digests import Bytes
from sync.folding import folded_email
from sync.model import Table

Places = NDArray[np.int64]
ODD = r"[^!-@\[-~]"
"""Letters that an email may have and its folded form not."""


def order_of(keys: Any) -> Places:
    """Where whole numbers stand, in their order."""
    return np.argsort(keys.to_numpy(), kind="stable").astype(np.int64)


def taken(columns: Sequence[Any], places: Places) -> list[Any]:
    """Some rows of columns."""
    where = pa.array(places)
    return [column.take(where) for column in columns]


def may_fold(table: Table, columns: Sequence[str], cells: Sequence[Any]) -> bool:
    """As `folds.may_fold`, of columns."""
    for place in table.positions(columns):
        odd = pc.fill_null(pc.match_substring_regex(cells[place], ODD), False)
        if any(folded_email(cell) != cell for cell in cells[place].filter(odd).to_pylist()):
            return True
    return False


def size_of(columns: Sequence[Any]) -> int:
    """How many bytes of text columns hold."""
    return sum(pc.sum(pc.binary_length(column)).as_py() or 0 for column in columns)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Production's rows in order of their keys, each with the row of staging that has its key."""

    keys: Any
    originals: list[Any]
    fakes: list[Any]
    tags: Bytes
    standing: list[Any]
    """Staging's rows, in order of their keys."""
    at: Places
    """Where among these each row of production's stands; -1 where there is none."""
    stamps: Places
    """Which transactions wrote staging's rows."""
    places: Any
    """Where these are."""
    differ: NDArray[np.bool_]
    """Column by column, in which rows that stand there the two differ."""

    def moved(self) -> Places:
        """The rows that staging lacks, or holds otherwise."""
        return np.flatnonzero((self.at < 0) | self.differ.any(0)).astype(np.int64)


def paired(
    keys: Any, originals: list[Any], fakes: list[Any], tags: Bytes, standing: list[Any],
    stood: Any, stamps: Any, places: Any,
) -> Pairs:  # fmt: skip
    """Both sides, each in an order of its own, brought together by their keys."""
    mine, theirs = order_of(keys), order_of(stood)
    keys, stood = keys.take(pa.array(mine)), stood.take(pa.array(theirs))
    fakes, standing = taken(fakes, mine), taken(standing, theirs)
    at = places_in(keys, stood)
    both = np.flatnonzero(at >= 0)
    differ = np.zeros((len(fakes), len(keys)), np.bool_)
    for number, (one, other) in enumerate(zip(fakes, standing, strict=True)):
        differ[number, both] = _differ(one.take(pa.array(both)), other.take(pa.array(at[both])))
    numbers = arrow_blocks.whole(stamps).to_numpy()[theirs]
    there = places.take(pa.array(theirs))
    return Pairs(
        keys, taken(originals, mine), fakes, tags[mine], standing, at, numbers, there, differ
    )


def _differ(one: Any, other: Any) -> NDArray[np.bool_]:
    """Which cells are not equal; nulls are."""
    same = pc.or_(
        pc.fill_null(pc.equal(one, other), False), pc.and_(pc.is_null(one), pc.is_null(other))
    )
    made: NDArray[np.bool_] = ~same.to_numpy(zero_copy_only=False)
    return made
