"""The annotated tag of each commit that moves production, and what such a commit did."""

from dataclasses import dataclass

from prompt_repo.model import Commit, Label
from prompt_repo.releases import label_of, notes_of
from prompt_repo.repository import Repository


@dataclass(frozen=True, slots=True)
class Promotion:
    """What a promotion or a roll-back did: its commit on production, and its tag.

    Where all that was named stays production's, the commit is staging's and there is no tag.
    """

    commit: Commit
    tag: str
    paths: tuple[str, ...]


def tag(repository: Repository, before: str, commit: str) -> str:
    """Names what a push brought to production as a promotion; gives the tag.

    It says who made the commit, and when: whoever promoted in a clone has the very same tag.
    Raises RevisionNotFound, RepositoryBusy, StorageFailed.
    """
    with repository.store.locked():
        return tagged(repository, before, repository.store.commit(commit)).tag


def tagged(repository: Repository, before: str, commit: Commit) -> Promotion:
    """Names a commit on production that is there already; call it under the writers' lock."""
    label = label_of(repository, commit.message, notes_of(repository, before, commit))
    repository.store.tag(
        label.name,
        commit.oid,
        who=commit.author,
        message=label.message,
        at=commit.committed_at,
    )
    return promotion_of(commit, label)


def promotion_of(commit: Commit, label: Label) -> Promotion:
    """What a commit on production did, with its tag."""
    return Promotion(commit, label.name, tuple(change.path for change in commit.changes))
