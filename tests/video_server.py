"""A video service for tests: a real HTTP server that keeps the Videos API, well or badly."""

import email
import email.policy
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def box(kind: bytes, inside: bytes) -> bytes:
    """A box, which is what an MP4 is made of."""
    return (8 + len(inside)).to_bytes(4) + kind + inside


CLIP = (
    box(b"ftyp", b"isom\x00\x00\x02\x00isom")
    + box(b"moov", b"")
    + box(b"mdat", bytes(range(256)) * 512)
)
KEY = "sk-secret-of-the-tests"


@dataclass
class VideoServer:
    """What it was asked, and how it answers; `polls` is how often a clip is not ready yet.

    Clips are called `prefix` and a number. `answers` replaces an answer, by `create`, `poll`,
    `content` or `delete`: it gets the request, and says whether it answered.
    """

    url: str = ""
    polls: int = 1
    prefix: str = "video_"
    answers: dict[str, Callable[[BaseHTTPRequestHandler], bool]] = field(default_factory=dict)
    created: list[dict[str, str]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


def say(request: BaseHTTPRequestHandler, status: int, body: Any, **headers: str) -> bool:
    """Answers with JSON, or with bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request.send_response(status)
    request.send_header("Content-Length", headers.pop("length", str(len(raw))))
    for name, value in headers.items():
        request.send_header(name if "-" in name else name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(raw)
    return True


@contextmanager
def serving() -> Iterator[VideoServer]:
    """The server at a free port of this machine."""
    state = VideoServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Asked,), {"state": state}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        state.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Asked(BaseHTTPRequestHandler):
    """One request."""

    state: VideoServer

    def do_POST(self) -> None:
        kind = self.headers["Content-Type"]
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.state.keys.append(self.headers.get("Authorization", ""))
        if self._replaced("create"):
            return
        whole = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + raw
        self.state.created.append(_fields(whole))
        say(self, 200, _video(f"{self.state.prefix}{len(self.state.created)}", "queued", 0))

    def do_GET(self) -> None:
        ident = self.path.split("/")[3]
        if self.path.partition("?")[0].endswith("/content"):
            if not self._replaced("content"):
                say(self, 200, CLIP, Content_Type="video/mp4")
            return
        self.state.asked[ident] = self.state.asked.get(ident, 0) + 1
        if not self._replaced("poll"):
            say(self, 200, _standing(self.state, ident))

    def do_DELETE(self) -> None:
        if not self._replaced("delete"):
            self.state.deleted.append(self.path.rpartition("/")[2])
            ident = self.state.deleted[-1]
            say(self, 200, {"id": ident, "object": "video.deleted", "deleted": True})

    def _replaced(self, what: str) -> bool:
        other = self.state.answers.get(what)
        return other is not None and other(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing."""


def _fields(message: bytes) -> dict[str, str]:
    """The fields of a multipart form."""
    form = email.message_from_bytes(message, policy=email.policy.HTTP)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(
            decode=True
        ).decode()
        for part in form.iter_parts()
    }


def _standing(state: VideoServer, ident: str) -> dict[str, Any]:
    ready = state.asked[ident] > state.polls
    return _video(ident, *(("completed", 100) if ready else ("in_progress", 40)))


def _video(ident: str, status: str, progress: int) -> dict[str, Any]:
    """What the Videos API tells of a clip: all of it, for proxies check that it is there."""
    return {
        "id": ident,
        "object": "video",
        "model": "sora-2",
        "status": status,
        "progress": progress,
        "created_at": 1_790_000_000,
        "size": "1280x720",
        "seconds": "4",
    }


def stall(state: VideoServer) -> Callable[[BaseHTTPRequestHandler], bool]:
    """An answer that begins and never goes on."""

    def answer(request: BaseHTTPRequestHandler) -> bool:
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        request.wfile.write(CLIP[:100])
        request.wfile.flush()
        end = time.monotonic() + 20
        while not state.stopped.wait(0.05) and time.monotonic() < end:
            continue
        return True

    return answer
