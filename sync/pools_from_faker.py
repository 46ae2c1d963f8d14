"""Makes `pools.json` anew from Faker's lists: `python -m sync.pools_from_faker`.

The file is frozen: runs read it and never Faker, so that a new release of Faker changes no fake.
"""

import json
import re
from pathlib import Path

from faker import Faker

from sync.folding import folded

LOCALES = (
    "en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pt_BR", "nl_NL", "pl_PL", "sv_SE",
    "no_NO", "da_DK", "fi_FI", "cs_CZ", "hu_HU", "tr_TR", "ru_RU", "el_GR", "ja_JP", "zh_CN",
    "ko_KR",
)  # fmt: skip
NAMES, PLACES, DRAWS = 500, 150, 4000
STREET_WORDS = (
    "Harbor Meadow Orchard Quarry Juniper Cedar Willow Birch Maple Chestnut Sycamore Hawthorn "
    "Alder Magnolia Poplar Linden Spruce Cypress Hickory Laurel Lantern Foundry Granary "
    "Millrace Towpath Lighthouse Ferry Causeway Viaduct Terrace Fountain Garden Sunrise "
    "Sunset Valley Hillside Riverside Lakeview Seaview Prairie Canyon Pebble Sandstone "
    "Limestone Copper Silver Amber Heather Clover Bramble Thistle Primrose Lavender Foxglove "
    "Bluebell Sparrow Kingfisher Heron Swallow Nightingale Lark Falcon"
).split(" ")
STREET_KINDS = ("Street", "Avenue", "Lane", "Road", "Way", "Drive", "Close", "Court")
CITY_STEMS = (
    "Ash Birch Bright Brook Cedar Clear Cold Copper Cross Crystal Deep Eagle East Elm Fair "
    "Far Fern Fox Glen Gold Granite Green Grey Harbor Hawk Hazel High Hollow Iron Lake Lime "
    "Little Long Lower Maple Mill Moss North Oak Old Otter Pebble Pine Quarry Raven Red River "
    "Rock Salt Sand Silver South Spring Stone Sun Swift Thorn Timber Upper West White Willow "
    "Winter"
).split(" ")
CITY_ENDS = ("haven", "ford", "bridge", "field", "mere", "port", "wick", "dale")
PLANTS = {
    "fr_FR": (("Rue", "Allée", "Impasse", "Avenue"), "des Lilas,des Tilleuls,des Érables,du Moulin,"
              "de la Fontaine,des Peupliers,du Lavoir,des Bouleaux,du Verger,de la Gare"),
    "es_ES": (("Calle", "Paseo", "Avenida", "Ronda"), "del Olivar,de los Cipreses,del Molino,"
              "de la Fuente,de los Almendros,del Puerto,de la Estación,del Mirador"),
    "it_IT": (("Via", "Viale", "Vicolo", "Strada"), "dei Tigli,dei Pini,del Mulino,della Fontana,"
              "dei Castagni,del Porto,della Stazione,degli Ulivi,dei Cipressi,delle Betulle"),
    "pt_BR": (("Rua", "Avenida", "Travessa", "Alameda"), "das Palmeiras,dos Ipês,do Moinho,"
              "da Fonte,das Acácias,do Porto,da Estação,dos Coqueiros,das Mangueiras,do Mirante"),
}  # fmt: skip
TOWNS = {
    "fr_FR": "Clairfont,Belleroche,Vauxbrun,Montclair,Rochevive,Boisvert,Fontbleue,Grandval,"
             "Maisonclaire,Pontvieux,Rivebelle,Sablonne,Valombre,Verteuil,Villebrume,Noirmont,Lacroze",
    "pt_BR": "Serra Azul,Campo Belo,Rio Claro,Pedra Branca,Lagoa Verde,Monte Alto,Vale Dourado,"
             "Porto Manso,Barra Longa,Pinhal Novo,Ilha Serena,Campina Alta,Mata Fria,Boa Colina",
}  # fmt: skip
FEWEST = 12
ONE_LETTER_NAMES = ("zh_CN", "ko_KR", "ja_JP")
COMPANY_WORDS = STREET_WORDS + CITY_STEMS
COMPANY_KINDS = ("Systems", "Works", "Trading", "Partners", "Logistics", "Studio", "Supply", "Labs")
ENGLISH = ("en_US", "en_GB")
NO_NAMES = {
    "Aelftrud van Wessex", "Hemma van Allemanië", "Luitgardis van Neustrië", "N˜zamett˜n", "VI",
    "West-Francië, van",
}  # fmt: skip
"""Of Faker's names: misspelled, or of medieval queens."""


