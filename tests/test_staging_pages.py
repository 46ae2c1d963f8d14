"""The environment's own pages: configured with every check, its health, the log of who came."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.servers import Postgres
from tests.staging_world import Staging, staging_world
from tests.sync.databases import carry_out
from webapp import staging_config, staging_health, staging_pages, staging_values
from webapp.records.models import AuditEntry
from webapp.staging_config import ConfigError

SECRET = "hunter2hunter2"


@pytest.fixture
def world(tmp_path: Path, redis_url: str) -> Iterator[Staging]:
    with staging_world(
        tmp_path,
        redis_url,
        production_host="app.studio.example, www.studio.example",
        production_bucket="studio-live",
    ) as made:
        yield made


def form(world: Staging, **values: str) -> dict[str, str]:
    """What a browser sends of the form as it stands, with changes; flags are left out to clear."""
    config = world.config
    usual = {
        "environment_name": config.environment_name,
        "database_url": staging_values.masked(config.database_url),
        "storage_bucket": config.storage_bucket,
        "admin_subdomain": config.admin_subdomain,
        "sync_schedule": config.sync_schedule,
        "anonymization_enabled": "1",
        "data_sync_enabled": "1",
    }
    return usual | values


def test_what_is_saved_stands(world: Staging) -> None:
    """Every field of the form, in one spelling."""
    answer = world.here.admin.post(
        "/staging/configuration",
        **form(
            world, environment_name="qa", storage_bucket="s3://Studio-QA/", data_sync_enabled="1",
            sync_schedule=" 30  2 * * * ",
        ),
    )  # fmt: skip

    config = world.config
    assert 303 == answer.status_code
    assert ("qa", "studio-qa", True, "30 2 * * *") == (
        config.environment_name, config.storage_bucket, config.data_sync_enabled,
        config.sync_schedule,
    )  # fmt: skip
    page = world.here.admin.get("/staging/configuration").text
    assert page.count("02:30:00 UTC") == 3


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("environment_name", "production", "the other environment"),
        ("environment_name", "Q A!", "small letters"),
        ("environment_name", "", "small letters"),
        ("database_url", "mysql://x/y", "no address of a database"),
        ("database_url", "sqlite:///relative.db", "whole path"),
        ("database_url", "postgresql://host/", "names no database"),
        ("database_url", "env:", "the name of a variable"),
        ("database_url", "env:NO_SUCH_THING_HERE", "has no NO_SUCH_THING_HERE"),
        ("storage_bucket", "Bad_Bucket", "no name of a bucket"),
        ("storage_bucket", "192.168.0.1", "no name of a bucket"),
        ("storage_bucket", "studio-live", "production’s bucket"),
        ("storage_bucket", "s3://STUDIO-live/", "production’s bucket"),
        ("storage_bucket", "arn:aws:s3:::studio-live", "production’s bucket"),
        (
            "storage_bucket",
            "https://studio-live.s3.eu-west-1.amazonaws.com/",
            "production’s bucket",
        ),
        ("storage_bucket", "https://s3.amazonaws.com/studio-live", "production’s bucket"),
        ("admin_subdomain", "https://x.example", "host name alone"),
        ("admin_subdomain", "x.example:80", "host name alone"),
        ("admin_subdomain", "10.0.0.1", "no domain"),
        ("admin_subdomain", "-x.example", "no domain"),
        ("admin_subdomain", "nodots", "no domain"),
        ("admin_subdomain", "APP.studio.example.", "production’s host"),
        ("admin_subdomain", "elsewhere.example", "would be shut out"),
        ("sync_schedule", "every night", "five fields"),
        ("sync_schedule", "0 0 30 2 *", "never comes"),
        ("sync_schedule", "* * * * * *", "five fields"),
        ("sync_schedule", "@daily", "five fields"),
    ],
)
def test_what_can_not_be_is_refused_by_its_field(
    world: Staging, field: str, value: str, said: str
) -> None:
    """The sentence says what would be valid; nothing is saved, and what was typed is kept."""
    before = world.config.updated_at

    answer = world.here.admin.post("/staging/configuration", **form(world, **{field: value}))

    text = answer.text.replace("&#39;", "’").replace("'", "’")
    assert (422, before) == (answer.status_code, world.config.updated_at)
    assert said in text


def test_production_s_own_database_is_refused_however_it_is_spelled(
    world: Staging, tmp_path: Path
) -> None:
    """By its path, through a link, by another spelling of the path; and so are our own records."""
    link = tmp_path / "link.sqlite3"
    link.symlink_to(world.production)
    spelled = f"{world.production.parent}/./{world.production.name}"
    records = world.here.settings.data.absolute() / "records.sqlite3"

    for path in (world.production, link, spelled, records):
        with pytest.raises(ConfigError, match="staging needs its own"):
            world.configure(database_url=f"sqlite:///{path}")


def test_postgresql_s_database_is_known_by_what_it_says_of_itself(
    world: Staging, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another person, another spelling of the host, an address in the environment: one database."""
    url = postgres.create()
    object.__setattr__(world.here.settings, "production_database_url", url)
    monkeypatch.setenv("STAGING_DATABASE", f"{url}{'&' if '?' in url else '?'}application_name=x")

    for told in (url, "env:STAGING_DATABASE"):
        with pytest.raises(ConfigError, match="production's database"):
            world.configure(database_url=told)
    other = postgres.create()

    assert other == world.configure(database_url=other).database_url


