"""The audit log's whole list: each kind of thing is done, and its entry says all of it."""

import io
import secrets
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select

from prompt_repo import changes
from prompt_repo.editing import Edit
from prompt_repo.model import PromptKey
from prompt_repo.repository import PRODUCTION, STAGING
from tests.factories import KIM
from tests.staging_world import Staging, staging_world
from tests.test_staging_pages import form as configuration
from tests.web import PASSWORD, Browser, bearer, person, services
from webapp import change_records
from webapp.access import Role, Scope
from webapp.change_records import Seen, Who
from webapp.records.models import AuditEntry, Token

ARIA = f"/environments/{STAGING}/characters/aria/angry"
SHEET = "character,emotion,prompt_text\naria,idle,Waits for it.\n"


@pytest.fixture
def world(tmp_path: Path, redis_url: str) -> Iterator[Staging]:
    with staging_world(tmp_path, redis_url, sync_mapping="tags") as made:
        yield made


@pytest.fixture
def admin(world: Staging) -> Browser:
    return person(world.here.app, Role.ADMIN, "ada")


class Log:
    """What was entered since it was made."""

    def __init__(self, world: Staging) -> None:
        self._records = world.here.records
        with self._records.reading() as session:
            self._since = session.scalar(select(func.max(AuditEntry.id))) or 0

    def all(self) -> Sequence[AuditEntry]:
        query = select(AuditEntry).where(AuditEntry.id > self._since).order_by(AuditEntry.id)
        with self._records.reading() as session:
            return session.scalars(query).all()

    def one(self, action: str) -> AuditEntry:
        """The only entry of an action, which has all that every entry has."""
        (found,) = (each for each in self.all() if each.action == action)
        assert found.at is not None
        assert "127.0.0.1" == found.address
        assert len(found.request_id) == 16
        assert found.subject
        assert found.hash
        return found


def save(admin: Browser, world: Staging, text: str) -> str:
    """Saves Aria's angry prompt; gives the commit."""
    base = world.here.repository.head(STAGING)
    told = {"text": text, "reason": "Calmer", "notes": "", "tags": "", "action": "save"}
    assert 303 == admin.post(ARIA, base=base, **told).status_code
    return world.here.repository.head(STAGING)


def test_a_change(world: Staging, admin: Browser) -> None:
    """The prompt, its blobs before and after, the reason, the commit."""
    store, before = world.here.repository.store, world.here.repository.head(STAGING)
    log = Log(world)

    commit = save(admin, world, "Breathes out.")

    entry = log.one("prompts.edit")
    (change,) = store.changed(before, commit)
    assert ("person:ada", "done", commit) == (entry.actor, entry.outcome, entry.commit)
    assert "characters/aria/angry.yaml" == entry.path == entry.subject
    assert (change.old, change.new) == (entry.detail["before"], entry.detail["after"])
    assert "Calmer" == entry.detail["reason"]


def test_a_promotion_and_a_roll_back(world: Staging, admin: Browser) -> None:
    """Each with production's commit, and what each file was and is."""
    save(admin, world, "Breathes out.")
    headers = bearer(world.here.app, Scope.PROMOTE)
    client, log = world.here.app.test_client(), Log(world)

    plan = client.get("/api/v1/promotions/plan", headers=headers).json
    pins = {STAGING: plan["from"]["commit"], PRODUCTION: plan["to"]["commit"]}
    promoted = client.post("/api/v1/promotions", json={"plan": pins}, headers=headers)
    assert 201 == promoted.status_code, promoted.text
    went = log.one("api.promote")
    address = f"/api/v1/promotions/{promoted.json['id']}/rollback"
    back = client.post(address, json={"reason": "Too soft"}, headers=headers)
    assert back.status_code < 300, back.text

    assert ("done", promoted.json["id"]) == (went.outcome, went.commit)
    assert went.detail.get("changes") or went.detail.get("after")
    undone = log.one("api.roll_back")
    assert world.here.repository.head(PRODUCTION) == undone.commit
    assert "Too soft" in undone.detail["reason"]


def test_a_review(world: Staging, admin: Browser) -> None:
    """Who approved which change request, and the commit that was looked at."""
    repository = world.here.repository
    edits = [Edit(PromptKey("aria", "angry"), "Sighs.")]
    opened = changes.propose(repository, STAGING, "calmer", edits, KIM, "Calmer")
    proposed = changes.compare(repository, repository.head(STAGING), opened.head)
    seen = Seen(opened.head, proposed.base, proposed.fingerprint)
    who = Who("token:0:kim", None, KIM.name, KIM.email)
    row = change_records.create(world.here.records, who, "calmer", STAGING, "Calmer", "", seen)
    log = Log(world)

    told = {"head": opened.head, "text": "Good.", "action": "approve"}
    admin.post(f"/changes/{row.number}/say", **told)

    entry = log.one("changes.say")
    assert ("person:ada", "done") == (entry.actor, entry.outcome)
    assert ("changes/calmer", row.number) == (entry.subject, entry.detail["number"])
    assert "approved" == entry.detail["verdict"]
    assert opened.head == entry.commit


def test_an_export_and_its_download(world: Staging, admin: Browser) -> None:
    """What of, at which commit, and each time the file is taken away."""
    log = Log(world)

    page = admin.post("/transfers/export", environment=STAGING, form="csv")
    admin.get(f"{page.headers['Location']}/file")

    entry = log.one("transfers.export")
    assert (STAGING, world.here.repository.head(STAGING)) == (
        entry.detail["environment"],
        entry.commit,
    )
    assert entry.detail["export"] == log.one("export.downloaded").detail["export"]


