"""The order in which a piece's rows are put in: that of the index which costs most.

Fakes come in no order. Rows that meet a large unique index at random cost a server twice of what
rows do that meet it in order, piece by piece; the key's own index, which then is met out of order,
is small and costs little.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sync.arrow_text import text_of
from sync.work import Work

WORD = 8
LEAST = 1000
"""Rows that are worth the while."""


def costly_index(work: Work) -> int | None:
    """The place of the text by which a table is unique besides its key, if there is one."""
    table = work.table
    for unique in table.uniques:
        if unique.columns and unique.columns[0] not in table.key:
            (place,) = table.positions(unique.columns[:1])
            if table.columns[place].shape == "text" and not table.columns[place].array:
                return place
    return None


def by_index(columns: Sequence[Any], place: int) -> list[Any]:
    """Rows in about the order of a column: of its first two words of eight bytes."""
    if len(columns[0]) < LEAST:
        return list(columns)
    words = pc.binary_slice(text_of(columns[place]).cast(pa.binary()), 0, 2 * WORD)
    order = pa.array(_order(words))
    return [column.take(order) for column in columns]


def _order(words: Any) -> Any:
    count = len(words)
    _, offsets, content = words.buffers()
    places = np.frombuffer(offsets, np.int32)[words.offset : words.offset + count + 1]
    begins = places.astype(np.int64)
    letters = np.frombuffer(content, np.uint8) if content is not None else np.empty(0, np.uint8)
    padded = np.concatenate([letters, np.zeros(2 * WORD, np.uint8)])
    filled = np.lib.stride_tricks.sliding_window_view(padded, 2 * WORD)[begins[:-1]]
    sizes = np.minimum(np.diff(begins), 2 * WORD)
    kept = np.tri(2 * WORD + 1, 2 * WORD, -1, dtype=np.uint8)
    both = (filled * kept[sizes]).view(">u8").astype(np.uint64)
    return np.lexsort((both[:, 1], both[:, 0]))
