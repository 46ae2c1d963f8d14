"""Previews: asked for, made, reused, cancelled, expired; and what may not happen to them."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy import select

from tests.preview_world import ANGRY, SAM, World, wanted, world
from tests.web import bearer, make_app, person
from webapp import clock, job_progress, preview_files, preview_watch, previews
from webapp.access import Caller, Role, Scope
from webapp.config import Settings
from webapp.job_progress import Reporter
from webapp.preview_errors import PreviewOver, TooManyPreviews
from webapp.queue import PREVIEWS, Jobs
from webapp.records import Records
from webapp.records.models import AuditEntry
from webapp.records.preview_models import Preview, Status
from webapp.storage import storage

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
API = "/api/v1/environments/staging/characters/aria/emotional-prompts/angry/test"


@pytest.fixture
def here(tmp_path: Path, redis_url: str) -> Iterator[World]:
    with world(tmp_path, redis_url) as made:
        yield made


def done(records: Records, text: str = "Aria fumes.", file: str = "x.mp4") -> Preview:
    """A preview that was made at the present moment."""
    preview = previews.ask(records, Settings(), wanted(text), SAM)
    assert previews.begin(records, preview.id)
    assert previews.complete(records, preview.id, file, 10, {}, [], 0.5)
    return previews.find(records, preview.id)


def test_a_typed_text_becomes_a_clip_that_plays(here: World) -> None:
    """With the variables filled in, pinned to what it began from; the API tells the beats."""
    asked = here.ask("{character_name} laughs. Then pulls back.")
    assert (Status.PENDING, "typed") == (asked.status, asked.origin)

    here.work()
    made = here.preview(asked.id)
    clip = here.admin.get(f"/previews/{asked.id}/video")

    assert (Status.COMPLETED, "Aria laughs. Then pulls back.") == (made.status, made.resolved_text)
    assert (200, "video/mp4", b"ftyp") == (clip.status_code, clip.mimetype, clip.data[4:8])
    assert ["Aria laughs.", "Then pulls back."] == [beat["text"] for beat in made.facts["beats"]]
    assert made.expires_at - made.created_at == timedelta(hours=24)


def test_a_version_is_previewed_as_it_was(here: World) -> None:
    """From the history, with the commit that made it."""
    answer = here.admin.post("/environments/staging/characters/aria/angry/test", version="1")
    found = here.preview(answer.headers["Location"].rpartition("/")[2])

    assert (ANGRY, 1, "version") == (found.prompt_text, found.version, found.origin)
    assert (
        found.commit
        == here.repository.history.numbered(
            here.repository.head("staging"), "characters/aria/angry.yaml", 1
        ).commit
    )


def test_nothing_of_a_preview_reaches_the_repository(here: World) -> None:
    """Refs, objects and prompts are what they were."""
    folder = services_folder(here)
    before = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    texts = here.repository.current("staging").overrides("aria")

    here.ask("Something else entirely.")
    here.work()

    now = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    assert not {path for path in before.keys() ^ now.keys() if "history" not in path.name}
    assert {path: size for path, size in before.items() if "refs" in path.parts} == {
        path: size for path, size in now.items() if "refs" in path.parts
    }
    assert texts == here.repository.current("staging").overrides("aria")


def services_folder(here: World) -> Path:
    return here.settings.repository_path


def test_the_same_text_reuses_a_live_clip(here: World) -> None:
    """At once, without a job, and it says so; another text or emotion doesn't."""
    first = here.ask()
    here.work()
    second, other = here.ask(), here.ask("Another text.")

    assert (Status.COMPLETED, first.id) == (second.status, second.reused_from)
    assert here.preview(first.id).file == second.file
    assert (Status.PENDING, None) == (other.status, other.reused_from)
    assert "reused" in here.admin.get(f"/previews/{second.id}").text


def test_two_that_wait_for_the_same_are_made_once(here: World) -> None:
    """The second takes the first one's clip when its turn comes."""
    first, second = here.ask(), here.ask()

    here.work()

    assert first.id == here.preview(second.id).reused_from
    assert 1 == len(list(storage(here.settings, "staging").names()))


