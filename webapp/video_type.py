"""Text set in pictures: which font has which letter, lines that fit, and what can't be shown."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import manimgx_fonts
import manimgx_fonts_cjk
from fontTools.ttLib import TTCollection, TTFont
from PIL import ImageDraw, ImageFont, features

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
SHAPED = range(0x0590, 0x1100)
"""Blocks whose letters change beside each other, or run from right to left."""
LEFTWARD = ("NotoSansHebrew", "NotoSansArabic")
STAYS = {"Mn", "Me", "Mc", "Cf"}
"""What belongs to the letter before it, whichever font that is in."""
OVERRIDES = dict.fromkeys((0x202D, 0x202E))
"""What would have letters stand in another order than a video service reads them in."""
REGULAR, BOLD = 400, 650
INSTEAD = "□"


@dataclass(frozen=True, slots=True)
class Run:
    """Letters in a row from one font."""

    text: str
    font: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line, its runs in the order of reading."""

    runs: tuple[Run, ...]
    width: float
    leftward: bool


@dataclass(frozen=True, slots=True)
class Style:
    """A size in pixels, and a weight."""

    size: int
    weight: int = REGULAR

    @property
    def leading(self) -> int:
        """From one line to the next."""
        return round(self.size * 1.45)


def lines(text: str, style: Style, width: float) -> list[Line]:
    """A text in lines that are no wider than `width`; a longer word is broken."""
    found = []
    for paragraph in text.translate(OVERRIDES).splitlines() or [""]:
        row, length = "", 0.0
        for token in _tokens(paragraph.expandtabs(4)):
            more = measure(token, style)
            if row and length + more > width:
                found.append(_line(row, style))
                row, length = "", 0.0
                token = token.lstrip()
                more = measure(token, style)
            while more > width and len(token) > 1:
                head = _fitting(token, style, width)
                found.append(_line(head, style))
                token = token[len(head) :]
                more = measure(token, style)
            row, length = row + token, length + more
        found.append(_line(row, style))
    return found


def draw(
    canvas: ImageDraw.ImageDraw,
    at: tuple[float, float],
    line: Line,
    style: Style,
    colour: str,
    width: float = 0,
) -> None:
    """Sets a line with the middle of its letters at a height; one from the right ends at width."""
    x, y = at
    runs: Sequence[Run] = line.runs
    if line.leftward:
        x, runs = x + max(0, width - line.width), tuple(reversed(line.runs))
    for run in runs:
        font = _font(run.font, style)
        canvas.text((x, y), run.text, font=font, fill=colour, anchor="ls")
        x += font.getlength(run.text)


def measure(text: str, style: Style) -> float:
    """How wide a text is on one line."""
    return sum(_font(run.font, style).getlength(run.text) for run in _runs(text))


def missing(text: str) -> list[str]:
    """The scripts of letters that no font here has, or that this machine can't join."""
    found: dict[str, None] = {}
    for letter in text:
        stands = not letter.isspace() and unicodedata.category(letter) not in STAYS
        if stands and _font_of(letter) is None:
            found[_script(letter)] = None
    return list(found)


@cache
def can_shape() -> bool:
    """Whether letters can be joined and set from right to left: Pillow needs FriBidi for it."""
    return bool(features.check("raqm"))


def _tokens(paragraph: str) -> Iterator[str]:
    """Words with the blanks before them; letters of scripts without blanks, one by one."""
    token = ""
    for letter in paragraph:
        wide = unicodedata.east_asian_width(letter) in "WF"
        ends = token and not token.isspace() and (letter.isspace() or wide or _is_wide(token))
        if ends and unicodedata.category(letter) not in STAYS:
            yield token
            token = ""
        token += letter
    if token:
        yield token


def _is_wide(token: str) -> bool:
    return unicodedata.east_asian_width(token[-1]) in "WF"


def _fitting(token: str, style: Style, width: float) -> str:
    count = max(1, int(len(token) * width / max(1.0, measure(token, style))))
    while count > 1 and measure(token[:count], style) > width:
        count -= 1
    return token[:count]


def _line(text: str, style: Style) -> Line:
    runs = tuple(_runs(text.rstrip()))
    width = sum(_font(run.font, style).getlength(run.text) for run in runs)
    strong = (unicodedata.bidirectional(letter) for letter in text)
    first = next((kind for kind in strong if kind in ("L", "R", "AL")), "L")
    return Line(runs, width, first != "L")


def _runs(text: str) -> Iterator[Run]:
    run, font = "", LATIN
    for letter in text:
        own = font if letter.isspace() or unicodedata.category(letter) in STAYS else None
        own = own or _font_of(letter)
        letter = letter if own else INSTEAD
        own = own or LATIN
        if run and own != font:
            # The blank after what runs leftward goes with what comes next, to stand between them.
            words = run.rstrip() if font in LEFTWARD else run
            if words:
                yield Run(words, font)
            run = run[len(words) :]
        font = own
        run += letter
    if run:
        yield Run(run, font)


@cache
def _font_of(letter: str) -> str | None:
    """The font that has a letter; None where none has it, or it could not be set rightly."""
    code = ord(letter)
    if code in SHAPED and not can_shape():
        return None
    own = next((font for first, last, font in SCRIPTS if first <= code <= last), None)
    for font in (own, LATIN, SYMBOLS, EMOJI, "CJK"):
        if font is not None and code in _letters(font):
            return font
    return None


@cache
def _letters(font: str) -> frozenset[int]:
    if font == "CJK":
        return frozenset(TTCollection(str(CJK), lazy=True).fonts[0].getBestCmap() or ())
    return frozenset(TTFont(str(_file(font)), lazy=True).getBestCmap() or ())


@cache
def _font(font: str, style: Style) -> ImageFont.FreeTypeFont:
    made = ImageFont.truetype(str(_file(font)), style.size)
    axes = made.get_variation_axes()
    made.set_variation_by_axes([_along(axis, style.weight) for axis in axes])
    return made


def _along(axis: Mapping[str, Any], weight: int) -> float:
    """Where on one axis of a variable font a weight is."""
    if axis["name"] != b"Weight":
        return float(axis["default"])
    return float(max(axis["minimum"], min(weight, axis["maximum"])))


def _file(font: str) -> Path:
    return CJK if font == "CJK" else NOTO / f"{font}[wght].ttf"


def _script(letter: str) -> str:
    """What a letter's script is called, as far as Unicode's name of it tells."""
    name = unicodedata.name(letter, "")
    return name.split()[0].capitalize() if name else f"U+{ord(letter):04X}"
