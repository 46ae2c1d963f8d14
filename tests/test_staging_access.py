"""Who gets into staging: host, network and role, on every route, however they are spoofed."""

import ipaddress
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select

from tests.factories import make_repository, put
from tests.web import Browser, bearer, make_app, person, routes, services
from webapp import clock, log, staging_access, staging_config
from webapp.access import Role, Scope
from webapp.cli import main
from webapp.records.models import AuditEntry
from webapp.records.staging_models import AccessAttempt

HOST = "admin-staging.studio.example"
VPN, OUTSIDE, PROXY = "10.8.0.7", "198.51.100.9", "192.0.2.1"
BELOW = ("/staging", "/api/v1/staging")


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    put(make_repository(tmp_path, ("aria",)), {"defaults/happy": "Joy."})
    return make_app(
        tmp_path,
        login_limit="1000 per minute",
        vpn_networks=_networks("10.8.0.0/16"),
        trusted_proxies=_networks(f"{PROXY}/32"),
    )


def _networks(*names: str) -> tuple[Any, ...]:
    return tuple(ipaddress.ip_network(each) for each in names)


def shut(app: Flask, **values: Any) -> None:
    """Sets the rules of access, as if from inside."""
    here = services(app)
    usual = {"admin_subdomain": HOST, "vpn_required": True}
    staging_config.change(here.records, here.settings, usual | values, "person:ada")


def coming(address: str = VPN, host: str = HOST, **headers: str) -> dict[str, Any]:
    """How a request comes: from where, to which host."""
    return {"base_url": f"http://{host}", "environ_base": {"REMOTE_ADDR": address}} | (
        {"headers": headers} if headers else {}
    )


def logged_in(app: Flask, role: Role = Role.ADMIN, host: str = HOST) -> Browser:
    """A browser with a session at that host."""
    browser = person(app, role)
    cookie = browser.client.get_cookie("prompt_repo")
    assert cookie is not None
    browser.client.set_cookie("prompt_repo", cookie.value, domain=host)
    return browser


def swept(app: Flask) -> list[tuple[str, str]]:
    """Every route below staging with each method, and addresses where nothing stands."""
    found = [(method, address) for _, method, address in routes(app) if address.startswith(BELOW)]
    nothing = [("GET", f"{each}/nothing-here") for each in (*BELOW, "/api//v1/staging")]
    nothing += [("GET", "/api//v1///staging/status"), ("GET", "/staging//syncs")]
    return found + nothing + [("OPTIONS", "/staging"), ("HEAD", "/staging/syncs")]


def attempts(app: Flask) -> list[AccessAttempt]:
    with services(app).records.reading() as session:
        return list(session.scalars(select(AccessAttempt).order_by(AccessAttempt.id)))


def test_there_are_routes_to_sweep(app: Flask) -> None:
    """The sweep finds pages."""
    assert len(swept(app)) > 20


@pytest.mark.parametrize(
    ("who", "how"),
    [
        (Role.ADMIN, coming(OUTSIDE)),
        (Role.ADMIN, coming(host="prompts.studio.example")),
        (Role.REVIEWER, coming()),
        (Role.VIEWER, coming()),
        (None, coming(OUTSIDE)),
    ],
)
def test_who_may_not_gets_the_same_403_everywhere(
    app: Flask, who: Role | None, how: dict[str, Any]
) -> None:
    """Whatever stands at an address, or nothing: one answer, and a row for each attempt."""
    shut(app)
    host = how["base_url"].removeprefix("http://")
    browser = logged_in(app, who, host) if who else Browser(app)
    answers = {
        (method, address): browser.client.open(address, method=method, **how)
        for method, address in swept(app)
    }

    assert {403} == {each.status_code for each in answers.values()}
    texts = [
        each.text
        for (method, path), each in answers.items()
        if method == "GET" and "api" not in path
    ]
    assert all("you can" in text.lower() and "Anonymis" not in text for text in texts)
    assert {"refused"} == {each.outcome for each in attempts(app)}
    assert sum(each.times for each in attempts(app)) == len(answers)


