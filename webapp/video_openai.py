"""Clips by any service that speaks OpenAI's Videos API: create, poll, download, delete.

LiteLLM's proxy and vLLM-Omni do. Whatever a service answers ends in a clear state: what may be
asked again before anything began is VideoAway, everything else VideoFailed with its own words.
"""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import structlog

from webapp import outbound
from webapp.audit_entries import cleaned
from webapp.records.preview_models import LONGEST_NAME
from webapp.video import Brief, Chosen, Misconfigured, Told, VideoAway, VideoFailed

log = structlog.get_logger(__name__)
CONNECT, READ = 10.0, 30.0  # seconds that a service may take to be reached, and to say something
LARGEST_ANSWER, LARGEST_CLIP = 1024 * 1024, 256 * 1024 * 1024  # bytes
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1.0, 10.0, 1.4
WHOLE = 60.0  # seconds for all of an answer that is no clip
MOST_TRIES = 5  # times in a row that a question about a clip, or its download, may go wrong
MOST_HOPS = 5  # times that a clip may be said to lie elsewhere
MOST_BOXES = 10_000  # that an MP4 is made of, at its top
BUSY = frozenset({429, 500, 502, 503, 504})
AT_WORK = frozenset({"queued", "pending", "in_progress", "processing", "running"})
LONGEST_WORDS, LONGEST_SHOWN = 500, 80
PASSED_ON = "llm_provider-retry-after"  # where LiteLLM's proxy puts a Retry-After it was told


class Trouble(Exception):
    """An answer that is none: the connection broke, the service is busy, or says no JSON."""

    def __init__(self, message: str, seconds: float | None = None, *, sure: bool = True) -> None:
        self.seconds, self.sure = seconds, sure
        super().__init__(message)


