"""The pages of webhooks, and the events that what people do sets off."""

import ipaddress
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from prompt_repo.promotion import Order, promote
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import KIM, SAM, make_repository, put
from tests.receiver import LOOPBACK, Receiver, receiving
from tests.web import Browser, bearer, make_app, person, services
from webapp import events, webhooks
from webapp.access import Role, Scope
from webapp.courier import courier
from webapp.events import Event

ANGRY = "/environments/staging/characters/aria/angry"
SECRET = re.compile(r'value="(whsec_[^"]+)"')


@pytest.fixture
def prompts(tmp_path: Path) -> Repository:
    """Aria with one prompt that is live."""
    made = make_repository(tmp_path, ("aria",))
    put(made, {"aria/angry": "One.\n"}, "Begin")
    promote(made, Order(), KIM, "Go live")
    return made


@pytest.fixture
def app(tmp_path: Path, prompts: Repository) -> Flask:
    """The application, whose webhooks may reach loopback."""
    return make_app(tmp_path, webhook_networks=(ipaddress.ip_network(LOOPBACK),))


@pytest.fixture
def admin(app: Flask) -> Browser:
    """Somebody who may do all."""
    return person(app, Role.ADMIN, "sam")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def make(browser: Browser, url: str, *wanted: str) -> Any:
    """Sends the form of a new webhook; for all events where none are named."""
    named = wanted or [event.value for event in webhooks.OFFERED]
    pairs = [("csrf_token", browser.csrf()), ("url", url), *(("event", each) for each in named)]
    return browser.client.post("/webhooks/new", data=MultiDict(pairs))


def told(app: Flask, receiver: Receiver) -> list[tuple[str, Any]]:
    """What arrived since last time, by type."""
    before = len(receiver.calls)
    courier(app).deliver_due()
    return [(call.told["type"], call.told["data"]) for call in receiver.calls[before:]]


def test_a_secret_is_shown_once_and_signs(app: Flask, admin: Browser, receiver: Receiver) -> None:
    """The page after making it has the secret, no other does; calls are signed with it."""
    made = make(admin, receiver.url)
    found = SECRET.search(made.text)
    assert found is not None
    secret = unescape(found[1])
    assert made.headers["Cache-Control"] == "no-store"
    assert secret not in admin.get("/webhooks/1").text

    admin.post("/webhooks/1/ping")
    courier(app).deliver_due()

    assert receiver.calls[0].told["type"] == "ping"
    assert receiver.calls[0].is_signed_with(secret)
    assert "Delivered" in admin.get("/webhooks/1").text


def test_what_people_do_is_told(app: Flask, admin: Browser, receiver: Receiver) -> None:
    """Editing, promoting and rolling back in the browser; each says who, what and where."""
    make(admin, receiver.url)
    base = app.extensions["services"].repository.get().head(STAGING)

    admin.post(ANGRY, action="save", text="Two.\n", reason="Louder", base=base)
    ((kind, facts),) = told(app, receiver)
    assert kind == "prompt.changed"
    assert (facts["environment"], facts["reason"], facts["actor"]) == (
        STAGING,
        "Louder",
        "person:sam",
    )
    assert facts["prompts"] == [
        {
            "path": "characters/aria/angry.yaml",
            "character": "aria",
            "emotion": "angry",
            "removed": False,
        }
    ]

    plan = admin.post("/promotion/plan", all="1").text
    pins = dict(re.findall(r'name="(staging|production)" value="([0-9a-f]{40})"', plan))
    done = admin.post("/promotion", all="1", reason="Friday", **pins)
    both = dict(told(app, receiver))
    assert both.keys() == {"prompt.changed", "promotion.done"}
    assert both["prompt.changed"]["environment"] == PRODUCTION
    assert both["promotion.done"]["reason"] == "Friday"
    assert both["promotion.done"]["tag"].startswith("production/")
    assert both["promotion.done"]["paths"] == ["characters/aria/angry.yaml"]

    back = {"csrf_token": admin.csrf(), "path": "characters/aria/angry.yaml"}
    admin.client.post(f"{done.headers['Location']}/roll-back", data=back)
    kinds = {kind for kind, _ in told(app, receiver)}
    assert kinds == {"prompt.changed", "promotion.rolled_back"}


