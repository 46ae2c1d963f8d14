"""What the sync remembers in staging, beside the rows and in the same transactions as they.

Per table there are attempts, each a row of blocks with what it wrote, in order of the key. The
newest attempt speaks for all keys up to where it came; the one before it for those behind, and so
on. A finished attempt replaces all others.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sync import arrow_blocks, arrow_overlaid
from sync.arrow_blocks import key_type
from sync.arrow_overlaid import Written
from sync.decisions import Decisions
from sync.model import Cell, Key, Row, Table
from sync.overlays import overridden, spread
from sync.packing import cell_of, packed, unpacked
from sync.progress import Counts
from sync.remembering import Tagged
from sync.tables import Target, key_reader

LATELY = 4
BINARY = {"postgresql": "bytea", "sqlite": "BLOB"}
TABLES = (
    "{0}runs (id TEXT PRIMARY KEY, started TEXT NOT NULL, finished TEXT, status TEXT NOT NULL, "
    "manifest TEXT NOT NULL, counts TEXT NOT NULL, error TEXT NOT NULL DEFAULT '')",
    "{0}attempts (number BIGINT PRIMARY KEY, table_name TEXT NOT NULL, run TEXT NOT NULL, "
    "snapshot TEXT NOT NULL, last_key TEXT, done BIGINT NOT NULL DEFAULT 0, blocks BIGINT NOT NULL "
    "DEFAULT 0, seen BIGINT NOT NULL DEFAULT 0, kept BIGINT NOT NULL DEFAULT 0, mark TEXT, "
    "watermark TEXT, counts TEXT, made TEXT, summed TEXT)",
    "{0}blocks (attempt BIGINT NOT NULL, number BIGINT NOT NULL, content {1} NOT NULL, tags {1}, "
    "keys {1}, stamp BIGINT NOT NULL DEFAULT 0, stamps {1}, PRIMARY KEY (attempt, number))",
    "{0}shards (attempt BIGINT NOT NULL, number BIGINT NOT NULL, low TEXT, high TEXT, "
    "last_key TEXT, blocks BIGINT NOT NULL DEFAULT 0, seen BIGINT NOT NULL DEFAULT 0, "
    "done BIGINT NOT NULL DEFAULT 0, bytes BIGINT NOT NULL DEFAULT 0, "
    "PRIMARY KEY (attempt, number))",
    "{0}moved (attempt BIGINT NOT NULL, row_key TEXT NOT NULL, key_cells TEXT NOT NULL, "
    "content TEXT, tag {1} NOT NULL, stamp BIGINT NOT NULL, PRIMARY KEY (attempt, row_key))",
    "{0}overlays (attempt BIGINT NOT NULL, number BIGINT NOT NULL, keys {1} NOT NULL, "
    "content {1} NOT NULL, alive {1} NOT NULL, tags {1} NOT NULL, stamps {1} NOT NULL, "
    "PRIMARY KEY (attempt, number))",
    "{0}decided (table_name TEXT NOT NULL, row_key TEXT NOT NULL, content TEXT, "
    "PRIMARY KEY (table_name, row_key))",
    "{0}conflicts (table_name TEXT NOT NULL, row_key TEXT NOT NULL, run TEXT NOT NULL, base TEXT, "
    "production TEXT, staging TEXT, decision TEXT, PRIMARY KEY (table_name, row_key))",
    "{0}gone (table_name TEXT NOT NULL, row_key TEXT NOT NULL, content TEXT NOT NULL, "
    "PRIMARY KEY (table_name, row_key))",
)


YOUNGER = (
    ("attempts", "watermark TEXT"), ("blocks", "keys bytea"), ("blocks", "stamps bytea"),
    ("blocks", "stamp BIGINT NOT NULL DEFAULT 0"), ("shards", "bytes BIGINT NOT NULL DEFAULT 0"),
    ("attempts", "counts TEXT"), ("attempts", "made TEXT"), ("attempts", "summed TEXT"),
)  # fmt: skip

LATEST = (
    "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('prompt_repo_sync.attempts') "
    "AND attname = 'summed'"
)
"""Asks for what was added last: with it, nothing is missing."""
BLOBS = ("content", "tags", "keys", "stamps")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One walk through a table, and how far it came."""

    number: int
    run: str
    snapshot: str
    last_key: Row | None
    done: bool
    blocks: int
    seen: int
    kept: int = 0
    mark: str = ""
    """What both sides' tables held at its end, where nothing was left to do."""
    watermark: str = ""
    """The greatest value of production's watermark that it saw."""
    made: str = ""
    """By which key, rules and pools: under others the watermark tells nothing."""
    summed: str = ""
    """What its traces come to, where that is known; see `Summed`."""
    counted: Counts = field(default_factory=Counts)
    """What its run did to the table by the latest checkpoint that told."""

    @property
    def counts(self) -> Counts:
        """What its run did to the table: rows that no count tells of were put into an empty one."""
        filled = max(0, self.seen - self.counted.seen)
        return replace(self.counted, seen=self.seen, inserted=self.counted.inserted + filled)


