"""Jobs waiting their turn: RQ's queues as the rest of the program speaks of them."""

import copy
import json
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import redis
from redis.commands.core import Script
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from webapp import clock

MODULE = "webapp.jobs"
PREVIEWS, SYNCS, UPKEEP = "previews", "syncs", "upkeep"
QUEUES = (PREVIEWS, SYNCS, UPKEEP)
"""In the order in which a worker of all of them looks for jobs."""
KEPT_WELL, KEPT_FAILED = timedelta(hours=1), timedelta(days=7)  # how long Redis remembers a job
TAKEN_WITHIN = 0.5  # seconds in which a worker that took a job off its queue says that it runs
MOST_SHOWN = 50  # jobs of one kind and queue on the page that shows them
ENQUEUE = """
local fields = cjson.decode(ARGV[2])
for place = 3, #ARGV do
  fields[#fields + 1] = ARGV[place]
end
redis.call("HSET", KEYS[1], unpack(fields))
redis.call("RPUSH", KEYS[2], ARGV[1])
redis.call("SADD", KEYS[3], KEYS[2])
"""
"""What RQ does to enqueue a job, all or nothing, in one command instead of seven."""
SMALLEST = 9  # the least memory that zlib can be told to take, for what it only has to wrap
WAITING = frozenset({JobStatus.QUEUED, JobStatus.DEFERRED, JobStatus.SCHEDULED, JobStatus.CREATED})

DIED = ("AbandonedJobError", "Work-horse terminated")
"""What is in RQ's words for a job whose worker died."""


