"""The client and servers that stop, stall, ramble, send elsewhere, or answer nonsense."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from prompt_repo.client import BadAnswer, ServerAway
from prompt_repo.client_server import LONGEST_WAIT, WAIT, Patience
from tests.client_studio import ANGRY, Clock, Studio, settled
from tests.web import served

BODY = {"text": "x", "source": "global", "version": 1, "commit": "c", "etag": "e"}


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    yield made
    made.close()


class Stranger(ThreadingHTTPServer):
    """A server that speaks HTTP and does as it likes."""

    daemon_threads = True

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.connections, self.requests = 0, 0
        self.over = threading.Event()
        stranger = self

        class Asked(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                stranger.connections += 1
                super().setup()

            def do_GET(self) -> None:
                stranger.requests += 1
                answer(self)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        super().__init__(("127.0.0.1", 0), Asked)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def strange(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Stranger]:
    server = Stranger(answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_server_may_stop_and_come_back(studio: Studio) -> None:
    """In between there is the last good answer; afterwards, and on its own, a fresh one."""
    with served(studio.api.app) as address:
        client = studio.client(address, fresh_for=0)
        client.get("aria", "angry")
    client.get("aria", "angry")
    settled(client)
    away = client.get("aria", "angry")
    settled(client)
    with pytest.raises(ServerAway):
        client.get("bo", "angry")

    studio.clock.now += LONGEST_WAIT
    with served(studio.api.app, urlsplit(address).port or 0):
        client.get("aria", "angry")
        settled(client)
        back = client.get("aria", "angry")
        settled(client)
        other = client.get("bo", "angry")

    assert (away.text, away.stale) == (ANGRY, True)
    assert (back.text, back.stale) == (ANGRY, False)
    assert other.text == "Bo fumes."


def test_connections_are_kept(studio: Studio) -> None:
    """One is enough for one thing after the other."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        body = b'{"text": "x", "source": "global", "version": 1, "commit": "c", "etag": "e"}'
        asked.send_response(200)
        asked.send_header("Content-Length", str(len(body)))
        asked.end_headers()
        asked.wfile.write(body)

    with strange(answer) as server:
        client = studio.client(server.address)
        for character in ("aria", "bo", "cy"):
            client.get(character, "angry")
        client.close()

        assert (server.requests, server.connections) == (3, 1)


@pytest.mark.parametrize("in_drops", [False, True])
def test_nobody_waits_for_a_server_that_stalls(studio: Studio, in_drops: bool) -> None:
    """Whether it says nothing at all or a byte now and then."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        if in_drops:
            asked.send_response(200)
            asked.send_header("Content-Length", "1000000")
            asked.end_headers()
        while not server.over.wait(0.02):
            if in_drops:
                try:
                    asked.wfile.write(b" ")
                except OSError:
                    return

    with strange(answer) as server:
        client = studio.client(server.address, timeout=0.2)
        with pytest.raises(ServerAway, match=r"longer than|ReadTimeout"):
            client.get("aria", "angry")
        client.close()


def test_an_answer_without_end_is_left(studio: Studio) -> None:
    """After its largest size, whatever it said it would be."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.send_header("Transfer-Encoding", "chunked")
        asked.end_headers()
        try:
            while not server.over.is_set():
                asked.wfile.write(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        except OSError:
            asked.close_connection = True

    with strange(answer) as server:
        client = studio.client(server.address, timeout=60)
        with pytest.raises(BadAnswer, match="more than"):
            client.get("aria", "angry")
        client.close()


def test_the_token_goes_to_no_other_server(studio: Studio) -> None:
    """A redirect is an answer nobody expected."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(302)
        asked.send_header("Location", f"{other.address}{asked.path}")
        asked.send_header("Content-Length", "0")
        asked.end_headers()

    with strange(answer) as other, strange(answer) as server:
        client = studio.client(server.address)
        with pytest.raises(BadAnswer, match="302"):
            client.get("aria", "angry")
        client.close()

        assert (server.requests, other.requests) == (1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(200, content=b"[" * 200_000),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={**BODY, "text": 3}),
        httpx.Response(200, json={**BODY, "version": True}),
        httpx.Response(200, json={**BODY, "etag": 'a"\r\nX: y'}),
        httpx.Response(200, content=b'{"text": "x", "version": 1e999, "etag": "e"}'),
        httpx.Response(
            200,
            content=b'{"text": "\\ud800", "source": "global", "version": 1, "commit": "c", '
            b'"etag": "e"}',
        ),
        httpx.Response(200, content=b"x", headers={"Content-Encoding": "gzip"}),
        httpx.Response(304),
        httpx.Response(400, content=b"[" * 200_000),
        httpx.Response(404, content=b"<html>"),
        httpx.Response(418, json={"detail": ["teapot"]}),
        httpx.Response(500, content=b"oops"),
        httpx.Response(503, content=b"later"),
        httpx.Response(429, content=b"slower"),
    ],
    ids=lambda answer: f"{answer.status_code} {answer.content[:20]!r}",
)
def test_nonsense_is_not_believed(studio: Studio, answer: httpx.Response) -> None:
    """It is a server away where nothing is known, and a stale answer where something is."""
    client = studio.client(fresh_for=1)
    client.get("bo", "angry")
    studio.line.answer(answer)
    studio.clock.now += 2
    client.get("bo", "angry")
    settled(client)

    kept = client.get("bo", "angry")

    if answer.status_code != 304:  # which is what it was asked for there
        assert (kept.text, kept.stale) == ("Bo fumes.", True)
    with pytest.raises(ServerAway):
        client.get("aria", "angry")


@pytest.mark.parametrize(
    "export",
    [
        [],
        {"environment": "staging"},
        {"environment": "staging", "items": [3]},
        {"environment": "staging", "items": [{"text": "x"}]},
        {"environment": "production", "items": []},
    ],
)
def test_an_export_is_whole_or_nothing(studio: Studio, tmp_path: Path, export: Any) -> None:
    """Nothing of a bad one is kept or written."""
    client = studio.client()
    studio.line.answer(httpx.Response(200, json=export))

    with pytest.raises(BadAnswer):
        client.prefetch()
    with pytest.raises(BadAnswer):
        client.save_fallback(tmp_path / "fallback.json")

    assert "0 prompts in memory" in repr(client)
    assert not (tmp_path / "fallback.json").exists()


def test_patience_grows_and_has_an_end() -> None:
    """Waits double up to the longest, each shortened a little by chance; an answer ends them."""
    clock = Clock()
    patience = Patience(clock)
    waited = []
    for _ in range(8):
        patience.failed(patience.check(), ServerAway("x"))
        began = clock.now
        while True:
            clock.now += 0.01
            try:
                patience.check()
            except ServerAway:
                continue
            break
        waited.append(clock.now - began)
        clock.now += LONGEST_WAIT

    for wait, most in zip(waited, (1, 2, 4, 8, 15, 15, 15, 15), strict=True):
        assert most * WAIT / 2 <= wait <= most * WAIT + 0.02
    patience.answered()
    assert patience.check() == patience.check()


def test_many_who_fail_at_once_are_one_failure() -> None:
    """And only one goes to see whether the server is back."""
    clock = Clock()
    patience = Patience(clock)
    began = [patience.check() for _ in range(50)]
    clock.now += 0.5
    for each in began:
        patience.failed(each, ServerAway("x"))
    clock.now += WAIT

    patience.check()

    with pytest.raises(ServerAway, match="a moment ago"):
        patience.check()
