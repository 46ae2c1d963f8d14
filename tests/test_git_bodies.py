"""Bodies of git clients, piece by piece."""

import gzip
from io import BytesIO
from typing import Any

import pytest
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout

from webapp.arrivals import BODY
from webapp.git_bodies import Body


def environ(raw: bytes, **more: Any) -> dict[str, Any]:
    return {BODY: BytesIO(raw), "wsgi.input": BytesIO(b"never read"), **more}


def body(raw: bytes, most: int = 1_000_000, seconds: float = 60, **more: Any) -> Body:
    return Body(environ(raw, **({"CONTENT_LENGTH": str(len(raw))} | more)), most, seconds)


def test_a_few_bytes_first_and_then_the_rest() -> None:
    """What was read is not given again."""
    sent = body(b"0123456789" * 20_000)

    first = [sent.read(4), sent.read(4)]
    rest = b"".join(sent.pieces())

    assert [b"0123", b"4567"] == first
    assert 200_000 - 8 == len(rest)
    assert b"" == sent.read(1)


def test_no_more_than_its_length_is_read() -> None:
    """What follows on the connection is another request."""
    raw = BytesIO(b"thisandmore")

    sent = Body({BODY: raw, "CONTENT_LENGTH": "4"}, 100, 60)

    assert b"this" == b"".join(sent.pieces())
    assert b"andmore" == raw.read()


def test_chunks_are_read_to_their_end() -> None:
    """Where the server says that it ends the stream; without that, nothing is read."""
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}

    ended = body(b"abc", **chunked, **{"wsgi.input_terminated": True})
    open_ended = body(b"abc", **chunked)

    assert (b"abc", b"") == (b"".join(ended.pieces()), b"".join(open_ended.pieces()))


def test_gzip_is_unpacked_as_it_comes() -> None:
    """And bounded by what comes out of it; what is no gzip is refused."""
    zipped = {"HTTP_CONTENT_ENCODING": "gzip"}
    text = b"want " * 50_000

    assert text == b"".join(body(gzip.compress(text), **zipped).pieces())
    with pytest.raises(RequestEntityTooLarge):
        body(gzip.compress(b"0" * 5_000_000), **zipped).drain()
    with pytest.raises(ClientDisconnected):
        body(b"no gzip", **zipped).drain()


def test_too_much_too_little_and_too_late_are_refused() -> None:
    """Each by its own status."""
    with pytest.raises(RequestEntityTooLarge):
        body(b"0" * 11, most=10).drain()
    with pytest.raises(ClientDisconnected):
        body(b"short", CONTENT_LENGTH="50").drain()
    with pytest.raises(RequestTimeout):
        body(b"late", seconds=-1).drain()
