"""Logging in and out by the browser."""

import secrets
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.factories import make_repository
from tests.web import PASSWORD, Browser, make_app, person, services
from webapp import people
from webapp.access import Role
from webapp.records.models import Account, AuditEntry, Login


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("auth")
    make_repository(folder)
    return make_app(folder, login_limit="1000 per minute")


def somebody(app: Flask, role: Role = Role.VIEWER) -> str:
    name = f"p{secrets.token_hex(4)}"
    people.add(services(app).records, name, PASSWORD, role)
    return name


def cookie(browser: Browser) -> str:
    found = browser.client.get_cookie("prompt_repo")
    return found.value if found else ""


def test_a_password_opens_the_page_that_was_asked_for(app: Flask) -> None:
    """After logging in one is where one wanted to go."""
    browser = Browser(app)
    asked = browser.get("/account")

    answer = browser.log_in(somebody(app), next="/account")

    assert "/login?next=/account" == asked.headers["Location"]
    assert (302, "/account") == (answer.status_code, answer.headers["Location"])
    assert 200 == browser.get("/account").status_code


@pytest.mark.parametrize(
    "goal",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/ok\r\nSet-Cookie: a=b",
        "",
        "relative",
    ],
)
def test_logging_in_leads_to_no_other_server(app: Flask, goal: str) -> None:
    """`next` is a path of ours, or nothing."""
    answer = Browser(app).log_in(somebody(app), next=goal)

    assert "/" == answer.headers["Location"]


@pytest.mark.parametrize("name", ["", "no-such-person", "known"])
def test_a_wrong_name_and_a_wrong_password_answer_alike(app: Flask, name: str) -> None:
    """Nobody learns which accounts exist."""
    name = somebody(app) if name == "known" else name
    browser = Browser(app)

    answer = browser.log_in(name, "not the password")

    assert 422 == answer.status_code
    assert "open an account" in answer.text
    assert 302 == browser.get("/account").status_code


def test_the_name_is_taken_whatever_its_case(app: Flask) -> None:
    """Phones begin a name with a capital and end it with a blank."""
    name = somebody(app)

    assert 302 == Browser(app).log_in(f"{name.capitalize()} ").status_code


def test_logging_in_begins_a_new_session(app: Flask) -> None:
    """A cookie that somebody planted before the log-in is worth nothing after it."""
    browser = Browser(app)
    token = browser.csrf()
    planted = cookie(browser)
    browser.log_in(somebody(app))

    attacker = Browser(app)
    attacker.client.set_cookie("prompt_repo", planted)

    assert cookie(browser) not in ("", planted)
    assert 302 == attacker.get("/account").status_code
    assert 400 == browser.client.post("/logout", data={"csrf_token": token}).status_code


def test_logging_out_ends_the_session_on_the_server(app: Flask) -> None:
    """A copied cookie is worth nothing after the log-out."""
    browser = person(app, Role.VIEWER)
    copied = cookie(browser)
    browser.post("/logout")

    thief = Browser(app)
    thief.client.set_cookie("prompt_repo", copied)

    assert 302 == thief.get("/account").status_code


def test_a_log_in_lasts_no_longer_than_set(app: Flask) -> None:
    """The server forgets it, whatever the cookie says."""
    name = somebody(app)
    browser = Browser(app)
    browser.log_in(name)
    with services(app).records.writing() as session:
        mine = select(Account.id).where(Account.name == name).scalar_subquery()
        before = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(Login).where(Login.account_id == mine).values(expires_at=before))

    assert 302 == browser.get("/account").status_code


@pytest.mark.parametrize("change", ["password", "role", "disabled"])
def test_a_change_of_the_account_ends_its_sessions(app: Flask, change: str) -> None:
    """Nobody goes on with rights they no longer have."""
    name, records = somebody(app, Role.REVIEWER), services(app).records
    browser = Browser(app)
    browser.log_in(name)
    {
        "password": lambda: people.set_password(records, name, "a new password"),
        "role": lambda: people.set_role(records, name, Role.VIEWER),
        "disabled": lambda: people.set_disabled(records, name),
    }[change]()

    assert 302 == browser.get("/account").status_code
    if change == "disabled":
        assert 422 == browser.log_in(name).status_code


