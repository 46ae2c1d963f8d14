"""Every route, asked by everybody: nobody, each role, and each kind of token."""

from pathlib import Path

import pytest
from flask import Flask

from tests.factories import make_repository, put
from tests.web import Browser, bearer, make_app, person, routes, services
from webapp.access import API, GIT, SAFE, SCOPES_OF, Role, Scope, access, caller, declared
from webapp.staging_access import concerns

READS_ONLY = {Scope.READ}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("access")
    put(make_repository(folder, ("aria",)), {"aria/happy": "Smiles.", "defaults/happy": "Joy."})
    app = make_app(folder, login_limit="1000 per minute")
    app.add_url_rule("/undeclared", "undeclared", lambda: "open to all, by mistake")
    for scope in Scope:
        view = access(scope)(lambda environment="": f"{caller().actor}")
        app.add_url_rule(f"{API}scopes/{scope}", f"scope_{scope}", view)
        app.add_url_rule(f"{API}scopes/<environment>/{scope}", f"in_{scope}", view)
    return app


def needs(app: Flask, endpoint: str) -> Scope | None:
    found = declared(app.view_functions[endpoint])
    assert found is not None, f"{endpoint} declares nothing"
    return found.scope


def own(app: Flask) -> list[tuple[str, str, str]]:
    return [
        (rule.endpoint, method, address)
        for rule, method, address in routes(app)
        if rule.endpoint != "undeclared"
    ]


def test_every_route_declares_what_it_needs(app: Flask) -> None:
    """No route is left to chance."""
    silent = {name for name, _, _ in own(app) if declared(app.view_functions[name]) is None}

    assert set() == silent


def test_what_changes_something_needs_more_than_reading(app: Flask) -> None:
    """An unsafe method that reading is enough for is one of these, which touch one's own."""
    loose = {
        endpoint
        for endpoint, method, _ in own(app)
        if method not in SAFE and needs(app, endpoint) in (None, Scope.READ)
    }

    assert loose <= {
        "appearance.choose",
        "auth.change_password",
        "auth.check_password",
        "auth.log_out",
        "previews.seen",
        "git_http.receive_pack",  # it may be that a push moves what promoting is enough for
        "git_http.upload_pack",  # git asks by POST
        "mirror.webhook",  # it is signed
        "prompts.preview",
        # Everybody has tokens; they do no more than their maker, and end with the account.
        "token_pages.create",
        "token_pages.revoke",
    }


def test_a_route_that_declares_nothing_is_refused(app: Flask) -> None:
    """Forgetting the declaration shuts a route, for admins too."""
    nobody, admin = Browser(app), person(app, Role.ADMIN)

    assert [403, 403] == [each.get("/undeclared").status_code for each in (nobody, admin)]


def test_nobody_reaches_public_routes_only(app: Flask) -> None:
    """Without a log-in pages lead to it, and the API answers 401; staging is 403 to all alike."""
    wrong = []
    for endpoint, method, address in own(app):
        if needs(app, endpoint) is None:
            continue
        answer = Browser(app).client.open(address, method=method)
        to_log_in = answer.status_code == 302 and "/login" in answer.headers["Location"]
        asks = answer.status_code == (403 if concerns(address) else 401)
        if not (asks or (to_log_in and not address.startswith(API))):
            wrong.append((method, address, answer.status_code))

    assert [] == wrong


