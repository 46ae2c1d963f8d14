"""The client of the Videos API against services that mean it badly, or are not what they seem."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.test_video_openai import BRIEF, Heard, client
from tests.video_server import CLIP, KEY, VideoServer, box, say, serving, stall
from webapp import video_openai
from webapp.video import Chosen, Misconfigured, VideoAway, VideoFailed
from webapp.video_openai import OpenAICompatible

INSIDE = "http://127.0.0.1:9/admin"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a server of this machine."""
    monkeypatch.setattr(video_openai, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(video_openai, "LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(video_openai, "READ", 0.5)
    monkeypatch.setattr(video_openai, "MOST_TRIES", 1)


def test_a_key_that_no_header_can_hold_is_refused_unshown() -> None:
    """Two lines of a file, say: the library's own complaint would show it to everybody."""
    for key in ("sk-one\nsk-two", "sk-schlüssel", "sk-\x7f"):
        chosen = Chosen("openai-compatible", "http://x/v1", key, "m", 1280, 720, 4.0)
        with pytest.raises(Misconfigured, match="PROMPT_REPO_VIDEO_KEY") as caught:
            OpenAICompatible(chosen)
        assert "sk-" not in str(caught.value)


def test_a_delete_that_sends_us_on_spoils_no_clip(server: VideoServer, tmp_path: Path) -> None:
    """It is not followed, and the clip is here already."""
    server.answers["delete"] = lambda request: say(request, 302, b"", Location=INSIDE)

    client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert CLIP == (tmp_path / "clip.mp4").read_bytes()
    client(server).give_up("video_1")


def _endless(
    status: int, gone: list[BaseHTTPRequestHandler]
) -> Callable[[BaseHTTPRequestHandler], bool]:
    def answer(request: BaseHTTPRequestHandler) -> bool:
        request.close_connection = True
        request.send_response(status)
        request.end_headers()
        try:
            for _ in range(1_000):  # 64 MB, unless the other side goes away
                request.wfile.write(b"x" * 65_536)
        except OSError:
            gone.append(request)
        return True

    return answer


def test_an_error_without_end_is_not_read_to_it(server: VideoServer, tmp_path: Path) -> None:
    """As an answer where the clip should be; a machine's memory is not for that."""
    server.answers["content"] = _endless(500, [])

    with pytest.raises(VideoFailed, match="more than can be an answer"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert ["video_1"] == server.deleted


def test_a_delete_without_end_is_not_read() -> None:
    """Its status says it all, and we go away."""
    gone: list[BaseHTTPRequestHandler] = []
    with serving() as server:
        server.answers["delete"] = _endless(200, gone)
        client(server).give_up("video_1")

    assert 1 == len(gone)


def test_what_stands_in_a_redirect_is_not_read(server: VideoServer, tmp_path: Path) -> None:
    """One that never ends leads on all the same."""

    def content(request: BaseHTTPRequestHandler) -> bool:
        if "part=2" in request.path:
            return False
        request.send_response(302)
        request.send_header("Location", f"{request.path}?part=2")
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        request.wfile.flush()
        return not server.stopped.wait(5)

    server.answers["content"] = content

    client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert CLIP == (tmp_path / "clip.mp4").read_bytes()


@pytest.mark.parametrize(
    "there", ["http://[", "http://x:99999999/", "//", "ftp://x/clip", "http://\x01/", "\xff\xfe"]
)
def test_a_redirect_to_nowhere_ends_it(server: VideoServer, tmp_path: Path, there: str) -> None:
    """With a reason, and the clip is given up."""
    server.answers["content"] = lambda request: say(request, 302, b"", Location=there)

    with pytest.raises(VideoFailed):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert ["video_1"] == server.deleted


def test_a_redirect_in_a_circle_ends_it(server: VideoServer, tmp_path: Path) -> None:
    """After some turns."""
    server.answers["content"] = lambda request: say(request, 302, b"", Location=request.path)

    with pytest.raises(VideoFailed, match="sent us on more than"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


def test_a_create_that_sends_us_on_names_the_setting(server: VideoServer, tmp_path: Path) -> None:
    """A prompt is sent where the settings say, and nowhere else."""
    server.answers["create"] = lambda request: say(request, 301, b"", Location=INSIDE)

    with pytest.raises(VideoFailed, match="301: it is not here; PROMPT_REPO_VIDEO_URL"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


def _raw(request: BaseHTTPRequestHandler, line: str) -> bool:
    request.close_connection = True
    request.wfile.write(line.encode() + b"\r\n\r\n")
    return True


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: say(request, 200, {"id": "video_1", "status": KEY * 3}),
        lambda request: say(request, 200, {"id": KEY, "status": "queued"}),
        lambda request: say(request, 200, {"id": "video_1", "status": "x", "error": [KEY]}),
        lambda request: say(request, 418, KEY.encode()),
        lambda request: _raw(request, f"Authorization: Bearer {KEY}"),
        lambda request: _raw(request, f"{'x' * 150} Bearer {KEY * 9}"),
        lambda request: _raw(request, f"HTTP/1.1 200 OK\r\n{KEY}"),
    ],
)
def test_the_key_is_not_shown_however_it_comes_back(
    server: VideoServer, tmp_path: Path, answer: Callable[[BaseHTTPRequestHandler], bool]
) -> None:
    """Neither as a status, nor a name, nor in what a library quotes, nor cut in the middle."""
    server.answers["create"] = answer
    heard = Heard()

    with pytest.raises((VideoFailed, VideoAway)) as caught:
        client(server).make(BRIEF, tmp_path / "clip.mp4", heard)

    assert KEY[:9] not in f"{caught.value} {heard.lines} {heard.names}"


def test_a_status_that_nobody_knows_gives_the_clip_up(server: VideoServer, tmp_path: Path) -> None:
    """At the creating too: what was begun there is called off, not left to be paid for."""
    begun = {"id": "video_7", "status": "daydreaming"}
    server.answers["create"] = lambda request: say(request, 200, begun)

    with pytest.raises(VideoFailed, match="says its clip is 'daydreaming'"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert ["video_7"] == server.deleted


def test_a_clip_that_cant_be_kept_is_given_up(server: VideoServer, tmp_path: Path) -> None:
    """Whatever goes wrong on our side, the time that a job has being over, too."""
    with pytest.raises(FileNotFoundError):
        client(server).make(BRIEF, tmp_path / "no such folder" / "clip.mp4", Heard())

    assert ["video_1"] == server.deleted


@pytest.mark.parametrize(
    "clip",
    [
        CLIP[:-1],
        CLIP[:40],
        CLIP[:3],
        b"",
        b"<html>",
        box(b"ftyp", b"isom"),
        box(b"moov", b"") + box(b"ftyp", b"isom"),
        box(b"ftyp", b"isom") + b"\x00\x00\x00\x01moov" + b"\xff" * 8,
        box(b"ftyp", b"isom") + b"\x00\x00\x00\x02moov" + b"\xff" * 8,
    ],
)
def test_part_of_a_clip_is_no_clip(server: VideoServer, tmp_path: Path, clip: bytes) -> None:
    """A service that lies about how long it is has sent one that would not play."""
    server.answers["content"] = lambda request: say(request, 200, clip, Content_Type="video/mp4")

    with pytest.raises(VideoFailed, match="no MP4, or not all of one"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("-5", None, None),
        ("99999999999999999999", 1.0, 3600.0),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 1.0, 1.0),
        ("Mon, 01 Jan 2999 00:00:00 GMT", 3600.0, 3600.0),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None, None),
        ("1e9", None, None),
        ("soon", None, None),
    ],
)
def test_when_to_come_back_is_a_time_or_nothing(
    server: VideoServer, tmp_path: Path, told: str, least: float | None, most: float | None
) -> None:
    """Whatever a service writes there, we come back, and within the hour."""
    server.answers["create"] = lambda request: say(request, 429, {}, Retry_After=told)

    with pytest.raises(VideoAway) as caught:
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    found = caught.value.seconds
    assert found is None if least is None or most is None else least <= (found or 0) <= most


def test_an_answer_that_drips_ends(
    server: VideoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each letter comes in time, all of it never does."""
    monkeypatch.setattr(video_openai, "WHOLE", 0.3)

    def drip(request: BaseHTTPRequestHandler) -> bool:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        try:
            while not server.stopped.wait(0.05):
                request.wfile.write(b" ")
                request.wfile.flush()
        except OSError:
            request.close_connection = True
        return True

    server.answers["create"] = drip

    with pytest.raises(VideoFailed, match="too slowly"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


def test_chunks_that_are_none_end_it(server: VideoServer, tmp_path: Path) -> None:
    """As a connection that breaks off does."""

    def content(request: BaseHTTPRequestHandler) -> bool:
        request.close_connection = True
        request.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense")
        return True

    server.answers["content"] = content

    with pytest.raises(VideoFailed, match="broke off after 0 bytes"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


def test_a_stalled_clip_ends_and_is_given_up(server: VideoServer, tmp_path: Path) -> None:
    """It is deleted there."""
    server.answers["content"] = stall(server)

    with pytest.raises(VideoFailed, match="broke off after 100 bytes"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert ["video_1"] == server.deleted
