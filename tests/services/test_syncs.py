"""Syncs by real workers: killed in the middle, cancelled in the middle, resumed to the same end."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync import demo
from tests.services.test_jobs import SOON, until, worker_pids, working
from tests.staging_world import Staging, staging_world
from tests.sync.databases import checksum
from webapp import sync_progress
from webapp.records.staging_models import Sync, SyncStatus

pytestmark = pytest.mark.slow
USERS, ASSIGNMENTS = 20_000, 60_000


@pytest.fixture
def world(tmp_path: Path, redis_url: str) -> Iterator[Staging]:
    """A production that takes some seconds to copy."""
    with staging_world(tmp_path, redis_url, job_lost_after=SOON) as made:
        made.production.unlink()
        demo.create(f"sqlite:///{made.production}", USERS, ASSIGNMENTS)
        yield made


def standing(world: Staging, made: Sync) -> sync_progress.Standing:
    return sync_progress.read(world.here.jobs.redis, made.id)


def test_a_killed_sync_fails_with_the_reason_and_resumes_to_the_same_end(
    world: Staging, tmp_path: Path
) -> None:
    """SIGKILL in mid-table: told on the page; resumed, staging is as if nothing had happened."""
    with working(world.here, "--queues", "syncs"):
        made = world.start()
        until(lambda: standing(world, made).done > 5_000)
        for pid in worker_pids(world.here):
            os.kill(pid, signal.SIGKILL)
        until(lambda: world.sync(made.id).status == SyncStatus.FAILED)
        told, killed = world.here.admin.get(f"/staging/syncs/{made.id}").text, world.sync(made.id)
        before = world.in_staging("SELECT count(*) FROM subscriptions")[0][0]
        world.here.admin.post(f"/staging/syncs/{made.id}/resume")
        until(lambda: world.sync(made.id).status == SyncStatus.COMPLETED)

    resumed = checksum(f"sqlite:///{world.staging}")
    for path in tmp_path.glob("copy.sqlite3*"):
        path.unlink()
    assert world.run().status == SyncStatus.COMPLETED
    assert "The worker that ran this sync ended before it was done" in told
    assert before > 0
    assert 5_000 < killed.records_synced == sum(each["seen"] for each in killed.counts.values())
    assert checksum(f"sqlite:///{world.staging}") == resumed
    assert world.sync(made.id).attempts == 2


def test_a_running_sync_stops_after_its_batch_when_cancelled(world: Staging) -> None:
    """By itself, with what it finished kept; resuming goes on from there."""
    with working(world.here, "--queues", "syncs"):
        made = world.start()
        until(lambda: standing(world, made).done > 5_000)
        world.here.admin.post(f"/staging/syncs/{made.id}/cancel")
        until(lambda: not world.sync(made.id).under_way)
        stopped = world.sync(made.id)
        in_staging = {
            name: world.in_staging(f"SELECT count(*) FROM {name}")[0][0] for name in stopped.counts
        }
        world.here.admin.post(f"/staging/syncs/{made.id}/resume")
        until(lambda: world.sync(made.id).status == SyncStatus.COMPLETED)

    assert (SyncStatus.CANCELLED, True) == (stopped.status, stopped.cancelled_by != "")
    assert "what was finished stays" in stopped.error_message
    assert stopped.counts["subscriptions"]["inserted"] > 5_000
    assert in_staging == {name: each["seen"] for name, each in stopped.counts.items()}
    assert stopped.records_synced == sum(in_staging.values())
    assert [(USERS,)] == world.in_staging("SELECT count(*) FROM users")
