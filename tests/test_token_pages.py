"""Tokens in the browser: made within one's rights, shown once, good where said, revoked."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.factories import make_repository, put
from tests.web import PASSWORD, Browser, make_app, person, services
from webapp import people, tokens
from webapp.access import Role, Scope
from webapp.records.models import AuditEntry, Token
from webapp.tokens import TokenError

READ = "/api/v1/environments/{}/characters"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("tokens")
    put(make_repository(folder, ("aria",)), {"aria/happy": "Smiles."})
    return make_app(folder, login_limit="1000 per minute")


@pytest.fixture(scope="module")
def admin(app: Flask) -> Browser:
    return person(app, Role.ADMIN, "root")


@pytest.fixture
def viewer(app: Flask) -> Browser:
    return person(app, Role.VIEWER)


def make(
    browser: Browser,
    name: str = "",
    scopes: tuple[str, ...] = ("read",),
    environments: tuple[str, ...] = ("production",),
    days: str = "90",
) -> TestResponse:
    form = MultiDict([("csrf_token", browser.csrf()), ("name", name or new_name()), ("days", days)])
    form.setlist("scope", scopes)
    form.setlist("environment", environments)
    return browser.client.post("/tokens/new", data=form)


def new_name() -> str:
    return f"t-{secrets.token_hex(4)}"


def secret(answer: TestResponse) -> str:
    found = re.search(r'id="secret"[^>]* value="([^"]+)"', answer.text)
    assert found is not None, answer.text
    return unescape(found[1])


def stored(app: Flask, name: str) -> Token:
    with services(app).records.reading() as session:
        return session.scalars(select(Token).where(Token.name == name)).one()


def count(app: Flask) -> int:
    return len(tokens.listed(services(app).records))


def answers(app: Flask, key: str, environment: str) -> int:
    sent = {"Authorization": f"Bearer {key}"}
    return app.test_client().get(READ.format(environment), headers=sent).status_code


def test_a_token_is_shown_once_and_works(app: Flask, viewer: Browser) -> None:
    """The page that shows it isn't kept, no other page has it, and neither have the records."""
    name = new_name()
    made = make(viewer, name)
    key = secret(made)

    assert (200, "no-store") == (made.status_code, made.headers["Cache-Control"])
    assert 200 == answers(app, key, "production")
    listed = viewer.get("/tokens").text
    assert name in listed
    assert key not in listed
    assert key not in repr(vars(stored(app, name)))


@pytest.mark.parametrize(
    ("environments", "staging", "production"),
    [
        (("production",), 403, 200),
        (("staging",), 200, 403),
        (("staging", "production"), 200, 200),
    ],
)
def test_it_is_good_where_it_was_said(
    app: Flask, viewer: Browser, environments: tuple[str, ...], staging: int, production: int
) -> None:
    """Elsewhere it is refused."""
    key = secret(make(viewer, environments=environments))

    assert [staging, production] == [answers(app, key, each) for each in ("staging", "production")]


@pytest.mark.parametrize("days", ["7", "30", "90", "365"])
def test_it_ends_when_it_was_said(app: Flask, viewer: Browser, days: str) -> None:
    """Its record holds the day."""
    name = new_name()
    began = datetime.now(UTC)
    make(viewer, name, days=days)

    end = stored(app, name).expires_at

    assert end is not None
    assert timedelta(0) <= end - began - timedelta(days=int(days)) < timedelta(hours=1)


def test_it_may_have_no_end(app: Flask, viewer: Browser) -> None:
    """Where somebody says so."""
    name = new_name()
    make(viewer, name, days="")

    assert stored(app, name).expires_at is None
    assert "no end" in viewer.get("/tokens").text


def test_one_that_ran_out_is_listed_apart(app: Flask, admin: Browser) -> None:
    """It opens nothing, and its line offers nothing."""
    name = new_name()
    key, _ = tokens.create(services(app).records, name, {Scope.READ}, lasts=timedelta(seconds=-1))

    page = admin.get("/tokens").text

    assert 401 == answers(app, key, "production")
    assert re.search(rf"{name}.*?ran out", page, re.DOTALL)
    assert f'Revoke<span class="unseen"> {name}' not in page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER])
@pytest.mark.parametrize("scope", ["write", "promote", "admin"])
def test_nobody_makes_a_token_beyond_their_rights(app: Flask, role: Role, scope: str) -> None:
    """Neither by the form, which doesn't offer it, nor past it."""
    browser = person(app, role)
    before = count(app)

    answer = make(browser, scopes=("read", scope))

    assert 422 == answer.status_code
    assert "no more than you may" in answer.text
    assert f'value="{scope}"' not in browser.get("/tokens/new").text
    assert before == count(app)


