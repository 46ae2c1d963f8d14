"""Fakes made for whole columns of Arrow, equal cell by cell to those made row by row.

What few values decide is made once for each of them; emails and phones, which are all different,
in columns; the rest row by row.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sync.anonymise import Anonymiser, Fakes, Way
from sync.arrow_text import from_matrix, text_of, typed
from sync.contacts import DOMAINS
from sync.folding import ascii_word
from sync.keyed import ALPHABET
from sync.model import Cell
from sync.phone_columns import PhoneColumns
from sync.pools import FALLBACK

LETTERS = np.frombuffer(ALPHABET.encode(), np.uint8)
ENDS = np.array([list(f"@{domain}".encode()) for domain in DOMAINS], np.uint8)
LONGEST_EMAIL = 254
MOST_KNOWN = 200_000
NOTHING = pa.array([], pa.string())
Make = Callable[[Sequence[Cell]], Sequence[Cell]]


class ArrowFakes:
    """What makes the columns of a table, and those read beside them, into fakes."""

    def __init__(self, anonymiser: Anonymiser, fakes: Fakes) -> None:
        self._ways, self._table, self._fakes = anonymiser.ways, anonymiser.table, fakes
        self._phones = PhoneColumns(fakes.contacts)
        self._known: dict[int | str, tuple[Any, Any]] = {}
        pool = fakes.pools.locales[FALLBACK]
        self._first = pa.array([ascii_word(name) for name in pool.first])
        self._last = pa.array([ascii_word(name) for name in pool.last])

    def __call__(self, columns: Sequence[Any]) -> list[Any]:
        """The table's own columns as fakes. Raises Unfit where a fake is none of its type."""
        made = list(columns[: len(self._table.columns)])
        for way in self._ways:
            column = columns[way.place]
            made[way.place] = typed(self._made(way, column, columns), column.type)
        return made

    def _made(self, way: Way, column: Any, columns: Sequence[Any]) -> Any:
        if way.rule.kind in ("null", "constant"):
            return pa.array(way.make([None] * len(column), ()), pa.string())
        text = text_of(column)
        padded = self._table.columns[way.place].type.startswith("character(")
        if self._table.columns[way.place].shape == "text" and not padded:
            if way.rule.kind == "email" and (way.length or LONGEST_EMAIL) > 25:
                return self._patched(way, text, columns, self._emails(way, text, columns))
            fits = (
                not way.length
                or not len(text)
                or (pc.max(pc.utf8_length(text)).as_py() or 0) <= way.length
            )
            if way.rule.kind == "phone" and not way.rule.options and fits:
                return self._phones_of(way, text, columns)
        if way.alone:
            return self._mapped(way.place, text, lambda cells: way.make(cells, ()))
        return self._row_by_row(way, text, columns)

    def _row_by_row(self, way: Way, text: Any, columns: Sequence[Any]) -> Any:
        beside = [text_of(column).to_pylist() for column in columns]
        return pa.array(way.make(text.to_pylist(), beside), pa.string())

    def _patched(self, way: Way, text: Any, columns: Sequence[Any], made: Any) -> Any:
        """The fakes of a column, with those of odd texts made one by one."""
        odd = _odd(text)
        if not odd.any():
            return _kept_empty(text, made)
        places = pa.array(np.flatnonzero(odd))
        some = [column.take(places) for column in columns]
        singly = self._row_by_row(way, text.take(places), some)
        return _kept_empty(text, pc.replace_with_mask(made, pa.array(odd), singly))

    def _phones_of(self, way: Way, text: Any, columns: Sequence[Any]) -> Any:
        content, starts, sizes = _parts(text)
        regular = np.flatnonzero(~_odd(text))
        groups = self._phones.make(content, starts[regular], sizes[regular])
        if len(groups) == 1 and len(groups[0][0]) == len(text):
            return from_matrix(groups[0][1])
        singly = np.ones(len(text), np.bool_)
        order = [regular[rows] for rows, _ in groups]
        for rows in order:
            singly[rows] = False
        arrays = [from_matrix(letters) for _, letters in groups]
        order.append(places := np.flatnonzero(singly))
        some = [column.take(pa.array(places)) for column in columns]
        arrays.append(self._row_by_row(way, text.take(pa.array(places)), some))
        back = np.empty(len(text), np.int64)
        back[np.concatenate(order)] = np.arange(len(text))
        return _kept_empty(text, pa.concat_arrays(arrays).take(pa.array(back)))

    # Emails

    def _emails(self, way: Way, text: Any, columns: Sequence[Any]) -> Any:
        folded = pc.ascii_lower(pc.ascii_trim_whitespace(text))
        high, low = self._fakes.contacts.email_digest.of_column(*_parts(folded))
        first = self._first.take(pa.array(high % np.uint64(len(self._first))))
        last = self._last.take(pa.array((high >> np.uint64(16)) % np.uint64(len(self._last))))
        for places in reversed(way.names):
            first, last = self._named(places, columns, first, last)
        both = pc.and_(pc.not_equal(first, ""), pc.not_equal(last, ""))
        name = pc.if_else(both, _joined(first, last, "."), _joined(first, last, ""))
        name = pc.if_else(pc.equal(name, ""), "person", name)
        room = (way.length or LONGEST_EMAIL) - 25
        name = pc.ascii_rtrim(pc.utf8_slice_codeunits(name, 0, room), ".")
        return _joined(name, from_matrix(_ends(high, low)), ".")

    def _named(
        self, places: tuple[int, int, int], columns: Sequence[Any], first: Any, last: Any
    ) -> tuple[Any, Any]:
        """First and last word of the names that stand there; those given where none does."""
        own, family, full = (
            None if place < 0 else pc.fill_null(text_of(columns[place]), "") for place in places
        )
        if full is not None:
            one = self._mapped("first of full", full, self._first_of_full)
            two = self._mapped("last of full", full, self._last_of_full)
            last = pc.if_else(one.is_valid(), two, last)
            first = pc.coalesce(one, first)
        if own is None and family is None:
            return first, last
        empty = _empty(len(first))
        names = [empty if each is None else each for each in (own, family)]
        there = pc.or_(*(pc.not_equal(each, "") for each in names))
        words = (
            self._mapped("first", names[0], self._word(self._fakes.names().first)),
            self._mapped("last", names[1], self._word(self._fakes.names().last)),
        )
        return pc.if_else(there, words[0], first), pc.if_else(there, words[1], last)

    def _word(self, fake: Callable[[str], str]) -> Make:
        return lambda names: [ascii_word(fake(str(name))) if name else "" for name in names]

    def _first_of_full(self, names: Sequence[Cell]) -> Sequence[Cell]:
        found = [self._fakes.names().ends(str(cell)) for cell in names]
        return [ascii_word(ends[0]) if any(ends) else None for ends in found]

    def _last_of_full(self, names: Sequence[Cell]) -> Sequence[Cell]:
        return [ascii_word(self._fakes.names().ends(str(cell))[1]) for cell in names]

    def _mapped(self, what: int | str, column: Any, make: Make) -> Any:
        """A column's fakes where nothing but the value decides: once for each, and kept."""
        encoded = column.dictionary_encode()
        values = encoded.dictionary
        known, fakes = self._known.get(what, (NOTHING, NOTHING))
        places = pc.index_in(values, known)
        if places.null_count:
            fresh = values.filter(places.is_null())
            if len(known) > MOST_KNOWN:
                known, fakes, fresh = NOTHING, NOTHING, values
            known = pa.concat_arrays([known, fresh])
            fakes = pa.concat_arrays([fakes, pa.array(make(fresh.to_pylist()), pa.string())])
            self._known[what] = known, fakes
            places = pc.index_in(values, known)
        return fakes.take(places.take(encoded.indices))


