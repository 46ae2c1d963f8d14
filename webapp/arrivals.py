"""Bodies of requests: read whole, a bounded number at a time, and refused where they break off.

The server reads a body in the thread that answers, however slowly it comes. Without a bound, a
few dozen connections that send a byte now and then would hold every thread; with it, reads go on
being answered, and one address can't keep others from writing. A reverse proxy that collects
bodies before it passes them on (nginx does) takes care of the rest.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import (
    ClientDisconnected,
    LengthRequired,
    RequestEntityTooLarge,
    ServiceUnavailable,
)

from webapp.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BODY = "prompt_repo.body"
"""Where the WSGI environment keeps the server's own stream, for what is too long to be held."""
WAIT = 1.0  # seconds one waits for others' bodies; an honest one is there in milliseconds
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Arrivals:
    """Hands the application bodies that arrive whole when it first reads them."""

    def __init__(self, app: "WSGIApplication", settings: Settings) -> None:
        self._app, self._most = app, settings.max_body_bytes
        self._places = Places(max(1, settings.threads // 2))

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serves one request."""
        length = environ.get("CONTENT_LENGTH", "")
        if length not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ:
            environ[BODY] = environ["wsgi.input"]
            environ["wsgi.input"] = Arriving(environ, self._most, self._places)
        return self._app(environ, start_response)


class Places:
    """Who is reading a body just now: `most` at once, and half as many from one address."""

    def __init__(
        self, most: int, clock: Callable[[], float] = time.monotonic, wait: float = WAIT
    ) -> None:
        self._most, self._each = most, max(1, most // 2)
        self._clock, self._wait = clock, wait
        self._reading, self._taken = dict[str, int](), 0
        self._changed = threading.Condition()
        self._jammed_until: dict[str, float] = {}

    @contextmanager
    def taken(self, address: str) -> Iterator[None]:
        """A place while the block runs; raises ServiceUnavailable where none becomes free."""
        with self._changed:
            if not (self._free(address) or self._becomes_free(address)):
                self._jammed_until[address] = self._clock() + self._wait
                raise ServiceUnavailable(
                    "too many requests are being sent slowly; try again in a moment",
                    retry_after=5,
                )
            self._reading[address] = self._reading.get(address, 0) + 1
            self._taken += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken -= 1
                self._reading[address] -= 1
                if not self._reading[address]:
                    del self._reading[address]
                self._jammed_until.pop(address, None)
                self._changed.notify_all()

    def _free(self, address: str) -> bool:
        return self._taken < self._most and self._reading.get(address, 0) < self._each

    def _becomes_free(self, address: str) -> bool:
        """Waits for a place; who has just waited in vain would hold a thread for nothing."""
        now = self._clock()
        self._jammed_until = {who: end for who, end in self._jammed_until.items() if end > now}
        if address in self._jammed_until:
            return False
        return self._changed.wait_for(lambda: self._free(address), self._wait)


class Arriving:
    """A body as the application reads it: nothing is waited for until it does."""

    def __init__(self, environ: "WSGIEnvironment", most: int, places: Places) -> None:
        self._source, self._most, self._places = environ["wsgi.input"], most, places
        length = environ.get("CONTENT_LENGTH", "")
        self._length = int(length) if length.isascii() and length.isdecimal() else None
        self._is_form = environ.get("CONTENT_TYPE", "").lower().startswith(FORMS)
        self._ends = bool(environ.get("wsgi.input_terminated"))
        self._address: str = environ.get("REMOTE_ADDR", "")
        self._whole: BytesIO | None = None

    def read(self, size: int = -1) -> bytes:
        """As a file's; raises HTTP exceptions for a body that is too long, cut off, or slow."""
        return self._body().read(size)

    def readline(self, size: int = -1) -> bytes:
        """As a file's."""
        return self._body().readline(size)

    def readlines(self, hint: int = -1) -> list[bytes]:
        """As a file's."""
        return self._body().readlines(hint)

    def __iter__(self) -> Iterator[bytes]:
        """As a file's."""
        return iter(self._body())

    def _body(self) -> BytesIO:
        if self._whole is None:
            with self._places.taken(self._address):
                self._whole = BytesIO(self._arrived())
        return self._whole

    def _arrived(self) -> bytes:
        if self._length is None:
            # Where chunks break off, the server gives what came as if it were all. JSON tells
            # the difference by itself; a form does not.
            if self._is_form:
                raise LengthRequired("send a form with its Content-Length, not in chunks")
            found = self._exactly(self._most + 1) if self._ends else b""
            if len(found) > self._most:
                raise RequestEntityTooLarge
            return found
        if self._length > self._most:
            raise RequestEntityTooLarge
        found = self._exactly(self._length)
        if len(found) < self._length:
            raise ClientDisconnected("what was sent broke off, so nothing was done")
        return found

    def _exactly(self, length: int) -> bytes:
        parts: list[Any] = []
        while length > 0 and (part := self._source.read(length)):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)
