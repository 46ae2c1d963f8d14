"""Imports that take a worker, over the pages and over the API."""

import io
import os
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from flask import Flask
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select
from werkzeug.test import TestResponse

from prompt_repo.repository import STAGING, Repository
from tests.factories import make_repository, put
from tests.web import PASSWORD, Browser, bearer, make_app, person, services
from webapp import clock, import_jobs
from webapp.access import Role, Scope
from webapp.config import environment_of
from webapp.queue import Jobs
from webapp.records.models import AuditEntry

SHEET = "character,emotion,prompt_text\naria,angry,Imported.\naria,idle,New.\n"
CARD = b"\x89PNG\r\n\x1a\n"  # and nothing that a PNG has; what matters is that it is read at once


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file here is a large one."""
    monkeypatch.setattr(import_jobs, "AT_ONCE", 10)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = make_repository(tmp_path, ("aria",))
    put(found, {"aria/angry": "Before.\n", "defaults/idle": "Waits."}, "Begin")
    return found


@pytest.fixture
def app(repository: Repository, redis_url: str) -> Flask:
    return make_app(repository.store.path.parent, redis_url=redis_url)


@pytest.fixture
def admin(app: Flask) -> Browser:
    return person(app, Role.ADMIN, "robin")


def send(browser: Browser, raw: bytes = SHEET.encode(), name: str = "sheet.csv") -> TestResponse:
    """The page that an upload leads to."""
    file = (io.BytesIO(raw), name)
    told = {"csrf_token": browser.csrf(), "environment": STAGING, "file": file}
    return browser.client.post("/imports", data=told, follow_redirects=True)


def work(app: Flask) -> None:
    """A worker does all that is queued."""
    queues = Jobs(services(app).redis).queues()
    with mock.patch.dict(os.environ, environment_of(services(app).settings)):
        worker = SimpleWorker(queues, connection=queues[0].connection, serializer=JSONSerializer)
        worker.work(burst=True)


def text(repository: Repository, path: str) -> str:
    raw = repository.store.read(repository.head(STAGING), path)
    return (raw or b"").decode()


def entries(app: Flask) -> list[AuditEntry]:
    with services(app).records.reading() as session:
        query = select(AuditEntry).where(AuditEntry.action == "imports.worker")
        return list(session.scalars(query.order_by(AuditEntry.id)))


def test_a_large_import_is_read_and_carried_out_by_a_worker(
    app: Flask, admin: Browser, repository: Repository
) -> None:
    """The page tells how far it is and goes on by itself; the commit is the person's own."""
    page = send(admin)
    address = page.request.path
    assert "Waiting for a worker" in page.text
    assert "Waiting for a worker" in admin.get(address, headers={"HX-Request": "true"}).text

    work(app)
    news = admin.get(address, headers={"HX-Request": "true"})
    assert address == news.headers["HX-Redirect"]
    assert "1 conflict to decide" in admin.get(address).text

    path = "decide.characters/aria/angry.yaml"
    told = admin.post(address, action="apply", reason="The sheet", **{path: "overwrite"})
    assert "Carrying it out" in admin.get(told.headers["Location"]).text
    assert "Before." in text(repository, "characters/aria/angry.yaml")
    work(app)

    assert "Imported 2 documents" in admin.get(address).text
    commit = repository.store.commit(repository.head(STAGING))
    assert ("The sheet", "robin") == (commit.reason, commit.author.name)


def test_what_a_worker_did_is_in_the_audit_log(app: Flask, admin: Browser) -> None:
    """Who asked, from where and in which request; the commit where one was made."""
    address = send(admin).request.path
    work(app)
    admin.post(address, action="apply", strategy="overwrite")
    work(app)

    read, carried = entries(app)
    assert ("person:robin", "127.0.0.1", "done") == (read.actor, read.address, read.outcome)
    assert read.request_id
    assert "previewed" == read.detail["state"]
    assert "imported" == carried.detail["state"]
    assert services(app).repository.get().head(STAGING) == carried.commit


