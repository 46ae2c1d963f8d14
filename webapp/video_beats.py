"""The beats of a prompt: what happens first, what then, and how the camera sees it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 8
SHORTEST = 12  # characters: what is shorter goes with what stands before it
MARKED = re.compile(
    r"\s*(?:[-*•–]\s|\(?\d{1,2}[.):]\s|\[?\d+(?::\d+)?\s*s?\s*[-–]\s*\d+(?::\d+)?\s*s?\]?"
    r"|(?:shot|scene|beat|cut|frame|panel|take|camera|light|lighting|sound)\b\s*\d*\s*[:.)–-])",
    re.IGNORECASE,
)
"""How a line begins that is a beat of its own, whatever its length."""
SENTENCE = re.compile(r"(?<=[.!?;…])[\"”’')\]]*\s+|(?<=[。！？؟।॥])[」』”]*\s*")
CAMERAS = (
    ("push in", r"push(?:es|ing)?[- ]in|doll(?:y|ies)[- ]in|zoom(?:s|ing)?[- ]in|closing in"),
    ("pull back", r"pull(?:s|ing)?[- ](?:back|out)|doll(?:y|ies)[- ]out|zoom(?:s|ing)?[- ]out"),
    ("pan", r"pan(?:s|ning)?\b|track(?:s|ing)\b|whip"),
    ("tilt", r"tilt(?:s|ing)?\b|crane"),
    ("handheld", r"hand-?held|shak(?:y|es|ing)|jitter\w*|trembl\w+"),
    ("orbit", r"orbit\w*|circl(?:es|ing)|arc shot"),
    ("close-up", r"close[- ]?up|tight (?:shot|frame|on)|macro"),
    ("wide", r"wide(?: shot)?\b|long shot|full body|establishing"),
    ("hold", r"hold(?:s|ing)?\b|static|locked[- ]off|still frame"),
)
CAMERA = tuple((name, re.compile(rf"\b(?:{words})", re.IGNORECASE)) for name, words in CAMERAS)


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing that happens, the words that say so, when, and what the camera does meanwhile."""

    text: str
    camera: str = ""
    start: float = 0.0
    end: float = 0.0


def find(text: str, seconds: float) -> list[Beat]:
    """The beats of a text in its order, over so many seconds; at least one, at most MOST.

    Together they say all of the text, blanks at their ends aside. A longer one lasts longer.
    """
    parts = _few(_pieces(text)) or [text.strip() or "…"]
    weights = [30 + min(len(part), 240) for part in parts]
    whole, beats, start = sum(weights), [], 0.0
    for part, weight in zip(parts, weights, strict=True):
        end = start + seconds * weight / whole
        beats.append(Beat(part, camera(part), round(start, 2), round(end, 2)))
        start = end
    return beats


def camera(text: str) -> str:
    """The first move or framing of the camera that a text names; empty where it names none."""
    found = [(match.start(), name) for name, words in CAMERA if (match := words.search(text))]
    return min(found)[1] if found else ""


def at(beats: Sequence[Beat], second: float) -> int:
    """Which beat plays at a second."""
    return next((number for number, beat in enumerate(beats) if second < beat.end), len(beats) - 1)


def _pieces(text: str) -> list[str]:
    found: list[str] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        marked = MARKED.match(line) is not None
        for number, piece in enumerate(each.strip() for each in SENTENCE.split(line)):
            alone = marked and number == 0
            if found and piece and not alone and (len(piece) < SHORTEST or (marked and number)):
                found[-1] = f"{found[-1]} {piece}"
            elif piece:
                found.append(piece)
    return found


def _few(pieces: list[str]) -> list[str]:
    """As many as can be told apart in a few seconds: the shortest neighbours are joined."""
    joined = list(pieces)
    while len(joined) > MOST:
        pairs = range(len(joined) - 1)
        first = min(pairs, key=lambda at: len(joined[at]) + len(joined[at + 1]))
        joined[first : first + 2] = [f"{joined[first]} {joined[first + 1]}"]
    return joined