def test_an_admin_in_the_vpn_at_the_host_gets_in(app: Flask) -> None:
    """All three hold; the attempt is logged as well."""
    shut(app)
    browser = logged_in(app)

    answer = browser.get("/staging/access", **coming())

    seen = attempts(app)[-1]
    assert 200 == answer.status_code
    assert ("allowed", VPN, HOST, "/staging/access") == (
        seen.outcome, seen.address, seen.host, seen.path,
    )  # fmt: skip
    assert seen.actor.startswith("person:admin-")


def test_nobody_inside_is_refused_like_everybody_else(app: Flask) -> None:
    """At the right host and from the VPN: 403 at every address, with a form to log in on pages."""
    shut(app)
    client = Browser(app).client

    got = {each: client.open(each[1], method=each[0], **coming()) for each in swept(app)}

    assert {403} == {each.status_code for each in got.values()}
    assert {"nobody is logged in"} == {each.why for each in attempts(app)}
    pages = {
        re.sub(r'value="[^"]*"|nonce-\S+', "", each.text)
        for (method, address), each in got.items()
        if method == "GET" and "api" not in address
    }
    assert 1 == len(pages)
    assert "<h1>Log in</h1>" in pages.pop()


def test_who_logs_in_there_goes_on_to_what_they_asked_for(app: Flask) -> None:
    """Also with the form that was sent when the session had ended."""
    browser = Browser(app)

    asked = browser.client.get("/staging/access?outcome=refused")
    sent = browser.client.post("/staging/configuration", data={"environment_name": "qa"})

    assert 'name="next" value="/staging/access?outcome=refused"' in asked.text
    assert "What you wrote is kept" in sent.text
    assert "environment_name" in sent.text
    large = browser.client.post("/staging/configuration", data=b"x" * 5_000_000)
    assert [403, 403, 403] == [each.status_code for each in (asked, sent, large)]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        (coming(OUTSIDE, **{"X-Forwarded-For": VPN}), 403),
        (coming(OUTSIDE, host="elsewhere.example", **{"X-Forwarded-Host": HOST}), 403),
        (
            coming(
                PROXY,
                "elsewhere.example",
                **{"X-Forwarded-For": VPN, "X-Forwarded-Host": HOST, "X-Host": HOST},
            ),
            403,
        ),
        (coming(PROXY, **{"X-Forwarded-For": VPN, "X-Forwarded-Host": "other.example"}), 200),
        (coming(PROXY, **{"X-Forwarded-For": OUTSIDE}), 403),
        (coming(PROXY, **{"X-Forwarded-For": f"{VPN}, {OUTSIDE}"}), 403),
        (coming(PROXY, **{"X-Forwarded-For": f"{OUTSIDE}, {VPN}"}), 200),
        (coming(PROXY, **{"X-Forwarded-For": f"{VPN}:443"}), 403),
        (coming(PROXY, **{"X-Forwarded-For": "unknown"}), 403),
        (coming(PROXY), 403),
        (coming(f"::ffff:{VPN}"), 200),
        (coming(f"::ffff:{OUTSIDE}"), 403),
        (coming(VPN, **{"Host": HOST.upper() + ".:8000"}), 200),
        (coming(VPN, **{"Host": f"{HOST}.evil.example"}), 403),
        (coming(VPN, **{"Host": f"{HOST},evil.example"}), 403),
        (coming(VPN, **{"Host": f"{HOST}@evil.example"}), 403),
        (coming(VPN, **{"Forwarded": f"for={VPN};host={HOST}"}), 200),
        (coming(OUTSIDE, **{"Forwarded": f"for={VPN}"}), 403),
        (coming(OUTSIDE, **{"X-Real-IP": VPN}), 403),
    ],
)
def test_nobody_talks_their_way_in(app: Flask, how: dict[str, Any], status: int) -> None:
    """Only a trusted proxy says whom it speaks for, and the host is the request's own."""
    shut(app)
    headers = how.setdefault("headers", {}) | bearer(
        app, Scope.ADMIN, environments=("staging", "production")
    )

    answer = app.test_client().get("/api/v1/staging/config", **(how | {"headers": headers}))

    assert status == answer.status_code