def test_a_right_lost_meanwhile_is_in_no_token(app: Flask) -> None:
    """Who was an admin when the form was sent, and isn't when the token is made, gets none."""
    records = services(app).records
    who = people.add(records, new_name(), PASSWORD, Role.ADMIN)
    people.set_role(records, who.name, Role.VIEWER)

    with pytest.raises(TokenError, match="no more than who makes it"):
        tokens.create(records, "late", {Scope.WRITE}, made_by=who.id)

    people.set_disabled(records, who.name)
    with pytest.raises(TokenError, match="may not log in"):
        tokens.create(records, "later", {Scope.READ}, made_by=who.id)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scopes": ()}, "A token needs a scope"),
        ({"scopes": ("root",)}, "no more than you may"),
        ({"environments": ()}, "Choose where it is good"),
        ({"environments": ("moon",)}, "Choose where it is good"),
        ({"days": "-1"}, "Choose how long"),
        ({"days": "9" * 40}, "Choose how long"),
        ({"name": " "}, "1 to 64 printable"),
        ({"name": "x" * 65}, "1 to 64 printable"),
        ({"name": "a\x1b[2J"}, "1 to 64 printable"),
        ({"name": "a\u202eb"}, "1 to 64 printable"),
    ],
)
def test_a_form_that_will_not_do_comes_back(
    app: Flask, admin: Browser, wrong: dict[str, object], said: str
) -> None:
    """With what was typed and what would be right; no token is made."""
    before = count(app)

    answer = make(admin, **{"name": "kept-name", **wrong})  # type: ignore[arg-type]

    assert 422 == answer.status_code
    assert said in answer.text
    assert "kept-name" in answer.text or "name" in wrong
    assert before == count(app)


def test_a_name_that_is_markup_stays_text(admin: Browser) -> None:
    """Wherever it is shown."""
    name = "<img src=x onerror=alert(1)>"
    made = make(admin, name)

    for page in (made.text, admin.get("/tokens").text):
        assert name not in page
        assert "&lt;img src=x" in page


def test_revoking_says_what_it_does_and_ends_it_at_once(app: Flask, viewer: Browser) -> None:
    """Asking changes nothing; afterwards the next request with it is 401."""
    name = new_name()
    key = secret(make(viewer, name))
    assert 200 == answers(app, key, "production")
    address = f"/tokens/{stored(app, name).id}/revoke"

    asked = viewer.get(address)

    assert 200 == asked.status_code
    assert name in asked.text
    assert 200 == answers(app, key, "production")
    assert 303 == viewer.post(address).status_code
    assert 401 == answers(app, key, "production")
    assert re.search(rf"{name}.*?revoked", viewer.get("/tokens").text, re.DOTALL)
    assert 303 == viewer.post(address).status_code


def test_others_tokens_do_not_exist_for_whoever_is_no_admin(
    app: Flask, viewer: Browser, admin: Browser
) -> None:
    """They are neither listed nor ended; admins see and end everybody's."""
    name = new_name()
    key = secret(make(viewer, name))
    address = f"/tokens/{stored(app, name).id}/revoke"
    stranger = person(app, Role.REVIEWER)

    got = [stranger.get(address).status_code, stranger.post(address).status_code]

    assert [404, 404] == got
    assert name not in stranger.get("/tokens").text
    assert 200 == answers(app, key, "production")
    assert name in admin.get("/tokens").text
    assert 303 == admin.post(address).status_code
    assert 401 == answers(app, key, "production")


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30, "-1", "x"])
def test_a_token_that_is_none_is_not_found(admin: Browser, number: str) -> None:
    """Whatever number is asked for."""
    got = [admin.get(f"/tokens/{number}/revoke"), admin.post(f"/tokens/{number}/revoke")]

    assert [404, 404] == [each.status_code for each in got]


def test_making_and_ending_are_in_the_audit_log(app: Flask, viewer: Browser) -> None:
    """With what the token could do; never with the token."""
    name = new_name()
    key = secret(make(viewer, name))
    viewer.post(f"/tokens/{stored(app, name).id}/revoke")
    make(viewer, name, scopes=("admin",))
    with services(app).records.reading() as session:
        found = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.action.startswith("token_pages"))
            .order_by(AuditEntry.id.desc())
            .limit(3)
        ).all()

    said = [(each.action.partition(".")[2], each.outcome) for each in reversed(found)]
    assert [("create", "done"), ("revoke", "done"), ("create", "failed")] == said
    assert (name, ["read"]) == (found[2].subject, found[2].detail["after"]["scopes"])
    assert key not in str([each.detail for each in found])


def test_a_form_that_is_sent_twice_makes_one_token(app: Flask, viewer: Browser) -> None:
    """As when the page that shows the token is loaded again; a revoked one's name is free."""
    name = new_name()
    assert 200 == make(viewer, name).status_code

    again = make(viewer, name)

    assert again.status_code == 422
    assert f"You have a token “{name}” already" in unescape(again.text)
    tokens.revoke(services(app).records, stored(app, name).id)
    assert 200 == make(viewer, name).status_code
