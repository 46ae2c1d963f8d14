"""What the page of rules shows: every column with its rule, why, and what staging would get."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sync import plan, rules
from sync.check import check, check_conditions
from sync.errors import InvalidRules, Problem, SyncError
from sync.keyed import Key
from sync.kinds import KINDS
from sync.model import Column, Schema, Table
from sync.preparing import SAMPLE
from sync.rules import Rule, Rules, TableRules
from sync.showing import Pairs, completed, shown, suggestions
from sync.tables import Source
from webapp import sync_sample
from webapp.sync_rules import BY_A_PERSON, nested

ROWS = 3
MOST_SAMPLED = 60
"""Tables of which fakes are shown all at once; a page of more shows them for one that is named."""
NEEDS_A_VALUE = ("constant", "json")


@dataclass(frozen=True)
class Line:
    """One column: its rule as it is written, why, which ones fit it, and a few of its values."""

    table: str
    name: str
    type: str
    rule: str
    why: str
    covered: bool
    fitting: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One table with its lines."""

    name: str
    rows: int
    skip: bool
    where: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class View:
    """All of it; `gone` are tables and columns that have rules and are not in production."""

    parts: tuple[Part, ...]
    locale: str
    gone: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    no_sample: str = ""
    uncovered: tuple[Line, ...] = field(default=())

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return sum(len(part.lines) for part in self.parts)


def made(
    source: Source, wanted: Rules, why: Mapping[str, Mapping[str, str]], key: Key | None
) -> View:
    """The view of some rules beside production as it is; raises SyncError where it is away."""
    schema = source.schema()
    suggested = suggestions(wanted, schema, source)
    whole = completed(wanted, schema, suggested)
    unreadable = _unreadable(wanted)  # a condition that is none is never asked of production
    problems = unreadable or _problems(whole, schema, source)
    pairs, no_sample = ({}, "") if unreadable else _pairs(source, schema, whole, key)
    reasons = {place: said for place, (_, said) in suggested.items()}
    parts = []
    for table in schema.tables.values():
        mine = whole.tables[table.name]
        told = why.get(table.name, {})
        lines = tuple(
            _line(table, place, mine, told, reasons, pairs.get(table.name, []))
            for place in range(len(table.columns))
        )
        parts.append(Part(table.name, table.rows, mine.skip, mine.where, lines))
    uncovered = tuple(line for part in parts for line in part.lines if not line.covered)
    return View(
        tuple(parts),
        wanted.locale,
        tuple(_gone(wanted, schema)),
        problems,
        "" if problems else no_sample,
        uncovered,
    )


def _pairs(
    source: Source, schema: Schema, whole: Rules, key: Key | None
) -> tuple[dict[str, Pairs], str]:
    if key is None:
        return {}, "There is no key yet, so no fakes can be shown"
    if len(schema.tables) > MOST_SAMPLED:
        return {}, f"More than {MOST_SAMPLED} tables: try a dry run to see their fakes"
    try:
        return shown(source, schema, whole, key, ROWS), ""
    except (SyncError, KeyError) as error:
        return {}, f"No fakes can be shown: {error}"


def _line(
    table: Table,
    place: int,
    mine: TableRules,
    told: Mapping[str, str],
    suggested: Mapping[tuple[str, str], str],
    pairs: Pairs,
) -> Line:
    column = table.columns[place]
    rule = mine.columns.get(column.name, Rule("keep"))
    at = table.name, column.name
    keep = rule.kind == "keep"
    form = sync_sample.shown if keep else sync_sample.masked
    written = as_text(rule)
    return Line(
        table.name,
        column.name,
        column.type,
        written,
        suggested.get(at) or told.get(column.name, BY_A_PERSON),
        at not in suggested,
        tuple(dict.fromkeys((written, *_fitting(column)))),
        tuple(form(before[place]) for before, _ in pairs),
        tuple(sync_sample.shown(after[place]) for _, after in pairs),
    )


def _fitting(column: Column) -> Iterator[str]:
    for name, kind in KINDS.items():
        if name in NEEDS_A_VALUE and not (name == "json" and column.shape == "json"):
            continue
        if "*" in kind.shapes or column.shape in kind.shapes:
            yield as_text(Rule(name))
            if name == "phone" and column.shape == "text":
                yield as_text(Rule(name, {"distinct": True}))


def as_text(rule: Rule) -> str:
    """A rule as a file writes it."""
    table = TableRules("t", {"c": rule})
    line = rules.dump(Rules({"t": table})).rstrip("\n").rsplit("\n", 1)[1]
    return line.strip().removeprefix("c: ")


def read(text: str) -> Rule:
    """A rule out of its text; raises InvalidRules."""
    found = rules.parse(f"version: 1\ntables:\n  t:\n    columns:\n      c: {text}\n")
    if [*found.tables] != ["t"] or [*found.tables["t"].columns] != ["c"]:
        raise InvalidRules([Problem("one rule must stand here")])
    return found.tables["t"].columns["c"]


def _gone(wanted: Rules, schema: Schema) -> Iterator[str]:
    for name, mine in wanted.tables.items():
        table = schema.tables.get(name)
        if table is None:
            yield name
        else:
            yield from (f"{name}.{each}" for each in mine.columns if each not in table.names)


def _unreadable(wanted: Rules) -> tuple[Problem, ...]:
    """What would be wrong with these rules as a file."""
    try:
        rules.parse(rules.dump(wanted))
    except InvalidRules as error:
        return tuple(replace(each, line=None, column=None) for each in error.problems)
    return ()


def _problems(whole: Rules, schema: Schema, source: Source) -> tuple[Problem, ...]:
    try:
        check(whole, schema, lambda table: source.sample(table, SAMPLE))
        check_conditions(whole, schema, source.refusal)
    except InvalidRules as error:
        return tuple(replace(each, line=None, column=None) for each in error.problems)
    return ()


def drafted(source: Source, wanted: Rules) -> dict[str, dict[str, str]]:
    """Why each rule that is what the draft would say is so; for the record of a version."""
    found, why = plan.draft(source.schema(), lambda table: source.sample(table, SAMPLE))
    return nested(
        {
            (table, column): said
            for (table, column), said in why.items()
            if table in wanted.tables
            and wanted.tables[table].columns.get(column) == found.tables[table].columns[column]
        }
    )
