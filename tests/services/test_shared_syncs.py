"""One sync shared by two real workers: parts of its tables are jobs of their own."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq import Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.servers import Postgres
from tests.services.test_jobs import SOON, until, working
from tests.staging_world import Staging, staging_world
from tests.sync.databases import ask, carry_out, checksum
from webapp import sync_progress, sync_rules
from webapp.queue import SYNCS
from webapp.records.staging_models import Sync, SyncStatus

pytestmark = pytest.mark.slow
PEOPLE, NOTES = 30_000, 60_000
ROWS = f"""
CREATE TABLE people (id integer PRIMARY KEY, name text NOT NULL, email text UNIQUE);
CREATE TABLE notes (id integer PRIMARY KEY, person integer REFERENCES people, said text);
INSERT INTO people
  SELECT n, 'Ada Nr ' || n, 'ada' || n || '@old.test' FROM generate_series(1, {PEOPLE}) n;
INSERT INTO notes SELECT n, 1 + n % {PEOPLE}, repeat('met Ada Nr ' || n || ' twice. ', 8)
  FROM generate_series(1, {NOTES}) n;
ANALYZE;
"""
RULES = """
version: 1
tables:
  people: {columns: {id: keep, name: full_name, email: email}}
  notes: {columns: {id: keep, person: keep, said: text}}
"""


@pytest.fixture
def world(tmp_path: Path, redis_url: str, postgres: Postgres) -> Iterator[Staging]:
    """Production and staging in PostgreSQL; what is noted takes its time, row by row."""
    live = postgres.create()
    carry_out(live, ROWS)
    with staging_world(
        tmp_path, redis_url, production_database_url=live, job_lost_after=SOON,
        sync_mapping="tags",
    ) as made:  # fmt: skip
        made.configure(database_url=postgres.create())
        sync_rules.save(made.here.records, RULES, {}, "person:ada", "By hand", 1)
        yield made


def _urls(world: Staging) -> tuple[str, str]:
    return world.here.settings.production_database_url, world.config.database_url


def _filled_by_jobs(world: Staging) -> int:
    """How many rows the jobs of parts filled."""
    (queue,) = world.here.jobs.queues([SYNCS])
    jobs = [
        Job.fetch(ident, connection=world.here.jobs.redis, serializer=JSONSerializer)
        for ident in queue.finished_job_registry.get_job_ids()
    ]
    return sum(int(job.return_value() or 0) for job in jobs if "fill_sync_part" in job.func_name)


def _alone(world: Staging, postgres: Postgres) -> str:
    """The checksum of what one worker makes of it."""
    world.configure(database_url=postgres.create())
    made = world.run(share="no")
    assert SyncStatus.COMPLETED == made.status
    return checksum(world.config.database_url)


def _assert_as_alone(world: Staging, postgres: Postgres, made: Sync) -> None:
    """Every row was counted once, and staging holds what one worker makes of it."""
    assert PEOPLE + NOTES == sum(counts["inserted"] for counts in made.counts.values())
    filled = checksum(_urls(world)[1])
    assert filled == _alone(world, postgres)


def _under_way(world: Staging, made: Sync) -> bool:
    return sync_progress.read(world.here.jobs.redis, made.id).done > 5_000


def _helpers(world: Staging) -> list[int]:
    """The processes of jobs that fill parts."""
    return _processes(world, parts=True)


def _processes(world: Staging, *, parts: bool) -> list[int]:
    """The processes of jobs that fill parts, or of the one that sees to the whole sync."""
    found = []
    for worker in Worker.all(connection=world.here.jobs.redis):
        job = worker.get_current_job_id()
        if job and ("-part-" in job) == parts and worker.pid:
            children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
            found += [int(child) for child in children]
    return found


def test_two_workers_do_what_one_does(world: Staging, postgres: Postgres) -> None:
    """Row for row, with every row counted once; the next sync finds nothing to do."""
    with working(world.here, "--queues", "syncs", "--processes", "2"):
        until(lambda: world.here.jobs.hands(SYNCS) == 2)
        made = world.start()
        until(lambda: not world.sync(made.id).under_way)
        shared, helped = world.sync(made.id), _filled_by_jobs(world)
        again = world.start()
        until(lambda: not world.sync(again.id).under_way)

    assert (SyncStatus.COMPLETED, "") == (shared.status, shared.error_message)
    assert 0 < helped < PEOPLE + NOTES
    inserted = {name: counts["inserted"] for name, counts in shared.counts.items()}
    assert {"people": PEOPLE, "notes": NOTES} == inserted
    assert 0 == sum(counts["inserted"] for counts in world.sync(again.id).counts.values())
    filled = checksum(_urls(world)[1])
    assert filled == _alone(world, postgres)


def test_a_part_whose_worker_was_killed_is_filled_by_another(world: Staging) -> None:
    """SIGKILL of the process that fills a part: the sync comes to its end as if nothing was."""
    with working(world.here, "--queues", "syncs", "--processes", "2"):
        until(lambda: world.here.jobs.hands(SYNCS) == 2)
        made = world.start()
        until(lambda: _helpers(world))
        for pid in _helpers(world):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not world.sync(made.id).under_way)

    assert SyncStatus.COMPLETED == world.sync(made.id).status
    assert [(NOTES,)] == ask(_urls(world)[1], "SELECT count(*) FROM notes")


def test_cancelled_all_workers_stop_and_resumed_all_go_on(
    world: Staging, postgres: Postgres
) -> None:
    """What was filled stays; resumed, it comes to the same end, counted as one sync."""
    with working(world.here, "--queues", "syncs", "--processes", "2"):
        until(lambda: world.here.jobs.hands(SYNCS) == 2)
        made = world.start()
        until(lambda: _under_way(world, made))
        world.here.admin.post(f"/staging/syncs/{made.id}/cancel")
        until(lambda: not world.sync(made.id).under_way)
        stopped = world.sync(made.id).status
        world.here.admin.post(f"/staging/syncs/{made.id}/resume")
        until(lambda: not world.sync(made.id).under_way)

    resumed = world.sync(made.id)
    assert (SyncStatus.CANCELLED, SyncStatus.COMPLETED) == (stopped, resumed.status)
    _assert_as_alone(world, postgres, resumed)


def test_a_sync_whose_own_worker_was_killed_fails_and_goes_on_when_resumed(
    world: Staging, postgres: Postgres
) -> None:
    """While others fill its parts; what they filled stays, and it comes to the same end."""
    with working(world.here, "--queues", "syncs", "--processes", "2"):
        until(lambda: world.here.jobs.hands(SYNCS) == 2)
        made = world.start()
        until(lambda: _helpers(world) and _under_way(world, made))
        (own,) = _processes(world, parts=False)
        os.kill(own, signal.SIGKILL)
        until(lambda: world.sync(made.id).status == SyncStatus.FAILED)
        why = world.sync(made.id).error_message
        until(lambda: not _helpers(world))
        world.here.admin.post(f"/staging/syncs/{made.id}/resume")
        until(lambda: not world.sync(made.id).under_way)

    resumed = world.sync(made.id)
    assert (SyncStatus.COMPLETED, "") == (resumed.status, resumed.error_message)
    assert "worker" in why
    _assert_as_alone(world, postgres, resumed)
