"""Spellings of one value brought to one form, so that they get one fake."""

import re
import unicodedata
from functools import lru_cache

NO_WORD = re.compile(r"[^\w]+")
NO_DIGIT = re.compile(r"[^0-9]+")
OTHER_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"}
)


@lru_cache(maxsize=65536)
def folded(text: str) -> str:
    """Lower case without accents, blanks run together: `Bjørn  Hansen` is `bjorn hansen`."""
    if text.isascii():
        return " ".join(NO_WORD.sub(" ", text.lower()).split())
    small = unicodedata.normalize("NFKD", text).casefold().translate(OTHER_LETTERS)
    plain = "".join(letter for letter in small if not unicodedata.combining(letter))
    return " ".join(NO_WORD.sub(" ", plain).split())


def folded_email(text: str) -> str:
    """Case and blanks folded: what two spellings of one address share."""
    if text.isascii():
        return text.strip().lower()
    return unicodedata.normalize("NFKC", text).strip().casefold()


@lru_cache(maxsize=65536)
def ascii_word(text: str) -> str:
    """The part of a name that an address can hold: `Müller-Lüdke` is `mullerludke`."""
    return re.sub(r"[^a-z]", "", folded(text))


def digits_of(text: str) -> str:
    """The decimal digits of a text, as ASCII."""
    if text.isascii():
        return NO_DIGIT.sub("", text)
    return "".join(str(unicodedata.decimal(each)) for each in text if each.isdecimal())


def has_no_capitals(word: str) -> bool:
    """Whether it is of a script where one sign can be a whole name: 李."""
    return not word.isascii() and word.isalpha() and word.upper() == word.lower()