def _empty(count: int) -> Any:
    return pa.array([""], pa.string()).take(pa.array(np.zeros(count, np.int32)))


def _joined(one: Any, other: Any, between: str) -> Any:
    return pc.binary_join_element_wise(one, other, between)


def _ends(high: Any, low: Any) -> Any:
    """What is each email's own: twelve letters of the digest, and one of the domains."""
    steps = np.arange(0, 60, 5, dtype=np.uint64)
    letters = LETTERS[((low[:, None] >> steps) & np.uint64(31)).astype(np.intp)]
    domains = ((high >> np.uint64(36)) % np.uint64(len(DOMAINS))).astype(np.intp)
    return np.hstack([letters, ENDS[domains]])


def _parts(text: Any) -> tuple[Any, Any, Any]:
    """A column's bytes, and where each text begins and how long it is."""
    _, offsets, content = text.buffers()
    count = len(text)
    places = np.frombuffer(offsets, np.int32)[text.offset : text.offset + count + 1]
    letters = np.empty(0, np.uint8) if content is None else np.frombuffer(content, np.uint8)
    places = places.astype(np.int64)
    return letters, places[:-1], np.diff(places)


def _odd(text: Any) -> Any:
    """Which texts have other letters than the printable ones of ASCII."""
    if not len(text):
        return np.zeros(0, np.bool_)
    content, starts, sizes = _parts(text)
    strange = (content < 32) | (content > 126)
    if not strange.any():
        return np.zeros(len(text), np.bool_)
    sums = np.concatenate([[0], np.cumsum(strange)])
    return sums[starts + sizes] > sums[starts]


def _kept_empty(text: Any, made: Any) -> Any:
    """Nulls and empty texts stay what they are."""
    made = pc.if_else(pc.equal(text, ""), "", made)
    return pc.if_else(text.is_valid(), made, pa.scalar(None, pa.string()))