def test_who_may_not_ask_for_previews_is_offered_none(here: World) -> None:
    """A reviewer, who may propose a text but not test it, has no button that is refused."""
    page = "/environments/staging/characters/aria/angry"
    offered = {role: "Test this text" in person(here.app, role).get(page).text for role in Role}

    assert offered == {Role.ADMIN: True, Role.REVIEWER: False, Role.VIEWER: False}


def test_one_that_wants_no_reuse_is_made_anew(here: World) -> None:
    """`reuse: false` over the API has its own clip, though a live one is there when it begins."""
    first = here.ask()
    here.work()
    token, client = bearer(here.app, Scope.WRITE), here.app.test_client()

    anew = {"prompt_text": ANGRY, "reuse": False}
    waiting = client.post(API, headers=token, json=anew).get_json()
    here.work()
    made = here.preview(waiting["id"])

    assert ("pending", {}) == (waiting["status"], waiting["facts"])
    assert (Status.COMPLETED, None) == (made.status, made.reused_from)
    assert made.file != here.preview(first.id).file


def test_a_clip_whose_file_is_gone_is_made_anew(here: World) -> None:
    """As when the storage was moved: its page says so, and asking again reuses it no more."""
    asked = here.ask()
    here.work()
    storage(here.settings, "staging").delete(here.preview(asked.id).file)

    gone = here.admin.get(f"/previews/{asked.id}/video")
    again = here.ask()

    assert (410, True) == (gone.status_code, "is gone; ask for the preview again" in gone.text)
    assert (Status.PENDING, None) == (again.status, again.reused_from)


def test_a_clip_is_not_served_a_second_after_its_day(here: World) -> None:
    """To the second, from page and API; the record stays."""
    asked = here.ask()
    here.work()
    token = bearer(here.app, Scope.READ, environments=("staging",))
    paths = f"/previews/{asked.id}/video", f"/api/v1/previews/{asked.id}/video"

    def statuses(moment: datetime) -> list[int]:
        with clock.stopped_at(moment):
            page, api = paths
            client = here.app.test_client()
            return [
                here.admin.get(page).status_code,
                client.get(api, headers=token).status_code,
            ]

    assert [200, 200] == statuses(asked.expires_at - timedelta(microseconds=1))
    assert [410, 410] == statuses(asked.expires_at)
    with clock.stopped_at(asked.expires_at):
        assert "expired" in here.admin.get(f"/previews/{asked.id}").text


def test_a_reused_file_lives_until_its_last_preview_expires(
    records: Records, tmp_path: Path
) -> None:
    """The clean-up counts previews, and deletes a file with the last of them."""
    settings = Settings(data=tmp_path)
    home = storage(settings, "staging")
    (tmp_path / "made").write_bytes(b"clip")
    home.put("x.mp4", tmp_path / "made")
    with clock.stopped_at(NOON):
        done(records)
    with clock.stopped_at(NOON + timedelta(hours=20)):
        later = previews.ask(records, settings, wanted(), SAM)

    with clock.stopped_at(NOON + timedelta(hours=24)):
        first = preview_files.clean_up(records, settings)
        kept = list(home.names())
    with clock.stopped_at(later.expires_at):
        second = preview_files.clean_up(records, settings)

    assert (1, ["x.mp4"], 1, []) == (first, kept, second, list(home.names()))
    assert later.status == Status.COMPLETED


def test_cleaning_up_what_is_older_than_a_time(records: Records, tmp_path: Path) -> None:
    """Before its day is over too; afterwards it is not served, nor reused."""
    settings = Settings(data=tmp_path)
    with clock.stopped_at(NOON):
        old = done(records, "one", "1.mp4")
    with clock.stopped_at(NOON + timedelta(hours=5)):
        new = done(records, "two", "2.mp4")
        count = preview_files.clean_up(records, settings, NOON + timedelta(hours=1))
        again = previews.ask(records, settings, wanted("one"), SAM)

    assert 1 == count
    with clock.stopped_at(NOON + timedelta(hours=6)):
        assert not previews.find(records, old.id).playable(clock.now())
        assert previews.find(records, new.id).playable(clock.now())
    assert Status.PENDING == again.status


