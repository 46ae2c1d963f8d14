"""Who last touched each line of a prompt, found along its chain of versions."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice

from prompt_repo.diffing import kept, split
from prompt_repo.model import Version

LOOK_BACK = 200  # versions; lines older than that are told to be older

TextOf = Callable[[Version], str]
ChainOf = Callable[[str], Iterable[Version]]
"""The versions of the same prompt from a commit on, newest first."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines in a row that one version wrote; None is one beyond LOOK_BACK.

    `first` is the number of the first line, from 1.
    """

    version: Version | None
    first: int
    lines: tuple[str, ...]


def blame(commit: str, chain_of: ChainOf, text_of: TextOf) -> tuple[Stretch, ...]:
    """The text that stands at a commit, in stretches of lines that came by the same version.

    A removal and the restoring after it touch no line. Where a version joined two sides, what
    came from the other side is that side's.
    """
    newest, versions = _begun(chain_of(commit))
    if newest is None:
        return ()
    lines = split(text_of(newest))
    found = _owners(newest, versions, {at: at for at in range(len(lines))}, chain_of, text_of)
    numbered = [(found.get(at), at) for at in range(len(lines))]
    stretches = []
    for _, group in groupby(numbered, lambda pair: pair[0] and pair[0].commit):
        run = list(group)
        first = run[0][1]
        stretches.append(Stretch(run[0][0], first + 1, tuple(lines[first : first + len(run)])))
    return tuple(stretches)


def _begun(versions: Iterable[Version]) -> tuple[Version | None, Iterator[Version]]:
    """The version that stands, if one does, and those before it that have a text."""
    chain = islice(versions, LOOK_BACK)
    newest = next(chain, None)
    older = (each for each in chain if not each.removed)
    return (None if newest is None or newest.removed else newest), older


def _owners(
    newest: Version,
    older: Iterator[Version],
    wanted: Mapping[int, int],
    chain_of: ChainOf,
    text_of: TextOf,
) -> dict[int, Version]:
    """Who wrote the wanted lines of `newest`: its line numbers to those of the answer."""
    owners: dict[int, Version] = {}
    current, lines = newest, split(text_of(newest))
    while wanted:
        before = next(older, None)
        earlier = split(text_of(before)) if before else []
        same = kept(earlier, lines)
        new = {here: there for here, there in wanted.items() if here not in same}
        if current.joined and new:
            owners |= _of_other_side(current.joined, lines, new, chain_of, text_of)
        if before is not None or current.number == 1:
            owners |= {there: current for there in new.values() if there not in owners}
        if before is None:
            return owners
        wanted = {same[here]: there for here, there in wanted.items() if here in same}
        current, lines = before, earlier
    return owners


def _of_other_side(
    commit: str, lines: list[str], new: Mapping[int, int], chain_of: ChainOf, text_of: TextOf
) -> dict[int, Version]:
    """Who wrote those of the lines that came from the side a merge joined."""
    newest, older = _begun(chain_of(commit))
    if newest is None:
        return {}
    same = kept(split(text_of(newest)), lines)
    wanted = {same[here]: there for here, there in new.items() if here in same}
    return _owners(newest, older, wanted, chain_of, text_of)
