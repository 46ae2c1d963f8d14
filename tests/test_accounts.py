"""Admins looking after people: adding, roles, one-time passwords, shutting out; and who may not."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.factories import make_repository
from tests.web import PASSWORD, Browser, make_app, person, services
from webapp import people, tokens
from webapp.access import Role, Scope
from webapp.people import PeopleError
from webapp.records.models import Account, AuditEntry

OWN = "the words of my own"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("accounts")
    make_repository(folder)
    return make_app(folder, login_limit="1000 per minute")


@pytest.fixture(scope="module")
def admin(app: Flask) -> Browser:
    return person(app, Role.ADMIN, "root")


def unused() -> str:
    return f"p{secrets.token_hex(4)}"


def somebody(app: Flask, role: Role = Role.VIEWER) -> str:
    name = unused()
    people.add(services(app).records, name, PASSWORD, role)
    return name


def account(app: Flask, name: str) -> Account:
    return people.found(services(app).records, name)


def shown(answer: TestResponse) -> str:
    """The one-time password on a page."""
    found = re.search(r'id="secret"[^>]* value="([^"]+)"', answer.text)
    assert found is not None, answer.text
    return unescape(found[1])


def entries(app: Flask, subject: str) -> list[tuple[str, str, str]]:
    with services(app).records.reading() as session:
        found = session.scalars(
            select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.id)
        ).all()
    return [(each.actor, each.action, each.outcome) for each in found]


def test_a_new_person_chooses_a_password_and_is_in(app: Flask, admin: Browser) -> None:
    """The one shown once opens the page to choose another, and nothing else."""
    name = unused()
    made = admin.post(
        "/new-person", name=name, display_name="Ada", email="ada@studio.example", role="reviewer"
    )
    password, browser = shown(made), Browser(app)

    first = browser.log_in(name, password)
    elsewhere = browser.get("/environments/staging/characters")
    same = browser.post("/account/password", new=password, again=password)
    chosen = browser.post("/account/password", new=OWN, again=OWN)

    assert (200, "no-store") == (made.status_code, made.headers["Cache-Control"])
    assert (302, "/account") == (first.status_code, first.headers["Location"])
    assert (302, "/account") == (elsewhere.status_code, elsewhere.headers["Location"])
    assert (422, 302) == (same.status_code, chosen.status_code)
    assert 200 == browser.get("/environments/staging/characters").status_code
    assert 422 == Browser(app).log_in(name, password).status_code
    assert "reviewer" == account(app, name).role


def test_a_one_time_password_is_good_for_three_days(app: Flask, admin: Browser) -> None:
    """Then it opens nothing, and the page says whom to ask."""
    name = somebody(app)
    password = shown(admin.post(f"/people/{name}/password"))
    with services(app).records.writing() as session:
        session.execute(
            update(Account)
            .where(Account.name == name)
            .values(one_time_until=datetime.now(UTC) - timedelta(seconds=1))
        )

    answer = Browser(app).log_in(name, password)

    assert 422 == answer.status_code
    assert "ask an admin for a new one" in answer.text


def test_a_reset_password_ends_log_ins_and_the_old_password(app: Flask, admin: Browser) -> None:
    """Who had the old one is out at once."""
    name = somebody(app)
    browser = Browser(app)
    browser.log_in(name)

    password = shown(admin.post(f"/people/{name}/password"))

    assert 302 == browser.get("/account").status_code
    assert 422 == Browser(app).log_in(name).status_code
    assert 302 == Browser(app).log_in(name, password).status_code


def test_a_role_is_changed(app: Flask, admin: Browser) -> None:
    """It counts from the next log-in, and the list shows it; sessions under the old one end."""
    name = somebody(app, Role.ADMIN)
    browser = Browser(app)
    browser.log_in(name)

    answer = admin.post(f"/people/{name}/role", role="viewer")
    page = admin.get(f"/people/{name}").text

    assert (303, f"/people/{name}") == (answer.status_code, answer.headers["Location"])
    assert f"{name} is viewer now." in page
    assert 302 == browser.get("/people").status_code
    browser.log_in(name)
    assert 403 == browser.get("/people").status_code


def test_the_same_role_again_logs_nobody_out(app: Flask, admin: Browser) -> None:
    """Nothing changed, and that is said."""
    name = somebody(app)
    browser = Browser(app)
    browser.log_in(name)

    admin.post(f"/people/{name}/role", role="viewer")

    assert "nothing changed" in admin.get(f"/people/{name}").text
    assert 200 == browser.get("/account").status_code


def test_somebody_shut_out_is_out_at_once_and_may_be_let_in_again(
    app: Flask, admin: Browser
) -> None:
    """Their sessions and tokens end; the tokens stay ended."""
    name, records = somebody(app), services(app).records
    secret, _ = tokens.create(records, "ci", {Scope.READ}, made_by=account(app, name).id)
    browser, sent = Browser(app), {"Authorization": f"Bearer {secret}"}
    characters = "/api/v1/environments/production/characters"
    browser.log_in(name)
    assert 200 == app.test_client().get(characters, headers=sent).status_code

    admin.post(f"/people/{name}/disabled", disabled="yes")

    assert "1 token ended" in admin.get(f"/people/{name}").text
    assert 302 == browser.get("/account").status_code
    assert 422 == Browser(app).log_in(name).status_code
    assert 401 == app.test_client().get(characters, headers=sent).status_code
    admin.post(f"/people/{name}/disabled", disabled="no")
    assert 302 == Browser(app).log_in(name).status_code
    assert 401 == app.test_client().get(characters, headers=sent).status_code


@pytest.mark.parametrize(
    ("tail", "form", "said"),
    [
        ("role", {"role": "viewer"}, "another admin’s to change"),
        ("disabled", {"disabled": "yes"}, "Only another admin"),
        ("password", {}, "on the page of your account"),
    ],
)
def test_nobody_locks_themselves_out(
    app: Flask, admin: Browser, tail: str, form: dict[str, str], said: str
) -> None:
    """One's own role, access and password aren't changed here; the page doesn't offer it."""
    answer = admin.post(f"/people/root/{tail}", **form)
    page = admin.get("/people/root").text

    assert 422 == answer.status_code
    assert said in answer.text
    assert f"/people/root/{tail}" not in page
    assert ("admin", False) == (account(app, "root").role, account(app, "root").disabled)


