"""An empty table filled, column by column: production read ahead while staging is written to, by
two connections in turns.

What it leaves in the sync's own tables is what a walk leaves, so either can go on for the other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sync import arrow_blocks
from sync.arrow_blocks import key_type
from sync.arrow_order import by_index, costly_index
from sync.digests import Digest
from sync.errors import Cancelled, Unfit
from sync.model import Row
from sync.packing import packed
from sync.progress import Clock
from sync.remembering import SIZE
from sync.state import Attempt
from sync.tables_arrow import FAILURES
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.tables_writing import ColumnWriter
from sync.threads import Behind, ahead
from sync.work import Outcome, Record, Work

MOST_SAMPLED, SAMPLED, SHOWN = 500, 50, 10
MOST_HELD = 2**26
"""Bytes of those, about: cells may be large."""
MOST_JOINED = 4
"""Batches that are written at once: fewer, larger ones meet an index better."""
HANDS = 2
"""Connections that write a table: while one of them ends a piece, the server is at the next."""

PER_SHARD = 10**6
"""No shard has as many blocks."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A range of keys of one table that is filled by itself, and how far that came."""

    table: str
    attempt: int
    number: int
    low: Row | None
    high: Row | None
    last_key: Row | None = None
    blocks: int = 0
    seen: int = 0
    done: bool = False
    bytes: int = 0
    """What was read for it so far."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows as fakes, ready to be written, with what is remembered of them."""

    number: int
    """Which of the attempt's blocks they are."""
    rows: int
    encoded: Any
    block: bytes
    keys: bytes
    tags: bytes
    last: Row
    size: int
    """What was read for them."""


