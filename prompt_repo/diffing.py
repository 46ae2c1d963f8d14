"""Two texts -> the lines and words that changed, as values a template can render."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from typing import Literal

from diff_match_patch import diff_match_patch

Kind = Literal["same", "changed", "added", "removed", "fold"]
Part = tuple[Literal["same", "ins", "del"], str]
WORDS_WITHIN = 20_000  # characters of a changed stretch; beyond that lines are told, not words
TIMEOUT = 0.2  # seconds for the words of one line


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a diff, side by side: numbers from 1, each side in parts.

    A `fold` stands for `folded` unchanged lines.
    """

    kind: Kind
    old_number: int | None = None
    new_number: int | None = None
    old: tuple[Part, ...] = ()
    new: tuple[Part, ...] = ()
    folded: int = 0


def rows(old: str, new: str, context: int = 3) -> tuple[Row, ...]:
    """The diff of two texts line by line, changed words marked, unchanged stretches folded."""
    return tuple(_folded(list(_rows(_lines(old), _lines(new))), context))


def size(old: str | None, new: str | None) -> tuple[int, int]:
    """How many lines were added and removed; None is no text."""
    before, after = _lines(old or ""), _lines(new or "")
    added = removed = 0
    for tag, i, j, k, m in _opcodes(before, after):
        if tag != "equal":
            removed += j - i
            added += m - k
    return added, removed


def unified(old: str, new: str, old_name: str, new_name: str) -> str:
    """The diff as `diff -u` writes it."""
    lines = unified_diff(_lines(old), _lines(new), old_name, new_name, lineterm="")
    return "\n".join(lines) + "\n" if old != new else ""


def words(old: str, new: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Two stretches of text as parts: what stayed, what went (old), what came (new)."""
    if len(old) + len(new) > WORDS_WITHIN:
        return (("del", old),), (("ins", new),)
    engine = diff_match_patch()
    engine.Diff_Timeout = TIMEOUT
    found = engine.diff_main(old, new, False)
    engine.diff_cleanupSemantic(found)
    before: list[Part] = []
    after: list[Part] = []
    for operation, text in found:
        if operation <= 0:
            before.append(("del" if operation else "same", text))
        if operation >= 0:
            after.append(("ins" if operation else "same", text))
    return tuple(before), tuple(after)


def _lines(text: str) -> list[str]:
    return text.split("\n")


def _opcodes(
    before: Sequence[str], after: Sequence[str]
) -> Iterator[tuple[str, int, int, int, int]]:
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


def _rows(before: Sequence[str], after: Sequence[str]) -> Iterator[Row]:
    for tag, i, j, k, m in _opcodes(before, after):
        if tag == "equal":
            for step in range(j - i):
                part: tuple[Part, ...] = (("same", before[i + step]),)
                yield Row("same", i + step + 1, k + step + 1, part, part)
            continue
        both = min(j - i, m - k)
        for step in range(both):
            old, new = words(before[i + step], after[k + step])
            yield Row("changed", i + step + 1, k + step + 1, old, new)
        for step in range(both, j - i):
            yield Row("removed", i + step + 1, None, (("del", before[i + step]),))
        for step in range(both, m - k):
            yield Row("added", None, k + step + 1, (), (("ins", after[k + step]),))


def _folded(all_rows: list[Row], context: int) -> Iterator[Row]:
    near = [False] * len(all_rows)
    for position, row in enumerate(all_rows):
        if row.kind != "same":
            for each in range(max(0, position - context), min(len(near), position + context + 1)):
                near[each] = True
    hidden = 0
    for row, shown in zip(all_rows, near, strict=True):
        if not shown:
            hidden += 1
            continue
        if hidden:
            yield Row("fold", folded=hidden)
            hidden = 0
        yield row
    if hidden:
        yield Row("fold", folded=hidden)
