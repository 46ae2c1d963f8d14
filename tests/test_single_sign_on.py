"""Single sign-on against a provider of the test's own: who is let in, as whom, and who is not."""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from flask import Flask
from joserfc.jwk import ECKey
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from tests.factories import make_repository
from tests.identity_provider import CLIENT, SECRET, Provider, by_secret, provider, rsa, unsigned
from tests.web import PASSWORD, Browser, make_app, person, services
from webapp import people, tokens
from webapp.access import Role, Scope
from webapp.config import InvalidSetting, Settings
from webapp.records.models import Account, AuditEntry

START = "/login/single-sign-on"
CALLBACK = "/login/single-sign-on/callback"
ROLES = (("leads", "admin"), ("artists", "reviewer"), ("guests", "viewer"))


@dataclass
class House:
    """An installation, and the provider that its people log in by."""

    app: Flask
    provider: Provider

    def account(self, name: str) -> Account:
        return people.found(services(self.app).records, name)

    def names(self) -> set[str]:
        return {each.name for each in people.listed(services(self.app).records)}

    def says(self, subject: str = "", **claims: Any) -> str:
        """Has the provider log somebody in, as a guest unless said otherwise; gives the name."""
        subject = subject or secrets.token_hex(6)
        name = claims.get("preferred_username", f"n{subject}")
        self.provider.claims = {
            "sub": subject,
            "groups": ["guests"],
            "preferred_username": name,
            **claims,
        }
        return name

    def there(self, browser: Browser, goal: str = "") -> str:
        """The address at which the provider sends a browser back."""
        answer = browser.get(START, query_string={"next": goal} if goal else {})
        assert answer.status_code == 302, answer.text
        back = httpx.get(answer.headers["Location"])
        assert back.status_code == 302
        return back.headers["Location"]

    def log_in(self, browser: Browser | None = None, goal: str = "") -> TestResponse:
        """The whole way."""
        browser = browser or Browser(self.app)
        return browser.get(path_of(self.there(browser, goal)))


def path_of(address: str, **changed: str) -> str:
    """The part of an address after the host, with some of the query's values changed."""
    parts = urlsplit(address)
    query = {name: found[0] for name, found in parse_qs(parts.query).items()} | changed
    return f"{parts.path}?{urlencode({name: each for name, each in query.items() if each})}"


def settings(issuer: str, **more: Any) -> dict[str, Any]:
    return {
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_roles": ROLES,
        **more,
    }


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    make_repository(tmp_path)
    with provider() as there:
        yield House(make_app(tmp_path, **settings(there.issuer)), there)


def entered(app: Flask) -> list[tuple[str, str, Any]]:
    """The log-ins in the audit log."""
    with services(app).records.reading() as session:
        found = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "log-in").order_by(AuditEntry.id)
        ).all()
    return [(each.subject, each.outcome, each.detail) for each in found]


def test_somebody_known_to_the_provider_is_let_in(house: House) -> None:
    """To the page that was asked for, with the role, name and address that the provider says."""
    browser = Browser(house.app)
    name = house.says(
        name="Ann Ek", email="ann@studio.example", email_verified=True, groups=["artists", "cats"]
    )

    answer = house.log_in(browser, "/environments/staging/defaults")

    assert (302, "/environments/staging/defaults") == (
        answer.status_code,
        answer.headers["Location"],
    )
    assert 200 == browser.get("/environments/staging/defaults").status_code
    assert 403 == browser.get("/people").status_code
    made = house.account(name)
    assert ("Ann Ek", "ann@studio.example", "reviewer") == (
        made.display_name,
        made.email,
        made.role,
    )
    assert [(name, "done", {"by": "single sign-on", "role": "reviewer"})] == entered(house.app)


def test_somebody_who_comes_again_has_the_same_account(house: House) -> None:
    """Whatever they are called meanwhile: only the subject counts."""
    name = house.says("subject-1")
    house.log_in()
    house.says("subject-1", preferred_username="another-name")

    house.log_in()

    assert {name} == house.names()


def test_a_role_that_changed_there_counts_from_the_next_log_in(house: House) -> None:
    """Sessions under the one before end, and tokens that may do more than the new one."""
    name = house.says("subject-1", groups=["leads"])
    before, records = Browser(house.app), services(house.app).records
    house.log_in(before)
    people.add(records, "root", PASSWORD, Role.ADMIN)
    key, _ = tokens.create(records, "w", {Scope.WRITE}, made_by=house.account(name).id)
    house.says("subject-1", groups=["guests"])

    after = Browser(house.app)
    house.log_in(after)

    assert "viewer" == house.account(name).role
    assert 302 == before.get("/account").status_code
    assert [200, 403] == [after.get(each).status_code for each in ("/account", "/people")]
    assert services(house.app).tokens.caller(key) is None
    assert ("admin", "viewer") == tuple(
        entered(house.app)[-1][2][key] for key in ("before", "after")
    )


