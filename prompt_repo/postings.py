"""Which words stand where: words to numbered places, immutable, and cheap to change a little."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Generic, TypeAlias, TypeVar, cast

Word = TypeVar("Word", bound=Hashable)
Places: TypeAlias = "int | tuple[int, ...]"
"""A set of numbers: a bit for each where they are many, else the numbers themselves."""
FEW = 64


class Postings(Generic[Word]):
    """The places of each word; answers are sets of places as bits of an integer."""

    def __init__(self, table: Mapping[Word, Places], size: int) -> None:
        self._table, self._size = table, size

    def __iter__(self) -> Iterator[Word]:
        return iter(self._table)

    def changed(
        self,
        come: Mapping[Word, Iterable[int]],
        gone: Mapping[Word, Iterable[int]],
        size: int,
    ) -> "Postings[Word]":
        """These postings after words came to places and left others; `size` is how many there are.

        A place in both is one where the word stays.
        """
        table = dict(self._table)
        for word in come.keys() | gone.keys():
            places = set(numbers(table.get(word, ())))
            places.difference_update(gone.get(word, ()))
            places.update(come.get(word, ()))
            if places:
                table[word] = _packed(places)
            else:
                table.pop(word, None)
        return Postings(table, size)

    def of(self, word: Word) -> int:
        """The places of exactly this word."""
        return self._joined([word]) if word in self._table else 0

    def holding(self, part: str) -> int:
        """The places of all words that have `part` in them; for postings of strings."""
        return self._joined(self._words_with(part))

    def count(self, word: Word) -> int:
        """How many places a word has."""
        places = self._table.get(word, ())
        return places.bit_count() if isinstance(places, int) else len(places)

    @cached_property
    def _lines(self) -> str:
        """All words, one a line, so that one pass over a text finds those with a part."""
        return "\n".join(["", *map(str, self._table), ""])

    def _words_with(self, part: str) -> Iterator[Word]:
        lines, at = self._lines, self._lines.find(part)
        while at >= 0:
            end = lines.index("\n", at)
            yield cast("Word", lines[lines.rindex("\n", 0, at) + 1 : end])
            at = lines.find(part, end)

    def _joined(self, words: Iterable[Word]) -> int:
        bits, few = 0, bytearray((self._size >> 3) + 1)
        for word in words:
            places = self._table[word]
            if isinstance(places, int):
                bits |= places
            else:
                _mark(few, places)
        return bits | int.from_bytes(few, "little")


def numbers(places: Places) -> Iterable[int]:
    """The numbers in a set of places, in order where they are bits."""
    if not isinstance(places, int):
        return places
    digits = bin(places)[:1:-1]
    found, at = [], digits.find("1")
    while at >= 0:
        found.append(at)
        at = digits.find("1", at + 1)
    return found


def bits_of(places: Collection[int]) -> int:
    """The set of these numbers, as bits."""
    marks = bytearray((max(places, default=0) >> 3) + 1)
    _mark(marks, places)
    return int.from_bytes(marks, "little")


def _packed(places: set[int]) -> Places:
    return tuple(places) if len(places) <= FEW else bits_of(places)


def _mark(marks: bytearray, places: Iterable[int]) -> None:
    for place in places:
        marks[place >> 3] |= 1 << (place & 7)
