"""In which order tables are filled, so that a row's foreign keys lead somewhere."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from sync.model import Table
from sync.rules import Rules


def in_order(tables: dict[str, Table]) -> list[Table]:
    """Tables after those they refer to; where they refer to each other, by name."""
    graph = {
        name: {key.target for key in table.foreign_keys if key.target in tables} - {name}
        for name, table in tables.items()
    }
    while True:
        try:
            return [tables[name] for name in TopologicalSorter(graph).static_order()]
        except CycleError as error:
            cycle = error.args[1]
            name = min(cycle)
            graph[name] -= {*cycle}


def backward(ordered: Iterable[Table]) -> dict[str, tuple[str, ...]]:
    """Columns by table that lead to rows which may come later: to itself, or against the order."""
    found: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    for table in ordered:
        late = [
            column for key in table.foreign_keys if key.target not in seen for column in key.columns
        ]
        if late:
            found[table.name] = tuple(dict.fromkeys(late))
        seen.add(table.name)
    return found


def led_to(ordered: Iterable[Table], late: Iterable[str]) -> list[Table]:
    """Some tables and all that they refer to, directly or through others, in their order."""
    tables = {table.name: table for table in ordered}
    found, waiting = set[str](), [*late]
    while waiting:
        name = waiting.pop()
        if name in tables and name not in found:
            found.add(name)
            waiting += [key.target for key in tables[name].foreign_keys]
    return [table for table in tables.values() if table.name in found]


def conditions(tables: dict[str, Table], rules: Rules) -> dict[str, str]:
    """The condition of each table: its own, and that what it refers to is copied as well."""
    return {name: _condition(name, tables, rules, ()) for name in tables}


def _condition(name: str, tables: dict[str, Table], rules: Rules, path: tuple[str, ...]) -> str:
    parts = [f"({rules.tables[name].where})"] if rules.tables[name].where else []
    for key in tables[name].foreign_keys:
        target = tables.get(key.target)
        if target is None or key.target in (*path, name):
            continue
        inner = _condition(key.target, tables, rules, (*path, name))
        if inner:
            own = ", ".join(f"t.{_q(column)}" for column in key.columns)
            theirs = ", ".join(f"t.{_q(column)}" for column in key.target_columns)
            empty = " OR ".join(f"t.{_q(column)} IS NULL" for column in key.columns)
            parts.append(
                f"({empty} OR ({own}) IN (SELECT {theirs} FROM {_q(target.schema)}."
                f"{_q(target.bare)} t WHERE {inner}))"
            )
    return " AND ".join(parts)


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
