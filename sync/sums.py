"""Sums of whole-numbered keys, the same here and by PostgreSQL: equal sums are the same keys.

A key that went and another that came move the first sum; no other pair of keys has the same sum of
squares as well.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

PRIME = 2**31 - 1
SQL = (
    "count(*), coalesce(sum({0}), 0)::text, "
    f"coalesce(sum(({{0}} % {PRIME}) * ({{0}} % {PRIME})), 0)::text"
)
"""What PostgreSQL is asked for; {0} is the key."""


@dataclass(slots=True)
class Sums:
    """How many keys, their sum, and that of the squares of their remainders."""

    count: int = 0
    plain: int = 0
    squares: int = 0

    def add(self, keys: Any) -> None:
        """Adds a column of keys."""
        numbers = keys.to_numpy(zero_copy_only=False)
        rests = np.fmod(numbers, PRIME)
        self.count += len(numbers)
        self.plain += _sum(numbers)
        self.squares += _sum(rests * rests)


def _sum(numbers: Any) -> int:
    """Without overflow: the halves by themselves."""
    return (int((numbers >> 32).sum()) << 32) + int((numbers & 0xFFFFFFFF).sum())
