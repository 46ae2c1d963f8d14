"""How far a sync is, table by table: kept in Redis while it runs, gone a day later."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import redis
import structlog
from redis.exceptions import RedisError

from sync.progress import Step
from webapp.records.staging_models import Sync

log = structlog.get_logger(__name__)
DAY = 24 * 60 * 60  # seconds
PACE = 0.2  # seconds between two writes
FINISHING = "Tidying up, and searching staging for originals"


@dataclass
class Table:
    """One table: rows done, rows expected, bytes read."""

    done: int = 0
    expected: int = 0
    bytes: int = 0

    @property
    def percent(self) -> int:
        """How much is done, of a hundred."""
        return min(100, 100 * self.done // self.expected) if self.expected else 0


@dataclass
class Standing:
    """What is known of a running sync."""

    doing: str = ""
    tables: dict[str, Table] = field(default_factory=dict)
    seconds_left: float | None = None

    @property
    def done(self) -> int:
        """Rows of all tables that are done."""
        return sum(table.done for table in self.tables.values())

    @property
    def expected(self) -> int:
        """Rows of all tables."""
        return sum(max(table.expected, table.done) for table in self.tables.values())

    def counts(self) -> dict[str, dict[str, int]]:
        """How far each table is that was begun, as a record counts it."""
        return {
            name: {"seen": table.done, "bytes": table.bytes}
            for name, table in self.tables.items()
            if table.done
        }

    @property
    def bytes(self) -> int:
        """What was read of all tables."""
        return sum(table.bytes for table in self.tables.values())

    @property
    def percent(self) -> int:
        """How much is done, of a hundred."""
        return min(100, 100 * self.done // self.expected) if self.expected else 0


class Teller:
    """What a run tells while it goes on; telling costs next to nothing, however often it is."""

    def __init__(self, client: "redis.Redis", ident: str) -> None:
        self._redis, self._key, self._told = client, _key(ident), 0.0
        self.standing = Standing("Opening both databases")
        self.left: dict[str, dict[str, int]] = {}
        self._send()

    def expect(self, rows: Mapping[str, int]) -> None:
        """Tells which tables there are, and how many rows each has."""
        self.standing.doing = "Holding rules and schemas against each other"
        self.standing.tables = {name: Table(expected=count) for name, count in rows.items()}
        self._send()

    def __call__(self, step: Step) -> None:
        """One step of the run."""
        self.standing.tables[step.table] = Table(step.done, step.expected, step.bytes)
        self.standing.doing, self.standing.seconds_left = step.table, step.seconds_left
        over = step.all_done >= step.all_expected
        if over:
            self.standing.doing, self.standing.seconds_left = FINISHING, None
        if over or time.monotonic() - self._told >= PACE:
            self._send()

    def counts(self) -> dict[str, dict[str, int]]:
        """What became of each table in a run that did not get to its end, or how far it came."""
        return self.left or self.standing.counts()

    def _send(self) -> None:
        self._told = time.monotonic()
        try:
            self._redis.set(self._key, json.dumps(asdict(self.standing)), ex=DAY)
        except (RedisError, OSError) as error:  # telling is worth no sync
            log.info("progress is not told", key=self._key, why=str(error))


def read(client: "redis.Redis | None", ident: str) -> Standing:
    """How a sync stands; nothing is known of it where Redis is away."""
    try:
        found: Any = client.get(_key(ident)) if client is not None else None
    except (RedisError, OSError):
        found = None
    if found is None:
        return Standing()
    told: dict[str, Any] = json.loads(found)
    tables = {name: Table(**each) for name, each in told["tables"].items()}
    return Standing(told["doing"], tables, told["seconds_left"])


def so_far(sync: Sync, counts: dict[str, dict[str, int]], leaks: int = 0) -> dict[str, Any]:
    """What the record tells of a run that did not come to its end."""
    failed = sum(each.get("failed", 0) for each in counts.values()) + leaks
    seen = sum(each.get("seen", 0) - each.get("conflicts", 0) for each in counts.values())
    synced = 0 if sync.dry_run else max(0, seen - failed)
    return {"counts": counts, "records_synced": synced, "records_failed": failed}


def _key(ident: str) -> str:
    return f"prompt-repo:sync:{ident}"