def test_the_last_admin_stays(tmp_path: Path) -> None:
    """Neither another role nor shutting out takes the only one who could mend it."""
    make_repository(tmp_path)
    records = services(make_app(tmp_path)).records
    people.add(records, "root", PASSWORD, Role.ADMIN)
    people.add(records, "gone", PASSWORD, Role.ADMIN)
    people.set_disabled(records, "gone")

    for change in (
        lambda: people.set_role(records, "root", Role.VIEWER),
        lambda: people.set_disabled(records, "root"),
    ):
        with pytest.raises(PeopleError, match="the only admin who can log in"):
            change()

    people.set_disabled(records, "gone", disabled=False)
    assert "viewer" == people.set_role(records, "root", Role.VIEWER).after


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "../etc",
        "<b>",
        "an\nn",
        "x" * 65,
        "-rf",
        ".hidden",
        "анна",
        "a/b",
        "a\u202eb",
    ],
)
def test_a_log_in_name_that_is_none_is_refused(app: Flask, admin: Browser, name: str) -> None:
    """What was typed comes back with what would be right, and nobody is made."""
    before = people.count(services(app).records)

    answer = admin.post("/new-person", name=name, display_name="Kept words", role="viewer")

    assert 422 == answer.status_code
    assert "A log-in name has 1 to 64" in answer.text
    assert "Kept words" in answer.text
    assert before == people.count(services(app).records)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("display_name", "<script>alert(1)</script>", "without < and >"),
        ("display_name", "Mal\u202elory", "printable"),
        ("display_name", "x" * 129, "1 to 128"),
        ("email", "nobody", "no email address"),
        ("email", "a@b\u2028.example", "no email address"),
        ("email", "a@b> <c@d.example", "no email address"),
        ("role", "", "Choose a role"),
        ("role", "owner", "Choose a role"),
    ],
)
def test_what_would_spoil_a_commit_is_refused(
    app: Flask, admin: Browser, field: str, value: str, said: str
) -> None:
    """At the making and at a change alike; what stood stays."""
    name = unused()
    form = {"name": name, "display_name": "Ann", "email": "ann@studio.example", "role": "viewer"}
    new = admin.post("/new-person", **{**form, field: value})
    admin.post("/new-person", **form)
    tail = "role" if field == "role" else "details"

    changed = admin.post(f"/people/{name}/{tail}", **{**form, field: value})

    assert (422, 422) == (new.status_code, changed.status_code)
    assert escape(said) in new.text
    assert escape(said) in changed.text
    assert "Ann" == account(app, name).display_name


