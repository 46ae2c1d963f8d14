"""Fakes of everything that is no name, contact or place: dates, numbers, hashes, made-up text."""

import datetime
import re
from collections.abc import Callable

from sync.keyed import Key, suffix
from sync.pools import Pools

DAYS = 365
DATE = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(.*)", re.DOTALL)
ENDLESS = ("infinity", "-infinity")
LETTERS = "abcdefghijkmnopqrstuvwxyz"
NUMBER = re.compile(r"([-+]?)(\d+(?:\.\d*)?|\.\d+)(?:[eE]([-+]?\d{1,5}))?", re.ASCII)
NO_NUMBER = re.compile(r"nan|[-+]?inf(inity)?", re.IGNORECASE)
FAR = 37
"""Beyond ten to this power another digit may be more than a type holds, and nobody is named."""


def of_number(digits: Callable[[str], str], text: str, most: int | None = None) -> str:
    """A number with other digits that its type still holds, `most` at the most.

    Exponents stay, as do NaN and infinities; a whole number that is too large is permuted on until
    it is not, so that distinct numbers stay distinct.
    """
    found = NUMBER.fullmatch(text)
    if found is None:
        return text if NO_NUMBER.fullmatch(text) else digits(text)
    sign, plain, power = found.groups()
    if power is not None:
        far = abs(int(power)) >= FAR
        return text if far else f"{sign}{digits(plain)}{text[found.end(2) :]}"
    made = digits(plain)
    while most is not None and made.isdecimal() and int(made) > most + (sign == "-"):
        made = digits(made)
    return sign + made


class Values:
    """Fakes of single values."""

    def __init__(self, key: Key, pools: Pools) -> None:
        self._words = pools.words
        self._text, self._date = key.digest("text"), key.digest("date")
        self._hash, self._letters = key.digest("hash"), key.digest("letters")
        self._digits = key.permutation("digits")

    def date(self, text: str, days: int = DAYS, by: str | None = None) -> str:
        """A date up to `days` off, never the same one; `by` decides how far, else itself."""
        found = DATE.fullmatch(text)
        if text in ENDLESS:
            return text
        try:
            year, line, month, day, rest = found.groups() if found else ("", "", "", "", "")
            was = datetime.date(int(year), int(month), int(day))
        except ValueError:  # a date in some other form
            return self.digits(text)
        number = self._date(text if by is None else f"by {by}")
        shift = 1 + number % days
        shift = -shift if number >> 64 & 1 else shift
        try:
            moved = was + datetime.timedelta(days=shift)
        except OverflowError:
            moved = was - datetime.timedelta(days=shift)
        return f"{moved.year:04d}{line}{moved.month:02d}{line}{moved.day:02d}{rest}"

    def digits(self, text: str) -> str:
        """Digits by a permutation, letters by a keyed choice that they decide together.

        A leading zero stays one, and a number's first digit stays none: it fits its type again.
        """
        numbers = "".join(each for each in text if each in "0123456789")
        if not numbers:
            return text and self._of_letters(text)
        lead = re.match(r"0*", numbers)
        kept = len(lead[0]) if lead else 0
        fake = numbers[:kept] + self._permuted(numbers[kept:])
        coming = iter(fake)
        with_letters = self._of_letters(text) if any(each.isalpha() for each in text) else text
        return "".join(next(coming) if each in "0123456789" else each for each in with_letters)

    def _permuted(self, digits: str) -> str:
        """Walks on until the first digit is none again: still a permutation of such numbers."""
        if not digits:
            return digits
        fake = self._digits(digits, "")
        while fake[0] == "0":
            fake = self._digits(fake, "")
        return fake

    def _of_letters(self, text: str) -> str:
        """Letters moved along the alphabet, by how far the digits and the length decide."""
        shape = re.sub(r"[^\W\d_]", "x", text)
        made = []
        for place, each in enumerate(text):
            if each.isascii() and each.isalpha():
                base = "A" if each.isupper() else "a"
                moved = 1 + self._letters(f"{shape}|{place}") % 25
                made.append(chr((ord(each) - ord(base) + moved) % 26 + ord(base)))
            else:
                made.append(each)
        return "".join(made)

    def hash(self, text: str, length: int | None = None) -> str:
        """Twenty-four letters and digits, or as many as fit."""
        return suffix(self._hash(text), min(24, length or 24))

    def text(self, text: str) -> str:
        """Made-up sentences of about the same length, lines where lines were."""
        return "\n".join(self._line(line) if line.strip() else line for line in text.split("\n"))

    def _line(self, line: str) -> str:
        number, wanted = self._text(line), len(line)
        words: list[str] = []
        size = 0
        while size < wanted:
            number = (number * 6364136223846793005 + 1442695040888963407) % 2**128
            word = self._words[(number >> 64) % len(self._words)]
            words.append(word)
            size += len(word) + 1
        made = " ".join(words)[:wanted].rstrip()
        if made != " ".join(words) and " " in made:
            made = made.rpartition(" ")[0]  # no half words
        if made and line.rstrip().endswith((".", "!", "?")) and len(made) > 3:
            made = made[:-1].rstrip() + "."
        return made[:1].upper() + made[1:] if line[:1].isupper() else made