def test_files_that_no_preview_has_are_swept(records: Records, tmp_path: Path) -> None:
    """What a worker left behind that was killed between file and record."""
    settings = Settings(data=tmp_path)
    home = storage(settings, "staging")
    (tmp_path / "made").write_bytes(b"clip")
    living = done(records)
    for name in ("x.mp4", "stray.mp4"):
        home.put(name, tmp_path / "made")
    somebodys = tmp_path / "previews" / "staging" / "My holidays.mp4"
    somebodys.write_bytes(b"put here by hand")

    assert 1 == preview_files.sweep(records, settings, "staging")
    assert [somebodys.name, living.file] == list(home.names())


def test_limits_say_when_to_come_back(records: Records) -> None:
    """By person and by environment, within an hour; nothing is recorded."""
    settings = Settings(preview_limit_per_person=2, preview_limit_per_environment=3)
    other = replace(SAM, actor="person:kim")
    with clock.stopped_at(NOON):
        previews.ask(records, settings, wanted("1"), SAM)
    with clock.stopped_at(NOON + timedelta(minutes=10)):
        previews.ask(records, settings, wanted("2"), SAM)
        with pytest.raises(TooManyPreviews, match="you have asked for 2") as mine:
            previews.ask(records, settings, wanted("3"), SAM)
        previews.ask(records, settings, wanted("4"), other)
        with pytest.raises(TooManyPreviews, match="in staging there were 3"):
            previews.ask(records, settings, wanted("5"), other)
        previews.ask(records, settings, wanted("6", environment="production"), other)
    with clock.stopped_at(NOON + timedelta(seconds=mine.value.seconds, minutes=10)):
        previews.ask(records, replace(settings, preview_limit_per_environment=9), wanted("7"), SAM)

    assert 50 * 60 + 1 == mine.value.seconds
    assert 5 == len(previews.listed(records))


def test_a_person_has_one_limit_with_all_their_tokens(records: Records) -> None:
    """And a token that nobody stands behind has its own."""
    settings = Settings(preview_limit_per_person=2)
    tokens = [Caller(f"token:{number}", token_id=number, made_by=7) for number in (1, 2)]
    alone = Caller("token:3", token_id=3)

    for number, who in enumerate(tokens):
        previews.ask(records, settings, wanted(str(number)), who)
    for who in tokens:
        with pytest.raises(TooManyPreviews, match="you have asked for 2"):
            previews.ask(records, settings, wanted("3"), who)
    previews.ask(records, settings, wanted("4"), alone)

    assert 3 == len(previews.listed(records))


def test_the_limit_holds_when_many_ask_at_once(records: Records) -> None:
    """Exactly as many get through as may."""
    settings, got = Settings(preview_limit_per_person=5), []

    def ask(number: int) -> None:
        try:
            previews.ask(records, settings, wanted(f"text {number}"), SAM)
        except TooManyPreviews:
            return
        got.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 5 == len(got)


def test_so_many_may_wait(records: Records) -> None:
    """A bound on the queue; one that is reused needs no place in it."""
    settings = Settings(preview_queue=1)
    done(records, "made")
    previews.ask(records, settings, wanted("waits"), SAM)

    with pytest.raises(TooManyPreviews, match="wait to be made"):
        previews.ask(records, settings, wanted("no room"), SAM)
    reused = previews.ask(records, settings, wanted("made"), SAM)

    assert Status.COMPLETED == reused.status


