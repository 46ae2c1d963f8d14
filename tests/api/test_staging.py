"""The staging environment over the API: state, configuration, syncs with their conflicts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.staging_world import USERS, Staging, staging_world
from tests.web import bearer
from webapp.access import Scope

BASE = "/api/v1/staging"
MODEL_5 = {
    "id", "environment_name", "database_url", "storage_bucket", "admin_subdomain", "vpn_required",
    "data_sync_enabled", "sync_schedule", "last_sync_at", "last_sync_status",
    "anonymization_enabled", "created_at", "updated_at",
}  # fmt: skip
MODEL_6 = {
    "id", "sync_id", "environment", "status", "records_synced", "records_failed",
    "anonymization_applied", "started_at", "completed_at", "error_message", "initiated_by",
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path, redis_url: str) -> Iterator[Staging]:
    with staging_world(tmp_path, redis_url) as made:
        yield made


def ask(world: Staging, method: str, path: str, **more: Any) -> TestResponse:
    headers = bearer(world.here.app, Scope.ADMIN, environments=("staging", "production"))
    client = world.here.app.test_client()
    return client.open(f"{BASE}{path}", method=method, headers=headers, **more)


def run(world: Staging, **order: Any) -> dict[str, Any]:
    """A sync started over the API and carried out; as the API tells of it."""
    made = ask(world, "POST", "/syncs", json=order)
    assert made.status_code == 202, made.text
    world.here.work(("syncs",))
    found: dict[str, Any] = ask(world, "GET", f"/syncs/{made.json['id']}").json
    return found


def test_the_configuration_has_every_field_of_model_5(world: Staging) -> None:
    """No more and no less."""
    assert set(ask(world, "GET", "/config").json) == MODEL_5


def test_a_change_leaves_alone_what_it_does_not_name(world: Staging) -> None:
    """PATCH means just that."""
    before = ask(world, "GET", "/config").json

    after = ask(world, "PATCH", "/config", json={"environment_name": "qa"}).json

    moved = {name for name in MODEL_5 if before[name] != after[name]}
    assert {"environment_name", "updated_at"} == moved | {"updated_at"}
    assert "qa" == after["environment_name"]


def test_a_change_that_can_not_be_says_which_field(world: Staging) -> None:
    """A problem of RFC 9457 with each field; nothing of the change is saved."""
    given = {"environment_name": "qa", "sync_schedule": "nightly", "storage_bucket": "X_"}

    answer = ask(world, "PATCH", "/config", json=given)

    assert (422, "application/problem+json") == (answer.status_code, answer.mimetype)
    assert {"sync_schedule", "storage_bucket"} == {each["field"] for each in answer.json["errors"]}
    assert "staging" == world.config.environment_name


def test_a_sync_is_started_followed_and_listed(world: Staging) -> None:
    """Every field of model 6; its counts; where it is, in `Location`."""
    made = ask(world, "POST", "/syncs")
    pending = ask(world, "GET", "/syncs").json["items"][0]
    world.here.work(("syncs",))
    found = (
        world.here.app.test_client()
        .get(
            made.headers["Location"],
            headers=bearer(world.here.app, Scope.ADMIN, environments=("staging",)),
        )
        .json
    )

    assert MODEL_6 <= set(found)
    assert ("pending", "completed") == (pending["status"], found["status"])
    assert (USERS, 0) == (found["counts"]["users"]["inserted"], found["records_failed"])
    assert "token:test" in found["initiated_by"] or found["initiated_by"].startswith("token:")
    status = ask(world, "GET", "/status").json
    assert ("success", None) == (status["last_sync_status"], status["running_sync"])


@pytest.mark.parametrize("switch", ["data_sync_enabled", "anonymization_enabled"])
def test_what_is_switched_off_is_409(world: Staging, switch: str) -> None:
    """No sync begins, and a failed one does not go on; the answer says what to switch on."""
    made = ask(world, "POST", "/syncs").json["id"]
    ask(world, "POST", f"/syncs/{made}/cancel")
    assert 200 == ask(world, "PATCH", "/config", json={switch: False}).status_code

    answers = [ask(world, "POST", each) for each in ("/syncs", f"/syncs/{made}/resume")]

    assert [409, 409] == [each.status_code for each in answers]
    assert all("is switched off" in each.json["detail"] for each in answers)


def test_a_second_one_is_409(world: Staging) -> None:
    """While one is under way."""
    ask(world, "POST", "/syncs")

    answer = ask(world, "POST", "/syncs")

    assert (409, "urn:prompt-repo:sync-under-way") == (answer.status_code, answer.json["type"])


def test_conflicts_are_read_decided_and_carried_out(world: Staging) -> None:
    """Read with all three sides, merged by column, resumed in the same call."""
    run(world)
    world.clash(4, 5)
    paused = ask(world, "GET", "/syncs").json["items"][0]
    found = ask(world, "GET", f"/syncs/{paused['id']}/conflicts?limit=1").json

    first = found["items"][0]
    one = {
        "action": "merge",
        "conflicts": [first["id"]],
        "take": {"role": "staging", "*": "production"},
    }
    ask(world, "POST", f"/syncs/{paused['id']}/resolve", json=one)
    rest = {"action": "overwrite", "resume": True}
    done = ask(world, "POST", f"/syncs/{paused['id']}/resolve", json=rest | {"table": "users"}).json
    world.here.work(("syncs",))

    assert ("paused", 2, 2) == (
        paused["status"], paused["conflicts"]["open"], found["sums"]["open"],
    )  # fmt: skip
    assert first["id"] == found["next_cursor"]
    assert {"role"} <= set(first["moved"])
    assert first["staging"][first["columns"].index("role")] == "tester"
    assert "pending" == done["sync"]["status"]
    after = ask(world, "GET", f"/syncs/{paused['id']}").json
    assert ("completed", 0) == (after["status"], after["conflicts"]["open"])


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"action": "merge"}, 409),
        ({"action": "skip", "conflicts": [999999]}, 409),
        ({"action": "burn"}, 422),
        ({"action": "merge", "take": {"role": "mine"}}, 422),
        ({}, 422),
    ],
)
def test_a_decision_that_can_not_be_is_refused(
    world: Staging, given: dict[str, Any], status: int
) -> None:
    """With a sentence; every conflict stays open."""
    made = world.clash()

    answer = ask(world, "POST", f"/syncs/{made.id}/resolve", json=given)

    assert status == answer.status_code
    assert 1 == ask(world, "GET", f"/syncs/{made.id}/conflicts").json["sums"]["open"]


def test_how_a_sync_goes_about_it_is_said_and_told(world: Staging) -> None:
    """Indexes last, processes, whether it is shared; what can't be is refused."""
    how = {"indexes_last": True, "processes": 4, "share": False}

    refused = ask(world, "POST", "/syncs", json={"processes": 65})
    made = ask(world, "POST", "/syncs", json=how)

    assert (422, 202) == (refused.status_code, made.status_code)
    assert how == {name: made.json[name] for name in how}


