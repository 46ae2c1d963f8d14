"""Cells of a CSV: texts that a spreadsheet might run are defused, and come back exactly."""

import re
from collections.abc import Sequence

# A cell that begins so is a formula to a spreadsheet, the wide signs too; a quote makes it a text.
STARTS = "=+\\-@\t\r\n＝＋－＠"
FORMULA = re.compile(f"'*[{STARTS}]")
DEFUSED = re.compile(f"'+[{STARTS}]")


def defused(text: str) -> str:
    """The text with a quote before it where it begins like a formula, or like one defused."""
    return f"'{text}" if FORMULA.match(text) else text


def restored(cell: str) -> str:
    """What `defused` was given."""
    return cell[1:] if DEFUSED.match(cell) else cell


def tags_cell(tags: Sequence[str]) -> str:
    """Tags in one cell: with commas, or a line each where a tag has a comma itself."""
    if any("," in tag for tag in tags):
        return "\n".join(tags) + "\n"
    return ", ".join(tags)


def tags_of(cell: str) -> tuple[str, ...]:
    """The tags in a cell."""
    parts = cell.split("\n") if "\n" in cell else cell.split(",")
    return tuple(tag for each in parts if (tag := each.strip()))
