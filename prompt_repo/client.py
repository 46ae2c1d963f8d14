"""A client for services: resolved prompts from memory, kept fresh behind the caller's back.

    with Client("https://prompts.example", token=token, fallback=Path("prompts.json")) as prompts:
        text = prompts.get("aria", "angry").text

The first `get` of a prompt asks the server. Later ones are answered from memory at once; once an
answer is older than `fresh_for` seconds, one background thread asks whether it still holds (by
its ETag: 304 costs next to nothing). Where the server is away, the last good answer is given, and
where there is none, the one in the fallback file, which `save_fallback` writes.

See docs/client.md.
"""

import copy
import json
import logging
import os
import queue
import secrets
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx

from prompt_repo.client_answers import (
    ID,
    BadAnswer,
    ClientError,
    InvalidFallback,
    Key,
    PromptNotFound,
    Refused,
    ResolvedPrompt,
    ServerAway,
    UnknownEmotion,
    check_key,
    key_of,
    read_fallback,
)
from prompt_repo.client_server import Server

__all__ = [
    "BadAnswer",
    "Client",
    "ClientError",
    "InvalidFallback",
    "PromptNotFound",
    "Refused",
    "ResolvedPrompt",
    "ServerAway",
    "UnknownEmotion",
]

log = logging.getLogger(__name__)
FRESH_FOR = 10.0  # seconds an answer is given without asking whether it still holds
TIMEOUT = 2.0  # seconds for connecting, for each wait, and for the body of an answer
MOST_KEPT = 100_000  # answers kept in memory; the longest unused go first
MOST_ERRORS = 1_000  # likewise; apart, so that asking for nonsense costs nobody a good answer
ASK_AGAIN = 5.0  # seconds until the server is asked again that could not say
CLOSING = 5.0  # seconds `close` waits for the background thread


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the server said of one prompt, when, and when it is due to be asked again."""

    said: ResolvedPrompt | ClientError
    said_at: float
    due_at: float
    failing: bool = False


class _Memory:
    """What is known of prompts, bounded; the longest unused go first."""

    def __init__(self, most: int) -> None:
        self._answers: OrderedDict[Key, _Kept] = OrderedDict()
        self._errors: OrderedDict[Key, _Kept] = OrderedDict()
        self._most = most
        self.after_fork()

    def after_fork(self) -> None:
        """Another thread may have held the lock when this process was made."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Key) -> _Kept | None:
        """What is kept under a key, which counts as using it."""
        with self._lock:
            for kept in (self._answers, self._errors):
                if key in kept:
                    kept.move_to_end(key)
                    return kept[key]
        return None

    def put(self, key: Key, new: _Kept) -> None:
        """Keeps it in place of what was there."""
        with self._lock:
            self._answers.pop(key, None)
            self._errors.pop(key, None)
            good = isinstance(new.said, ResolvedPrompt)
            kept, most = (self._answers, self._most) if good else (self._errors, MOST_ERRORS)
            kept[key] = new
            while len(kept) > most:
                kept.popitem(last=False)


