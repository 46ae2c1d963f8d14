"""What the audit log says of requests: every one that may change something, and every refusal."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from prompt_repo.repository import PRODUCTION, STAGING
from tests.factories import SAM, make_repository, put
from tests.web import Browser, bearer, make_app, person, routes, services
from webapp import audit_settings, audit_tending
from webapp.access import SAFE, Role, Scope
from webapp.config import Settings
from webapp.records.models import AuditEntry

ANGRY = f"/environments/{STAGING}/characters/aria/angry"
API = f"/api/v1/environments/{STAGING}"
QUIET = {
    "appearance.choose",  # a cookie
    "api.bulk_plan",
    "bulk.choose",
    "bulk.plan",
    "git_http.upload_pack",  # git reads by POST
    "git_http.receive_pack",  # one without orders; what a push does is in test_git_http.py
    "mirror.webhook",  # unsigned: from nobody
    "previews.seen",  # one's own tray
    "promotion.plan",  # a look
    "prompts.edit",  # a look, without action=save
    "prompts.preview",  # what is typed so far
    "change_proposing.propose",  # a look, without action=open
    "auth.log_out",
}
"""Unsafe methods that change nothing as this sweep asks them."""


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    put(make_repository(tmp_path, ("aria",)), {"aria/happy": "Smiles.", "defaults/happy": "Joy."})
    return make_app(tmp_path, login_limit="1000 per minute")


def entries(app: Flask, after: int = 0) -> Sequence[AuditEntry]:
    """What was entered after an entry, oldest first."""
    query = select(AuditEntry).where(AuditEntry.id > after).order_by(AuditEntry.id)
    with services(app).records.reading() as session:
        return session.scalars(query).all()


def newest(app: Flask) -> int:
    with services(app).records.reading() as session:
        return session.scalar(select(func.max(AuditEntry.id))) or 0


def save(browser: Browser, app: Flask, text: str = "Glares.") -> None:
    base = services(app).repository.get().head(STAGING)
    form = {"action": "save", "text": text, "reason": "Louder", "notes": "", "tags": ""}
    assert browser.post(ANGRY, base=base, **form).status_code == 303


def test_every_unsafe_route_is_entered(app: Flask) -> None:
    """A request that may change something leaves an entry, whatever comes of it."""
    silent = []
    admin, quiet = person(app, Role.ADMIN), set()
    for rule, method, address in routes(app):
        if method in SAFE:
            continue
        before = newest(app)
        headers = {"X-CSRFToken": admin.csrf()}
        admin.client.open(address, method=method, headers=headers)
        if newest(app) == before:
            (quiet.add if rule.endpoint in QUIET else silent.append)(rule.endpoint)
        if rule.endpoint == "auth.log_out":
            admin = person(app, Role.ADMIN)

    assert [] == silent


def test_a_save_says_who_what_where_and_which_commit(app: Flask) -> None:
    """Person, address, request, file, commit, and the blobs before and after."""
    admin = person(app, Role.ADMIN, "sam")
    save(admin, app, "Glares.")
    before = newest(app)

    save(admin, app, "Glares harder.")

    (found,) = entries(app, before)
    repository = services(app).repository.get()
    change = repository.store.commit(repository.head(STAGING)).changes[0]
    assert ("person:sam", "prompts.edit", "done", 303) == (
        found.actor, found.action, found.outcome, found.status,
    )  # fmt: skip
    assert ("127.0.0.1", repository.head(STAGING)) == (found.address, found.commit)
    assert ("characters/aria/angry.yaml",) * 2 == (found.path, found.subject)
    assert (change.old, change.new) == (found.detail["before"], found.detail["after"])
    assert found.request_id
    assert change.old is not None


def test_looking_is_not_entered(app: Flask) -> None:
    """Review before saving, and what is typed so far, change nothing."""
    admin = person(app, Role.ADMIN)
    before = newest(app)

    admin.post(ANGRY, action="review", text="x")
    admin.post(f"{ANGRY}/preview", text="x")

    assert [] == entries(app, before)


def test_what_fails_is_entered_with_the_reason(app: Flask) -> None:
    """The outcome, the file that was meant, and why."""
    key = bearer(app, Scope.WRITE, environments=(STAGING,))
    before = newest(app)
    address = f"{API}/characters/aria/emotional-prompts/angry"

    status = app.test_client().put(address, json={"prompt_text": "x"}, headers=key).status_code

    (found,) = entries(app, before)
    assert (428, 428, "failed") == (status, found.status, found.outcome)
    assert "characters/aria/angry.yaml" == found.path
    assert "If-Match" in found.detail["why"]


def test_refused_reads_are_entered(app: Flask) -> None:
    """Somebody who looks where they may not."""
    viewer = person(app, Role.VIEWER, "vic")
    before = newest(app)

    assert 403 == viewer.get("/people").status_code

    (found,) = entries(app, before)
    assert ("person:vic", "accounts.index", "refused") == (
        found.actor, found.action, found.outcome,
    )  # fmt: skip


def test_bad_keys_are_entered_but_do_not_fill_the_log(app: Flask) -> None:
    """An unknown token is noted with its address; of a flood no more than some."""
    before = newest(app)
    headers = {"Authorization": "Bearer pr_wrong"}

    for _ in range(30):
        assert 401 == app.test_client().get(f"{API}/characters", headers=headers).status_code

    found = entries(app, before)
    assert {("nobody", "refused", 401)} == {(e.actor, e.outcome, e.status) for e in found}
    assert 20 == len(found)


def test_anonymous_visits_are_not_entered(app: Flask) -> None:
    """Who is merely sent to the log-in page did nothing."""
    before = newest(app)

    Browser(app).get("/people")
    app.test_client().get(f"{API}/characters")

    assert [] == entries(app, before)


def test_log_ins_are_entered_good_and_bad(app: Flask) -> None:
    """With the name that was typed, and never a password."""
    person(app, Role.VIEWER, "vic")
    before = newest(app)

    Browser(app).log_in("vic", "wrong password")
    Browser(app).log_in("vic")

    found = entries(app, before)
    assert [("log-in", "vic", "refused"), ("log-in", "vic", "done")] == [
        (e.action, e.subject, e.outcome) for e in found
    ]
    assert "wrong password" not in str([e.detail for e in found])


def test_an_export_is_entered(app: Flask) -> None:
    """What leaves the house whole is noted with the commit; what is unchanged doesn't leave."""
    key = bearer(app, Scope.READ, environments=(STAGING,))
    before = newest(app)
    etag = app.test_client().get(f"{API}/export", headers=key).headers["ETag"]

    app.test_client().get(f"{API}/export", headers={**key, "If-None-Match": etag})

    (found,) = entries(app, before)
    head = services(app).repository.get().head(STAGING)
    assert ("api.export", head, "done") == (found.action, found.commit, found.outcome)


