"""Finds the commits that the history index lacks, and takes them in a few at a time."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from prompt_repo import git_log
from prompt_repo.errors import RepositoryDamaged, RevisionNotFound
from prompt_repo.git_store import GitStore
from prompt_repo.history_build import Part, parents_first, take_all, take_parts, trailer_parents
from prompt_repo.history_rows import Rows
from prompt_repo.model import Commit
from prompt_repo.progress import Progress, counted, silent

NEAR = 50  # commits read one by one before `git log` is asked for all of them
INDEXING = "Indexing commits"


def take_reachable(
    rows: Rows, store: GitStore, tips: Iterable[str], progress: Progress = silent
) -> None:
    """Takes in all that is reachable from `tips`, in memory that does not grow with it.

    Raises RevisionNotFound for a tip that isn't there, RepositoryDamaged for a parent.
    """
    wanted = [tip for tip in tips if rows.find(tip) is None]
    near = _near(rows, store, wanted)
    if near is not None:
        take_parts(rows, _in_parts(store, parents_first(near)))
        return
    exclude = [oid for oid in rows.tips() if store.exists(oid)]
    total = git_log.count(store.path, wanted, exclude) if progress is not silent else None
    parts = counted(git_log.log_parts(store.path, wanted, exclude), INDEXING, total, progress)
    take_parts(rows, _named_first(rows, store, parts))


def _near(rows: Rows, store: GitStore, tips: Collection[str]) -> dict[str, Commit] | None:
    """The commits that aren't in, without their changes; None where they are many."""
    front = list(tips)
    found: dict[str, Commit] = {}
    while front:
        oid = front.pop()
        if oid in found or rows.find(oid) is not None:
            continue
        if len(found) == NEAR:
            return None
        found[oid] = commit = _header(store, oid, named=oid not in tips)
        front += [*_here(store, trailer_parents(commit)), *commit.parents]
    return found


def _header(store: GitStore, oid: str, *, named: bool) -> Commit:
    """A commit; raises RepositoryDamaged for one that another names and that isn't there."""
    try:
        return store.header(oid)
    except RevisionNotFound:
        if not named:
            raise
    raise RepositoryDamaged(f"commit {oid} is missing")


def _in_parts(store: GitStore, commits: Iterable[Commit]) -> Iterator[Part]:
    """Commits with their changes; a large one in several parts."""
    for commit in commits:
        changes = store.changes(commit)
        some = tuple(islice(changes, git_log.CHANGES))
        while len(some) == git_log.CHANGES:
            yield replace(commit, changes=some), True
            some = tuple(islice(changes, git_log.CHANGES))
        yield replace(commit, changes=some), False


def _named_first(rows: Rows, store: GitStore, parts: Iterable[Part]) -> Iterator[Part]:
    """Commits as git lists them; one that a trailer names, and that comes later, goes first."""
    for commit, more in parts:
        late = [oid for oid in _here(store, trailer_parents(commit)) if rows.find(oid) is None]
        if late and rows.find(commit.oid) is None:
            take_all(rows, parents_first(_all(rows, store, late)))
        yield commit, more


def _all(rows: Rows, store: GitStore, tips: Collection[str]) -> dict[str, Commit]:
    """All commits that aren't in and that `tips`, or trailers on the way there, lead to."""
    found: dict[str, Commit] = {}
    wanted = list(tips)
    while wanted:
        exclude = [oid for oid in (*rows.tips(), *found) if store.exists(oid)]
        found.update((each.oid, each) for each in git_log.log_raw(store.path, wanted, exclude))
        named = {oid for commit in found.values() for oid in trailer_parents(commit)}
        wanted = [oid for oid in _here(store, named - found.keys()) if rows.find(oid) is None]
    return found


def _here(store: GitStore, oids: Iterable[str]) -> list[str]:
    return [oid for oid in oids if store.exists(oid)]
