"""Which folders two commits hold differently: told once by looking, then kept up as they move."""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import compress
from operator import is_not
from weakref import WeakKeyDictionary

from prompt_repo.catalogue import Catalogue, folders_of
from prompt_repo.repository import Repository


def keys_apart(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """The keys whose values are not one object; by nothing slower than C, for there are many."""
    apart = list(compress(one, map(is_not, one.values(), map(other.get, one))))
    return [*apart, *(other.keys() - one.keys())]


@dataclass(frozen=True, slots=True)
class _Last:
    """What was found last time: between which commits, and which folders."""

    commits: tuple[str, str]
    folders: Collection[str]


class _FoldersApart:
    """The folders that may differ between two branches' heads; costs what moved since."""

    def __init__(self) -> None:
        self._last: _Last | None = None
        self._lock = threading.Lock()

    def between(self, repository: Repository, one: Catalogue, other: Catalogue) -> list[str]:
        """Those whose tables are not one object in both catalogues."""
        with self._lock:
            ours, theirs = one.tables.folders, other.tables.folders
            near = self._near(repository, (one, other))
            if near is None:
                found = keys_apart(ours, theirs)
            else:
                found = [name for name in near if ours.get(name) is not theirs.get(name)]
            self._last = _Last((one.commit, other.commit), frozenset(found))
        return found

    def _near(
        self, repository: Repository, sides: tuple[Catalogue, Catalogue]
    ) -> Iterable[str] | None:
        """The folders that differed last time or moved since; None where that can't be told."""
        if self._last is None:
            return None
        near = set(self._last.folders)
        for old, new in zip(self._last.commits, sides, strict=True):
            moved = _moved(repository, old, new)
            if moved is None:
                return None
            near |= moved
        return near


def _moved(repository: Repository, old: str, new: Catalogue) -> set[str] | None:
    """The folders that moved since a commit; None where the catalogue doesn't follow on it."""
    if new.commit == old:
        return set()
    if new.moved is not None and new.moved[0] == old:
        return set(new.moved[1])
    moved = repository.history.moved(old, new.commit)
    return folders_of(moved) if moved is not None else None


_KNOWN: "WeakKeyDictionary[Repository, _FoldersApart]" = WeakKeyDictionary()


def folders_apart(repository: Repository, one: Catalogue, other: Catalogue) -> list[str]:
    """The folders that two branches' heads hold differently; none is left out."""
    return _KNOWN.setdefault(repository, _FoldersApart()).between(repository, one, other)
