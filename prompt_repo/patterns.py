"""Find and replace by patterns that people type, bounded in time and in what comes of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import regex

from prompt_repo.errors import InvalidEdit

LONGEST = 500  # characters of a pattern
SECONDS = 2.0  # for all the texts of one edit together
LARGEST = 1_000_000  # characters that one text may become


@dataclass(frozen=True, slots=True)
class Replacement:
    """What is looked for, and what takes its place; in a pattern's, `\\1` is a group."""

    find: str
    replace: str
    is_pattern: bool = False
    ignore_case: bool = False


def replacer(wanted: Replacement, seconds: float = SECONDS) -> Callable[[str], str]:
    """A function from text to text; all its calls together may take so many seconds.

    Raises InvalidEdit: here for what is no pattern, and when called, for one that takes too long or
    makes a text too large.
    """
    if not wanted.find:
        raise InvalidEdit("say what to look for")
    if len(wanted.find) > LONGEST:
        raise InvalidEdit(f"what to look for may have {LONGEST} characters")
    pattern = _compiled(wanted)
    until = time.monotonic() + seconds

    def replaced(text: str) -> str:
        left = until - time.monotonic()
        if left <= 0:
            raise _too_slow(seconds)
        try:
            return _substituted(pattern, wanted, text, left)
        except TimeoutError:
            raise _too_slow(seconds) from None
        except (IndexError, regex.error) as wrong:
            raise InvalidEdit(f"the replacement can't be used: {wrong}") from wrong

    return replaced


def _compiled(wanted: Replacement) -> "regex.Pattern[str]":
    flags = regex.V0 | regex.MULTILINE | (regex.IGNORECASE if wanted.ignore_case else 0)
    source = wanted.find if wanted.is_pattern else regex.escape(wanted.find, special_only=True)
    try:
        return regex.compile(source, flags)
    except regex.error as wrong:
        raise InvalidEdit(f"this is no pattern: {wrong}") from wrong
    except (RecursionError, OverflowError, MemoryError) as wrong:
        raise InvalidEdit("this pattern is too deep or too large") from wrong


def _substituted(
    pattern: "regex.Pattern[str]", wanted: Replacement, text: str, seconds: float
) -> str:
    pieces, end, size = [], 0, len(text)
    for match in pattern.finditer(text, timeout=seconds, concurrent=True):
        new = match.expand(wanted.replace) if wanted.is_pattern else wanted.replace
        size += len(new) - (match.end() - match.start())
        if size > LARGEST:
            raise InvalidEdit(f"a text would grow beyond {LARGEST:,} characters")
        pieces += [text[end : match.start()], new]
        end = match.end()
    return "".join([*pieces, text[end:]])


def _too_slow(seconds: float) -> InvalidEdit:
    return InvalidEdit(
        f"this pattern takes more than {seconds:g} seconds on these texts; make it simpler, or "
        "choose fewer prompts"
    )
