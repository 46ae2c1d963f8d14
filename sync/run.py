"""A sync from beginning to end: checked, walked through table by table, cleaned up, searched."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

from sync import pools
from sync.anonymise import Fakes
from sync.comparing import Conflict
from sync.errors import (
    AnotherRun,
    Cancelled,
    DatabaseFailed,
    Leak,
    Leaked,
    RunInProgress,
    SyncError,
    Unsupported,
)
from sync.filling import HANDS, SHOWN
from sync.following import delete_gone, may_lead_nowhere
from sync.isolation import check_databases
from sync.keyed import Key
from sync.leaks import search
from sync.manifest import MAKES_FAKES, differing, manifest_of, noted
from sync.model import Row, Table
from sync.options import (
    CANCELLED,
    COMPLETED,
    FAILED,
    PAUSED,
    RUNNING,
    UNFINISHED,
    Options,
    Result,
)
from sync.ordering import backward, led_to
from sync.preparing import SAMPLE, Preparation
from sync.processes import Processes
from sync.progress import Clock, Counts, now
from sync.rules import Rules
from sync.settling import settle
from sync.shards import Fillers
from sync.sharing import Shared
from sync.state import State
from sync.tables import Source, Target
from sync.tables_failures import FAILURES, told
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_rebuild import Rebuilding
from sync.tables_postgres_target import PostgresTarget
from sync.walking import Walk
from sync.work import Outcome, Work

__all__ = ["PAUSED", "Options", "Result", "run"]
AGAIN = 3


def run(
    source: Source, target: Target, rules: Rules, key: Key, options: Options | None = None
) -> Result:
    """Carries production's rows to staging as fakes, or goes on with the run that did.

    Raises SyncError; whatever was committed stays, and the next run goes on from there.
    """
    try:
        return _Run(source, target, rules, key, options or Options()).carry_out()
    except FAILURES as error:  # before the first row
        raise DatabaseFailed(told(error)) from error


class _Run:
    """One run and all it knows."""

    def __init__(
        self, source: Source, target: Target, rules: Rules, key: Key, options: Options
    ) -> None:
        self.source, self.target, self.rules, self.options = source, target, rules, options
        self.key, self.fakes = key, Fakes(key, pools.load(), rules.locale)
        self.state = State(target)
        self.result = Result("", RUNNING)
        self._empty = False
        self._blocked: list[str] = []
        self._keys: dict[str, tuple[str, ...]] = {}
        self._same_links: dict[str, int] = {}
        self._decided: dict[str, Counts] = {}
        """What decisions and first walks wrote, of tables that were not walked through yet."""
        self._originals: list[tuple[Work, list[Row]]] = []

    def carry_out(self) -> Result:
        """The whole run."""
        check_databases(self.source, self.target)
        if self.options.processes < 2:  # else processes are forked first: threads bar that
            self._get_ready()
        prepared = Preparation(
            self.source, self.target, self.rules, self.fakes, self.options.tables,
            self.options.dry_run,
        )  # fmt: skip
        self._put_up()
        with closing(prepared):
            prepared.check(self._followed)
            if self.options.processes > 1 or self.options.others:
                prepared.wait_for_checks()  # before processes are forked, and parts handed out
            self._carry_out_prepared(prepared)
        return self.result

    def _carry_out_prepared(self, prepared: Preparation) -> None:
        self._empty = prepared.empty
        if not self.target.lock():
            raise RunInProgress("another run holds staging at this moment; wait until it is done")
        ordered, works = prepared.works()
        if not self.options.dry_run:
            self.state.prepare()
            self.target.commit()
        self._begin()
        try:
            self._carry_out(ordered, works, prepared.wait_for_checks)
        except Cancelled:
            self._note_if_possible(CANCELLED, "cancelled")
            raise
        except FAILURES as error:
            failed = DatabaseFailed(told(error))
            self._note_if_possible(FAILED, str(failed))
            raise failed from error
        except SyncError as error:
            self._note_if_possible(FAILED, str(error).split("\n")[0].rstrip(":"))
            raise

    def _carry_out(
        self, ordered: list[Table], works: dict[str, Work], wait_for_checks: Callable[[], None]
    ) -> None:
        clock = Clock({table.name: table.rows for table in ordered}, self.options.progress)
        walk = Walk(
            self.source, self.target, self.state, self.result.run, clock, self.options.cancelled,
            self.options.record, self.options.dry_run, self.options.reset, self._empty,
        )  # fmt: skip
        if not self.options.dry_run:
            if self.options.reset:  # staging's side of them has no say
                self.state.clear_conflicts()
            self._apply_decisions(works)
            walk.dry = bool(self._open_conflicts())
        rebuilding = self._taken_down(ordered, walk)
        walk.indexed, walk.by_columns = rebuilding is None, self.options.by_columns
        walk.fillers, walk.wait_for_checks = self._fillers(), wait_for_checks
        self._get_ready()
        try:
            walk.plan_parts([works[table.name] for table in ordered])
            walk.foresee([works[table.name] for table in ordered])
            self._walk_all(ordered, works, walk, rebuilding)
        finally:
            walk.close()
        if rebuilding is not None:
            rebuilding.put_up()
        self._end(ordered, works, walk)

    def _followed(self, table: str) -> bool:
        """Whether a finished attempt tells what moves in a table."""
        return self.state.there and self.state.is_followed(table)

    def _get_ready(self) -> None:
        """Opens the connections for columns, which takes a while, beside what comes first."""
        if not (self.options.by_columns and isinstance(self.source, PostgresSource)):
            return
        assert isinstance(self.target, PostgresTarget)
        mine = self.rules.tables.values()
        wanted = [each for each in mine if not each.skip]
        if self.options.tables:
            wanted = [each for each in wanted if each.name in self.options.tables]
        fresh = [each for each in wanted if not self._followed(each.name)]
        if fresh or not all(each.watermark for each in wanted):
            self.source.get_ready()
        if fresh:  # others are compared first, and most often written row by row
            self.target.get_ready(HANDS)

    def _fillers(self) -> Fillers | None:
        source, target, how = self.source, self.target, self.options
        if how.dry_run or not isinstance(source, PostgresSource):
            return None
        assert isinstance(target, PostgresTarget)
        if how.processes > 1:
            return Processes(how.processes, source, target, self.key, self.rules, how.tables)
        if how.others and how.call is not None:
            return Shared(source, target, how.others, how.call, how.record)
        return None

    def _taken_down(self, ordered: list[Table], walk: Walk) -> Rebuilding | None:
        """What is without its keys for the time of this run."""
        wanted = self.options.indexes_last and not (self.options.dry_run or walk.dry)
        if not wanted or not isinstance(self.target, PostgresTarget):
            return None
        rebuilding = Rebuilding(self.target)
        rebuilding.take_down([table for table in ordered if self.target.bare(table, None)])
        return rebuilding

    def _put_up(self) -> None:
        """Builds what a run left without its keys that was killed."""
        if isinstance(self.target, PostgresTarget) and not self.options.dry_run:
            rebuilding = Rebuilding(self.target)
            if rebuilding.under_way and self.target.lock():
                rebuilding.put_up()
            self.target.rollback()

    def _walk_all(
        self, ordered: list[Table], works: dict[str, Work], walk: Walk,
        rebuilding: Rebuilding | None,
    ) -> None:  # fmt: skip
        self._walk_backward_references(ordered, works, walk)
        for table in ordered:
            outcome = walk.through(works[table.name])
            self._take(works[table.name], outcome)
            if rebuilding is not None:
                rebuilding.begin(table)
            if walk.dry:
                self._note_conflicts(outcome)
            elif outcome.conflicts:
                self._apply_decisions(works)
                if self._open_conflicts():
                    walk.dry = True  # what is left is looked at, so that all conflicts are known

    def _end(self, ordered: list[Table], works: dict[str, Work], walk: Walk) -> None:
        if not self.options.dry_run:
            self.result.conflicts = tuple(self._open_conflicts())
        if walk.dry and not self.options.dry_run:
            self._note(PAUSED)
        elif self.options.dry_run:
            self.result.status = "dry run"
        else:
            self.result.warnings += delete_gone(
                self.target, self.state, ordered, self.result.tables
            )
            self._walk_again(works, walk)
            self._clean_up(ordered)

    # Runs

    def _begin(self) -> None:
        if self.options.dry_run:
            return
        manifest = manifest_of(self.rules, self.fakes, self.options)
        latest = self.state.runs(1)
        if latest:
            other = differing(noted(latest[0][4]), manifest)
            moved = [what for what in other if what in MAKES_FAKES]
            if latest[0][3] in UNFINISHED:
                if not other:
                    self.result.run = str(latest[0][0])
                    self.target.rollback()
                    return
                if not self.options.restart:
                    raise AnotherRun(
                        f"run {latest[0][0]!s} is unfinished, and was made with other "
                        f"{', '.join(other)}; go on with what it was made with, or give it up with "
                        "--restart"
                    )
            if moved:
                self.result.warnings.append(
                    f"the {' and the '.join(moved)} changed since the last run: every fake is new"
                )
        began = now()
        self.result.run = f"{began[:19].replace(':', '').replace('-', '')}-{secrets.token_hex(3)}"
        self.state.clear_gone()
        self.state.begin(self.result.run, began, manifest)
        self.target.commit()

    def _note_if_possible(self, status: str, error: str) -> None:
        """Marks the run as ended early, unless the database is what failed."""
        self.result.status = status
        with suppress(*FAILURES):
            self._note(status, error)

    def _note(self, status: str, error: str = "") -> None:
        self.result.status = status
        if self.options.dry_run:
            return
        self.target.rollback()
        counts: dict[str, Any] = {name: each.as_dict() for name, each in self.result.tables.items()}
        ended = None if status in (PAUSED, RUNNING) else now()
        self.state.note(self.result.run, status, counts, ended, error)
        self.target.commit()

    # Tables

    def _walk_backward_references(
        self, ordered: list[Table], works: dict[str, Work], walk: Walk
    ) -> None:
        """Where foreign keys are watched, rows that refer to later ones come without that first."""
        if self.target.replica or walk.dry:
            return
        late = backward(ordered)
        for name, columns in late.items():
            table = works[name].table
            hard = [each for each in columns if not table.column(each).nullable]
            if hard:
                raise Unsupported(
                    [f"{name}.{', '.join(hard)} leads in a circle and must not be empty: staging's "
                     "role needs the right to SET session_replication_role"]
                )  # fmt: skip
        first = replace(walk, run=f"{walk.run} first")
        for table in led_to(ordered, late):
            places = table.positions(late.get(table.name, ()))
            early = first.through(replace(works[table.name], inserts_only=True, nulled=places))
            self._decided.setdefault(table.name, Counts()).add_written(early.put_in())

    def _take(self, work: Work, outcome: Outcome) -> None:
        outcome.counts.add_written(self._decided.pop(work.table.name, Counts()))
        outcome.counts.once()
        self.result.tables[work.table.name] = outcome.counts
        self._keys[work.table.name] = work.table.key
        self._same_links[work.table.name] = outcome.same_links
        self.result.samples[work.table.name] = outcome.shown
        self.result.columns[work.table.name] = work.table.names
        if self.options.dry_run:
            self.result.conflicts += tuple(outcome.conflicts)
            outcome.counts.deleted = outcome.gone
            self._show_others(work, outcome.shown)
        if outcome.blocked:
            outcome.counts.failed = outcome.blocked
            self._blocked.append(work.table.name)
        self._originals.append((work, outcome.originals or self._some(work, SAMPLE)))

    def _show_others(self, work: Work, shown: list[tuple[Row, Row]]) -> None:
        """Adds rows that did not move to a few that did, where these are very few."""
        known = {row for row, _ in shown}
        others = [row for row in self._some(work, 2 * SHOWN) if row not in known]
        others = others[: max(0, SHOWN - len(shown))]
        shown += zip(others, work.fake(others), strict=True)

    def _some(self, work: Work, most: int) -> list[Row]:
        """A few originals of a table."""
        few = replace(work.selection, limit=most)
        return [row for batch in self.source.read(work.table, few) for row in batch]

    def _note_conflicts(self, outcome: Outcome) -> None:
        if not self.options.dry_run:
            self.state.add_conflicts(outcome.conflicts, self.result.run)
            self.target.commit()

    def _open_conflicts(self) -> list[Conflict]:
        found = [conflict for conflict, _ in self.state.conflicts()]
        self.target.rollback()
        return found

    def _apply_decisions(self, works: dict[str, Work]) -> None:
        tables = {name: work.table for name, work in works.items()}
        done = settle(self.target, self.state, tables, self.options.on_conflict)
        for name, counts in done.items():
            if name in self.result.tables:
                self.result.tables[name].add_written(counts)
            else:  # before its walk
                self._decided.setdefault(name, Counts()).add_written(counts)

    # After the last row

    def _walk_again(self, works: dict[str, Work], walk: Walk) -> None:
        """Rows that others stood in the way of go now that those are gone."""
        for number in range(AGAIN):
            waiting, self._blocked = self._blocked, []
            with closing(replace(walk, run=f"{walk.run} again {number}")) as again:
                for name in waiting:
                    outcome = again.through(works[name])
                    counts = self.result.tables[name]
                    counts.inserted += outcome.counts.inserted
                    counts.updated += outcome.counts.updated
                    counts.failed = outcome.blocked
                    if outcome.blocked:
                        self._blocked.append(name)
        if self._blocked:
            raise Unsupported(
                [f"{name} has rows that can't be written: staging's own rows hold values that "
                 "must be unique; change those, or run with --reset" for name in self._blocked]
            )  # fmt: skip

    def _clean_up(self, ordered: Sequence[Table]) -> None:
        self.target.finish(ordered)
        for table in ordered:
            same = self._same_links[table.name]
            if may_lead_nowhere(table, self.result.tables, self._keys, same):
                self.result.warnings += self.target.orphans(table)
        self.target.rollback()
        leaks: list[Leak] = []
        for work, originals in self._originals:
            mine = self.rules.tables[work.table.name]
            leaks += search(self.target, work.table, mine, work.fake, originals)
        self.target.rollback()
        if leaks:
            raise Leaked(leaks)
        self._note(COMPLETED)
