"""The client of services: from memory, fresh in the background, standing when the server isn't."""

import json
import os
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from prompt_repo.client import (
    BadAnswer,
    Client,
    InvalidFallback,
    PromptNotFound,
    Refused,
    ResolvedPrompt,
    ServerAway,
    UnknownEmotion,
)
from prompt_repo.repository import PRODUCTION, STAGING
from tests.client_studio import ANGRY, SERVER, Studio, settled
from tests.factories import put
from tests.web import served, services
from webapp import tokens
from webapp.access import Scope

DOCUMENT = Path(__file__).parent.parent / "docs" / "client.md"
ITEM = {
    "character": "aria",
    "emotion": "angry",
    "text": "x",
    "source": "global",
    "version": 1,
    "commit": "c",
    "etag": "e",
}
"""One prompt of an export, with all it needs."""


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    yield made
    made.close()


def test_a_prompt_is_asked_for_once(studio: Studio) -> None:
    """The second answer comes from memory, and is the same."""
    client = studio.client()

    first, second = client.get("bo", "angry"), client.get("bo", "angry")

    commit = studio.api.repository.head(STAGING)
    assert first == second
    assert first.fetched_at is not None
    assert first.etag
    assert replace(first, fetched_at=None, etag="") == ResolvedPrompt(
        "bo", "angry", STAGING, "Bo fumes.", "global", 1, commit, ""
    )
    assert len(studio.line.requests) == 1


def test_an_old_answer_is_given_at_once_and_asked_about_behind_it(studio: Studio) -> None:
    """Once however many want it; unchanged, that costs a 304."""
    client = studio.client(fresh_for=10)
    before = client.get("aria", "angry")
    studio.clock.now += 11
    go = studio.line.hold()

    given = [client.get("aria", "angry") for _ in range(5)]
    go.set()
    settled(client)

    assert [(each.text, each.age, each.stale) for each in given] == [(ANGRY, 11, False)] * 5
    assert studio.line.statuses == [200, 304]
    after = client.get("aria", "angry")
    assert (after.text, after.age) == (ANGRY, 0)
    assert before.fetched_at is not None
    assert after.fetched_at is not None
    assert after.fetched_at >= before.fetched_at


def test_an_edit_is_seen_by_the_get_after_the_next(studio: Studio) -> None:
    """The next one after `fresh_for` finds out, and the one after it has the text."""
    client = studio.client(fresh_for=10)
    client.get("aria", "angry")
    put(studio.api.repository, {"aria/angry": "Changed."})
    studio.clock.now += 11

    texts = [client.get("aria", "angry").text]
    settled(client)
    texts.append(client.get("aria", "angry").text)

    assert texts == [ANGRY, "Changed."]
    assert studio.line.statuses == [200, 200]


def test_one_thread_asks_for_all_and_only_when_needed(studio: Studio) -> None:
    """A client that never has to ask again has none."""
    client = studio.client(fresh_for=10)
    client.prefetch()
    before = client._worker
    studio.clock.now += 11
    go = studio.line.hold()
    for character in ("aria", "bo", "aria", "bo"):
        client.get(character, "angry")
    named = [each for each in threading.enumerate() if each.name == "prompt-repo client"]
    go.set()
    settled(client)

    assert before is None
    assert named == [client._worker]
    assert studio.line.statuses == [200, 304, 304]


def test_the_last_good_answer_outlives_the_server(studio: Studio) -> None:
    """It is given as stale while nobody answers, and fresh again afterwards."""
    client = studio.client(fresh_for=1)
    client.get("aria", "angry")
    studio.line.cut()
    studio.clock.now += 2
    client.get("aria", "angry")
    settled(client)

    kept = client.get("aria", "angry")

    assert (kept.text, kept.stale, kept.age) == (ANGRY, True, 2)
    with pytest.raises(ServerAway):
        client.get("bo", "angry")

    studio.line.instead = None
    studio.clock.now += 20
    client.get("aria", "angry")
    settled(client)
    assert not client.get("aria", "angry").stale