def test_the_only_admin_is_not_made_less(house: House) -> None:
    """Nobody could let people in any more; the page says what to do first."""
    name = house.says("subject-1", groups=["leads"])
    house.log_in()
    house.says("subject-1", groups=["guests"])

    answer = house.log_in()

    assert 403 == answer.status_code
    assert "the only admin who can log in" in answer.text
    assert "admin" == house.account(name).role


@pytest.mark.parametrize(
    ("claims", "setting", "role"),
    [
        ({"groups": ["guests", "leads", "artists"]}, {}, "admin"),
        ({"groups": "artists"}, {}, "reviewer"),
        (
            {"realm_access": {"roles": ["leads"]}},
            {"oidc_role_claim": "realm_access.roles"},
            "admin",
        ),
        (
            {"https://x.example/role": "leads"},
            {"oidc_role_claim": "https://x.example/role"},
            "admin",
        ),
        ({"groups": None}, {"oidc_roles": (*ROLES, ("*", "viewer"))}, "viewer"),
        ({"groups": ["leads"]}, {"oidc_roles": (*ROLES, ("*", "viewer"))}, "admin"),
    ],
)
def test_roles_come_from_a_claim(
    tmp_path: Path, claims: dict[str, Any], setting: dict[str, Any], role: str
) -> None:
    """The highest that is mapped; one value or many, deep in the token too; `*` is everybody."""
    make_repository(tmp_path)
    with provider() as there:
        house = House(make_app(tmp_path, **settings(there.issuer, **setting)), there)
        name = house.says(**claims)
        house.log_in()

        assert role == house.account(name).role


@pytest.mark.parametrize(
    "groups", [[], ["cats"], None, "lead", {"leads": 1}, [["leads"]], ["LEADS"], [7], "*"]
)
def test_nobody_is_let_in_without_a_role(house: House, groups: object) -> None:
    """The page says so and whom to ask; no account is made; the audit log knows."""
    house.says(groups=groups)

    answer = house.log_in()

    assert 403 == answer.status_code
    assert "Ask an admin to give you one" in answer.text
    assert set() == house.names()
    assert "refused" == entered(house.app)[-1][1]


def test_a_role_may_come_from_userinfo(house: House) -> None:
    """Where the ID token doesn't hold the claim."""
    name = house.says(groups=None)
    house.provider.userinfo = {"sub": house.provider.claims["sub"], "groups": ["leads"]}

    assert 302 == house.log_in().status_code
    assert "admin" == house.account(name).role


@pytest.mark.parametrize("subject", ["somebody else", None])
def test_userinfo_about_somebody_else_counts_for_nothing(house: House, subject: str | None) -> None:
    """It must be of the same subject as the ID token."""
    house.says(groups=None)
    house.provider.userinfo = {"sub": subject, "groups": ["leads"]}

    assert 422 == house.log_in().status_code
    assert set() == house.names()


def test_an_account_that_was_shut_out_stays_so(house: House) -> None:
    """The provider's word doesn't open it again; letting in does."""
    name = house.says("subject-1")
    house.log_in()
    people.set_disabled(services(house.app).records, name)

    answer = house.log_in()

    assert 403 == answer.status_code
    assert "shut out" in answer.text
    people.set_disabled(services(house.app).records, name, disabled=False)
    assert 302 == house.log_in().status_code


def test_a_name_or_an_address_opens_nobody_elses_account(house: House) -> None:
    """Who calls themselves as an admin does gets an account of their own, with another name."""
    records = services(house.app).records
    people.add(records, "root", PASSWORD, Role.ADMIN, email="root@studio.example")
    house.says(preferred_username="root", email="root@studio.example", email_verified=True)
    browser = Browser(house.app)

    house.log_in(browser)

    assert {"root", "root-2"} == house.names()
    assert "viewer" == house.account("root-2").role
    assert 403 == browser.get("/people").status_code


