"""A server with two characters, the line to it that can be cut, and clients of it."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from prompt_repo.client import Client
from prompt_repo.repository import STAGING
from tests.api.conftest import Api

SERVER = "http://prompts.example"
ANGRY = "One.\nTwo.\nThree.\n"  # what aria's says; bo has the default


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

    def answer(self, response: httpx.Response, about: str = "") -> None:
        """From now on this is the answer about addresses that hold `about`."""

        def answered(request: httpx.Request) -> httpx.Response:
            if about not in request.url.path:
                return self._way.handle_request(request)
            return httpx.Response(
                response.status_code, headers=response.headers, content=response.content
            )

        self.instead = answered

    def hold(self) -> threading.Event:
        """From now on answers come only once the event is set."""
        go = threading.Event()

        def later(request: httpx.Request) -> httpx.Response:
            assert go.wait(30)
            return self._way.handle_request(request)

        self.instead = later
        return go

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """What httpx asks a transport for."""
        self.requests.append(request)
        answer = (self.instead or self._way.handle_request)(request)
        self.statuses.append(answer.status_code)
        return answer


class Studio:
    """A server, a line to it, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.api = Api(folder)
        self.line, self.clock = Line(self.api), Clock()
        self.clients: list[Client] = []

    def client(self, server: str = SERVER, **more: Any) -> Client:
        """A client that may read staging; over the line, unless a server is named."""
        known: dict[str, Any] = {"token": self.api.token, "environment": STAGING}
        known |= {"clock": self.clock, "timeout": 60}  # however busy the machine is
        if server == SERVER:
            known["transport"] = self.line
        made = Client(server, **{**known, **more})
        self.clients.append(made)
        return made

    def close(self) -> None:
        """Closes every client."""
        for client in self.clients:
            client.close()


def settled(client: Client) -> None:
    """Waits until nothing is left for a client's background thread."""
    client._due.join()