class NoQueue(Exception):
    """Nothing can be queued, for want of a Redis; says what to do."""

    def __init__(self, why: str = "") -> None:
        super().__init__(
            why
            or "background jobs need Redis, and none is set up here; start with `./run`, or set "
            "PROMPT_REPO_REDIS_URL"
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A job as the queue knows it: whether it waits or runs, or why it is over."""

    waits: bool
    runs: bool
    failure: str


@dataclass(frozen=True, slots=True)
class Counts:
    """One queue: how many jobs wait, run, are to be tried later, and failed."""

    name: str
    waiting: int
    running: int
    delayed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Hand:
    """A worker: where it is, what it does, when it last said so."""

    name: str
    state: str
    queues: str
    job: str
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """A job in a list."""

    ident: str
    queue: str
    what: str
    at: datetime | None
    failure: str


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it."""

    counts: tuple[Counts, ...]
    workers: tuple[Hand, ...]
    running: tuple[Row, ...]
    failed: tuple[Row, ...]


class Jobs:
    """The queues of one Redis; every method raises NoQueue while it is away."""

    def __init__(self, client: "redis.Redis | None") -> None:
        self._redis = client
        self._queues: dict[str, Queue] = {}
        self._patterns: dict[tuple[str, str, int], _Pattern] = {}

    @property
    def redis(self) -> "redis.Redis":
        """The client."""
        if self._redis is None:
            raise NoQueue
        return self._redis

    def enqueue(
        self,
        queue: str,
        function: str,
        *arguments: str,
        ident: str,
        seconds: int,
        delay: timedelta | None = None,
    ) -> None:
        """Queues a function of `webapp.jobs` by its name, as a job of this id.

        It may run for some seconds. Arguments are strings: ids, not things.
        """
        target, pattern = self._queue(queue), self._pattern(queue, function, seconds)
        try:
            if delay is None:
                keys = (Job.key_for(ident), target.key, target.redis_queues_keys)
                self._enqueue(keys, (ident, *pattern.fields(arguments, datetime.now(UTC))))
            else:
                job = copy.copy(pattern.job)
                job.id, job.args, job.created_at = ident, arguments, datetime.now(UTC)
                job.description = pattern.description(arguments)
                target.schedule_job(job, datetime.now(UTC) + delay)
        except (RedisError, OSError) as error:
            raise NoQueue(AWAY) from error

    def cancel(self, ident: str) -> None:
        """Takes a waiting job away and kills a running one; one that is over stays over."""
        try:
            job = Job.fetch(ident, connection=self.redis, serializer=JSONSerializer)
            if job.get_status() is JobStatus.STARTED:
                send_stop_job_command(self.redis, ident, serializer=JSONSerializer)
            elif job.get_status() in WAITING:
                job.delete()
        except (NoSuchJobError, InvalidJobOperation):
            return  # it ended while we looked
        except (RedisError, OSError) as error:
            raise NoQueue(AWAY) from error

    def find(self, ident: str) -> Found | None:
        """What became of a job; None where the queue knows nothing of it."""
        try:
            job = Job.fetch(ident, connection=self.redis, serializer=JSONSerializer)
            lost = self._is_lost(job, job.get_status(refresh=False))
            if lost:  # or it is on its way from the queue to a worker just now
                time.sleep(TAKEN_WITHIN)
                lost = self._is_lost(job, job.get_status())
            status = job.get_status(refresh=False)
            return Found(status in WAITING and not lost, status is JobStatus.STARTED, _failure(job))
        except (NoSuchJobError, InvalidJobOperation):
            return None
        except (RedisError, OSError) as error:
            raise NoQueue(AWAY) from error

    def _is_lost(self, job: Job, status: JobStatus) -> bool:
        """Whether it is said to be queued and no queue has it: what took it off died with it."""
        if status is not JobStatus.QUEUED:
            return False
        queue = self._queue(job.origin)
        places = (queue.key, queue.intermediate_queue_key)
        return all(self.redis.lpos(place, job.id) is None for place in places)

    def overview(self) -> "Overview":
        """What waits, runs and failed, and who works."""
        try:
            queues = self.queues()
            workers = [_worker(each) for each in Worker.all(connection=self.redis)]
            return Overview(
                counts=tuple(_counts(queue) for queue in queues),
                workers=tuple(sorted(workers, key=lambda each: each.name)),
                running=tuple(self._rows(queues, "started_job_registry")),
                failed=tuple(self._rows(queues, "failed_job_registry")),
            )
        except (RedisError, OSError) as error:
            raise NoQueue(AWAY) from error

    def hands(self, queue: str) -> int:
        """How many workers look for jobs in a queue."""
        try:
            return Worker.count(queue=self._queue(queue))
        except (RedisError, OSError) as error:
            raise NoQueue(AWAY) from error

    def run_again(self, ident: str) -> bool:
        """Queues a failed job again; False where there is none of this id that failed."""
        try:
            job = Job.fetch(ident, connection=self.redis, serializer=JSONSerializer)
            if job.get_status() is not JobStatus.FAILED:
                return False
            job.requeue()
        except (NoSuchJobError, InvalidJobOperation):
            return False
        except (RedisError, OSError) as error:
            raise NoQueue(AWAY) from error
        return True

    def forget(self, ident: str) -> bool:
        """Takes a failed job off the list; False where there is none of this id."""
        try:
            job = Job.fetch(ident, connection=self.redis, serializer=JSONSerializer)
            if job.get_status() is not JobStatus.FAILED:
                return False
            job.delete()
        except (NoSuchJobError, InvalidJobOperation):
            return False
        except (RedisError, OSError) as error:
            raise NoQueue(AWAY) from error
        return True

    def _rows(self, queues: Sequence[Queue], registry: str) -> Iterator["Row"]:
        for queue in queues:
            for ident in getattr(queue, registry).get_job_ids(0, MOST_SHOWN - 1, desc=True):
                try:
                    job = Job.fetch(ident, connection=self.redis, serializer=JSONSerializer)
                except NoSuchJobError:
                    continue
                yield _row(queue.name, job)

    def queues(self, names: Sequence[str] = QUEUES) -> list[Queue]:
        """RQ's queues themselves, for workers and for the page that shows them."""
        return [self._queue(name) for name in names]

    @cached_property
    def _enqueue(self) -> Script:
        return self.redis.register_script(ENQUEUE)

    def _queue(self, name: str) -> Queue:
        found = self._queues.get(name)
        if found is None:
            found = Queue(name, connection=self.redis, serializer=JSONSerializer)
            self._queues[name] = found
        return found

    def _pattern(self, queue: str, function: str, seconds: int) -> "_Pattern":
        key = queue, function, seconds
        found = self._patterns.get(key)
        if found is None:
            job = self._queue(queue).create_job(
                f"{MODULE}.{function}",
                timeout=seconds,
                result_ttl=int(KEPT_WELL.total_seconds()),
                failure_ttl=int(KEPT_FAILED.total_seconds()),
            )
            found = self._patterns[key] = _Pattern(function, job)
        return found


class _Pattern:
    """What all jobs of one function have in common; RQ makes each from its parts at some length."""

    def __init__(self, function: str, job: Job) -> None:
        self.job, self._function = job, function
        own = {"created_at", "enqueued_at", "data", "description"}
        same = (pair for pair in job.to_dict().items() if pair[0] not in own)
        self._same = json.dumps([each for pair in same for each in pair])

    def description(self, arguments: Sequence[str]) -> str:
        """What people read of a job."""
        return f"{self._function}({', '.join(arguments)})"

    def fields(self, arguments: Sequence[str], now: datetime) -> tuple[Any, ...]:
        """What ENQUEUE is told of a job that is queued now: its fields as RQ writes them."""
        call = JSONSerializer.dumps((f"{MODULE}.{self._function}", None, arguments, {}))
        return (
            self._same,
            *("created_at", at := clock.plain(now), "enqueued_at", at),
            *("description", self.description(arguments)),
            *("data", zlib.compress(call, 0, SMALLEST)),
        )


def _failure(job: Job) -> str:
    if job.get_status(refresh=False) is not JobStatus.FAILED:
        return ""
    result = job.latest_result()
    return (result.exc_string or "").strip() if result else ""


def _counts(queue: Queue) -> Counts:
    return Counts(
        queue.name,
        queue.count,
        queue.started_job_registry.count,
        queue.scheduled_job_registry.count,
        queue.failed_job_registry.count,
    )


def _worker(found: BaseWorker) -> Hand:
    return Hand(
        found.name,
        str(found.get_state()),
        ", ".join(found.queue_names()),
        found.get_current_job_id() or "",
        _utc(found.last_heartbeat),
    )


def _row(queue: str, job: Job) -> Row:
    failure = _failure(job)
    ended = job.ended_at or job.started_at or job.enqueued_at
    reason = failure.splitlines()[-1] if failure else ""
    if any(word in reason for word in DIED):
        reason = "Its worker ended or was killed before it was done"
    return Row(job.id, queue, job.description or job.id, _utc(ended), reason)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


AWAY = "Redis can't be reached, so nothing can be queued; try again in a moment"
