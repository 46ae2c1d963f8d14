"""Two configurations put together by an import, which never takes an emotion or a variable away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from prompt_repo.model import Configuration, Limits

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settled:
    """Ours with what the file adds, and with what it says otherwise too; `conflict`: they differ.

    Where the base tells that only the file changed something, that counts as added.
    """

    additions: Configuration
    theirs: Configuration

    @property
    def conflict(self) -> bool:
        """Whether somebody must say whose emotions and variables stand."""
        return self.additions != self.theirs


def settle(ours: Configuration, theirs: Configuration, base: Configuration | None) -> Settled:
    """Ours and a file's together; `base` is what the file left from, where that is known."""
    before = base if base is not None else Configuration(())
    emotions = _merged(ours.by_id, theirs.by_id, before.by_id)
    variables = _merged(ours.variables, theirs.variables, before.variables)
    limits = Limits(
        max(ours.limits.prompt_bytes, theirs.limits.prompt_bytes),
        max(ours.limits.notes_bytes, theirs.limits.notes_bytes),
        max(ours.limits.tags, theirs.limits.tags),
    )
    additions, file = (
        Configuration(tuple(emotions[side].values()), variables[side], limits) for side in (0, 1)
    )
    return Settled(additions, file)


def _merged(
    ours: Mapping[str, T], theirs: Mapping[str, T], base: Mapping[str, T]
) -> tuple[dict[str, T], dict[str, T]]:
    """Ours with what is added, and the same with the file's where both changed; ours in order."""
    added, file = dict(ours), dict(ours)
    for name, value in theirs.items():
        if name not in ours or (name in base and ours[name] == base[name]):
            added[name] = file[name] = value
        elif not (name in base and value == base[name]):
            file[name] = value
    return added, file
