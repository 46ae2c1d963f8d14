"""Change requests: a branch with proposed edits, and what it would change in its environment.

A change request is a branch `changes/<slug>` that began at some commit of its base environment.
What it proposes is what differs between that fork and its head; what its base did since is not
its doing.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path

from prompt_repo import documents, git_log, git_merging
from prompt_repo.catalogue import Catalogue, advanced, blobs_of
from prompt_repo.document_merging import FieldConflict
from prompt_repo.editing import AnyEdit, Edit
from prompt_repo.editing import planned as checked
from prompt_repo.errors import (
    ChangeMoved,
    Conflict,
    EditConflict,
    InvalidReason,
    NothingProposed,
    RefMoved,
    RevisionNotFound,
)
from prompt_repo.expectations import ANYTHING, AtCommit
from prompt_repo.layout import ENVIRONMENTS, is_branch, place_of
from prompt_repo.merging import merge_texts
from prompt_repo.model import Author, Commit, FileChange, Prompt
from prompt_repo.reasons import check_reason, default_reason
from prompt_repo.repository import Repository
from prompt_repo.tree_merging import merge

FOLDER = "changes/"
SLUG = 60  # characters of a slug made from a title
COMMITS = 250  # of one change request that are listed
TITLE_LENGTH, TEXT_LENGTH = 200, 10_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A new change request's slug, the commit it began at, and its first commit."""

    slug: str
    fork: str
    head: str


