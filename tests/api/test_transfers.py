"""Exports and imports over the API: files out and in, whole or not at all."""

import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select
from werkzeug.test import TestResponse

from prompt_repo import transfer_schema
from prompt_repo.model import PromptKey
from prompt_repo.repository import PRODUCTION, STAGING
from tests.api.conftest import Api
from tests.factories import put
from tests.web import make_app, services
from webapp import clock, exports, import_jobs, imports, transfers
from webapp.access import Scope
from webapp.config import environment_of
from webapp.queue import Jobs
from webapp.records.models import AuditEntry
from webapp.records.transfer_models import Kind

SHEET = b"character,emotion,prompt_text\naria,angry,Imported.\nbo,idle,New.\n"


class Client:
    """A program with an admin's token."""

    def __init__(self, api: Api, scope: Scope = Scope.ADMIN) -> None:
        self._api, self._token = api, api.new_token(scope)

    def __call__(self, method: str, path: str, **more: Any) -> TestResponse:
        """An answer below /api/v1/admin/prompts."""
        address = path if path.startswith("http") else f"/api/v1/admin/prompts{path}"
        headers = {"Authorization": f"Bearer {self._token}"}
        client = self._api.app.test_client()
        return client.open(address, method=method, headers=headers, **more)

    def exported(self, **wanted: Any) -> bytes:
        """The file of an export."""
        made = self("POST", "/export", json={"environment": STAGING, **wanted})
        assert 200 == made.status_code, made.text
        file = self("GET", made.json["download_url"])
        assert 200 == file.status_code
        return file.data

    def imported(self, raw: bytes, mode: str = "apply", **query: str) -> TestResponse:
        """An answer to an import."""
        told = {"mode": mode, "environment": STAGING, **query}
        return self("POST", "/import", query_string=told, data=raw)


@pytest.fixture
def admin(api: Api) -> Client:
    return Client(api)


def text(api: Api, character: str, emotion: str) -> str | None:
    stored = api.repository.current(STAGING).stored(PromptKey(character, emotion))
    return stored.prompt.text if stored else None


def test_an_export_is_a_file_with_a_link(api: Api, admin: Client) -> None:
    """Small ones are there at once; the link gives the file, named after what it holds."""
    made = admin("POST", "/export", json={"environment": STAGING, "versions": True})

    assert (200, "completed", 100) == (made.status_code, made.json["status"], made.json["percent"])
    file = admin("GET", made.json["download_url"])
    value = json.loads(file.data)
    assert api.repository.head(STAGING) == value["header"]["commit"] == made.json["commit"]
    assert made.json["size"] == len(file.data)
    assert made.json["filename"] in file.headers["Content-Disposition"]
    assert made.json["id"] in made.headers["Location"]
    assert made.json["status"] == admin("GET", f"/exports/{made.json['id']}").json["status"]


def test_a_link_expires(api: Api, admin: Client) -> None:
    """A day later the file is gone, and the record says so."""
    made = admin("POST", "/export", json={"environment": STAGING}).json
    found = services(api.app)

    with clock.stopped_at(clock.now() + timedelta(hours=25)):
        assert 410 == admin("GET", f"/exports/{made['id']}/file").status_code
        assert admin("GET", f"/exports/{made['id']}").json["download_url"] is None
        assert 1 == exports.clean_up(found.records, found.settings)

    kept = transfers.find(found.records, made["id"], Kind.EXPORT)
    assert not (found.settings.data / "previews" / STAGING / kept.file).exists()


def test_a_download_that_failed_is_told_as_one(api: Api, admin: Client) -> None:
    """The audit log says that there was no file any more, and why."""
    made = admin("POST", "/export", json={"environment": STAGING}).json

    with clock.stopped_at(clock.now() + timedelta(hours=25)):
        Client(api)("GET", made["download_url"])

    with services(api.app).records.reading() as session:
        query = select(AuditEntry).where(AuditEntry.action == "export.downloaded")
        (entry,) = session.scalars(query)
    assert "failed" == entry.outcome
    assert "expired" in entry.detail["why"]


