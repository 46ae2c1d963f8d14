"""What a refreshing has found: rows that moved, and how they stand on all three sides."""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np

from sync import arrow_blocks
from sync.arrow_overlaid import InOne
from sync.arrow_traces import places_in
from sync.digests import Bytes, Digest
from sync.model import Cell, Row, Table
from sync.remembering import SIZE
from sync.work import Work

MANY = 100


@dataclass(slots=True)
class Found:
    """The rows to be looked at, with the block and the place in it of those that have one."""

    keys: dict[InOne, tuple[int, int] | None] = field(default_factory=dict)
    seen: int = 0
    expected: dict[int, int] = field(default_factory=dict)
    """How many rows of staging each transaction should still have."""

    def add(self, keys: Any, number: int, places: Sequence[int]) -> None:
        """Notes some rows."""
        stands = [(number, place) if number >= 0 and place >= 0 else None for place in places]
        for key, place in zip_longest(keys.to_pylist(), stands):
            if self.keys.get(key) is None:
                self.keys[key] = place

    def expect(self, stamps: Any) -> None:
        """Counts rows by the transaction that wrote them."""
        if len(stamps) and stamps[0] == stamps.max() == stamps.min():  # a block as it was filled
            stamps, counts = stamps[:1], np.array([len(stamps)])
        else:
            stamps, counts = np.unique(stamps, return_counts=True)
        for stamp, number in zip(stamps, counts, strict=True):
            self.expected[int(stamp)] = self.expected.get(int(stamp), 0) + int(number)


@dataclass(frozen=True, slots=True)
class Told:
    """The rows that a watermark tells of, and their tags."""

    keys: Any
    tags: Bytes

    def of(self, keys: Any) -> tuple[Any, Bytes]:
        """Which of some keys it tells of, and their tags."""
        places = places_in(keys, self.keys)
        tags = np.zeros((len(places), SIZE), np.uint8)
        tags[places >= 0] = self.tags[places[places >= 0]]
        return places >= 0, tags


@dataclass(frozen=True, slots=True)
class Faked:
    """A row of production's, its fake, and its tag."""

    original: Row
    fake: Row
    tag: bytes


@dataclass(frozen=True, slots=True)
class Row3:
    """A row on all three sides: what was written last, production's fake, and staging's."""

    key: InOne
    base: Row | None
    production: Row | None
    tag: bytes
    staging: Row | None
    stamp: Any

    @property
    def any(self) -> Row | None:
        """Whichever there is."""
        return self.production or self.staging or self.base


def in_one(table: Table, cells: Sequence[Cell]) -> InOne:
    """A key's cells as `key_in_one` gives them."""
    texts = []
    for name, cell in zip(table.key, cells, strict=True):
        column, text = table.column(name), str(cell)
        if column.shape == "boolean":
            text = {"t": "true", "f": "false"}[text]
        texts.append(text.rstrip(" ") if column.type.startswith("character(") else text)
    if len(texts) > 1:
        return json.dumps(texts, ensure_ascii=False)
    return int(texts[0]) if table.column(table.key[0]).shape == "integer" else texts[0]


def tag_of(digest: Digest, hashed: int) -> bytes:
    """As `tags_of` makes it of a column of hashes."""
    made = digest.of_bytes(struct.pack("=q", hashed))
    return struct.pack("=QQ", made >> 64, made & 0xFFFFFFFFFFFFFFFF)[:SIZE]


def fakes_of(work: Work, rows: list[Row]) -> list[Row]:
    """Rows as fakes; many at once in columns, which costs a tenth."""
    if len(rows) < MANY or work.columns is None:
        return work.fake(rows)
    columns = [arrow_blocks.texts(cells) for cells in zip(*rows, strict=True)]
    return arrow_blocks.rows_of(work.columns(columns))