@dataclass(frozen=True)
class Comparison:
    """What a head proposes to a commit of its base: the files that differ since their fork.

    `fork` is None where the two have no ancestor in common.
    """

    base: str
    head: str
    fork: str | None
    files: tuple[FileChange, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that differ."""
        return tuple(change.path for change in self.files)

    @cached_property
    def fingerprint(self) -> str:
        """What was reviewed, whichever commits it came in: the same while no proposed file is."""
        lines = (f"{each.path}\0{each.old}\0{each.new}" for each in self.files)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a change request goes together with its base.

    `conflicts` have the base's side as ours, the change request's as theirs. `joined` are
    documents that both changed in different places, so that a merge makes a new text.
    """

    conflicts: tuple[FieldConflict, ...]
    joined: tuple[str, ...]
    behind: int


def slug_of(title: str) -> str:
    """A title as the end of a branch's name; `change` where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG].strip("-")
    return slug or "change"


def branch_of(slug: str) -> str:
    """The branch of a change request; raises RevisionNotFound for what can't be one's slug."""
    branch = FOLDER + slug
    if not is_branch(branch):
        raise RevisionNotFound(branch)
    return branch


def check_title(title: str) -> str:
    """A title as it is kept: one line of 1 to 200 characters; raises InvalidReason."""
    words = check_text(" ".join(title.split()))
    if not words:
        raise InvalidReason("a change request needs one", "an empty title")
    if len(words) > TITLE_LENGTH:
        why = f"it has {len(words):,} characters, {TITLE_LENGTH} are allowed"
        raise InvalidReason(why, "this title")
    return words


def check_text(text: str) -> str:
    """What somebody writes about a change request, as it is kept; raises InvalidReason."""
    return check_reason(text, TEXT_LENGTH)


def propose(
    repository: Repository,
    base: str,
    slug: str,
    edits: Sequence[AnyEdit],
    author: Author,
    reason: str = "",
) -> Opened:
    """Opens a branch at an environment's head and commits edits to it; all of it, or nothing.

    An edit's expectation is held against the environment. Where a prompt moved there since
    its `AtCommit`, the branch begins at that commit instead: then it is a conflict of the change
    request, and nobody has to decide before proposing. A taken slug gets a number.

    Raises NothingProposed, RevisionNotFound, and what `editing.save` raises.
    """
    message = check_reason(reason)
    with repository.store.locked():
        fork, edits = _fork(repository, base, edits)
        planned = checked(repository, base, fork, edits)
        if not planned:
            raise NothingProposed
        branch = branch_of(free(repository, slug))
        repository.store.create_branch(branch, fork.commit)
        words = message or default_reason(planned)
        head = _write(repository, branch, fork.commit, planned, author, words)
    return Opened(branch.removeprefix(FOLDER), fork.commit, head.oid)


def add(
    repository: Repository, slug: str, edits: Sequence[AnyEdit], author: Author, reason: str = ""
) -> Commit:
    """Commits more edits to a change request's branch.

    An `AtCommit` may name any commit here: what counts is whether the prompt stands on the
    branch as it stood there. Raises NothingProposed, EditConflict, and what `editing.save` raises.
    """
    branch, message = branch_of(slug), check_reason(reason)
    with repository.store.locked():
        now = repository.catalogue(repository.head(branch))
        conflicts = [each for edit in edits for each in _moved(repository, now, edit)]
        if conflicts:
            raise EditConflict(conflicts, now.commit)
        planned = checked(repository, branch, now, [_unbound(edit) for edit in edits])
        if not planned:
            raise NothingProposed
        words = message or default_reason(planned)
        return _write(repository, branch, now.commit, planned, author, words)


def compare(repository: Repository, base: str, head: str) -> Comparison:
    """What a head proposes to a commit of its base; work grows with what differs."""
    fork = fork_of(repository.store.path, base, head)
    return Comparison(base, head, fork, tuple(repository.store.changed(fork, head)))


@lru_cache(maxsize=4096)  # of commits, which never change
def fork_of(path: Path, base: str, head: str) -> str | None:
    """Where two commits parted: their merge base, the first of several, None without any."""
    found = git_merging.merge_bases(path, base, head)
    return found[0] if found else None


def verdict(repository: Repository, comparison: Comparison) -> Verdict:
    """Whether a change request still fits its base, and how far that has moved on."""
    store = repository.store
    merged = merge(repository, comparison.base, comparison.head)
    proposed = {change.path: change.new for change in comparison.files}
    disputed = {conflict.path for conflict in merged.conflicts}
    joined = [
        path
        for path, raw in merged.changes.items()
        if path not in disputed and raw != _bytes(repository, proposed.get(path))
    ]
    behind = git_merging.count_between(store.path, comparison.head, comparison.base)
    return Verdict(merged.conflicts, tuple(sorted(joined)), behind)


def commits(repository: Repository, comparison: Comparison) -> list[Commit]:
    """The commits that a change request brings, newest first, at most 250."""
    found = git_log.log_raw(repository.store.path, [comparison.head], [comparison.base])
    return list(islice(found, COMMITS))


def result(repository: Repository, comparison: Comparison) -> Catalogue:
    """The base as it would be with what is proposed put in; costs what differs."""
    for commit in (comparison.base, comparison.head):
        repository.history.ensure(commit)
    history, head = repository.history, comparison.head
    held = {path: history.held(head, path) for path in comparison.paths if place_of(path)}
    base = at(repository, comparison.base)
    return Catalogue(head, tables=advanced(base.tables, held, repository.parsed(blobs_of(held))))


def at(repository: Repository, commit: str) -> Catalogue:
    """The catalogue at a commit; an environment's own where it is at that commit."""
    for environment in ENVIRONMENTS:
        if repository.store.head(environment) == commit:
            return repository.current(environment)
    return repository.catalogue(commit)


def require_head(repository: Repository, slug: str, head: str) -> str:
    """The branch, where it is at the head that was looked at; raises ChangeMoved."""
    branch = branch_of(slug)
    now = repository.store.head(branch)
    if now != head:
        raise ChangeMoved(branch, now)
    return branch


def _write(
    repository: Repository,
    branch: str,
    head: str,
    files: Mapping[str, bytes | None],
    author: Author,
    message: str,
) -> Commit:
    try:
        commit = repository.store.write(branch, head, files, author=author, message=message)
    except RefMoved as moved:  # a push by plain git came in between
        raise ChangeMoved(branch, moved.found) from moved
    repository.history.record(commit)
    return commit


def free(repository: Repository, slug: str) -> str:
    """The slug, with a number where it is taken."""
    number, found = 1, slug
    while repository.store.head(branch_of(found)) is not None:
        number += 1
        found = f"{slug}-{number}"
    return found


def _fork(
    repository: Repository, base: str, edits: Sequence[AnyEdit]
) -> tuple[Catalogue, Sequence[AnyEdit]]:
    """Where a branch with these edits begins, and the edits as they are made there."""
    now = repository.current(base)
    moved = [edit for edit in edits if _moved(repository, now, edit)]
    seen = {edit.expect.commit for edit in edits if isinstance(edit.expect, AtCommit)}
    if not moved:
        return now, [_unbound(edit) for edit in edits]
    commit = next(each.expect.commit for each in moved if isinstance(each.expect, AtCommit))
    if len(seen) > 1 or not repository.has_held(base, commit):
        conflicts = [each for edit in moved for each in _moved(repository, now, edit)]
        raise EditConflict(conflicts, now.commit)
    return repository.catalogue(commit), edits


def _unbound(edit: AnyEdit) -> AnyEdit:
    return replace(edit, expect=ANYTHING) if isinstance(edit.expect, AtCommit) else edit


def _moved(repository: Repository, now: Catalogue, edit: AnyEdit) -> list[Conflict]:
    """The conflict of an edit whose prompt isn't as it was at the commit that it began from."""
    if not isinstance(edit.expect, AtCommit):
        return []
    path, seen = edit.path, edit.expect.commit
    repository.store.resolve(seen)
    repository.history.ensure(seen)
    blobs = [_blob(repository, commit, path) for commit in (seen, now.commit)]
    if blobs[0] == blobs[1]:
        return []
    base, theirs = (_text(repository, path, blob) for blob in blobs)
    yours = _wanted(repository, edit, blobs[0])
    if theirs == yours:
        return []
    merged = merge_texts(base, theirs, yours)
    return [Conflict(path, base, theirs, yours, merged.text, merged.with_markers)]


def _wanted(repository: Repository, edit: AnyEdit, blob: str | None) -> str | None:
    """The text that an edit of what a blob holds wants: a prompt's, else the file's."""
    if isinstance(edit, Edit):
        return edit.text
    return documents.edit(_bytes(repository, blob), edit.path, edit.who).decode()


def _blob(repository: Repository, commit: str, path: str) -> str | None:
    held = repository.history.held(commit, path)
    return held.blob if held is not None else None


def _text(repository: Repository, path: str, blob: str | None) -> str | None:
    if blob is None:
        return None
    raw = repository.store.blob(blob)
    value = documents.parse(raw, path)
    return value.text if isinstance(value, Prompt) else raw.decode()


def _bytes(repository: Repository, blob: str | None) -> bytes | None:
    return repository.store.blob(blob) if blob else None
