"""Change requests brought home: updated from their base, decided, merged; hotfixes to staging too.

What a merge puts into an environment is, blob by blob, what the change request's head holds: where
both sides changed one document, it is updated first, and the joined text reviewed like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prompt_repo import documents
from prompt_repo.change_checks import problems
from prompt_repo.changes import (
    FOLDER,
    Comparison,
    branch_of,
    compare,
    fork_of,
    require_head,
    slug_of,
    verdict,
)
from prompt_repo.dependencies import check_result
from prompt_repo.document_merging import UNDECIDED, Choices
from prompt_repo.errors import (
    ChangeMoved,
    InvalidDocument,
    MergeConflicts,
    NothingProposed,
    Problem,
    RefMoved,
    UpdateNeeded,
)
from prompt_repo.layout import place_of
from prompt_repo.model import Author, Commit, Prompt
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.tagging import tag
from prompt_repo.trailers import CHANGE_REQUEST, HOTFIX_FROM, REVIEWED_BY, with_trailers
from prompt_repo.tree_merging import merge as merge_trees


@dataclass(frozen=True, slots=True)
class Order:
    """What is merged: a change request's branch at the head that was reviewed, and its record."""

    slug: str
    head: str
    base: str
    number: int
    title: str
    text: str = ""
    reviewers: Sequence[Author] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: its commit on the base, and what of a hotfix came to staging.

    `staged` is the commit on staging; `left` the slug of the change request for the rest.
    """

    commit: Commit
    before: str
    staged: Commit | None = None
    left: str | None = None
    left_paths: tuple[str, ...] = ()


def update(
    repository: Repository,
    slug: str,
    base: str,
    head: str,
    author: Author,
    choices: Choices = UNDECIDED,
    seen: str | None = None,
) -> Commit:
    """Merges the base into a change request's branch; `choices` decide conflicts.

    In choices and conflicts, ours is the change request's side, theirs the base's. `seen` is
    the commit of the base on which the choices were made. Raises MergeConflicts for what is left
    to decide, ChangeMoved where head or base isn't there any more, InvalidDocument, NothingProposed
    where it holds all of its base already.
    """
    with repository.store.locked():
        branch = require_head(repository, slug, head)
        theirs = repository.head(base)
        if seen is not None and seen != theirs:
            raise ChangeMoved(base, theirs)
        if repository.store.is_ancestor(theirs, head):
            raise NothingProposed
        merged = merge_trees(repository, head, theirs, choices)
        if merged.conflicts:
            raise MergeConflicts([each.path for each in merged.conflicts])
        _check_written(merged.changes)
        words = f"Bring {base} into {branch.removeprefix(FOLDER)}"
        return _write(repository, branch, head, merged.changes, author, words, (theirs,))


def merge(repository: Repository, order: Order, author: Author) -> Merged:
    """Merges a change request into its base by a merge commit with our trailers.

    Raises ChangeMoved, MergeConflicts, UpdateNeeded, NothingProposed, InvalidDocument,
    RepositoryBusy.
    """
    with repository.store.locked():
        require_head(repository, order.slug, order.head)
        before = repository.head(order.base)
        comparison = compare(repository, before, order.head)
        _require_mergeable(repository, comparison)
        try:
            commit = repository.store.write(
                order.base,
                before,
                {},
                existing={change.path: change.new for change in comparison.files},
                author=author,
                message=message_of(order),
                extra_parents=(order.head,),
            )
        except RefMoved as moved:
            raise ChangeMoved(order.base, moved.found) from moved
        repository.written(order.base, commit)
        if order.base != PRODUCTION:
            return Merged(commit, before)
        tag(repository, before, commit.oid)
        return _bring_to_staging(repository, order, comparison, commit, author)


def message_of(order: Order) -> str:
    """A merge commit's message: title, text, and the trailers that tell where it came from."""
    trailers = [(CHANGE_REQUEST, f"{order.number}")]
    trailers += [(REVIEWED_BY, " ".join(str(each).split())) for each in order.reviewers]
    words = [f"Merge change request {order.number}: {order.title}", order.text]
    return with_trailers("\n\n".join(filter(None, words)), trailers)


