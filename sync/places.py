"""Fake addresses, part by part: equal parts stay equal, so what belonged together still does."""

import re
from functools import lru_cache

from sync.folding import folded
from sync.keyed import Key
from sync.names import picked
from sync.pools import FALLBACK, Locale, Pools, country_names, locale_of_country, script_of

ABBREVIATED = tuple(
    tuple(names.split())
    for names in (
        "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ "
        "NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC",
        "AB BC MB NB NL NS NT NU ON PE QC SK YT",
        "AC AL AP AM BA CE DF ES GO MA MT MS MG PA PB PR PE PI RJ RN RS RO RR SC SP SE TO",
        "NSW VIC QLD TAS ACT",
    )
)
NUMBER_FIRST = ("en_US", "en_GB", "fr_FR")
HOUSES = 199
CACHED = 16384
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


class Places:
    """Fakes of where people are; a country tells whose towns and streets they get."""

    def __init__(self, key: Key, pools: Pools, locale: str | None = None) -> None:
        self._pools, self._locale = pools, locale
        self._street, self._city = key.digest("street"), key.digest("city")
        self._state, self._code = key.digest("state"), key.digest("postcode")
        self._country = key.digest("country")
        self.street = lru_cache(CACHED)(self._street_of)
        self.city = lru_cache(CACHED)(self._city_of)
        self.state = lru_cache(CACHED)(self._state_of)

    def _of(self, text: str, country: str) -> tuple[str, Locale]:
        name = locale_of_country(country) or script_of(text) or self._locale or FALLBACK
        return name, self._pools.locales[name]

    def _street_of(self, text: str, country: str = "") -> str:
        """A street and a number, in the order of the country."""
        locale, pool = self._of(text, country)
        number = self._street(folded(text))
        street = picked(pool.streets, number, text)
        if not any(each.isdecimal() for each in text):
            return street
        house = 1 + (number >> 64) % HOUSES
        known = re.findall(r"\d+", text)
        if [str(house)] == known and folded(street) in folded(text):  # the original, by chance
            house = 1 + house % HOUSES
        return f"{house} {street}" if locale in NUMBER_FIRST else f"{street} {house}"

    def _city_of(self, text: str, country: str = "") -> str:
        """Another town of the country."""
        return picked(self._of(text, country)[1].cities, self._city(folded(text)), text)

    def _state_of(self, text: str, country: str = "") -> str:
        """Another state; an abbreviation is one of the same country's."""
        number = self._state(folded(text))
        if len(text) <= 3 and text.isupper():
            known = locale_of_country(country) in (None, FALLBACK)
            lists = ABBREVIATED if known else ABBREVIATED[2:3] + ABBREVIATED
            for names in lists:
                if text in names:
                    return picked(names, number, text)
            return "".join(LETTERS[(number >> 5 * place) % 23] for place in range(len(text)))
        return picked(self._of(text, country)[1].states or _regions(), number, text)

    def postcode(self, text: str) -> str:
        """Other digits and letters; codes that begin alike still do."""
        area = self._code(f"area {folded(text[:2])}")
        own = self._code(folded(text))
        return "".join(
            _other(each, (area if place < 2 else own) >> 7 * (place % 18), place == 0)
            for place, each in enumerate(text)
        )

    def country(self, text: str) -> str:
        """Another country; a code gets a code."""
        number = self._country(folded(text))
        if len(text) <= 3 and text.isupper():
            return picked(("US", "GB", "DE", "FR", "ES", "IT", "BR", "NL", "PL"), number, text)
        return picked(country_names(), number, text)

    def address(self, text: str) -> str:
        """A whole address in as many lines, or parts between commas."""
        parts = re.split(r"(\s*[\n,]\s*)", text.strip())
        locale = next((each for each in parts[::-1] if locale_of_country(each)), "")
        makers = [self.street(parts[0] + " 1", locale)]
        for part in parts[2::2]:
            if locale_of_country(part):
                makers.append(part)
            elif any(each.isdecimal() for each in part):
                makers.append(f"{self.postcode(_digits(part))} {self.city(part, locale)}")
            else:
                makers.append(self.city(part, locale))
        return "".join(
            makers[place // 2] if place % 2 == 0 else part for place, part in enumerate(parts)
        )


def _regions() -> tuple[str, ...]:
    return ("North", "South", "East", "West", "Central", "Coast", "Highlands", "Lakes")


def _other(character: str, number: int, first: bool) -> str:
    if character.isdecimal():
        return str(1 + number % 9 if first else number % 10)
    return LETTERS[number % 23] if character.isalpha() else character


def _digits(part: str) -> str:
    found = re.search(r"\d[\d -]*\d|\d", part)
    return found[0] if found else "1000"
