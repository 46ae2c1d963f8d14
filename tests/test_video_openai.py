"""The client of the Videos API against a real server: what goes well, and all that doesn't."""

import ipaddress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.video_server import CLIP, KEY, VideoServer, say, serving, stall
from webapp import video_openai
from webapp.video import Brief, Chosen, Misconfigured, VideoAway, VideoFailed
from webapp.video_openai import OpenAICompatible

BRIEF = Brief("Aria fumes.\nSlow push-in, “warm”. 🙂", "Aria", "angry", "Angry", "#dc2626")


@dataclass
class Heard:
    """What a service told."""

    lines: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    fractions: list[float] = field(default_factory=list)

    def at(self, fraction: float, doing: str = "") -> None:
        self.fractions.append(fraction)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def named(self, remote_id: str) -> None:
        self.names.append(remote_id)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of this client, which are for services far away, are short here."""
    monkeypatch.setattr(video_openai, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(video_openai, "LONGEST_PAUSE", 0.02)


def client(server: VideoServer, patience: float = 30.0) -> OpenAICompatible:
    chosen = Chosen("openai-compatible", server.url, KEY, "wan-2", 1280, 720, 4.0, patience)
    return OpenAICompatible(chosen)


def test_a_clip_is_made_fetched_and_deleted_there(server: VideoServer, tmp_path: Path) -> None:
    """The text arrives exactly, with the model, the size and the seconds; the key goes along."""
    heard = Heard()

    client(server).make(BRIEF, tmp_path / "clip.mp4", heard)

    wanted = {"model": "wan-2", "prompt": BRIEF.text, "size": "1280x720", "seconds": "4"}
    assert [wanted] == server.created
    assert CLIP == (tmp_path / "clip.mp4").read_bytes()
    assert (["video_1"], ["video_1"]) == (heard.names, server.deleted)
    assert [f"Bearer {KEY}"] == server.keys
    assert sorted(heard.fractions) == heard.fractions


def test_a_proxys_long_name_of_a_clip_leads_to_it(server: VideoServer, tmp_path: Path) -> None:
    """LiteLLM's proxy puts its own way to a clip into the name, in base64: 200 letters and more."""
    server.prefix = "video_" + "bGl0ZWxsbTpjdXN0b21fbGxt" * 30 + "=="
    heard = Heard()

    facts = client(server).make(BRIEF, tmp_path / "clip.mp4", heard)

    assert [f"{server.prefix}1"] == heard.names == [facts["remote_id"]]
    assert CLIP == (tmp_path / "clip.mp4").read_bytes()
    assert all(len(line) < 150 for line in heard.lines)


