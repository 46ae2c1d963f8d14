"""A program that is told of events: a real HTTP server on loopback that keeps what it got."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.0/8"


@dataclass(frozen=True)
class Call:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """The message."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature is right, worked out anew as Standard Webhooks says."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        message, moment = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        signed = f"{message}.{moment}.".encode() + self.body
        digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{digest}" in self.headers["webhook-signature"].split()


@dataclass
class Receiver:
    """What came, and what shall be answered next; without anything said, 204."""

    port: int = 0
    calls: list[Call] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    came: threading.Condition = field(default_factory=threading.Condition)
    hold: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hook"

    def wait(self, count: int, seconds: float = 30) -> list[Call]:
        """The calls, once there are so many."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.calls) >= count, seconds), self.calls
            return list(self.calls)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that runs meanwhile; its `hold` must be set for it to answer at all."""
    receiver = Receiver()
    receiver.hold.set()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with receiver.came:
                receiver.calls.append(Call(self.path, headers, body))
                status = receiver.answers.pop(0) if receiver.answers else 204
                receiver.came.notify_all()
            receiver.hold.wait(60)
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(receiver.body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A caller that was killed is what some tests are about."""

    with Server(("127.0.0.1", 0), Answering) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.hold.set()
            server.shutdown()
            thread.join()
