"""The web application for tests: made by the real code, and asked as browsers and programs ask."""

import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from webapp import create_app, people, tokens
from webapp.access import Role, Scope
from webapp.config import Settings
from webapp.services import Services

PASSWORD = secrets.token_urlsafe(12)
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
HOLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
FILLED = {
    "env": "staging",
    "environment": "staging",
    "character": "aria",
    "emotion": "happy",
    "number": "1",
    "filename": "app.css",
    "path": "x",
    "commit": "0" * 40,
    "preview": "00000000-0000-4000-8000-000000000001",
    "sync": "00000000-0000-4000-8000-000000000002",
    "export": "00000000-0000-4000-8000-000000000001",
    "transfer": "00000000-0000-4000-8000-000000000001",
}
"""What a swept route's address is filled with."""


def make_app(folder: Path, **settings: Any) -> Flask:
    """The application over a data folder."""
    app = create_app(Settings(data=folder, **settings))
    app.testing = False  # errors are answered as they are for everybody
    return app


def services(app: Flask) -> Services:
    """What the application was made with."""
    found: Services = app.extensions["services"]
    return found


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    """The application behind a real socket, at a free port unless told; gives its address."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Browser:
    """A client that keeps cookies and sends forms with their CSRF token."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def csrf(self) -> str:
        """A token of this browser's session."""
        page = self.client.get("/account")
        if page.status_code != 200:
            page = self.client.get("/login")
        found = CSRF.search(page.text)
        assert found is not None
        return found[1]

    def post(self, path: str, /, **form: str) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.csrf(), **form})

    def log_in(self, name: str, password: str = PASSWORD, **form: str) -> TestResponse:
        return self.post("/login", name=name, password=password, **form)


def person(app: Flask, role: Role, name: str = "") -> Browser:
    """A browser in which somebody of this role, made for it, is logged in."""
    name = name or f"{role}-{secrets.token_hex(3)}"
    people.add(services(app).records, name, PASSWORD, role)
    browser = Browser(app)
    assert browser.log_in(name).status_code == 302
    return browser


def bearer(app: Flask, *scopes: Scope, environments: tuple[str, ...] = ()) -> dict[str, str]:
    """The headers of a program with a new token."""
    secret, _ = tokens.create(services(app).records, "test", set(scopes), environments)
    return {"Authorization": f"Bearer {secret}"}


def routes(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every route with each of its methods, and an address that leads to it."""
    for rule in app.url_map.iter_rules():
        address = re.sub(
            r"<(?:[^:<>]+:)?([^<>]+)>", lambda name: FILLED.get(name[1], "1"), rule.rule
        )
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, address
