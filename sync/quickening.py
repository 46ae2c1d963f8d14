"""Traces left behind a walk through a table, so that the next run finds quickly what moved."""

import numpy as np

from sync import arrow_blocks
from sync.arrow_traces import Remembered
from sync.moved_rows import in_one, tag_of
from sync.remembering import NONE, SIZE
from sync.state import Attempt, State
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.work import Work


def leave_traces(
    source: PostgresSource, target: PostgresTarget, state: State, work: Work, attempt: Attempt
) -> None:
    """Adds to each block that has none the keys, tags and stamps of its rows; nothing commits.

    A row gets its tag where it is the fake of what production holds, and its stamp where staging
    holds just that row: others are looked at again in the next run.
    """
    table, remembered = work.table, Remembered(target, work.table, attempt)
    assert work.hashed is not None
    for number in remembered.untraced():
        rows, old = state.tagged(attempt.number, number, table)
        places = table.positions(table.key)
        keys = [in_one(table, [row[place] for place in places]) for row in rows]
        hashes = dict(source.hashes_at(table, work.selection, keys)) if keys else {}
        stands = {key: (row, int(str(stamp))) for row, key, stamp in target.rows_at(table, keys)}
        tags, stamps = [], []
        for at, (key, row) in enumerate(zip(keys, rows, strict=True)):
            made = hashes.get(str(key)) if old[at * SIZE : (at + 1) * SIZE] != NONE else None
            tags.append(NONE if made is None else tag_of(work.hashed, made))
            there, stamp = stands.get(str(key), (None, 0))
            stamps.append(stamp if there == row else 0)
        state.add_traces(
            attempt.number,
            number,
            arrow_blocks.pack(["key"], [remembered.column(keys)]),
            b"".join(tags),
            np.array(stamps, np.int64).tobytes(),
        )