def test_an_account_by_single_sign_on_has_no_password(house: House) -> None:
    """Nothing opens it at the log-in page, and its role and password are changed over there."""
    name = house.says()
    own = Browser(house.app)
    house.log_in(own)
    admin = person(house.app, Role.ADMIN)

    for guess in ("", " ", PASSWORD):
        assert 422 == Browser(house.app).log_in(name, guess).status_code
    role = admin.post(f"/people/{name}/role", role="admin")
    password = admin.post(f"/people/{name}/password")

    assert "comes from single sign-on" in role.text
    assert "no password here" in password.text
    assert (422, 422) == (role.status_code, password.status_code)
    assert "no password of yours here" in own.get("/account").text


def test_an_address_that_nobody_verified_is_not_taken(house: House) -> None:
    """Commits would name somebody else."""
    name = house.says(email="boss@studio.example", email_verified=False)

    house.log_in()

    assert f"{name}@prompt-repo.invalid" == house.account(name).email


@pytest.mark.parametrize(
    ("claims", "name", "display"),
    [
        ({"preferred_username": "Ann Ek"}, "ann-ek", "Ann Ek"),
        ({"preferred_username": "../../etc"}, "etc", "../../etc"),
        ({"preferred_username": "<b>x</b>", "name": "<b>x</b>"}, "-b-x-b-", "bx/b"),
        ({"preferred_username": "a\nb\u202ec", "name": "a\nb\u202ec"}, "a-b-c", "abc"),
        ({"preferred_username": "李梅", "name": "李梅"}, "person", "李梅"),
        ({"preferred_username": "x" * 5000, "name": "y" * 5000}, "x" * 56, "y" * 128),
        ({"preferred_username": ["list"], "name": {"a": 1}}, "person", "person"),
        ({"preferred_username": "", "name": ""}, "person", "person"),
    ],
)
def test_hostile_names_become_names(
    house: House, claims: dict[str, Any], name: str, display: str
) -> None:
    """What can't be a log-in name or stand in a commit is left out."""
    house.says(**claims)

    assert 302 == house.log_in().status_code
    (made,) = house.names()
    assert (name.strip("-"), display) == (made.strip("-"), house.account(made).display_name)


@pytest.mark.parametrize("subject", ["x" * 256, "a\x00b", 7, ["a"], None, {"a": 1}])
def test_a_subject_that_is_none_is_nobody(house: House, subject: object) -> None:
    """An account needs an id that stays."""
    house.says()
    house.provider.claims["sub"] = subject

    answer = house.log_in()

    assert answer.status_code in (403, 422)
    assert set() == house.names()


def test_a_state_that_is_not_this_browsers_is_refused(house: House) -> None:
    """Somebody lured to a foreign callback isn't logged in as its maker."""
    house.says()
    attacker, victim = Browser(house.app), Browser(house.app)
    address = house.there(attacker)
    house.there(victim)

    for path in (
        path_of(address),
        path_of(address, state="forged"),
        path_of(address, state=""),
        CALLBACK,
    ):
        assert 422 == victim.get(path).status_code
    assert 302 == victim.get("/account").status_code
    assert set() == house.names()


def test_an_answer_counts_once(house: House) -> None:
    """Sent again it opens nothing."""
    house.says()
    browser = Browser(house.app)
    path = path_of(house.there(browser))

    got = [browser.get(path).status_code for _ in range(2)]

    assert [302, 422] == got


def test_a_code_of_another_log_in_is_refused(house: House) -> None:
    """A code that was put into somebody's own answer doesn't fit their verifier (PKCE)."""
    house.says()
    attacker, victim = Browser(house.app), Browser(house.app)
    stolen = parse_qs(urlsplit(house.there(victim)).query)["code"][0]

    answer = attacker.get(path_of(house.there(attacker), code=stolen))

    assert 422 == answer.status_code
    assert set() == house.names()


def test_an_answer_of_another_provider_is_refused(house: House) -> None:
    """By the issuer that it names (RFC 9207)."""
    house.says()
    browser = Browser(house.app)

    answer = browser.get(path_of(house.there(browser), iss="https://evil.example"))

    assert 422 == answer.status_code


LATE = int(time.time()) - 3600
BAD_CLAIMS = {
    "nonce of another": {"nonce": "n" * 20},
    "nonce empty": {"nonce": ""},
    "issuer of another": {"iss": "https://evil.example"},
    "issuer with a slash": {"iss": "http://127.0.0.1/"},
    "audience of another": {"aud": "another-client"},
    "audience of another, for us": {"aud": "another-client", "azp": CLIENT},
    "audiences, by another": {"aud": ["another-client", CLIENT], "azp": "another-client"},
    "expired": {"exp": LATE},
    "expiry no time": {"exp": "tomorrow"},
    "not yet": {"nbf": LATE + 7200},
}


