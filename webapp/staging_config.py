"""The staging environment's configuration: read, checked, changed; and whether it is isolated."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from sync.errors import SyncError
from sync.tables import open_source
from webapp import clock, staging_values
from webapp.config import InvalidSetting, Settings, told_secret
from webapp.records import Records
from webapp.records.staging_models import StagingConfig

ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "urn:prompt-repo:staging"))
EDITABLE = (
    "environment_name", "database_url", "storage_bucket", "admin_subdomain", "vpn_required",
    "data_sync_enabled", "sync_schedule", "anonymization_enabled",
)  # fmt: skip
DEMO = "demo"
PRODUCTION_FILE, STAGING_FILE = "production.sqlite3", "staging.sqlite3"


class ConfigError(Exception):
    """A configuration that can't be; `problems` says for each field what is wrong with it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{name}: {said}" for name, said in self.problems.items()))


class NotSetUp(Exception):
    """A sync can't begin for want of a setting; says which."""


class BeingMade(NotSetUp):
    """The demo's production database is not there yet; nobody has to do anything about it."""


@dataclass(frozen=True)
class Addresses:
    """Where both databases are, with their secrets; for opening them and nothing else."""

    production: str
    staging: str

    def __repr__(self) -> str:
        return "Addresses(…)"


def current(records: Records, settings: Settings) -> StagingConfig:
    """The configuration that stands; where nobody saved one yet, what it is until then."""
    with records.reading() as session:
        found = session.scalars(select(StagingConfig)).first()
    return found or _usual(settings)


def _usual(settings: Settings) -> StagingConfig:
    now = clock.now()
    url = f"sqlite:///{demo_folder(settings) / STAGING_FILE}" if has_demo(settings) else ""
    bucket = settings.of_environment("preview_storage", "staging")
    return StagingConfig(
        id=ID,
        environment_name="staging",
        database_url=url,
        storage_bucket=staging_values.bucket(bucket) if bucket.startswith("s3://") else "",
        admin_subdomain="",
        vpn_required=False,
        data_sync_enabled=True,
        sync_schedule="",
        last_sync_at=None,
        last_sync_status="pending",
        anonymization_enabled=True,
        created_at=now,
        updated_at=now,
        updated_by="",
        scheduled_by="",
        next_run_at=None,
    )


def demo_folder(settings: Settings) -> Path:
    """Where the demo's databases are."""
    return settings.data.absolute() / DEMO


def has_demo(settings: Settings) -> bool:
    """Whether this installation has the demo's production database."""
    return (demo_folder(settings) / PRODUCTION_FILE).is_file()


def production_url(settings: Settings) -> str:
    """Production's database; raises NotSetUp."""
    if settings.production_database_url:
        return told_secret(settings.production_database_url)
    if has_demo(settings):
        return f"sqlite:///{demo_folder(settings) / PRODUCTION_FILE}"
    if demo_folder(settings).is_dir():
        raise BeingMade("the demo's production database is still being made; try again in a moment")
    raise NotSetUp("no production database is set; PROMPT_REPO_PRODUCTION_DATABASE_URL names it")


def allow_sync(config: StagingConfig) -> None:
    """Raises NotSetUp where a switch of the configuration keeps every sync from beginning."""
    if not config.data_sync_enabled:
        raise NotSetUp(
            "data sync is switched off, so none begins, by hand or on schedule; switch it on under "
            "Configuration"
        )
    if not config.anonymization_enabled:
        raise NotSetUp(
            "anonymisation is switched off, and nothing is synced without it; switch it on under "
            "Configuration"
        )


def addresses(config: StagingConfig, settings: Settings) -> Addresses:
    """Both databases; raises NotSetUp, also where they are one by their addresses."""
    try:
        production = production_url(settings)
        if not config.database_url:
            raise NotSetUp("staging has no database yet; set one under Configuration")
        staging = told_secret(config.database_url)
        if _same_database(production, staging):
            raise NotSetUp("production and staging have the same database; staging needs its own")
    except (InvalidSetting, ValueError) as error:
        raise NotSetUp(str(error)) from error
    return Addresses(production, staging)