def test_a_worker_that_is_refused_tells_why(
    app: Flask, admin: Browser, repository: Repository
) -> None:
    """What moved meanwhile stops it; the page says so, and nothing was imported."""
    address = send(admin).request.path
    work(app)
    admin.post(address, action="apply", strategy="overwrite")
    put(repository, {"aria/angry": "Somebody else.\n"}, "Edit")

    work(app)

    page = admin.get(address).text
    assert "Nothing was imported" in page
    assert "moved" in page
    assert "Somebody else." in text(repository, "characters/aria/angry.yaml")
    assert "failed" == entries(app)[-1].outcome


def test_a_large_file_with_errors_shows_them(app: Flask, admin: Browser) -> None:
    """As a small one's are."""
    address = send(admin, b"character,emotion,prompt_text\nnobody,angry,Hm.\n").request.path

    work(app)

    assert "there is no character" in admin.get(address).text.lower()
    assert "failed" == entries(app)[-1].outcome


def test_without_redis_a_sentence_says_so(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large files can't be taken then; small ones still are."""
    app = make_app(repository.store.path.parent)
    admin = person(app, Role.ADMIN)

    refused = send(admin)

    assert 503 == refused.status_code
    assert "Background jobs need Redis" in refused.text
    assert not list((services(app).settings.data / "imports").iterdir())
    monkeypatch.setattr(import_jobs, "AT_ONCE", 1000)
    assert "1 conflict to decide" in send(admin).text


def test_carrying_out_waits_as_before_where_redis_went_away(
    app: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan and the choices stay."""
    address = send(admin).request.path
    work(app)
    gone = make_app(services(app).settings.data)
    later = Browser(gone)
    later.log_in("robin", PASSWORD)

    refused = later.post(address, action="apply", strategy="overwrite")

    assert 503 == refused.status_code
    assert "Background jobs need Redis" in refused.text
    assert "1 conflict decided" in later.get(address).text


def test_a_card_in_a_picture_is_read_at_once(admin: Browser) -> None:
    """However large the picture is, it holds one character."""
    assert "has 1 error" in send(admin, CARD + b"x" * 100, "card.png").text


def test_an_import_whose_worker_died_is_over(app: Flask, admin: Browser) -> None:
    """A file that was not read is to be sent again; a plan waits as before."""
    address = send(admin).request.path
    services(app).redis.flushall()

    with clock.stopped_at(clock.now() + timedelta(minutes=2)):
        page = admin.get(address).text

    assert "Nothing was imported" in page
    assert "worker that had it died" in page.lower()


def test_over_the_api_a_large_import_is_followed(app: Flask, repository: Repository) -> None:
    """202 and where to look; the worker carries it out at once, if nothing is undecided."""
    client, headers = app.test_client(), bearer(app, Scope.ADMIN)
    where = "/api/v1/admin/prompts/import"
    query = {"mode": "apply", "environment": STAGING, "strategy": "overwrite", "reason": "Nightly"}

    asked = client.post(where, query_string=query, data=SHEET.encode(), headers=headers)
    before = client.get(asked.headers["Location"], headers=headers).json
    work(app)
    after = client.get(asked.headers["Location"], headers=headers).json

    assert (202, "pending", "pending") == (
        asked.status_code,
        asked.json["status"],
        before["status"],
    )
    assert ("imported", 2, 100) == (after["status"], after["documents"], after["percent"])
    assert repository.head(STAGING) == after["result_commit"]
    assert "Nightly" == repository.store.commit(after["result_commit"]).reason


def test_over_the_api_conflicts_stop_a_large_import(app: Flask, repository: Repository) -> None:
    """It waits as previewed, and says what is undecided; so does one that was held to a commit."""
    client, headers = app.test_client(), bearer(app, Scope.ADMIN)
    where = "/api/v1/admin/prompts/import"
    query = {"mode": "apply", "environment": STAGING}
    held = {**query, "strategy": "skip", "commit": "0" * 40}
    head = repository.head(STAGING)

    asked = [
        client.post(where, query_string=each, data=SHEET.encode(), headers=headers)
        for each in (query, held)
    ]
    work(app)

    open_one, moved = (client.get(each.headers["Location"], headers=headers).json for each in asked)
    assert "previewed" == open_one["status"] == moved["status"]
    assert ["characters/aria/angry.yaml"] == open_one["undecided"]
    assert "decide first" in open_one["error"]
    assert "moved" in moved["error"]
    assert head == repository.head(STAGING)
