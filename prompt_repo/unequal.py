"""What two commits hold differently: told once by looking, then kept up as they move."""

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import compress
from operator import is_not
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from prompt_repo.catalogue import Catalogue, Found, Spot, Tables, spots_of
from prompt_repo.repository import Repository

FEW = 256  # spots that are looked at one by one, however few folders there are
SPOTS = 8  # that are looked at in the time of a folder that differs
EMPTY: Mapping[str, Any] = MappingProxyType({})
Apart = tuple[str, str, Found | None, Found | None]
"""A spot (folder and name), and what stands there on either side."""


def keys_apart(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """The keys whose values are not one object; by nothing slower than C, for there are many."""
    apart = list(compress(one, map(is_not, one.values(), map(other.get, one))))
    return [*apart, *(other.keys() - one.keys())]


@dataclass(frozen=True, slots=True)
class _Last:
    """What was found last time: between which commits, and where."""

    commits: tuple[str, str]
    spots: Collection[Spot]


class _SpotsApart:
    """Where two branches' heads may differ; costs what differed before and what moved since."""

    def __init__(self) -> None:
        self._last: _Last | None = None
        self._lock = threading.Lock()

    def between(self, repository: Repository, one: Catalogue, other: Catalogue) -> list[Apart]:
        """The spots of the tables that do not hold one object in both catalogues."""
        with self._lock:
            near = self._near(repository, (one, other))
            if near is None:
                near = _all_apart(one.tables, other.tables)
            found = [*_still_apart(near, one.tables, other.tables)]
            spots = [(folder, name) for folder, name, _, _ in found]
            self._last = _Last((one.commit, other.commit), spots)
        return found

    def _near(
        self, repository: Repository, sides: tuple[Catalogue, Catalogue]
    ) -> Iterable[Spot] | None:
        """The spots that differed last time or moved since; None where that can't be told."""
        if self._last is None or self._is_cheaper_to_look(sides):
            return None
        near = set(self._last.spots)
        for old, new in zip(self._last.commits, sides, strict=True):
            moved = _moved(repository, old, new)
            if moved is None:
                return None
            near |= moved
        return near

    def _is_cheaper_to_look(self, sides: tuple[Catalogue, Catalogue]) -> bool:
        """Whether so much moved that looking into all folders costs less than each spot."""
        spots = len(self._last.spots) if self._last is not None else 0
        spots += sum(len(side.moved[1]) for side in sides if side.moved is not None)
        return spots > FEW and spots > SPOTS * len(sides[0].tables.folders)


def _all_apart(one: Tables, other: Tables) -> Iterator[Spot]:
    """The spots of what is not one object, by a look into every folder that isn't."""
    for folder in keys_apart(one.folders, other.folders):
        files = one.folders.get(folder, EMPTY), other.folders.get(folder, EMPTY)
        yield from ((folder, name) for name in keys_apart(*files))


def _still_apart(spots: Iterable[Spot], one: Tables, other: Tables) -> Iterator[Apart]:
    """Those of the spots that do not hold one object, with what they hold."""
    ours, theirs = one.folders.get, other.folders.get
    for folder, name in spots:
        mine, there = ours(folder, EMPTY).get(name), theirs(folder, EMPTY).get(name)
        if mine is not there:
            yield folder, name, mine, there


def _moved(repository: Repository, old: str, new: Catalogue) -> Set[Spot] | None:
    """The spots that moved since a commit; None where the catalogue doesn't follow on it."""
    if new.commit == old:
        return set()
    if new.moved is not None and new.moved[0] == old:
        return new.moved[1]
    moved = repository.history.moved(old, new.commit)
    return spots_of(moved) if moved is not None else None


_KNOWN: "WeakKeyDictionary[Repository, _SpotsApart]" = WeakKeyDictionary()


def spots_apart(repository: Repository, one: Catalogue, other: Catalogue) -> list[Apart]:
    """Where two branches' heads hold different things, and which; `prompts.yaml` aside."""
    return _KNOWN.setdefault(repository, _SpotsApart()).between(repository, one, other)