def test_csv_and_choices(admin: Client) -> None:
    """Only some characters, emotions and sources; a BOM where asked."""
    chosen = {"characters": ["aria"], "emotions": ["angry"], "sources": ["character"]}

    raw = admin.exported(format="csv", bom=True, **chosen)

    head, first, *rest = raw.decode("utf-8-sig").split("\r\n")
    assert raw.startswith(b"\xef\xbb\xbf")
    assert "character,emotion,prompt_text,notes,tags" == head
    assert first.startswith("aria,angry,")
    assert len(rest) == 1


def test_a_bundle_is_what_git_clones(admin: Client, tmp_path: Path) -> None:
    """All of the history in one file."""
    file = tmp_path / "prompts.bundle"
    file.write_bytes(admin.exported(format="bundle"))

    command = ["git", "clone", "-q", "--branch", "staging", str(file), str(tmp_path / "clone")]
    subprocess.run(command, check=True)

    assert (tmp_path / "clone" / "characters" / "aria" / "angry.yaml").exists()


def test_a_large_export_waits_for_a_worker(
    api: Api, admin: Client, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """202 and a job; without Redis 503, and nothing waits for ever."""
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    away = admin("POST", "/export", json={"environment": STAGING})
    assert 503 == away.status_code
    api.app = make_app(services(api.app).settings.data, redis_url=redis_url)

    made = admin("POST", "/export", json={"environment": STAGING})

    found = services(api.app)
    assert (202, "pending") == (made.status_code, made.json["status"])
    assert 409 == admin("GET", f"/exports/{made.json['id']}/file").status_code
    exports.make(found.records, found.settings, api.repository, made.json["id"])
    assert "completed" == admin("GET", f"/exports/{made.json['id']}").json["status"]


def test_a_preview_changes_nothing(api: Api, admin: Client) -> None:
    """It tells what would happen, and what waits to be decided."""
    head = api.repository.head(STAGING)

    told = admin.imported(SHEET, "preview").json

    assert head == api.repository.head(STAGING) == told["commit"]
    assert (1, 1) == (told["counts"]["create"], told["counts"]["conflict"])
    assert ["characters/aria/angry.yaml"] == told["undecided"]
    assert "previewed" == told["status"]


def test_an_import_is_one_commit(api: Api, admin: Client) -> None:
    """By whoever's token it is, for the reason given."""
    told = admin.imported(SHEET, strategy="overwrite", reason="From the sheet").json

    commit = api.repository.store.commit(told["result_commit"])
    assert ("imported", 2, 1) == (told["status"], told["documents"], told["commits"])
    assert ("From the sheet", api.repository.head(STAGING)) == (commit.reason, commit.oid)
    assert ("Imported.", "New.") == (text(api, "aria", "angry"), text(api, "bo", "idle"))


def test_an_undecided_conflict_is_409(api: Api, admin: Client) -> None:
    """With the documents it is about; nothing is imported."""
    head = api.repository.head(STAGING)

    answer = admin.imported(SHEET)

    assert 409 == answer.status_code
    assert ["characters/aria/angry.yaml"] == answer.json["paths"]
    assert head == api.repository.head(STAGING)


def test_a_wrong_file_is_422_with_every_place(api: Api, admin: Client) -> None:
    """Line, column and field of each error; nothing is imported."""
    raw = b"character,emotion,prompt_text\naria,angry,\n<b>,idle,x\n"

    answer = admin.imported(raw, strategy="overwrite", name="sheet.csv")

    places = [(each["path"], each["line"], each["column"]) for each in answer.json["errors"]]
    assert (422, 2) == (answer.status_code, answer.json["count"])
    assert [("sheet.csv", 2, 3), ("sheet.csv", 3, 1)] == places


def test_an_import_may_be_held_to_a_commit(api: Api, admin: Client) -> None:
    """What was previewed elsewhere goes in only while prompts stand as they did."""
    answer = admin.imported(SHEET, strategy="overwrite", commit="a" * 40)

    assert 409 == answer.status_code
    assert "moved" in answer.json["detail"]


def test_a_plan_that_moved_comes_anew(api: Api, admin: Client) -> None:
    """409 with the plan of what stands now, also at its address; the next try is held to that."""
    before = admin.imported(SHEET, "preview").json
    held = {"strategy": "overwrite", "commit": before["commit"]}
    for words in ("Meanwhile.", "And again."):
        head = put(api.repository, {"aria/angry": words})

        moved = admin.imported(SHEET, **held)

        assert (409, "urn:prompt-repo:import-moved") == (moved.status_code, moved.json["type"])
        assert ["characters/aria/angry.yaml"] == moved.json["paths"]
        plan = moved.json["plan"]
        assert (head, "previewed", 1) == (
            plan["commit"],
            plan["status"],
            plan["counts"]["conflict"],
        )
        there = admin("GET", f"/imports/{plan['id']}").json
        assert (plan["commit"], plan["items"]) == (there["commit"], there["items"])
        assert moved.json["import_url"].endswith(f"/imports/{plan['id']}")
        assert head == api.repository.head(STAGING)
        held["commit"] = plan["commit"]

    assert "imported" == admin.imported(SHEET, **held).json["status"]


def test_what_moves_while_it_is_imported_is_planned_anew(
    api: Api, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the plan and the move of the branch; nothing is written over that nobody saw."""
    land, heads = imports.carry_out, []

    def late(found: Any, decided: Any) -> Any:
        heads.append(put(api.repository, {"aria/angry": "Meanwhile."}))
        return land(found, decided)

    monkeypatch.setattr(imports, "carry_out", late)
    moved = admin.imported(SHEET, strategy="overwrite")

    assert 409 == moved.status_code
    assert heads == [moved.json["plan"]["commit"]] == [api.repository.head(STAGING)]
    assert "Meanwhile." == text(api, "aria", "angry")


def test_an_expired_preview_is_410(api: Api, admin: Client) -> None:
    """It says that the file is to be sent again."""
    made = admin.imported(SHEET, "preview").json

    with clock.stopped_at(clock.now() + timedelta(hours=25)):
        gone = Client(api)("GET", f"/imports/{made['id']}")

    assert 410 == gone.status_code
    assert "send it again" in gone.json["detail"]


def test_an_import_onto_production_is_a_hotfix(api: Api, admin: Client) -> None:
    """It opens a change request there; production stays as it is."""
    head = api.repository.head(PRODUCTION)
    raw = b"character,emotion,prompt_text\n,idle,Calm.\n"

    told = admin.imported(raw, environment=PRODUCTION).json

    assert ("proposed", head) == (told["status"], api.repository.head(PRODUCTION))
    change = api.app.test_client().get(
        f"/api/v1/changes/{told['change']}",
        headers={"Authorization": f"Bearer {api.new_token(Scope.ADMIN)}"},
    )
    assert PRODUCTION == change.json["base"]


def test_an_import_can_be_proposed(api: Api, admin: Client) -> None:
    """As a change request of this title; staging stays."""
    head = api.repository.head(STAGING)

    told = admin.imported(SHEET, strategy="overwrite", propose="The writers' sheet").json

    assert ("proposed", head) == (told["status"], api.repository.head(STAGING))
    assert told["change"]


def test_an_export_of_one_server_imports_into_another(api: Api, tmp_path: Path) -> None:
    """With versions, through the API on both sides."""
    raw = Client(api).exported(versions=True)
    (tmp_path / "other").mkdir()
    other = Api(tmp_path / "other")

    told = Client(other).imported(raw, strategy="overwrite")

    assert 200 == told.status_code, told.text
    assert text(api, "aria", "angry") == text(other, "aria", "angry")


@pytest.mark.parametrize(
    "query", [{"mode": "guess"}, {"strategy": "best"}, {"environment": "moon"}]
)
def test_what_can_not_be_meant_is_422(admin: Client, query: dict[str, str]) -> None:
    """Each part of the query is one of its words; the environment must be said."""
    assert 422 == admin.imported(SHEET, **query).status_code
    assert 422 == admin("POST", "/import", query_string={"mode": "preview"}).status_code


def test_who_writes_may_not_move_everything(api: Api) -> None:
    """Exports and imports are for admins."""
    writer = Client(api, Scope.WRITE)

    assert 403 == writer("POST", "/export", json={"environment": STAGING}).status_code
    assert 403 == writer.imported(SHEET).status_code


def test_too_large_a_file_is_413(api: Api) -> None:
    """Whatever its length says; other requests keep their own, smaller bound."""
    api.app = make_app(services(api.app).settings.data, max_import_bytes=1000)

    answer = Client(api).imported(SHEET + b"x" * 1000)

    assert 413 == answer.status_code


def test_a_large_file_may_be_imported(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files may be larger than other bodies."""
    monkeypatch.setattr(import_jobs, "AT_ONCE", 10_000_000)
    rows = b"".join(b"aria,idle,%b\n" % (b"x" * 200_000) for _ in range(30))

    answer = admin.imported(b"character,emotion,prompt_text\n" + rows)

    assert (422, 29) == (answer.status_code, answer.json["count"])


def test_there_is_a_limit(api: Api) -> None:
    """429 with when to come back, counted by person or token."""
    api.app = make_app(services(api.app).settings.data, transfer_limit=2)
    client = Client(api)

    codes = [client.imported(SHEET, "preview").status_code for _ in range(3)]
    answer = client.imported(SHEET, "preview")

    assert [200, 200, 429] == codes
    assert 0 < int(answer.headers["Retry-After"]) <= 3601


def test_exports_and_imports_are_in_the_audit_log(api: Api, admin: Client) -> None:
    """Who, what, how many, and the commit; downloads too."""
    admin.exported()
    told = admin.imported(SHEET, strategy="skip", name="sheet.csv").json

    with services(api.app).records.reading() as session:
        found = list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
    actions = [each.action for each in found]
    assert ["api.export_prompts", "export.downloaded", "api.import_prompts"] == actions
    assert ("sheet.csv", told["result_commit"]) == (found[2].subject, found[2].commit)


def test_the_schema_is_published(api: Api) -> None:
    """For everybody, as the docs hold it."""
    answer = api.app.test_client().get("/api/v1/export-schema.json")

    assert transfer_schema.schema() == answer.json


def test_a_worker_writes_what_waits(
    api: Api, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job finds everything by the settings; the file is what was asked for."""
    found = services(api.app).settings
    api.app = make_app(found.data, redis_url=redis_url)
    admin = Client(api)
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    made = admin("POST", "/export", json={"environment": STAGING}).json
    told = environment_of(services(api.app).settings)
    queues = Jobs(services(api.app).redis).queues()

    with mock.patch.dict(os.environ, told):
        worker = SimpleWorker(queues, connection=queues[0].connection, serializer=JSONSerializer)
        worker.work(burst=True)

    done = admin("GET", f"/exports/{made['id']}").json
    assert "completed" == done["status"]
    assert json.loads(admin("GET", done["download_url"]).data)["items"]


def test_one_document_may_be_decided_by_itself(api: Api, admin: Client) -> None:
    """Beside a strategy for all the others; a document that the file lacks is told."""
    decided = "characters/aria/angry.yaml=overwrite"
    strange = admin.imported(SHEET, strategy="skip", decide="characters/bo/angry.yaml=skip")
    nonsense = admin.imported(SHEET, decide="characters/aria/angry.yaml=perhaps")

    answer = admin.imported(SHEET, strategy="skip", decide=decided)

    assert (422, 422) == (strange.status_code, nonsense.status_code)
    assert "characters/bo/angry.yaml" in strange.json["detail"]
    assert (200, "Imported.") == (answer.status_code, text(api, "aria", "angry"))
