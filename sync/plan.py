"""Rules drafted for a database that nobody wrote any for: nothing personal is kept."""

from collections.abc import Callable, Sequence

from sync.check import keeps
from sync.errors import UnusableDatabase
from sync.guessing import guess
from sync.kinds import Keeps
from sync.model import Row, Schema, Table
from sync.rules import Rule, Rules, TableRules, dump
from sync.tables_failures import FAILURES, told

Sample = Callable[[Table], Sequence[Row]]
Why = dict[tuple[str, str], str]


def draft(schema: Schema, sample: Sample) -> tuple[Rules, Why]:
    """Rules for every column of every table, and why each. Raises UnusableDatabase."""
    tables: dict[str, TableRules] = {}
    why: Why = {}
    for table in schema.tables.values():
        try:
            rows = sample(table)
        except FAILURES as error:
            raise UnusableDatabase(f"{table.name} can't be read: {told(error)}") from error
        columns = {}
        for place, column in enumerate(table.columns):
            rule, reason = guess(table, column, [row[place] for row in rows])
            columns[column.name] = rule
            why[table.name, column.name] = reason
        tables[table.name] = TableRules(table.name, columns)
    _join(schema, tables, why)
    _part(schema, tables, why)
    _join(schema, tables, why)
    return Rules(tables), why


def draft_file(schema: Schema, sample: Sample) -> str:
    """The same as a file, with the reasons as remarks."""
    rules, why = draft(schema, sample)
    head = "# Drafted by `prompt-repo sync plan`; read it before the first run.\n"
    left = "".join(f"# Left out: {each}\n" for each in schema.left_out)
    return head + left + dump(rules, why)


def _join(schema: Schema, tables: dict[str, TableRules], why: Why) -> None:
    """A foreign key gets the rule of what it refers to."""
    for _ in schema.tables:
        for table in schema.tables.values():
            for key in table.foreign_keys:
                for own, theirs in zip(key.columns, key.target_columns, strict=True):
                    rule = tables[key.target].columns.get(theirs)
                    if rule is not None and tables[table.name].columns[own] != rule:
                        tables[table.name].columns[own] = rule
                        why[table.name, own] = f"as {key.target}.{theirs}, which it names"


def _part(schema: Schema, tables: dict[str, TableRules], why: Why) -> None:
    """A unique column gets a kind whose fakes stay apart."""
    for table in schema.tables.values():
        columns = tables[table.name].columns
        for unique in table.uniques:
            loose = [
                name for name in unique.columns
                if keeps(columns[name]) in (Keeps.REPEATS, Keeps.NOTHING)
                and columns[name].kind != "null"
            ]  # fmt: skip
            for name in loose:
                shape = table.column(name).shape
                numbers = shape in ("integer", "decimal")
                kept = Rule("keep") if shape not in ("text", "integer", "decimal") else None
                columns[name] = kept or Rule("digits" if numbers else "hash")
                why[table.name, name] = f"{unique.name} makes it unique"
