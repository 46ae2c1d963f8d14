"""What is checked and put together before a run reads its first row."""

from collections.abc import Callable

from sync.anonymise import Anonymiser, Fakes, compiled
from sync.arrow_fakes import ArrowFakes
from sync.check import check, check_conditions, differences, lengths
from sync.errors import SchemasDiffer, Unsupported
from sync.folds import Folding, folded_columns
from sync.model import Cell, Schema, Table
from sync.ordering import conditions, in_order
from sync.people import Beside, beside, homes_of
from sync.remembering import tagger
from sync.rules import Rules, dump, without_watermarks
from sync.tables import Selection, Source, Target
from sync.tables_postgres import PostgresSource
from sync.threads import Soon
from sync.work import Work

SAMPLE = 200


class Preparation:
    """Rules, production's schema and staging's, held against each other."""

    def __init__(
        self,
        source: Source,
        target: Target,
        rules: Rules,
        fakes: Fakes,
        tables: tuple[str, ...],
        dry: bool,
    ) -> None:
        self.source, self.target, self.rules, self.fakes = source, target, rules, fakes
        self._tables, self._dry = tables, dry
        self._manifest = f"{fakes.made_by} {dump(without_watermarks(rules))}"
        self.schema = Schema()
        self.empty = False
        self._folding: Folding | None = None

    def read(self) -> None:
        """Reads production's schema alone, where another process has checked everything."""
        self.schema = self.source.schema()

    def check(self, followed: Callable[[str], bool] = lambda _: False) -> None:
        """Raises SyncError unless everything fits; makes staging's tables where there are none.

        Tables that are `followed` since an earlier run are looked at where they moved, later.
        """
        coming = self._reading()
        self.read()
        found = coming.get() if coming else None
        check(self.rules, self.schema, lambda table: self.source.sample(table, SAMPLE))
        check_conditions(self.rules, self.schema, self.source.refusal)
        keyless = [table.name for table in self._wanted() if not table.key]
        if keyless:
            raise Unsupported(
                [f"{name} has no primary key, or rows without one, so they can't be told apart; "
                 "give them one, or skip it" for name in keyless]
            )  # fmt: skip
        self._check_folding(followed)
        staging = found or self.target.schema()
        if not staging.tables:
            self.wait_for_checks()
        if not staging.tables and not self._dry:
            self.target.create_like(self.source)
            staging = self.target.schema()
        self.empty = self._dry and not staging.tables
        wrong = [] if self.empty else differences(self.schema, staging, self.rules)
        self.target.rollback()
        if wrong:
            raise SchemasDiffer(wrong)

    def wait_for_checks(self) -> None:
        """Waits for what takes long to check; to be called before a row is written."""
        if self._folding is not None:
            self._folding.wait()

    def close(self) -> None:
        """Waits for it whatever comes of it."""
        if self._folding is not None:
            self._folding.leave()

    def _reading(self) -> Soon[Schema] | None:
        """Staging's schema, read while production's is; where a database allows it."""
        return Soon(self.target.schema) if self.target.dialect == "postgresql" else None

    def _check_folding(self, followed: Callable[[str], bool]) -> None:
        fresh = [table for table in self._wanted() if not followed(table.name)]
        self._folding = Folding(self.source, [(table, self._folded(table)) for table in fresh])

    def _folded(self, table: Table) -> tuple[str, ...]:
        return folded_columns(table, self.rules.tables[table.name])

    def _wanted(self) -> list[Table]:
        unknown = [name for name in self._tables if name not in self.schema.tables]
        if unknown:
            raise Unsupported([f"production has no table {name!r}" for name in unknown])
        return [
            table
            for name, table in self.schema.tables.items()
            if not self.rules.tables[name].skip and (not self._tables or name in self._tables)
        ]

    def works(self) -> tuple[list[Table], dict[str, Work]]:
        """The tables in the order they are filled in, and what is done about each."""
        ordered = in_order({table.name: table for table in self._wanted()})
        copied = {n: t for n, t in self.schema.tables.items() if not self.rules.tables[n].skip}
        homes = homes_of(copied, self.rules)
        limits = lengths(self.schema)
        where = conditions(copied, self.rules)
        works = {}
        for table in ordered:
            around = beside(table, copied, self.rules, homes, self.source.dialect)
            selection = Selection(
                where[table.name], around.selection.joins, around.selection.extras
            )
            fake = self._compiled(table, around, limits)
            key, what = self.fakes.key, f"{table.name} {self._manifest}"
            hashed, mark = key.digest(f"hash of a row {what}"), self._watermark(table, selection)
            works[table.name] = Work(
                table, fake, selection, self._sorts_anew(table),
                tagger(key, table.name, self._manifest),
                ArrowFakes(fake, self.fakes) if self.source.dialect == "postgresql" else None,
                hashed, mark, f"{hashed(f'made {mark}'):032x}", self._folded(table),
            )  # fmt: skip
        if ordered and not self._dry and not self.target.has_state():
            self._expect(works[ordered[0].name])
        self.target.rollback()
        return ordered, works

    def _expect(self, first: Work) -> None:
        """Has rows read while the sync's own tables are made: staging is empty most often."""
        if isinstance(self.source, PostgresSource):
            self.source.expect_columns(first.table, first.selection)

    def _watermark(self, table: Table, selection: Selection) -> str:
        """None where what other tables hold moves a row's fakes, too."""
        return "" if selection.joins else self.rules.tables[table.name].watermark

    def _compiled(
        self, table: Table, around: Beside, limits: dict[tuple[str, str], int | None]
    ) -> Anonymiser:
        mine = self.rules.tables[table.name].columns
        constants: dict[str, Cell] = {
            name: rule.options["value"]
            if self.empty
            else self.target.canonical(table, name, rule.options["value"])
            for name, rule in mine.items()
            if rule.kind == "constant"
        }
        fits = {column: limits[table.name, column] for column in table.names}
        return compiled(table, self.rules, self.fakes, around, fits, constants)

    def _sorts_anew(self, table: Table) -> bool:
        mine = self.rules.tables[table.name].columns
        return any(mine[name].kind != "keep" for name in table.key)
