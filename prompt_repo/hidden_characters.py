"""Characters of a prompt that nobody sees but a video service reads.

Marks that turn the direction of a line make a text read otherwise than it is (Boucher and
Anderson, *Trojan Source*, 2021, CVE-2021-42574); zero-width ones and tag characters carry
sentences that no reviewer can see. They are kept, for the text is its author's, but shown.
Joiners and left-to-right marks are no finding: emoji and several scripts need them.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import chain

FLAG = "\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"  # a regional flag is spelled with tags
HIDDEN = re.compile(
    f"{FLAG}|([\u202a-\u202e\u2066-\u2069\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f])"
)

UNSEEN = frozenset(
    chain(
        (0xAD, 0x34F, 0x61C, 0x17B4, 0x17B5, 0xFEFF),
        range(0x180B, 0x1810),
        range(0x200B, 0x2010),
        range(0x202A, 0x202F),
        range(0x2060, 0x2070),
        range(0xFE00, 0xFE10),
        range(0x1BCA0, 0x1BCA4),
        range(0x1D173, 0x1D17B),
        range(0xE0000, 0xE1000),
    )
)
"""Code points that Unicode says are never seen themselves, so that no font need have them."""
FILLERS = frozenset((0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0))
"""Letters by name that are blank."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A character that isn't seen: where it stands, in characters from 0, and which it is."""

    start: int
    letter: str

    @property
    def code(self) -> str:
        """As Unicode writes it, `U+202E`."""
        return f"U+{ord(self.letter):04X}"

    @property
    def name(self) -> str:
        """Unicode's name in lower case, `right-to-left override`."""
        return unicodedata.name(self.letter, "unnamed").lower()


def hidden(text: str) -> list[Hidden]:
    """Every hidden character of a text, in order; none costs one look at an ASCII text."""
    if text.isascii():
        return []
    return [
        Hidden(found.start(), found[1]) for found in HIDDEN.finditer(text) if found[1] is not None
    ]


def is_seen(text: str) -> bool:
    """Whether anything of a text is seen: some letter that is neither blank nor hidden."""
    return any(
        not letter.isspace() and ord(letter) not in UNSEEN and ord(letter) not in FILLERS
        for letter in text
    )


def position(text: str, start: int) -> tuple[int, int]:
    """Line and column, from 1, of a place in a text."""
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
