"""Text set in pictures: in lines that fit, of runs from one font each."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from PIL import ImageDraw, ImageFont

from webapp import video_letters
from webapp.video_letters import LATIN

OVERRIDES = dict.fromkeys((0x202D, 0x202E))
"""What would have letters stand in another order than a video service reads them in."""
REGULAR, BOLD = 400, 650
LEFTWARD = ("NotoSansHebrew", "NotoSansArabic")


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


def _tokens(paragraph: str) -> Iterator[str]:
    """Words with the blanks before them; letters of scripts without blanks, one by one."""
    token = ""
    for letter in paragraph:
        wide = unicodedata.east_asian_width(letter) in "WF"
        ends = token and not token.isspace() and (letter.isspace() or wide or _is_wide(token))
        if ends and not video_letters.stays(letter):
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
    whole = next((at for at in range(count, 0, -1) if not video_letters.stays(token[at])), count)
    return token[:whole]


def _line(text: str, style: Style) -> Line:
    runs = tuple(_runs(text.rstrip()))
    width = sum(_font(run.font, style).getlength(run.text) for run in runs)
    strong = (unicodedata.bidirectional(letter) for letter in text)
    first = next((kind for kind in strong if kind in ("L", "R", "AL")), "L")
    return Line(runs, width, first != "L")


def _runs(text: str) -> Iterator[Run]:
    run, font = "", LATIN
    for letter in video_letters.with_marks(text):
        drawn = video_letters.drawn(letter, font)
        if run and drawn.font != font:
            # The blank after what runs leftward goes with what comes next, to stand between them.
            words = run.rstrip() if font in LEFTWARD else run
            if words:
                yield Run(words, font)
            run = run[len(words) :]
        font = drawn.font
        run += drawn.text
    if run:
        yield Run(run, font)


@cache
def _font(font: str, style: Style) -> ImageFont.FreeTypeFont:
    made = ImageFont.truetype(str(video_letters.file(font)), style.size)
    axes = made.get_variation_axes()
    made.set_variation_by_axes([_along(axis, style.weight) for axis in axes])
    return made


def _along(axis: Mapping[str, Any], weight: int) -> float:
    """Where on one axis of a variable font a weight is."""
    if axis["name"] != b"Weight":
        return float(axis["default"])
    return float(max(axis["minimum"], min(weight, axis["maximum"])))