def test_what_it_shows_of_its_settings_holds_no_key(server: VideoServer) -> None:
    """People see the model and the address."""
    shown = client(server).settings

    assert "wan-2" == shown["model"]
    assert KEY not in str(shown)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry_After": "7"}, 7.0),
        (429, {"llm_provider-retry-after": "7"}, 7.0),
        (503, {}, None),
        (500, {}, None),
    ],
)
def test_a_busy_service_may_be_asked_later(
    server: VideoServer, tmp_path: Path, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    """Nothing has begun, so the job tries again: when the service says, or by its own pauses."""
    words = {"error": {"message": "come back later"}}
    server.answers["create"] = lambda request: say(request, status, words, **headers)

    with pytest.raises(VideoAway, match="come back later") as caught:
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert seconds == caught.value.seconds


def test_nobody_at_the_address_may_be_asked_later(tmp_path: Path) -> None:
    """A service that is being restarted, say."""
    gone = VideoServer(url="http://127.0.0.1:9/v1")

    with pytest.raises(VideoAway, match="can't be reached"):
        client(gone).make(BRIEF, tmp_path / "clip.mp4", Heard())


def test_a_refusal_is_told_in_the_services_words_without_the_key(
    server: VideoServer, tmp_path: Path
) -> None:
    """And is final."""
    words = {"error": {"message": f"prompt refused for {KEY}: too violent"}}
    server.answers["create"] = lambda request: say(request, 400, words)

    with pytest.raises(VideoFailed) as caught:
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert "400" in str(caught.value)
    assert "too violent" in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_failed_clip_is_told_in_the_services_words(server: VideoServer, tmp_path: Path) -> None:
    """What the service says of it, and it is deleted there."""
    answer = {"status": "failed", "error": {"code": "x", "message": "the GPU is on fire"}}
    server.answers["poll"] = lambda request: say(request, 200, answer)

    with pytest.raises(VideoFailed, match="the GPU is on fire"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert ["video_1"] == server.deleted


@pytest.mark.parametrize("progress", ["NaN", "-Infinity", "9" * 400, '"half"', "null", "true"])
def test_progress_that_is_none_is_none(server: VideoServer, tmp_path: Path, progress: str) -> None:
    """Whatever a service calls it, pages show a share of a whole."""
    odd = b'{"status": "in_progress", "progress": %s}' % progress.encode()
    bad = [lambda request: say(request, 200, odd)]
    server.answers["poll"] = lambda request: bool(bad) and bad.pop()(request)
    heard = Heard()

    client(server).make(BRIEF, tmp_path / "clip.mp4", heard)

    assert all(0 <= each <= 1 for each in heard.fractions)


@pytest.mark.parametrize("status", [[], {}, None, 7])
def test_a_status_that_is_no_word_ends_it(
    server: VideoServer, tmp_path: Path, status: object
) -> None:
    """As one that nobody knows does."""
    server.answers["poll"] = lambda request: say(request, 200, {"status": status})

    with pytest.raises(VideoFailed, match="says its clip is"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


def test_words_that_no_database_can_keep_are_told_all_the_same(
    server: VideoServer, tmp_path: Path
) -> None:
    """NUL, half a surrogate pair, and what a terminal would obey, by their codes."""
    words = {"status": "failed", "error": {"message": "out of\n  \x00 \ud800 \x1b[31m luck"}}
    server.answers["poll"] = lambda request: say(request, 200, words)

    with pytest.raises(VideoFailed, match=r"out of \\x00 \\xd800 \\x1b\[31m luck"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


@pytest.mark.parametrize("ident", ["a\x00b", "\ud800", "two\nlines", ""])
def test_a_clip_is_called_what_can_be_printed(
    server: VideoServer, tmp_path: Path, ident: str
) -> None:
    """Any other name is none."""
    server.answers["create"] = lambda request: say(request, 200, {"id": ident, "status": "queued"})

    with pytest.raises(VideoFailed, match="named no clip"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


@pytest.mark.parametrize("body", [b"<html>oops</html>", b"[1]", b"", b"[" * 100_000])
def test_garbage_is_no_clip(server: VideoServer, tmp_path: Path, body: bytes) -> None:
    """As an answer to creating, which may have begun something, it is final."""
    server.answers["create"] = lambda request: say(request, 200, body)

    with pytest.raises(VideoFailed, match="no JSON object"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


def test_some_garbage_between_is_lived_through(server: VideoServer, tmp_path: Path) -> None:
    """A gateway that answers HTML or 502 for a moment."""
    bad = [lambda request: say(request, 502, b"<html>"), lambda request: say(request, 200, b"no")]
    server.answers["poll"] = lambda request: bool(bad) and bad.pop()(request)

    client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert CLIP == (tmp_path / "clip.mp4").read_bytes()


def test_garbage_for_ever_ends(server: VideoServer, tmp_path: Path) -> None:
    """After some times in a row; nothing is created twice."""
    server.answers["poll"] = lambda request: say(request, 200, b"no")

    with pytest.raises(VideoFailed, match="times in a row"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert 1 == len(server.created)


def test_a_clip_that_never_comes_ends(server: VideoServer, tmp_path: Path) -> None:
    """Within the patience there is."""
    server.polls = 10**6

    with pytest.raises(VideoFailed, match="had not made the clip"):
        client(server, patience=0.3).make(BRIEF, tmp_path / "clip.mp4", Heard())


def test_a_stalled_download_ends(
    server: VideoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that stops sending is left."""
    monkeypatch.setattr(video_openai, "READ", 0.2)
    monkeypatch.setattr(video_openai, "MOST_TRIES", 1)
    server.answers["content"] = stall(server)

    with pytest.raises(VideoFailed, match="broke off after 100 bytes"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


def test_a_download_that_breaks_off_is_begun_again(server: VideoServer, tmp_path: Path) -> None:
    """The second time it comes whole."""
    short = [lambda request: say(request, 200, CLIP[:50], length="5000")]
    server.answers["content"] = lambda request: bool(short) and _cut(request, short.pop())

    client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert CLIP == (tmp_path / "clip.mp4").read_bytes()


def _sends_on(server: VideoServer, elsewhere: VideoServer) -> None:
    there = f"{elsewhere.url}/videos/video_9/content?signature={'s' * 3000}"
    server.answers["content"] = lambda request: say(request, 302, b"", Location=there)


def test_a_service_sends_us_nowhere_inside(server: VideoServer, tmp_path: Path) -> None:
    """Another server of this machine is not asked, whatever a service answers."""
    asked = []
    with serving() as inside:
        inside.answers["content"] = lambda request: bool(asked.append(request.path))
        _sends_on(server, inside)
        with pytest.raises(VideoFailed, match=r"127\.0\.0\.1, which is no public address"):
            client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert [] == asked


def test_a_network_of_ones_own_may_hold_the_clips(server: VideoServer, tmp_path: Path) -> None:
    """Where the settings name it."""
    chosen = Chosen(
        "openai-compatible", server.url, KEY, "wan-2", 1280, 720, 4.0, 30.0,
        (ipaddress.ip_network("127.0.0.0/8"),),
    )  # fmt: skip
    with serving() as inside:
        _sends_on(server, inside)
        OpenAICompatible(chosen).make(BRIEF, tmp_path / "clip.mp4", Heard())

    assert CLIP == (tmp_path / "clip.mp4").read_bytes()


def _cut(request, answer) -> bool:
    request.close_connection = True
    return answer(request)


def test_a_clip_is_bounded(
    server: VideoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody fills our disk."""
    monkeypatch.setattr(video_openai, "LARGEST_CLIP", 1000)

    with pytest.raises(VideoFailed, match="more than 1,000 bytes"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


def test_what_is_no_mp4_is_no_clip(server: VideoServer, tmp_path: Path) -> None:
    """A page that says sorry, say."""
    server.answers["content"] = lambda request: say(request, 200, b"<html>sorry, so sorry</html>")

    with pytest.raises(VideoFailed, match="no MP4"):
        client(server).make(BRIEF, tmp_path / "clip.mp4", Heard())


@pytest.mark.parametrize("status", [200, 404, 405, 500])
def test_giving_up_never_fails(server: VideoServer, status: int) -> None:
    """LiteLLM's proxy answers a DELETE with 405; a clip's name leads nowhere but to the clip."""
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> bool:
        asked.append(request.path)
        return say(request, status, {})

    server.answers["delete"] = answer

    client(server).give_up("../../video 1")

    assert ["/v1/videos/..%2F..%2Fvideo%201"] == asked


@pytest.mark.parametrize(
    ("url", "model"),
    [
        ("", "m"),
        ("ftp://x", "m"),
        ("http://x", ""),
        ("https://us:secret@x/v1", "m"),
        ("https://x/v1?key=secret", "m"),
    ],
)
def test_settings_that_lead_nowhere_are_refused(url: str, model: str) -> None:
    """With the variable that is wrong, and without what was secret in it."""
    with pytest.raises(Misconfigured, match="PROMPT_REPO_VIDEO_") as caught:
        OpenAICompatible(Chosen("openai-compatible", url, "", model, 1280, 720, 4.0))

    assert "secret" not in str(caught.value)
