"""In which order the letters of a line stand: Unicode's bidirectional algorithm, by FriBidi.

Pillow finds the same library for the letters of one font; a line of ours is of several. The only
user of FriBidi.
"""

import ctypes
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar

NAMES = ("libfribidi.so.0", "libfribidi.0.dylib", "libfribidi.dylib", "fribidi-0.dll")
BY_FIRST_LETTER, LEFTWARD = 0x40, 1  # of fribidi-bidi-types.h: the direction of a paragraph
TURNING = {"R", "AL", "AN"}
"""Kinds of letters without which all of a text runs from left to right."""


class Levelled(Protocol):
    """What runs rightward where its level is even, else leftward."""

    @property
    def level(self) -> int:
        """How deep it is in words that run the other way."""


Part = TypeVar("Part", bound=Levelled)


@dataclass(frozen=True, slots=True)
class Order:
    """The level of each letter of a paragraph, and whether all of it runs leftward."""

    levels: Sequence[int]
    leftward: bool = False


def order(paragraph: str) -> Order:
    """How the letters of one paragraph stand; all rightward where FriBidi is not there."""
    library = _library()
    turns = not paragraph.isascii() and any(
        unicodedata.bidirectional(letter) in TURNING for letter in paragraph
    )
    if library is None or not turns:
        return Order(bytes(len(paragraph)))
    count = len(paragraph)
    letters = (ctypes.c_uint32 * count)(*map(ord, paragraph))
    levels, base = (ctypes.c_int8 * count)(), ctypes.c_uint32(BY_FIRST_LETTER)
    if not library.fribidi_log2vis(
        letters, ctypes.c_int(count), ctypes.byref(base), None, None, None, levels
    ):
        raise MemoryError("FriBidi could not order a text")
    return Order(tuple(levels), bool(base.value & LEFTWARD))


def in_sight(parts: Sequence[Part]) -> list[Part]:
    """Parts of one line as they stand from left to right (rule L2 of UAX #9)."""
    row = list(parts)
    for level in range(max((part.level for part in row), default=0), 0, -1):
        start = 0
        while start < len(row):
            end = start
            while end < len(row) and row[end].level >= level:
                end += 1
            row[start:end] = reversed(row[start:end])
            start = end + 1
    return row


def is_found() -> bool:
    """Whether FriBidi is there."""
    return _library() is not None


@cache
def _library() -> ctypes.CDLL | None:
    for name in NAMES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None
