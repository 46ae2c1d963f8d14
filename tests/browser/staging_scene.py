"""Staging as pages are opened on it: a sync that conflicts paused, and one that was only tried."""

import sqlite3
import time

import redis

from sync import demo
from tests.browser.studio import Studio
from webapp import demo_database, staging_config, sync_rules, sync_watch, syncs, valkey
from webapp.config import Settings
from webapp.queue import Jobs
from webapp.records.staging_models import Sync
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
    if not made:
        _run(studio, settings, Wanted())
        for file, role in ((staging_config.PRODUCTION_FILE, "lead"), ("staging.sqlite3", "tester")):
            with sqlite3.connect(place / file) as database:
                values = (role, role, CLASHING)
                database.execute("UPDATE users SET role = ?, bio = ? WHERE id <= ?", values)
            database.close()
        _run(studio, settings, Wanted(dry_run=True))
        _run(studio, settings, Wanted())
        made = syncs.listed(studio.records)
    paused = next(each for each in made if each.status == "paused")
    tried = next(each for each in made if each.dry_run)
    return paused.id, tried.id


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
