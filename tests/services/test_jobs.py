"""Workers as they run: several processes, killed at will, over a Redis that dies too."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from tests.preview_world import World, answers, world
from tests.video_server import VideoServer, serving
from webapp import clock, valkey
from webapp.config import environment_of
from webapp.queue import Jobs
from webapp.records.preview_models import Status
from webapp.schedule import Clock, Entry
from webapp.storage import storage

pytestmark = pytest.mark.slow
PATIENCE = 90.0
SOON = 4
"""Seconds after which a worker counts as dead in these tests."""
NEVER = 3600
"""So long that whatever happens did not wait for anybody to look."""


def until(what: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Waits for something to be so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to be so"
        time.sleep(0.05)


@contextmanager
def working(here: World, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`prompt-repo worker`, stopped at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "webapp.cli", "worker", *arguments],
        env=environment_of(here.settings),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


@pytest.fixture
def here(tmp_path: Path, redis_url: str) -> Iterator[World]:
    with world(tmp_path, redis_url) as made:
        yield made


@pytest.fixture
def slow(tmp_path: Path, redis_url: str) -> Iterator[tuple[World, VideoServer]]:
    """Previews by a service that never gets ready."""
    with serving() as server:
        server.polls = 10**6
        with world(tmp_path, redis_url, **_told(server), job_lost_after=SOON) as made:
            yield made, server


@pytest.fixture
def unwatched(tmp_path: Path, redis_url: str) -> Iterator[tuple[World, VideoServer]]:
    """The same where nobody looks at what runs."""
    with serving() as server:
        server.polls = 10**6
        with world(tmp_path, redis_url, **_told(server), job_lost_after=NEVER) as made:
            yield made, server


def _told(server: VideoServer) -> dict[str, str]:
    return {"video_service": "openai-compatible", "video_url": server.url, "video_model": "m"}


def status(here: World, ident: str) -> str:
    return here.preview(ident).status


def worker_pids(here: World) -> list[int]:
    """The processes that take jobs."""
    from rq import Worker

    return [each.pid for each in Worker.all(connection=here.jobs.redis) if each.pid]


def test_a_worker_makes_previews_and_stops_when_told(here: World) -> None:
    """Several at once with several processes; SIGTERM is no failure, and ends all of them."""
    with working(here, "--processes", "2") as crew:
        until(lambda: len(worker_pids(here)) == 2)
        asked = [here.ask(f"Text {number}.").id for number in range(4)]
        until(lambda: all(status(here, each) == Status.COMPLETED for each in asked))
        pids = worker_pids(here)
        crew.terminate()
        code = crew.wait(30)

    assert (0, 2) == (code, len(pids))
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert all(here.preview(each).attempts == 1 for each in asked)


def test_cancel_stops_a_running_job_and_frees_what_it_made(
    unwatched: tuple[World, VideoServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, by the word itself: nobody looks for an hour. The service drops the clip."""
    here, server = unwatched
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    with working(here):
        asked = here.ask()
        until(lambda: here.preview(asked.id).remote_id)
        begun = list(scratch.glob("*/preview-*"))
        here.admin.post(f"/previews/{asked.id}/cancel")
        until(lambda: here.jobs.overview().running == ())
        until(lambda: server.deleted == ["video_1"])
        until(lambda: not list(scratch.glob("*/*")))

    assert (1, []) == (len(begun), list(scratch.iterdir()))
    assert () == here.jobs.overview().failed
    assert Status.CANCELLED == status(here, asked.id)
    assert [] == list(storage(here.settings, "staging").names())


def test_a_running_job_is_stopped_from_the_page_of_jobs(slow: tuple[World, VideoServer]) -> None:
    """It ends, its worker goes on, and whoever asked for the preview is told."""
    here, server = slow
    with working(here):
        asked = here.ask()
        until(lambda: here.preview(asked.id).remote_id)
        before = worker_pids(here)
        stopped = here.admin.post(f"/jobs/{here.jobs.overview().running[0].ident}/stop")
        until(lambda: status(here, asked.id) == Status.FAILED)
        after = worker_pids(here)
        until(lambda: here.jobs.overview().running == ())
        assert () == here.jobs.overview().failed
        server.polls = 0
        other = here.ask("Another text.")
        until(lambda: status(here, other.id) == Status.COMPLETED)

    assert (303, before) == (stopped.status_code, after)
    assert "ended before it was done" in here.preview(asked.id).error


