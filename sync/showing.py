"""What rules would make of a few rows, to look at before anything is copied."""

from dataclasses import replace

from sync import pools
from sync.anonymise import Fakes, compiled
from sync.check import lengths
from sync.errors import DatabaseFailed
from sync.keyed import Key
from sync.model import Cell, Row, Schema, Table
from sync.ordering import conditions
from sync.people import beside, homes_of
from sync.plan import draft
from sync.preparing import SAMPLE
from sync.rules import Rule, Rules, TableRules
from sync.tables import Selection, Source
from sync.tables_failures import FAILURES, told

Pairs = list[tuple[Row, Row]]
Suggested = dict[tuple[str, str], tuple[Rule, str]]


def suggestions(rules: Rules, schema: Schema, source: Source) -> Suggested:
    """A rule, and why, for each column that none covers: together they can work."""
    missing = [
        (table.name, name)
        for table in schema.tables.values()
        if (mine := rules.tables.get(table.name, TableRules(table.name))) and not mine.skip
        for name in table.names
        if name not in mine.columns
    ]
    if not missing:
        return {}
    drafted, why = draft(schema, lambda table: source.sample(table, SAMPLE))
    found = {(t, n): (drafted.tables[t].columns[n], why[t, n]) for t, n in missing}
    for table in schema.tables.values():
        for key in table.foreign_keys:
            theirs = rules.tables.get(key.target, TableRules(key.target)).columns
            for own, name in zip(key.columns, key.target_columns, strict=True):
                if (table.name, own) in found and name in theirs:
                    said = f"as {key.target}.{name}, which it names"
                    found[table.name, own] = theirs[name], said
    return found


def completed(rules: Rules, schema: Schema, suggested: Suggested) -> Rules:
    """The rules of all that production has, with what is suggested where none stands."""
    tables = {}
    for table in schema.tables.values():
        mine = rules.tables.get(table.name, TableRules(table.name))
        columns = {
            column.name: mine.columns.get(column.name)
            or suggested.get((table.name, column.name), (Rule("null"), ""))[0]
            for column in table.columns
        }
        tables[table.name] = replace(mine, columns={} if mine.skip else columns)
    return Rules(tables, rules.locale, rules.path)


def shown(source: Source, schema: Schema, rules: Rules, key: Key, most: int) -> dict[str, Pairs]:
    """A few rows of each table that is copied, as they are and as staging would get them.

    The rules must cover every column. Raises SyncError.
    """
    fakes = Fakes(key, pools.load(), rules.locale)
    copied = {n: each for n, each in schema.tables.items() if not rules.tables[n].skip}
    homes, limits, where = homes_of(copied, rules), lengths(schema), conditions(copied, rules)
    found: dict[str, Pairs] = {}
    for table in copied.values():
        around = beside(table, copied, rules, homes, source.dialect)
        fits = {column: limits[table.name, column] for column in table.names}
        fake = compiled(table, rules, fakes, around, fits, _constants(table, rules))
        few = Selection(
            where[table.name], around.selection.joins, around.selection.extras,
            ordered=False, limit=most,
        )  # fmt: skip
        try:
            rows = [row for batch in source.read(table, few) for row in batch]
        except FAILURES as error:
            raise DatabaseFailed(told(error)) from error
        found[table.name] = list(zip(rows, fake(rows) if rows else [], strict=True))
    return found


def _constants(table: Table, rules: Rules) -> dict[str, Cell]:
    mine = rules.tables[table.name].columns
    return {n: rule.options["value"] for n, rule in mine.items() if rule.kind == "constant"}
