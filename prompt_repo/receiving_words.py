"""A refusal of a push, in words for the terminal of whoever pushed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prompt_repo.errors import Problem

NOT_FORWARD = (
    "not a fast-forward: it would lose commits that are there; fetch, merge or rebase, push again"
)
ORPHAN = "it shares no history with staging; begin it from staging or production"
FORGED = (
    "commit {commit} carries the trailer {key!r}, which is the server's to write; leave it out "
    "(and don't merge production into staging: that would drag roll-backs along)"
)
ENCODED = (
    "commit {commit} says that it is written in {encoding}; only UTF-8 is taken, for programs "
    "read others differently: `git config i18n.commitEncoding UTF-8`, then commit again"
)
ENDS = re.compile("[;:](?=[^`]*(?:`[^`]*`[^`]*)*$)")
"""Where the short form of a reason ends: at what explains it, but within no quoted command."""
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one ref of a push doesn't move; `count` tells of problems beyond those that are told."""

    ref: str
    why: str
    problems: tuple[Problem, ...] = ()
    count: int = 0

    @property
    def short(self) -> str:
        """The reason in the one line that git shows beside the ref."""
        words = ENDS.split(self.why, maxsplit=1)[0]
        return printable(words)[:100]


def is_utf8(encoding: str) -> bool:
    """Whether everybody reads a commit that names this encoding alike."""
    return encoding.lower() in ("", "utf-8", "utf8")


def explained(refusals: Sequence[Refusal]) -> Iterator[str]:
    """What a refused push is told, line by line: each problem with file, line and column."""
    yield "This push was refused, and nothing of it was kept."
    for refusal in refusals:
        yield ""
        yield f"{printable(refusal.ref.removeprefix('refs/heads/'))[:200]}: {refusal.why}"
        yield from (f"  {printable(str(problem))}" for problem in refusal.problems)
        if refusal.count > len(refusal.problems):
            yield f"  and {refusal.count - len(refusal.problems):,} more"
    yield ""


def printable(text: str) -> str:
    """Without what a terminal would obey: shown as its code instead."""
    return UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
