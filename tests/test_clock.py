"""The clock of the workers, while Redis comes and goes."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from webapp import worker
from webapp.config import Settings
from webapp.queue import UPKEEP, Jobs, NoQueue
from webapp.records import Records
from webapp.schedule import PREFIX, Clock, Entry

DUE = Entry("clean_up_previews", "* * * * *")
LONG_AGO = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def settings(tmp_path: Path, redis_url: str) -> Settings:
    """Those of an empty data folder with a Redis."""
    found = Settings(data=tmp_path, redis_url=redis_url)
    records = Records(found.records_address)
    records.migrate()
    records.close()
    return found


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts back what is done at signals."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_could_not_be_queued_is_due_still(settings: Settings, redis_url: str) -> None:
    """Redis went away between the look and the queue: the next look makes up for it, once."""
    jobs, clock = Jobs(redis.Redis.from_url(redis_url)), Clock(settings, lambda: (DUE,))
    jobs.redis.set(f"{PREFIX}:{DUE.function}", LONG_AGO)
    clock._jobs = Jobs(redis.Redis.from_url("unix:///nowhere/at/all"))

    with pytest.raises(NoQueue):
        clock.tick()
    clock._jobs = jobs
    clock.tick()
    clock.tick()
    clock.stop()

    counts = {each.name: each.waiting for each in jobs.overview().counts}
    assert 1 == counts[UPKEEP]


@pytest.mark.usefixtures("handlers")
def test_workers_outlive_a_queue_that_is_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be queued now is tried again; the jobs under way go on meanwhile."""
    ticks: list[int] = []

    def tick(_: Clock) -> bool:
        ticks.append(1)
        if len(ticks) == 1:
            raise NoQueue("Redis is away")
        os.kill(os.getpid(), signal.SIGTERM)
        return True

    monkeypatch.setattr(Clock, "tick", tick)

    code = worker.run(settings, [UPKEEP], 0)

    assert (0, 2) == (code, len(ticks))
