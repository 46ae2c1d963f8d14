"""What views are handed: one of each a process, made by create_app."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import redis
from flask import current_app

from prompt_repo.model import Commit
from prompt_repo.repository import Repository
from webapp.config import Settings
from webapp.queue import Jobs
from webapp.records import Records
from webapp.tokens import Tokens


class LazyRepository:
    """Opens the prompt repository at first use, so that the program starts without one."""

    def __init__(
        self,
        path: Path,
        written: Callable[[str, Commit], None] | None = None,
        reviewed: Collection[str] = (),
    ) -> None:
        self._path, self._lock, self._written = path, threading.Lock(), written
        self._reviewed = frozenset(reviewed)
        self._opened: Repository | None = None

    def get(self) -> Repository:
        """The one repository of this process; raises RepositoryNotFound."""
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    opened = Repository.open(self._path)
                    opened.listeners += [self._written] if self._written else []
                    opened.reviewed = self._reviewed
                    self._opened = opened
        return self._opened


@dataclass(frozen=True)
class Services:
    """All of them; `redis` is None where no address of one is set."""

    settings: Settings
    records: Records
    tokens: Tokens
    repository: LazyRepository
    redis: "redis.Redis | None"

    @cached_property
    def jobs(self) -> Jobs:
        """The queues of background jobs, which raise NoQueue where there is no Redis."""
        return Jobs(self.redis)


def services() -> Services:
    """What this application was made with."""
    found: Services = current_app.extensions["services"]
    return found


def settings() -> Settings:
    """This application's settings."""
    return services().settings


def records() -> Records:
    """The SQL database."""
    return services().records


def repository() -> Repository:
    """The prompt repository; raises RepositoryNotFound."""
    return services().repository.get()


def jobs() -> Jobs:
    """The queues of background jobs, which raise NoQueue where there is no Redis."""
    return services().jobs
