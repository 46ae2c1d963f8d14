"""How quickly a preview is taken: `POST …/test` beside bare routes, all over HTTP as services ask.

One web process of the product's own kind, one connection that is kept alive, one request after
another. The bare route has no log-in, no body and no records: it asks Redis one thing. The other
one is what any route costs that takes a token and a body and is entered in the audit log.
"""

import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import redis
from flask import Flask, request
from sqlalchemy import delete

from benchmarks.client import END, LENGTH
from benchmarks.measuring import Row, Scale, Times, ratio
from tests.servers import Server
from webapp import create_app, tokens
from webapp.access import Scope, access, public
from webapp.config import Settings, environment_of
from webapp.records import Records
from webapp.records.preview_models import Preview
from webapp.serving import spare_the_program

ROOT = Path(__file__).parent.parent
PATH = "/api/v1/environments/staging/characters/aria/emotional-prompts/angry/test"
BARE, AUDITED = "/bare", "/api/v1/audited"
REFUSED = 400
PATIENCE = 20  # seconds until the server listens
_numbers = iter(range(10**9))


def make() -> Flask:
    """The application with two bare routes that ask Redis one thing."""
    app = create_app()
    asked = redis.Redis.from_url(app.extensions["services"].settings.redis_url)

    def bare() -> dict[str, object]:
        return {"ok": bool(asked.ping())}

    def audited() -> dict[str, object]:
        return {"ok": bool(asked.ping()), "told": request.get_json()}

    app.add_url_rule(BARE, view_func=public(bare))
    app.add_url_rule(AUDITED, view_func=access(Scope.WRITE)(audited), methods=["POST"])
    spare_the_program()  # as the product's own web processes do
    return app


def rows(settings: Settings, scale: Scale) -> list[Row]:
    """Seconds until the answer, and seconds of the web process's CPU, each beside bare routes."""
    records = Records(settings.records_address)
    secret, _ = tokens.create(records, "bench", {Scope.WRITE}, ("staging",))
    client = redis.Redis.from_url(settings.redis_url)
    count, rounds = scale.of(100, 50, 3), scale.of(21, 9, 1)
    waited: dict[str, list[float]] = {"ask": [], "bare": [], "audited": []}
    used: dict[str, list[float]] = {"ask": [], "bare": [], "audited": []}
    with _server(settings) as (pid, port), _connected(port) as line:
        ways = list(waited)
        for turn in range(rounds + 1):
            for way in ways:
                orders = [_order(way, secret) for _ in range(count)]
                before, began = _cpu(pid), time.perf_counter()
                for order in orders:
                    _exchange(line, order)
                if turn:  # the first only warms up
                    waited[way].append(time.perf_counter() - began)
                    used[way].append(_cpu(pid) - before)
            ways = ways[1:] + ways[:1]
            client.flushall()  # nobody has more than their limit of an hour
            with records.connecting() as connection:
                connection.execute(delete(Preview))
    records.close()
    return _told(waited, {way: [sum(seconds)] for way, seconds in used.items()})


def _told(waited: Times, used: Times) -> list[Row]:
    bare = "a bare route, one Redis round trip"
    return [
        ratio(f"POST …/test ÷ {bare}", waited, "ask", "bare", at_most=3),
        ratio(f"CPU of POST …/test ÷ {bare}", used, "ask", "bare"),
        ratio("POST …/test ÷ the same route with token, body and audit entry",
              waited, "ask", "audited"),
    ]  # fmt: skip


def _order(way: str, secret: str) -> bytes:
    """A whole request; each asks for a preview of a text that nobody asked for yet."""
    if way == "bare":
        return f"GET {BARE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    body = json.dumps({"prompt_text": f"Waits, number {next(_numbers)}."})
    head = {
        "Host": "localhost",
        "Authorization": f"Bearer {secret}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    path = PATH if way == "ask" else AUDITED
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _exchange(line: socket.socket, order: bytes) -> None:
    """Sends a request and takes its answer in whole; as cheap as a client can be."""
    line.sendall(order)
    received = line.recv(65_536)
    while END not in received:
        received += line.recv(65_536)
    head, _, body = received.partition(END)
    assert int(head[9:12]) < REFUSED, received
    left = int(head.lower().partition(LENGTH)[2].split(b"\r\n", 1)[0]) - len(body)
    while left > 0:
        left -= len(line.recv(65_536))


def _connected(port: int) -> socket.socket:
    """A connection, as soon as the server takes one."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            line = socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
            continue
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line


def _cpu(pid: int) -> float:
    """Seconds of CPU that the threads of a process and of its children have used."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    threads = (
        task for each in (str(pid), *children) for task in Path(f"/proc/{each}/task").iterdir()
    )
    return sum(int((task / "schedstat").read_text().split()[0]) for task in threads) / 1e9


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[int, int]]:
    """One web process with the product's own number of threads; gives its id and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    counters = settings.data / "metrics"
    counters.mkdir(exist_ok=True)
    told: Mapping[str, str] = {
        "PYTHONPATH": str(ROOT),
        "PROMETHEUS_MULTIPROC_DIR": str(counters),  # as `serve` has it
        **{name: value for name, value in environment_of(settings).items() if "PROMPT" in name},
    }
    command = ["env", *(f"{name}={value}" for name, value in told.items())]
    command += [sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--no-ws"]
    command += ["--blocking-threads", str(settings.threads), "--factory", "benchmarks.asking:make"]
    server = Server(command, "Started worker-1")
    try:
        yield server.process.pid, port
    finally:
        server.stop()
