"""What views are handed: one of each a process, made by create_app."""

import threading
from dataclasses import dataclass
from pathlib import Path

import redis
from flask import current_app

from prompt_repo.repository import Repository
from webapp.config import Settings
from webapp.records import Records
from webapp.tokens import Tokens


class LazyRepository:
    """Opens the prompt repository at first use, so that the program starts without one."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._opened: Repository | None = None

    def get(self) -> Repository:
        """The one repository of this process; raises RepositoryNotFound."""
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    self._opened = Repository.open(self._path)
        return self._opened


@dataclass(frozen=True)
class Services:
    """All of them; `redis` is None where no address of one is set."""

    settings: Settings
    records: Records
    tokens: Tokens
    repository: LazyRepository
    redis: "redis.Redis | None"


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