class Client:
    """Resolved prompts of one server; safe to share between threads, and to fork with.

    `fresh_for` and `timeout` are seconds. A fallback file is read when the client is made: raises
    InvalidFallback; ValueError for other settings that can't be. `clock` gives seconds that never
    go back, `transport` is httpx's, for tests.
    """

    _worker: threading.Thread | None

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
        if not (timeout > 0 and fresh_for >= 0 and most_kept > 0 and ID.fullmatch(environment)):
            raise ValueError("a time or count that is negative, or an environment that is no id")
        self._environment, self._fresh_for, self._clock = environment, fresh_for, clock
        self._fallback = read_fallback(fallback, environment) if fallback is not None else {}
        self._memory = _Memory(most_kept)
        self._server = Server(server, token, timeout, clock, transport)
        self._warned_at: float | None = None
        self._begin()
        _clients.add(self)

    def __repr__(self) -> str:
        return f"<Client of {self._server!r}, {len(self._memory)} prompts in memory>"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the background thread and the connections; answers in memory can still be had."""
        with self._lock:
            self._closed, worker = True, self._worker
        if worker is not None:
            self._due.put(None)
            worker.join(CLOSING)
        self._server.close()

    def get(self, character: str, emotion: str, environment: str | None = None) -> ResolvedPrompt:
        """The text for a character and an emotion.

        Raises PromptNotFound, UnknownEmotion, Refused, and ServerAway where nobody can say.
        """
        key = environment or self._environment, character, emotion
        check_key(key)
        kept = self._memory.get(key)
        if kept is None or not self._has_answer(key, kept):
            kept = self._first(key)
        elif self._clock() >= kept.due_at:
            self._ask_later(key)
        return self._given(key, kept)

    def prefetch(self, environment: str | None = None) -> int:
        """Reads everything of an environment in one call; gives how many prompts there are.

        Raises PromptNotFound where it is no id, Refused, ServerAway.
        """
        now, at = self._clock(), datetime.now(UTC)
        _, prompts = self._server.export(environment or self._environment)
        for prompt in prompts:
            kept = _Kept(replace(prompt, fetched_at=at), now, now + self._fresh_for)
            self._memory.put(key_of(prompt), kept)
        return len(prompts)

    def save_fallback(self, path: Path, environment: str | None = None) -> None:
        """Writes a fallback file with everything of an environment, in one step.

        Run it where the service is built, and ship the file with it. Raises Refused, ServerAway,
        and OSError where the file can't be written; then the one before stands.
        """
        export, _ = self._server.export(environment or self._environment)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with beside.open("x", encoding="utf-8") as file:
                json.dump(export, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def _has_answer(self, key: Key, kept: _Kept) -> bool:
        """Whether nobody has to wait for the server; one that was away may answer any time."""
        if isinstance(kept.said, ServerAway):
            return key in self._fallback
        return isinstance(kept.said, ResolvedPrompt)

    def _first(self, key: Key) -> _Kept:
        """Asks the server while the caller waits, once however many threads want to know."""
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        try:
            with asking:
                kept = self._memory.get(key)
                if kept is None or self._clock() >= kept.due_at:
                    kept = self._ask(key)
        finally:
            with self._lock:
                self._asking.pop(key, None)
        return kept

    def _given(self, key: Key, kept: _Kept) -> ResolvedPrompt:
        if isinstance(kept.said, ResolvedPrompt):
            age = max(0.0, self._clock() - kept.said_at)
            if not age and not kept.failing:
                return kept.said
            return replace(kept.said, stale=kept.failing, age=age)
        if isinstance(kept.said, ServerAway) and key in self._fallback:
            return self._fallback[key]
        # A copy: one error raised again and again would grow with every traceback.
        raise copy.copy(kept.said)

    def _ask(self, key: Key) -> _Kept:
        """What the server says now, kept; where it can't say, what was known before."""
        kept = self._memory.get(key)
        before = kept.said if kept is not None and isinstance(kept.said, ResolvedPrompt) else None
        now, at = self._clock(), datetime.now(UTC)
        try:
            said = self._server.prompt(key, before.etag if before is not None else None)
        except (Refused, ServerAway) as error:
            new = self._unsaid(kept, error)
        else:
            said = before if said is None else said
            if isinstance(said, ResolvedPrompt):
                said = replace(said, fetched_at=at)
            assert said is not None, "a server says `as before` only of what it was asked about"
            new = _Kept(said, now, now + self._fresh_for)
        self._memory.put(key, new)
        return new

    def _unsaid(self, kept: _Kept | None, error: Refused | ServerAway) -> _Kept:
        now = self._clock()
        soon = now + min(ASK_AGAIN, self._fresh_for)
        if kept is None or isinstance(kept.said, (Refused, ServerAway)):
            # While the server is away it is Patience that says when to ask; then nothing waits.
            due_at = soon if isinstance(error, (Refused, BadAnswer)) else now
            return _Kept(copy.copy(error), now, due_at)
        if isinstance(error, (Refused, BadAnswer)):
            self._warn(now, error)
        return replace(kept, failing=True, due_at=soon)

    def _warn(self, now: float, error: ClientError) -> None:
        """Once a minute: every prompt there is may be concerned."""
        if self._warned_at is None or now - self._warned_at >= 60:
            self._warned_at = now
            log.warning("prompts are given on as they were: %s", error)

    def _ask_later(self, key: Key) -> None:
        with self._lock:
            if key in self._queued or self._closed:
                return
            self._queued.add(key)
            if self._worker is None:
                self._worker = threading.Thread(
                    target=self._work, args=(self._due,), name="prompt-repo client", daemon=True
                )
                self._worker.start()
        self._due.put(key)

    def _work(self, due: "queue.Queue[Key | None]") -> None:
        """The background thread: asks again about what is due, one after the other."""
        while (key := due.get()) is not None and not self._closed:
            try:
                self._ask(key)
            except Exception:
                # Whatever it was, every other prompt still has to be kept fresh.
                log.exception("a prompt could not be asked about")
            finally:
                with self._lock:
                    self._queued.discard(key)
                due.task_done()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._asking: dict[Key, threading.Lock] = {}
        self._queued: set[Key] = set()
        self._due: queue.Queue[Key | None] = queue.Queue()
        self._worker = None  # begins when it is first needed

    def _after_fork(self) -> None:
        """A child has neither the thread nor connections of its own; what is in memory stays."""
        closed = self._closed
        self._memory.after_fork()
        self._begin()
        self._closed = closed
        if not closed:
            self._server.open()


_clients: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client._after_fork()


if hasattr(os, "register_at_fork"):  # Windows has none, and no fork
    os.register_at_fork(after_in_child=_after_fork)
