"""Originals and the key stay where they are, also when a sync goes wrong in ways nobody foresaw."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.staging_world import KEY, Staging, staging_world
from webapp import rules_pages, sync_job, sync_parts, syncs
from webapp.queue import SYNCS
from webapp.records.staging_models import Sync, SyncStatus

ORIGINAL = "ada.lovelace@real.example"


@pytest.fixture
def world(tmp_path: Path, redis_url: str) -> Iterator[Staging]:
    with staging_world(tmp_path, redis_url, log=str(tmp_path / "log")) as made:
        yield made


def told(world: Staging, ident: str) -> str:
    """What a job left: in Redis, in the log, in the records, and on the page of jobs."""
    job = Job.fetch(ident, connection=world.here.jobs.redis, serializer=JSONSerializer)
    result = job.latest_result()
    records = [each.read_bytes() for each in world.here.settings.data.glob("records*")]
    raw = b"".join(world.here.jobs.redis.hgetall(job.key).values())
    log = (world.production.parent / "log").read_text()
    shown = world.here.admin.get("/jobs").text
    left = b"".join([raw, *records]).decode(errors="replace")
    return f"{job.args} {result and result.exc_string} {log} {shown} {left}"


def fails(*_: object) -> None:
    raise ValueError(f"invalid literal for int() with base 10: {ORIGINAL!r}")


def test_a_fault_is_told_without_its_words(world: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its type and where it was are told; the value that it quotes is nowhere."""
    monkeypatch.setattr(sync_job, "_run", fails)
    made = world.start()
    world.here.work((SYNCS,))

    found, left = world.sync(made.id), told(world, syncs.job_of(world.sync(made.id)))
    assert SyncStatus.FAILED == found.status
    assert "the program failed (ValueError); its log says where" == found.error_message
    assert "ValueError in sync_job.py:" in left
    assert ORIGINAL not in left
    assert KEY not in left


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.InvalidTextRepresentation(f'invalid input syntax: "{ORIGINAL}"'),
        KeyError(ORIGINAL),
    ],
)
def test_neither_does_a_part_that_fails(
    world: Staging, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Whether a database said it, or the program."""

    def fill(*_: object) -> None:
        raise error

    monkeypatch.setattr(sync_parts, "_fill", fill)
    made = world.start()
    sync = syncs.begin(world.here.records, made.id)
    assert isinstance(sync, Sync)
    numbers = (str(sync.attempts), "1", "0")
    world.here.jobs.enqueue(
        SYNCS, "fill_sync_part", sync.id, "users", *numbers, "snapshot", ident="part", seconds=60
    )
    world.here.work((SYNCS,))

    left = told(world, "part")
    assert "DatabaseFailed" in left or "KeyError in sync_parts.py:" in left
    assert ORIGINAL not in left


def test_neither_does_a_page_of_staging(world: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has the place and the request's id, which the page shows."""
    monkeypatch.setattr(rules_pages, "_page", fails)
    app = world.here.app
    app.config["PROPAGATE_EXCEPTIONS"] = False

    answer = world.here.admin.get("/staging/rules")

    log = (world.production.parent / "log").read_text()
    assert 500 == answer.status_code
    assert "ValueError in " in log
    assert ORIGINAL not in f"{log} {answer.text}"