def change(
    records: Records,
    settings: Settings,
    given: Mapping[str, Any],
    who: str,
    allowed: Callable[[StagingConfig], str] = lambda _: "",
) -> tuple[StagingConfig, dict[str, list[Any]]]:
    """Saves what was given over what stands; tells what changed, from what to what.

    Raises ConfigError, also where `allowed` says that the one who asks would be shut out.
    """
    before = current(records, settings)
    checked, problems = _checked(_typed(given, before))
    after = {name: checked.get(name, getattr(before, name)) for name in EDITABLE}
    problems |= {
        name: said
        for name, said in _together(after, settings, records).items()
        if name not in problems
    }
    changed = {
        name: [_shown(name, getattr(before, name)), _shown(name, after[name])]
        for name in EDITABLE
        if after[name] != getattr(before, name)
    }
    if not problems and (said := allowed(_with(before, after))):
        problems["vpn_required" if "network" in said else "admin_subdomain"] = said
    if problems:
        raise ConfigError(problems)
    return _saved(records, before, after, who), changed


def _typed(given: Mapping[str, Any], before: StagingConfig) -> Mapping[str, Any]:
    """What was given, but for an address as it is shown: its password was not typed."""
    shown = {"database_url": staging_values.masked(before.database_url)}
    return {name: value for name, value in given.items() if value != shown.get(name)}


