"""An export as CSV, for spreadsheets: a row a prompt, or a row a version.

It holds prompts alone, no characters and no emotions of its own.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from prompt_repo.layout import Kind
from prompt_repo.model import Prompt
from prompt_repo.progress import Progress, Warn, silent, unheard
from prompt_repo.repository import Repository
from prompt_repo.transfer_cells import EXCEL_KEEPS, defused, excel_counts, is_cut, tags_cell
from prompt_repo.transfer_documents import Exported, Said, Selection, exported
from prompt_repo.transfer_json import Origin, moment

BOM = "\ufeff"
PROMPT = ("character", "emotion", "prompt_text", "notes", "tags")
VERSION = (
    *("character", "emotion", "version", "removed", "prompt_text", "notes", "tags"),
    *("created_by", "created_by_email", "created_at", "reason"),
)


def lines(
    repository: Repository,
    origin: Origin,
    selection: Selection,
    progress: Progress = silent,
    *,
    bom: bool = False,
    warn: Warn = unheard,
) -> Iterator[str]:
    """The file, row by row; a BOM tells Excel that it is UTF-8. Raises as the JSON form does."""
    selection.check(repository, origin.commit)
    columns = VERSION if selection.versions else PROMPT
    yield (BOM if bom else "") + _row(columns)
    for each in exported(repository, origin.commit, selection, progress):
        if each.place.kind in (Kind.DEFAULT, Kind.OVERRIDE):
            for row in _rows(each) if selection.versions else [_present(each)]:
                for column, cell in zip(columns, row, strict=True):
                    if is_cut(cell):
                        warn(_too_long(each, column, cell))
                yield _row(row)


def _too_long(each: Exported, column: str, cell: str) -> str:
    """What Excel does to a cell, for whoever gets the file."""
    return (
        f"{each.place.character or 'defaults'}/{each.place.emotion}: {column} has "
        f"{excel_counts(cell):,} characters, and Excel keeps {EXCEL_KEEPS:,} of a cell; "
        "don't save this file in Excel, or export JSON"
    )


def _present(each: Exported) -> Sequence[str]:
    return (*_key(each), *_text(each.said))


def _rows(each: Exported) -> Iterator[Sequence[str]]:
    for number, told in enumerate(each.versions, 1):
        by = (told.author.name, told.author.email, moment(told.at), told.reason)
        removed = "" if told.said is not None else "true"
        yield (*_key(each), str(number), removed, *_text(told.said), *by)


def _key(each: Exported) -> tuple[str, str]:
    return each.place.character or "", each.place.emotion or ""


def _text(said: Said | None) -> tuple[str, str, str]:
    if said is None:
        return "", "", ""
    assert isinstance(said.value, Prompt)
    return said.value.text, said.value.notes, tags_cell(said.value.tags)


def _row(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([defused(cell) for cell in cells])
    return written.getvalue()
