"""Letters and the fonts that come along: which has which, and what can't be shown rightly."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import manimgx_fonts
import manimgx_fonts_cjk
from fontTools.ttLib import TTCollection, TTFont
from PIL import features

from prompt_repo.hidden_characters import UNSEEN
from webapp import video_order

NOTO = Path(manimgx_fonts.__file__).parent
CJK = Path(manimgx_fonts_cjk.__file__).parent / "NotoSansCJK-VF.otf.ttc"
LATIN, SYMBOLS, EMOJI = "NotoSans", "NotoSansSymbols", "NotoEmoji"
SCRIPTS = (
    (0x0530, 0x058F, "NotoSansArmenian"),
    (0x0590, 0x05FF, "NotoSansHebrew"),
    (0x0600, 0x08FF, "NotoSansArabic"),
    (0x0900, 0x097F, "NotoSansDevanagari"),
    (0x0980, 0x09FF, "NotoSansBengali"),
    (0x0A00, 0x0A7F, "NotoSansGurmukhi"),
    (0x0A80, 0x0AFF, "NotoSansGujarati"),
    (0x0B00, 0x0B7F, "NotoSansOriya"),
    (0x0B80, 0x0BFF, "NotoSansTamil"),
    (0x0C00, 0x0C7F, "NotoSansTelugu"),
    (0x0C80, 0x0CFF, "NotoSansKannada"),
    (0x0D00, 0x0D7F, "NotoSansMalayalam"),
    (0x0D80, 0x0DFF, "NotoSansSinhala"),
    (0x0E00, 0x0E7F, "NotoSansThai"),
    (0x0E80, 0x0EFF, "NotoSansLao"),
    (0x1000, 0x109F, "NotoSansMyanmar"),
    (0x10A0, 0x10FF, "NotoSansGeorgian"),
    (0x1200, 0x139F, "NotoSansEthiopic"),
    (0x1780, 0x17FF, "NotoSansKhmer"),
    (0x1C90, 0x1CBF, "NotoSansGeorgian"),
    (0xFB1D, 0xFB4F, "NotoSansHebrew"),
    (0xFB50, 0xFEFC, "NotoSansArabic"),
    (0x1100, 0x11FF, "CJK"),
    (0x2E80, 0xA4CF, "CJK"),
    (0xA960, 0xA97F, "CJK"),
    (0xAC00, 0xD7FF, "CJK"),
    (0xF900, 0xFAFF, "CJK"),
    (0xFE30, 0xFE4F, "CJK"),
    (0xFF00, 0xFFEF, "CJK"),
    (0x20000, 0x3FFFF, "CJK"),
)
"""The font that a block of Unicode is looked for in first."""
PLAIN = {LATIN, SYMBOLS, EMOJI, "CJK", "NotoSansArmenian", "NotoSansEthiopic", "NotoSansGeorgian"}
"""Fonts whose letters may be set one after the other; those of all others join or change places."""
JOINING = (range(0x1100, 0x1200), range(0xA960, 0xA980), range(0xD7B0, 0xD800))
"""Parts of Korean syllables, whose font is plain otherwise."""
MARKS = {"Mn", "Me", "Mc"}
KEYCAP = "\u20e3"
SEEN_BLANKS = "\u1680"  # Ogham's is a line
INSTEAD = "□"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A letter with its marks as it's drawn: from which font, and which of them nothing shows."""

    text: str
    font: str
    missing: tuple[str, ...] = ()


def with_marks(text: str) -> Iterator[str]:
    """A text's letters, each with the marks that belong to it."""
    start = 0
    for at in range(1, len(text)):
        if not stays(text[at]):
            yield text[start:at]
            start = at
    if text:
        yield text[start:]


def stays(letter: str) -> bool:
    """Whether it belongs to the letter before it."""
    kind = unicodedata.category(letter)
    return kind in MARKS or (kind == "Cf" and ord(letter) in UNSEEN)


def missing(text: str) -> list[str]:
    """The scripts of letters that no font here has, or that this machine can't join."""
    lost = (letter for each in with_marks(text) for letter in drawn(each, LATIN).missing)
    return list(dict.fromkeys(_script(letter) for letter in lost))


@cache
def can_shape() -> bool:
    """Whether letters can be joined and set from right to left: FriBidi is needed for it."""
    return bool(features.check("raqm")) and video_order.is_found()


@lru_cache(maxsize=8192)
def drawn(letter: str, before: str) -> Drawn:
    """A letter and its marks from one font that has them all; blanks from that of what is before.

    HarfBuzz puts a letter and its marks together where a font has them as one; nothing else does.
    """
    seen = [each for each in letter if not (ord(each) in UNSEEN and stays(each))]
    shaped = can_shape()
    shown = letter if shaped else "".join(seen)
    if all(each.isspace() and each not in SEEN_BLANKS for each in seen):
        return Drawn(shown, before)
    forms = dict.fromkeys((shown, unicodedata.normalize("NFC", shown)))
    fonts = [EMOJI] if KEYCAP in seen else []
    fonts += [font for each in dict.fromkeys(seen) for font in _fonts(each)]
    for font in dict.fromkeys(fonts):
        for form in forms if shaped else reversed(forms):
            if _has(font, form) and (shaped or len(form) == 1 or font == LATIN):
                return Drawn(form, font)
    font = next(iter(_fonts(seen[0])), LATIN)
    joined = shaped or font == LATIN
    lost = tuple(each for each in seen if not _has(font, each) or (stays(each) and not joined))
    return Drawn("".join(INSTEAD if each in lost else each for each in shown), font, lost)


def _has(font: str, text: str) -> bool:
    """Whether a font has all of a text that is seen."""
    has = letters(font)
    return all(ord(each) in has or ord(each) in UNSEEN for each in text)


@cache
def _fonts(letter: str) -> tuple[str, ...]:
    """The fonts that have a letter and can set it rightly here, the best one first."""
    code = ord(letter)
    own = next((font for first, last, font in SCRIPTS if first <= code <= last), LATIN)
    if not can_shape() and (own not in PLAIN or any(code in each for each in JOINING)):
        return ()
    order = dict.fromkeys((own, LATIN, SYMBOLS, EMOJI, "CJK"))
    return tuple(font for font in order if code in letters(font))


@cache
def letters(font: str) -> frozenset[int]:
    """Every letter that a font has."""
    if font == "CJK":
        return frozenset(TTCollection(str(CJK), lazy=True).fonts[0].getBestCmap() or ())
    return frozenset(TTFont(str(file(font)), lazy=True).getBestCmap() or ())


def file(font: str) -> Path:
    """Where a font is."""
    return CJK if font == "CJK" else NOTO / f"{font}[wght].ttf"


def _script(letter: str) -> str:
    """What a letter's script is called, as far as Unicode's name of it tells."""
    name = unicodedata.name(letter, f"U+{ord(letter):04X}")
    return (
        name.capitalize() if name.startswith(("COMBINING", "U+")) else name.split()[0].capitalize()
    )
