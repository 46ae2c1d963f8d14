"""One table walked through: production's rows faked, compared with staging's, and written."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sync.comparing import Window, reset_verdict, verdict, windows
from sync.deciding import Batch
from sync.errors import Cancelled, StagingMoved, Unfit
from sync.filling import MOST_SAMPLED, SAMPLED, SHOWN, Filling
from sync.folds import check_folding
from sync.model import Cell, Key, Row, Table
from sync.progress import Clock, Counts
from sync.quick import Quick
from sync.remembering import Memory, joined
from sync.shards import Fillers, Shard, finish, plan, planned
from sync.state import Attempt, State
from sync.tables import Selection, Source, Target, key_reader
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.work import Outcome, Work

TRIES = 5
LARGE = 20_000
"""Rows of a table that is worth the while of several processes."""
LARGEST = 500_000
"""Rows of a part, about: less is lost with whoever fills it, and none is waited for long."""


@dataclass(slots=True)
class Walk:
    """Walks tables of one run; `dry` looks only, `reset` gives staging's own changes no say."""

    source: Source
    target: Target
    state: State
    run: str
    clock: Clock
    cancelled: Callable[[], bool]
    record: Callable[[Table, list[Row], list[Row]], None] | None = None
    dry: bool = False
    reset: bool = False
    empty: bool = False
    """There is no staging yet to look at."""
    by_columns: bool = True
    indexed: bool = True
    """Empty tables are filled while they have their indexes."""
    fillers: Fillers | None = None
    """Fill large tables in parts."""
    wait_for_checks: Callable[[], None] = lambda: None
    """Waits for checks that are under way still, before a row is written; raises SyncError."""
    quick: Quick = field(init=False)
    _tags: dict[int, bytes] = field(default_factory=dict)
    """Tags of the window's rows, by the rows' identity."""

    def __post_init__(self) -> None:
        self.quick = Quick(self.source, self.target, self.state, self.record)

    def through(self, work: Work) -> Outcome:
        """The whole table, from its checkpoint on; again from there where staging moved."""
        for _ in range(TRIES - 1):
            try:
                return self._once(work)
            except StagingMoved:
                self.target.rollback()
        return self._once(work)

    def _once(self, work: Work) -> Outcome:
        known = not self.dry or self.state.there
        attempts = self.state.attempts(work.table.name) if known else []
        snapshot = self.source.snapshot()
        mine = self._going_on(attempts, snapshot)
        outcome = Outcome(self._counted(attempts, mine))
        if mine is not None and mine.done:
            return outcome
        if attempts and (mine is None or self.fillers is None) and self._joined(work, attempts[0]):
            raise StagingMoved(f"{work.table.name} was filled in parts by a run that did not end")
        if mine is None and self._refreshed(work, attempts, outcome):
            return outcome
        if mine is None and attempts and self._stands(work, attempts[0]):
            return self._as_it_was(work, attempts[0])
        if mine is None:
            mine = self._begun(work, attempts, snapshot)
        if mine is None or not self._filled(work, mine, attempts, outcome):
            mine = self.state.attempts(work.table.name)[0] if mine else None
            self._walk(work, attempts, mine, outcome)
        if mine is not None and not self.dry:
            self.state.finish(work.table.name, mine.number)
            self.state.count(mine.number, outcome.counts)
            if self._quick(work):
                self.quick.leave_traces(work)
            elif not (outcome.conflicts or outcome.gone or outcome.blocked or work.inserts_only):
                self.state.mark(mine.number, self._mark(work), outcome.counts.kept)
            self.target.commit()
        return outcome

    def _counted(self, attempts: list[Attempt], mine: Attempt | None) -> Counts:
        """What this run did to a table before it was interrupted."""
        if not attempts or attempts[0].run != self.run:
            return Counts()
        if mine is None:
            return attempts[0].counts.written_before()
        return replace(mine.counts, conflicts=0)  # those that are open still are told elsewhere

    def _begun(self, work: Work, attempts: list[Attempt], snapshot: str) -> Attempt | None:
        """A new attempt; none where we only look."""
        if attempts and attempts[0].done:  # a table that was followed: not looked at before
            check_folding(self.source, work.table, work.folded)
        if self.dry:
            return None
        begun = self.state.attempt(work.table.name, self.run, snapshot)
        self.target.commit()
        return begun

    def _walk(
        self, work: Work, attempts: list[Attempt], mine: Attempt | None, outcome: Outcome
    ) -> None:
        """Window by window; each is a checkpoint."""
        self.wait_for_checks()
        number, seen = (mine.blocks, mine.seen) if mine else (0, 0)
        for window in self._windows(work, attempts, mine.last_key if mine else None, outcome):
            if self.cancelled():
                self.target.rollback()
                raise Cancelled("the run was cancelled; what it had finished stays")
            block = self._settle(work, window, outcome)
            seen += len(window.production)
            outcome.counts.seen = seen
            if mine is not None and not self.dry:
                tags = joined(block, self._tags)
                self.state.add_block(mine.number, number, work.table.names, block, tags)
                number += 1
                last = self._last(work.table, window)
                self.state.advance(mine.number, last, number, outcome.counts)
                self.target.commit()
            self._tags.clear()
            self.clock.tell(work.table.name, seen, outcome.counts.bytes)

    def _fills(self, work: Work, mine: Attempt, attempts: list[Attempt]) -> bool:
        """Whether nothing stands in staging that rows would have to be compared with."""
        return (
            self._quick(work)
            and not work.nulled
            and not self.dry
            and isinstance(self.target, PostgresTarget)
            and (self.target.replica or not work.table.triggers)
            and not any(each.number != mine.number for each in attempts)
            and not self.state.has_decided(work.table.name)
            and self.target.bare(work.table, mine.last_key)
        )

    def _filled(self, work: Work, mine: Attempt, attempts: list[Attempt], outcome: Outcome) -> bool:
        """Fills the table if it can be filled; whether that is all there is to do."""
        if self._in_parts(work, mine, attempts, outcome):
            return True
        if not self._fills(work, mine, attempts):
            return False
        assert isinstance(self.source, PostgresSource)
        assert isinstance(self.target, PostgresTarget)
        self.target.commit()
        filling = Filling(
            self.source, self.target, work, self.clock, self.cancelled, self.record,
            as_text=not self.by_columns, indexed=self.indexed, wait_for_checks=self.wait_for_checks,
        )  # fmt: skip
        try:
            filling.go_on(mine, outcome)
        except Unfit:
            outcome.originals.clear()
            outcome.shown.clear()
            return False
        return True

    def _joined(self, work: Work, attempt: Attempt) -> bool:
        """Makes parts that nobody will go on with into an attempt like any other."""
        if self.dry or not isinstance(self.target, PostgresTarget):
            return False
        parts = planned(self.target, work.table.name, attempt.number)
        finish(self.target, self.state, parts)
        return bool(parts)

    def plan_parts(self, works: Sequence[Work]) -> None:
        """Cuts all large tables that are to be filled, so that nobody waits between two of them."""
        if self.fillers is None or self.dry or self.target.dialect != "postgresql":
            return
        assert isinstance(self.target, PostgresTarget)
        for work in works if self.target.replica else ():  # else rows wait for those they name
            if not (self._cuts(work) and not self.state.attempts(work.table.name)):
                continue
            mine = self.state.attempt(work.table.name, self.run, self.source.snapshot())
            parts = self._cut(work, mine, []) or []
            self.target.commit()
            self.fillers.begin(parts)

    def _cuts(self, work: Work) -> bool:
        fillers = self.fillers
        return (
            fillers is not None and self._quick(work) and (self.record is None or fillers.records)
        )

    def _cut(self, work: Work, mine: Attempt, attempts: list[Attempt]) -> list[Shard]:
        """The parts of a table; none where it is too small, or can't be filled in parts."""
        assert isinstance(self.source, PostgresSource)
        assert isinstance(self.target, PostgresTarget)
        if work.table.rows < LARGE or not self._fills(work, mine, attempts):
            return []
        assert self.fillers is not None
        number = max(self.fillers.number, work.table.rows // LARGEST)
        return plan(self.source, self.target, work, mine, number)

    def _in_parts(
        self, work: Work, mine: Attempt, attempts: list[Attempt], outcome: Outcome
    ) -> bool:
        """Fills a large table in parts, or goes on with them; whether that is all there is to do.

        Raises StagingMoved where parts can't be filled so: the rest is then for a walk.
        """
        if not self._cuts(work):
            return False
        assert isinstance(self.source, PostgresSource)
        assert isinstance(self.target, PostgresTarget)
        assert self.fillers is not None
        parts = planned(self.target, work.table.name, mine.number)
        parts = parts or self._cut(work, mine, attempts)
        self.target.commit()
        if not parts:
            return False
        try:
            self.fillers.fill(work, parts, self.clock, self.cancelled)
        except Unfit as error:
            self._joined(work, mine)
            raise StagingMoved(str(error)) from error
        parts = planned(self.target, work.table.name, mine.number)
        outcome.counts.seen = outcome.counts.inserted = sum(each.seen for each in parts)
        outcome.counts.bytes = sum(each.bytes for each in parts)
        outcome.originals += self._sampled(work, parts)
        self._joined(work, mine)
        return True

    def _sampled(self, work: Work, parts: Sequence[Shard]) -> list[Row]:
        """A few originals of each part."""
        each = max(1, min(SAMPLED, MOST_SAMPLED // len(parts)))
        found: list[Row] = []
        for part in parts[:MOST_SAMPLED]:
            few = replace(work.selection, after=part.low, until=part.high, limit=each)
            found += [row for batch in self.source.read(work.table, few) for row in batch]
        return found

    def _quick(self, work: Work) -> bool:
        """Whether what moves in a table can be found without reading its rows."""
        return self.quick.serves(work)

    def _refreshed(self, work: Work, attempts: list[Attempt], outcome: Outcome) -> bool:
        """Looks only at what moved, if that can be told and is not too much."""
        if not (attempts and attempts[0].done and self._quick(work)) or self.empty:
            return False
        return self.quick.refresh(
            work, self.run, attempts[0], outcome, self.reset, self.dry, self.cancelled, self.clock
        )

    def foresee(self, works: Sequence[Work]) -> None:
        """Has tables looked at before their turns, where a watermark tells what moved."""
        if self.empty or (self.dry and not self.state.there):
            return
        snapshot = self.source.snapshot()
        known = [(work, self.state.attempts(work.table.name)) for work in works if work.watermark]
        self.quick.foresee(works, (
            (work, attempts[0]) for work, attempts in known
            if attempts and attempts[0].done and self._going_on(attempts, snapshot) is None
        ))  # fmt: skip

    def close(self) -> None:
        """Ends what fills parts, and what looks ahead."""
        if self.fillers is not None:
            self.fillers.close()
            self.fillers = None
        self.quick.close()

    def _mark(self, work: Work) -> str:
        """What both tables hold now, by checksums that their servers make; empty if they can't.

        It is keyed, and other rules or pools make another one.
        """
        if work.tag is None:
            return ""
        sums = (
            self.source.checksum(work.table, work.selection),
            self.target.checksum(work.table),
        )
        return work.tag(sums).hex() if all(sums) else ""

    def _stands(self, work: Work, latest: Attempt) -> bool:
        if self.dry or not latest.mark or (self.reset and latest.kept):
            return False
        return self._mark(work) == latest.mark

    def _as_it_was(self, work: Work, attempt: Attempt) -> Outcome:
        """Nothing moved on either side since an attempt had nothing left to do."""
        counts = Counts(seen=attempt.seen, kept=attempt.kept)
        counts.unchanged = attempt.seen - attempt.kept
        self.clock.tell(work.table.name, attempt.seen, 0)
        return Outcome(counts)

    def _going_on(self, attempts: list[Attempt], snapshot: str) -> Attempt | None:
        """This run's attempt, if production is still as it was when it was begun."""
        if not attempts or self.dry:
            return None
        latest = attempts[0]
        going = latest.run == self.run and latest.snapshot == snapshot and bool(snapshot)
        return latest if going else None

    def _last(self, table: Table, window: Window) -> Row:
        places = table.positions(table.key)
        rows = list(window.production.values()) or [row for row, _ in window.staging.values()]
        return tuple(rows[-1][place] for place in places)

    def _windows(
        self, work: Work, attempts: list[Attempt], after: Row | None, outcome: Outcome
    ) -> Iterator[Window]:
        of = key_reader(work.table)
        memory = self._memory(work, attempts)
        production = self._production(work, after, outcome, memory)
        staging = iter(()) if self.empty else self.target.rows(work.table, after)
        return windows(
            ([(of(row), row) for row in batch] for batch in production),
            ([(of(row), (row, stamp)) for row, stamp in batch] for batch in staging),
            self.state.base(work.table, attempts, after) if attempts else iter(()),
        )

    def _memory(self, work: Work, attempts: list[Attempt]) -> Memory | None:
        if work.tag is None or work.sorted_anew or work.inserts_only:
            return None
        return Memory(self.state.remembered(work.table, attempts), key_reader(work.table))

    def _production(
        self, work: Work, after: Row | None, outcome: Outcome, memory: Memory | None
    ) -> Iterator[list[Row]]:
        """Production's rows as fakes, in order of the fakes' keys."""
        if not work.sorted_anew:
            yield from self._faked(work, replace(work.selection, after=after), outcome, memory)
            return
        of = key_reader(work.table)
        faked = self._faked(work, replace(work.selection, ordered=False), outcome, None)
        if self.dry:
            rows = sorted((row for batch in faked for row in batch), key=of)
            yield from ([rows] if rows else [])
            return
        behind = None if after is None else _key_of(work.table, after, of)
        for batch in self.target.park(work.table, faked):
            fresh = [row for row in batch if behind is None or of(row) > behind]
            if fresh:
                yield fresh

    def _faked(
        self, work: Work, selection: Selection, outcome: Outcome, memory: Memory | None
    ) -> Iterator[list[Row]]:
        for rows in self.source.read(work.table, selection):
            if memory is None or work.tag is None:
                fakes = work.fake(rows)
            else:
                tags = [work.tag(row) for row in rows]
                fakes = memory.fakes(rows, tags, work.fake)
                self._tags.update({id(fake): tag for fake, tag in zip(fakes, tags, strict=True)})
            outcome.counts.bytes += sum(len(str(cell)) for cell in rows[0]) * len(rows)
            if len(outcome.originals) < MOST_SAMPLED:
                outcome.originals += rows[:: max(1, len(rows) // SAMPLED)]
            if len(outcome.shown) < SHOWN:
                outcome.shown += list(zip(rows[:SHOWN], fakes[:SHOWN], strict=True))
            if self.record is not None and not self.dry:
                self.record(work.table, rows, fakes)
            yield fakes

    def _settle(self, work: Work, window: Window, outcome: Outcome) -> list[Row]:
        """Decides about each row of a window and writes; gives what now counts as written last."""
        if window.unchanged:
            outcome.counts.unchanged += len(window.production)
            return list(window.production.values())
        if not (window.staging or window.base or self.dry or work.nulled):
            blocked = self.target.write(work.table, rows := list(window.production.values()), [])
            if not blocked:
                outcome.counts.inserted += len(rows)
                return rows
            self.target.rollback()
        batch = Batch(work, outcome, reset_verdict if self.reset else verdict)
        for key in sorted({**window.production, **window.staging, **window.base}):
            ours, stamp = window.staging.get(key, (None, None))
            batch.add(window.base.get(key), window.production.get(key), ours, stamp)
        if not self.dry:
            self.state.add_gone(work.table, batch.gone)
            self.state.add_conflicts(batch.conflicts, self.run)
            blocked = self.target.write(work.table, batch.inserts, batch.changes)
            if blocked:
                outcome.blocked += len(blocked)
                return batch.without(blocked)
        return batch.block


def _key_of(table: Table, after: Row, of: Callable[[Row], Key]) -> Key:
    row: list[Cell] = [None] * len(table.columns)
    for place, cell in zip(table.positions(table.key), after, strict=True):
        row[place] = cell
    return of(tuple(row))
