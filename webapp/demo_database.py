"""The demo's databases: a production to copy, and a staging beside it that a sync fills."""

import fcntl
from pathlib import Path

from sync import demo
from sync.tables import open_source
from webapp import folder, staging_config, sync_rules
from webapp.config import Settings
from webapp.records import Records

DRAFTED = "Drafted from the demo's production database"


def wanted(settings: Settings) -> bool:
    """Whether this installation is a demo that has no production database yet."""
    place = staging_config.demo_folder(settings)
    return place.is_dir() and not settings.production_database_url and not _made(settings).is_file()


def announce(settings: Settings) -> None:
    """Says that this installation is a demo, which is to have a production database."""
    staging_config.demo_folder(settings).mkdir(parents=True, exist_ok=True, mode=0o700)


def make(records: Records, settings: Settings) -> None:
    """Makes the database, whole or not at all, and drafts its rules; once, whoever asks."""
    place = staging_config.demo_folder(settings)
    announce(settings)
    with (place / "making.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not _made(settings).is_file():
            part = place / f"{staging_config.PRODUCTION_FILE}.part"
            folder.remove(part)
            demo.create(f"sqlite:///{part}")
            _draft(records, part)  # before anybody sees the database: both are there at once
            part.rename(_made(settings))
        _draft(records, _made(settings))  # one that was there before its rules


def _draft(records: Records, made: Path) -> None:
    if sync_rules.latest(records) is not None:
        return
    production = open_source(f"sqlite:///{made}")
    try:
        text, why = sync_rules.draft(production)
    finally:
        production.close()
    sync_rules.save(records, text, why, "the demo", DRAFTED, None)


def _made(settings: Settings) -> Path:
    return staging_config.demo_folder(settings) / staging_config.PRODUCTION_FILE
