"""How production differs from staging, document by document: the plan of a promotion.

* *ahead*: only staging moved since the two last agreed.
* *hotfixed*: only production moved.
* *diverged*: both moved; somebody has to choose.
* *held back*: rolled back in production, and so no longer promoted with everything.

Which side moved is told by the chains of versions: where the version that stands in production is
an ancestor of staging's, only staging moved. Merge bases are not asked: a full promotion skips
what is held back, and yet makes all of staging production's ancestor.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import NamedTuple
from weakref import WeakKeyDictionary

from prompt_repo.catalogue import Catalogue, Found, Tables, found_at, path_of
from prompt_repo.layout import CONFIGURATION, Kind, Place, place_of
from prompt_repo.model import Commit, Held
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.trailers import PROMOTES_HELD_BACK, ROLLED_BACK_TO
from prompt_repo.unequal import EMPTY, Apart, spots_apart

REMEMBERED = 64  # commits whose held-back paths are kept


class State(StrEnum):
    """What became of a document in the two environments since they last agreed."""

    AHEAD = "ahead"
    HOTFIXED = "hotfixed"
    DIVERGED = "diverged"
    HELD_BACK = "held back"


class Drift(NamedTuple):
    """One document that differs; a side is None where nothing ever stood there."""

    path: str
    state: State
    staging: Held | None
    production: Held | None

    @property
    def place(self) -> Place:
        """Which document it is."""
        return _place(self.path)

    @property
    def blob(self) -> str | None:
        """What staging holds; None where it holds nothing."""
        return self.staging.blob if self.staging is not None else None


@dataclass(frozen=True)
class Plan:
    """What differs between two commits, in the order of the paths.

    `apart` tells of folders in how many files they are not one object on both sides.
    """

    staging: str
    production: str
    items: tuple[Drift, ...]
    apart: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def by_path(self) -> Mapping[str, Drift]:
        """The items by path."""
        return {item.path: item for item in self.items}

    @cached_property
    def _by_state(self) -> Mapping[State, Sequence[Drift]]:
        found: dict[State, list[Drift]] = {state: [] for state in State}
        for item in self.items:
            found[item.state].append(item)
        return found

    def of(self, *states: State) -> Sequence[Drift]:
        """The items in these states."""
        found = [self._by_state[state] for state in states if self._by_state[state]]
        return found[0] if len(found) == 1 else sorted(chain(*found), key=itemgetter(0))

    def paths(self, *states: State) -> list[str]:
        """The paths of the items in these states."""
        return [item.path for item in self.of(*states)]


def compare(repository: Repository) -> Plan:
    """How the environments differ now; work grows with what differs, not with what there is.

    It is worked out once for two commits, and kept with staging's catalogue.
    """
    staging, production = repository.current(STAGING), repository.current(PRODUCTION)
    known: Plan | None = staging.kept.get(Plan)
    if known is None or known.production != production.commit:
        known = staging.kept[Plan] = between(repository, staging, production)
    return known


def between(repository: Repository, staging: Catalogue, production: Catalogue) -> Plan:
    """How two commits differ, the second one of production's line."""
    spots = spots_apart(repository, staging, production)
    found = sorted(_unequal(spots, staging.tables, production.tables), key=itemgetter(0))
    held = held_back(repository, production.commit)
    far = [
        (path, ours, theirs)
        for path, ours, theirs in found
        if ours is not None and theirs is not None and ours.parent != theirs.row
    ]
    newer, older = _descents(repository, far)
    items = [
        Drift(path, _state(path, ours, theirs, newer, older, held), ours, theirs)
        for path, ours, theirs in found
    ]
    apart = Counter([folder for folder, _, _, _ in spots])
    plan = Plan(staging.commit, production.commit, tuple(items), apart)
    _LAST[repository] = _Descents(plan, newer | older)
    return plan


Sides = tuple[str, Held | None, Held | None]
"""A document that differs: its path, and what stands (or was removed) in staging, in production."""
Both = tuple[str, Held, Held]
"""A path and two versions of it."""
Pairs = set[tuple[int, int]]
"""Rows of which the first one's version has the second one's in its past."""


@dataclass(frozen=True, slots=True)
class _Descents:
    """Which versions the last plan found to lead to which."""

    plan: Plan
    far: Pairs

    def lead(self, path: str, one: int | None, other: int) -> bool:
        """Whether it knows that one version of a path has another in its past."""
        if (one, other) in self.far:
            return True
        item = self.plan.by_path.get(path)
        if item is None or item.staging is None or item.production is None:
            return False
        ours, theirs = item.staging, item.production
        return ours.row == one and ours.parent == theirs.row == other


