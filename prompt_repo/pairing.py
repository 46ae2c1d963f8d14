"""Which of the lines that went became which of those that came."""

import re
from collections.abc import Iterator, Sequence

ALIKE = 0.4  # the share of words two lines have in common, from which one became the other
CELLS = 2500  # comparisons; a larger stretch is paired line by line in order
WORD = re.compile(r"\w+")

Pair = tuple[int | None, int | None, bool]
"""Positions on each side, None for no partner, and whether the two are alike."""


def pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[Pair]:
    """Each line of both sides once, in order; what stands between alike lines side by side."""
    left = right = 0
    for i, k in [*_alike(old, new), (len(old), len(new))]:
        both = min(i - left, k - right)
        large = len(old) * len(new) > CELLS
        yield from ((left + step, right + step, large) for step in range(both))
        yield from ((each, None, False) for each in range(left + both, i))
        yield from ((None, each, False) for each in range(right + both, k))
        if i < len(old) and k < len(new):
            yield i, k, True
        left, right = i + 1, k + 1


def _alike(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs that are alike, in order on both sides, as similar as can be altogether."""
    if not old or not new or len(old) * len(new) > CELLS:
        return []
    before, after = ([_words(line) for line in side] for side in (old, new))
    likeness = [[_likeness(one, other) for other in after] for one in before]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for k in reversed(range(len(new))):
            together = best[i + 1][k + 1] + likeness[i][k] if likeness[i][k] else 0.0
            best[i][k] = max(together, best[i + 1][k], best[i][k + 1])
    found, i, k = [], 0, 0
    while i < len(old) and k < len(new):
        if likeness[i][k] and best[i][k] == best[i + 1][k + 1] + likeness[i][k]:
            found.append((i, k))
            i, k = i + 1, k + 1
        elif best[i][k] == best[i + 1][k]:
            i += 1
        else:
            k += 1
    return found


def _words(line: str) -> frozenset[str]:
    return frozenset(WORD.findall(line)) or frozenset([line.strip()])


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Twice the common words by all words; 0 below ALIKE."""
    share = 2 * len(one & other) / (len(one) + len(other))
    return share if share >= ALIKE else 0.0
