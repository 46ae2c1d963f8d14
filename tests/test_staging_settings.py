"""What stands in staging's configuration: passwords stay covered, and no save undoes another's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.test_staging import ask
from tests.staging_world import Staging, staging_world
from tests.test_staging_pages import around, form
from webapp import cli_sync, staging_config, staging_health, staging_values, sync_sample
from webapp.config import Settings
from webapp.security import is_within
from webapp.staging_config import ConfigError

SECRET = "hunter2"
URL = f"postgresql://owner:{SECRET}@127.0.0.1:1/staging"
SHOWN = "postgresql://owner:•••@127.0.0.1:1/staging"


@pytest.fixture
def world(tmp_path: Path, redis_url: str) -> Iterator[Staging]:
    with staging_world(tmp_path, redis_url) as made:
        yield made


@pytest.mark.parametrize(
    "address",
    [
        URL,
        f"postgresql://owner:x/{SECRET}@host/db",
        f"postgresql://owner:x@{SECRET}@host/db",
        f"postgresql://owner:x?{SECRET}@host/db",
        f"postgresql://owner:x#{SECRET}@host/db",
        f"postgresql://owner@host/db?password={SECRET}&sslmode=require",
        f"postgresql://owner@host/db?sslmode=require&sslpassword={SECRET}",
    ],
)
def test_a_password_is_covered_however_it_is_written(address: str) -> None:
    """With signs that part an address, and as a parameter; the rest is shown."""
    shown = staging_values.masked(f"no connection to {address}")

    assert SECRET not in shown
    assert shown.startswith("no connection to postgresql://owner")
    assert "host/db" in shown or shown.endswith(SHOWN)


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://owner:x/{SECRET}@host/db",
        f"postgresql://owner:x@{SECRET}@host/db",
        f"postgresql://owner:x?{SECRET}@host/db",
        f"postgresql://owner@host/db?pass%77ord={SECRET}",
    ],
)
def test_an_address_with_two_meanings_is_refused(world: Staging, address: str) -> None:
    """PostgreSQL would take part of the password for a host, and name it in its errors."""
    answer = world.here.admin.post("/staging/configuration", **form(world, database_url=address))

    assert 422 == answer.status_code
    assert "%40" in answer.text
    assert SECRET not in answer.text.replace(f"pass%77ord={SECRET}", "")


def test_what_the_api_gave_out_may_be_sent_back(world: Staging) -> None:
    """The covered password is no new one; beside another host it is asked for."""
    world.configure(database_url=URL)
    given = ask(world, "GET", "/config").json["database_url"]
    assert SHOWN == given

    answers = [
        ask(world, "PATCH", "/config", json=each)
        for each in (
            {"database_url": given, "environment_name": "qa"},
            {"database_url": given.replace("127.0.0.1", "elsewhere")},
        )
    ]

    assert [200, 422] == [each.status_code for each in answers]
    assert "write it anew" in answers[1].text
    assert (URL, "qa") == (world.config.database_url, world.config.environment_name)


def test_the_command_line_enters_no_password(world: Staging) -> None:
    """Neither one before the host nor one among the parameters is in the audit log."""
    shown = cli_sync._shown(f"postgresql://owner@h/db?password={SECRET}")

    assert "postgresql://owner@h/db?password=•••" == shown


@pytest.mark.parametrize("live", ["s3://studio-live/clips", "s3://studio-live:443", "STUDIO-live/"])
def test_production_s_bucket_is_known_by_any_place_in_it(
    tmp_path: Path, redis_url: str, live: str
) -> None:
    """Its setting may name a folder within it."""
    with staging_world(tmp_path, redis_url, production_bucket=live) as world:
        with pytest.raises(ConfigError, match="production's bucket"):
            world.configure(storage_bucket="studio-live")
        assert "studio-qa" == world.configure(storage_bucket="studio-qa").storage_bucket


@pytest.mark.parametrize(
    "live", ["what is this", "minio.example/studio-qa", "http://10.0.0.1:9000/studio-qa"]
)
def test_a_bucket_of_production_that_can_not_be_read_is_told(
    tmp_path: Path, redis_url: str, live: str
) -> None:
    """Staging's is not taken for another one than production's without knowing."""
    with (
        staging_world(tmp_path, redis_url, production_bucket=live) as world,
        pytest.raises(ConfigError, match="PROMPT_REPO_PRODUCTION_BUCKET"),
    ):
        world.configure(storage_bucket="studio-qa")


@pytest.mark.parametrize("host", ["localhost.", "LOCALHOST", "127.1.2.3", "[::1]", "0.0.0.0"])
def test_this_machine_is_one_place_however_it_is_called(host: str) -> None:
    """Also while no database there answers and says which it is."""
    told = staging_values.database_parts(f"postgresql://owner@{host}:5432/app")

    assert staging_values.database_parts("postgresql://reader@127.0.0.1/app") == told


def test_production_s_host_may_be_written_as_an_address(tmp_path: Path, redis_url: str) -> None:
    """It is the same host with a scheme, a port and a path around it."""
    told = "https://App.studio.example:443/, www.studio.example"
    with (
        staging_world(tmp_path, redis_url, production_host=told) as world,
        pytest.raises(ConfigError, match="production's host"),
    ):
        world.configure(admin_subdomain="app.studio.example")


def test_a_network_of_ipv4_may_be_spelled_as_ipv6() -> None:
    """Addresses are known in either spelling, and so are networks."""
    told = Settings.from_environment(
        {"PROMPT_REPO_VPN_NETWORKS": "::ffff:10.8.0.0/112, fd00::/8, ::/0"}
    ).vpn_networks

    assert ["10.8.0.0/16", "fd00::/8", "::/0"] == [str(each) for each in told]
    assert is_within("::ffff:10.8.0.7", told[:1])
    assert is_within("10.8.0.7", told[:1])
    assert not is_within("10.9.0.7", told[:1])


def test_a_run_that_ends_undoes_no_change_of_the_configuration(
    world: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody saves between its look at the configuration and its note: both stand."""
    here, before = world.here, staging_config.current(world.here.records, world.here.settings)
    world.configure(environment_name="qa")
    with monkeypatch.context() as patch:
        patch.setattr(staging_config, "current", lambda *_: before)
        staging_config.note_run(here.records, here.settings, "success")

    assert ("qa", "success") == (world.config.environment_name, world.config.last_sync_status)