def _compressed(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    return zlib.compress(packed([list(names), *rows]).encode("utf-8", "surrogatepass"), 1)


class State(Decisions):
    """The sync's own tables in staging; nothing here commits."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._lately: dict[tuple[int, int], tuple[list[Row], bytes]] = {}

    def prepare(self) -> None:
        """Makes the tables where they are not there yet."""
        fresh = not self.there
        if self._target.dialect == "postgresql":
            if not fresh and self._target.run(LATEST):
                return
            self._target.run(f"CREATE SCHEMA IF NOT EXISTS {self._at.removesuffix('.')}")
        for table in TABLES:
            name = table.format(self._at, BINARY[self._target.dialect])
            self._target.run(f"CREATE TABLE IF NOT EXISTS {name}")
        for name, column in YOUNGER:  # what earlier releases made lacks these
            self._add(name, column)
        if fresh and self._target.dialect == "postgresql":  # compressed they are already
            ways = ", ".join(f"ALTER {each} SET STORAGE EXTERNAL" for each in BLOBS)
            self._target.run(f"ALTER TABLE {self._at}blocks {ways}")

    def _add(self, name: str, column: str) -> None:
        """Adds a column where it is not there yet."""
        if self._target.dialect == "postgresql":
            self._target.run(f"ALTER TABLE {self._at}{name} ADD COLUMN IF NOT EXISTS {column}")
            return
        known = self._target.run("SELECT name FROM pragma_table_info(?)", [f"{self._at}{name}"])
        if (column.split()[0],) not in {tuple(row) for row in known}:
            column = column.replace("bytea", BINARY[self._target.dialect])
            self._target.run(f"ALTER TABLE {self._at}{name} ADD COLUMN {column}")

    @property
    def there(self) -> bool:
        """Whether the tables were made before."""
        return self._target.has_state()

    # Runs

    def begin(self, run: str, started: str, manifest: dict[str, str]) -> None:
        """Notes a new run."""
        self._target.run(
            f"INSERT INTO {self._at}runs (id, started, status, manifest, counts) "
            "VALUES (?, ?, 'running', ?, '{}')",
            [run, started, json.dumps(manifest)],
        )

    def note(self, run: str, status: str, counts: Any, finished: str | None, error: str) -> None:
        """How a run stands."""
        self._target.run(
            f"UPDATE {self._at}runs SET status = ?, counts = ?, finished = ?, error = ? "
            "WHERE id = ?",
            [status, json.dumps(counts), finished, error, run],
        )

    def runs(self, most: int = 20) -> list[Row]:
        """The latest runs: id, started, finished, status, manifest, counts, error."""
        return self._target.run(
            f"SELECT id, started, finished, status, manifest, counts, error FROM {self._at}runs "
            f"ORDER BY started DESC, id DESC LIMIT {int(most)}"
        )

    # Attempts and their blocks

    def attempts(self, table: str) -> list[Attempt]:
        """A table's attempts, newest first."""
        rows = self._target.run(
            "SELECT number, run, snapshot, last_key, done, blocks, seen, kept, "
            "coalesce(mark, ''), coalesce(watermark, ''), coalesce(made, ''), "
            "coalesce(summed, ''), coalesce(counts, '{}') "
            f"FROM {self._at}attempts WHERE table_name = ? ORDER BY number DESC",
            [table],
        )
        return [
            Attempt(
                int(str(number)), str(run), str(snapshot),
                unpacked(None if last is None else str(last)),
                int(str(done)) == 1, int(str(blocks)), int(str(seen)),
                int(str(kept)), str(mark), str(watermark), str(made), str(summed),
                Counts(**json.loads(str(counts))),
            )
            for number, run, snapshot, last, done, blocks, seen, kept, mark, watermark, made,
            summed, counts in rows
        ]  # fmt: skip

    def is_followed(self, table: str) -> bool:
        """Whether an attempt at a table came through."""
        query = f"SELECT 1 FROM {self._at}attempts WHERE table_name = ? AND done = 1"
        return bool(self._target.run(query, [table]))

    def attempt(self, table: str, run: str, snapshot: str) -> Attempt:
        """A new attempt."""
        latest = self._target.run(f"SELECT coalesce(max(number), 0) FROM {self._at}attempts")
        number = int(str(latest[0][0])) + 1
        self._target.run(
            f"INSERT INTO {self._at}attempts (number, table_name, run, snapshot) "
            "VALUES (?, ?, ?, ?)",
            [number, table, run, snapshot],
        )
        return Attempt(number, run, snapshot, None, False, 0, 0)

    def add_written(self, table: Table, attempt: int, rows: Sequence[Written]) -> None:
        """Rows written since an attempt's blocks."""
        arrow_overlaid.add(self._target, attempt, table, rows, key_type(table))
        if self.has_decided(table.name):
            places = table.positions(table.key)
            for each in rows:
                self.forget_decided(table.name, [each.row[place] for place in places])

    def rows_of_block(
        self, attempt: int, number: int, table: Table, places: Sequence[int]
    ) -> list[Row]:
        """Some rows of a block, by where they stand in it."""
        content = self._content(attempt, number)
        if not content.startswith(arrow_blocks.BEGINNING):
            block = self._rows(content, table)
            return [block[place] for place in places]
        names, columns = arrow_blocks.unpack(content)
        some = arrow_blocks.rows_of(arrow_blocks.some(columns, places))
        return arrow_overlaid.fitted(names, some, table)

    def add_block(
        self, attempt: int, number: int, names: Sequence[str], rows: Sequence[Row], tags: bytes
    ) -> None:
        """What an attempt wrote, or left, for one stretch of keys; see `remembering` for tags."""
        content = self._as_it_was(rows) or _compressed(names, rows)
        self._target.run(
            f"INSERT INTO {self._at}blocks (attempt, number, content, tags) VALUES (?, ?, ?, ?)",
            [attempt, number, content, tags],
        )

    def advance(self, attempt: int, last: Sequence[Cell], blocks: int, counts: Counts) -> None:
        """The checkpoint: how far an attempt came, and what it did."""
        self._target.run(
            f"UPDATE {self._at}attempts SET last_key = ?, blocks = ? WHERE number = ?",
            [packed(last), blocks, attempt],
        )
        self.count(attempt, counts)

    def count(self, attempt: int, counts: Counts) -> None:
        """What the run of an attempt did to its table so far."""
        self._target.run(
            f"UPDATE {self._at}attempts SET seen = ?, counts = ? WHERE number = ?",
            [counts.seen, json.dumps(counts.as_dict()), attempt],
        )

    def belongs(self, attempt: int, run: str, snapshot: str) -> None:
        """A finished attempt was brought up to date by another run: it is that run's own now."""
        self._target.run(
            f"UPDATE {self._at}attempts SET run = ?, snapshot = ? WHERE number = ?",
            [run, snapshot, attempt],
        )

    def saw(self, attempt: int, watermark: str, seen: int, made: str, summed: str = "") -> None:
        """The greatest watermark of production's rows, how many they are, and by what their fakes
        were made; and what the attempt's traces come to.
        """
        self._target.run(
            f"UPDATE {self._at}attempts SET watermark = ?, seen = ?, made = ?, summed = ? "
            "WHERE number = ?",
            [watermark, seen, made, summed, attempt],
        )

    def mark(self, attempt: int, mark: str, kept: int) -> None:
        """What both tables held when an attempt had nothing left to do."""
        self._target.run(
            f"UPDATE {self._at}attempts SET mark = ?, kept = ? WHERE number = ?",
            [mark, kept, attempt],
        )

    def finish(self, table: str, attempt: int) -> None:
        """An attempt came through: it stands for the whole table, and earlier ones go."""
        others = f"SELECT number FROM {self._at}attempts WHERE table_name = ? AND number <> ?"
        for kept in ("blocks", "moved", "overlays"):
            self._target.run(
                f"DELETE FROM {self._at}{kept} WHERE attempt IN ({others})", [table, attempt]
            )
        self._target.run(
            f"DELETE FROM {self._at}attempts WHERE table_name = ? AND number <> ?", [table, attempt]
        )
        self._target.run(f"UPDATE {self._at}attempts SET done = 1 WHERE number = ?", [attempt])
        self.clear_decided(table)

    def base(
        self, table: Table, attempts: Sequence[Attempt], after: Row | None
    ) -> Iterator[list[tuple[Key, Row]]]:
        """What was written last for each key, in their order, behind a key."""
        of = key_reader(Table(table.name, "", "", table.columns, table.key))
        cut = None if after is None else of(spread(table, after))
        decided = sorted(
            (each for each in self._decided(table).items() if cut is None or each[0] > cut),
            key=lambda each: each[0],
        )
        for attempt in attempts:
            decided = self._with_moved(table, attempt.number, decided, cut)
            for number in range(attempt.blocks):
                block = [(of(row), row) for row in self._block(attempt.number, number, table)]
                if cut is not None and block and block[0][0] <= cut:
                    block = [each for each in block if each[0] > cut]
                if decided and block:
                    block = overridden(block, decided)
                if block:
                    yield block
            if attempt.done:
                break
            if attempt.last_key is not None:
                end = of(spread(table, attempt.last_key))
                cut = end if cut is None else max(cut, end)
        if rest := [(key, row) for key, row in decided if row is not None]:
            yield rest

    def _with_moved(
        self, table: Table, attempt: int, decided: list[tuple[Key, Row | None]], cut: Key | None
    ) -> list[tuple[Key, Row | None]]:
        """What was decided, and single rows that were written again since an attempt's blocks."""
        if self._target.dialect != "postgresql":
            return decided
        of, known = key_reader(table), dict(decided)
        written = arrow_overlaid.Overlaid(self._target, attempt, table, key_type(table)).written()
        for each in written:
            key = of(each.row)
            if cut is None or key > cut:
                known.setdefault(key, each.row if each.alive else None)
        return sorted(known.items(), key=lambda each: each[0])

    def tagged(self, attempt: int, number: int, table: Table) -> Tagged:
        """A block's rows and their tags."""
        return self._block(attempt, number, table), self._tags(attempt, number)

    def add_traces(
        self, attempt: int, number: int, keys: bytes, tags: bytes, stamps: bytes
    ) -> None:
        """Traces of a block's rows, by which the next run finds what moved."""
        self._target.run(
            f"UPDATE {self._at}blocks SET keys = ?, tags = ?, stamps = ? "
            "WHERE attempt = ? AND number = ?",
            [keys, tags, stamps, attempt, number],
        )

    def remembered(self, table: Table, attempts: Sequence[Attempt]) -> Iterator[Tagged]:
        """The blocks of a finished attempt with their tags, in order of the key."""
        for attempt in attempts:
            if attempt.done:
                for number in range(attempt.blocks):
                    yield self.tagged(attempt.number, number, table)

    def _tags(self, attempt: int, number: int) -> bytes:
        found = self._target.run(
            f"SELECT tags FROM {self._at}blocks WHERE attempt = ? AND number = ?", [attempt, number]
        )[0][0]
        return found if isinstance(found, bytes) else b""

    def _as_it_was(self, rows: Sequence[Row]) -> bytes | None:
        """The content of a block read lately that holds the very same rows."""
        for block, content in self._lately.values():
            if len(block) == len(rows) and block == rows:
                return content
        return None

    def _block(self, attempt: int, number: int, table: Table) -> list[Row]:
        """A block's rows; the latest few are kept, for they are asked for again at once."""
        if (attempt, number) not in self._lately:
            content = self._content(attempt, number)
            if len(self._lately) >= LATELY:
                del self._lately[next(iter(self._lately))]
            self._lately[attempt, number] = self._rows(content, table), content
        return self._lately[attempt, number][0]

    def _content(self, attempt: int, number: int) -> bytes:
        rows = self._target.blobs(
            f"SELECT content FROM {self._at}blocks WHERE attempt = ? AND number = ?",
            [attempt, number],
        )
        content = rows[0][0]
        assert isinstance(content, bytes)
        return content

    def _rows(self, content: bytes, table: Table) -> list[Row]:
        if content.startswith(arrow_blocks.BEGINNING):
            names, columns = arrow_blocks.unpack(content)
            found: list[Any] = arrow_blocks.rows_of(columns)
        else:
            names, *found = json.loads(zlib.decompress(content).decode("utf-8", "surrogatepass"))
        if self._target.dialect == "sqlite":  # PostgreSQL's cells are all text
            found = [[cell_of(cell) for cell in row] for row in found]
        return arrow_overlaid.fitted(names, found, table)
