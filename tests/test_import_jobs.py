"""Imports that take a worker, over the pages and over the API."""

import io
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select
from werkzeug.test import TestResponse

from prompt_repo import transfer_apply
from prompt_repo.errors import RevisionNotFound
from prompt_repo.git_store import GitStore
from prompt_repo.repository import STAGING, Repository
from prompt_repo.transfer_apply import Imported
from tests.factories import make_repository, put
from tests.web import PASSWORD, Browser, bearer, make_app, person, services
from webapp import clock, exports, import_jobs, import_work, imports, transfers
from webapp.access import Role, Scope
from webapp.config import environment_of
from webapp.queue import Jobs
from webapp.records.models import AuditEntry
from webapp.records.transfer_models import Status, Transfer
from webapp.storage import storage

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
    """What moved meanwhile stops it; it has a new plan then, which can be carried out."""
    address = send(admin).request.path
    work(app)
    admin.post(address, action="apply", strategy="overwrite", reason="As typed")
    put(repository, {"aria/angry": "Somebody else.\n"}, "Edit")

    work(app)

    page = admin.get(address).text
    assert "Nothing was imported: staging moved since the preview" in page
    assert "Somebody else." in page
    assert 'value="As typed"' in page
    assert "Somebody else." in text(repository, "characters/aria/angry.yaml")
    assert "failed" == entries(app)[-1].outcome
    admin.post(address, action="apply", strategy="overwrite")
    work(app)
    assert "Imported 2 documents" in admin.get(address).text


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


def cancel(browser: Browser, address: str) -> str:
    """The page that a press on Cancel leads to."""
    told = browser.post(f"{address}/cancel")
    assert (303, address) == (told.status_code, told.headers["Location"])
    return browser.get(address).text


def test_a_file_that_waits_is_forgotten_when_it_is_cancelled(
    app: Flask, admin: Browser, repository: Repository
) -> None:
    """Its page has the button; then nothing of it is left: no job, no file, no commit."""
    address, head = send(admin).request.path, repository.head(STAGING)
    assert f'action="{address}/cancel"' in admin.get(address).text

    page = cancel(admin, address)
    work(app)

    assert "Import cancelled" in page
    assert "Nothing was imported" in page
    assert f'action="{address}/cancel"' not in page
    assert not list((services(app).settings.data / "imports").iterdir())
    assert head == repository.head(STAGING)
    assert not entries(app)


