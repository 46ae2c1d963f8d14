"""Text set in pictures: in lines that fit, of runs from one font each."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from PIL import ImageDraw, ImageFont

from webapp import video_letters, video_order
from webapp.video_letters import LATIN

TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""What could have words stand in another order than a video service reads them in."""
SIDES = dict.fromkeys((0x61C, 0x200E, 0x200F))
"""Marks that have been minded once the order of letters is known."""
REGULAR, BOLD = 400, 650
USUAL_WORD = 32
"""Words up to this length are measured once: they come again, and are tried in several sizes."""


@dataclass(frozen=True, slots=True)
class Run:
    """Letters in a row from one font, that run one way: leftward where the level is odd."""

    text: str
    font: str
    level: int = 0

    @property
    def direction(self) -> str | None:
        """As Pillow calls it, which mirrors brackets where it's told."""
        return "rtl" if self.level % 2 else None


@dataclass(frozen=True, slots=True)
class Line:
    """One line, its runs as they stand from left to right."""

    runs: tuple[Run, ...]
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
    for paragraph in text.translate(TURNING).splitlines() or [""]:
        letters = paragraph.expandtabs(4)
        order = video_order.order(letters)
        for start, end in _rows(letters, style, width):
            row = letters[start:end].rstrip()
            runs = tuple(video_order.in_sight(list(_runs(row, order.levels[start:end]))))
            found.append(Line(runs, order.leftward))
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
    if line.leftward:
        x += max(0, width - _width(line.runs, style))
    for run in line.runs:
        font, way = _font(run.font, style), run.direction
        canvas.text((x, y), run.text, font=font, fill=colour, anchor="ls", direction=way)
        x += font.getlength(run.text, direction=way)


def measure(text: str, style: Style) -> float:
    """How wide a text is on one line."""
    return _measured(text, style) if len(text) <= USUAL_WORD else _measured.__wrapped__(text, style)


@lru_cache(maxsize=16384)
def _measured(text: str, style: Style) -> float:
    plain = text.isascii() and text.isprintable()
    runs = [Run(text, LATIN)] if plain else _runs(text, bytes(len(text)))
    return _width(runs, style)


def _width(runs: Iterable[Run], style: Style) -> float:
    return sum(_font(run.font, style).getlength(run.text, direction=run.direction) for run in runs)


def _rows(paragraph: str, style: Style, width: float) -> Iterator[tuple[int, int]]:
    """Where each line of a paragraph begins and ends."""
    start, at, length = 0, 0, 0.0
    for token in _tokens(paragraph):
        more = measure(token, style)
        if at > start and length + more > width:
            yield start, at
            at += len(token) - len(token.lstrip())
            start, length = at, 0.0
            token = token.lstrip()
            more = measure(token, style)
        while more > width and len(token) > 1:
            head = _fitting(token, style, width)
            at += len(head)
            yield start, at
            start = at
            token = token[len(head) :]
            more = measure(token, style)
        at, length = at + len(token), length + more
    yield start, at


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


def _runs(text: str, levels: Sequence[int]) -> Iterator[Run]:
    """A text's runs in the order of reading, given the level of each of its letters."""
    run, font, level, at = "", LATIN, 0, 0
    for letter in video_letters.with_marks(text):
        drawn, own = video_letters.drawn(letter, font), levels[at]
        if run and (drawn.font, own) != (font, level):
            yield Run(run, font, level)
            run = ""
        font, level = drawn.font, own
        run += drawn.text.translate(SIDES)
        at += len(letter)
    if run:
        yield Run(run, font, level)


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
