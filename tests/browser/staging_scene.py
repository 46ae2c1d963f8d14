"""Staging as pages are opened on it: a sync that conflicts paused, and one that was only tried."""

import secrets
import sqlite3
import time

import redis

from sync import demo
from tests.browser.studio import Studio
from webapp import demo_database, staging_config, sync_rules, sync_watch, syncs, valkey
from webapp.config import Settings
from webapp.queue import Jobs
from webapp.records.staging_models import Sync, SyncStatus
from webapp.syncs import Wanted

WHO = "person:admin"
CLASHING = 3
PATIENCE = 120


def set_staging(studio: Studio) -> tuple[str, str]:
    """The ids of both; made once in a studio. A studio that is no demo gets few people."""
    settings = Settings(data=studio.folder)
    place = staging_config.demo_folder(settings)
    if not place.exists():
        place.mkdir()
        demo.create(f"sqlite:///{place / staging_config.PRODUCTION_FILE}", 60, 120)
    demo_database.make(studio.records, settings)
    made = syncs.listed(studio.records)
    tried = next((each for each in made if each.dry_run), None) or _run(
        studio, settings, Wanted(dry_run=True)
    )
    newest = syncs.latest(studio.records)
    if newest is None or newest.status != SyncStatus.PAUSED:
        newest = _clash(studio, settings)
    return newest.id, tried.id


def _clash(studio: Studio, settings: Settings) -> Sync:
    """A sync that is paused, for some users' rows moved on both sides."""
    _run(studio, settings, Wanted())
    place = staging_config.demo_folder(settings)
    for file in (staging_config.PRODUCTION_FILE, staging_config.STAGING_FILE):
        side = f"{file.partition('.')[0]} {secrets.token_hex(3)}"
        with sqlite3.connect(place / file) as database:
            values = (side, side, CLASHING)
            database.execute("UPDATE users SET role = ?, bio = ? WHERE id <= ?", values)
        database.close()
    paused = _run(studio, settings, Wanted())
    assert paused.status == SyncStatus.PAUSED, paused.error_message
    return paused


def _run(studio: Studio, settings: Settings, wanted: Wanted) -> Sync:
    config = staging_config.current(studio.records, settings)
    standing = sync_rules.latest(studio.records)
    assert standing is not None
    made = syncs.ask(studio.records, config, wanted, standing.version, WHO)
    with redis.Redis.from_url(valkey.url_of(studio.folder)) as client:
        sync_watch.enqueue(settings, Jobs(client), made)
    end = time.monotonic() + PATIENCE
    while (found := syncs.find(studio.records, made.id)).under_way:
        assert time.monotonic() < end, "the studio's worker did not come to it"
        time.sleep(0.1)
    return found
