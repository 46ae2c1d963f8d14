"""How an emotion looks and moves: a face of a few strokes, and a way of holding still or not."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

FINE = 3  # drawn so much larger, then made smaller, for smooth edges
SKIN = ("#f2d3b8", "#e3b48f", "#c98f66", "#a26a45", "#7c4c32", "#d9c6bd")
HAIR = ("#2b2422", "#5b3a25", "#8a5a2b", "#c9a45c", "#a8a5a0", "#6d2f2f", "#31405e")


@dataclass(frozen=True, slots=True)
class Mood:
    """A face: mouth from -1 (down) to 1 (up), how open it is, brows, eyes; and its motion."""

    motion: str
    smile: float
    open: float = 0.0
    brow: float = 0.0  # -1: drawn together and down; 1: the inner ends up
    lift: float = 0.0  # how high the brows are
    eyes: float = 0.9
    aslant: float = 0.0  # one brow higher than the other


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the figure is at one moment: shares of its height, a factor, degrees."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    turn: float = 0.0


IDLE = Mood("breathe", 0.15)
HAPPY = Mood("bounce", 0.9, 0.15, lift=0.2)
EXCITED = Mood("leap", 1.0, 0.75, lift=0.5, eyes=1.1)
SAD = Mood("sink", -0.8, 0.0, brow=0.9, eyes=0.55)
ANGRY = Mood("shake", -0.7, 0.25, brow=-1.0, eyes=0.7)
CONFUSED = Mood("tilt", -0.25, 0.05, lift=0.2, aslant=0.9)
SURPRISED = Mood("pop", 0.0, 1.0, lift=0.9, eyes=1.3)
AFRAID = Mood("tremble", -0.5, 0.35, brow=0.8, lift=0.6, eyes=1.2)
TENDER = Mood("sway", 0.6, 0.0, brow=0.4, eyes=0.6)
PROUD = Mood("rise", 0.5, 0.0, lift=0.3, eyes=0.7)
DISGUSTED = Mood("recoil", -0.6, 0.1, brow=-0.5, eyes=0.5, aslant=0.5)
MOODS = {
    mood: words.split()
    for mood, words in (
        (IDLE, "idle neutral calm bored tired sleepy"),
        (HAPPY, "happy amusement joy optimism approval content cheerful playful"),
        (EXCITED, "excited excitement admiration ecstatic triumphant"),
        (SAD, "sad sadness grief disappointment remorse lonely melancholic"),
        (ANGRY, "angry anger annoyance disapproval furious frustrated"),
        (CONFUSED, "confused confusion curiosity curious realization thoughtful"),
        (SURPRISED, "surprised surprise shocked amazed"),
        (AFRAID, "fear afraid nervousness nervous scared anxious embarrassment embarrassed"),
        (TENDER, "love loving caring gratitude desire relief relieved grateful shy"),
        (PROUD, "pride proud confident determined"),
        (DISGUSTED, "disgust disgusted contempt jealous"),
    )
}
KNOWN = {word: mood for mood, words in MOODS.items() for word in words}


def mood(emotion: str) -> Mood:
    """The mood of an emotion; one that nobody here knows gets one by its name, always the same."""
    known = KNOWN.get(emotion)
    if known is not None:
        return known
    moods = tuple(MOODS)
    return moods[_number(emotion) % len(moods)]


def pose(motion: str, second: float, length: float) -> Pose:
    """Where the figure is at a second of a clip."""
    return MOTIONS[motion](second, second / length)


def face(character: str, looks: Mood, colour: str, size: int) -> Image.Image:
    """The figure, head and shoulders, on nothing; the shoulders wear the emotion's colour."""
    side = size * FINE
    image = Image.new("RGBA", (side, side))
    canvas = ImageDraw.Draw(image)
    number = _number(character)
    skin, hair = SKIN[number % len(SKIN)], HAIR[number // 7 % len(HAIR)]
    _body(canvas, side, skin, colour)
    _head(canvas, side, skin, hair, number // 53 % 3)
    _features(canvas, side, looks)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")


def _box(side: int, left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
    return left * side, top * side, right * side, bottom * side


def _body(canvas: ImageDraw.ImageDraw, side: int, skin: str, colour: str) -> None:
    canvas.rounded_rectangle(_box(side, 0.43, 0.62, 0.57, 0.82), side * 0.05, fill=skin)
    canvas.rounded_rectangle(_box(side, 0.16, 0.76, 0.84, 1.2), side * 0.2, fill=colour)
    canvas.pieslice(_box(side, 0.40, 0.70, 0.60, 0.84), 0, 180, fill=skin)


def _head(canvas: ImageDraw.ImageDraw, side: int, skin: str, hair: str, cut: int) -> None:
    if cut == 0:  # long, behind the head
        canvas.rounded_rectangle(_box(side, 0.22, 0.10, 0.78, 0.74), side * 0.27, fill=hair)
    if cut == 1:  # a knot on top
        canvas.ellipse(_box(side, 0.40, 0.00, 0.60, 0.18), fill=hair)
    canvas.ellipse(_box(side, 0.26, 0.12, 0.74, 0.70), fill=skin)
    canvas.chord(_box(side, 0.245, 0.085, 0.755, 0.62), 195, 345, fill=hair)


def _features(canvas: ImageDraw.ImageDraw, side: int, looks: Mood) -> None:
    ink, line = "#241c1a", round(side * 0.016)
    for direction in (-1, 1):
        x = 0.5 + direction * 0.105
        high = 0.042 * looks.eyes
        canvas.ellipse(_box(side, x - 0.026, 0.42 - high, x + 0.026, 0.42 + high), fill=ink)
        canvas.ellipse(
            _box(side, x - 0.002, 0.41 - high * 0.6, x + 0.016, 0.41 - high * 0.6 + 0.02),
            fill="#ffffff",
        )
        top = 0.345 - 0.04 * looks.lift - (0.05 * looks.aslant if direction > 0 else 0)
        inner, outer = top - 0.035 * looks.brow, top + 0.02 * looks.brow
        ends = (x - direction * 0.055, inner, x + direction * 0.055, outer)
        canvas.line(_box(side, *ends), fill=ink, width=line)
    _mouth(canvas, side, looks, ink, line)


def _mouth(canvas: ImageDraw.ImageDraw, side: int, looks: Mood, ink: str, line: int) -> None:
    y, bend, half = 0.555, 0.075 * looks.smile, 0.095 - 0.045 * max(0, looks.open - 0.8) * 5
    if looks.open > 0.8:
        canvas.ellipse(_box(side, 0.5 - half, y - 0.055, 0.5 + half, y + 0.055), fill="#5a2320")
        return
    steps = [step / 12 for step in range(-12, 13)]
    upper = [((0.5 + half * at) * side, (y + bend * (0.6 - at * at)) * side) for at in steps]
    if looks.open > 0:
        deep = 0.085 * looks.open
        lower = [
            ((0.5 + half * at) * side, (y + bend * (0.6 - at * at) + deep * (1 - at * at)) * side)
            for at in reversed(steps)
        ]
        canvas.polygon(upper + lower, fill="#5a2320")
    canvas.line(upper, fill=ink, width=line, joint="curve")


def _wave(second: float, rate: float) -> float:
    return math.sin(2 * math.pi * rate * second)


def _jump(second: float, rate: float) -> float:
    return abs(math.sin(math.pi * rate * second))


MOTIONS: dict[str, Callable[[float, float], Pose]] = {
    "breathe": lambda s, _: Pose(0, 0.008 * _wave(s, 0.4), 1 + 0.012 * _wave(s, 0.4)),
    "bounce": lambda s, _: Pose(0, -0.07 * _jump(s, 1.5), 1, 3 * _wave(s, 0.75)),
    "leap": lambda s, _: Pose(
        0, -0.15 * _jump(s, 2.2), 1 + 0.04 * _jump(s, 2.2), 6 * _wave(s, 1.1)
    ),
    "sink": lambda s, t: Pose(0.01 * _wave(s, 0.25), 0.09 * t, 1 - 0.05 * t, -7 * t),
    "shake": lambda s, t: Pose(0.018 * _wave(s, 7), 0.008 * _wave(s, 9), 1 + 0.09 * t, _wave(s, 3)),
    "tilt": lambda s, _: Pose(0.02 * _wave(s, 0.3), 0, 1, 11 * _wave(s, 0.45)),
    "pop": lambda s, _: Pose(
        0, -0.05 * math.exp(-3 * s), 1 + 0.28 * math.exp(-2 * s) * _jump(s, 2)
    ),
    "tremble": lambda s, t: Pose(0.009 * _wave(s, 11), 0.03 * t, 1 - 0.06 * t, 0.8 * _wave(s, 9)),
    "sway": lambda s, _: Pose(0.035 * _wave(s, 0.4), 0, 1, 4 * _wave(s, 0.4)),
    "rise": lambda s, t: Pose(0, 0.03 - 0.06 * t, 1 + 0.06 * t),
    "recoil": lambda s, t: Pose(0.06 * min(1, 2 * t), 0, 1 - 0.05 * t, 6 * min(1, 2 * t)),
}
"""Each gives a pose by the seconds since the beginning, and by the share of the clip."""
