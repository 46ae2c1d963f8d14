"""What becomes of a row: production's fake, what staging holds, and what the last sync wrote."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from sync.errors import Unsupported
from sync.model import Cell, Key, Row

T = TypeVar("T")


class Verdict(StrEnum):
    """What is to be done about a row."""

    SAME = "same"
    INSERT = "insert"
    UPDATE = "update"
    GONE = "gone"
    KEPT = "kept"
    OWN = "own"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A row that both sides moved since the last sync; None where a side has no such row."""

    table: str
    key: tuple[Cell, ...]
    base: Row | None
    production: Row | None
    staging: Row | None

    @property
    def kind(self) -> str:
        """In words what happened to it."""
        if self.production is None:
            return "deleted in production, changed in staging"
        if self.staging is None:
            return "changed in production, deleted in staging"
        return "changed in both" if self.base is not None else "added in both"

    def columns(self, names: Sequence[str]) -> tuple[str, ...]:
        """The columns in which both sides moved, to different values."""
        if self.production is None or self.staging is None:
            return tuple(names)
        base = self.base or (object(),) * len(names)
        return tuple(
            name
            for name, was, theirs, ours in zip(
                names, base, self.production, self.staging, strict=True
            )
            if theirs != ours and was not in (theirs, ours)
        )

    def merged(self, names: Sequence[str], chosen: dict[str, str]) -> Row | None:
        """Column by column what only one side changed; `chosen` says whose where both did.

        None where something is left to choose.
        """
        if self.production is None or self.staging is None:
            return None
        open_ = set(self.columns(names))
        if open_ - chosen.keys():
            return None
        base = self.base or self.staging
        made = []
        for name, was, theirs, ours in zip(names, base, self.production, self.staging, strict=True):
            if name in chosen and theirs != ours:
                made.append(theirs if chosen[name] == "production" else ours)
            else:
                made.append(theirs if ours == was else ours)
        return tuple(made)


def verdict(base: Row | None, production: Row | None, staging: Row | None) -> Verdict:
    """The three-way decision about one row."""
    if production == staging:
        return Verdict.SAME
    if base is None:
        if staging is None:
            return Verdict.INSERT
        return Verdict.OWN if production is None else Verdict.CONFLICT
    if production == base:
        return Verdict.KEPT
    if staging == base:
        return Verdict.GONE if production is None else Verdict.UPDATE
    return Verdict.CONFLICT


def reset_verdict(_: Row | None, production: Row | None, staging: Row | None) -> Verdict:
    """The decision where staging's own changes do not count."""
    if production == staging:
        return Verdict.SAME
    if production is None:
        return Verdict.GONE
    return Verdict.INSERT if staging is None else Verdict.UPDATE


@dataclass(slots=True)
class Window:
    """The rows of one stretch of keys on all three sides."""

    production: dict[Key, Row] = field(default_factory=dict)
    staging: dict[Key, tuple[Row, Cell]] = field(default_factory=dict)
    base: dict[Key, Row] = field(default_factory=dict)

    @property
    def unchanged(self) -> bool:
        """Whether nothing moved anywhere, told at once."""
        return len(self.production) == len(self.staging) and list(self.production.values()) == [
            row for row, _ in self.staging.values()
        ]


class _Stream(Generic[T]):
    """A stream of batches in order of their keys, taken up to one key after the other."""

    def __init__(self, batches: Iterable[Sequence[tuple[Key, T]]], what: str) -> None:
        self._batches, self._what = iter(batches), what
        self._ahead: list[tuple[Key, T]] = []
        self._last: Key | None = None

    def _fill(self) -> bool:
        batch = next(self._batches, None)
        if batch is None:
            return False
        keys = [key for key, _ in batch]
        if keys != sorted(keys) or (self._last is not None and keys and keys[0] < self._last):
            raise Unsupported([f"{self._what} gives its rows in an order that is not the key's"])
        self._last = keys[-1] if keys else self._last
        self._ahead.extend(batch)
        return True

    def batch(self) -> list[tuple[Key, T]]:
        """The next batch; empty at the end."""
        while not self._ahead and self._fill():
            pass
        taken, self._ahead = self._ahead, []
        return taken

    def up_to(self, last: Key) -> list[tuple[Key, T]]:
        """All that comes up to a key."""
        while (not self._ahead or self._ahead[-1][0] <= last) and self._fill():
            pass
        if self._ahead and self._ahead[-1][0] <= last:
            taken, self._ahead = self._ahead, []
            return taken
        end = next((n for n, (key, _) in enumerate(self._ahead) if key > last), 0)
        taken, self._ahead = self._ahead[:end], self._ahead[end:]
        return taken


def windows(
    production: Iterable[Sequence[tuple[Key, Row]]],
    staging: Iterable[Sequence[tuple[Key, tuple[Row, Cell]]]],
    base: Iterable[Sequence[tuple[Key, Row]]],
) -> Iterator[Window]:
    """All three sides walked through together, a stretch of keys at a time."""
    theirs = _Stream(production, "production")
    ours = _Stream(staging, "staging")
    were = _Stream(base, "the record of the last sync")
    while batch := theirs.batch():
        last = batch[-1][0]
        yield Window(dict(batch), dict(ours.up_to(last)), dict(were.up_to(last)))
    while rest := ours.batch():
        yield Window({}, dict(rest), dict(were.up_to(rest[-1][0])))