@pytest.mark.parametrize("whole", [False, True])
def test_a_killed_worker_is_found_and_the_preview_runs_again_by_a_click(
    slow: tuple[World, VideoServer], whole: bool
) -> None:
    """SIGKILL of the worker, or of it and what starts workers: failed, with the reason."""
    here, server = slow
    with working(here) as crew:
        asked = here.ask()
        until(lambda: here.preview(asked.id).remote_id)
        if whole:
            crew.kill()
        for pid in worker_pids(here):
            os.kill(pid, signal.SIGKILL)
        if whole:
            with working(here):
                until(lambda: status(here, asked.id) == Status.FAILED)
        else:
            until(lambda: status(here, asked.id) == Status.FAILED)
        reason = here.preview(asked.id).error

        server.polls = 0
        again = here.admin.post(f"/previews/{asked.id}/again").headers["Location"]
        if whole:
            with working(here):
                until(lambda: status(here, again.rpartition("/")[2]) == Status.COMPLETED)
        else:
            until(lambda: status(here, again.rpartition("/")[2]) == Status.COMPLETED)

    assert "the worker that made this clip ended before it was done" in reason


def test_a_service_that_is_away_is_asked_again(slow: tuple[World, VideoServer]) -> None:
    """As soon as it said it may be; then the clip is made, in the second attempt."""
    from tests.video_server import say

    here, server = slow
    server.polls = 0
    busy = [lambda request: say(request, 429, {"error": "busy"}, Retry_After="1")]
    server.answers["create"] = lambda request: bool(busy) and busy.pop()(request)

    with working(here):
        asked = here.ask()
        until(lambda: status(here, asked.id) == Status.COMPLETED)

    found = here.preview(asked.id)
    assert 2 == found.attempts
    assert 1 == len(server.created)


def test_one_clock_ticks_and_another_takes_over(here: World) -> None:
    """The first keeps its lease while it lives; what is due is queued once."""
    due = (Entry("clean_up_previews", "* * * * *"),)
    first, second = Clock(here.settings, lambda: due), Clock(here.settings, lambda: due)
    noon = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)

    with clock.stopped_at(noon):
        held = [first.tick(), second.tick(), first.tick()]
    with clock.stopped_at(noon + timedelta(minutes=1)):
        first.tick()
        first.tick()
    waiting = here.jobs.overview().counts[2].waiting
    first.stop()
    taken_over = second.tick()
    second.stop()

    assert ([True, False, True], 1, True) == (held, waiting, taken_over)


def test_jobs_outlive_a_redis_that_is_killed(tmp_path: Path) -> None:
    """The bundled Valkey keeps its queue in the data folder; its successor goes on with it."""
    data = tmp_path / "dätä folder's"
    data.mkdir()
    url = valkey.url_of(data)
    first = valkey.start(data, data / "logs")
    try:
        with world(data, url) as here:
            asked = [here.ask(f"Text {number}.").id for number in range(20)]
            os.kill(first._process.pid, signal.SIGKILL)
            first._process.wait()
            away = here.admin.post(
                "/environments/staging/characters/aria/angry/test", text="More"
            ).status_code
            second = valkey.start(data, data / "logs")
            try:
                waiting = Jobs(here.jobs.redis).overview().counts[0].waiting
                here.work()
            finally:
                second.stop()
            states = {status(here, each) for each in asked}
    finally:
        first.stop()

    assert (503, 20, {Status.COMPLETED}) == (away, waiting, states)


def test_a_valkey_left_running_is_replaced(tmp_path: Path) -> None:
    """Whoever started it is gone; its jobs aren't."""
    url = valkey.url_of(tmp_path)
    first = valkey.start(tmp_path, tmp_path / "logs")
    client = redis.Redis.from_url(url)
    client.set("kept", "yes")
    second = valkey.start(tmp_path, tmp_path / "logs")
    try:
        assert b"yes" == redis.Redis.from_url(url).get("kept")
        assert first.ended() is not None
    finally:
        second.stop()
    assert not answers(client)


def test_a_folder_with_a_long_name_has_its_socket_elsewhere(tmp_path: Path) -> None:
    """A socket's path has 107 bytes at most."""
    data = tmp_path / ("long" * 30)
    data.mkdir()
    server = valkey.start(data, data / "logs")
    try:
        assert answers(redis.Redis.from_url(valkey.url_of(data)))
        assert (data / "redis" / "appendonlydir").is_dir()
    finally:
        server.stop()
