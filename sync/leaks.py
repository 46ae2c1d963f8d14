"""After a run: a sample of production's originals, searched for in staging."""

from collections.abc import Sequence

from sync.anonymise import Anonymiser
from sync.errors import Leak
from sync.folding import digits_of, folded
from sync.kinds import KINDS, SEARCHED
from sync.model import Cell, Row, Table
from sync.rules import TableRules
from sync.tables import Target, key_reader

SHORTEST = 5
MAY_STAY = ("digits", "postcode", "date_shift", "scrub", "json")
"""Kinds whose fake may be the original: few digits by chance, a text that names nobody."""


def search(
    target: Target, table: Table, mine: TableRules, fake: Anonymiser, originals: Sequence[Row]
) -> list[Leak]:
    """Where staging's rows of some originals still hold them."""
    personal = [
        (place, column.name, mine.columns[column.name].kind)
        for place, column in enumerate(table.columns)
        if KINDS[mine.columns[column.name].kind].personal
        and mine.columns[column.name].kind not in ("null", "constant")
    ]
    if not personal or not originals:
        return []
    of = key_reader(table)
    fakes = fake(originals)
    standing = target.find(table, fakes)
    found = []
    for original, faked in zip(originals, fakes, strict=True):
        row = standing.get(of(faked))
        if row is not None:
            found += _held(table, personal, original, faked, row)
    return found


def _held(
    table: Table, personal: list[tuple[int, str, str]], original: Row, faked: Row, row: Row
) -> list[Leak]:
    """Originals that a row of staging holds, in their own column or in any other one."""
    key = ", ".join(str(faked[place]) for place in table.positions(table.key))
    found = []
    for place, name, kind in personal:
        cell = original[place]
        if cell in (None, "") or len(str(cell)) < SHORTEST:
            continue
        may_stay = kind in MAY_STAY and faked[place] == cell
        if row[place] == cell and _tells(cell) and not may_stay:
            found.append(Leak(table.name, name, key, f"{table.name}.{name}"))
        if kind in SEARCHED:
            for other, column in enumerate(table.columns):
                if other != place and _contains(row[other], str(cell), kind):
                    found.append(Leak(table.name, column.name, key, f"{table.name}.{name}"))
    return found


def _tells(cell: Cell) -> bool:
    """Whether a value is long enough that chance alone would not bring it back."""
    return len(set(str(cell))) > 3


def _contains(cell: Cell, original: str, kind: str) -> bool:
    if not isinstance(cell, str) or len(cell) < len(original):
        return False
    if kind == "phone":
        digits = digits_of(original)
        return len(digits) >= 7 and digits in digits_of(cell)
    return f" {folded(original)} " in f" {folded(cell)} "
