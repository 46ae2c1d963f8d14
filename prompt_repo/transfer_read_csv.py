"""A CSV as the world writes it: any of three separators, any order of columns, two layouts."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from prompt_repo import documents
from prompt_repo.errors import InvalidDocument, InvalidReason
from prompt_repo.layout import ID
from prompt_repo.model import Author, Emotion, Prompt, PromptKey
from prompt_repo.transfer_cells import EXCEL_KEEPS, restored, tags_of, was_cut
from prompt_repo.transfer_csv import VERSION
from prompt_repo.transfer_items import person, reason, seconds
from prompt_repo.transfer_staged import Place, Staged, StagedVersion
from prompt_repo.transfer_text import Unreadable, not_text, opened, place_of_bytes

SEPARATORS = (",", ";", "\t")
TOLD = re.compile(r"sep=([,;\t])")
"""A first line by which spreadsheets tell each other the separator."""
LONGEST_CELL = 8 * 1024 * 1024  # characters; twice the longest prompt that can be allowed
HEADER_LENGTH = 65_536
NAMES = {
    **{name: name for name in VERSION},
    "character_id": "character",
    "prompt": "prompt_text",
    "text": "prompt_text",
    "author": "created_by",
    "author_email": "created_by_email",
    "date": "created_at",
}
"""Columns by the names they go by, in small letters and with low lines for blanks."""
DEFAULTS = ("", "defaults", "default")
"""What stands in the column of the character for defaults of all."""
TRUE = ("true", "yes", "1", "x")
NEEDED = "character, emotion and prompt_text; or character and a column an emotion"
IDENT = "use 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter or digit"


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row by column, and where they stand."""

    line: int
    cells: Mapping[str, str]
    places: Mapping[str, int]

    def place(self, column: str) -> Place:
        """Where a column's cell is; the column counts from 1."""
        return Place(self.line, self.places.get(column))


def read_csv(file: BinaryIO, staged: Staged, emotions: Sequence[Emotion]) -> None:
    """Puts the file's prompts aside, with every problem; raises Unreadable where it breaks off.

    `emotions` are those that a wide layout may have columns for.
    """
    csv.field_size_limit(LONGEST_CELL)
    text = opened(file)
    try:
        header = _first_line(text.readline(HEADER_LENGTH))
        told = TOLD.fullmatch(header)
        separator = told[1] if told else max(SEPARATORS, key=lambda each: len(_known(header, each)))
        text.detach()
        text = opened(file)
        reader = csv.reader(text, delimiter=separator, strict=True)
        _read(_rows(reader, 1 if told else 0), staged, emotions)
    except UnicodeDecodeError as wrong:
        text.detach()
        place = place_of_bytes(file)
        text = opened(file)
        raise Unreadable(not_text(wrong), place) from wrong
    finally:
        text.detach()


def _read(
    rows: Iterator[tuple[int, list[str]]], staged: Staged, emotions: Sequence[Emotion]
) -> None:
    line, header = next(rows, (1, []))
    names = [_named(cell) for cell in header]
    known = [NAMES.get(name, "") for name in names]
    twice = next((name for name in known if name and known.count(name) > 1), None)
    if twice:
        at = len(known) - known[::-1].index(twice)
        raise Unreadable(f"the column {twice!r} stands here twice", Place(line, at))
    if {"emotion", "prompt_text"} <= set(known) and "character" in known:
        _left_out(staged, header, known)
        _long(_celled(rows, known, staged), staged, versions="version" in known)
    else:
        columns = _emotions_of(names, known, emotions)
        if "character" not in known or not any(columns):
            said = f"the first line must name the columns: {NEEDED}"
            raise Unreadable(said, Place(line, 1))
        _left_out(staged, header, columns)
        _wide(_celled(rows, columns, staged), staged)


def _first_line(text: str) -> str:
    return text.removeprefix("\ufeff").strip("\r\n")


def _known(header: str, separator: str) -> list[str]:
    cells = next(csv.reader([header], delimiter=separator), [])
    return [name for cell in cells if (name := NAMES.get(_named(cell)))] + cells[:-1]


def _named(cell: str) -> str:
    return "_".join(restored(cell).removeprefix("\ufeff").strip().lower().split())


def _emotions_of(
    names: Sequence[str], known: Sequence[str], emotions: Sequence[Emotion]
) -> list[str]:
    """The columns of a wide layout: the character, and emotions by their id or label."""
    by_name = {_named(each.label): each.id for each in emotions} | {
        each.id: each.id for each in emotions
    }
    if "character" not in known:
        return ["" for _ in names]
    return [
        "character" if name == "character" else by_name.get(each, "")
        for each, name in zip(names, known, strict=True)
    ]


def _left_out(staged: Staged, header: Sequence[str], columns: Sequence[str]) -> None:
    for number, (cell, name) in enumerate(zip(header, columns, strict=True), 1):
        if not name:
            shown = cell.strip()[:80] or "without a name"
            staged.warnings.append(f"column {number} ({shown}) is unknown and was left out")


