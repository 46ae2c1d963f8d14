"""Cells of a CSV: texts that a spreadsheet might run or count are defused; they come back exactly.

LibreOffice and Excel read a number, a date or a time out of what looks like one, and write it back
in their own way: 007 as 7, 1/2 as a day in January.
"""

import re
from collections.abc import Sequence

EXCEL_KEEPS = 32_767  # characters of a cell
# A cell that begins so is a formula to a spreadsheet, the wide signs too; a quote makes it a text.
STARTS = "=+\\-@\t\r\n＝＋－＠"
MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
COUNTED = (
    r"[ $€£¥(]*\d[\d\s.,:/%()$€£¥e+-]*(?:[ap]\.?m\.?)?"
    rf"|\d{{1,4}}[\s./-]*{MONTH}[\s./,-]*\d{{0,4}}|{MONTH}[\s./,-]*\d{{1,4}}[\s./,-]*\d{{0,4}}"
    "|true|false"
)
RISKY = f"(?:[{STARTS}]|(?:{COUNTED})\\Z)"
DEFUSES = re.compile(f"'*{RISKY}", re.IGNORECASE)
DEFUSED = re.compile(f"'+{RISKY}", re.IGNORECASE)


def defused(text: str) -> str:
    """The text with a quote before it where a spreadsheet would take it for more than a text."""
    return f"'{text}" if DEFUSES.match(text) else text


def restored(cell: str) -> str:
    """What `defused` was given."""
    return cell[1:] if DEFUSED.match(cell) else cell


def excel_counts(cell: str) -> int:
    """How long a cell is to Excel, which counts by 16 bits: most emoji are two."""
    return len(cell) + sum(each > "\uffff" for each in cell)


def is_cut(cell: str) -> bool:
    """Whether Excel drops the end of a cell when it opens the file."""
    return 2 * len(cell) >= EXCEL_KEEPS - 1 and excel_counts(defused(cell)) > EXCEL_KEEPS


def was_cut(cell: str) -> bool:
    """Whether a cell is just as long as what Excel left of a longer one."""
    return 2 * len(cell) >= EXCEL_KEEPS - 1 and EXCEL_KEEPS - 1 <= excel_counts(cell) <= EXCEL_KEEPS


def tags_cell(tags: Sequence[str]) -> str:
    """Tags in one cell: with commas, or a line each where a tag has a comma itself."""
    if any("," in tag for tag in tags):
        return "\n".join(tags) + "\n"
    return ", ".join(tags)


def tags_of(cell: str) -> tuple[str, ...]:
    """The tags in a cell."""
    parts = cell.split("\n") if "\n" in cell else cell.split(",")
    return tuple(tag for each in parts if (tag := each.strip()))
