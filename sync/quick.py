"""Tables whose moves are found without reading their rows: by a watermark, or by traces."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sync.foresight import Foresight
from sync.marked import Marked
from sync.moving import Moving
from sync.progress import Clock
from sync.quickening import leave_traces
from sync.refreshing import Refreshing
from sync.state import Attempt, State
from sync.summed import note_watermark
from sync.tables import Source, Target
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from sync.work import Outcome, Record, Work


@dataclass(slots=True)
class Quick:
    """Brings tables of PostgreSQL up to date where only a few rows moved."""

    source: Source
    target: Target
    state: State
    record: Record | None
    _foresight: list[Foresight] = field(default_factory=list)
    _turns: list[Work] = field(default_factory=list)

    def serves(self, work: Work) -> bool:
        """Whether what moves in a table can be found without reading its rows."""
        return (
            not (work.sorted_anew or work.inserts_only)
            and work.columns is not None
            and isinstance(self.source, PostgresSource)
            and isinstance(self.target, PostgresTarget)
        )

    def foresee(self, turns: Sequence[Work], known: Iterable[tuple[Work, Attempt]]) -> None:
        """Has tables of which watermarks tell looked at before their turns.

        Not where writing one table may move rows of another by triggers or foreign keys.
        """
        self._turns = [*turns]
        marked = [each for each in known if each[0].watermark and self.serves(each[0])]
        if marked and self.target.replica:
            self._asking().begin(marked)

    def _asking(self) -> Foresight:
        assert isinstance(self.source, PostgresSource)
        assert isinstance(self.target, PostgresTarget)
        if not self._foresight:
            self._foresight.append(Foresight(self.source, self.target, self.state))
        return self._foresight[0]

    def refresh(
        self, work: Work, run: str, attempt: Attempt, outcome: Outcome, reset: bool, dry: bool,
        cancelled: Callable[[], bool], clock: Clock,
    ) -> bool:  # fmt: skip
        """Looks only at what moved, if that can be told and is not too much."""
        assert isinstance(self.source, PostgresSource)
        assert isinstance(self.target, PostgresTarget)
        asked = self.source, self.target, self.state, work, run, attempt, self.record
        ways: tuple[Callable[[], Moving], ...] = (
            lambda: Marked(*asked, self._asking()),
            lambda: Refreshing(*asked),
        )
        for way in ways:
            refreshing = way()
            found = refreshing.find()
            if found is not None:
                self._expect(work)
                refreshing.settle(found, outcome, reset, dry, cancelled, clock)
                return True
        return False

    def _expect(self, settled: Work) -> None:
        """Has the hashes of the table behind one read while that one is settled."""
        assert isinstance(self.source, PostgresSource)
        behind = iter(self._turns)
        if not any(work.table.name == settled.table.name for work in behind):
            return
        following = next(behind, None)
        if following is None or following.watermark or not self.serves(following):
            return
        attempts = self.state.attempts(following.table.name)
        if attempts and attempts[0].done:
            self.source.expect_hashes(following.table, following.selection)

    def leave_traces(self, work: Work) -> None:
        """By these the next run finds what moved."""
        assert isinstance(self.source, PostgresSource)
        assert isinstance(self.target, PostgresTarget)
        stands = self.state.attempts(work.table.name)[0]
        leave_traces(self.source, self.target, self.state, work, stands)
        note_watermark(self.source, self.target, self.state, work, stands, stands.seen)

    def close(self) -> None:
        """Ends what looks ahead."""
        while self._foresight:
            self._foresight.pop().close()
