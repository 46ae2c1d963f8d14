"""Fake phones for whole columns, equal to those that `contacts` makes one by one."""

from collections.abc import Iterator
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sync.contacts import FREE_CODES, ONE_DIGIT, TWO_DIGITS, Contacts
from sync.digests import Bytes, modulo

LONGEST = 63
FEW = 8
"""Smaller groups of one format cost more in columns than one by one."""
ZERO, PLUS = ord("0"), ord("+")
ONES = np.array([int(code) for code in ONE_DIGIT], np.uint8)
TWOS = np.array([int(code) for code in TWO_DIGITS])
STANDS = np.arange(256, dtype=np.uint8)
STANDS[[ord(each) for each in ascii_letters if each.lower() not in "ext"]] = ZERO
"""What stands for each letter where a phone holds one."""
Places = NDArray[np.int64]


class PhoneColumns:
    """Makes the phones of a column, format by format."""

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts

    def make(self, content: Bytes, starts: Places, sizes: Places) -> list[tuple[Places, Bytes]]:
        """The fakes as groups: which rows, and their letters; others are left to be done singly.

        Rows that hold other letters than ASCII's are the caller's own to leave out.
        """
        made: list[tuple[Places, Bytes]] = []
        for size in np.unique(sizes):
            rows = np.flatnonzero(sizes == size)
            if 0 < size <= LONGEST and len(rows) >= FEW:
                padded = np.concatenate([content, np.zeros(size, np.uint8)])
                letters = np.lib.stride_tricks.sliding_window_view(padded, size)[starts[rows]]
                made += self._of_one_length(rows, letters)
        return made

    def _of_one_length(self, rows: Places, letters: Bytes) -> Iterator[tuple[Places, Bytes]]:
        digits = np.zeros((len(letters), 64), np.bool_)
        digits[:, : letters.shape[1]] = (letters >= ZERO) & (letters <= ZERO + 9)
        digits[:, 63] = letters[:, 0] == PLUS
        masks = np.packbits(digits, axis=1).view(np.uint64)[:, 0]
        for mask in np.unique(masks):
            group = np.flatnonzero(masks == mask)
            places = np.flatnonzero(digits[group[0], :63])
            chosen = letters[group]
            if len(group) < FEW or not len(places) or (chosen[:, 0] <= ord(" ")).any():
                continue
            fake, known = self._unreachable(
                chosen[:, places] - np.uint8(ZERO), bool(chosen[0, 0] == PLUS)
            )
            chosen = _without_letters(chosen)
            chosen[:, places] = fake + np.uint8(ZERO)
            whole = known.all()
            yield (rows[group], chosen) if whole else (rows[group[known]], chosen[known])

    def _unreachable(self, digits: Bytes, international: bool) -> tuple[Bytes, Any]:
        """Other digits, and for which rows they are known."""
        count, size = digits.shape
        known = np.ones(count, np.bool_)
        made = np.zeros_like(digits)
        if international:
            made, known = self._abroad(digits)
            return made, known
        left = np.ones(count, np.bool_)
        if size >= 2:
            double = (digits[:, 0] == 0) & (digits[:, 1] == 0)
            made[double, 2:], known[double] = self._abroad(digits[double, 2:])
            left &= ~double
        if size == 11:
            one = left & (digits[:, 0] == 1)
            made[one, 0], made[one, 1:] = 1, self._american(digits[one, 1:])
            left &= ~one
        if size == 10:
            own = left & (digits[:, 0] > 1)
            made[own] = self._american(digits[own])
            left &= ~own
        if left.any():
            made[left] = self._at_home(digits[left])
        return made, known

    def _at_home(self, digits: Bytes) -> Bytes:
        if digits.shape[1] < 7:
            return self._permuted(digits, np.frombuffer(b"extension", np.uint8))
        rest = self._contacts.permuted.of_rows(digits[:, 4:], digits[:, :4] + np.uint8(ZERO))
        return np.hstack([np.tile(np.array([0, 0, 2, 8], np.uint8), (len(digits), 1)), rest])

    def _abroad(self, digits: Bytes) -> tuple[Bytes, Any]:
        count, size = digits.shape
        made, known = np.zeros_like(digits), np.zeros(count, np.bool_)
        if size < 4 or not count:
            return made, known
        left = np.ones(count, np.bool_)
        if size == 11:
            one = digits[:, 0] == 1
            made[one, 0], made[one, 1:] = 1, self._american(digits[one, 1:])
            left &= ~one
        ones = left & np.isin(digits[:, 0], ONES)
        twos = left & ~ones & np.isin(digits[:, 0].astype(int) * 10 + digits[:, 1], TWOS)
        for code, rows in ((1, ones), (2, twos), (3, left & ~ones & ~twos)):
            if rows.any():
                free = np.array([int(each) for each in FREE_CODES[code]], np.uint8)
                chosen = digits[rows]
                tweaks = chosen[:, :code] + np.uint8(ZERO)
                rest = self._contacts.permuted.of_rows(chosen[:, code:], tweaks)
                made[rows] = np.hstack([np.tile(free, (len(chosen), 1)), rest])
        return made, ~known

    def _american(self, digits: Bytes) -> Bytes:
        high, low = self._contacts.phone_digest.of_rows(digits + np.uint8(ZERO))
        area = modulo(high, low, 800) + np.uint64(200)
        area += (area % np.uint64(100) == 11).astype(np.uint64)
        end = high % np.uint64(100)
        made = np.empty((len(digits), 10), np.uint8)
        made[:, 0], made[:, 1], made[:, 2] = area // 100, area // 10 % 10, area % 10
        made[:, 3:8] = (5, 5, 5, 0, 1)
        made[:, 8], made[:, 9] = end // 10, end % 10
        return made

    def _permuted(self, digits: Bytes, tweak: Bytes) -> Bytes:
        tweaks = np.tile(tweak, (len(digits), 1))
        return self._contacts.permuted.of_rows(digits, tweaks)


def _without_letters(letters: Bytes) -> Bytes:
    """Letters go, but those of `ext`."""
    return STANDS[letters]