class Filling:
    """Fills one table from a checkpoint on."""

    def __init__(
        self, source: PostgresSource, target: PostgresTarget, work: Work, clock: Clock,
        cancelled: Callable[[], bool], record: Record | None, shard: Shard | None = None,
        as_text: bool = False, indexed: bool = True,
        wait_for_checks: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """`wait_for_checks` is called before the first row is written, and may raise."""
        self._wait_for_checks = wait_for_checks
        self._shard = shard
        self._indexed = costly_index(work) if indexed else None
        self._record = record
        self._held = 0
        self._as_text = as_text or not source.holds(work.table)
        self._source, self._target = source, target
        self._at, self._work, self._clock, self._cancelled = target.state, work, clock, cancelled
        self._writers = self._opened()

    def _opened(self) -> Sequence[ColumnWriter]:
        if self._as_text:
            return [self._target.text_writer()]
        alone = self._shard is not None or self._target.fires(self._work.table)
        return self._target.writers(1 if alone else HANDS)

    def go_on(self, mine: Attempt, outcome: Outcome) -> Attempt:
        """Writes all that is left; gives the attempt as it stands then.

        Raises Unfit where a table can't be written so: what was committed stays, and a walk can
        take over from there. Raises Cancelled.
        """
        stands = [mine]
        if not self._as_text:
            try:
                return self._go_on(stands, outcome)
            except Unfit:  # a date beyond what Arrow holds, say: the rest as texts
                self._as_text = True
                self._target.dismiss_writers()  # of whom one may be lost
                self._writers = self._opened()
        return self._go_on(stands, outcome)

    def _go_on(self, stands: list[Attempt], outcome: Outcome) -> Attempt:
        behind = Behind(*[self._hand(writer, stands, outcome) for writer in self._writers])
        try:
            for piece in self._pieces(stands[0], outcome):
                self._wait_for_checks()
                self._raise_if_cancelled()
                behind.put(piece, self._raise_if_cancelled)
            behind.close(self._raise_if_cancelled)
        except FAILURES as error:
            raise Unfit(str(error)) from error
        except Cancelled as error:  # also while others hold what a writer waits for
            behind.stop(error)
            behind.leave(self._cancel_writers)
            raise
        finally:
            behind.leave()
            for writer in self._writers:
                writer.rollback()
        return stands[0]

    def _cancel_writers(self) -> None:
        for writer in self._writers:
            writer.cancel()

    def _raise_if_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled("the run was cancelled; what it had finished stays")

    def _pieces(self, mine: Attempt, outcome: Outcome) -> Iterator[Piece]:
        work, after = self._work, mine.last_key
        until = self._shard.high if self._shard else None
        selection = replace(work.selection, after=after, until=until)
        batches = self._source.columns(work.table, selection, self._as_text)
        first = mine.blocks + (self._shard.number * PER_SHARD if self._shard else 0)
        for number, read in enumerate(ahead(arrow_blocks.grown(batches, MOST_JOINED)), first):
            *columns, keys, hashes = read
            keys, hashes = keys.cast(key_type(work.table)), arrow_blocks.whole(hashes)
            assert work.columns is not None
            fakes = work.columns(columns)
            arrow_blocks.check(fakes)
            size = sum(column.nbytes for column in columns)
            outcome.counts.bytes += size
            self._show(columns, fakes, size, outcome)
            if self._record is not None:
                rows = (arrow_blocks.rows_of(side) for side in (columns, fakes))
                self._record(work.table, *rows)
            yield self._piece(number, fakes, keys, hashes, size)

    def _show(
        self, columns: Sequence[Any], fakes: Sequence[Any], size: int, outcome: Outcome
    ) -> None:
        """Keeps a few rows: as many as are wanted, and as there is room for; one at least."""
        count = len(columns[0])
        a_row = size // count + 1
        room = max((MOST_HELD - self._held) // a_row, 0 if outcome.originals else 1)
        if len(outcome.originals) < MOST_SAMPLED and room > 0:
            places = _spread(count, min(SAMPLED, room))[:room]
            outcome.originals += arrow_blocks.rows_of([column.take(places) for column in columns])
            self._held += len(places) * a_row
        if len(outcome.shown) < min(SHOWN, room):
            pairs = (arrow_blocks.rows_of([each[: min(SHOWN, room)] for each in side])
                     for side in (columns, fakes))  # fmt: skip
            outcome.shown += list(zip(*pairs, strict=True))

    def _piece(self, number: int, fakes: list[Any], keys: Any, hashes: Any, size: int) -> Piece:
        table, digest = self._work.table, self._work.hashed
        assert digest is not None
        last = arrow_blocks.rows_of([fakes[place][-1:] for place in table.positions(table.key)])
        ordered = fakes if self._indexed is None else by_index(fakes, self._indexed)
        return Piece(
            number,
            len(keys),
            self._writers[0].encoded(table, ordered),
            arrow_blocks.pack(table.names, fakes),
            arrow_blocks.pack(["key"], [keys]),
            tags_of(digest, hashes),
            last[0],
            size,
        )

    def _hand(
        self, writer: ColumnWriter, stands: list[Attempt], outcome: Outcome
    ) -> Callable[[Piece], Callable[[], None]]:
        """Puts a piece in, and gives what makes it last."""

        def put(piece: Piece) -> Callable[[], None]:
            self._put(writer, piece, stands[0].number)
            return lambda: end(piece)

        def end(piece: Piece) -> None:
            stands[0] = self._end(writer, piece, stands[0])
            outcome.counts.inserted += piece.rows
            outcome.counts.seen = stands[0].seen
            self._clock.tell(self._work.table.name, stands[0].seen, outcome.counts.bytes)

        return put

    def _put(self, writer: ColumnWriter, piece: Piece, attempt: int) -> None:
        writer.put(self._work.table, piece.encoded)
        writer.run(
            f"INSERT INTO {self._at}blocks (attempt, number, content, tags, keys, stamp) "
            "VALUES ($1, $2, $3, $4, $5, pg_current_xact_id()::text::bigint)",
            [attempt, piece.number, piece.block, piece.tags, piece.keys],
        )

    def _end(self, writer: ColumnWriter, piece: Piece, mine: Attempt) -> Attempt:
        """Notes how far it came, and makes it last: in the order of the pieces."""
        seen, blocks = mine.seen + piece.rows, mine.blocks + 1
        stands = [packed(piece.last), blocks, seen, mine.number]
        if self._shard:
            writer.run(
                f"UPDATE {self._at}shards SET last_key = $1, blocks = $2, seen = $3, "
                "bytes = bytes + $5 WHERE attempt = $4 AND number = $6",
                [*stands, piece.size, self._shard.number],
            )
        else:
            writer.run(
                f"UPDATE {self._at}attempts SET last_key = $1, blocks = $2, seen = $3 "
                "WHERE number = $4",
                stands,
            )
        writer.commit()
        return replace(mine, blocks=blocks, seen=seen, last_key=piece.last)


def tags_of(digest: Digest, hashes: Any) -> bytes:
    """Hashes of rows made into tags that tell nothing without the key."""
    numbers = np.ascontiguousarray(hashes.to_numpy(zero_copy_only=False), np.int64)
    high, low = digest.of_rows(numbers.view(np.uint8).reshape(-1, 8))
    both = np.stack([high, low], 1).view(np.uint8)
    return np.ascontiguousarray(both[:, :SIZE]).tobytes()


def _spread(count: int, most: int) -> Any:
    return np.arange(0, count, max(1, count // most))
