"""Previews for tests: an application with a real Redis, and a worker that empties its queues."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import redis
from flask import Flask
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from prompt_repo.repository import Repository
from tests.factories import make_repository, put
from tests.web import Browser, make_app, person, services
from webapp import previews
from webapp.access import Caller, Role
from webapp.config import Settings, environment_of
from webapp.previews import Wanted
from webapp.queue import QUEUES, Jobs
from webapp.records import Records
from webapp.records.preview_models import Preview
from webapp.video import Brief

SAM = Caller(actor="person:sam", name="sam")
ANGRY = "{character_name} fumes. Slow push-in. Then a breath."


@dataclass
class World:
    """The application, and what there is to do with it."""

    app: Flask
    repository: Repository
    admin: Browser

    @property
    def settings(self) -> Settings:
        return services(self.app).settings

    @property
    def records(self) -> Records:
        return services(self.app).records

    @property
    def jobs(self) -> Jobs:
        return Jobs(services(self.app).redis)

    def ask(self, text: str = ANGRY, who: str = "aria", emotion: str = "angry") -> Preview:
        """Asks as the editor does; gives the preview."""
        answer = self.admin.post(
            f"/environments/staging/characters/{who}/{emotion}/test", text=text
        )
        assert answer.status_code == 303, answer.text
        return self.preview(answer.headers["Location"].rpartition("/")[2])

    def preview(self, ident: str) -> Preview:
        return previews.find(self.records, ident)

    def work(self, queues: Sequence[str] = QUEUES) -> None:
        """Runs every job that waits, in this process."""
        with mock.patch.dict(os.environ, environment_of(self.settings)):
            worker = SimpleWorker(
                self.jobs.queues(queues), connection=self.jobs.redis, serializer=JSONSerializer
            )
            worker.work(burst=True, logging_level="ERROR")


@contextmanager
def world(folder: Path, redis_url: str, **settings: Any) -> Iterator[World]:
    """An application over aria, bolt and an angry default."""
    repository = make_repository(folder, ("aria", "bolt"))
    put(repository, {"defaults/angry": "{character_name} is angry.", "aria/angry": ANGRY})
    put(repository, {"aria/angry": f"{ANGRY} Hold."})
    usual = {"video_size": "320x180", "video_seconds": "1"}
    app = make_app(folder, redis_url=redis_url, **(usual | settings))
    yield World(app, repository, person(app, Role.ADMIN))


def wanted(text: str = "Aria fumes.", environment: str = "staging", **more: Any) -> Wanted:
    """Something to preview, without a repository."""
    brief = Brief(text, "Aria", "angry", "Angry", "#dc2626")
    usual = {
        "environment": environment, "character_id": "aria", "brief": brief, "prompt_text": text,
        "origin": "typed", "version": 1, "commit": "0" * 40, "service": "local",
        "service_settings": {"size": "320x180"},
    }  # fmt: skip
    return Wanted(**(usual | more))


def answers(client: "redis.Redis") -> bool:
    """Whether a Redis is there."""
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