@pytest.mark.parametrize("role", list(Role))
def test_a_role_reaches_what_its_scopes_say(app: Flask, role: Role) -> None:
    """A person is refused with 403 exactly where their role lacks the scope."""
    browser = person(app, role)
    browser.csrf()
    wrong = []
    for endpoint, method, address in own(app):
        if address.startswith(GIT):
            continue  # where no session counts
        scope = needs(app, endpoint)
        answer = browser.client.open(address, method=method)
        refused = answer.status_code in (401, 403)
        lacks = scope is not None and scope not in SCOPES_OF[role]
        if refused != lacks and not (method not in SAFE and not lacks):
            wrong.append((method, address, answer.status_code))

    assert [] == wrong


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_reaches_what_its_scope_says(app: Flask, scope: Scope) -> None:
    """A token for all environments is refused exactly where its scope is not enough."""
    headers = bearer(app, scope, environments=("staging", "production"))
    implied = {
        Scope.READ: {Scope.READ},
        Scope.REVIEW: {Scope.READ, Scope.REVIEW},
        Scope.WRITE: {Scope.READ, Scope.REVIEW, Scope.WRITE},
        Scope.PROMOTE: {Scope.READ, Scope.PROMOTE},
        Scope.ADMIN: set(Scope),
    }[scope]

    got = {
        each: app.test_client().get(f"{API}scopes/staging/{each}", headers=headers).status_code
        for each in Scope
    }

    assert {each: 200 if each in implied else 403 for each in Scope} == got


def test_tokens_are_refused_everywhere_in_the_api_where_they_lack_the_scope(app: Flask) -> None:
    """The real routes of the API refuse a reading token what it may not, and nothing else."""
    headers = bearer(app, Scope.READ, environments=("staging", "production"))
    wrong = []
    for endpoint, method, address in own(app):
        scope = needs(app, endpoint)
        if not address.startswith(API) or scope is None:
            continue
        answer = app.test_client().open(address, method=method, headers=headers)
        if (answer.status_code in (401, 403)) != (scope is not Scope.READ):
            wrong.append((method, address, answer.status_code))

    assert [] == wrong


def test_a_token_opens_no_page(app: Flask) -> None:
    """Outside the API a token counts for nothing."""
    answer = app.test_client().get("/account", headers=bearer(app, Scope.ADMIN))

    assert (302, True) == (answer.status_code, "/login" in answer.headers["Location"])


@pytest.mark.parametrize(
    ("scopes", "named", "staging", "production"),
    [
        ([Scope.READ], (), 403, 200),
        ([Scope.READ], ("staging",), 200, 403),
        ([Scope.WRITE], (), 200, 200),
        ([Scope.WRITE], ("production",), 403, 200),
    ],
)
def test_a_token_is_for_its_environments(
    app: Flask, scopes: list[Scope], named: tuple[str, ...], staging: int, production: int
) -> None:
    """One that only reads is for production where nothing else is said."""
    headers = bearer(app, *scopes, environments=named)

    got = [
        app.test_client().get(f"{API}scopes/{each}/read", headers=headers).status_code
        for each in ("staging", "production")
    ]

    assert [staging, production] == got


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer pr_guess", "bearer \udcff", "Basic YTpi", "pr_guess", "x" * 9000],
)
def test_a_bad_token_is_401_even_beside_a_session(app: Flask, header: str) -> None:
    """A wrong token isn't silently replaced by the browser's session."""
    browser = person(app, Role.ADMIN)
    given = {"Authorization": header.encode("utf-8", "surrogateescape").decode("latin-1")}

    answer = browser.get(f"{API}scopes/read", headers=given)

    assert 401 == answer.status_code
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_session_may_use_the_api(app: Flask) -> None:
    """The pages' own scripts need no token."""
    browser = person(app, Role.VIEWER, "vera")

    assert "person:vera" == browser.get(f"{API}scopes/read").text


def test_refusals_of_known_people_are_in_the_audit_log(app: Flask) -> None:
    """Who tried what they may not, and from where."""
    from sqlalchemy import select

    from webapp.records.models import AuditEntry

    person(app, Role.VIEWER, "mallory").get(f"{API}scopes/admin")
    with services(app).records.reading() as session:
        found = session.scalars(
            select(AuditEntry).where(
                AuditEntry.actor == "person:mallory", AuditEntry.outcome == "refused"
            )
        ).one()

    assert (f"{API}scopes/admin", 403, "127.0.0.1") == (found.subject, found.status, found.address)
    assert found.request_id


def test_the_undeclared_route_is_only_the_tests_own(tmp_path: Path) -> None:
    """The application as it is has none."""
    app = make_app(tmp_path)

    assert all(declared(view) for view in app.view_functions.values())
