"""What goes wrong, as programs and as people are told of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from redis.exceptions import ConnectionError as RedisAway
from werkzeug.test import TestResponse

from prompt_repo.repository import Repository
from tests.api.conftest import CONFIGURATION, SAM
from tests.web import bearer, make_app
from webapp import access
from webapp.access import Scope

PROBLEM = "application/problem+json"
FIELDS = ["type", "title", "status", "detail", "request_id"]
NOWHERE = ["/nowhere", "/characters/x/y/z", "/static/nothing.css", "/healthz/x", "/api"]


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """The application, with views that fail in all ways there are."""
    Repository.create(tmp_path / "prompts.git", CONFIGURATION, SAM)
    app = make_app(tmp_path)

    def fail() -> None:
        raise RuntimeError("the secret of the house")

    def away() -> None:
        raise RedisAway("10.0.0.7:6379 refused")

    for name, view in (("fail", fail), ("away", away)):
        for start in ("", "/api/v1"):
            app.add_url_rule(f"{start}/{name}", f"{start}{name}", access.public(view))
    return app


def _is_problem(answer: TestResponse) -> bool:
    return (
        answer.mimetype == PROBLEM
        and answer.json is not None
        and list(answer.json)[:4] == FIELDS[:4]
        and set(FIELDS) <= set(answer.json)
        and answer.json["status"] == answer.status_code
    )


@pytest.mark.parametrize("accept", ["application/json", PROBLEM, "application/*", "text/html"])
@pytest.mark.parametrize("path", ["/api/", "/api/v1", "/api/v2/x", "/api/v1/nowhere"])
def test_below_the_api_all_is_a_problem(app: Flask, path: str, accept: str) -> None:
    """Whatever was asked for."""
    answer = app.test_client().get(path, headers={"Accept": accept})

    assert 404 == answer.status_code
    assert _is_problem(answer)


@pytest.mark.parametrize("path", NOWHERE)
def test_elsewhere_the_form_is_the_one_asked_for(app: Flask, path: str) -> None:
    """JSON for who asks for JSON; a page for browsers and for who says nothing."""
    client = app.test_client()

    for accept in ("application/json", PROBLEM, "application/*", f"text/html;q=0.1, {PROBLEM}"):
        answer = client.get(path, headers={"Accept": accept})
        assert (404, True) == (answer.status_code, _is_problem(answer))
    for accept in ("text/html", "*/*", "text/html,application/xhtml+xml,*/*;q=0.8", ""):
        answer = client.get(path, headers={"Accept": accept})
        assert (404, "text/html") == (answer.status_code, answer.mimetype)


def _failures(app: Flask) -> Iterator[tuple[int, TestResponse]]:
    client, asked = app.test_client(), {"Accept": "application/json"}
    yield 405, client.delete("/healthz", headers=asked)
    yield 405, client.put("/", headers=asked)
    yield 400, client.post("/login", headers=asked, data={"name": "x"})
    yield 413, client.post("/login", headers=asked, data=b"x" * 5_000_000)
    yield 401, client.get("/", headers=asked)
    yield 500, client.get("/fail", headers=asked)
    yield 500, client.get("/api/v1/fail")
    yield 503, client.get("/away", headers=asked)
    yield 503, client.get("/api/v1/away")


def test_every_failure_has_the_one_shape(app: Flask) -> None:
    """Type, title, status, detail and the request's id, whatever raised it."""
    for status, answer in _failures(app):
        assert status == answer.status_code
        assert _is_problem(answer)


def test_failures_inside_tell_nothing(app: Flask) -> None:
    """Only where the log has more: neither words of ours nor addresses."""
    client = app.test_client()

    for path in ("/fail", "/api/v1/fail", "/away", "/api/v1/away"):
        answer = client.get(path)
        assert "secret" not in answer.text
        assert "10.0.0.7" not in answer.text
        assert path.endswith("away") or answer.headers["X-Request-ID"] in answer.text


def test_what_is_away_says_when_to_try_again(app: Flask, tmp_path: Path) -> None:
    """503 with Retry-After: Redis, and a repository that is not there."""
    sent = bearer(app, Scope.READ)
    shutil.rmtree(tmp_path / "prompts.git")

    away = app.test_client().get("/api/v1/away")
    gone = app.test_client().get("/api/v1/environments/production/characters", headers=sent)

    for answer in (away, gone):
        assert 503 == answer.status_code
        assert int(answer.headers["Retry-After"]) > 0
        assert _is_problem(answer)


def test_the_description_wants_no_repository(app: Flask, tmp_path: Path) -> None:
    """Strangers read it, and it names no emotions to them."""
    shutil.rmtree(tmp_path / "prompts.git")

    document = app.test_client().get("/api/v1/openapi.json").json

    assert document is not None
    assert "enum" not in document["components"]["schemas"]["EmotionId"]