def _checked(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    now = clock.now()
    checks: dict[str, Callable[[str], str]] = {
        "environment_name": staging_values.environment_name,
        "database_url": lambda text: staging_values.database(text) if text.strip() else "",
        "storage_bucket": lambda text: staging_values.bucket(text) if text.strip() else "",
        "admin_subdomain": lambda text: staging_values.host(text) if text.strip() else "",
        "sync_schedule": lambda text: staging_values.schedule(text, now),
    }
    found: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, value in given.items():
        if name not in EDITABLE:
            problems[name] = f"there is no such field; they are {', '.join(EDITABLE)}"
        elif name not in checks:
            found[name] = bool(value)
        else:
            try:
                found[name] = checks[name](str(value))
            except ValueError as error:
                problems[name] = str(error)
    return found, problems


def _together(after: Mapping[str, Any], settings: Settings, records: Records) -> dict[str, str]:
    """What is wrong with fields beside each other, and beside production."""
    problems = dict(shared(after["admin_subdomain"], after["storage_bucket"], settings))
    if after["vpn_required"] and not settings.vpn_networks:
        problems["vpn_required"] = (
            "no VPN is known here; PROMPT_REPO_VPN_NETWORKS names its networks, such as 10.8.0.0/16"
        )
    if after["database_url"] and (
        said := _database_problem(after["database_url"], settings, records)
    ):
        problems["database_url"] = said
    return problems


def shared(subdomain: str, bucket: str, settings: Settings) -> dict[str, str]:
    """Which of its host and its bucket staging shares with production, however they are spelled."""
    problems = {}
    hosts = [each for each in settings.production_host.split(",") if each.strip()]
    if subdomain and subdomain in {staging_values.host_in(each) for each in hosts}:
        problems["admin_subdomain"] = "this is production's host; staging needs its own"
    live = settings.production_bucket or settings.of_environment("preview_storage", "production")
    if bucket and live:
        name = staging_values.bucket_in(live)
        if name == bucket:
            problems["storage_bucket"] = "this is production's bucket; staging needs its own"
        elif settings.production_bucket and not name:
            problems["storage_bucket"] = (
                "whether it is production's can't be told: what PROMPT_REPO_PRODUCTION_BUCKET says "
                "is no name of a bucket"
            )
    return problems


def _database_problem(told: str, settings: Settings, records: Records) -> str:
    try:
        staging = told_secret(told)
        parts = staging_values.database_parts(staging)
        production = production_url(settings)
    except NotSetUp:
        production = ""
    except InvalidSetting as error:
        return str(error)
    except ValueError as error:
        return str(error) if not told.startswith("env:") else "what stands there is no database"
    own = records.engine.url.render_as_string(hide_password=False)
    for other, name in ((production, "production's"), (own, "this program's own")):
        if other and (_parts(other) == parts or identity(other) & identity(staging)):
            return f"this is {name} database; staging needs its own"
    return ""


def _parts(address: str) -> tuple[str, ...]:
    try:
        return staging_values.database_parts(address)
    except ValueError:
        return (address,)


def identity(address: str) -> frozenset[str]:
    """What a database says it is, so that two addresses of one are seen; empty while it is away."""
    try:
        database = open_source(address.replace("postgresql+psycopg:", "postgresql:"))
    except SyncError:
        return frozenset()
    try:
        return database.identity()
    finally:
        database.close()


def _same_database(one: str, other: str) -> bool:
    return _parts(one) == _parts(other)


def _shown(name: str, value: Any) -> Any:
    return staging_values.masked(value) if name == "database_url" else value


def _with(before: StagingConfig, after: Mapping[str, Any]) -> StagingConfig:
    columns = {
        column.key: getattr(before, column.key) for column in StagingConfig.__table__.columns
    }
    return StagingConfig(**(columns | dict(after)))


def _saved(
    records: Records, before: StagingConfig, after: Mapping[str, Any], who: str
) -> StagingConfig:
    now = clock.now()
    moved = {name: value for name, value in after.items() if value != getattr(before, name)}
    told: dict[str, Any] = {**moved, "updated_at": now, "updated_by": who[:80]}
    if {"data_sync_enabled", "sync_schedule"} & set(moved):
        due = due_after(_with(before, after), now)
        told |= {"scheduled_by": who[:80], "next_run_at": due}
    try:
        return _written(records, before, told)
    except IntegrityError as error:
        name = after["environment_name"]
        raise ConfigError({"environment_name": f"{name} is the name of another one"}) from error


def _written(records: Records, before: StagingConfig, told: Mapping[str, Any]) -> StagingConfig:
    """Writes some fields alone: what others wrote meanwhile stays."""
    with records.writing() as session:
        kept = session.get(StagingConfig, before.id) or session.merge(before)
        for name, value in told.items():
            setattr(kept, name, value)
    return kept


def unlock(records: Records, settings: Settings, who: str) -> dict[str, Any]:
    """Takes the rules of host and network away, whatever else stands there; gives what changed."""
    before = current(records, settings)
    after = {name: getattr(before, name) for name in EDITABLE}
    open_to_all = {"admin_subdomain": "", "vpn_required": False}
    _saved(records, before, after | open_to_all, who)
    return {name: [after[name], value] for name, value in open_to_all.items()}


def due_after(config: StagingConfig, moment: datetime) -> datetime | None:
    """When the clock is to begin a sync after a moment; None where it never is."""
    if not (config.data_sync_enabled and config.sync_schedule):
        return None
    return staging_values.next_runs(config.sync_schedule, moment, 1)[0]


def note_run(records: Records, settings: Settings, status: str) -> None:
    """Keeps how the last sync ended: `success`, `failed`, or `pending` while it is not over."""
    found = current(records, settings)
    told: dict[str, Any] = {"last_sync_status": status}
    if status != "pending":
        told["last_sync_at"] = clock.now()
    _written(records, found, told)


def move_on(records: Records, config: StagingConfig, now: datetime) -> bool:
    """Sets the schedule to its next time after now; False where somebody else did just before."""
    with records.writing() as session:
        done = session.execute(
            update(StagingConfig)
            .where(StagingConfig.id == config.id, StagingConfig.next_run_at == config.next_run_at)
            .values(next_run_at=due_after(config, now))
            .execution_options(synchronize_session=False)
        )
    return bool(done.rowcount)  # type: ignore[attr-defined]