@pytest.mark.parametrize("named", ["REQUEST_URI", "RAW_URI"])
def test_an_absolute_address_must_name_the_same_host(app: Flask, named: str) -> None:
    """`GET http://other/staging` with staging's Host beside it is not let in."""
    shut(app)
    headers = bearer(app, Scope.ADMIN, environments=("staging", "production"))
    got = []
    for host in (HOST, "other.example", f"{HOST}@other.example"):
        how = coming(VPN)
        how["environ_overrides"] = {named: f"http://{host}/api/v1/staging/config"}
        got.append(
            app.test_client().get("/api/v1/staging/config", headers=headers, **how).status_code
        )

    assert [200, 403, 403] == got


@pytest.mark.parametrize(
    ("scopes", "environments", "status"),
    [
        ([Scope.ADMIN], ("staging",), 200),
        ([Scope.ADMIN], ("production",), 403),
        ([Scope.WRITE, Scope.PROMOTE], ("staging", "production"), 403),
        ([Scope.READ], ("staging",), 403),
    ],
)
def test_a_token_must_be_an_admins_and_for_staging(
    app: Flask, scopes: list[Scope], environments: tuple[str, ...], status: int
) -> None:
    """No other token gets in."""
    headers = bearer(app, *scopes, environments=environments)

    assert status == app.test_client().get("/api/v1/staging/config", headers=headers).status_code


def test_a_wrong_token_is_told_so_inside_alone(app: Flask) -> None:
    """From outside it is the same 403 as for everybody."""
    shut(app)
    headers = {"Authorization": "Bearer pr_guess"}
    client = app.test_client()

    got = [
        client.get("/api/v1/staging/config", headers=headers, **coming(each)).status_code
        for each in (VPN, OUTSIDE)
    ]

    assert [401, 403] == got


def test_a_host_that_is_none_of_ours_is_the_same_403_and_logged(tmp_path: Path) -> None:
    """Where PROMPT_REPO_HOSTS is set, and staging has no host of its own; other pages are a 400."""
    app = make_app(tmp_path, hosts=("localhost",))
    client = person(app, Role.ADMIN).client

    got = [
        client.get(each, headers={"Host": "evil.example"}).status_code
        for each in ("/staging/access", "/api/v1/staging/config", "/account")
    ]

    assert [403, 403, 400] == got
    assert [("another host", "evil.example")] * 2 == [
        (each.why, each.host) for each in attempts(app)
    ]


def test_prompts_of_staging_stay_readable(app: Flask) -> None:
    """The branch follows the ordinary roles, wherever one comes from."""
    shut(app)
    browser = logged_in(app, Role.VIEWER, "prompts.studio.example")
    how = coming(OUTSIDE, host="prompts.studio.example")

    assert 200 == browser.get("/environments/staging/characters", **how).status_code
    assert [] == attempts(app)


def test_the_rail_shows_staging_to_those_alone_who_get_in(app: Flask) -> None:
    """At another host an admin sees no way there."""
    shut(app)
    inside, outside = logged_in(app), logged_in(app, host="prompts.studio.example")
    page = "/environments/staging/characters"

    assert "Data sync" in inside.get(page, **coming()).text
    assert "Data sync" not in outside.get(page, **coming(host="prompts.studio.example")).text


def test_the_command_line_lets_admins_in_again(app: Flask, tmp_path: Path) -> None:
    """Should they be shut out: the rules of host and network go, and the audit log tells of it."""
    shut(app)
    CliRunner().invoke(main, ["--data", str(tmp_path), "sync", "unlock"], catch_exceptions=False)

    assert 200 == person(app, Role.ADMIN).get("/staging/access").status_code
    with services(app).records.reading() as session:
        query = select(AuditEntry).where(AuditEntry.action == "staging.unlock")
        assert "command line" == session.scalars(query).one().actor


def test_the_same_again_is_counted_up(app: Flask) -> None:
    """Somebody who watches a sync fills no table."""
    browser = person(app, Role.ADMIN)
    for _ in range(3):
        browser.get("/staging/access")

    assert [3] == [each.times for each in attempts(app)]


