"""When each version of a prompt was in production, and what took it there and away again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from prompt_repo.model import Commit, Held
from prompt_repo.releases import Did, what_did
from prompt_repo.repository import PRODUCTION, Repository

MOST = 100  # of one prompt, the newest


@dataclass(frozen=True, slots=True)
class Deployment:
    """One stay of a version in production; `ended` and `ended_by` are None while it lasts."""

    version: Held
    began: Commit
    began_by: Did
    ended: Commit | None = None
    ended_by: Did | None = None

    @property
    def since(self) -> datetime:
        """When the stay began."""
        return self.began.committed_at

    @property
    def until(self) -> datetime | None:
        """When another version took its place."""
        return self.ended.committed_at if self.ended else None


def deployments(repository: Repository, path: str) -> tuple[Deployment, ...]:
    """The stays of a prompt's versions in production, newest first; removals are stays too."""
    return tuple(_stays(repository, path))


def _stays(repository: Repository, path: str) -> Iterator[Deployment]:
    head = repository.head(PRODUCTION)
    repository.history.ensure(head)
    ended: Commit | None = None
    ended_by: Did | None = None
    for oid, version in repository.history.stays(head, path, MOST):
        began = repository.store.header(oid)
        did, _ = what_did(began)
        if version is not None:
            yield Deployment(version, began, did, ended, ended_by)
        ended, ended_by = began, did