def test_a_server_that_is_away_is_not_hammered(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    """After a failure it is left alone for a while, then tried again; both are logged once."""
    caplog.set_level("INFO", "prompt_repo.client_server")
    client = studio.client()
    studio.line.cut()

    for _ in range(5):
        with pytest.raises(ServerAway):
            client.get("aria", "angry")
    assert len(studio.line.requests) == 1

    studio.line.instead = None
    studio.clock.now += 2
    assert client.get("aria", "angry").text == ANGRY
    assert [each.message for each in caplog.records] == [
        "the prompt server is away: no answer: ConnectError('nobody there')",
        "the prompt server answers again",
    ]


def test_one_bad_answer_is_about_one_prompt(studio: Studio) -> None:
    """The others are asked for as ever."""
    client = studio.client()
    studio.line.answer(httpx.Response(500, content=b"oops"), about="aria")

    for _ in range(2):
        with pytest.raises(BadAnswer):
            client.get("aria", "angry")

    assert client.get("bo", "angry").text == "Bo fumes."
    assert len(studio.line.requests) == 2


def test_the_background_thread_outlives_what_nobody_thought_of(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    """It logs it and goes on."""
    client = studio.client(fresh_for=1)
    client.get("aria", "angry")
    put(studio.api.repository, {"aria/angry": "Changed."})

    def broken(_request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    studio.line.instead = broken
    for _ in range(2):
        studio.clock.now += 2
        assert client.get("aria", "angry").text == ANGRY
        settled(client)
        studio.line.instead = None

    assert client.get("aria", "angry").text == "Changed."
    assert [each.message for each in caplog.records] == ["a prompt could not be asked about"]


def test_the_fallback_answers_where_nobody_else_can(studio: Studio, tmp_path: Path) -> None:
    """A file saved earlier stands in, and says so; nobody waits for a server that is away."""
    file = tmp_path / "fallback.json"
    studio.client().save_fallback(file)
    studio.line.cut()
    client = studio.client(fallback=file)

    found = client.get("aria", "angry")
    assert (found.text, found.stale, found.from_fallback) == (ANGRY, True, True)
    assert found.fetched_at is None
    with pytest.raises(ServerAway):
        client.get("aria", "idle")

    studio.clock.now += 20
    go = studio.line.hold()
    assert client.get("aria", "angry").from_fallback
    go.set()
    settled(client)
    assert not client.get("aria", "angry").from_fallback


def test_the_fallback_file_is_written_in_one_step(studio: Studio, tmp_path: Path) -> None:
    """As readable as other files; after a failure the old one stands, and nothing beside it."""
    other, file = tmp_path / "other.json", tmp_path / "out" / "fallback.json"
    other.touch()
    file.parent.mkdir()
    client = studio.client()
    client.save_fallback(file)
    before = file.read_bytes()
    wrong = {"environment": STAGING, "items": [{**ITEM, "version": None}]}
    studio.line.answer(httpx.Response(200, json=wrong))

    with pytest.raises(BadAnswer):
        client.save_fallback(file)

    assert list(file.parent.iterdir()) == [file]
    assert file.read_bytes() == before
    assert file.stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"environment": "staging"}',
        "[" * 100_000,
        '{"items": 3}',
        '{"environment": "staging", "items": [{"text": "y"}]}',
        '{"environment": "production", "items": []}',
    ],
)
def test_a_broken_fallback_is_told_at_the_start(tmp_path: Path, content: str) -> None:
    """Not first when it is needed; that of another environment is broken too."""
    file = tmp_path / "fallback.json"
    file.write_text(content)

    for path in (file, tmp_path / "nowhere.json"):
        with pytest.raises(InvalidFallback):
            Client(SERVER, token="x", environment=STAGING, fallback=path)


def test_refusals_are_told_apart(studio: Studio) -> None:
    """Each has its type, and an unknown emotion carries the known ones, also between processes."""
    client = studio.client()

    with pytest.raises(PromptNotFound, match="no character 'nobody'"):
        client.get("nobody", "angry")
    with pytest.raises(PromptNotFound):
        client.get("aria", "idle")
    with pytest.raises(UnknownEmotion) as unknown:
        client.get("aria", "Bored")
    assert unknown.value.valid == ("idle", "happy", "angry")
    carried = pickle.loads(pickle.dumps(unknown.value))
    assert (carried.valid, str(carried)) == (unknown.value.valid, str(unknown.value))
    with pytest.raises(Refused):
        studio.client(token="pr_unknown").get("aria", "angry")