@pytest.mark.parametrize("name", ["new", "new-person", "people", "..a", "a..", "me@studio.example"])
def test_any_name_that_is_taken_has_its_page(app: Flask, admin: Browser, name: str) -> None:
    """No name stands in the way of one of our own addresses."""
    admin.post("/new-person", name=name, role="viewer")
    made = people.NAME.fullmatch(name) is not None

    assert (200 if made else 404) == admin.get(f"/people/{name}").status_code


def test_a_name_is_taken_once(admin: Browser, app: Flask) -> None:
    """In whatever case; the first one keeps everything."""
    name = somebody(app)

    answer = admin.post("/new-person", name=name.upper(), role="admin")

    assert 422 == answer.status_code
    assert "already" in answer.text
    assert "viewer" == account(app, name).role


def test_a_name_that_looks_like_markup_stays_text(app: Flask, admin: Browser) -> None:
    """Quotes and ampersands are shown as they are typed."""
    name = unused()
    admin.post("/new-person", name=name, display_name='"O\'Neil" & {{ 7*7 }}', role="viewer")

    page = admin.get(f"/people/{name}").text

    assert "&#34;O&#39;Neil&#34; &amp; {{ 7*7 }}" in page


def test_commits_carry_a_changed_name(app: Flask, admin: Browser) -> None:
    """The name and address that were saved are those an edit would be signed with."""
    name = somebody(app)

    admin.post(f"/people/{name}/details", display_name="Ann Ek", email="ann@studio.example")

    assert ("Ann Ek", "ann@studio.example") == (
        account(app, name).display_name,
        account(app, name).email,
    )


@pytest.mark.parametrize("tail", ["", "/role", "/password", "/disabled", "/details"])
def test_nobody_of_that_name_is_not_found(admin: Browser, tail: str) -> None:
    """A page of somebody who isn't there says so, also for a name that can't be one."""
    for name in ("nobody-here", "%00", "a%20b", "x" * 300):
        ask = admin.post if tail else admin.get
        assert 404 == ask(f"/people/{name}{tail}").status_code


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER])
def test_only_admins_see_and_change_people(app: Flask, role: Role) -> None:
    """Others are refused, and nothing changes."""
    browser, victim = person(app, role), somebody(app)
    asked = [
        browser.get(each).status_code for each in ("/people", "/new-person", f"/people/{victim}")
    ]
    sent = [
        browser.post(address, name="evil", role="admin", disabled="yes").status_code
        for address in (
            "/new-person",
            *(f"/people/{victim}/{tail}" for tail in ("role", "password", "disabled", "details")),
        )
    ]

    assert {403} == {*asked, *sent}
    assert ("viewer", False) == (account(app, victim).role, account(app, victim).disabled)
    assert 302 == Browser(app).log_in(victim).status_code


def test_what_admins_do_with_people_is_in_the_audit_log(app: Flask, admin: Browser) -> None:
    """Who did what to whom, what was refused too; no password stands in it."""
    name = unused()
    password = shown(admin.post("/new-person", name=name, role="viewer"))
    admin.post(f"/people/{name}/role", role="reviewer")
    password += shown(admin.post(f"/people/{name}/password"))
    admin.post(f"/people/{name}/disabled", disabled="yes")
    admin.post("/people/root/role", role="viewer")
    with services(app).records.reading() as session:
        everything = str([each.detail for each in session.scalars(select(AuditEntry))])

    assert [
        ("person:root", "accounts.create", "done"),
        ("person:root", "accounts.set_role", "done"),
        ("person:root", "accounts.reset_password", "done"),
        ("person:root", "accounts.set_disabled", "done"),
    ] == entries(app, name)
    assert ("person:root", "accounts.set_role", "failed") in entries(app, "root")
    assert "'before': 'viewer', 'after': 'reviewer'" in everything
    assert password[:19] not in everything


def test_the_list_tells_who_is_who(app: Flask, admin: Browser) -> None:
    """Role, and whether somebody is shut out or has not chosen a password yet."""
    one, other = unused(), somebody(app)
    admin.post("/new-person", name=one, role="viewer")
    admin.post(f"/people/{other}/disabled", disabled="yes")

    rows = {
        found[1]: found[0]
        for found in re.finditer(
            r'<li class="row person-row.*?/people/([^"]+)".*?</li>',
            admin.get("/people").text,
            re.DOTALL,
        )
    }

    assert "Has a one-time password" in rows[one]
    assert "never logged in" in rows[one]
    assert "Shut out" in rows[other]
    assert "you" in rows["root"]
