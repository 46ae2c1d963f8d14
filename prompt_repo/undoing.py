"""A commit undone: what it changed is put back by another commit, unless it moved since."""

from collections.abc import Collection
from dataclasses import dataclass

from prompt_repo import editing
from prompt_repo.catalogue import Catalogue
from prompt_repo.editing import Outcome, Planned
from prompt_repo.errors import PromptRepoError, RevisionNotFound
from prompt_repo.layout import place_of
from prompt_repo.model import Author, Commit, FileChange
from prompt_repo.repository import Repository


class UndoConflict(PromptRepoError):
    """Some of what a commit changed is another by now; carries those paths."""

    def __init__(self, commit: str, paths: Collection[str]) -> None:
        self.commit, self.paths = commit, tuple(paths)
        named = ", ".join(self.paths[:5]) + (" and more" if len(self.paths) > 5 else "")
        super().__init__(
            f"{len(self.paths)} of what this commit changed is another by now: {named}; undo "
            "the rest, or look at these first"
        )


@dataclass(frozen=True)
class Undoing:
    """What undoing a commit would do: what is put back, and what moved since."""

    commit: Commit
    puts_back: tuple[FileChange, ...]
    moved: tuple[str, ...]


def look(repository: Repository, branch: str, oid: str) -> Undoing:
    """What undoing would do now; raises RevisionNotFound for a commit the branch never held."""
    if not repository.has_held(branch, oid):
        raise RevisionNotFound(oid, branch)
    return _looked(repository, repository.current(branch), oid)


def undo(
    repository: Repository,
    branch: str,
    oid: str,
    author: Author,
    reason: str,
    *,
    rest: bool = False,
) -> Outcome:
    """Puts back what a commit changed; with `rest`, only what did not move since.

    Raises UndoConflict, RevisionNotFound, and what `editing.save` raises.
    """
    if not repository.has_held(branch, oid):
        raise RevisionNotFound(oid, branch)

    def plan(now: Catalogue) -> Planned:
        found = _looked(repository, now, oid)
        if found.moved and not rest:
            raise UndoConflict(oid, found.moved)
        return {
            each.path: repository.store.blob(each.old) if each.old else None
            for each in found.puts_back
        }

    return editing.carry_out(repository, branch, plan, author, reason)


def _looked(repository: Repository, now: Catalogue, oid: str) -> Undoing:
    commit = repository.store.commit(oid)
    puts_back, moved = [], []
    for change in commit.changes:
        if place_of(change.path) is None:
            continue
        held = repository.history.held(now.commit, change.path)
        standing = held.blob if held is not None else None
        if standing == change.new:
            puts_back.append(change)
        elif standing != change.old:  # where it is as before already, there is nothing to do
            moved.append(change.path)
    return Undoing(commit, tuple(puts_back), tuple(moved))
