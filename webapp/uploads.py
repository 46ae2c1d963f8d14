"""Files that are sent to be imported: to disk as they arrive, never held in memory."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from flask import Request, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from webapp.arrivals import Places
from webapp.git_bodies import Body
from webapp.services import settings

SECONDS = 1800  # that a file may take to arrive
AT_ONCE = 4
_places = Places(AT_ONCE)


@contextmanager
def sent(name: str) -> Iterator[Path]:
    """The body of this request as a file, for as long as the block runs.

    Raises HTTP exceptions for one that is too long, too slow, or broke off.
    """
    with tempfile.TemporaryDirectory(prefix="import-") as folder:
        target = Path(folder) / name
        with _places.taken(request.remote_addr or ""), target.open("wb") as file:
            for piece in _body().pieces():
                file.write(piece)
        yield target


def take_form(wanted: Request) -> None:
    """Reads a form with a file that is larger than other forms may be; the file goes to disk."""
    kind, options = parse_options_header(wanted.headers.get("Content-Type", ""))
    if kind != "multipart/form-data":
        return
    most = settings().max_import_bytes
    if (wanted.content_length or 0) > most:
        raise RequestEntityTooLarge(f"what was sent is too large; {most:,} bytes are the most")
    parser = FormDataParser(max_form_memory_size=1_000_000, max_form_parts=1_000)
    with _places.taken(wanted.remote_addr or ""):
        stream: Any = _Stream(_body())
        _, form, files = parser.parse(stream, kind, wanted.content_length, options)
    wanted.__dict__["form"], wanted.__dict__["files"] = form, files


def kept(stream: IO[bytes], target: Path) -> None:
    """Puts an uploaded file where it can be read again and again."""
    with target.open("wb") as file:
        while piece := stream.read(1 << 20):
            file.write(piece)


def _body() -> Body:
    return Body(request.environ, settings().max_import_bytes, SECONDS)


class _Stream:
    """A body as werkzeug's parser reads one."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        """As a file's."""
        return self._body.read(size if size > 0 else 1 << 16)
