"""The processes that run jobs: workers, and one clock among all of them."""

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis
import structlog
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import UnixSignalDeathPenalty

from webapp.config import Settings, environment_of
from webapp.processes import end_with_parent
from webapp.queue import KEPT_WELL, Jobs, NoQueue
from webapp.schedule import Clock

log = structlog.get_logger(__name__)
SIGNS = 3  # signs of life that a worker gives in the time after which it counts as dead
AGAIN = 1.0  # seconds until a worker that ended is started again
PATIENCE = 8.0  # seconds that workers have to finish their jobs when told to stop
TUNABLES = "GLIBC_TUNABLES"
LARGE_PAGES = "glibc.malloc.hugetlb=1"
"""Has glibc ask for memory in large pages, where the system leaves that to programs.

The process of each job is new, and a clip takes 60 MB: that is 15,000 pages to be had one by one,
about a twentieth of its processor time, or 4,000 steps with this. Other C libraries overlook it.
"""


class Busy(Worker):
    """A worker whose death is noticed in seconds, and whose job dies with it."""

    death_penalty_class = UnixSignalDeathPenalty
    lost_after = 15
    scratch = ""
    """The folder of what its job puts down for a while; a job that is killed can't clear up."""

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """How long a job counts as running without another sign of life."""
        return self.lost_after

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """What the process of one job does; it is killed when the worker is."""
        end_with_parent(os.getppid(), signal.SIGKILL)
        tempfile.tempdir = self.scratch
        super().main_work_horse(job, queue)

    def handle_job_failure(self, job: Job, queue: Queue, *more: Any, **told: Any) -> None:
        """Sees to a job that failed; one that was called off is not among them."""
        called_off = self._stopped_job_id == job.id
        super().handle_job_failure(job, queue, *more, **told)
        if called_off:
            queue.failed_job_registry.remove(job)
            job.cleanup(int(KEPT_WELL.total_seconds()))

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Execution) -> None:
        """Sees to a job until it is over, and clears up after it."""
        try:
            super().monitor_work_horse(job, queue, execution)
        finally:
            for left in Path(self.scratch).iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def work(settings: Settings, queues: Sequence[str]) -> None:
    """Runs jobs of these queues, one after another, until SIGTERM, or until Redis is gone."""
    # What a clock alone does without, once here rather than in the process of each job.
    from webapp import application, import_work, jobs  # noqa: F401

    jobs.get_ready()
    logging.getLogger("rq").setLevel(logging.CRITICAL)  # what jobs come to is in the records
    client = redis.Redis.from_url(settings.redis_url, health_check_interval=30)
    worker = Busy(
        Jobs(client).queues(queues),
        name=f"{socket.gethostname()}-{os.getpid()}-{time.time_ns() % 10**6}",
        connection=client,
        serializer=JSONSerializer,
        job_monitoring_interval=max(1, settings.job_lost_after // SIGNS),
        maintenance_interval=settings.job_lost_after,
        worker_ttl=60,
    )
    worker.lost_after = settings.job_lost_after
    with tempfile.TemporaryDirectory(prefix="prompt-repo-job-") as worker.scratch:
        try:
            worker.work(logging_level="CRITICAL")
        except (RedisError, OSError) as error:  # whoever looks after us starts another
            log.warning("a worker lost Redis", why=str(error))


class Crew:
    """The worker processes of this machine: those that end are started again."""

    def __init__(self, settings: Settings, queues: Sequence[str], processes: int) -> None:
        self._command = [sys.executable, "-m", "webapp.cli", "worker", "--single"]
        self._command += ["--with-parent", str(os.getpid()), "--queues", ",".join(queues)]
        self._settings = settings
        self._places: list[subprocess.Popen[bytes] | None] = [None] * processes
        self._not_before = [0.0] * processes

    def tend(self) -> None:
        """Starts the workers that aren't there."""
        now = time.monotonic()
        for place, process in enumerate(self._places):
            if process is not None and process.poll() is None:
                continue
            if process is not None:
                log.warning("a worker ended", code=process.returncode)
                self._places[place], self._not_before[place] = None, now + AGAIN
            elif now >= self._not_before[place]:
                self._places[place] = subprocess.Popen(
                    self._command, env=_environment(self._settings), start_new_session=True
                )

    def stop(self) -> None:
        """Lets the workers finish what they do, but not for long."""
        running = [each for each in self._places if each is not None and each.poll() is None]
        for process in running:
            process.terminate()
        end = time.monotonic() + PATIENCE
        for process in running:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _environment(settings: Settings) -> dict[str, str]:
    told = environment_of(settings)
    given = told.get(TUNABLES, "")  # what somebody set themselves stays, and comes last
    return told | {TUNABLES: ":".join(filter(None, (LARGE_PAGES, given)))}


def run(settings: Settings, queues: Sequence[str], processes: int) -> int:
    """Workers, and a clock that ticks where no other does, until SIGTERM or Ctrl-C."""
    told = threading.Event()
    code = 0

    def stop(number: int, _frame: object) -> None:
        nonlocal code
        code = 130 if number == signal.SIGINT else 0
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    crew, clock = Crew(settings, queues, processes), Clock(settings)
    try:
        while not told.is_set():
            crew.tend()
            try:
                clock.tick()
            except (RedisError, NoQueue, OSError) as error:
                log.warning("the clock can't reach Redis", exc_info=error)
            told.wait(1.0)
    finally:
        crew.stop()
        clock.stop()
    return code
