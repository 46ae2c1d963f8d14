"""Characters of a prompt that nobody sees but a video service reads.

Marks that turn the direction of a line make a text read otherwise than it is (Boucher and
Anderson, *Trojan Source*, 2021, CVE-2021-42574); zero-width ones and tag characters carry
sentences that no reviewer can see. They are kept, for the text is its author's, but shown.
Joiners and left-to-right marks are no finding: emoji and several scripts need them.
"""

import re
import unicodedata
from dataclasses import dataclass

FLAG = "\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"  # a regional flag is spelled with tags
HIDDEN = re.compile(
    f"{FLAG}|([\u202a-\u202e\u2066-\u2069\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f])"
)


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


def position(text: str, start: int) -> tuple[int, int]:
    """Line and column, from 1, of a place in a text."""
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
