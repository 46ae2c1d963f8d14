"""Moves that nobody was told of reach the outbox of webhooks all the same, once."""

import ipaddress
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select, update

from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import put
from tests.git_client import prompt
from tests.receiver import LOOPBACK
from tests.test_git_http import ANGRY, Studio
from tests.test_self_approval import Person
from tests.web import served, services
from webapp import change_records, change_requests, git_http, webhooks
from webapp.access import Scope
from webapp.announcer import Announcer
from webapp.cli import main
from webapp.events import Event
from webapp.movers import who_moved
from webapp.records.webhook_models import Announced, Delivery

NETWORKS = (ipaddress.ip_network(LOOPBACK),)
NO_GRACE = timedelta(0)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio with a webhook that wants everything, told of all that came before."""
    made = Studio(tmp_path, webhook_networks=NETWORKS)
    look(made.app)
    events = [each.value for each in webhooks.OFFERED]
    webhooks.create(services(made.app).records, "http://127.0.0.1:9/", events, NETWORKS)
    with served(made.app) as made.url:
        yield made


def look(app: Flask) -> int:
    return Announcer(app, NO_GRACE).look()


def outbox(studio: Studio) -> list[tuple[str, str]]:
    """The events in the outbox with who did them, in order."""
    with services(studio.app).records.reading() as session:
        rows = session.scalars(select(Delivery).order_by(Delivery.id)).all()
        return [(row.event, json.loads(row.body)["data"]["actor"]) for row in rows]


def test_a_promotion_from_the_command_line_is_told_of(studio: Studio) -> None:
    """Another program made it; the edit before it, too. A second look finds nothing."""
    put(Repository.open(studio.folder / "prompts.git"), {"aria/angry": "Clenches."})
    done = CliRunner().invoke(
        main, ["--data", str(studio.folder), "promote", "--author", "Kim Osei <kim@x.example>"]
    )
    assert done.exit_code == 0, done.output

    assert 2 == look(studio.app)
    assert 0 == look(studio.app)

    assert outbox(studio) == [
        (Event.PROMPT_CHANGED, "Sam Byrne"),
        (Event.PROMPT_CHANGED, "Kim Osei"),
        (Event.PROMOTED, "Kim Osei"),
    ]


def test_what_was_told_of_is_not_told_twice(studio: Studio) -> None:
    """Not where all went well, and not where a process died between the outbox and its note."""
    records = services(studio.app).records
    before = studio.head()
    clone = studio.clone()
    clone.commit({ANGRY: prompt("Clenches.")})
    assert clone.push(STAGING).ok
    told = outbox(studio)
    assert [Event.PROMPT_CHANGED] == [event for event, _ in told]
    assert 0 == look(studio.app)

    with records.writing() as session:
        session.execute(update(Announced).where(Announced.branch == STAGING).values(commit=before))
    assert 1 == look(studio.app)
    assert told == outbox(studio)


def test_a_webhook_hears_of_nothing_before_it_was_made(studio: Studio) -> None:
    """Also where that is told late."""
    put(Repository.open(studio.folder / "prompts.git"), {"aria/angry": "Clenches."})
    with services(studio.app).records.writing() as session:
        session.execute(update(webhooks.Webhook).values(created_at=webhooks.Webhook.created_at))
        hook = session.scalars(select(webhooks.Webhook)).one()
        hook.created_at += timedelta(days=1)

    assert 1 == look(studio.app)
    assert [] == outbox(studio)


def test_whoever_moved_it_has_time_to_tell(studio: Studio) -> None:
    """A move of this second is left to the process that made it."""
    put(Repository.open(studio.folder / "prompts.git"), {"aria/angry": "Clenches."})

    assert 0 == Announcer(studio.app).look()
    assert [] == outbox(studio)


def test_a_push_whose_server_died_keeps_its_pusher(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outbox names the token; a change request the account, who approves nothing of it."""
    kim, lee = (Person(studio, name, Scope.WRITE) for name in ("kim", "lee"))
    row = kim.push("soft")
    monkeypatch.setattr(git_http, "_tell", lambda *_: None)  # it ends before it says a word

    lee.push("soft", prompt("Screams."))
    lee.clone.git("checkout", "-q", "-B", STAGING, "origin/staging")
    lee.clone.commit({ANGRY: prompt("Clenches.")})
    assert lee.clone.push(STAGING).ok
    assert 1 == look(studio.app)

    told = studio.app.test_client().get(
        f"/api/v1/changes/{row.number}", headers={"Authorization": f"Bearer {kim.token}"}
    )
    assert told.json is not None
    assert 403 == lee.approve(row.number, told.json["head"]).status_code
    assert outbox(studio)[-1][1].startswith("token:")
    assert outbox(studio)[-1][1].endswith(":lee")
    records = services(studio.app).records
    who = who_moved(studio.repository.store, records, "changes/soft", told.json["head"])
    assert who.account_id == lee.account_id
    pushed = [e for e in change_records.entries(records, row.number) if e.kind == "pushed"]
    assert [lee.account_id] == [each.account_id for each in pushed]


def test_a_merge_whose_server_died_is_told_of(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the trailer of its commit, with what the request is called."""
    kim = Person(studio, "kim", Scope.WRITE)
    row = kim.push("soft")
    monkeypatch.setattr(change_requests.events, "announce", lambda *_, **__: None)
    assert 200 == kim.post(row.number, "merge", head=row.head).status_code
    monkeypatch.undo()

    assert 1 == look(studio.app)
    assert Event.CHANGE_MERGED in [event for event, _ in outbox(studio)]
    assert studio.head(PRODUCTION) != studio.head()