class OpenAICompatible:
    """One such service, at a base URL that ends before `/videos`."""

    def __init__(self, chosen: Chosen) -> None:
        if not chosen.url.startswith(("http://", "https://")):
            raise Misconfigured("PROMPT_REPO_VIDEO_URL must name the video service: https://…/v1")
        if re.search(r"[@?#]", chosen.url):  # it is shown with every clip
            raise Misconfigured(
                "PROMPT_REPO_VIDEO_URL must have no user, password or query, for everybody sees "
                "it; PROMPT_REPO_VIDEO_KEY is the place for a key"
            )
        if not (chosen.key.isascii() and chosen.key.isprintable()):
            raise Misconfigured("PROMPT_REPO_VIDEO_KEY must be one line of plain ASCII")
        if not chosen.model:
            raise Misconfigured("PROMPT_REPO_VIDEO_MODEL must name the model to ask for")
        self._chosen, self._base = chosen, chosen.url.rstrip("/")

    @property
    def settings(self) -> Mapping[str, Any]:
        """What shapes its clips."""
        chosen = self._chosen
        return {
            "url": self._base,
            "model": chosen.model,
            "size": f"{chosen.width}x{chosen.height}",
            "seconds": chosen.seconds,
        }

    def make(self, brief: Brief, target: Path, told: Told) -> Mapping[str, Any]:
        """Asks for a clip, waits for it, fetches it."""
        try:
            with self._client() as client:
                return self._made(client, brief, target, told)
        except (VideoFailed, VideoAway) as error:  # whatever its words are made of
            error.args = (self._without_key(str(error)),)
            raise

    def _made(
        self, client: httpx.Client, brief: Brief, target: Path, told: Told
    ) -> Mapping[str, Any]:
        begun = self._create(client, brief, told)
        ident = self._name_of(begun)
        told.named(ident)
        told.say(f"The service calls this clip {_brief(ident)}")
        try:
            self._check_status(begun)
            self._wait(client, ident, told)
            told.at(0.95, "Fetching the clip")
            size = self._fetch(client, ident, target)
        finally:  # fetched, failed, or out of time: nobody wants it there any more
            self._delete(client, ident)
        told.say(f"Fetched {size:,} bytes")
        return {"seconds": self._chosen.seconds, "remote_id": ident}

    def give_up(self, remote_id: str) -> None:
        """Asks the service to drop a clip; some can't."""
        with self._client() as client:
            self._delete(client, remote_id)

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self._chosen.key}"} if self._chosen.key else {}
        return httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(READ, connect=CONNECT),
            trust_env=False,
        )

    def _check_way(self, there: httpx.URL) -> None:
        """Lets a service send us on within its own address and to the open internet.

        A clip's address leads elsewhere as a rule (the provider's storage); it must not have us
        read what only this machine reaches, and show that as a clip.
        """
        base = httpx.URL(self._base)
        if (there.scheme, there.host, there.port) == (base.scheme, base.host, base.port):
            return
        try:
            outbound.check(str(there.copy_with(query=None, fragment=None)), self._chosen.networks)
        except outbound.Unreachable as error:
            raise VideoFailed(
                f"the clip can't be fetched where the service says: {error}"
            ) from error

    def _create(self, client: httpx.Client, brief: Brief, told: Told) -> Mapping[str, Any]:
        told.at(0.02, "Asking the video service")
        seconds = self._chosen.seconds
        fields = {
            "model": self._chosen.model,
            "prompt": brief.text,
            "size": f"{self._chosen.width}x{self._chosen.height}",
            "seconds": str(int(seconds) if seconds == int(seconds) else seconds),
        }
        try:
            # A multipart form without a file: that is how the contract has it.
            parts = [(name, (None, value)) for name, value in fields.items()]
            return self._asked(client, "POST", "", files=parts)
        except Trouble as trouble:
            if trouble.sure:
                raise VideoAway(str(trouble), trouble.seconds) from trouble
            raise VideoFailed(str(trouble)) from trouble

    def _name_of(self, found: Mapping[str, Any]) -> str:
        """What the service calls the clip; a name is shown, so none has the key in it."""
        ident, key = found.get("id"), self._chosen.key
        if not (isinstance(ident, str) and 0 < len(ident) <= LONGEST_NAME and ident.isprintable()):
            raise VideoFailed("the video service accepted the prompt and named no clip")
        if key and key in ident:
            raise VideoFailed("the video service named its clip by the key")
        return ident

    def _wait(self, client: httpx.Client, ident: str, told: Told) -> None:
        end, pause, troubles = time.monotonic() + self._chosen.patience, FIRST_PAUSE, 0
        while time.monotonic() < end:
            time.sleep(min(pause, max(0.0, end - time.monotonic())))
            pause = min(pause * GROWTH, LONGEST_PAUSE)
            try:
                found = self._asked(client, "GET", f"/{_path(ident)}")
            except Trouble as trouble:
                troubles += 1
                told.say(self._without_key(str(trouble)))
                if troubles >= MOST_TRIES:
                    raise VideoFailed(f"{trouble} ({troubles} times in a row)") from trouble
                pause = min(trouble.seconds or pause, 60.0)
                continue
            troubles = 0
            if self._check_status(found):
                return
            share = _percent(found.get("progress"))
            doing = str(found.get("status")).replace("_", " ")
            told.at(0.05 + 0.9 * share, f"The video service has it: {doing}"[:80])
        raise VideoFailed(
            f"the video service had not made the clip after {self._chosen.patience:.0f} s"
        )

    def _check_status(self, found: Mapping[str, Any]) -> bool:
        """Whether the clip is there; raises VideoFailed where it never will be."""
        status = str(found.get("status"))
        if status == "completed":
            return True
        if status in AT_WORK:
            return False
        said = self._without_key(status)[:40]
        words = self._words(found) or f"the video service says its clip is {said!r}"
        raise VideoFailed(words)

    def _fetch(self, client: httpx.Client, ident: str, target: Path) -> int:
        for attempt in range(1, MOST_TRIES + 1):
            try:
                return self._download(client, ident, target)
            except Trouble as trouble:
                if attempt == MOST_TRIES:
                    raise VideoFailed(str(trouble)) from trouble
                time.sleep(min(trouble.seconds or attempt, 30))
        raise AssertionError("the last attempt returns or raises")

    def _download(self, client: httpx.Client, ident: str, target: Path) -> int:
        size, end = 0, time.monotonic() + self._chosen.patience
        try:
            with self._content(client, ident) as answer:
                if answer.status_code != 200:
                    self._refuse(answer, _body(answer))
                with target.open("wb") as file:
                    for piece in answer.iter_bytes():
                        size += len(piece)
                        if size > LARGEST_CLIP:
                            raise VideoFailed(f"the clip has more than {LARGEST_CLIP:,} bytes")
                        if time.monotonic() > end:
                            raise VideoFailed("the clip came too slowly to be fetched")
                        file.write(piece)
        except httpx.HTTPError as error:
            raise Trouble(
                f"the clip broke off after {size:,} bytes: {self._kind(error)}"
            ) from error
        if not is_mp4(target):
            raise VideoFailed("the video service sent something that is no MP4, or not all of one")
        return size

    @contextmanager
    def _content(self, client: httpx.Client, ident: str) -> Iterator[httpx.Response]:
        """The answer that is to be the clip, wherever the service says that lies."""
        request: httpx.Request | None = client.build_request(
            "GET", f"{self._base}/videos/{_path(ident)}/content"
        )
        for _ in range(MOST_HOPS + 1):
            assert request is not None
            answer = client.send(request, stream=True)
            try:
                request = answer.next_request  # without the key, where that leads elsewhere
                if request is None:
                    yield answer
                    return
                self._check_way(request.url)
            finally:
                answer.close()
        raise VideoFailed(f"the video service sent us on more than {MOST_HOPS} times")

    def _asked(self, client: httpx.Client, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The JSON object that the service answers; raises Trouble and VideoFailed."""
        try:
            with client.stream(method, f"{self._base}/videos{path}", **more) as answer:
                body = _body(answer)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Trouble(f"the video service can't be reached: {self._kind(error)}") from error
        except httpx.InvalidURL as error:
            raise VideoFailed(f"PROMPT_REPO_VIDEO_URL can't be used: {error}") from error
        except httpx.HTTPError as error:
            words = f"the video service did not answer to the end: {self._kind(error)}"
            raise Trouble(words, sure=False) from error
        if not answer.is_success:
            self._refuse(answer, body)
        found = _json(body)
        if not isinstance(found, dict):
            raise Trouble("the video service gave an answer that is no JSON object", sure=False)
        return found

    def _refuse(self, answer: httpx.Response, body: bytes) -> None:
        said = self._words(_json(body)) or self._plain(body)
        if answer.has_redirect_location:
            said = "it is not here; PROMPT_REPO_VIDEO_URL must be where it is itself"
        words = f"the video service answers {answer.status_code}{': ' if said else ''}{said}"
        if answer.status_code in BUSY:
            raise Trouble(words, _retry_after(answer))
        raise VideoFailed(words)

    def _words(self, found: Any) -> str:
        """What a service says is wrong, wherever in its answer it says so."""
        error = found.get("error") or found.get("detail") if isinstance(found, dict) else None
        if isinstance(error, dict):
            error = error.get("message") or error.get("code")
        return self._without_key(str(error)) if error else ""

    def _plain(self, body: bytes) -> str:
        text = body[:4096].decode("utf-8", "replace")
        return self._without_key(text) if "<" not in text[:200] else ""

    def _without_key(self, text: str) -> str:
        """What a service says, as it may be shown and stored."""
        key, line = self._chosen.key, cleaned(" ".join(text.split()))
        return (line.replace(key, "…") if key else line)[:LONGEST_WORDS]

    def _kind(self, error: Exception) -> str:
        return self._without_key(str(error))[:200] or type(error).__name__

    def _delete(self, client: httpx.Client, ident: str) -> None:
        url, status = f"{self._base}/videos/{_path(ident)}", 0
        try:
            with client.stream("DELETE", url, timeout=CONNECT) as answer:
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.info("a clip was not deleted at the service", why=self._kind(error))
        else:
            if status not in (200, 202, 204, 404, 405):
                log.info("a clip was not deleted", clip=ident, status=status)


def is_mp4(path: Path) -> bool:
    """Whether a file is a whole MP4: its boxes end where it does, and tell what is in it."""
    kinds, at, size = list[bytes](), 0, path.stat().st_size
    with path.open("rb") as file:
        while at < size and len(kinds) < MOST_BOXES:
            file.seek(at)
            head = file.read(16)
            length, kind = int.from_bytes(head[:4]), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16])
            at, before = size if length == 0 else at + length, at
            if at < before + 8:
                return False
            kinds.append(kind)
    return at == size and kinds[:1] == [b"ftyp"] and b"moov" in kinds


def _path(ident: str) -> str:
    """A service's own id as one step of an address."""
    safe = str(httpx.QueryParams({"i": ident}))[2:].replace("+", "%20")
    return safe if safe not in (".", "..") else "%2E"


def _brief(ident: str) -> str:
    """An id as a line of a log shows it: proxies' are longer than anybody reads."""
    return ident if len(ident) <= LONGEST_SHOWN else f"{ident[:LONGEST_SHOWN]}…"


def _body(answer: httpx.Response) -> bytes:
    """All of an answer that is no clip; raises VideoFailed, Trouble where it never ends."""
    body, end = b"", time.monotonic() + WHOLE
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise VideoFailed("the video service answered more than can be an answer")
        if time.monotonic() > end:
            raise Trouble("the video service answered too slowly", sure=False)
    return body


def _json(body: bytes) -> Any:
    try:
        return httpx.Response(200, content=body).json()
    except (ValueError, RecursionError):
        return None


def _percent(progress: Any) -> float:
    if not isinstance(progress, int | float) or progress != progress:  # NaN is in what Python reads
        return 0.0
    return max(0, min(progress, 100)) / 100


def _retry_after(answer: httpx.Response) -> float | None:
    told = answer.headers.get("Retry-After", answer.headers.get(PASSED_ON, "")).strip()
    if told.isascii() and told.isdigit():
        return float(min(int(told[:6]), 3600))
    try:
        left = (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(left, 1.0), 3600.0)
