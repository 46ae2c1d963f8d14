"""What is done by the clock: one clock among all machines, another takes over when it dies."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
import structlog
from croniter import croniter
from rq.registry import clean_registries
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from webapp import clock, preview_watch, sync_watch
from webapp.config import Settings
from webapp.queue import QUEUES, UPKEEP, Jobs, NoQueue
from webapp.records import Records

log = structlog.get_logger(__name__)
PREFIX = "prompt-repo:clock"
LOOKS = 5  # looks at what was left behind in the time after which a worker counts as dead
RENEW = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0
"""
RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""


@dataclass(frozen=True)
class Entry:
    """A function of `webapp.jobs` that is queued at the times of a cron expression, in UTC."""

    function: str
    cron: str
    queue: str = UPKEEP
    seconds: int = 3_600


ENTRIES: tuple[Entry, ...] = (
    Entry("clean_up_previews", "7 * * * *"),
    Entry("clean_up_transfers", "17 * * * *"),
    Entry("clean_up_staging", "37 * * * *"),
    Entry("tend_audit_log", "*/10 * * * *"),
    Entry("pack_repository", "23 * * * *"),
    Entry("collect_garbage", "43 4 * * 0", seconds=4 * 3_600),
)
"""What is always done; a sync's own schedule is in its configuration."""
Source = Callable[[], tuple[Entry, ...]]


class Clock:
    """Queues what is due, and looks after what was left behind, while it holds the lease."""

    def __init__(self, settings: Settings, entries: Source = lambda: ENTRIES) -> None:
        self._settings, self._entries = settings, entries
        self._lease = settings.job_lost_after * 1000  # that a clock which died is waited for
        self._redis = redis.Redis.from_url(settings.redis_url, socket_timeout=10)
        self._jobs = Jobs(self._redis)
        self._records = Records(settings.records_address)
        self._name = secrets.token_hex(8)
        self._looked = 0.0
        self._minute: datetime | None = None
        """The minute that was looked at last."""

    def tick(self) -> bool:
        """Does what is due; False where another clock holds the lease.

        Raises RedisError, NoQueue.
        """
        if not self._holds():
            self._minute = None
            return False
        minute = clock.now().replace(second=0, microsecond=0)
        if minute != self._minute:  # no cron expression is finer
            for entry in self._entries():
                self._queue_if_due(entry)
            self._minute = minute
        self._queue_delayed()
        if time.monotonic() - self._looked > self._settings.job_lost_after / LOOKS:
            self._looked = time.monotonic()
            self._look()
        return True

    def stop(self) -> None:
        """Leaves the lease to others at once."""
        try:
            self._redis.eval(RELEASE, 1, PREFIX, self._name)
        except (redis.RedisError, OSError) as error:
            log.info("the lease runs out by itself", exc_info=error)
        self._records.close()

    def _holds(self) -> bool:
        if self._redis.set(PREFIX, self._name, nx=True, px=self._lease):
            return True
        return bool(self._redis.eval(RENEW, 1, PREFIX, self._name, self._lease))

    def _queue_if_due(self, entry: Entry) -> None:
        key = f"{PREFIX}:{entry.function}"
        latest = croniter(entry.cron, clock.now()).get_prev(datetime).isoformat()
        before: Any = self._redis.get(key)
        if before is not None and before.decode() >= latest:
            return
        if before is not None:
            ident = f"{entry.function}-{latest[:16].replace(':', '')}"
            self._jobs.enqueue(entry.queue, entry.function, ident=ident, seconds=entry.seconds)
        self._redis.set(key, latest)  # only now, for what could not be queued is due still

    def _queue_delayed(self) -> None:
        """Queues jobs whose pause is over, as RQ's own scheduler would."""
        queues = self._jobs.queues()
        scheduler = RQScheduler(queues, self._redis, serializer=JSONSerializer)
        scheduler.prepare_registries(QUEUES)
        scheduler.enqueue_scheduled_jobs()

    def _look(self) -> None:
        for queue in self._jobs.queues():
            clean_registries(queue)
        try:
            preview_watch.look(self._records, self._settings, self._jobs)
        except (SQLAlchemyError, NoQueue) as error:
            log.warning("previews can't be looked after", exc_info=error)
        try:
            sync_watch.look(self._records, self._settings, self._jobs)
        except (SQLAlchemyError, NoQueue) as error:
            log.warning("syncs can't be looked after", exc_info=error)