@pytest.mark.parametrize("wrong", BAD_CLAIMS)
def test_an_id_token_that_is_not_for_this_is_refused(house: House, wrong: str) -> None:
    """Right signature, wrong claims: nobody is let in, and no account is made."""
    house.says(**BAD_CLAIMS[wrong], groups=["leads"])

    answer = house.log_in()

    assert 422 == answer.status_code
    assert "Single sign-on did not work" in answer.text
    assert set() == house.names()


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "nonce", "sub"])
def test_an_id_token_that_says_too_little_is_refused(house: House, claim: str) -> None:
    """Each of these must be there."""
    house.says(groups=["leads"])
    house.provider.without = (claim,)

    assert 422 == house.log_in().status_code
    assert set() == house.names()


def test_an_id_token_that_nobody_signed_is_refused(house: House) -> None:
    """Also where the provider's description offers the algorithm `none`."""
    house.says(groups=["leads"])
    house.provider.sign = unsigned

    assert 422 == house.log_in().status_code
    assert set() == house.names()


def test_an_id_token_signed_by_a_shared_secret_is_refused(house: House) -> None:
    """By the client's secret, or by the public key taken for one."""
    house.says(groups=["leads"])
    for shared in (SECRET.encode(), house.provider.key.as_pem(private=False)):
        house.provider.sign = by_secret(shared)

        assert 422 == house.log_in().status_code
    assert set() == house.names()


def test_an_id_token_signed_by_another_key_is_refused(house: House) -> None:
    """Even where it calls itself by the name of the right one, or brings itself along."""
    house.says(groups=["leads"])
    right, other = house.provider.key, rsa()
    house.provider.answers["/jwks"] = (200, json.dumps(house.provider.jwks()).encode())
    house.provider.key = other
    for header in ({"kid": right.kid}, {"kid": right.kid, "jwk": other.as_dict(private=False)}, {}):
        house.provider.header = header

        assert 422 == house.log_in().status_code
    assert set() == house.names()


def test_a_new_key_of_the_provider_is_learned(house: House) -> None:
    """Providers change theirs every few weeks."""
    house.says()
    assert 302 == house.log_in().status_code
    house.provider.key = rsa()

    assert 302 == house.log_in().status_code


def test_elliptic_curves_will_do(house: House) -> None:
    """ES256 is a signature that only the provider can make, too."""
    house.provider.key = ECKey.generate_key("P-256", {"kid": "curve"})
    house.says()

    assert 302 == house.log_in().status_code


ODD_ANSWERS = {
    "metadata is no JSON": ("/.well-known/openid-configuration", 200, b"<html>"),
    "metadata is a list": ("/.well-known/openid-configuration", 200, b"[]"),
    "metadata is empty": ("/.well-known/openid-configuration", 200, b"{}"),
    "metadata fails": ("/.well-known/openid-configuration", 500, b"{}"),
    "keys fail": ("/jwks", 503, b""),
    "keys are none": ("/jwks", 200, b"{}"),
    "keys are a list": ("/jwks", 200, b"[1]"),
    "keys are empty": ("/jwks", 200, b'{"keys": []}'),
    "token fails": ("/token", 500, b"oops"),
    "token is refused": ("/token", 400, b'{"error": "access_denied"}'),
    "token is a list": ("/token", 200, b"[]"),
    "token is empty": ("/token", 200, b"{}"),
    "no ID token": ("/token", 200, b'{"access_token": "a", "token_type": "Bearer"}'),
    "ID token null": ("/token", 200, b'{"access_token": "a", "id_token": null}'),
    "ID token a number": ("/token", 200, b'{"access_token": "a", "id_token": 7}'),
    "ID token no token": ("/token", 200, b'{"access_token": "a", "id_token": "a.b.c"}'),
    "ID token empty": ("/token", 200, b'{"access_token": "a", "id_token": ""}'),
    "ID token is a string": (
        "/token",
        200,
        b'{"access_token": "a", "id_token": "Im5vIg.Im5vIg.x"}',
    ),
}


@pytest.mark.parametrize("odd", ODD_ANSWERS)
def test_a_provider_that_answers_oddly_lets_nobody_in(house: House, odd: str) -> None:
    """A page says so, the log says why, and passwords go on working."""
    path, status, body = ODD_ANSWERS[odd]
    house.says(groups=["leads"])
    house.provider.answers[path] = (status, body)
    browser = Browser(house.app)

    answer = browser.get(START)
    if answer.status_code == 302:
        answer = browser.get(path_of(httpx.get(answer.headers["Location"]).headers["Location"]))

    assert 422 == answer.status_code
    assert "Single sign-on did not work" in answer.text
    assert set() == house.names()
    person(house.app, Role.VIEWER)
    house.provider.answers.clear()
    assert 302 == house.log_in(browser).status_code