def test_one_worker_alone_gets_a_preview(records: Records) -> None:
    """However often its job is delivered; one that is over is begun by none."""
    preview = previews.ask(records, Settings(), wanted(), SAM)

    assert [True, False] == [previews.begin(records, preview.id) is not None for _ in range(2)]
    previews.cancel(records, preview.id)
    assert not previews.complete(records, preview.id, "x.mp4", 1, {}, [], 1.0)
    assert previews.begin(records, preview.id) is None


def test_what_is_over_cant_be_cancelled(records: Records) -> None:
    """It says what it is."""
    with pytest.raises(PreviewOver, match="completed"):
        previews.cancel(records, done(records).id)


def test_a_cancelled_preview_leaves_the_queue(here: World) -> None:
    """And its page says so; the API tells the fifth status."""
    asked = here.ask()

    here.admin.post(f"/previews/{asked.id}/cancel")
    here.work()

    assert Status.CANCELLED == here.preview(asked.id).status
    assert [] == list(storage(here.settings, "staging").names())
    assert 410 == here.admin.get(f"/previews/{asked.id}/video").status_code


def test_a_job_that_vanished_is_queued_again(here: World) -> None:
    """Redis lost everything; the records know."""
    asked = here.ask()
    here.jobs.redis.flushall()

    with clock.stopped_at(clock.now() + timedelta(seconds=6)):
        preview_watch.look(here.records, here.settings, here.jobs)
    here.work()

    assert Status.COMPLETED == here.preview(asked.id).status


def test_a_job_that_was_taken_off_its_queue_and_lost_is_queued_again(here: World) -> None:
    """A worker, or Redis, died between the taking and the beginning; the job still says queued."""
    asked = here.ask()
    here.jobs.redis.delete("rq:queue:previews")

    with clock.stopped_at(clock.now() + timedelta(seconds=6)):
        preview_watch.look(here.records, here.settings, here.jobs)
    here.work()

    assert Status.COMPLETED == here.preview(asked.id).status


def test_a_preview_whose_job_is_gone_fails_with_the_reason(here: World) -> None:
    """It was being made when Redis lost everything."""
    asked = here.ask()
    here.jobs.redis.flushall()
    assert previews.begin(here.records, asked.id)

    preview_watch.look(here.records, here.settings, here.jobs)

    found = here.preview(asked.id)
    assert (Status.FAILED, True) == (
        found.status,
        "worker that made this clip ended" in found.error,
    )


def test_without_redis_nothing_is_recorded_and_pages_go_on(tmp_path: Path) -> None:
    """503 with a sentence; `/readyz` names what is away."""
    with world(tmp_path, "unix:///nowhere/at/all") as here:
        address = "/environments/staging/characters/aria/angry"
        refused = here.admin.post(f"{address}/test", text="x y z")
        by_htmx = here.admin.client.post(
            f"{address}/test",
            data={"csrf_token": here.admin.csrf(), "text": "x"},
            headers={"HX-Request": "true"},
        )
        ready = here.admin.get("/readyz")

        assert (503, []) == (refused.status_code, previews.listed(here.records))
        assert "Redis can’t be reached" in refused.text.replace("&#39;", "’")
        assert (422, True) == (by_htmx.status_code, "your text is as you left it" in by_htmx.text)
        assert (503, "failing") == (ready.status_code, ready.json["parts"]["redis"])
        assert [200, 200] == [here.admin.get(each).status_code for each in (address, "/previews")]


def test_where_no_redis_is_set_up_it_says_what_to_do(tmp_path: Path) -> None:
    """The server alone, without `./run` around it."""
    with world(tmp_path, "") as here:
        answer = here.admin.post("/environments/staging/characters/aria/angry/test", text="x y")

    assert (503, True) == (answer.status_code, "PROMPT_REPO_REDIS_URL" in answer.text)