def test_one_changes_ones_own_password(app: Flask) -> None:
    """This browser stays logged in, every other one is logged out."""
    name = somebody(app)
    here, elsewhere = Browser(app), Browser(app)
    here.log_in(name)
    elsewhere.log_in(name)

    answer = here.post(
        "/account/password", current=PASSWORD, new="longer words", again="longer words"
    )

    assert 302 == answer.status_code
    assert [200, 302] == [each.get("/account").status_code for each in (here, elsewhere)]
    assert 302 == Browser(app).log_in(name, "longer words").status_code


@pytest.mark.parametrize(
    ("current", "new", "again"),
    [
        ("wrong", "longer words", "longer words"),
        (PASSWORD, "longer words", "other words"),
        (PASSWORD, "short", "short"),
        (PASSWORD, "x" * 1025, "x" * 1025),
    ],
    ids=["wrong", "unequal", "short", "long"],  # the password is random, and an id must not be
)
def test_a_bad_change_of_password_changes_nothing(
    app: Flask, current: str, new: str, again: str
) -> None:
    """It takes the current password, twice the same new one, and enough characters."""
    name = somebody(app)
    browser = Browser(app)
    browser.log_in(name)

    answer = browser.post("/account/password", current=current, new=new, again=again)

    assert 422 == answer.status_code
    assert 302 == Browser(app).log_in(name).status_code


def test_log_ins_are_in_the_audit_log(app: Flask) -> None:
    """Both those that went well and those that did not."""
    name = somebody(app)
    Browser(app).log_in(name, "wrong password")
    Browser(app).log_in(name)
    with services(app).records.reading() as session:
        found = session.scalars(
            select(AuditEntry).where(AuditEntry.subject == name).order_by(AuditEntry.id)
        ).all()

    assert [("log-in", "refused"), ("log-in", "done")] == [(e.action, e.outcome) for e in found]


@pytest.mark.parametrize("where", ["memory", "redis", "redis that is away"])
def test_failed_log_ins_are_bounded(
    tmp_path_factory: pytest.TempPathFactory, where: str, request: pytest.FixtureRequest
) -> None:
    """After some failures 429 says when to come back; right ones are not counted."""
    url = {
        "memory": lambda: "",
        "redis": lambda: request.getfixturevalue("redis_url"),
        "redis that is away": lambda: "redis://127.0.0.1:1/0",
    }[where]()
    folder = tmp_path_factory.mktemp("limits")
    make_repository(folder)
    app = make_app(folder, login_limit="3 per hour", redis_url=url)
    name = somebody(app)
    well = [Browser(app).log_in(name).status_code for _ in range(4)]
    wrong = [Browser(app).log_in(f"{name}{n}", "wrong password").status_code for n in range(3)]

    answer = Browser(app).log_in(name)

    assert [302] * 4 == well
    assert [422] * 3 == wrong
    assert 429 == answer.status_code
    assert 3500 < int(answer.headers["Retry-After"]) <= 3601


def test_one_account_is_guarded_more_closely(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Guessing one password is bounded before the address is."""
    folder = tmp_path_factory.mktemp("names")
    make_repository(folder)
    app = make_app(folder, login_limit="100 per hour", login_limit_per_name="2 per hour")
    first, second = somebody(app), somebody(app)

    guesses = [Browser(app).log_in(first, "wrong password").status_code for _ in range(3)]

    assert [422, 422, 429] == guesses
    assert 302 == Browser(app).log_in(second).status_code


CHUNKS = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "", "wsgi.input_terminated": True}
BROKEN = {
    "in chunks": (CHUNKS, 411),
    "too large": ({"CONTENT_LENGTH": "99999999"}, 413),
    "cut off": ({"CONTENT_LENGTH": "50"}, 400),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("/login", None),
        ("/account/password", 302),
        ("/environments/staging/characters/aria/angry", 302),
        ("/staging/mapping", 403),
        ("/staging/nothing-here", 403),
    ],
)
def test_a_form_that_does_not_arrive_is_refused_by_whoever_reads_it(
    app: Flask, path: str, refused: int | None, how: str
) -> None:
    """Nobody is logged in: they are told what is wrong with the form, or to log in; no fault."""
    environ, status = BROKEN[how]

    answer = app.test_client().post(
        path, input_stream=BytesIO(b"a=b"), environ_overrides=environ,
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip

    assert (refused or status) == answer.status_code