def _require_mergeable(repository: Repository, comparison: Comparison) -> None:
    if not comparison.files:
        raise NothingProposed
    found = verdict(repository, comparison)
    if found.conflicts:
        raise MergeConflicts([each.path for each in found.conflicts])
    if found.joined:
        raise UpdateNeeded(found.joined)
    wrong = problems(repository, comparison)
    if wrong:
        raise InvalidDocument(wrong)


def _check_written(changes: Mapping[str, bytes | None]) -> None:
    """Raises InvalidDocument for a text that somebody decided on and that can't stand."""
    wrong = []
    for path, raw in changes.items():
        if raw is None or place_of(path) is None:
            continue
        value = documents.parse(raw, path)
        if isinstance(value, Prompt) and not value.text.strip():
            wrong.append(Problem(path, "the text must not be blank", field="prompt"))
    if wrong:
        raise InvalidDocument(wrong)


def _bring_to_staging(
    repository: Repository,
    order: Order,
    comparison: Comparison,
    commit: Commit,
    author: Author,
) -> Merged:
    """A hotfix's paths, and only those, to staging; what moved there becomes a change request."""
    staging = repository.head(STAGING)
    now = {change.path: _blob(repository, staging, change.path) for change in comparison.files}
    clean = {
        change.path: change.new
        for change in comparison.files
        if now[change.path] == change.old != change.new
    }
    left = {
        change.path: change.new
        for change in comparison.files
        if now[change.path] not in (change.old, change.new)
    }
    if clean and _wrong_in_staging(repository, order.head, list(clean)):
        clean, left = {}, {**clean, **left}
    staged = None
    if clean:
        words = f"Hotfix {order.number}: {order.title}"
        staged = _write(repository, STAGING, staging, {}, author, _from(words, commit), (), clean)
        repository.written(STAGING, staged)
    if not left:
        return Merged(commit, comparison.base, staged)
    slug = _propose_rest(repository, order, comparison, commit, left, author)
    return Merged(commit, comparison.base, staged, slug, tuple(sorted(left)))


def _wrong_in_staging(repository: Repository, head: str, paths: Sequence[str]) -> bool:
    """Whether staging would be broken by these paths as they are at a head."""
    try:
        check_result(repository, repository.current(STAGING), head, paths)
    except InvalidDocument:
        return True
    return False


def _propose_rest(
    repository: Repository,
    order: Order,
    comparison: Comparison,
    commit: Commit,
    left: Mapping[str, str | None],
    author: Author,
) -> str:
    """Opens a branch with what of a hotfix conflicts in staging; gives its slug.

    It begins where the environments last met, so that both edits stand side by side in it, and
    nothing else of production comes along.
    """
    path = repository.store.path
    fork = fork_of(path, comparison.base, repository.head(STAGING)) or repository.head(STAGING)
    slug = slug_of(f"hotfix-{order.number}-in-staging")
    number = 1
    while repository.store.head(branch_of(slug)) is not None:
        number += 1
        slug = slug_of(f"hotfix-{order.number}-in-staging-{number}")
    branch = branch_of(slug)
    repository.store.create_branch(branch, fork)
    words = _from(f"Hotfix {order.number}: {order.title}", commit)
    _write(repository, branch, fork, {}, author, words, (), left)
    return slug


def _from(words: str, commit: Commit) -> str:
    return with_trailers(words, [(HOTFIX_FROM, commit.oid)])


def _write(
    repository: Repository,
    branch: str,
    head: str,
    changes: Mapping[str, bytes | None],
    author: Author,
    message: str,
    parents: tuple[str, ...] = (),
    existing: Mapping[str, str | None] | None = None,
) -> Commit:
    try:
        commit = repository.store.write(
            branch,
            head,
            changes,
            author=author,
            message=message,
            extra_parents=parents,
            existing=existing or {},
        )
    except RefMoved as moved:  # a push by plain git came in between
        raise ChangeMoved(branch, moved.found) from moved
    repository.history.record(commit)
    return commit


def _blob(repository: Repository, commit: str, path: str) -> str | None:
    repository.history.ensure(commit)
    held = repository.history.held(commit, path)
    return held.blob if held is not None else None