def main() -> None:
    """Writes the file."""
    locales = {name: _locale(name) for name in LOCALES}
    names = _folded_names(locales)
    for name, pool in locales.items():
        _without_names(name, pool, names)
    fake = Faker("en_US", use_weighting=False)
    fake.seed_instance(1)
    words = {word.lower() for _ in range(DRAWS) for word in [fake.word()]}
    pools = {
        "locales": locales,
        "words": sorted(word for word in words if word not in names and word.isalpha()),
        "companies": sorted(
            {f"{first} {kind}" for first in COMPANY_WORDS for kind in COMPANY_KINDS}
        ),
    }
    target = Path(__file__).with_name("pools.json")
    target.write_text(json.dumps(pools, ensure_ascii=False, indent=0, sort_keys=True) + "\n")


def _locale(name: str) -> dict[str, list[str]]:
    fake = Faker(name, use_weighting=False)
    fake.seed_instance(1)

    def drawn(what: str, most: int) -> list[str]:
        if not hasattr(fake, what):
            return []
        found = {str(getattr(fake, what)()).strip() for _ in range(DRAWS)}
        least = 1 if name in ONE_LETTER_NAMES else 2
        fit = sorted(each for each in found - NO_NAMES if least <= len(each) <= 24)
        return fit[:: max(1, len(found) // most)]

    return {
        "first": drawn("first_name", NAMES),
        "last": drawn("last_name", NAMES),
        "cities": drawn("city", PLACES * 4),
        "streets": drawn("street_name", PLACES * 4),
        "states": [] if name == "tr_TR" else drawn("administrative_unit", PLACES),
        "postcodes": _patterns({fake.postcode() for _ in range(50)}),
    }


def _patterns(codes: set[str]) -> list[str]:
    return sorted({re.sub(r"[A-Z]", "A", re.sub(r"\d", "#", code.upper())) for code in codes})[:4]


def _folded_names(locales: dict[str, dict[str, list[str]]]) -> set[str]:
    names = {name for pool in locales.values() for name in pool["first"] + pool["last"]}
    return {part for name in names for part in folded(name).split() if len(part) > 3}


def _without_names(name: str, pool: dict[str, list[str]], names: set[str]) -> None:
    """Places called after people are left out, so that no address holds somebody's name."""
    kinds, plants = PLANTS.get(name, (STREET_KINDS, ""))
    usual = {
        "cities": TOWNS[name].split(",") if name in TOWNS else
        [stem + end for stem in CITY_STEMS for end in CITY_ENDS],
        "streets":
        [f"{kind} {plant}" for kind in kinds for plant in plants.split(",")] if plants else
        [f"{word} {kind}" for word in STREET_WORDS for kind in STREET_KINDS],
    }  # fmt: skip
    for what, instead in usual.items():
        drawn = instead if name in (*ENGLISH, *PLANTS, *TOWNS) else pool[what]
        if name in PLANTS and what == "cities" and name not in TOWNS:
            drawn = pool[what]
        free = [
            place for place in drawn if not any(part in names for part in folded(place).split())
        ]
        pool[what] = free[:PLACES] if len(free) >= FEWEST else instead[:PLACES]


if __name__ == "__main__":
    main()
