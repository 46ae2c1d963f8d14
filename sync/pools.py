"""The frozen lists that fakes are picked from, and the locale a name or country belongs to."""

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources

from sync.folding import folded

FALLBACK = "en_US"

SCRIPTS = {
    "CYRILLIC": "ru_RU", "GREEK": "el_GR", "HIRAGANA": "ja_JP", "KATAKANA": "ja_JP",
    "HANGUL": "ko_KR", "CJK": "zh_CN",
}  # fmt: skip

COUNTRIES = {
    "en_GB": "united kingdom,great britain,england,scotland,wales,ireland,uk,gb,ie",
    "en_US": "united states,united states of america,usa,us,canada,ca,australia,au,new zealand,nz",
    "de_DE": "germany,deutschland,de,austria,osterreich,at,switzerland,schweiz,ch",
    "fr_FR": "france,fr,belgium,belgique,be,luxembourg,lu",
    "es_ES": "spain,espana,es,mexico,mx,argentina,ar,chile,cl,colombia,co,peru,pe",
    "it_IT": "italy,italia,it",
    "pt_BR": "brazil,brasil,br,portugal,pt",
    "nl_NL": "netherlands,nederland,nl",
    "pl_PL": "poland,polska,pl",
    "sv_SE": "sweden,sverige,se",
    "no_NO": "norway,norge,no",
    "da_DK": "denmark,danmark,dk",
    "fi_FI": "finland,suomi,fi",
    "cs_CZ": "czech republic,czechia,cesko,cz,slovakia,sk",
    "hu_HU": "hungary,magyarorszag,hu",
    "tr_TR": "turkey,turkiye,tr",
    "ru_RU": "russia,russian federation,ru",
    "el_GR": "greece,gr",
    "ja_JP": "japan,jp",
    "zh_CN": "china,cn",
    "ko_KR": "south korea,korea,republic of korea,kr",
}


@dataclass(frozen=True, slots=True)
class Locale:
    """What names and places look like somewhere."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    cities: tuple[str, ...]
    states: tuple[str, ...]
    streets: tuple[str, ...]
    postcodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pools:
    """All lists, and the digest by which a run says which ones it used."""

    locales: dict[str, Locale]
    words: tuple[str, ...]
    companies: tuple[str, ...]
    digest: str
    _of_first: dict[str, str]
    _of_last: dict[str, str]

    def locale_of_first_name(self, name: str, usual: str) -> str:
        """Where a first name is used: `usual` where it is there too, else by list or script."""
        return self._of_first.get(folded(name)) or script_of(name) or usual

    def locale_of_last_name(self, name: str, usual: str) -> str:
        """Where a last name is used, found as for first names."""
        return self._of_last.get(folded(name)) or script_of(name) or usual


@cache
def load() -> Pools:
    """The pools that come with this release."""
    text = resources.files("sync").joinpath("pools.json").read_bytes()
    read = json.loads(text)
    locales = {
        name: Locale(**{what: tuple(values) for what, values in lists.items()})
        for name, lists in read["locales"].items()
    }
    return Pools(
        locales,
        tuple(read["words"]),
        tuple(read["companies"]),
        hashlib.blake2b(text, digest_size=8).hexdigest(),
        _belongs({name: locale.first for name, locale in locales.items()}),
        _belongs({name: locale.last for name, locale in locales.items()}),
    )


def _belongs(lists: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Which locale each name of the lists is of: English if it is there, else the first one."""
    found: dict[str, str] = {}
    for locale in sorted(lists, key=lambda name: (not name.startswith("en"), name)):
        for name in lists[locale]:
            found.setdefault(folded(name), locale)
    return found


@cache
def _countries() -> dict[str, str]:
    return {country: locale for locale, names in COUNTRIES.items() for country in names.split(",")}


def locale_of_country(country: str) -> str | None:
    """The locale of a country's name or code; None where we have none."""
    return _countries().get(folded(country))


def country_names() -> tuple[str, ...]:
    """English names of countries that a fake may be."""
    return tuple(names.split(",")[0].title() for names in COUNTRIES.values())


def script_of(text: str) -> str | None:
    """The locale that the first letter's script stands for; None for Latin and others."""
    for letter in "" if text.isascii() else text:
        if letter.isalpha():
            script = unicodedata.name(letter, "").partition(" ")[0]
            return SCRIPTS.get(script)
    return None