def test_a_provider_by_another_name_is_refused(house: House) -> None:
    """Its description must say the very issuer of the settings; once it does, all is well."""
    house.says()
    house.provider.metadata = {"issuer": house.provider.issuer + "/"}

    assert 422 == Browser(house.app).get(START).status_code
    house.provider.metadata = {}
    assert 302 == house.log_in().status_code


def test_what_a_provider_refuses_is_told_without_its_words(house: House) -> None:
    """They are in the audit log; on the page they could say anything."""
    browser = Browser(house.app)
    state = parse_qs(urlsplit(house.there(browser)).query)["state"][0]
    words = "<script>alert(1)</script>Call+1234"

    answer = browser.get(f"{CALLBACK}?error=access_denied&error_description={words}&state={state}")

    assert 422 == answer.status_code
    assert "alert(1)" not in answer.text
    assert "1234" not in answer.text
    assert "access_denied" in entered(house.app)[-1][2]["why"]


@pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_it_leads_to_no_other_server(house: House, goal: str) -> None:
    """`next` is a path of ours, or nothing."""
    house.says()

    assert "/" == house.log_in(goal=goal).headers["Location"]


def test_it_begins_a_new_session(house: House) -> None:
    """A cookie that somebody planted before is worth nothing after it."""
    house.says()
    browser, attacker = Browser(house.app), Browser(house.app)
    address = house.there(browser)
    planted = browser.client.get_cookie("prompt_repo")
    assert planted is not None
    browser.get(path_of(address))

    attacker.client.set_cookie("prompt_repo", planted.value)

    assert 200 == browser.get("/account").status_code
    assert 302 == attacker.get("/account").status_code


def test_who_goes_over_while_logged_in_changes_accounts(house: House) -> None:
    """The session of the account before ends."""
    browser = person(house.app, Role.ADMIN, "local")
    house.says()

    house.log_in(browser)

    with services(house.app).records.reading() as session:
        from webapp.records.models import Login

        assert 1 == session.scalar(select(func.count()).select_from(Login))
    assert 403 == browser.get("/people").status_code


def test_the_provider_is_asked_for_no_more_than_needed(house: House) -> None:
    """Nothing at the start of the program; userinfo only where the ID token has no role."""
    assert [] == house.provider.asked
    house.says()
    house.provider.userinfo = {"sub": house.provider.claims["sub"]}

    house.log_in()

    assert "/userinfo" not in house.provider.asked


def test_without_settings_there_is_no_single_sign_on(tmp_path: Path) -> None:
    """Neither on the log-in page nor at its address."""
    make_repository(tmp_path)
    browser = Browser(make_app(tmp_path))

    assert START not in browser.get("/login").text
    assert [404, 404] == [browser.get(each).status_code for each in (START, CALLBACK)]


def test_the_log_in_page_offers_it_by_its_name(tmp_path: Path) -> None:
    """As the settings call it, leading where one wanted to go."""
    make_repository(tmp_path)
    app = make_app(tmp_path, **settings("https://id.example", oidc_label="Studio <ID>"))

    page = Browser(app).get("/login?next=/account").text

    assert "Log in with Studio &lt;ID&gt;" in page
    assert f'href="{START}?next=/account"' in page


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OIDC_ISSUER", "http://id.example", "begins with https://"),
        ("OIDC_ISSUER", "http://localhost.evil.example", "begins with https://"),
        ("OIDC_ISSUER", "id.example", "begins with https://"),
        ("OIDC_ROLES", "leads", "write pairs"),
        ("OIDC_ROLES", "leads=owner", "the roles are admin, reviewer, viewer"),
        ("OIDC_ROLES", "=admin", "write pairs"),
    ],
)
def test_settings_that_would_let_anybody_in_are_refused(name: str, value: str, said: str) -> None:
    """With what would be right."""
    with pytest.raises(InvalidSetting, match=said):
        Settings.from_environment({f"PROMPT_REPO_{name}": value})


def test_roles_are_read_from_the_environment() -> None:
    """A group may have `=` and blanks in its name."""
    read = Settings.from_environment(
        {"PROMPT_REPO_OIDC_ROLES": "cn=leads=admin, All Staff = viewer ,*=viewer"}
    )

    assert (("cn=leads", "admin"), ("All Staff", "viewer"), ("*", "viewer")) == read.oidc_roles
