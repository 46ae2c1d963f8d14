"""How each part that staging stands on is, and whether staging and production really are two."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis
import structlog
from redis.exceptions import RedisError
from rq import Worker
from rq.worker import BaseWorker

from prompt_repo import git_cli
from prompt_repo.drift import compare
from prompt_repo.errors import PromptRepoError
from prompt_repo.repository import STAGING, Repository
from sync.errors import SyncError
from sync.looking import look
from sync.tables_sqlite_files import path_of
from webapp import staging_config, staging_values, storage
from webapp.config import InvalidSetting, Settings, told_secret
from webapp.formatting import counted
from webapp.queue import SYNCS
from webapp.records.staging_models import StagingConfig
from webapp.staging_config import NotSetUp
from webapp.staging_secrets import key_of
from webapp.storage import StorageFailed, StorageMisconfigured

log = structlog.get_logger(__name__)
OK, WARN, FAILING, OFF = "ok", "warn", "failing", "not set up"
WORST = (FAILING, WARN, OFF, OK)
SCARCE = 1024**3
"""Free bytes under which a disk is worth a warning."""
ALIVE = timedelta(minutes=2)
FAILURES = (
    SyncError, NotSetUp, InvalidSetting, PromptRepoError, StorageFailed, StorageMisconfigured,
    RedisError, OSError, ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One part: how it is, in a sentence, and what was measured of it."""

    name: str
    state: str
    said: str
    milliseconds: float | None = None
    version: str = ""
    free_bytes: int | None = None


@dataclass(frozen=True)
class Check:
    """One thing in which staging must differ from production."""

    name: str
    state: str
    said: str


