"""The page of background jobs, and what an admin does there."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq.executions import Execution
from rq.job import JobStatus
from sqlalchemy import select

from tests.preview_world import World, world
from tests.web import person
from webapp.access import Role
from webapp.queue import SYNCS, UPKEEP
from webapp.records.staging_models import AccessAttempt
from webapp.staging_config import change

NOBODYS = str(uuid.UUID(int=9))
"""A preview that there is none of: a job about it fails."""


@pytest.fixture
def here(tmp_path: Path, redis_url: str) -> Iterator[World]:
    with world(tmp_path, redis_url) as made:
        yield made


def queue(here: World) -> None:
    here.jobs.enqueue(UPKEEP, "release_preview", NOBODYS, ident="job-1", seconds=60)


def counts(here: World) -> tuple[int, int]:
    """How many upkeep jobs wait, and how many failed."""
    found = next(each for each in here.jobs.overview().counts if each.name == UPKEEP)
    return found.waiting, found.failed


def test_a_failed_job_is_shown_with_its_reason_and_runs_again(here: World) -> None:
    """By one press it waits once more; it is one job, not two."""
    queue(here)
    here.work()
    page = here.admin.get("/jobs").text
    failed = counts(here)

    again = here.admin.post("/jobs/job-1/again")
    waits = counts(here)
    here.work()

    assert ("Release preview" in page, "PreviewNotFound" in page) == (True, True)
    assert "Queued again." in here.admin.get(again.headers["Location"]).text
    assert ((0, 1), (1, 0), (0, 1)) == (failed, waits, counts(here))


def test_a_job_whose_worker_died_says_so_in_plain_words(here: World) -> None:
    """Not in those that the queue's library has for it."""
    queue(here)
    there = here.jobs.queues((UPKEEP,))[0]
    job = there.fetch_job("job-1")
    assert job is not None
    there.remove(job)
    with there.connection.pipeline() as pipeline:  # as a worker that began it and went away
        execution = Execution.create(job=job, ttl=60, pipeline=pipeline)
        there.started_job_registry.add_execution(execution, pipeline=pipeline, ttl=60)
        job.set_status(JobStatus.STARTED, pipeline=pipeline)
        pipeline.execute()
    there.started_job_registry.cleanup(timestamp=int(time.time()) + 3_600)

    page = here.admin.get("/jobs").text

    assert (0, 1) == counts(here)
    assert "Its worker ended or was killed before it was done" in page
    assert "AbandonedJobError" not in page


def test_a_failed_job_is_forgotten(here: World) -> None:
    """It leaves the list; what it was to do stays undone, and pressing twice says so."""
    queue(here)
    here.work()

    first = here.admin.post("/jobs/job-1/forget")
    told = here.admin.get(first.headers["Location"]).text
    second = here.admin.post("/jobs/job-1/forget")

    assert ("Taken off the list." in told, (0, 0)) == (True, counts(here))
    assert "no longer among those that failed" in here.admin.get(second.headers["Location"]).text


@pytest.mark.parametrize("step", ["again", "forget"])
def test_a_job_that_did_not_fail_is_left_alone(here: World, step: str) -> None:
    """One that waits goes on waiting."""
    queue(here)

    answer = here.admin.post(f"/jobs/job-1/{step}")

    assert "no longer among those that failed" in here.admin.get(answer.headers["Location"]).text
    assert (1, 0) == counts(here)


def test_a_waiting_job_is_stopped_before_it_begins(here: World) -> None:
    """Nothing is left of it; one that is nowhere is no error."""
    queue(here)

    stopped = [here.admin.post("/jobs/job-1/stop").status_code for _ in range(2)]

    assert ([303, 303], (0, 0)) == (stopped, counts(here))


def test_jobs_are_an_admins(here: World) -> None:
    """A reviewer neither sees nor touches them."""
    queue(here)
    reviewer = person(here.app, Role.REVIEWER)

    seen = [reviewer.get("/jobs").status_code, reviewer.post("/jobs/job-1/stop").status_code]

    assert ([403, 403], (1, 0)) == (seen, counts(here))


def test_jobs_of_syncs_are_staging_s(here: World) -> None:
    """An admin at another host neither sees nor touches them, and the attempt is logged."""
    here.jobs.enqueue(SYNCS, "release_preview", NOBODYS, ident="sync-1", seconds=60)
    queue(here)
    here.work()
    before = here.admin.get("/jobs").text
    change(here.records, here.settings, {"admin_subdomain": "qa.studio.example"}, "person:ada")

    after = here.admin.get("/jobs").text
    done = [here.admin.post(f"/jobs/sync-1/{each}") for each in ("again", "stop", "forget")]

    assert ("sync-1" in before, "sync-1" in after, "job-1" in after) == (True, False, True)
    assert [403] * 3 == [each.status_code for each in done]
    assert here.jobs.find("sync-1") is not None
    with here.records.reading() as session:
        seen = {each.path: each.outcome for each in session.scalars(select(AccessAttempt))}
    assert seen == {f"/jobs/sync-1/{each}": "refused" for each in ("again", "stop", "forget")}