def test_the_api_asks_follows_and_fetches(here: World) -> None:
    """202 with its address, then the status, then the clip in parts."""
    client = here.app.test_client()
    token = bearer(here.app, Scope.WRITE, environments=("staging",))
    asked = client.post(API, json={"prompt_text": "{character_name} waits."}, headers=token)
    early = client.get(f"{asked.headers['Location']}/video", headers=token)
    here.work()
    found = client.get(asked.headers["Location"], headers=token).json
    part = client.get(found["video_url"], headers={**token, "Range": "bytes=4-7"})
    beyond = client.get(found["video_url"], headers={**token, "Range": "bytes=9999999-"})

    assert (202, "pending", 409) == (asked.status_code, asked.json["status"], early.status_code)
    assert ("completed", "Aria waits.", 100) == (
        found["status"], found["resolved_text"], found["progress"]["percent"],
    )  # fmt: skip
    assert (206, b"ftyp") == (part.status_code, part.data)
    assert f"bytes 4-7/{found['size']}" == part.headers["Content-Range"]
    assert (416, f"bytes */{found['size']}") == (
        beyond.status_code, beyond.headers["Content-Range"],
    )  # fmt: skip


def test_a_default_is_read_by_whom_the_api_says(here: World) -> None:
    """Their name and variables fill it in; for somebody who is not there no job is made."""
    token = bearer(here.app, Scope.WRITE)
    address = "/api/v1/environments/staging/defaults/angry/test"
    client = here.app.test_client()

    asked = client.post(address, json={"reader": "aria"}, headers=token)
    nobody = client.post(address, json={"reader": "nobody"}, headers=token)

    assert (202, 404) == (asked.status_code, nobody.status_code)
    assert "Aria" in asked.json["resolved_text"]


def test_a_token_reaches_previews_of_its_environments(here: World) -> None:
    """One for production alone sees nothing of staging's."""
    asked = here.ask()
    token = bearer(here.app, Scope.WRITE, environments=("production",))

    for path, method in ((f"/api/v1/previews/{asked.id}", "GET"), (API, "POST")):
        answer = here.app.test_client().open(path, method=method, headers=token, json={})
        assert 403 == answer.status_code


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("aria/emotional-prompts/nothing", {}, 400),
        ("nobody/emotional-prompts/angry", {}, 404),
        ("aria/emotional-prompts/angry", {"version": 99}, 404),
        ("aria/emotional-prompts/angry", {"prompt_text": "x" * 20_000}, 422),
        ("aria/emotional-prompts/angry", {"prompt_text": " "}, 422),
        ("aria/emotional-prompts/angry", {"prompt_text": "\u200b \u2060\n\u200d\ufe0f"}, 422),
        ("aria/emotional-prompts/angry", {"prompt_text": "half a pair: \ud83d"}, 422),
        ("aria/emotional-prompts/angry", {"prompt_text": "nothing: \x00"}, 422),
        ("aria/emotional-prompts/angry", {"reader": "aria"}, 422),
        ("aria/emotional-prompts/angry", {"prompt_text": "x", "version": 1}, 422),
        ("aria/emotional-prompts/idle", {}, 404),
    ],
)
def test_what_cant_be_previewed_is_refused(
    here: World, path: str, body: dict[str, object], status: int
) -> None:
    """And nothing is recorded."""
    token = bearer(here.app, Scope.WRITE, environments=("staging",))
    address = f"/api/v1/environments/staging/characters/{path}/test"

    answer = here.app.test_client().post(address, json=body, headers=token)

    assert (status, []) == (answer.status_code, previews.listed(here.records))


def test_a_limit_is_429_with_when_to_come_back(tmp_path: Path, redis_url: str) -> None:
    """Over the API and on the page, and in the audit log."""
    with world(tmp_path, redis_url, preview_limit_per_person=1) as here:
        here.ask()
        answer = here.admin.post("/environments/staging/characters/aria/angry/test", text="more")
        with here.records.reading() as session:
            entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).all()

    assert 429 == answer.status_code
    assert 3500 < int(answer.headers["Retry-After"]) <= 3601
    tests = [each for each in entries if each.action == "preview_of.test"]
    assert ["refused", "done"] == [each.outcome for each in tests]
    assert "staging:characters/aria/angry.yaml" == tests[1].subject


