"""A client for services: resolved prompts from memory, kept fresh behind the caller's back.

    with Client("https://prompts.example", token=token, fallback=Path("prompts.json")) as prompts:
        text = prompts.get("aria", "angry").text

The first `get` of a prompt asks the server. Later ones are answered from memory at once; once an
answer is older than `fresh_for` seconds, one background thread asks whether it still holds (by
its ETag: 304 costs next to nothing). Where the server is away, the last good answer is given, and
where there is none, the one in the fallback file, which `save_fallback` writes.

See docs/client.md.
"""

import json
import logging
import os
import queue
import random
import tempfile
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from prompt_repo.client_answers import (
    ClientError,
    InvalidFallback,
    Key,
    NotFound,
    Refused,
    ResolvedPrompt,
    ServerAway,
    UnknownEmotion,
    check_server,
    checked_export,
    from_body,
    from_export,
    parsed,
    read_fallback,
    refusal,
)

__all__ = [
    "Client",
    "ClientError",
    "InvalidFallback",
    "NotFound",
    "Refused",
    "ResolvedPrompt",
    "ServerAway",
    "UnknownEmotion",
]

log = logging.getLogger(__name__)
FRESH_FOR = 10.0  # seconds an answer is given without asking whether it still holds
TIMEOUT = 2.0  # seconds a caller waits for the server at most, where nothing is in memory
MOST_KEPT = 100_000  # answers kept in memory; the longest unused go first
LARGEST = 1024 * 1024  # bytes of one answer
LARGEST_EXPORT = 512 * 1024 * 1024
WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds between tries while the server is away, doubling


@dataclass(slots=True)
class _Kept:
    """What is known of one prompt: an answer or an error, and when the server last said so."""

    answer: ResolvedPrompt | None
    error: ClientError | None
    etag: str | None
    asked_at: float
    failing: bool = False
    asked: bool = field(default=False)  # a question about it is on its way