@pytest.mark.parametrize("strange", ["..", "../../bo", "", "a" * 65, "\ud800", "a\r\nb", "a?b"])
def test_what_can_be_no_id_is_not_sent(strange: str) -> None:
    """Neither as a character nor as an emotion or an environment."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(500)

    client = Client(SERVER, token="x", transport=httpx.MockTransport(answer))

    with pytest.raises(PromptNotFound):
        client.get(strange, "angry")
    with pytest.raises(UnknownEmotion):
        client.get("aria", strange)
    if strange:  # nothing named is the client's own environment
        with pytest.raises(PromptNotFound):
            client.get("aria", "angry", environment=strange)
        with pytest.raises(PromptNotFound):
            client.prefetch(strange)
    client.close()

    assert sent == []


def test_what_is_not_there_is_asked_again_when_old(studio: Studio) -> None:
    """A prompt made later is found by the first `get` after `fresh_for`."""
    client = studio.client(fresh_for=10)
    for _ in range(2):
        with pytest.raises(PromptNotFound):
            client.get("aria", "idle")
    put(studio.api.repository, {"aria/idle": "Waits."})
    with pytest.raises(PromptNotFound):
        client.get("aria", "idle")
    assert len(studio.line.requests) == 1
    studio.clock.now += 11

    assert client.get("aria", "idle").text == "Waits."


def test_asking_for_nonsense_costs_no_good_answer(studio: Studio) -> None:
    """Errors are kept apart from answers."""
    client = studio.client(most_kept=2)
    client.prefetch()
    for number in range(5):
        with pytest.raises(PromptNotFound):
            client.get(f"nobody-{number}", "angry")
    asked = len(studio.line.requests)

    client.get("aria", "angry")
    client.get("bo", "angry")

    assert len(studio.line.requests) == asked


def test_a_404_that_is_not_ours_takes_no_prompt_away(studio: Studio) -> None:
    """A proxy without its server says "not found" too."""
    client = studio.client(fresh_for=1)
    client.get("aria", "angry")
    studio.line.answer(httpx.Response(404, json={"detail": "no such backend"}))
    studio.clock.now += 2
    client.get("aria", "angry")
    settled(client)

    kept = client.get("aria", "angry")

    assert (kept.text, kept.stale) == (ANGRY, True)
    with pytest.raises(BadAnswer, match="no such backend"):
        client.get("bo", "angry")


def test_a_token_refused_later_leaves_what_is_known(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    """A service goes on with stale answers and a warning; a prompt it never read is refused."""
    records = services(studio.api.app).records
    secret, token = tokens.create(records, "short", [Scope.READ], [STAGING])
    client = studio.client(token=secret, fresh_for=1)
    client.get("aria", "angry")
    tokens.revoke(records, token.id)
    services(studio.api.app).tokens._answers.clear()
    for _ in range(3):
        studio.clock.now += 2
        client.get("aria", "angry")
        settled(client)

    assert client.get("aria", "angry").stale
    with pytest.raises(Refused):
        client.get("bo", "angry")
    warned = [each for each in caplog.records if each.name == "prompt_repo.client"]
    assert len(warned) == 1


def test_threads_that_want_the_same_wait_for_one_answer(studio: Studio) -> None:
    """However many ask, the server is asked once."""
    client = studio.client()
    together = threading.Barrier(8)

    def get(_: int) -> str:
        together.wait(10)
        return client.get("aria", "angry").text

    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(get, range(8)))

    assert texts == {ANGRY}
    assert len(studio.line.requests) == 1


def test_everything_can_be_read_beforehand(studio: Studio) -> None:
    """One call, and then none; what is too much goes again."""
    client, small = studio.client(), studio.client(most_kept=1)

    count = client.prefetch()
    small.prefetch()
    asked = len(studio.line.requests)

    assert count == 2
    assert client.get("bo", "angry").text == "Bo fumes."
    assert client.get("aria", "angry").source == "character"
    assert len(studio.line.requests) == asked == 2
    assert "1 prompts in memory" in repr(small)


def test_an_environment_can_be_named(studio: Studio) -> None:
    """Each environment is a prompt of its own in memory."""
    client = studio.client()
    client.get("aria", "angry")

    with pytest.raises(PromptNotFound):
        client.get("aria", "angry", environment=PRODUCTION)


def test_a_closed_client_knows_what_it_knew(studio: Studio) -> None:
    """It asks nobody; closing it twice is no mistake."""
    with studio.client(fresh_for=1) as client:
        client.get("aria", "angry")
    client.close()
    studio.clock.now += 2

    assert client.get("aria", "angry").text == ANGRY
    with pytest.raises(ServerAway, match="closed"):
        client.get("bo", "angry")
    with pytest.raises(ServerAway, match="closed"):
        client.prefetch()
    assert len(studio.line.requests) == 1


@pytest.mark.parametrize(
    "server", ["prompts.example", "ftp://x", "http://", "http://u:p@x", "http://x/?y", "file:///x"]
)
def test_a_strange_address_is_refused(server: str) -> None:
    """Before anything is sent to it."""
    with pytest.raises(ValueError, match="address"):
        Client(server, token="x")


@pytest.mark.parametrize(
    "settings",
    [{"timeout": 0}, {"fresh_for": -1}, {"most_kept": 0}, {"environment": "../x"}],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object]) -> None:
    """When the client is made, not when it is used."""
    with pytest.raises(ValueError, match=r"time or count|environment"):
        Client("http://x", token="x", **settings)  # type: ignore[arg-type]


def test_the_token_is_not_shown(studio: Studio, caplog: pytest.LogCaptureFixture) -> None:
    """Neither by repr nor by an error nor in a log, also where it is malformed."""
    caplog.set_level("DEBUG")
    client = studio.client()
    studio.line.cut()
    with pytest.raises(ServerAway) as away:
        client.get("aria", "angry")
    with pytest.raises(ValueError, match="line end") as malformed:
        studio.client(token=studio.api.token + "\n")

    said = repr(client) + repr(away.value) + str(malformed.value) + caplog.text

    assert studio.api.token not in said


def test_nothing_of_the_server_is_imported() -> None:
    """A service pays for httpx alone."""
    code = (
        "import sys, prompt_repo.client;"
        "ours = {m for m in sys.modules if m.startswith(('prompt_repo.', 'webapp'))};"
        "print(sorted({'dulwich', 'flask', 'yaml', 'jsonschema'} & {*sys.modules}),"
        " sorted(ours))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    own = ["prompt_repo.client", "prompt_repo.client_answers", "prompt_repo.client_server"]
    assert done.stdout.strip() == f"[] {own}"


def test_a_forked_child_goes_on_by_itself(studio: Studio) -> None:
    """It has what was in memory, asks over connections of its own, and ends."""
    with served(studio.api.app) as address:
        client = studio.client(address, fresh_for=0)
        client.get("aria", "angry")
        client.get("aria", "angry")  # the background thread runs
        settled(client)
        put(studio.api.repository, {"aria/angry": "Changed."})
        child = os.fork()
        if child == 0:
            try:
                texts = [client.get("aria", "angry").text, client.get("bo", "angry").text]
                settled(client)
                texts.append(client.get("aria", "angry").text)
                client.close()
                os._exit(0 if texts == [ANGRY, "Bo fumes.", "Changed."] else 1)
            finally:
                os._exit(2)
        _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


def test_the_documented_example_runs(
    studio: Studio,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What docs/client.md shows works against a real server as it stands there."""
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token.txt").write_text(studio.api.token + "\n")
    studio.client().get("aria", "angry")  # the first answer of an application takes longest
    with served(studio.api.app) as address:
        shown = example.replace("http://127.0.0.1:8000", address)
        shown = shown.replace('"production"', '"staging"')
        exec(compile(shown, "docs/client.md", "exec"), {})

    said = capsys.readouterr().out
    assert ANGRY in said
    assert "there is no character 'nobody'" in said
    saved = json.loads((tmp_path / "prompts-fallback.json").read_text())
    assert {item["character"] for item in saved["items"]} == {"aria", "bo"}