def test_a_viewer_sees_previews_and_asks_for_none(here: World) -> None:
    """Testing is an admin's, by the requirements."""
    from tests.web import person
    from webapp.access import Role

    asked, viewer = here.ask(), person(here.app, Role.VIEWER)

    assert 200 == viewer.get(f"/previews/{asked.id}").status_code
    assert 403 == viewer.post(f"/previews/{asked.id}/cancel").status_code


def test_the_one_who_asked_is_told_on_any_page(here: World) -> None:
    """While it is made, and when it failed, until they saw it; nobody else is."""
    asked = here.ask()
    waits = here.admin.get("/environments/staging/characters").text
    previews.fail(here.records, asked.id, "the GPU is on fire")
    failed = here.admin.get("/environments/staging/defaults").text
    page = here.admin.get(f"/previews/{asked.id}").text
    after = here.admin.get("/previews/tray").text

    assert "Aria, angry" in waits
    assert "every 2s" in waits
    assert "Failed" in failed
    assert "every 2s" not in failed
    assert ("the GPU is on fire" in page, "Aria" in after) == (True, False)


def test_what_failed_is_told_before_what_waits(here: World) -> None:
    """A narrow page has room for one."""
    previews.fail(here.records, here.ask().id, "the GPU is on fire")
    here.ask("{character_name} waits.")

    tray = here.admin.get("/previews/tray").text

    assert 0 < tray.index("is-failed") < tray.index("is-pending")


def test_the_video_of_a_failed_preview_is_500_with_the_services_words(here: World) -> None:
    """As the requirements have it; *try again* makes a new one of the same text."""
    asked = here.ask()
    previews.fail(here.records, asked.id, "the GPU is on fire")
    token = bearer(here.app, Scope.READ, environments=("staging",))

    answer = here.app.test_client().get(f"/api/v1/previews/{asked.id}/video", headers=token)
    again = here.admin.post(f"/previews/{asked.id}/again")
    made = here.preview(again.headers["Location"].rpartition("/")[2])

    assert (500, "the GPU is on fire") == (answer.status_code, answer.json["detail"])
    assert (asked.resolved_text, Status.PENDING) == (made.resolved_text, made.status)


def test_a_clips_part_of_a_page_polls_only_while_it_is_made(here: World) -> None:
    """And stops by itself."""
    asked = here.ask()
    path, by_htmx = f"/previews/{asked.id}", {"HX-Request": "true"}
    before = here.admin.client.get(path, headers=by_htmx).text
    here.work()
    after = here.admin.client.get(path, headers=by_htmx).text

    assert 'hx-trigger="every 700ms"' in before
    assert "<progress" in before
    assert ("hx-trigger" in after, "<video" in after, "<html" in after) == (False, True, False)


def test_jobs_are_json(here: World) -> None:
    """No pickle: what is in Redis can't make us run anything."""
    asked = here.ask()

    raw = here.jobs.redis.hget(f"rq:job:{previews.job_of(asked.id, 1)}", "data")

    assert b"webapp.jobs.make_preview" in __import__("zlib").decompress(raw)
    assert [PREVIEWS] == [queue.name for queue in Jobs(here.jobs.redis).queues([PREVIEWS])]


def test_the_address_of_no_preview_is_404(tmp_path: Path) -> None:
    """For people and programs."""
    app = make_app(tmp_path)
    token = bearer(app, Scope.READ)
    nowhere = "/api/v1/previews/00000000-0000-4000-8000-000000000009"

    assert 404 == app.test_client().get(nowhere, headers=token).status_code


def test_no_job_fails_for_what_it_could_not_tell() -> None:
    """Redis went away in mid-work: the clip is made all the same, its lines are kept."""
    teller = Reporter(redis.Redis(unix_socket_path="/nowhere/at/all"), "x")

    teller.at(0.5, "Drawing")
    teller.say("3 beats")

    assert ["3 beats"] == teller.lines
    assert 0 == job_progress.read(redis.Redis(unix_socket_path="/nowhere/at/all"), "x").percent
