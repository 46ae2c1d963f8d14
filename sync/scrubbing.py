"""Names, emails and phones taken out of free text, and fakes put in their places."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sync.folding import digits_of, folded, has_no_capitals

if TYPE_CHECKING:
    from sync.anonymise import Fakes

EMAIL = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"(?<![\w.])\+?\(?\d[\d ()./\-\u2010-\u2015]{5,}\d(?![\w])")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
DATE = re.compile(r"(19|20)\d\d-[01]\d-[0-3]\d|[0-3]?\d[./][01]?\d[./](19|20)\d\d")
ENDING = 3
"""How many letters a language may put behind a name: Zoltánas, Annával."""
AROUND = ".,;:()'\""
SHORTEST = 3
"""Letters of a name that is looked for as it is, digits and all."""
NAME_PARTS = ("full_name", "first_name", "last_name", "username")


class Scrubber:
    """Takes out what is known of a row's people, and whatever looks like an address or number."""

    def __init__(self, fakes: "Fakes") -> None:
        self._names, self._contacts = fakes.names(), fakes.contacts
        self._first = {folded(name) for pool in fakes.pools.locales.values() for name in pool.first}
        self._last = {folded(name) for pool in fakes.pools.locales.values() for name in pool.last}

    def scrub(self, text: str, known: Sequence[tuple[str, str]]) -> str:
        """The text without them; `known` are the row's originals with their kinds."""
        text = EMAIL.sub(lambda found: self._contacts.email(found[0]), text)
        for value, kind in known:
            if kind == "phone":
                text = self._without_number(text, digits_of(value))
        for value, kind in known:
            if kind in NAME_PARTS:
                text = self._without_marked(text, value, kind)
        text = PHONE.sub(lambda found: self._number(found[0]), text)
        parts = list(_parts(known))
        return self._without_names(
            self._without_joined(text, [each for each in parts if has_no_capitals(each[0])]),
            {folded(word): part for word, part in reversed(parts)},
        )

    def _number(self, text: str) -> str:
        return text if DATE.fullmatch(text) else self._contacts.phone(text)

    def _without_number(self, text: str, digits: str) -> str:
        if len(digits) < 5:
            return text
        pattern = r"[\s()./-]*".join(digits)
        return re.sub(rf"\+?{pattern}", lambda found: self._contacts.phone(found[0]), text)

    def _without_marked(self, text: str, value: str, kind: str) -> str:
        """Names with digits or signs in them, as accounts have: no words to what comes later."""
        words = [value.strip()] if kind == "username" else value.split()
        for name in (word.strip(AROUND) for word in words):
            if len(name) >= SHORTEST and not WORD.fullmatch(name) and _holds(text, name):
                make = self._names.username if kind == "username" else self._names.first
                pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
                text = re.sub(pattern, make(name), text, flags=re.IGNORECASE)
        return text

    def _without_joined(self, text: str, parts: Sequence[tuple[str, str]]) -> str:
        """Scripts without capitals mostly put no blanks around a name either."""
        if not parts:
            return text
        which = dict(reversed(parts))
        longest = sorted(which, key=len, reverse=True)
        return re.sub(
            "|".join(re.escape(word) for word in longest),
            lambda found: self._fake(found[0], which[found[0]]), text,
        )  # fmt: skip

    def _fake(self, word: str, part: str) -> str:
        return self._names.last(word) if part == "last" else self._names.first(word)

    def _without_names(self, text: str, parts: dict[str, str]) -> str:
        """Known names, those of the pools, and a word with a capital behind any of them."""
        made, at, after_name = [], 0, False
        for found in WORD.finditer(text):
            gap = text[at : found.start()]
            beside = after_name and gap.strip() == "" and "\n" not in gap
            word = self._word(found[0], parts, beside)
            after_name = word is not None
            made += [gap, word or found[0]]
            at = found.end()
        return "".join([*made, text[at:]])

    def _word(self, word: str, parts: dict[str, str], beside: bool) -> str | None:
        """The fake of a word that is somebody's name; None for other words."""
        own = re.sub(r"['’]s?$", "", word)
        part = self._part(folded(own), own[:1].isupper(), parts, beside)
        if part is None:
            return None
        return self._fake(own, part) + word[len(own) :]

    def _part(self, plain: str, capital: bool, parts: dict[str, str], beside: bool) -> str | None:
        if plain in parts:
            return parts[plain]
        if any(piece in parts for piece in plain.split()):
            return "last"
        for known, part in parts.items():
            if (
                len(known) > ENDING
                and plain.startswith(known)
                and len(plain) <= len(known) + ENDING
            ):
                return part
        if not capital:
            return None
        if plain in self._first:
            return "first"
        return "last" if plain in self._last or beside else None


def _holds(text: str, name: str) -> bool:
    """In whatever case; a pattern is made for those alone that are there."""
    return name.casefold() in text.casefold()


def _parts(known: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each word of known names, and which fake it gets."""
    for value, kind in known:
        if kind == "email":
            value = re.sub(r"[^\w]+|\d+|_", " ", value.partition("@")[0])
            words = [word for word in value.split() if len(word) > 2]
        elif kind in NAME_PARTS:
            words = re.split(r"[^\w'’]+", value)
        else:
            continue
        long = (word for word in words if len(word) > 1 or has_no_capitals(word))
        for place, word in enumerate(long):
            last = kind == "last_name" or (kind != "first_name" and place > 0)
            yield word, "last" if last else "first"
