"""What went live when: production's own line of commits, and notes made from the reasons."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice, takewhile

from prompt_repo.drift import Drift, Plan
from prompt_repo.errors import InvalidCursor
from prompt_repo.layout import CONFIGURATION, Kind, place_of
from prompt_repo.model import Commit, Held, Label, Version
from prompt_repo.repository import PRODUCTION, Repository
from prompt_repo.trailers import (
    CHANGE_REQUEST,
    HOTFIX_FROM,
    PROMOTED_FROM,
    ROLLED_BACK_TO,
    split_trailers,
)

PAGE = 50
DOCUMENTS = 200  # named in notes; of more the number is told
REASONS = 10  # of one document
GONE = Held(0, 0, "", None)
"""What production will hold of a document that staging never had."""
SOURCES = frozenset({PROMOTED_FROM, HOTFIX_FROM})


class Did(StrEnum):
    """What a commit on production's line did."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    HOTFIXED = "hotfixed"
    BEGAN = "began"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class Release:
    """One commit on production's line; `source` is staging's commit it took, if it did.

    `again` is production's own earlier commit whose documents it brought back, if it did.
    """

    commit: Commit
    did: Did
    source: str | None
    again: str | None
    tag: str | None


@dataclass(frozen=True, slots=True)
class Releases:
    """Some releases, newest first; `next_cursor` is None on the last page."""

    items: tuple[Release, ...]
    next_cursor: str | None


def releases(repository: Repository, cursor: str | None = None, limit: int = PAGE) -> Releases:
    """A page of what went live; a cursor is the commit to begin at. Raises InvalidCursor."""
    head = repository.head(PRODUCTION)
    repository.history.ensure(head)
    if cursor is not None and not repository.history.follows(head, cursor):
        raise InvalidCursor(cursor)
    tags = {oid: name for name, oid in repository.store.tags().items()}
    found = list(islice(_line(repository, cursor or head), limit + 1))
    whole = (_with_changes(repository, each) for each in found[:limit])
    items = tuple(_release(repository, each, tags) for each in whole)
    return Releases(items, found[limit].oid if found[limit:] else None)


def release(repository: Repository, commit: str) -> Release:
    """One commit on production's line; raises RevisionNotFound."""
    tags = {oid: name for name, oid in repository.store.tags().items()}
    repository.history.ensure(commit)
    return _release(repository, repository.store.commit(commit), tags)


def _line(repository: Repository, commit: str) -> Iterator[Commit]:
    at: str | None = commit
    while at is not None:
        found = repository.store.header(at)
        yield found
        at = found.parents[0] if found.parents else None


def _release(repository: Repository, commit: Commit, tags: Mapping[str, str]) -> Release:
    did, named = what_did(commit)
    again = named is not None and repository.history.follows(commit.oid, named)
    source, earlier = (None, named) if again else (named, None)
    return Release(commit, did, source, earlier, tags.get(commit.oid))


def _with_changes(repository: Repository, commit: Commit) -> Commit:
    """A commit of production's line with its changes, as the index has them."""
    before = repository.history.walk(commit.parents[0]) if commit.parents else None
    changes = repository.history.walk(commit.oid).changes(before)
    return replace(commit, changes=tuple(changes))


def what_did(commit: Commit) -> tuple[Did, str | None]:
    """What a commit on production's line did, and the commit it says it took, if it does."""
    named = dict(reversed(commit.trailers))
    source = next((named[key] for key in SOURCES if key in named), None)
    if ROLLED_BACK_TO in named:
        return Did.ROLLED_BACK, source
    if CHANGE_REQUEST in named:
        return Did.HOTFIXED, None
    if len(commit.parents) > 1:
        return Did.PROMOTED, commit.parents[1]
    if source is not None:
        return Did.PROMOTED, source
    return Did.COMMITTED if commit.parents else Did.BEGAN, None


def notes_of(repository: Repository, before: str, commit: Commit) -> str:
    """Release notes in plain text: each document, its numbers, and the reasons in between."""
    repository.history.ensure(commit.oid)
    lines: list[str] = []
    for change in commit.changes[:DOCUMENTS]:
        old = repository.history.held(before, change.path)
        new = repository.history.held(commit.oid, change.path)
        lines += _note(repository, change.path, old, new)
    return "\n".join([*lines, *_rest(len(commit.changes))])


def draft_of(
    repository: Repository, plan: Plan, paths: Collection[str], edited: Collection[str] = ()
) -> str:
    """The notes that a promotion of these paths would get; those `edited` get a new text first."""
    lines: list[str] = []
    items = [plan.by_path[path] for path in sorted(paths)[:DOCUMENTS]]
    single = {each.staging.row for each in items if each.staging and _is_next(each)}
    known = repository.history.reasons(single)
    for item in items:
        new = item.staging or GONE
        if item.path in edited:
            lines.append(f"{title(item.path)}: {_number(item.production)} → the edited text")
        elif new.row in known:
            lines += _noted(item.path, item.production, new, [known[new.row]])
        else:
            lines += _note(repository, item.path, item.production, new)
    return "\n".join([*lines, *_rest(len(paths))])


def label_of(repository: Repository, message: str, notes: str) -> Label:
    """The tag of a commit on production: the day and a number; it says the release notes.

    Call it under the writers' lock, or another one may take the name.
    """
    day = f"{PRODUCTION}/{datetime.now(UTC):%Y-%m-%d}"
    taken = {*repository.store.tag_names()}
    number = next(n for n in range(1, len(taken) + 2) if f"{day}.{n}" not in taken)
    return Label(f"{day}.{number}", f"{split_trailers(message)[0]}\n\n{notes}")


def _note(repository: Repository, path: str, old: Held | None, new: Held | None) -> Iterator[str]:
    """One document in the notes: its numbers, then the reasons in between."""
    between = _between(repository, old, new)
    return _noted(path, old, new, ((each.reason, each.author.name) for each in between))


def _is_next(item: Drift) -> bool:
    """Whether there is one version in between, staging's own."""
    number = item.production.number if item.production is not None else 0
    return item.staging is not None and item.staging.number == number + 1


def _noted(
    path: str, old: Held | None, new: Held | None, between: Iterable[tuple[str, str]]
) -> Iterator[str]:
    yield f"{title(path)}: {_number(old)} → {_number(new)}"
    for reason, author in between:
        yield f"  - {reason.split(chr(10), 1)[0] or 'no reason given'} ({author})"


def _between(repository: Repository, old: Held | None, new: Held | None) -> Iterator[Version]:
    """The versions of a chain from the new one down to after the old one's number."""
    if new is None or not new.row:
        return iter(())
    low = old.number if old is not None else 0
    limit = max(1, min(REASONS, new.number - low))
    found = repository.history.line(new.row, limit)
    return takewhile(lambda version: version.number > low, found)


def _rest(count: int) -> list[str]:
    return [f"and {count - DOCUMENTS:,} more"] if count > DOCUMENTS else []


def documents_counted(number: int) -> str:
    """So many documents, as the message of a commit says it where nobody gave a reason."""
    return f"{number} document{'s' if number != 1 else ''}"


def title(path: str) -> str:
    """A document as people call it: `aria/angry`, `defaults/angry`, `aria`, `settings`."""
    place = place_of(path)
    if place is None or path == CONFIGURATION:
        return path
    if place.kind is Kind.CHARACTER:
        return place.character or path
    return f"{place.character or 'defaults'}/{place.emotion}"


def _number(held: Held | None) -> str:
    if held is None:
        return "none"
    return f"{held.number}" if held.blob is not None else "removed"
