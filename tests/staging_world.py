"""Staging for tests: two databases with people in production's, rules, and workers to sync them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync import demo
from sync.tables import open_source
from tests.preview_world import World, world
from webapp import staging_config, sync_rules, syncs
from webapp.records.staging_models import StagingConfig, Sync, SyncStatus

KEY = "a secret of these tests, 32 chars"
USERS, ASSIGNMENTS = 60, 120
NOBODY_TO_LOCK_OUT = ""


@dataclass
class Staging:
    """The application with both databases."""

    here: World
    production: Path
    staging: Path

    @property
    def config(self) -> StagingConfig:
        return staging_config.current(self.here.records, self.here.settings)

    def configure(self, **values: Any) -> StagingConfig:
        """Changes the configuration as an admin does, by no request."""
        return staging_config.change(self.here.records, self.here.settings, values, "person:ada")[0]

    def draft(self) -> None:
        """Saves the rules that a plan drafts, as the next version."""
        source = open_source(f"sqlite:///{self.production}")
        text, why = sync_rules.draft(source)
        source.close()
        standing = sync_rules.latest(self.here.records)
        seen = standing.version if standing else None
        sync_rules.save(self.here.records, text, why, "person:ada", "Drafted", seen)

    def start(self, **form: Any) -> Sync:
        """Starts a sync on its page; gives the record."""
        answer = self.here.admin.post("/staging/syncs", **form)
        assert answer.status_code == 303, answer.text
        return self.sync(answer.headers["Location"].rpartition("/")[2])

    def run(self, **form: Any) -> Sync:
        """The same, carried out."""
        made = self.start(**form)
        self.here.work(("syncs",))
        return self.sync(made.id)

    def sync(self, ident: str) -> Sync:
        return syncs.find(self.here.records, ident)

    def in_production(self, statement: str, *values: Any) -> list[Any]:
        return _ask(self.production, statement, values)

    def in_staging(self, statement: str, *values: Any) -> list[Any]:
        return _ask(self.staging, statement, values)

    def clash(self, *people: int) -> Sync:
        """Some users' rows move on both sides, so that a sync pauses; gives it."""
        assert self.run().status == SyncStatus.COMPLETED
        for number in people or (1,):
            self.in_production("UPDATE users SET role = 'lead' WHERE id = ?", number)
            self.in_staging("UPDATE users SET role = 'tester', bio = 'QA' WHERE id = ?", number)
        return self.run()


def _ask(path: Path, statement: str, values: tuple[Any, ...]) -> list[Any]:
    with sqlite3.connect(path) as connection:
        found = connection.execute(statement, values).fetchall()
    connection.close()
    return found


@contextmanager
def staging_world(folder: Path, redis_url: str, **settings: Any) -> Iterator[Staging]:
    """Both databases, production's filled with the demo's people; rules are drafted."""
    production, staging = folder / "live.sqlite3", folder / "copy.sqlite3"
    demo.create(f"sqlite:///{production}", USERS, ASSIGNMENTS)
    usual = {
        "production_database_url": f"sqlite:///{production}", "anonymization_key": KEY,
        "sync_mapping": "off",
    }  # fmt: skip
    with world(folder / "data", redis_url, **(usual | settings)) as here:
        made = Staging(here, production, staging)
        made.configure(database_url=f"sqlite:///{staging}")
        made.draft()
        yield made