def test_two_who_save_other_fields_undo_nothing_of_each_other(
    world: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each writes what it changed, and not what it saw of the rest."""
    before = world.config
    world.configure(environment_name="qa")
    with monkeypatch.context() as patch:
        patch.setattr(staging_config, "current", lambda *_: before)
        world.configure(storage_bucket="studio-qa")

    assert ("qa", "studio-qa") == (world.config.environment_name, world.config.storage_bucket)


@pytest.mark.parametrize("name", ["किरण नायर", "สมชาย", "Zoe\u0308 Ångström", "😀 Ada"])
def test_a_covered_sample_shows_no_part_of_a_letter(name: str) -> None:
    """Vowel signs and accents that are letters of their own to a program are covered, too."""
    shown = sync_sample.masked(name)

    assert {"•"} == set(shown.replace(" ", ""))
    assert len(name) == len(shown)


@pytest.mark.parametrize(
    ("proxies", "state"),
    [
        ("192.0.2.1,127.0.0.0/8,::1", "ok"),
        ("10.0.0.0/8", "warn"),
        ("192.0.2.0/31,fd00::/8", "warn"),
    ],
)
def test_proxies_that_are_whole_networks_are_warned_of(
    tmp_path: Path, redis_url: str, proxies: str, state: str
) -> None:
    """Whoever has an address there is believed where they say they come from."""
    told = Settings.from_environment(
        {"PROMPT_REPO_TRUSTED_PROXIES": proxies, "PROMPT_REPO_VPN_NETWORKS": "10.8.0.0/16"}
    )
    networks = {"trusted_proxies": told.trusted_proxies, "vpn_networks": told.vpn_networks}
    with staging_world(tmp_path, redis_url, **networks) as world:
        world.configure(vpn_required=True)
        checks = {each.name: each for each in staging_health.isolation(around(world))}

    assert state == checks["VPN"].state
    assert ("PROMPT_REPO_TRUSTED_PROXIES" in checks["VPN"].said) == (state == "warn")