def test_settings_are_entered_when_they_change(app: Flask, tmp_path: Path) -> None:
    """Before and after by the variable's name; secrets are told apart, not told."""
    records, before = services(app).records, newest(app)
    first = Settings(data=tmp_path, audit_days=30, mirror_secret="hush-hush")
    second = Settings(data=tmp_path, audit_days=90, mirror_secret="hush-hush")

    for settings in (first, first, second):
        audit_settings.enter(records, settings)

    one, two = entries(app, before)
    assert "PROMPT_REPO_AUDIT_DAYS, PROMPT_REPO_MIRROR_SECRET" == one.subject
    assert ({"PROMPT_REPO_AUDIT_DAYS": "30"}, {"PROMPT_REPO_AUDIT_DAYS": "90"}) == (
        two.detail["before"], two.detail["after"],
    )  # fmt: skip
    assert "hush-hush" not in str(one.detail)


def test_each_commit_of_a_request_has_an_entry(app: Flask) -> None:
    """A promotion with a decision commits to staging and to production: both are named."""
    repository = services(app).repository.get()
    key = bearer(app, Scope.PROMOTE)
    client = app.test_client()
    put(repository, {"defaults/happy": "Joy, from staging."})
    head = repository.head(PRODUCTION)
    raw = b"prompt: |-\n  Joy, from production.\n"
    fix = repository.store.write(
        PRODUCTION, head, {"defaults/happy.yaml": raw}, author=SAM, message="Fix"
    )
    repository.written(PRODUCTION, fix)
    before = newest(app)
    body = {
        "plan": {name: repository.head(name) for name in (STAGING, PRODUCTION)},
        "decisions": {"defaults/happy.yaml": {"prompt_text": "Joy, from both."}},
        "reason": "Decided",
    }

    answer = client.post("/api/v1/promotions", json=body, headers=key)

    heads = {repository.head(STAGING), repository.head(PRODUCTION)}
    found = {each.commit for each in entries(app, before) if each.action == "api.promote"}
    assert (201, heads) == (answer.status_code, found), answer.text
    assert 0 == _found_by_looking(app)


def _found_by_looking(app: Flask) -> int:
    """How many commits have no entry, once the log knows where the branches were."""
    records, repository = services(app).records, services(app).repository.get()
    audit_tending.catch_up(records, repository)
    return audit_tending.catch_up(records, repository)
