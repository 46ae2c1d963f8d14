"""What a document says on either side: its diff, and for a diverged one the three panes."""

from dataclasses import dataclass

from prompt_repo import diffing
from prompt_repo.differences import parted
from prompt_repo.drift import Drift, Plan
from prompt_repo.merging import merge_texts
from prompt_repo.model import Held, Prompt, Version
from prompt_repo.repository import Repository


@dataclass(frozen=True)
class Said:
    """What stands on one side: a prompt's text, or the whole file of another document.

    `text` is None where nothing stands; `details` are a prompt's notes and tags.
    """

    text: str | None
    details: str = ""


@dataclass(frozen=True)
class Comparison:
    """The change of one document; `details` is the diff of a prompt's notes and tags."""

    rows: tuple[diffing.Row, ...]
    size: tuple[int, int]
    details: tuple[diffing.Row, ...]


@dataclass(frozen=True)
class Panes:
    """A diverged document: where it began, both sides, and what a merge makes of them.

    `merged` is None where there is no text to edit. `clean` tells that the sides don't overlap.
    """

    base: Version | None
    staging: tuple[diffing.Part, ...] | None
    production: tuple[diffing.Part, ...] | None
    merged: str | None
    clean: bool


def said(repository: Repository, blob: str | None, path: str) -> Said:
    """What a blob says, as people read it."""
    if blob is None:
        return Said(None)
    value = repository.parsed({blob: path})[blob]
    if not isinstance(value, Prompt):
        return Said(repository.store.blob(blob).decode(errors="replace"))
    return Said(value.text, _details(value))


def comparison(repository: Repository, path: str, old: str | None, new: str | None) -> Comparison:
    """The change from one blob to another; None is no file."""
    before, after = said(repository, old, path), said(repository, new, path)
    differs = before.text != after.text
    return Comparison(
        rows=diffing.rows(before.text, after.text) if differs else (),
        size=diffing.size(before.text, after.text),
        details=diffing.rows(before.details, after.details)
        if before.details != after.details
        else (),
    )


def drifted(repository: Repository, item: Drift) -> Comparison:
    """The change from production to staging."""
    return comparison(repository, item.path, _blob(item.production), item.blob)


def panes(repository: Repository, plan: Plan, item: Drift) -> Panes:
    """The three panes of a diverged document."""
    version = parted(repository, plan, item.path)
    base = said(repository, version.blob if version else None, item.path).text
    ours = said(repository, item.blob, item.path).text
    theirs = said(repository, _blob(item.production), item.path).text
    merge = merge_texts(base, theirs, ours, names=("production", "staging"))
    return Panes(
        base=version,
        staging=_against(base, ours),
        production=_against(base, theirs),
        merged=merge.with_markers if item.place.key is not None else None,
        clean=merge.text is not None,
    )


def _blob(held: Held | None) -> str | None:
    return held.blob if held is not None else None


def _details(prompt: Prompt) -> str:
    told = {"notes": prompt.notes, "tags": ", ".join(prompt.tags)}
    return "\n".join(f"{name}: {value}" for name, value in told.items() if value)


def _against(base: str | None, text: str | None) -> tuple[diffing.Part, ...] | None:
    if text is None:
        return None
    return diffing.words(base, text)[1] if base is not None else (("same", text),)
