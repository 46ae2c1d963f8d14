"""What an edit says it saw, and whether that still holds."""

from collections.abc import Callable
from dataclasses import dataclass

from prompt_repo.catalogue import Catalogue
from prompt_repo.errors import (
    Conflict,
    EditConflict,
    PreconditionFailed,
    RevisionNotFound,
)
from prompt_repo.merging import merge_texts
from prompt_repo.model import Held
from prompt_repo.repository import Repository


@dataclass(frozen=True, slots=True)
class AtCommit:
    """The edit began from what this commit held; other documents may have moved since."""

    commit: str


@dataclass(frozen=True, slots=True)
class Matches:
    """The edit was made against the reading with this ETag, and holds only while it is current."""

    etag: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The edit is meant to create: nothing of its own may stand there yet."""


@dataclass(frozen=True, slots=True)
class Anything:
    """The edit replaces whatever is there."""


Expectation = AtCommit | Matches | Absent | Anything
ANYTHING = Anything()


@dataclass(frozen=True, slots=True)
class Document:
    """The document an edit is about: where it stands, its ETag now, and what of it is merged."""

    path: str
    etag: Callable[[], str | None]
    text_of: Callable[[bytes], str]


def check(
    repository: Repository,
    branch: str,
    now: Catalogue,
    document: Document,
    expect: Expectation,
    yours: str | None,
) -> None:
    """Lets an edit pass whose expectation holds at `now`; `yours` is the text it wants.

    Raises EditConflict where the document moved since `AtCommit`, PreconditionFailed where
    `Matches` or `Absent` does not hold, RevisionNotFound where the branch never held the commit.
    """
    held = repository.history.held(now.commit, document.path)
    match expect:
        case AtCommit(commit):
            base = _held_at(repository, branch, commit, document.path)
            if _blob(base) != _blob(held):
                conflict = _conflict(repository, document, base, held, yours)
                raise EditConflict([conflict], now.commit)
        case Matches(etag):
            current = document.etag()
            if current != etag:
                raise PreconditionFailed(document.path, current)
        case Absent():
            if _blob(held) is not None:
                raise PreconditionFailed(document.path, document.etag())
        case Anything():
            pass


def _held_at(repository: Repository, branch: str, commit: str, path: str) -> Held | None:
    if not repository.has_held(branch, commit):
        raise RevisionNotFound(commit, branch)
    return repository.history.held(commit, path)


def _blob(held: Held | None) -> str | None:
    return held.blob if held is not None else None


def _conflict(
    repository: Repository,
    document: Document,
    base: Held | None,
    theirs: Held | None,
    yours: str | None,
) -> Conflict:
    blobs = _blob(base), _blob(theirs)
    before, now = (
        document.text_of(repository.store.blob(blob)) if blob else None for blob in blobs
    )
    merge = merge_texts(before, now, yours)
    return Conflict(document.path, before, now, yours, merge.text, merge.with_markers)