def test_what_programs_do_is_told(app: Flask, admin: Browser, receiver: Receiver) -> None:
    """The API tells the same, in the token's name."""
    make(admin, receiver.url, "prompt.changed", "promotion.done")
    headers = {**bearer(app, Scope.WRITE, Scope.PROMOTE), "If-Match": "*"}
    client, api = app.test_client(), "/api/v1"
    address = f"{api}/environments/staging/characters/aria/emotional-prompts/angry"

    client.put(address, json={"prompt_text": "Three."}, headers=headers)
    ((kind, facts),) = told(app, receiver)
    assert (kind, facts["actor"].partition(":")[0]) == ("prompt.changed", "token")

    plan = client.get(f"{api}/promotions/plan", headers=headers).json
    assert plan is not None
    pins = {"staging": plan["from"]["commit"], "production": plan["to"]["commit"]}
    client.post(f"{api}/promotions", json={"plan": pins}, headers=headers)
    assert {kind for kind, _ in told(app, receiver)} == {"prompt.changed", "promotion.done"}


def test_what_is_pushed_is_told(
    app: Flask, admin: Browser, receiver: Receiver, prompts: Repository
) -> None:
    """A merge that CI pushed to production counts as a promotion."""
    make(admin, receiver.url)
    old = prompts.head(PRODUCTION)
    put(prompts, {"aria/angry": "Four."})
    new = promote(prompts, Order(), SAM, "By CI").commit.oid

    with app.test_request_context():
        events.announce(Event.BRANCH_MOVED, branch=PRODUCTION, old=old, new=new)

    both = dict(told(app, receiver))
    assert both.keys() == {"prompt.changed", "promotion.done"}
    assert both["promotion.done"]["reason"] == "By CI"


def test_a_refused_edit_tells_nobody(app: Flask, admin: Browser, receiver: Receiver) -> None:
    """Only what was done is told."""
    make(admin, receiver.url)
    base = app.extensions["services"].repository.get().head(STAGING)

    assert admin.post(ANGRY, action="save", text=" ", base=base).status_code == 422

    assert told(app, receiver) == []


def test_a_delivery_is_sent_again(app: Flask, admin: Browser, receiver: Receiver) -> None:
    """From the log, also one that arrived; one of another webhook is not found."""
    make(admin, receiver.url)
    make(admin, receiver.url)
    admin.post("/webhooks/1/ping")
    courier(app).deliver_due()

    assert admin.post("/webhooks/2/deliveries/1/again").status_code == 404
    assert admin.post("/webhooks/1/deliveries/1/again").status_code == 303
    courier(app).deliver_due()

    first, second = receiver.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_a_webhook_is_turned_off_and_on(app: Flask, admin: Browser, receiver: Receiver) -> None:
    """Off, it hears nothing; its events can be chosen anew."""
    make(admin, receiver.url)

    admin.post("/webhooks/1", event="promotion.done")
    off = webhooks.found(services(app).records, 1)
    admin.post("/webhooks/1", event="prompt.changed", enabled="1")
    on = webhooks.found(services(app).records, 1)

    assert (off.enabled, off.events) == (False, ["promotion.done"])
    assert (on.enabled, on.events) == (True, ["prompt.changed"])
    assert admin.post("/webhooks/1", event="nonsense").status_code == 422
    assert admin.post("/webhooks/9", event="prompt.changed").status_code == 404


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://10.0.0.1/", "no public address"),
        ("http://8.8.8.8/", "begins with https://"),
        ("nonsense", "begins with https://"),
        ("https://nobody.invalid/", "has no address"),
    ],
)
def test_an_address_that_can_not_be_is_said(admin: Browser, url: str, said: str) -> None:
    """422 with the reason; what was typed stays."""
    answer = make(admin, url)

    assert answer.status_code == 422
    assert said in unescape(answer.text)
    assert f'value="{url}"' in answer.text
    assert "whsec_" not in answer.text


def test_webhooks_are_the_admins(app: Flask, admin: Browser, receiver: Receiver) -> None:
    """Others see no line in the rail and no page."""
    make(admin, receiver.url)
    viewer = person(app, Role.REVIEWER)

    assert "/webhooks" not in viewer.get("/environments/staging/characters").text
    for address in ("/webhooks", "/webhooks/new", "/webhooks/1"):
        assert viewer.get(address).status_code == 403
