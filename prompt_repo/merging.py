"""Three-way merge of texts, line by line."""

import re
from dataclasses import dataclass

from merge3 import Merge3


@dataclass(frozen=True, slots=True)
class Merge:
    """What a merge gives: `text` where the sides don't overlap, else None.

    `with_markers` is always a text: the merge, overlaps between `<<<<<<<` and `>>>>>>>`.
    """

    text: str | None
    with_markers: str


def merge_texts(
    base: str | None,
    theirs: str | None,
    yours: str | None,
    names: tuple[str, str] = ("theirs", "yours"),
) -> Merge:
    """Joins two edits of `base`; None is a side without a text. `names` stand beside the markers.

    Where one side stayed as it was, the other's text is taken (None where it was removed). The
    verdict comes from the groups of the merge, never from markers found in its output: a
    prompt may itself hold `<<<<<<<`. Where one side removed what the other changed, they overlap.
    """
    if theirs == yours or base == yours:
        return Merge(theirs, theirs or "")
    if base == theirs:
        return Merge(yours, yours or "")
    before, left, right = (_lines(text) for text in (base, theirs, yours))
    groups = list(Merge3(before, left, right).merge_groups())
    if theirs is not None and yours is not None and all(group[0] != "conflict" for group in groups):
        text = "".join(line for group in groups for line in group[1])
        return Merge(text, text)
    before, left, right = (_ended(side) for side in (before, left, right))
    marked = "".join(Merge3(before, left, right).merge_lines(name_a=names[0], name_b=names[1]))
    ends = any((text or "").endswith("\n") for text in (theirs, yours))
    return Merge(None, marked if ends else marked.removesuffix("\n"))


def _lines(text: str | None) -> list[str]:
    """Lines with their line feeds; no other character ends a line."""
    return [line for line in re.split(r"(?<=\n)", text or "") if line]


def _ended(lines: list[str]) -> list[str]:
    """The lines each with a line feed, so that a marker never runs on from a text."""
    return [line if line.endswith("\n") else f"{line}\n" for line in lines]