def _rows(reader: Iterator[list[str]], skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it begins in, after some that are skipped; raises Unreadable."""
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as wrong:
            raise Unreadable(_said(str(wrong)), Place(line, 1)) from wrong
        if line > skipped and any(cell.strip() for cell in row):
            yield line, row
        line = reader.line_num + 1  # type: ignore[attr-defined]


def _said(wrong: str) -> str:
    if "unexpected end" in wrong:
        return "a quote opens in this row and never closes; the file may have been cut off"
    if "field larger" in wrong:
        return f"a cell has more than {LONGEST_CELL:,} characters; a quote may be missing"
    if "expected after" in wrong:
        return "a quote within a quoted cell must be doubled"
    return f"this row can't be read: {wrong[:200]}"


def _celled(
    rows: Iterator[tuple[int, list[str]]], columns: Sequence[str], staged: Staged
) -> Iterator[Row]:
    staged.columns = places = {name: number for number, name in enumerate(columns, 1) if name}
    for line, cells in rows:
        if len(cells) > len(columns):
            said = f"this row has {len(cells)} cells, the first line names {len(columns)} columns"
            staged.refuse(said, Place(line, len(columns) + 1))
            continue
        named = {name: cell for name, cell in zip(columns, cells, strict=False) if name}
        staged.warnings += [_cut(line, name) for name, cell in named.items() if was_cut(cell)]
        yield Row(line, {name: restored(cell) for name, cell in named.items()}, places)


def _cut(line: int, column: str) -> str:
    return (
        f"line {line}: {column} is just as long as the longest cell that Excel keeps "
        f"({EXCEL_KEEPS:,} characters), so its end may have been cut off"
    )


def _long(rows: Iterator[Row], staged: Staged, *, versions: bool) -> None:
    for row in rows:
        key = _key(row, staged)
        if key is None:
            continue
        if versions:
            _take_version(row, key, staged)
        else:
            _take(row, key, "prompt_text", staged)
    if versions:
        _present(staged)


def _wide(rows: Iterator[Row], staged: Staged) -> None:
    for row in rows:
        character = _character(row, staged)
        if character is None:
            continue
        for name, cell in row.cells.items():
            if name != "character" and cell.strip():
                _take(row, PromptKey(character or None, name), name, staged)


def _key(row: Row, staged: Staged) -> PromptKey | None:
    character = _character(row, staged)
    emotion = row.cells.get("emotion", "").strip().lower()
    if not ID.fullmatch(emotion) or emotion == "character":
        said = (
            f"{emotion[:80]!r} is no emotion's id; {IDENT}" if emotion else "the emotion is missing"
        )
        staged.refuse(said, row.place("emotion"), "emotion")
        return None
    return None if character is None else PromptKey(character or None, emotion)


def _character(row: Row, staged: Staged) -> str | None:
    """Whose prompt it is: an id, "" for a default, None where that was told to be wrong."""
    cell = row.cells.get("character", "").strip()
    if cell.lower() in DEFAULTS:
        return ""
    if not ID.fullmatch(cell):
        staged.refuse(
            f"{cell[:80]!r} is no character's id; {IDENT}", row.place("character"), "character"
        )
        return None
    return cell


def _take(row: Row, key: PromptKey, column: str, staged: Staged) -> None:
    found = _written(row, key, column, staged)
    if found is not None:
        staged.add(key.path, *found, row.place(column))


def _written(row: Row, key: PromptKey, column: str, staged: Staged) -> tuple[Prompt, bytes] | None:
    """What a row says and the file that says so; None where it can't be, which is told."""
    text = documents.normalise(row.cells.get(column, ""))
    prompt = Prompt(
        text,
        documents.normalise(row.cells.get("notes", "")),
        tags_of(documents.normalise(row.cells.get("tags", ""))),
    )
    if not text.strip():
        staged.refuse(
            "the text is empty; write at least one visible character", row.place(column), column
        )
        return None
    try:
        return prompt, documents.dump(prompt, key.path)
    except InvalidDocument as invalid:
        for each in invalid.problems:
            name = column if each.field == "prompt" else each.field.partition("[")[0]
            staged.refuse(each.message, row.place(name), name)
        return None


def _take_version(row: Row, key: PromptKey, staged: Staged) -> None:
    number = row.cells.get("version", "").strip()
    if not number.isdecimal() or len(number) > 9 or not int(number):
        said = f"{number[:40]!r} is no version; they are numbered 1, 2, 3 and so on"
        staged.refuse(said, row.place("version"), "version")
        return
    raw = None
    if row.cells.get("removed", "").strip().lower() not in TRUE:
        found = _written(row, key, "prompt_text", staged)
        if found is None:
            return
        raw = found[1]
    told = _told(row, staged)
    if told is None:
        return
    version = StagedVersion(raw, *told, row.line)
    if not staged.add_version(key.path, int(number), version):
        staged.refuse(
            f"version {number} stands in this file already", row.place("version"), "version"
        )


def _told(row: Row, staged: Staged) -> tuple[Author, int, str] | None:
    column = "created_at"
    try:
        at = seconds(row.cells.get("created_at", "").strip())
        column = "reason"
        words = reason(row.cells.get("reason", ""))
    except (ValueError, InvalidReason) as wrong:
        staged.refuse(str(wrong), row.place(column), column)
        return None
    by = person(row.cells.get("created_by", ""), row.cells.get("created_by_email", ""))
    return by, at, words


def _present(staged: Staged) -> None:
    """What the prompts say now: what their last versions say."""
    for path, count, last, line in staged.told_versions():
        if count != last:
            staged.refuse(
                f"of {path} the versions 1 to {last} belong here, {count} do", Place(line)
            )
        else:
            staged.stand(path, last)