def test_a_sync_is_cancelled_and_resumed(world: Staging) -> None:
    """Cancelling what is over is 409."""
    made = ask(world, "POST", "/syncs").json
    cancelled = ask(world, "POST", f"/syncs/{made['id']}/cancel").json
    again = ask(world, "POST", f"/syncs/{made['id']}/cancel")
    resumed = ask(world, "POST", f"/syncs/{made['id']}/resume")
    world.here.work(("syncs",))

    assert ("cancelled", True) == (cancelled["status"], cancelled["resumable"])
    assert (409, 202) == (again.status_code, resumed.status_code)
    assert "completed" == ask(world, "GET", f"/syncs/{made['id']}").json["status"]


def test_a_dry_run_gives_its_samples(world: Staging) -> None:
    """Covered before, made up after."""
    found = run(world, dry_run=True, tables=["users"])

    rows = found["samples"][0]["rows"]
    place = found["samples"][0]["columns"].index("email")
    assert 10 == len(rows)
    assert all("•" in row["before"][place] and "@" in row["after"][place] for row in rows)


def test_a_list_is_read_by_cursor(world: Staging) -> None:
    """Newest first, each once."""
    for _ in range(3):
        run(world, dry_run=True, tables=["teams"])

    first = ask(world, "GET", "/syncs?limit=2").json
    rest = ask(world, "GET", f"/syncs?limit=2&cursor={first['next_cursor']}").json

    idents = [each["id"] for each in (*first["items"], *rest["items"])]
    assert (3, None) == (len(set(idents)), rest["next_cursor"])


def test_what_is_not_there_is_404(world: Staging) -> None:
    """A sync that nobody started."""
    nobody = "00000000-0000-4000-8000-000000000009"

    assert 404 == ask(world, "GET", f"/syncs/{nobody}").status_code
    assert 404 == ask(world, "POST", f"/syncs/{nobody}/resume").status_code