@dataclass(frozen=True)
class Status:
    """All of it."""

    parts: tuple[Part, ...]
    isolation: tuple[Check, ...]
    drift: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The worst of all."""
        found = {part.state for part in self.parts} | {check.state for check in self.isolation}
        return next((each for each in WORST if each in found), OK)


@dataclass(frozen=True)
class Around:
    """What is looked at."""

    settings: Settings
    config: StagingConfig
    repository: Callable[[], Repository]
    redis: "redis.Redis | None"


def status(around: Around) -> Status:
    """Looks at every part at once: none waits for another that does not answer."""
    looks: tuple[tuple[str, Callable[[Around], Part]], ...] = (
        ("Staging's database", _staging),
        ("Production's database", _production),
        ("Storage", _storage),
        ("Git", _git),
        ("Redis", _redis),
        ("Workers", _workers),
    )
    with ThreadPoolExecutor(len(looks) + 1) as pool:
        isolated = pool.submit(isolation, around)
        parts = [pool.submit(_looked, name, each, around) for name, each in looks]
        return Status(
            tuple(each.result() for each in parts), isolated.result(), drift(around.repository)
        )


def _looked(name: str, each: Callable[[Around], Part], around: Around) -> Part:
    try:
        return each(around)
    except NotSetUp as error:
        return Part(name, OFF, _told(error))
    except FAILURES as error:
        log.warning("a part of staging is failing", part=name, why=_told(error))
        return Part(name, FAILING, _told(error))


def _told(error: Exception) -> str:
    said = staging_values.masked(str(error).split("\n")[0])[:300]
    return said[:1].upper() + said[1:]


def _staging(around: Around) -> Part:
    if not around.config.database_url:
        raise NotSetUp("no database is named yet; see Configuration")
    url = told_secret(around.config.database_url)
    if url.startswith("sqlite") and not path_of(url).is_file() and path_of(url).parent.is_dir():
        return Part("Staging's database", WARN, "Not there yet; the first sync makes it")
    return _database("Staging's database", url)


def _production(around: Around) -> Part:
    return _database("Production's database", staging_config.production_url(around.settings))


def _database(name: str, url: str) -> Part:
    found = look(url)
    kind = "PostgreSQL" if found.dialect == "postgresql" else "SQLite"
    said = f"{found.tables} tables, {size(found.bytes)}, opened read-only"
    return _spare(Part(name, OK, said, found.milliseconds, f"{kind} {found.version}", found.free))


def _storage(around: Around) -> Part:
    began = time.monotonic()
    if around.config.storage_bucket:
        from webapp.storage_s3 import Bucket

        name = around.config.storage_bucket
        bucket = Bucket(name, around.settings.s3_endpoint, around.settings.s3_region)
        bucket.get_ready()
        began = time.monotonic()
        next(bucket.names(), None)
        return Part("Storage", OK, f"Bucket {name} can be read", _since(began), "S3")
    kept = storage.storage(around.settings, STAGING)
    next(iter(kept.names()), None)
    place = around.settings.of_environment("preview_storage", STAGING)
    if place.startswith("s3://"):
        return Part("Storage", OK, f"{place} can be read", _since(began), "S3")
    folder = Path(place) if place else around.settings.data
    return _spare(Part("Storage", OK, "A folder of this machine", _since(began), "", _free(folder)))


def _git(around: Around) -> Part:
    began = time.monotonic()
    head = around.repository().head(STAGING)
    took = _since(began)
    free = _free(around.settings.repository_path)
    said = f"Staging is at {head[:9]}"
    return _spare(Part("Git", OK, said, took, git_cli.version().removeprefix("git version "), free))


def _redis(around: Around) -> Part:
    if around.redis is None:
        raise NotSetUp("none is set; PROMPT_REPO_REDIS_URL names it, `./run` brings its own")
    began = time.monotonic()
    around.redis.ping()
    took = _since(began)
    told: Any = around.redis.info()
    name = "Valkey" if "valkey_version" in told else "Redis"
    version = told.get("valkey_version") or told.get("redis_version", "")
    most, used = int(told.get("maxmemory", 0)), int(told.get("used_memory", 0))
    whole = most or int(told.get("total_system_memory", 0))
    said = f"{size(used)} used of {size(whole)}{'' if most else ', all that its machine has'}"
    return Part("Redis", OK, said, took, f"{name} {version}", max(0, whole - used))


def _workers(around: Around) -> Part:
    if around.redis is None:
        raise NotSetUp("without Redis no worker can take jobs")
    began = time.monotonic()
    found = takers(around.redis)
    took = _since(began)
    if not found:
        return Part("Workers", FAILING, "Nobody takes syncs; start `prompt-repo worker`", took)
    busy = sum(str(each.get_state()) == "busy" for each in found)
    said = f"{counted(len(found), 'worker')} for syncs, {busy or 'none'} busy"
    version = next((each.version for each in found if each.version), "")
    return Part("Workers", OK, said, took, f"RQ {version}" if version else "")


def takers(client: "redis.Redis") -> list[BaseWorker]:
    """The workers that take syncs and showed a sign of life lately."""
    return [
        each
        for each in Worker.all(connection=client)
        if SYNCS in each.queue_names() and _is_alive(each.last_heartbeat)
    ]


def _is_alive(seen: datetime | None) -> bool:
    if seen is None:
        return False
    return datetime.now(UTC) - (seen if seen.tzinfo else seen.replace(tzinfo=UTC)) < ALIVE


def isolation(around: Around) -> tuple[Check, ...]:
    """In what staging differs from production, and in what not."""
    config, settings = around.config, around.settings
    wrong = staging_config.shared(config.admin_subdomain, config.storage_bucket, settings)
    return (
        _databases(config, settings),
        _differs(
            "Host", wrong.get("admin_subdomain", ""), config.admin_subdomain,
            "no host of its own is set, so none is checked",
        ),
        _differs(
            "Bucket", wrong.get("storage_bucket", ""), config.storage_bucket,
            "no bucket is set; clips are in a folder of staging's own",
        ),
        _network(config, settings),
        _key(config, settings),
    )  # fmt: skip


def _databases(config: StagingConfig, settings: Settings) -> Check:
    try:
        where = staging_config.addresses(config, settings)
    except NotSetUp as error:
        same = "same database" in str(error)
        return Check("Database", FAILING if same else OFF, _told(error))
    sides = [staging_config.identity(each) for each in (where.production, where.staging)]
    if sides[0] & sides[1]:
        return Check("Database", FAILING, "Two addresses lead to one database")
    if not all(sides):
        side = "production's" if not sides[0] else "staging's"
        said = f"Two addresses; {side} database is not there yet, or can't be asked just now"
        return Check("Database", WARN, said)
    return Check("Database", OK, "Two databases, by what they say of themselves")


def _differs(name: str, wrong: str, told: str, unset: str) -> Check:
    if wrong:
        return Check(name, FAILING, wrong[:1].upper() + wrong[1:])
    if not told:
        return Check(name, OFF, unset[:1].upper() + unset[1:])
    return Check(name, OK, f"{told} is staging’s own")


def _network(config: StagingConfig, settings: Settings) -> Check:
    if not config.vpn_required:
        return Check("VPN", OFF, "Staging may be reached from any network")
    if not settings.vpn_networks:
        return Check("VPN", FAILING, "The VPN is required, and none is known: nobody gets in")
    names = ", ".join(str(each) for each in settings.vpn_networks)
    wide = [each for each in settings.trusted_proxies if each.num_addresses > 1]
    if any(not each.is_loopback for each in wide):
        proxies = ", ".join(str(each) for each in wide)
        said = (
            f"From {names}, and whoever has an address in {proxies} can claim one there: name the "
            "proxies alone in PROMPT_REPO_TRUSTED_PROXIES"
        )
        return Check("VPN", WARN, said)
    return Check("VPN", OK, f"From {names} only")


def _key(config: StagingConfig, settings: Settings) -> Check:
    if not config.anonymization_enabled:
        return Check("Anonymisation", WARN, "Switched off, so no sync begins")
    try:
        key = key_of(settings)
    except (SyncError, InvalidSetting) as error:
        return Check("Anonymisation", FAILING, _told(error))
    return Check("Anonymisation", OK, f"On; the key’s fingerprint is {key.fingerprint}")


def drift(repository: Callable[[], Repository]) -> dict[str, int]:
    """How many prompts differ between the environments, by what became of them."""
    try:
        items = compare(repository()).items
    except PromptRepoError as error:
        log.warning("drift can't be told", why=str(error))
        return {}
    counts: dict[str, int] = {}
    for item in items:
        counts[item.state.value] = counts.get(item.state.value, 0) + 1
    return counts


def size(count: float) -> str:
    """Bytes in words."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _spare(part: Part) -> Part:
    if part.free_bytes is not None and part.free_bytes < SCARCE:
        said = f"{part.said}; little space is left"
        return Part(part.name, WARN, said, part.milliseconds, part.version, part.free_bytes)
    return part


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)
