"""The client of services: from memory, fresh in the background, standing when the server isn't."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from prompt_repo.client import (
    Client,
    InvalidFallback,
    NotFound,
    Refused,
    ResolvedPrompt,
    ServerAway,
    UnknownEmotion,
)
from prompt_repo.repository import PRODUCTION, STAGING
from tests.api.conftest import Api
from tests.factories import put
from tests.web import served
from webapp import tokens
from webapp.access import Scope
from webapp.services import Services

SERVER = "http://prompts.example"
DOCUMENT = Path(__file__).parent.parent / "docs" / "client.md"


class Clock:
    """Seconds that go on when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Line(httpx.BaseTransport):
    """The way to the server: it counts requests, and can be cut or answer something else."""

    def __init__(self, api: Api) -> None:
        self._way = httpx.WSGITransport(app=api.app)
        self.requests: list[httpx.Request] = []
        self.statuses: list[int] = []
        self.instead: Callable[[httpx.Request], httpx.Response] | None = None

    def cut(self) -> None:
        """From now on nobody answers."""

        def nobody(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("nobody there", request=request)

        self.instead = nobody

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """What httpx asks a transport for."""
        self.requests.append(request)
        answer = (self.instead or self._way.handle_request)(request)
        self.statuses.append(answer.status_code)
        return answer


class Studio:
    """A server with two characters, a line to it, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.api = Api(folder)
        self.line, self.clock = Line(self.api), Clock()
        self.clients: list[Client] = []

    def client(self, **more: Any) -> Client:
        """A client that may read staging."""
        known = {"token": self.api.token, "environment": STAGING, "transport": self.line}
        made = Client(SERVER, clock=self.clock, **{**known, **more})
        self.clients.append(made)
        return made


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    yield made
    for client in made.clients:
        client.close()


def test_a_prompt_is_asked_for_once(studio: Studio) -> None:
    """The second answer comes from memory."""
    client = studio.client()

    first, second = client.get("bo", "angry"), client.get("bo", "angry")

    commit = studio.api.repository.head(STAGING)
    assert first == second
    assert first == ResolvedPrompt("bo", "angry", STAGING, "Bo fumes.", "global", 1, commit)
    assert len(studio.line.requests) == 1


def test_an_old_answer_is_given_at_once_and_asked_about_behind_it(studio: Studio) -> None:
    """Unchanged, it costs a 304; changed, the next `get` has the new text."""
    client = studio.client(fresh_for=10)
    client.get("aria", "angry")
    studio.clock.now += 11
    assert client.get("aria", "angry").age == 11
    client.close()
    assert studio.line.statuses == [200, 304]

    client = studio.client(fresh_for=10)
    client.get("aria", "angry")
    put(studio.api.repository, {"aria/angry": "Changed."})
    studio.clock.now += 11
    at_once = client.get("aria", "angry")
    client.close()  # waits for what is being asked

    assert at_once.text == "One.\nTwo.\nThree.\n"
    assert client.get("aria", "angry").text == "Changed."


def test_the_last_good_answer_outlives_the_server(studio: Studio) -> None:
    """It is given as stale while nobody answers, and fresh again afterwards."""
    client = studio.client(fresh_for=1)
    client.get("aria", "angry")
    studio.line.cut()
    studio.clock.now += 2
    client.get("aria", "angry")
    client.close()

    kept = client.get("aria", "angry")

    assert (kept.text, kept.stale, kept.age) == ("One.\nTwo.\nThree.\n", True, 2)
    with pytest.raises(ServerAway):
        client.get("bo", "angry")


def test_a_server_that_is_away_is_not_hammered(studio: Studio) -> None:
    """After a failure it is left alone for a while, then tried again."""
    client = studio.client()
    studio.line.cut()

    for _ in range(5):
        with pytest.raises(ServerAway):
            client.get("aria", "angry")
    assert len(studio.line.requests) == 1

    studio.line.instead = None
    studio.clock.now += 2
    assert client.get("aria", "angry").text == "One.\nTwo.\nThree.\n"


def test_the_fallback_answers_where_nobody_else_can(studio: Studio, tmp_path: Path) -> None:
    """A file saved earlier stands in, and says so."""
    file = tmp_path / "fallback.json"
    studio.client().save_fallback(file)
    studio.line.cut()
    client = studio.client(fallback=file)

    found = client.get("aria", "angry")

    assert (found.text, found.stale, found.from_fallback) == (
        "One.\nTwo.\nThree.\n",
        True,
        True,
    )
    with pytest.raises(ServerAway):
        client.get("aria", "idle")
    assert [each.name for each in tmp_path.glob("*fallback*")] == ["fallback.json"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"environment": "x"}',
        "[" * 100_000,
        '{"items": 3}',
        '{"environment": "x", "items": [{"text": "y"}]}',
    ],
)
def test_a_broken_fallback_is_told_at_the_start(
    studio: Studio, tmp_path: Path, content: str
) -> None:
    """Not first when it is needed."""
    file = tmp_path / "fallback.json"
    file.write_text(content)

    with pytest.raises(InvalidFallback):
        studio.client(fallback=file)
    with pytest.raises(InvalidFallback):
        studio.client(fallback=tmp_path / "nowhere.json")


def test_refusals_are_told_apart(studio: Studio) -> None:
    """Each has its type, and an unknown emotion carries the known ones."""
    client = studio.client()

    with pytest.raises(NotFound, match="no character 'nobody'"):
        client.get("nobody", "angry")
    with pytest.raises(NotFound):
        client.get("aria", "idle")
    with pytest.raises(UnknownEmotion) as unknown:
        client.get("aria", "bored")
    assert unknown.value.valid == ("idle", "happy", "angry")
    with pytest.raises(Refused):
        studio.client(token="pr_unknown").get("aria", "angry")
    with pytest.raises(NotFound):
        client.get("../../bo", "angry")


def test_what_is_not_there_is_asked_again_when_old(studio: Studio) -> None:
    """A prompt made later is found by the first `get` after `fresh_for`."""
    client = studio.client(fresh_for=10)
    with pytest.raises(NotFound):
        client.get("aria", "idle")
    put(studio.api.repository, {"aria/idle": "Waits."})
    with pytest.raises(NotFound):
        client.get("aria", "idle")
    studio.clock.now += 11

    assert client.get("aria", "idle").text == "Waits."


def test_a_token_refused_later_leaves_what_is_known(studio: Studio) -> None:
    """A service goes on with stale answers; a prompt it never read is refused."""
    records = _services(studio).records
    secret, token = tokens.create(records, "short", [Scope.READ], [STAGING])
    client = studio.client(token=secret, fresh_for=1)
    client.get("aria", "angry")
    tokens.revoke(records, token.id)
    _services(studio).tokens._answers.clear()
    studio.clock.now += 2
    client.get("aria", "angry")
    client.close()

    assert client.get("aria", "angry").stale


def _services(studio: Studio) -> Services:
    found: Services = studio.api.app.extensions["services"]
    return found


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"text": 3}),
        httpx.Response(200, content=b"[" * 200_000),
        httpx.Response(200, content=b"x" * 2_000_000),
        httpx.Response(302, headers={"Location": "http://elsewhere.example/"}, json={}),
        httpx.Response(500, content=b"oops"),
        httpx.Response(429, content=b"slower"),
        httpx.Response(304),
        httpx.Response(418, json={"detail": "teapot"}),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_server_away(
    studio: Studio, answer: httpx.Response
) -> None:
    """Nothing of it is believed, and no other host is asked."""
    client = studio.client()
    studio.line.instead = lambda _request: httpx.Response(
        answer.status_code, headers=answer.headers, content=answer.content
    )

    with pytest.raises(ServerAway):
        client.get("aria", "angry")

    assert {request.url.host for request in studio.line.requests} == {"prompts.example"}


def test_threads_that_want_the_same_wait_for_one_answer(studio: Studio) -> None:
    """However many ask, the server is asked once."""
    client = studio.client()
    together = threading.Barrier(8)

    def get(_: int) -> str:
        together.wait(10)
        return client.get("aria", "angry").text

    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(get, range(8)))

    assert texts == {"One.\nTwo.\nThree.\n"}
    assert len(studio.line.requests) == 1


def test_everything_can_be_read_beforehand(studio: Studio) -> None:
    """One call, and then none; what is too much goes again."""
    client, small = studio.client(), studio.client(most_kept=1)

    count = client.prefetch()
    small.prefetch()
    asked = len(studio.line.requests)

    assert count == 2
    assert client.get("bo", "angry").text == "Bo fumes."
    assert client.get("aria", "angry").source == "character"
    assert len(studio.line.requests) == asked == 2
    assert len(small._kept) == 1


def test_an_environment_can_be_named(studio: Studio) -> None:
    """Each environment is a prompt of its own in memory."""
    client = studio.client()
    client.get("aria", "angry")

    with pytest.raises(NotFound):
        client.get("aria", "angry", environment=PRODUCTION)


@pytest.mark.parametrize(
    "server", ["prompts.example", "ftp://x", "http://", "http://u:p@x", "http://x/?y", "file:///x"]
)
def test_a_strange_address_is_refused(server: str) -> None:
    """Before anything is sent to it."""
    with pytest.raises(ValueError, match="address"):
        Client(server, token="x")


def test_the_token_is_not_shown(studio: Studio) -> None:
    """Neither by repr nor by an error."""
    client = studio.client()
    studio.line.cut()

    with pytest.raises(ServerAway) as away:
        client.get("aria", "angry")

    assert studio.api.token not in repr(client) + str(away.value)


def test_nothing_of_the_server_is_imported() -> None:
    """A service pays for httpx alone."""
    unwanted = "{'dulwich', 'flask', 'yaml'}"
    code = f"import sys, prompt_repo.client; print(sorted({unwanted} & {{*sys.modules}}))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_forked_child_goes_on_by_itself(studio: Studio) -> None:
    """It has what was in memory, asks over connections of its own, and ends."""
    with served(studio.api.app) as address:
        client = Client(address, token=studio.api.token, environment=STAGING)
        client.get("aria", "angry")
        child = os.fork()
        if child == 0:
            try:
                texts = client.get("aria", "angry").text, client.get("bo", "angry").text
                client.close()
                os._exit(0 if texts == ("One.\nTwo.\nThree.\n", "Bo fumes.") else 1)
            finally:
                os._exit(2)
        _, status = os.waitpid(child, 0)
        client.close()

    assert os.waitstatus_to_exitcode(status) == 0


def test_the_documented_example_runs(
    studio: Studio,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What docs/client.md shows works against a real server as it stands there."""
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token.txt").write_text(studio.api.token + "\n")
    with served(studio.api.app) as address:
        shown = example.replace("http://127.0.0.1:8000", address)
        shown = shown.replace('"production"', '"staging"')
        exec(compile(shown, "docs/client.md", "exec"), {})

    said = capsys.readouterr().out
    assert "One.\nTwo.\nThree.\n" in said
    assert "there is no character 'nobody'" in said
    saved = json.loads((tmp_path / "prompts-fallback.json").read_text())
    assert {item["character"] for item in saved["items"]} == {"aria", "bo"}
