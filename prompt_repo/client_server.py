"""The server as the client asks it: bounded in time and size, and left alone while it is away."""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx

from prompt_repo.client_answers import (
    BadAnswer,
    Key,
    PromptNotFound,
    Refused,
    ResolvedPrompt,
    ServerAway,
    UnknownEmotion,
    check_environment,
    check_server,
    from_body,
    parsed,
    prompts_of,
    refusal,
)

log = logging.getLogger(__name__)
LARGEST = 1024 * 1024  # bytes of one prompt's answer
LARGEST_EXPORT = 512 * 1024 * 1024
EXPORT_SECONDS = 600.0
WAIT, LONGEST_WAIT = 1.0, 15.0  # seconds between tries while the server is away, doubling
BUSY = frozenset({429, 502, 503, 504})
"""Statuses that tell of the server as a whole, not of the prompt that was asked for."""


class Patience:
    """When to ask a server again that did not answer: after 1, 2, 4 … 15 s, with jitter."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wait = 0.0  # none while the server answers
        self._failed_at, self._until = 0.0, 0.0
        self._reason = ""

    def check(self) -> float:
        """The time, if the server may be asked now; raises ServerAway if not yet."""
        with self._lock:
            now = self._clock()
            if self._wait:
                if now < self._until:
                    raise ServerAway(f"the server was away a moment ago: {self._reason}")
                self._until = now + self._wait  # one goes to see, the others don't wait with it
            return now

    def failed(self, began: float, error: ServerAway) -> None:
        """A question that was put at `began` found nobody."""
        with self._lock:
            if self._wait and began < self._failed_at:
                return  # many who asked at once are one failure
            if not self._wait:
                log.warning("the prompt server is away: %s", error)
            self._wait = min(self._wait * 2, LONGEST_WAIT) or WAIT
            self._failed_at = self._clock()
            self._until = self._failed_at + self._wait * random.uniform(0.5, 1)  # noqa: S311 - jitter
            self._reason = str(error)

    def answered(self) -> None:
        """Somebody is there."""
        with self._lock:
            if self._wait:
                log.info("the prompt server answers again")
            self._wait = 0.0


class Server:
    """Resolved prompts and exports of one server. The token goes to this server alone."""

    def __init__(
        self,
        address: str,
        token: str,
        timeout: float,
        clock: Callable[[], float],
        transport: httpx.BaseTransport | None,
    ) -> None:
        check_server(address, token)
        self._timeout, self._clock = timeout, clock
        self._settings: dict[str, Any] = {
            "base_url": address.rstrip("/") + "/api/v1/environments/",
            "headers": {
                "Authorization": f"Bearer {token}",
                "Accept": "application/json",
                "User-Agent": "prompt-repo-client",
            },
            "timeout": timeout,
            "follow_redirects": False,
            "verify": httpx.create_ssl_context(),  # made once: it costs more than a fork
            "transport": transport,
        }
        self.closed = False
        self.open()

    def __repr__(self) -> str:
        return f"<Server {self._http.base_url.host}>"

    def open(self) -> None:
        """Begins with new connections and knows nothing of failures; also in a forked child."""
        self._patience = Patience(self._clock)
        self._http = httpx.Client(**self._settings)

    def close(self) -> None:
        """Ends the connections; whoever asks from now on gets ServerAway."""
        self.closed = True
        self._http.close()

    def prompt(
        self, key: Key, etag: str | None
    ) -> ResolvedPrompt | PromptNotFound | UnknownEmotion | None:
        """What the server says of a prompt: its text, that it is not there, or None: as before.

        Raises Refused, BadAnswer, ServerAway.
        """
        path = "{}/characters/{}/emotional-prompts/{}/resolved".format(
            *(quote(part, safe="") for part in key)
        )
        headers = {"If-None-Match": f'"{etag}"'} if etag else {}
        began = self._patience.check()
        try:
            status, body = self._read(path, headers, LARGEST, self._timeout)
        except BadAnswer:
            raise
        except ServerAway as away:
            self._patience.failed(began, away)
            raise
        self._patience.answered()
        if status == httpx.codes.NOT_MODIFIED and etag:
            return None
        if status == httpx.codes.OK:
            return from_body(key, parsed(body))
        error = refusal(status, body)
        if isinstance(error, Refused):
            raise error
        return error

    def export(self, environment: str) -> tuple[Any, list[ResolvedPrompt]]:
        """Everything of an environment: as JSON, and as prompts.

        Raises PromptNotFound where it is no environment's id, Refused, BadAnswer, ServerAway.
        """
        check_environment(environment)
        path = f"{environment}/export"
        status, body = self._read(path, {}, LARGEST_EXPORT, EXPORT_SECONDS)
        if status != httpx.codes.OK:
            raise refusal(status, body)
        export = parsed(body)
        prompts = prompts_of(export, BadAnswer)
        if export["environment"] != environment:
            raise BadAnswer(f"an export of {export['environment'][:80]!r}, not {environment!r}")
        return export, prompts

    def _read(
        self, path: str, headers: dict[str, str], largest: int, seconds: float
    ) -> tuple[int, bytes]:
        """Status and body; raises ServerAway, and BadAnswer where there is too much of it."""
        if self.closed:
            raise ServerAway("the client is closed")
        # Real seconds: httpx bounds each wait, this bounds an answer that comes in drops.
        end = time.monotonic() + seconds
        body = bytearray()
        try:
            with self._http.stream("GET", path, headers=headers) as response:
                if response.status_code in BUSY:
                    raise ServerAway(f"the server answered {response.status_code}")
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > largest:
                        raise BadAnswer(f"an answer of more than {largest:,} bytes")
                    if time.monotonic() > end:
                        raise ServerAway(f"an answer that takes longer than {seconds:g} s")
                return response.status_code, bytes(body)
        except RuntimeError as error:  # httpx, where another thread closed it just now
            if not self.closed:
                raise
            raise ServerAway("the client is closed") from error
        except httpx.HTTPError as error:
            raise ServerAway(f"no answer: {error!r}") from error