def test_strangers_fill_no_table(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Up to a bound of rows a day each attempt is one; beyond it they are one row and lines of the
    log, with who, from where, to what. A network of IPv6 is one customer's, and has one bound.
    """
    shut(app)
    monkeypatch.setattr(staging_access, "MOST_OF_STRANGERS", 3)
    written = tmp_path / "log.jsonl"
    log.configure(replace(services(app).settings, log=str(written)))
    client, noon = app.test_client(), datetime(2026, 3, 5, 12, tzinfo=UTC)
    for number in range(10):
        place = f"2001:db8:0:2::{number:x}" if number % 2 else OUTSIDE
        with clock.stopped_at(noon + timedelta(minutes=5 * number)):
            client.get(f"/staging/{number}", **coming(place, host=f"h{number}.example"))
    with clock.stopped_at(noon + timedelta(days=1)):
        client.post("/staging/late", **coming(OUTSIDE))

    seen = [
        (each.network, each.address, each.path, each.host, each.times, each.folded)
        for each in attempts(app)
    ]
    lines = [json.loads(each) for each in written.read_text().splitlines()]
    six, four = "2001:db8:0:2::/64", OUTSIDE
    assert seen == [
        (four, four, "/staging/0", "h0.example", 1, False),
        (six, "2001:db8:0:2::1", "/staging/1", "h1.example", 1, False),
        (four, four, "/staging/2", "h2.example", 1, False),
        (six, "2001:db8:0:2::3", "/staging/3", "h3.example", 1, False),
        (four, four, "/staging/4", "h4.example", 1, False),
        (six, "2001:db8:0:2::5", "/staging/5", "h5.example", 1, False),
        (four, four, "/staging/8", "h8.example", 2, True),
        (six, "2001:db8:0:2::9", "/staging/9", "h9.example", 2, True),
        (four, four, "/staging/late", HOST, 1, False),
    ]
    assert [f"/staging/{each}" for each in [*range(10), "late"]] == [each["path"] for each in lines]
    assert {("nobody", 403)} == {(each["actor"], each["status"]) for each in lines}
    assert {OUTSIDE, *(f"2001:db8:0:2::{each}" for each in (1, 3, 5, 7, 9))} == {
        each["address"] for each in lines
    }


def test_the_same_of_a_stranger_is_counted_up_within_the_bound(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a minute, as for everybody; also where the network has all its rows."""
    shut(app)
    monkeypatch.setattr(staging_access, "MOST_OF_STRANGERS", 1)
    with clock.stopped_at(datetime(2026, 3, 5, 12, tzinfo=UTC)):
        for path in ("/staging/a", "/staging/a", "/staging/b", "/staging/a"):
            app.test_client().get(path, **coming(OUTSIDE))

    seen = [(each.path, each.times, each.folded) for each in attempts(app)]
    assert [("/staging/a", 3, False), ("/staging/b", 1, True)] == seen


def test_each_attempt_of_somebody_with_an_account_is_kept(app: Flask) -> None:
    """Also refused ones: every address is a row of its own."""
    shut(app)
    viewer = logged_in(app, Role.VIEWER)

    for number in range(5):
        viewer.get(f"/staging/{number}", **coming(OUTSIDE))

    assert [f"/staging/{number}" for number in range(5)] == [each.path for each in attempts(app)]
    assert all(each.actor.startswith("person:viewer") for each in attempts(app))


def test_the_page_tells_how_often_strangers_came(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound: how many more, since when, and what they asked for last."""
    monkeypatch.setattr(staging_access, "MOST_OF_STRANGERS", 2)
    for number in range(5):
        app.test_client().get(f"/staging/guess-{number}", environ_base={"REMOTE_ADDR": OUTSIDE})

    page = person(app, Role.ADMIN).get("/staging/access").text

    assert [0, 1, 4] == [number for number in range(5) if f"guess-{number}" in page]
    assert "and 3 more attempts since" in page
    assert "2 attempts a day are listed" in page


def test_addresses_of_staging_are_known_by_their_beginning() -> None:
    """Also with slashes before them; what only begins alike is not meant."""
    within = ["/staging", "/staging/", "//staging/x", "/api/v1/staging", "/api/v1/staging/syncs"]
    beside = ["/", "/stagings", "/environments/staging/characters", "/api/v1/stagingx", "/api/v1"]

    assert all(staging_access.concerns(each) for each in within)
    assert not any(staging_access.concerns(each) for each in beside)
