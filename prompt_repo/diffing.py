"""Two texts -> the lines and words that changed, as values a template can render."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from time import monotonic
from typing import Literal

from diff_match_patch import diff_match_patch

from prompt_repo.pairing import pairs

Kind = Literal["same", "changed", "added", "removed", "fold"]
Part = tuple[Literal["same", "ins", "del"], str]
Opcode = tuple[str, int, int, int, int]
TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
PRIVATE = 0xF0000  # a plane of private characters, one for each distinct word of a line
WORDS_WITHIN = 20_000  # characters of a changed line; beyond that the line is told, not its words
WORDS_SECONDS = 0.1  # for the words of one line; then what was found so far is told
ROWS_SECONDS = 0.5  # for the words of all lines; then whole lines are told


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a diff, side by side: numbers from 1, each side in raw parts.

    A `fold` stands for `folded` unchanged lines; its numbers are those of the first.
    """

    kind: Kind
    old_number: int | None = None
    new_number: int | None = None
    old: tuple[Part, ...] = ()
    new: tuple[Part, ...] = ()
    folded: int = 0


def rows(old: str | None, new: str | None, context: int = 3) -> tuple[Row, ...]:
    """The diff of two texts line by line, changed words marked, unchanged stretches folded.

    `context` is how many unchanged lines stay in sight around a change. None is no text. A line
    feed at the very end shows as an empty last line, so that losing one can be seen.
    """
    return tuple(_folded(list(_rows(split(old), split(new))), context))


def inline(side_by_side: Iterable[Row]) -> tuple[Row, ...]:
    """The same rows for one column: a changed line as the removed and the added one.

    Of lines that changed together the removed ones come first.
    """
    found: list[Row] = []
    for stays, group in groupby(side_by_side, lambda row: row.kind in ("same", "fold")):
        if stays:
            found += group
            continue
        changed = list(group)
        found += [
            Row("removed", row.old_number, None, row.old) for row in changed if row.old_number
        ]
        found += [
            Row("added", None, row.new_number, (), row.new) for row in changed if row.new_number
        ]
    return tuple(found)


def size(old: str | None, new: str | None) -> tuple[int, int]:
    """How many lines were added and removed; None is no text."""
    added = removed = 0
    for tag, i, j, k, m in _opcodes(split(old), split(new)):
        if tag != "equal":
            removed += j - i
            added += m - k
    return added, removed


def split(text: str | None) -> list[str]:
    """The lines of a text; none where there is no text."""
    return text.split("\n") if text else []