def test_an_import(world: Staging, admin: Browser) -> None:
    """The file, the commit and what it changed; a refused one too."""
    log = Log(world)
    file = (io.BytesIO(SHEET.encode()), "sheet.csv")
    told = {"csrf_token": admin.csrf(), "environment": STAGING, "file": file}
    plan = admin.client.post("/imports", data=told)

    admin.post(plan.headers["Location"], action="apply", reason="The sheet")
    admin.post(plan.headers["Location"], action="apply", reason="Again")

    assert "sheet.csv" == log.one("imports.upload").subject
    done, refused = (each for each in log.all() if each.action == "imports.decide")
    assert ("done", world.here.repository.head(STAGING)) == (done.outcome, done.commit)
    assert "characters/aria/idle.yaml" in (done.path, done.detail.get("path"))
    assert ("failed", 409) == (refused.outcome, refused.status)
    assert "imported already" in refused.detail["why"]


def test_a_preview_and_what_became_of_it(world: Staging, admin: Browser) -> None:
    """Asked for in a request; ended by a worker, in the name of who asked."""
    log = Log(world)
    admin.post(f"{ARIA}/test", text="Fumes.")
    asked = log.one("preview_of.test")

    world.here.work(("previews",))

    (ended,) = (each for each in log.all() if each.action == "preview")
    assert asked.detail["preview"] == ended.detail["preview"]
    assert ("person:ada", "done", STAGING) == (
        ended.actor,
        ended.outcome,
        ended.detail["environment"],
    )


def test_a_sync(world: Staging, admin: Browser) -> None:
    """Its start in a request, its end by a worker, with what came of it."""
    log = Log(world)
    admin.post("/staging/syncs")
    world.here.work(("syncs",))

    assert "person:ada" == log.one("syncs.start").actor
    (ended,) = (each for each in log.all() if each.action == "sync")
    assert ("person:ada", "done", "completed") == (
        ended.actor,
        ended.outcome,
        ended.detail["after"],
    )


def test_a_mapping_look_up(world: Staging, admin: Browser) -> None:
    """Why, and how many were found; never the original itself."""
    world.run()
    email = world.in_production("SELECT email FROM users WHERE id = 7")[0][0]
    log = Log(world)

    admin.post("/staging/mapping", value=email, reason="Ticket 4711", which="original")

    entry = log.one("mapping.look_up")
    assert ("person:ada", "Ticket 4711", 1) == (
        entry.actor,
        entry.detail["reason"],
        entry.detail["found"],
    )
    assert email not in str(entry.detail)


def test_log_ins_good_and_bad(world: Staging, admin: Browser) -> None:
    """By the name that was tried; never the password."""
    log, other = Log(world), Browser(world.here.app)

    other.log_in("ada", "not the password")
    other.log_in("ada")

    bad, good = (each for each in log.all() if each.action == "log-in")
    assert [("ada", "refused"), ("ada", "done")] == [(e.subject, e.outcome) for e in (bad, good)]
    assert "127.0.0.1" == bad.address
    assert not any(word in str(bad.detail) for word in ("not the password", PASSWORD))


def test_a_token(world: Staging, admin: Browser) -> None:
    """Made and revoked, with its scopes; never its secret."""
    log = Log(world)

    page = admin.post("/tokens/new", name="nightly", scope="read", environment=STAGING, days="7")
    assert page.status_code < 400, page.text
    made = log.one("token_pages.create")
    with services(world.here.app).records.reading() as session:
        number = session.scalar(select(Token.id).where(Token.name == "nightly"))
    admin.post(f"/tokens/{number}/revoke")

    assert ("nightly", "done") == (made.subject, made.outcome)
    assert "read" in str(made.detail["after"])
    ended = log.one("token_pages.revoke")
    assert ("nightly", "revoked") == (ended.subject, ended.detail["after"])
    assert "read" in str(ended.detail["before"])


def test_an_account(world: Staging, admin: Browser) -> None:
    """Made, and made something else: from what to what."""
    log, name = Log(world), f"n-{secrets.token_hex(3)}"

    admin.post("/new-person", name=name, role="viewer")
    admin.post(f"/people/{name}/role", role="reviewer")
    admin.post(f"/people/{name}/disabled", disabled="1")

    assert name == log.one("accounts.create").subject
    entry = log.one("accounts.set_role")
    assert ("viewer", "reviewer") == (entry.detail["before"], entry.detail["after"])
    assert name == log.one("accounts.set_disabled").subject


def test_configuration(world: Staging, admin: Browser) -> None:
    """Only what changed, from what to what."""
    log = Log(world)

    admin.post("/staging/configuration", **configuration(world, storage_bucket="studio-qa"))

    entry = log.one("staging.configure")
    assert {"storage_bucket": ["", "studio-qa"]} == entry.detail["changed"]


def test_refused_access(world: Staging) -> None:
    """Somebody known, and what they tried; a key that is no good as well."""
    viewer, log = person(world.here.app, Role.VIEWER, "vic"), Log(world)

    viewer.get("/people")
    client = world.here.app.test_client()
    client.get("/api/v1/audit", headers={"Authorization": "Bearer rubbish"})

    shut, unknown = log.all()
    assert ("person:vic", "refused", 403) == (shut.actor, shut.outcome, shut.status)
    assert ("nobody", "refused", 401) == (unknown.actor, unknown.outcome, unknown.status)
    assert "127.0.0.1" == shut.address == unknown.address


def test_every_entry_keeps_the_chain(world: Staging, admin: Browser) -> None:
    """What workers enter stands in the same chain as what requests enter."""
    admin.post(f"{ARIA}/test", text="Fumes.")
    world.here.work(("previews",))
    save(admin, world, "Breathes out.")
    log = services(world.here.app).records

    with log.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert all(one.hash == other.previous_hash for one, other in pairwise(rows))
