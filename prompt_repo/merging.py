"""Three-way merge of texts, line by line."""

from dataclasses import dataclass

from merge3 import Merge3


@dataclass(frozen=True, slots=True)
class Merge:
    """What a merge gives: `text` where the sides don't overlap, else None.

    `with_markers` is always a text: the merge, overlaps between `<<<<<<<` and `>>>>>>>`.
    """

    text: str | None
    with_markers: str


def merge_texts(base: str | None, theirs: str | None, yours: str | None) -> Merge:
    """Joins two edits of `base`; None is a side without a text.

    The verdict comes from the groups of the merge, never from markers found in its output: a
    prompt may itself hold `<<<<<<<`. Where one side removed what the other changed, they overlap.
    """
    if theirs == yours or base == yours:
        return Merge(theirs, theirs or "")
    if base == theirs:
        return Merge(yours, yours or "")
    sides = [(text or "").splitlines(keepends=True) for text in (base, theirs, yours)]
    merge = Merge3(*sides)
    clean = theirs is not None and yours is not None
    clean = clean and all(group[0] != "conflict" for group in merge.merge_groups())
    if clean:
        text = "".join(line for group in merge.merge_groups() for line in group[1])
        return Merge(text, text)
    sides = [[line if line.endswith("\n") else f"{line}\n" for line in side] for side in sides]
    marked = Merge3(*sides).merge_lines(name_a="theirs", name_b="yours")
    return Merge(None, "".join(marked))
