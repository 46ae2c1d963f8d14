"""Resolved prompts over HTTP with a token, beside a bare route, a plain Flask, and Redis."""

import json
import pickle
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from benchmarks.measuring import Row, Scale, ratio
from benchmarks.repositories import Repositories, keys
from prompt_repo.model import PromptKey
from tests.servers import Server, valkey
from webapp import create_app
from webapp.access import Scope
from webapp.config import Settings
from webapp.services import Services
from webapp.tokens import create

TITLE = "Resolved prompts over HTTP"
ROOT = Path(__file__).parent.parent
CONNECTIONS = 16
THREADS = 8
SAMPLE = 30_000  # prompts drawn uniformly from all; more would only take longer to prepare


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of throughput, one web process, one process of clients."""
    rows = []
    for size in (scale.of(1_200, 240, 12), scale.of(120_000, 2_400, 24)):
        rates = _rates(repositories.with_prompts(size), size, scale)
        what = f"token read, {size:,} prompts ÷"
        rows += [
            ratio(f"{what} bare route of the same app", rates, "ours", "bare", at_least=0.7),
            ratio(f"{what} plain Flask, none of our hooks", rates, "ours", "plain"),
            ratio(f"{what} token read out of Redis (TTL)", rates, "ours", "redis"),
            ratio(f"Redis (TTL), {size:,} prompts ÷ bare route", rates, "redis", "bare"),
        ]
    return rows


def _rates(repository: Path, size: int, scale: Scale) -> Mapping[str, Sequence[float]]:
    """Responses a second in each round, by way."""
    with tempfile.TemporaryDirectory() as name, valkey() as address:
        folder = Path(name)
        (folder / "metrics").mkdir()
        settings = Settings(data=folder / "data", repository=repository)
        app = create_app(settings)
        files = _prepare(app, folder, _drawn(size))
        told = {
            "PROMPT_REPO_DATA": str(settings.data),
            "PROMPT_REPO_REPOSITORY": str(repository),
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),  # as `serve` has it
            "BENCHMARK_BODIES": str(folder / "bodies"),
            "BENCHMARK_REDIS": address,
        }
        with _server(told) as port, _clients() as clients:
            return _rounds(clients, port, files, scale)


def _rounds(
    clients: "subprocess.Popen[str]", port: int, files: Mapping[str, Path], scale: Scale
) -> Mapping[str, Sequence[float]]:
    rates: dict[str, list[float]] = {way: [] for way in files}
    ways = list(files)
    seconds = scale.of(20, 5, 1) / 10
    for turn in range(scale.of(11, 5, 1) + 1):
        for way in ways:
            rate = _rate(clients, port, files[way], seconds)
            if turn:  # the first only warms up
                rates[way].append(rate)
        ways = ways[1:] + ways[:1]
    return rates


def _rate(clients: "subprocess.Popen[str]", port: int, requests: Path, seconds: float) -> float:
    order = {"host": "127.0.0.1", "port": port, "seconds": seconds, "connections": CONNECTIONS}
    assert clients.stdin is not None
    assert clients.stdout is not None
    clients.stdin.write(json.dumps({**order, "requests": str(requests)}) + "\n")
    clients.stdin.flush()
    done, taken = clients.stdout.readline().split()
    return float(done) / float(taken)


def _drawn(size: int) -> list[PromptKey]:
    known = keys(size)
    return random.sample(known, min(SAMPLE, len(known)))


def _prepare(app: Flask, folder: Path, drawn: Sequence[PromptKey]) -> Mapping[str, Path]:
    """Writes the bodies, and the requests of each way, one file a way."""
    services: Services = app.extensions["services"]
    secret, _ = create(services.records, "benchmark", [Scope.READ])
    sent = {"Authorization": f"Bearer {secret}"}
    targets = [_target(key) for key in drawn]
    with app.test_client() as client:
        bodies = [client.get(target, headers=sent) for target in targets]
    assert all(answer.status_code == 200 for answer in bodies), bodies[0].text
    (folder / "bodies").write_bytes(pickle.dumps([answer.data for answer in bodies]))
    authorised = f"\r\nAuthorization: Bearer {secret}"
    ways = {
        "ours": [target + authorised for target in targets],
        "bare": [f"/bare/{number}" for number in range(len(targets))],
        "plain": [f"/plain/{number}" for number in range(len(targets))],
        "redis": [
            f"/api/v1/cached/production/{number}{authorised}" for number in range(len(targets))
        ],
    }
    return {way: _requests(folder / way, lines) for way, lines in ways.items()}


def _target(key: PromptKey) -> str:
    base = f"/api/v1/environments/production/characters/{key.character}"
    return f"{base}/emotional-prompts/{key.emotion}/resolved"


def _requests(file: Path, targets: Sequence[str]) -> Path:
    """Whole requests without their ends, a blank line between them."""
    heads = []
    for target in targets:
        path, _, header = target.partition("\r\n")
        heads.append(f"GET {path} HTTP/1.1\r\nHost: localhost" + (f"\r\n{header}" * bool(header)))
    file.write_bytes("\n\n".join(heads).encode())
    return file


@contextmanager
def _server(told: Mapping[str, str]) -> Iterator[int]:
    """One web process, as many threads as the product's own; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    variables = [f"{name}={value}" for name, value in {"PYTHONPATH": ROOT, **told}.items()]
    command = ["env", *variables, sys.executable, "-m", "granian", "--interface", "wsgi"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--no-ws"]
    command += ["--blocking-threads", str(THREADS), "--factory", "benchmarks.reads_app:make"]
    server = Server(command, "Started worker-1")
    try:
        yield port
    finally:
        server.stop()


@contextmanager
def _clients() -> "Iterator[subprocess.Popen[str]]":
    """The process that loads the server."""
    command = [sys.executable, "-m", "benchmarks.client"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