_LAST: "WeakKeyDictionary[Repository, _Descents]" = WeakKeyDictionary()


def _descents(repository: Repository, both: Sequence[Both]) -> tuple[Pairs, Pairs]:
    """Of staging's and production's versions, those where staging's is the newer, and the older."""
    if not both:
        return set(), set()
    newer = _descending(repository, both)
    turned = [
        (path, theirs, ours) for path, ours, theirs in both if (ours.row, theirs.row) not in newer
    ]
    return newer, _descending(repository, turned)


def _descending(repository: Repository, both: Sequence[Both]) -> Pairs:
    """The rows of those pairs whose first version has the second in its past.

    Mostly that is the one right before it, or was in that one's past already when the last plan
    was made; then nothing is looked up.
    """
    last = _LAST.get(repository)
    near: Pairs = set()
    far: list[tuple[int, int]] = []
    for path, one, other in both:
        pair = one.row, other.row
        if one.parent == other.row or (
            last is not None and (last.lead(path, *pair) or last.lead(path, one.parent, other.row))
        ):
            near.add(pair)
        else:
            far.append(pair)
    return near | repository.history.descend(far) if far else near


def _unequal(apart: Iterable[Apart], staging: Tables, production: Tables) -> Iterator[Sides]:
    """The documents whose blobs differ, with what stands (or was removed) on either side.

    Looked at are the spots that are not one object in both, and the configuration.
    """
    if _blob(staging.configuration) != _blob(production.configuration):
        place = Place(Kind.CONFIGURATION)
        yield CONFIGURATION, standing(staging, place), standing(production, place)
    for folder, name, mine, there in apart:
        ours = mine[0] if mine else staging.removed.get(folder, EMPTY).get(name)
        theirs = there[0] if there else production.removed.get(folder, EMPTY).get(name)
        if (ours.blob if ours else None) != (theirs.blob if theirs else None):
            yield path_of(folder, name), ours, theirs


def _blob(found: Found | None) -> str | None:
    return found[0].blob if found is not None else None


def _place(path: str) -> Place:
    place = place_of(path)
    if place is None:
        raise ValueError(f"{path} is no document of a prompt repository")
    return place


def _state(
    path: str,
    staging: Held | None,
    production: Held | None,
    newer: Collection[tuple[int, int]],
    older: Collection[tuple[int, int]],
    held: Collection[str],
) -> State:
    if path in held:
        return State.HELD_BACK
    if production is None:
        return State.AHEAD
    if staging is None:
        return State.HOTFIXED
    if staging.parent == production.row or (newer and (staging.row, production.row) in newer):
        return State.AHEAD
    if (production.row, staging.row) in older:
        return State.HOTFIXED
    return State.DIVERGED


def standing(tables: Tables, place: Place) -> Held | None:
    """The version at a place, also that of a removal; None where there never was one."""
    found = found_at(tables, place)
    if found is not None:
        return found[0]
    return tables.removed.get(place.character or "", {}).get(place.emotion or "")


class _HeldBack:
    """Which paths each commit of production's line holds back; kept for the last few commits."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, repository: Repository, commit: str) -> Mapping[str, str]:
        """The paths held back at a commit, as its line of first parents tells, and by what."""
        with self._lock:
            line = list(self._unknown(repository, commit))
            oldest = line[-1].parents[:1] if line else (commit,)
            held = self._known[oldest[0]] if oldest else {}
            for each in reversed(line):
                held = _after(each, held, repository)
            self._known[commit] = held
            self._known.move_to_end(commit)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return held

    def _unknown(self, repository: Repository, commit: str) -> Iterator[Commit]:
        at: str | None = commit
        while at is not None and at not in self._known:
            found = repository.store.header(at)
            yield found
            at = found.parents[0] if found.parents else None


def _after(commit: Commit, held: Mapping[str, str], repository: Repository) -> Mapping[str, str]:
    """What is held back after a commit of production's line."""
    back = [value for key, value in commit.trailers if key == ROLLED_BACK_TO]
    if not back and not held:
        return held
    changed = {change.path for change in repository.store.commit(commit.oid).changes}
    picked = {value for key, value in commit.trailers if key == PROMOTES_HELD_BACK}
    if back:
        return {**held, **dict.fromkeys(changed, commit.oid)}
    return {path: by for path, by in held.items() if path not in changed and path not in picked}


_KNOWN: "WeakKeyDictionary[Repository, _HeldBack]" = WeakKeyDictionary()


def held_back(repository: Repository, commit: str) -> Mapping[str, str]:
    """The paths that a commit of production's line holds back, each with the roll-back that does.

    Costs what came since last time.
    """
    return _KNOWN.setdefault(repository, _HeldBack()).at(repository, commit)
