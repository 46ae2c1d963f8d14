"""The demo's own production database: made behind the first start, and ready for a sync."""

import stat
from pathlib import Path

import pytest

from sync import demo
from tests.preview_world import world
from webapp import demo_database, staging_config, staging_secrets, sync_rules
from webapp.schedule import Clock


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo of few people, made as the large one is."""
    create = demo_database.demo.create
    monkeypatch.setattr(demo_database.demo, "create", lambda url: create(url, 40, 80))


@pytest.mark.usefixtures("small")
def test_a_demo_gets_a_production_database_by_itself(tmp_path: Path, redis_url: str) -> None:
    """The clock has it made in the background, with drafted rules and a staging beside it."""
    with world(tmp_path, redis_url) as here:
        demo_database.announce(here.settings)
        clock = Clock(here.settings)
        clock.tick()
        here.work()
        clock.stop()

        config = staging_config.current(here.records, here.settings)
        where = staging_config.addresses(config, here.settings)
        rules = sync_rules.latest(here.records)

    assert where.production.endswith("demo/production.sqlite3")
    assert where.staging.endswith("demo/staging.sqlite3")
    assert rules is not None
    assert "email: email" in rules.text
    assert "called email" == rules.why["users"]["email"]


def test_a_demo_that_is_still_being_made_says_so(tmp_path: Path, redis_url: str) -> None:
    """Who asks for a sync at once is not sent to set up what the demo brings along."""
    with world(tmp_path, redis_url) as here:
        demo_database.announce(here.settings)

        with pytest.raises(staging_config.NotSetUp, match="still being made; try again"):
            staging_config.production_url(here.settings)


@pytest.mark.usefixtures("small")
def test_the_page_waits_for_the_demo_by_itself(tmp_path: Path, redis_url: str) -> None:
    """It sends nobody to the configuration, asks again, and then has the button to start."""
    with world(tmp_path, redis_url) as here:
        demo_database.announce(here.settings)

        waiting = here.admin.get("/staging/syncs").text
        demo_database.make(here.records, here.settings)
        ready = here.admin.get("/staging/syncs").text

    assert "is being made" in waiting
    assert 'hx-trigger="every 1s" hx-select="#begin"' in waiting
    assert "Open Configuration" not in waiting
    assert 'hx-select="#begin"' not in ready
    assert 'id="begin"' in ready
    assert "Start sync" in ready


@pytest.mark.usefixtures("small")
def test_a_demo_comes_with_its_rules(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sees its database before there are rules for it."""
    there: list[bool] = []
    save = sync_rules.save
    with world(tmp_path, redis_url) as here:
        monkeypatch.setattr(
            sync_rules,
            "save",
            lambda *given: (there.append(staging_config.has_demo(here.settings)), save(*given))[1],
        )
        demo_database.make(here.records, here.settings)

        assert [False] == there
        assert staging_config.has_demo(here.settings)


@pytest.mark.usefixtures("small")
def test_a_demo_is_made_once(tmp_path: Path, redis_url: str) -> None:
    """Asked twice it stays as it was."""
    with world(tmp_path, redis_url) as here:
        demo_database.make(here.records, here.settings)
        made = staging_config.demo_folder(here.settings) / staging_config.PRODUCTION_FILE
        before = made.stat().st_mtime_ns
        demo_database.make(here.records, here.settings)

        assert before == made.stat().st_mtime_ns
        assert 1 == len(sync_rules.versions(here.records))
        assert not demo_database.wanted(here.settings)


def test_a_database_that_was_there_before_its_rules_gets_them(
    tmp_path: Path, redis_url: str
) -> None:
    """As one has that an earlier version made, and was stopped before it drafted any."""
    with world(tmp_path, redis_url) as here:
        demo_database.announce(here.settings)
        made = staging_config.demo_folder(here.settings) / staging_config.PRODUCTION_FILE
        demo.create(f"sqlite:///{made}", 6, 12)

        demo_database.make(here.records, here.settings)

        assert 1 == len(sync_rules.versions(here.records))


def test_who_has_no_demo_gets_none(tmp_path: Path, redis_url: str) -> None:
    """A data folder that was given a repository has no made-up people in it."""
    with world(tmp_path, redis_url) as here:
        assert not demo_database.wanted(here.settings)
        with pytest.raises(staging_config.NotSetUp, match="PROMPT_REPO_PRODUCTION_DATABASE_URL"):
            staging_config.production_url(here.settings)


def test_the_key_of_a_laptop_is_made_once_and_for_its_owner_alone(
    tmp_path: Path, redis_url: str
) -> None:
    """It lies in the data folder, mode 0600, and is the same for every run."""
    with world(tmp_path, redis_url) as here:
        first = staging_secrets.key_of(here.settings).fingerprint
        again = staging_secrets.key_of(here.settings).fingerprint
        mode = (here.settings.data / "anonymization_key").stat().st_mode

    assert first == again
    assert 0o600 == stat.S_IMODE(mode)
