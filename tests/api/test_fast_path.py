"""The fast path of resolved prompts gives what the whole way gives, and refuses nothing itself."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from prompt_repo.editing import Edit, save
from prompt_repo.repository import PRODUCTION, STAGING
from tests.api.conftest import SAM, Api
from tests.factories import key
from tests.web import make_app, services
from webapp import tokens
from webapp.access import Scope
from webapp.api.fast_path import FastPath

BASE = "/api/v1/environments/staging/characters"
ANGRY = f"{BASE}/aria/emotional-prompts/angry/resolved"
FALLS_BACK = f"{BASE}/bo/emotional-prompts/angry/resolved"
OWN_TO_EACH = {"Date"}
SAME_ID = {"X-Request-ID": "the-same-for-both"}


class _Watched:
    """Counts the requests that go on to the whole way."""

    def __init__(self, app: Flask) -> None:
        self.count = 0
        fast = _fast(app)
        self._whole = fast._whole
        fast._whole = self

    def __call__(self, environ, start_response):  # type: ignore[no-untyped-def]
        self.count += 1
        return self._whole(environ, start_response)


def _around(app: Flask) -> Any:
    """What stands directly around the fast path."""
    around: Any = app.wsgi_app
    while not isinstance(around._app, FastPath):
        around = around._app
    return around


def _fast(app: Flask) -> FastPath:
    found: FastPath = _around(app)._app
    return found


def _said(answer: TestResponse) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers if name not in OWN_TO_EACH}
    return answer.status_code, headers, answer.data


def _requests(api: Api) -> Iterator[tuple[str, str, dict[str, str]]]:
    token = {"Authorization": f"Bearer {api.token}"}
    etag = api.ask("GET", "/characters/aria/emotional-prompts/angry/resolved").headers["ETag"]
    yield "GET", ANGRY, token
    yield "GET", FALLS_BACK, token
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*", '"x"', "junk", ""):
        yield "GET", ANGRY, {**token, "If-None-Match": known}
    for accept in ("application/json", "text/plain", "text/plain;q=0.1, */*", "image/png"):
        yield "GET", ANGRY, {**token, "Accept": accept}
    for header in ("Bearer", "Bearer ", "bearer x", "Basic eDp5", f"Bearer  {api.token} ", "x"):
        yield "GET", ANGRY, {"Authorization": header}
    yield "GET", ANGRY, {}
    yield "GET", ANGRY, {"Authorization": f"Bearer {api.new_token(Scope.READ)}"}
    yield "HEAD", ANGRY, token
    yield "POST", ANGRY, token
    yield "GET", f"{ANGRY}?at=junk", token
    yield "GET", f"{ANGRY}/", token
    yield "GET", ANGRY.replace("staging", "production"), token
    yield "GET", ANGRY.replace("staging", "elsewhere"), token
    yield "GET", ANGRY.replace("angry", "bored"), token
    yield "GET", ANGRY.replace("aria", "nobody"), token
    yield "GET", ANGRY.replace("aria", "%61ria"), token
    yield "GET", ANGRY.replace("aria", "%2e%2e%2faria"), token
    yield "GET", ANGRY.replace("characters", "defaults"), token


def test_every_answer_is_that_of_the_whole_way(api: Api) -> None:
    """Status, headers and body agree with and without the fast path, read twice each."""
    requests = list(_requests(api))
    client, fast = api.app.test_client(), _fast(api.app)

    quick = [
        _said(client.open(path, method=method, headers={**sent, **SAME_ID}))
        for method, path, sent in requests * 2
    ]
    _around(api.app)._app = fast._whole
    slow = [
        _said(client.open(path, method=method, headers={**sent, **SAME_ID}))
        for method, path, sent in requests * 2
    ]

    for request, one, other in zip(requests * 2, quick, slow, strict=True):
        assert one == other, request


def test_a_second_read_does_not_reach_flask(api: Api) -> None:
    """The whole way is gone once; what it made is given again from memory."""
    watched = _Watched(api.app)

    answers = [api.ask("GET", "/characters/aria/emotional-prompts/angry/resolved") for _ in "123"]

    assert watched.count == 1
    assert len({answer.data for answer in answers}) == 1


def test_an_edit_is_read_at_once(api: Api) -> None:
    """Nothing kept outlives the commit that it was made of."""
    client, sent = api.app.test_client(), {"Authorization": f"Bearer {api.token}"}
    before = client.get(ANGRY, headers=sent), client.get(ANGRY, headers=sent)
    save(api.repository, STAGING, [Edit(key("aria/angry"), "Other.")], SAM, "Change")

    after = client.get(ANGRY, headers=sent)

    assert before[1].json["text"] == "One.\nTwo.\nThree.\n"
    assert after.json["text"] == "Other."
    assert after.headers["ETag"] != before[1].headers["ETag"]


def test_a_token_of_another_environment_or_of_yesterday_is_refused(api: Api) -> None:
    """What is kept is only for those who may read it."""
    records = services(api.app).records
    elsewhere = api.new_token(Scope.READ, environments=(PRODUCTION,))
    expired, _ = tokens.create(records, "old", [Scope.READ], lasts=timedelta(seconds=-1))
    for _ in "12":
        api.ask("GET", "/characters/aria/emotional-prompts/angry/resolved")
    tail = "/characters/aria/emotional-prompts/angry/resolved"

    assert api.ask("GET", tail, token=elsewhere).status_code == 403
    assert api.ask("GET", tail, token=expired).status_code == 401
    assert api.ask("GET", tail, token="pr_unknown").status_code == 401


def test_falling_back_is_logged_every_time(tmp_path: Path) -> None:
    """The access log names the default, also where the answer came from memory."""
    Api(tmp_path)
    app = make_app(tmp_path, log=str(tmp_path / "log"))
    secret, _ = tokens.create(services(app).records, "test", [Scope.WRITE])
    sent = {"Authorization": f"Bearer {secret}"}

    for _ in "123":
        app.test_client().get(FALLS_BACK, headers=sent)

    lines = (tmp_path / "log").read_text().splitlines()
    assert sum("defaults/angry.yaml" in line for line in lines) == 3
    assert all('"actor": "token:' in line for line in lines)


def test_foreign_hosts_get_no_kept_answer(tmp_path: Path) -> None:
    """Where hosts are listed, another one is refused here as everywhere."""
    api = Api(tmp_path)
    app = make_app(tmp_path, hosts=("prompts.example",))
    sent = {"Authorization": f"Bearer {api.token}"}
    client = app.test_client()

    known = [client.get(ANGRY, headers=sent, base_url="http://prompts.example") for _ in "12"]
    other = client.get(ANGRY, headers=sent, base_url="http://elsewhere.example")

    assert [each.status_code for each in known] == [200, 200]
    assert other.status_code == 400


def test_reads_are_counted_as_the_route_they_took(api: Api) -> None:
    """The metrics show one route, however it was answered."""
    for _ in "123":
        api.ask("GET", "/characters/aria/emotional-prompts/angry/resolved")

    metrics = api.app.test_client().get("/metrics").text

    counted = [line for line in metrics.splitlines() if "_total{" in line and "/resolved" in line]
    assert len(counted) == 1
    assert counted[0].endswith(" 3.0")
