"""How far a job is, and what it says while it runs: kept in Redis, gone a day later."""

import json
import time
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)
LINES, LONGEST_LINE = 200, 500
DAY = 24 * 60 * 60  # seconds
PACE = 0.2  # seconds between two writes of a fraction


@dataclass(frozen=True)
class Standing:
    """What is known of a running job."""

    fraction: float = 0.0
    doing: str = ""
    lines: tuple[str, ...] = ()

    @property
    def percent(self) -> int:
        """How much of the work is done, of a hundred."""
        return round(100 * min(max(self.fraction, 0.0), 1.0))


class Reporter:
    """What a job tells while it runs; telling costs next to nothing, however often it is done."""

    def __init__(self, client: "redis.Redis", ident: str) -> None:
        self._redis, self._key = client, _key(ident)
        self._told = 0.0
        self.lines: list[str] = []

    def at(self, fraction: float, doing: str = "") -> None:
        """Says how far the work is; what comes too soon after another is left out."""
        now = time.monotonic()
        if now - self._told < PACE and fraction < 1:
            return
        self._told = now
        told: dict[Any, Any] = {"fraction": fraction}
        if doing:
            told["doing"] = doing[:LONGEST_LINE]
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hset(self._key, mapping=told)
        pipeline.expire(self._key, DAY)
        self._send(pipeline)

    def say(self, line: str) -> None:
        """Adds a line to the job's log."""
        if len(self.lines) < LINES:
            self.lines.append(line[:LONGEST_LINE])
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.hset(self._key, "lines", json.dumps(self.lines))
            pipeline.expire(self._key, DAY)
            self._send(pipeline)

    def _send(self, pipeline: "redis.client.Pipeline") -> None:
        """Telling is worth no job: while Redis is away the work goes on untold."""
        try:
            pipeline.execute()
        except (RedisError, OSError) as error:
            log.info("progress is not told", key=self._key, why=str(error))


def read(client: "redis.Redis | None", ident: str) -> Standing:
    """How a job stands; nothing is known of it where Redis is away."""
    try:
        found: dict[Any, Any] = client.hgetall(_key(ident)) if client is not None else {}
    except (RedisError, OSError):
        found = {}
    fraction, doing = float(found.get(b"fraction", 0)), found.get(b"doing", b"").decode()
    return Standing(fraction, doing, tuple(json.loads(found.get(b"lines", "[]"))))


def _key(ident: str) -> str:
    return f"prompt-repo:progress:{ident}"
