"""What a dry run shows: a few rows of each table before and after, originals masked."""

from string import punctuation
from typing import Any

from sync import rules
from sync.rules import Rules
from sync.run import Result
from webapp import sync_rules
from webapp.records import Records
from webapp.records.staging_models import Sync

ROWS, LONGEST = 10, 80
MASK = "•"


def masked(cell: Any) -> str:
    """A value that shows its form and nothing else: all but blanks and punctuation is covered."""
    if cell is None:
        return ""
    if isinstance(cell, bytes):
        return f"{len(cell)} bytes"
    return "".join(
        each if each.isspace() or each in punctuation else MASK for each in str(cell)[:LONGEST]
    )


def shown(cell: Any) -> str:
    """A value that staging gets, for a page."""
    if cell is None:
        return ""
    if isinstance(cell, bytes):
        return f"{len(cell)} bytes"
    text = str(cell)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def of(records: Records, sync: Sync, result: Result) -> list[dict[str, Any]]:
    """The sample of each table, for the record of a dry run."""
    wanted = rules.parse(sync_rules.version(records, sync.rules_version).text)
    return [
        table_sample(name, result.columns[name], pairs[:ROWS], wanted)
        for name, pairs in result.samples.items()
        if pairs
    ]


def table_sample(
    name: str, columns: tuple[str, ...], pairs: list[tuple[Any, Any]], wanted: Rules
) -> dict[str, Any]:
    """One table: its columns with their rules, and pairs of rows; only what is kept is plain."""
    mine = wanted.tables[name].columns
    kept = [mine[column].kind == "keep" for column in columns]
    return {
        "table": name,
        "columns": list(columns),
        "rules": [str(mine[column]) for column in columns],
        "kept": kept,
        "rows": [
            {
                "before": [
                    shown(cell) if keep else masked(cell)
                    for cell, keep in zip(before, kept, strict=False)
                ],
                "after": [shown(cell) for cell in after],
            }
            for before, after in pairs
        ],
    }