def kept(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """The lines of `new` that stayed, by position, with where each stands in `old`."""
    return {
        k + step: i + step
        for tag, i, j, k, _ in _opcodes(old, new)
        if tag == "equal"
        for step in range(j - i)
    }


def unified(
    old: str | None, new: str | None, old_name: str, new_name: str, context: int = 3
) -> str:
    """The diff as `diff -u` writes it, good for `patch`; empty where nothing changed."""
    before, after = _ended(old), _ended(new)
    groups = list(_grouped(list(_opcodes(before, after)), context))
    if not groups:
        return ""
    written = [f"--- {old_name}\n", f"+++ {new_name}\n"]
    for group in groups:
        (_, i, _, k, _), (_, _, j, _, m) = group[0], group[-1]
        written.append(f"@@ -{_range(i, j)} +{_range(k, m)} @@\n")
        for tag, i, j, k, m in group:
            if tag == "equal":
                written += (f" {line}" for line in before[i:j])
                continue
            written += (f"-{line}" for line in before[i:j])
            written += (f"+{line}" for line in after[k:m])
    unended = "\n\\ No newline at end of file\n"
    return "".join(line if line.endswith("\n") else line + unended for line in written)


def words(
    old: str, new: str, seconds: float = WORDS_SECONDS
) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Two lines as parts: what stayed, what went (old), what came (new)."""
    if len(old) + len(new) > WORDS_WITHIN or seconds <= 0:
        return (("del", old),), (("ins", new),)
    seen: dict[str, str] = {}
    coded = [
        "".join(seen.setdefault(token, chr(PRIVATE + len(seen))) for token in TOKEN.findall(text))
        for text in (old, new)
    ]
    tokens = {ord(code): token for token, code in seen.items()}
    engine = diff_match_patch()
    engine.Diff_Timeout = seconds
    found = engine.diff_main(*coded, False)
    engine.diff_cleanupSemantic(found)
    before: list[Part] = []
    after: list[Part] = []
    for operation, codes in found:
        text = codes.translate(tokens)
        if operation <= 0:
            before.append(("del" if operation else "same", text))
        if operation >= 0:
            after.append(("ins" if operation else "same", text))
    return tuple(before), tuple(after)


def _ended(text: str | None) -> list[str]:
    """The lines with their line feeds; the last may have none."""
    lines = [f"{line}\n" for line in split(text)]
    if lines:
        lines[-1] = lines[-1].removesuffix("\n")
    return lines if not lines or lines[-1] else lines[:-1]


def _opcodes(before: Sequence[str], after: Sequence[str]) -> Iterator[Opcode]:
    """difflib's operations; what both begin and end with is cut off first, which is most of it."""
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    if head:
        yield "equal", 0, head, 0, head
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    for tag, i, j, k, m in SequenceMatcher(None, *middle, autojunk=True).get_opcodes():
        yield tag, i + head, j + head, k + head, m + head
    if tail:
        yield "equal", len(before) - tail, len(before), len(after) - tail, len(after)


def _grouped(opcodes: list[Opcode], context: int) -> Iterator[list[Opcode]]:
    """Hunks: runs of changes with `context` lines around them."""
    group: list[Opcode] = []
    last = len(opcodes) - 1
    for position, (tag, i, j, k, m) in enumerate(opcodes):
        if tag != "equal":
            group.append((tag, i, j, k, m))
            continue
        lead = min(context, j - i) if position < last else 0
        trail = min(context, j - i) if group else 0
        if group and position < last and j - i <= 2 * context:
            group.append((tag, i, j, k, m))
            continue
        if group:
            yield [*group, (tag, i, i + trail, k, k + trail)]
        group = [(tag, j - lead, j, m - lead, m)] if position < last else []
    if group:
        yield group


def _range(start: int, end: int) -> str:
    length = end - start
    first = start + 1 if length else start
    return str(first) if length == 1 else f"{first},{length}"


def _rows(before: Sequence[str], after: Sequence[str]) -> Iterator[Row]:
    until = monotonic() + ROWS_SECONDS
    for tag, i, j, k, m in _opcodes(before, after):
        if tag == "equal":
            for step in range(j - i):
                part: tuple[Part, ...] = (("same", before[i + step]),)
                yield Row("same", i + step + 1, k + step + 1, part, part)
            continue
        for left, right, alike in pairs(before[i:j], after[k:m]):
            if left is None:
                assert right is not None
                yield Row("added", None, k + right + 1, (), (("ins", after[k + right]),))
            elif right is None:
                yield Row("removed", i + left + 1, None, (("del", before[i + left]),))
            else:
                seconds = min(WORDS_SECONDS, until - monotonic()) if alike else 0
                old, new = words(before[i + left], after[k + right], seconds)
                yield Row("changed", i + left + 1, k + right + 1, old, new)


def _folded(all_rows: list[Row], context: int) -> Iterator[Row]:
    """The rows with each run of two or more that no change is near to as one fold."""
    near = bytearray(len(all_rows))
    for position, row in enumerate(all_rows):
        if row.kind != "same":
            first, behind = max(0, position - context), position + context + 1
            near[first:behind] = b"\1" * (min(behind, len(near)) - first)
    for shown, group in groupby(zip(all_rows, near, strict=True), lambda pair: pair[1]):
        run = [row for row, _ in group]
        if shown or len(run) == 1:
            yield from run
        else:
            yield Row("fold", run[0].old_number, run[0].new_number, folded=len(run))