class Client:
    """Resolved prompts of one server; safe to share between threads.

    `fresh_for` and `timeout` are seconds. A fallback file is read when the client is made: raises
    InvalidFallback. `clock` gives seconds that never go back, `transport` is httpx's, for tests.
    """

    def __init__(
        self,
        server: str,
        *,
        token: str,
        environment: str = "production",
        fallback: Path | None = None,
        fresh_for: float = FRESH_FOR,
        timeout: float = TIMEOUT,
        most_kept: int = MOST_KEPT,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        check_server(server)
        self._environment, self._fresh_for, self._most = environment, fresh_for, most_kept
        self._clock = clock
        self._fallback = read_fallback(fallback) if fallback is not None else {}
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._asking: dict[Key, threading.Lock] = {}
        self._away_until, self._wait = 0.0, WAIT
        self._settings: dict[str, Any] = {
            "base_url": server.rstrip("/") + "/api/v1/environments/",
            "headers": {"Authorization": f"Bearer {token}", "Accept": "application/json"},
            "timeout": timeout,
            "follow_redirects": False,  # the token is for this server alone
            "transport": transport,
        }
        self._begin()
        _forget_not(self)

    def __repr__(self) -> str:
        return f"<Client of {self._http.base_url.host}, {len(self._kept)} prompts in memory>"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the background thread and the connections; answers in memory can still be had."""
        if not self._closed.is_set():
            self._closed.set()
            self._due.put(None)
            self._worker.join(timeout=5)
            self._http.close()

    def get(self, character: str, emotion: str, environment: str | None = None) -> ResolvedPrompt:
        """The text for a character and an emotion.

        Raises NotFound, UnknownEmotion, Refused, and ServerAway where nobody can say.
        """
        key = environment or self._environment, character, emotion
        kept = self._known(key)
        if kept is None or (kept.answer is None and not self._is_fresh(kept)):
            kept = self._first(key)
        elif not self._is_fresh(kept):
            self._ask_later(key, kept)
        return self._given(key, kept)

    def prefetch(self, environment: str | None = None) -> int:
        """Reads everything of an environment in one call; gives how many prompts there are.

        Raises Refused, ServerAway.
        """
        name = environment or self._environment
        now = self._clock()
        items = self._export(name)["items"]
        found = [from_export(name, item) for item in items if item.get("text") is not None]
        with self._lock:
            for answer, etag in found[-self._most :]:
                key = (name, answer.character, answer.emotion)
                self._put(key, _Kept(answer, None, etag, now))
        return len(found)

    def save_fallback(self, path: Path, environment: str | None = None) -> None:
        """Writes a fallback file with everything of an environment, in one step.

        Run it where the service is built, and ship the file with it. Raises Refused, ServerAway.
        """
        export = self._export(environment or self._environment)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
        ) as file:
            try:
                json.dump(export, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink()
                raise

    def _is_fresh(self, kept: _Kept) -> bool:
        return self._clock() - kept.asked_at < self._fresh_for

    def _known(self, key: Key) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
            return kept

    def _put(self, key: Key, kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def _first(self, key: Key) -> _Kept:
        """Asks the server, once however many threads want to know."""
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:
            kept = self._known(key)
            if kept is None or not self._is_fresh(kept):
                kept = self._ask(key, kept)
        with self._lock:
            self._asking.pop(key, None)
        return kept

    def _given(self, key: Key, kept: _Kept) -> ResolvedPrompt:
        age = max(0.0, self._clock() - kept.asked_at)
        if kept.answer is not None:
            return replace(kept.answer, stale=kept.failing, age=age) if age else kept.answer
        if isinstance(kept.error, ServerAway) and key in self._fallback:
            return self._fallback[key]
        raise kept.error or ServerAway("nothing is known of this prompt")

    def _ask(self, key: Key, kept: _Kept | None) -> _Kept:
        """What the server says now; where it is away, what was known before."""
        now = self._clock()
        if now < self._away_until:
            return self._unsaid(kept, ServerAway("the server was away a moment ago"), now)
        try:
            fresh = self._request(key, kept, now)
        except (httpx.HTTPError, ServerAway) as away:
            self._away_until = now + self._wait * random.uniform(0.5, 1)  # noqa: S311 - jitter
            self._wait = min(self._wait * 2, LONGEST_WAIT)
            error = away if isinstance(away, ServerAway) else ServerAway(f"no answer: {away!r}")
            return self._unsaid(kept, error, now)
        self._wait = WAIT
        with self._lock:
            self._put(key, fresh)
        return fresh

    @staticmethod
    def _unsaid(kept: _Kept | None, error: ServerAway, now: float) -> _Kept:
        if kept is None:
            return _Kept(None, error, None, now)  # not put into memory: the next call asks again
        kept.failing = True
        return kept

    def _request(self, key: Key, kept: _Kept | None, now: float) -> _Kept:
        path = "{}/characters/{}/emotional-prompts/{}/resolved".format(
            *(quote(part, safe="") for part in key)
        )
        known = kept.etag if kept is not None else None
        status, body = self._read(path, {"If-None-Match": f'"{known}"'} if known else {}, LARGEST)
        if status == httpx.codes.NOT_MODIFIED and kept is not None:
            return replace(kept, asked_at=now, failing=False, asked=False)
        if status == httpx.codes.OK:
            answer, etag = from_body(key, parsed(body))
            return _Kept(answer, None, etag, now)
        error = refusal(status, body)
        if isinstance(error, Refused) and kept is not None and kept.answer is not None:
            log.warning("the prompt server refuses our token: %s", error)
            raise ServerAway(str(error))  # a service goes on with what it has
        return _Kept(None, error, None, now)

    def _export(self, environment: str) -> dict[str, Any]:
        try:
            status, body = self._read(f"{quote(environment, safe='')}/export", {}, LARGEST_EXPORT)
        except httpx.HTTPError as away:
            raise ServerAway(f"no answer: {away!r}") from away
        if status != httpx.codes.OK:
            raise refusal(status, body)
        return checked_export(parsed(body), ServerAway)

    def _read(self, path: str, headers: Mapping[str, str], largest: int) -> tuple[int, bytes]:
        """Status and body; raises httpx.HTTPError and ServerAway."""
        with self._http.stream("GET", path, headers=headers) as response:
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > largest:
                    raise ServerAway(f"an answer of more than {largest:,} bytes")
            return response.status_code, bytes(body)

    def _ask_later(self, key: Key, kept: _Kept) -> None:
        with self._lock:
            if kept.asked or self._closed.is_set():
                return
            kept.asked = True
        self._due.put(key)

    def _work(self, due: "queue.SimpleQueue[Key | None]") -> None:
        """The background thread: asks again about what is due, one after the other."""
        while (key := due.get()) is not None:
            kept = self._known(key)
            if kept is not None:
                self._ask(key, kept)
                kept.asked = False

    def _begin(self) -> None:
        self._http = httpx.Client(**self._settings)
        self._closed = threading.Event()
        self._due: queue.SimpleQueue[Key | None] = queue.SimpleQueue()
        self._worker = threading.Thread(
            target=self._work, args=(self._due,), name="prompt-repo client", daemon=True
        )
        self._worker.start()

    def _after_fork(self) -> None:
        """A child has neither the thread nor connections of its own; what is in memory stays."""
        closed = self._closed.is_set()
        self._lock = threading.Lock()
        self._asking = {}
        for kept in self._kept.values():
            kept.asked = False
        if not closed:
            self._begin()


def _forget_not(client: Client) -> None:
    """Has a forked child set up its own thread and connections, as long as the client lives."""
    known = weakref.ref(client)

    def after_fork() -> None:
        found = known()
        if found is not None:
            found._after_fork()

    os.register_at_fork(after_in_child=after_fork)
