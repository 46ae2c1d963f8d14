"""Three-way merge of two commits, prompt by prompt: git's lines first, then our fields.

Paths that only one side changed are taken by their ids; neither texts nor git are looked at for
them. Of what both changed git merges the lines, so that where git is clean the result is git's
own; where it isn't, the documents are merged by field, and only what is left is a conflict.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from prompt_repo import documents, git_merging
from prompt_repo.document_merging import UNDECIDED, Choices, FieldConflict, merge_documents
from prompt_repo.errors import InvalidDocument
from prompt_repo.layout import place_of
from prompt_repo.repository import Repository

Blobs = tuple[str | None, str | None, str | None]
"""A file at the base, in ours and in theirs."""


@dataclass(frozen=True, slots=True)
class TreeMerge:
    """What merging changes in our commit (None: the file goes), and what needs a choice.

    Where there are conflicts, `changes` hold our side of the fields they are about.
    """

    changes: Mapping[str, bytes | None]
    conflicts: tuple[FieldConflict, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is left to decide."""
        return not self.conflicts


def merge(
    repository: Repository, ours: str, theirs: str, choices: Choices = UNDECIDED
) -> TreeMerge:
    """Merges `theirs` into `ours`, two full commit ids; `choices` decide fields that conflict.

    Raises RevisionNotFound, GitFailed, GitMissing.
    """
    store = repository.store
    bases = git_merging.merge_bases(store.path, ours, theirs)
    at_bases = [_at(repository, base, ours, theirs) for base in bases]
    changes: dict[str, bytes | None] = {}
    disputed: dict[str, Blobs] = {}
    crossed: dict[str, Blobs] = {}
    for change in store.changed(ours, theirs):
        before = {blobs.get(change.path, change.old) for blobs in at_bases} or {None}
        if len(before) > 1:
            crossed[change.path] = (None, change.old, change.new)
            continue
        (base,) = before
        if change.old == base:
            changes[change.path] = store.blob(change.new) if change.new else None
        elif change.new != base:
            disputed[change.path] = (base, change.old, change.new)
    conflicts = list(_settle(repository, disputed, changes, choices))
    conflicts += _settle_crossed(repository, ours, theirs, crossed, changes, choices)
    return TreeMerge(changes, tuple(sorted(conflicts, key=lambda each: (each.path, each.field))))


def _at(repository: Repository, base: str, ours: str, theirs: str) -> dict[str, str | None]:
    """The blobs at a merge base of the paths where either side differs from it."""
    found = {change.path: change.old for change in repository.store.changed(base, ours)}
    return found | {change.path: change.old for change in repository.store.changed(base, theirs)}


def _settle(
    repository: Repository,
    disputed: Mapping[str, Blobs],
    changes: dict[str, bytes | None],
    choices: Choices,
) -> Iterator[FieldConflict]:
    """Merges what both sides changed since one base; results go to `changes`."""
    edited = {path: (b, o, t) for path, (b, o, t) in disputed.items() if b and o and t}
    merged = git_merging.merge_files(repository.store.path, list(edited.values()))
    by_lines = dict(zip(edited, merged, strict=True))
    for path, blobs in disputed.items():
        yield from _settle_one(repository, path, blobs, by_lines.get(path), changes, choices)


def _settle_crossed(
    repository: Repository,
    ours: str,
    theirs: str,
    crossed: Mapping[str, Blobs],
    changes: dict[str, bytes | None],
    choices: Choices,
) -> Iterable[FieldConflict]:
    """Merges what the merge bases of a criss-cross history disagree on, one by one."""
    if not crossed:
        return
    store = repository.store
    history = git_merging.points(store.path, ours, theirs)
    last = {ours: 1, theirs: 2}
    history.sort(key=lambda point: last.get(point.oid, 0))
    files = {point.oid: dict(store.files(point.oid)) for point in history}
    for path, blobs in crossed.items():
        at = {point.oid: files[point.oid].get(path) for point in history}
        merged = git_merging.merge_crossed(store.path, history, at)
        yield from _settle_one(repository, path, blobs, merged, changes, choices)


def _settle_one(
    repository: Repository,
    path: str,
    blobs: Blobs,
    by_lines: bytes | None,
    changes: dict[str, bytes | None],
    choices: Choices,
) -> Iterable[FieldConflict]:
    base, ours, theirs = (repository.store.blob(blob) if blob else None for blob in blobs)
    if by_lines is not None and _is_document(path, by_lines):
        changes[path] = by_lines
        return ()
    merged = merge_documents(path, base, ours, theirs, choices)
    if merged.raw != ours:
        changes[path] = merged.raw
    return merged.conflicts


def _is_document(path: str, raw: bytes) -> bool:
    """Whether git's merge of lines made a document; of foreign files git's word is taken."""
    if place_of(path) is None:
        return True
    try:
        documents.parse(raw, path)
    except InvalidDocument:
        return False
    return True