def test_a_password_is_never_shown_again(world: Staging) -> None:
    """Not on the page, in the API, or in the audit log; saving the form as it stands keeps it."""
    url = f"postgresql://owner:{SECRET}@127.0.0.1:1/staging"
    world.here.admin.post("/staging/configuration", **form(world, database_url=url))
    pages = [
        world.here.admin.get(each).text
        for each in (
            "/staging",
            "/staging/configuration",
            "/api/v1/staging/config",
            "/api/v1/staging/status",
        )
    ]
    world.here.admin.post("/staging/configuration", **form(world, environment_name="qa"))

    with world.here.records.reading() as session:
        log = json.dumps([each.detail for each in session.scalars(select(AuditEntry))])
    assert (url, "qa") == (world.config.database_url, world.config.environment_name)
    assert not any(SECRET in each for each in (*pages, log))
    assert "owner:•••@127.0.0.1" in pages[1]


def test_changes_are_in_the_audit_log_with_before_and_after(world: Staging) -> None:
    """Only what changed, from what to what."""
    world.here.admin.post("/staging/configuration", **form(world, storage_bucket="studio-qa"))

    with world.here.records.reading() as session:
        query = select(AuditEntry).where(AuditEntry.action == "staging.configure")
        entry = session.scalars(query).one()
    assert {"storage_bucket": ["", "studio-qa"]} == entry.detail["changed"]


def test_a_vpn_needs_networks(world: Staging) -> None:
    """Requiring one that nobody knows would shut everybody out."""
    answer = world.here.admin.post("/staging/configuration", **form(world, vpn_required="1"))

    assert 422 == answer.status_code
    assert "PROMPT_REPO_VPN_NETWORKS" in answer.text


def test_health_tells_of_each_part(world: Staging) -> None:
    """Each has a state, what was found, how quick, which version, how much is free."""
    world.run()
    found = staging_health.status(around(world))

    parts = {part.name: part for part in found.parts}
    assert ["ok"] * 5 == [
        parts[name].state
        for name in ("Staging's database", "Production's database", "Storage", "Git", "Redis")
    ]
    assert ("failing", "failing") == (parts["Workers"].state, found.state)
    assert all(part.milliseconds is not None for part in found.parts)
    assert parts["Git"].version[0].isdigit()
    assert "Valkey" in parts["Redis"].version
    telling = ("Staging's database", "Production's database", "Storage", "Git", "Redis")
    assert all((parts[name].free_bytes or 0) > 0 for name in telling)
    checks = {each.name: each.state for each in found.isolation}
    assert ("ok", "ok") == (checks["Database"], checks["Anonymisation"])
    page = world.here.admin.get("/staging").text
    assert "Nobody takes syncs" in page
    assert "Two databases" in page


def test_postgresql_on_this_machine_tells_its_free_space(
    world: Staging, postgres: Postgres
) -> None:
    """Where its role may see the folder of its data; one that may not leaves it out."""
    url = postgres.create()
    carry_out(
        url,
        "CREATE ROLE plain LOGIN",
        "CREATE TABLE t (id integer PRIMARY KEY)",
        "GRANT SELECT ON t TO plain",
    )
    found = []
    for address in (url, url.replace("postgres@", "plain@")):
        world.configure(database_url=address)
        parts = staging_health.status(around(world)).parts
        found.append(next(part for part in parts if part.name == "Staging's database"))
    carry_out(url, "DROP OWNED BY plain", "DROP ROLE plain")

    assert ["ok", "ok"] == [part.state for part in found]
    assert (found[0].free_bytes or 0) > 0
    assert found[1].free_bytes is None


def test_a_part_that_is_away_fails_alone(world: Staging) -> None:
    """The page says so, and tells of all others."""
    world.configure(database_url="postgresql://nobody@127.0.0.1:1/none")

    found = {part.name: part.state for part in staging_health.status(around(world)).parts}

    assert ("failing", "ok") == (found["Staging's database"], found["Git"])
    assert 200 == world.here.admin.get("/staging").status_code


def around(world: Staging) -> staging_health.Around:
    with world.here.app.test_request_context():
        return staging_pages.around(staging_config.current(world.here.records, world.here.settings))


def test_attempts_are_listed(world: Staging) -> None:
    """Who, from where, to what, and whether they got in; the refused alone where asked for."""
    world.here.admin.get("/staging/rules")
    nobody = world.here.app.test_client()
    nobody.get("/staging/mapping")

    page = world.here.admin.get("/staging/access").text
    refused = world.here.admin.get("/staging/access?outcome=refused").text

    assert "GET /staging/rules" in page
    assert "GET /staging/mapping" in page
    assert "GET /staging/rules" not in refused
    assert "nobody is logged in" in refused
