"""Fake names of people, companies and accounts, picked by keyed digests."""

import re
from collections.abc import Sequence
from functools import lru_cache

from sync.folding import folded, has_no_capitals
from sync.keyed import Key, suffix
from sync.pools import FALLBACK, Pools

KEPT = {"mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "jr", "sr", "ii", "iii", "phd"}
"""Words beside a name that name nobody."""
PARTICLES = {
    "al", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "e",
    "el", "ibn", "la", "las", "los", "of", "ten", "ter", "van", "von", "y", "zu",
}  # fmt: skip
"""Words between names, as long as they are small and another word comes behind them."""
CACHED = 65536


def picked(pool: Sequence[str], number: int, original: str) -> str:
    """One of a pool by a digest, never the original itself."""
    chosen = pool[number % len(pool)]
    if folded(chosen) == folded(original):
        chosen = pool[(number + 1) % len(pool)]
    return chosen


class Names:
    """Fakes of names; the same name in any spelling is always the same one."""

    def __init__(self, key: Key, pools: Pools, locale: str | None = None) -> None:
        self._pools, self._locale = pools, locale
        self._first, self._last = key.digest("first name"), key.digest("last name")
        self._company, self._user = key.digest("company"), key.digest("username")
        self.first = lru_cache(CACHED)(self._first_name)
        self.last = lru_cache(CACHED)(self._last_name)
        self.full = lru_cache(CACHED)(self._full_name)

    def _first_name(self, text: str) -> str:
        locale = self._locale or self._pools.locale_of_first_name(text, FALLBACK)
        return _cased(
            text, picked(self._pools.locales[locale].first, self._first(folded(text)), text)
        )

    def _last_name(self, text: str) -> str:
        locale = self._locale or self._pools.locale_of_last_name(text, FALLBACK)
        return _cased(
            text, picked(self._pools.locales[locale].last, self._last(folded(text)), text)
        )

    def _full_name(self, text: str) -> str:
        """Word by word, so that it fits the fakes of first and last name columns."""
        if "," in text:
            last, _, first = text.partition(",")
            return f"{self.last(last.strip())}, {self._words(first.strip(), False)}"
        return self._words(text, True)

    def _words(self, text: str, ends_in_last: bool) -> str:
        words = text.split()
        named = [
            place for place, word in enumerate(words)
            if folded(word) not in KEPT
            and not (0 < place < len(words) - 1 and word in PARTICLES)
        ]  # fmt: skip
        for place in named:
            last = ends_in_last and place == named[-1] and len(named) > 1
            words[place] = self._part(words[place], last)
        return " ".join(words)

    def ends(self, text: str) -> tuple[str, str]:
        """The first and the last name in the fake of a full name, without what stands around."""
        words = [
            word for word in self.full(text).replace(",", " ").split() if folded(word) not in KEPT
        ]
        return (words[0] if words else ""), (words[-1] if len(words) > 1 else "")

    def _part(self, word: str, last: bool) -> str:
        if re.fullmatch(r"\w\.?", word) and not has_no_capitals(word):  # an initial
            letter = "ABCDEFGHJKLMNPRSTVW"[self._first(folded(word)) % 19]
            return letter + word[1:]
        return self.last(word) if last else self.first(word)

    def company(self, text: str) -> str:
        """A made-up company, with the original's legal form left out."""
        return picked(self._pools.companies, self._company(folded(text)), text)

    def username(self, text: str) -> str:
        """A first name and sixty bits: no two accounts share one."""
        number = self._user(text)
        name = self._pools.locales[FALLBACK].first[(number >> 64) % 500].lower()
        return f"{re.sub(r'[^a-z]', '', name)}_{suffix(number)}"


def _cased(original: str, fake: str) -> str:
    """Capitals throughout, or none, where the original has it so."""
    if len(original) > 1 and original.isupper():
        return fake.upper()
    return fake.lower() if original.islower() else fake
