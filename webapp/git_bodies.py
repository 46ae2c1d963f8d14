"""What a git client sends, piece by piece: chunked or not, gzipped or not, never held whole."""

import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout

from webapp.arrivals import BODY

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PIECE = 65_536  # bytes
GZIP = 31  # zlib's word for the format that HTTP calls gzip
SLOWEST = 512  # bytes a second, once some time has passed
PATIENCE = 60.0  # seconds


class Body:
    """The body of one request: `read` a few bytes of it, then go through its `pieces`.

    At most `most` bytes, unzipped, within `seconds`; raises HTTP exceptions beyond.
    """

    def __init__(self, environ: "WSGIEnvironment", most: int, seconds: float) -> None:
        self._source = environ.get(BODY) or environ["wsgi.input"]
        length = environ.get("CONTENT_LENGTH", "")
        chunked = "HTTP_TRANSFER_ENCODING" in environ
        self._left: int | None = int(length or 0) if length.isdecimal() else None
        if self._left is None and not (chunked and environ.get("wsgi.input_terminated")):
            self._left = 0
        self._most, self._began, self._seconds = most, time.monotonic(), seconds
        self._came = self._given = 0
        zipped = environ.get("HTTP_CONTENT_ENCODING", "").lower() in ("gzip", "x-gzip")
        self._unzip = zlib.decompressobj(GZIP) if zipped else None
        self._pieces = self._unzipped() if self._unzip is not None else self._plain()
        self._rest = b""

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    def pieces(self) -> Iterator[bytes]:
        """All that was not read yet."""
        while piece := self.read(PIECE):
            yield piece

    def drain(self) -> None:
        """Reads what is left, and forgets it."""
        for _ in self.pieces():
            pass

    def _plain(self) -> Iterator[bytes]:
        while piece := self._next():
            self._count(piece)
            yield piece

    def _unzipped(self) -> Iterator[bytes]:
        assert self._unzip is not None
        while piece := self._next():
            while piece:
                try:
                    found = self._unzip.decompress(piece, PIECE)
                except zlib.error as wrong:
                    raise ClientDisconnected("this is not gzip, though it says so") from wrong
                self._count(found)
                if found:
                    yield found
                piece = self._unzip.unconsumed_tail

    def _count(self, piece: bytes) -> None:
        self._given += len(piece)
        if self._given > self._most:
            raise RequestEntityTooLarge(
                f"what git sends is too large; {self._most:,} bytes are the most"
            )

    def _next(self) -> bytes:
        size = PIECE if self._left is None else min(PIECE, self._left)
        piece: bytes = self._source.read(size) if size else b""
        if self._left is not None:
            if size and not piece:
                raise ClientDisconnected("what was sent broke off, so nothing was done")
            self._left -= len(piece)
        self._came += len(piece)
        passed = time.monotonic() - self._began
        if passed > self._seconds or (passed > PATIENCE and self._came < passed * SLOWEST):
            raise RequestTimeout("this comes too slowly; nothing was done")
        return piece