def test_a_file_that_is_being_read_is_forgotten_when_it_is_cancelled(
    app: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the worker only finds out when it has read all of it."""
    address = send(admin).request.path
    planned = imports.plan

    def cancelled(*arguments: Any, **named: Any) -> Any:
        cancel(admin, address)
        return planned(*arguments, **named)

    monkeypatch.setattr(imports, "plan", cancelled)
    work(app)

    assert "Import cancelled" in admin.get(address).text
    assert not list((services(app).settings.data / "imports").iterdir())


def test_what_is_carried_out_waits_again_when_it_is_cancelled(
    app: Flask, admin: Browser, repository: Repository
) -> None:
    """With its choices, and who cancelled it; it can be imported after all."""
    address, head = send(admin).request.path, repository.head(STAGING)
    work(app)
    admin.post(address, action="apply", strategy="overwrite", reason="The sheet")

    page = cancel(admin, address)
    work(app)

    assert "your choices are kept" in page
    assert "It was cancelled by robin" in page
    assert "1 conflict decided" in page
    assert head == repository.head(STAGING)
    admin.post(address, action="apply", strategy="overwrite", reason="After all")
    work(app)
    assert "Imported 2 documents" in admin.get(address).text
    assert "After all" == repository.store.commit(repository.head(STAGING)).reason


def test_a_worker_stops_before_the_branch_moves(
    app: Flask, admin: Browser, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All commits are written by then, and none of them is in the repository."""
    address, head = send(admin).request.path, repository.head(STAGING)
    work(app)
    admin.post(address, action="apply", strategy="overwrite")
    written, landing = [], imports._land

    def last_word(found: Transfer, done: Imported) -> None:
        written.append(done.after)
        cancel(admin, address)
        landing(found, done)

    monkeypatch.setattr(imports, "_land", last_word)
    work(app)

    assert "It was cancelled by robin" in admin.get(address).text
    assert head == repository.head(STAGING)
    with pytest.raises(RevisionNotFound):
        repository.store.commit(written[0])
    assert "it was cancelled meanwhile" == entries(app)[-1].detail["why"]


def test_what_lands_is_not_cancelled_any_more(
    app: Flask, admin: Browser, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so, and the import is whole."""
    address = send(admin).request.path
    work(app)
    admin.post(address, action="apply", strategy="overwrite")
    landing, said = imports._land, []

    def late(found: Transfer, done: Imported) -> None:
        landing(found, done)
        said.append(cancel(admin, address))

    monkeypatch.setattr(imports, "_land", late)
    work(app)

    assert "Not cancelled: it is going in at this moment" in said[0]
    assert "Imported 2 documents" in admin.get(address).text
    assert "Imported." in text(repository, "characters/aria/angry.yaml")


@pytest.mark.parametrize("moved", [True, False])
def test_a_worker_that_died_while_it_landed(
    app: Flask,
    admin: Browser,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    *,
    moved: bool,
) -> None:
    """What is in the branch is imported; what isn't, waits as before."""
    address = send(admin).request.path
    work(app)
    admin.post(address, action="apply", strategy="overwrite")

    class Died(BaseException):
        """The end of a process, as its own code sees it."""

    def dying(*_: Any) -> None:
        raise Died

    monkeypatch.setattr(transfer_apply, "_announce", dying)
    if not moved:
        monkeypatch.setattr(GitStore, "accept", dying)
    move = transfers.move_begun
    with monkeypatch.context() as patch, suppress(Died):
        patch.setattr(transfers, "move_begun", lambda *all_, **named: until_then(move, all_, named))
        import_work.carry_out(app, address.rpartition("/")[2])
    monkeypatch.undo()
    services(app).redis.flushall()

    with clock.stopped_at(clock.now() + timedelta(minutes=2)):
        page = admin.get(address).text

    assert ("Imported 2 documents" if moved else "worker that had it died") in page
    assert ("Imported." in text(repository, "characters/aria/angry.yaml")) is moved


def until_then(move: Callable[..., bool], given: Any, named: Any) -> bool:
    """Writes down where an import is until it lands, and nothing after that."""
    known = (Status.IMPORTING, Status.LANDING)
    return named.get("status") in known and move(*given, **named)


def test_over_the_api_a_large_import_is_cancelled(app: Flask, repository: Repository) -> None:
    """By its address, once; then 409."""
    client, headers = app.test_client(), bearer(app, Scope.ADMIN)
    query = {"mode": "apply", "environment": STAGING, "strategy": "overwrite"}
    where = "/api/v1/admin/prompts/import"
    asked = client.post(where, query_string=query, data=SHEET.encode(), headers=headers)
    head = repository.head(STAGING)

    first = client.delete(asked.headers["Location"], headers=headers)
    again = client.delete(asked.headers["Location"], headers=headers)
    work(app)

    assert (200, "cancelled") == (first.status_code, first.json["status"])
    assert 409 == again.status_code
    assert "this import is cancelled" in again.json["detail"]
    assert head == repository.head(STAGING)


def test_a_large_export_is_cancelled(
    app: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On its page and over the API, waiting or in the last moment; no file is left."""
    monkeypatch.setattr(exports, "AT_ONCE", 0)
    ask = {"environment": STAGING, "form": "csv"}
    waits, late = (admin.post("/transfers/export", **ask).headers["Location"] for _ in range(2))
    pieces = exports._pieces

    def last(*given: Any) -> Any:
        yield from pieces(*given)
        admin.post(f"{late}/cancel")

    assert f'action="{waits}/cancel"' in admin.get(waits).text
    admin.post(f"{waits}/cancel")
    monkeypatch.setattr(exports, "_pieces", last)
    work(app)

    for each in (waits, late):
        assert "Nothing of the file is kept" in admin.get(each).text
        assert 409 == admin.get(f"{each}/file").status_code
    assert not list(storage(services(app).settings, STAGING).names())
    page = admin.get(late, headers={"HX-Request": "true"}).text
    assert 'hx-swap-oob="delete"' in page
    assert (
        "Not cancelled"
        in admin.client.post(
            f"{late}/cancel", data={"csrf_token": admin.csrf()}, follow_redirects=True
        ).text
    )
