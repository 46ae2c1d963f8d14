"""Find and replace by patterns that people type, bounded in time and in what comes of it."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import regex

from prompt_repo.errors import InvalidEdit

LONGEST = 500  # characters of a pattern
SECONDS = 2.0  # for all the texts of one edit together
LARGEST = 1_000_000  # characters that one text may become
WRITTEN_OUT = 20_000  # pieces of a pattern with its counted repeats written out, as regex holds it
COUNT = re.compile(r"\{(\d*)(?:,\d*)?\}")
REMARKS = re.compile(r"\(\?(?:#|[A-Za-z0-9]*x)")
RECURSION = re.compile(r"\(\?(?:R|[-+]?\d|&|P>)")


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
        except (IndexError, ValueError, OverflowError, regex.error) as wrong:
            raise InvalidEdit(f"the replacement can't be used: {wrong}") from wrong
        except MemoryError as wrong:
            raise InvalidEdit("this pattern takes too much memory on these texts") from wrong

    return replaced


def _compiled(wanted: Replacement) -> "regex.Pattern[str]":
    flags = regex.V0 | regex.MULTILINE | (regex.IGNORECASE if wanted.ignore_case else 0)
    source = wanted.find if wanted.is_pattern else regex.escape(wanted.find, special_only=True)
    if _size(source) > WRITTEN_OUT:
        raise InvalidEdit(f"the repeats of this pattern come to more than {WRITTEN_OUT:,} pieces")
    try:
        return regex.compile(source, flags)
    except (regex.error, ValueError) as wrong:
        raise InvalidEdit(f"this is no pattern: {wrong}") from wrong
    except (RecursionError, OverflowError, MemoryError) as wrong:
        raise InvalidEdit("this pattern is too deep or too large") from wrong


def _size(source: str) -> int:
    """How long a pattern is with each repeat `{n}` written out n times; never too low.

    What makes that hard to tell, or has no end, is refused: recursion, and verbose patterns with
    their comments.
    """
    sizes, last, at = [0], 0, 0
    while at < len(source):
        sign, end = source[at], at + 1
        if sign == "(":
            _refuse_endless(source, at)
            sizes.append(0)
            last = 0
        elif sign == ")" and len(sizes) > 1:
            last = sizes.pop() + 1
            sizes[-1] += last
        elif sign == "{" and (count := COUNT.match(source, at)):
            more = last * (max(1, int(count[1] or 0)) - 1)
            sizes[-1], last, end = sizes[-1] + more, last + more, count.end()
        elif sign not in "?*+":
            end = _end_of_piece(source, at)
            sizes[-1] += 1
            last = 1
        at = end
    return sum(sizes)


def _refuse_endless(source: str, at: int) -> None:
    if RECURSION.match(source, at):
        raise InvalidEdit("a pattern may not call itself or a part of it, as (?R) and (?1) do")
    if REMARKS.match(source, at):
        raise InvalidEdit("write the pattern without comments, and without the flag x")


def _end_of_piece(source: str, at: int) -> int:
    """Where a sign, an escape or a set of signs ends."""
    if source[at] == "\\":
        return at + 2
    if source[at] != "[":
        return at + 1
    end = at + 2 if source[at + 1 : at + 2] == "^" else at + 1
    end += source[end : end + 1] == "]"
    while end < len(source) and source[end] != "]":
        end += 2 if source[end] == "\\" else 1
    return end + 1


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
