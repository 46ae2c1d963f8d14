"""Texts as a search compares them: without case, accents and punctuation."""

import re
import unicodedata
from functools import lru_cache

WORD = re.compile("[\\w\u2190-\u2fff\u3005-\uffff\U0001f000-\U0001faff]+")
"""A run of letters, digits, signs and pictures; all else parts words."""
STROKED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae"})
"""Letters that Unicode does not take apart into a plain one and its mark."""
WORDS = 12  # of a query; the rest is not looked at


def fold(text: str) -> str:
    """The text as a search compares it."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return plain.translate(STROKED)


def words(text: str) -> set[str]:
    """The words of a text, folded."""
    return set(WORD.findall(fold(text)))


@lru_cache(maxsize=256)
def asked(query: str) -> tuple[str, ...]:
    """The words a query asks for, folded, each once; punctuation only parts them."""
    return tuple(dict.fromkeys(WORD.findall(fold(query))))[:WORDS]


def spans(text: str, wanted: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where folded words stand in the text as it was written, in order and without overlaps."""
    folded, origin = _with_origins(text)
    found = []
    for word in wanted:
        at = folded.find(word)
        while at >= 0:
            found.append((origin[at], origin[at + len(word) - 1] + 1))
            at = folded.find(word, at + len(word))
    return _apart(sorted(found))


def _with_origins(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its signs the place in the text it came from."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    pieces = [fold(sign) for sign in text]
    origin = [at for at, piece in enumerate(pieces) for _ in piece]
    return "".join(pieces), origin


def _apart(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
