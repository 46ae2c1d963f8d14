"""The pages of import and export, as a browser without scripts uses them."""

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from markupsafe import escape
from werkzeug.test import TestResponse

from prompt_repo.model import PromptKey
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import SAM, make_repository, put
from tests.web import Browser, make_app, person, services
from webapp import clock, import_jobs
from webapp.access import Role

SHEET = "character,emotion,prompt_text\naria,angry,Imported.\naria,idle,New.\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = make_repository(tmp_path, ("aria",))
    put(found, {"aria/angry": "Before.\n", "defaults/idle": "Waits."}, "Begin")
    return found


@pytest.fixture
def app(repository: Repository) -> Flask:
    return make_app(repository.store.path.parent)


@pytest.fixture
def admin(app: Flask) -> Browser:
    return person(app, Role.ADMIN)


def send(browser: Browser, text: str, name: str = "sheet.csv", **form: str) -> TestResponse:
    """The page that an upload leads to."""
    file = (io.BytesIO(text.encode()), name)
    told = {"csrf_token": browser.csrf(), "environment": STAGING, **form, "file": file}
    return browser.client.post("/imports", data=told, follow_redirects=True)


def address(answer: TestResponse) -> str:
    return answer.request.path


def test_the_page_offers_both_ways(admin: Browser) -> None:
    """A form for each, and what was carried lately."""
    text = admin.get("/transfers").text

    assert 'enctype="multipart/form-data"' in text
    assert "Nothing was exported or imported yet." in text


def test_an_export_is_downloaded(admin: Browser, repository: Repository) -> None:
    """Its page has the link; the file is what was chosen."""
    page = admin.post("/transfers/export", environment=STAGING, form="csv", source="character")
    shown = admin.get(page.headers["Location"]).text
    link = re.search(r'href="(\S+/file)"', shown)
    assert link is not None

    file = admin.get(link[1])

    assert b'aria,angry,"Before.\n",,' in file.data
    assert b"Waits" not in file.data
    assert "attachment" in file.headers["Content-Disposition"]
    assert "exported" in admin.get("/transfers").text


def test_a_link_that_expired_leads_to_its_page(app: Flask, admin: Browser) -> None:
    """Which says so, and how to get a new file."""
    page = admin.post("/transfers/export", environment=STAGING, form="csv").headers["Location"]

    with clock.stopped_at(clock.now() + timedelta(hours=25)):
        gone = person(app, Role.ADMIN, "later").get(f"{page}/file")

    assert 410 == gone.status_code
    assert "The file expired." in gone.text
    assert "Export again" in gone.text


def test_an_export_of_what_is_not_there_is_refused(admin: Browser) -> None:
    """On the page itself, with what was typed."""
    answer = admin.post("/transfers/export", environment=STAGING, characters="nobody")

    assert 404 == answer.status_code
    assert "there is no character" in answer.text.lower()
    assert 'value="nobody"' in answer.text


def test_an_import_is_previewed_then_carried_out(admin: Browser, repository: Repository) -> None:
    """The plan first; a conflict waits for a choice; then one commit, which can be undone."""
    head = repository.head(STAGING)
    plan = send(admin, SHEET)
    assert "1 conflict to decide" in plan.text
    assert head == repository.head(STAGING)

    stopped = admin.post(address(plan), action="apply", reason="As it was typed")
    assert 409 == stopped.status_code
    assert "Nothing was imported" in stopped.text
    assert 'value="As it was typed"' in stopped.text

    path = "decide.characters/aria/angry.yaml"
    done = admin.post(address(plan), action="apply", reason="Sheet", **{path: "overwrite"})
    result = admin.get(done.headers["Location"]).text
    commit = repository.store.commit(repository.head(STAGING))
    assert "Imported 2 documents" in result
    assert ("Sheet", (head,)) == (commit.reason, commit.parents)

    admin.post(f"{address(plan)}/undo")
    raw = repository.store.read(repository.head(STAGING), "characters/aria/angry.yaml")
    assert raw is not None
    assert b"Before." in raw
    assert "Import undone" in admin.get(address(plan)).text


def test_choices_are_kept_between_pages(admin: Browser) -> None:
    """What was decided stands when one comes back."""
    plan = send(admin, SHEET)

    admin.post(address(plan), strategy="skip")

    text = admin.get(f"{address(plan)}?state=conflict").text
    assert re.search(r'value="skip" selected', text)
    assert "1 conflict decided" in text


def test_an_import_is_carried_out_once(admin: Browser) -> None:
    """Pressing twice imports once."""
    plan = send(admin, SHEET)

    first = admin.post(address(plan), action="apply", strategy="overwrite")
    second = admin.post(address(plan), action="apply", strategy="overwrite")

    assert (303, 409) == (first.status_code, second.status_code)


def test_an_import_can_be_proposed(admin: Browser, repository: Repository) -> None:
    """Onto production always: there it is a hotfix for review."""
    head = repository.head(PRODUCTION)
    raw = "character,emotion,prompt_text\n,idle,Calm.\n"
    plan = send(admin, raw, environment=PRODUCTION)
    assert "Propose hotfix" in plan.text
    assert "Import into" not in plan.text

    done = admin.post(address(plan), action="propose", reason="Calmer")

    assert "/changes/" in done.headers["Location"]
    assert head == repository.head(PRODUCTION)
    assert "Calmer" in admin.get(done.headers["Location"]).text


def test_a_wrong_file_shows_its_errors(admin: Browser, repository: Repository) -> None:
    """A table with line, column and field; nothing is imported."""
    head = repository.head(STAGING)

    page = send(admin, "character,emotion,prompt_text\naria,angry,\n")

    assert "sheet.csv has 1 error" in page.text
    assert re.search(r"<td[^>]*>2</td><td[^>]*>3</td><td><code>prompt_text</code>", page.text)
    assert head == repository.head(STAGING)


def test_what_moved_meanwhile_is_previewed_anew(admin: Browser, repository: Repository) -> None:
    """Nothing is written over that no preview showed; the new one is carried out, or the third."""
    plan = send(admin, SHEET)
    path = "decide.characters/aria/angry.yaml"
    for words in ("Meanwhile.", "And again."):
        head = put(repository, {"aria/angry": words})

        answer = admin.post(f"{address(plan)}?state=create", action="apply", **{path: "overwrite"})

        assert 409 == answer.status_code
        for text in (answer.text, admin.get(address(plan)).text):
            assert "Nothing was imported: staging moved since the preview" in text
            assert "Aria’s prompt for “angry”</a>." in text
            assert "1 choice about what changed is to be made again" in text
            assert "1 conflict to decide" in text
            assert words in text
            assert head[:9] in text
        assert head == repository.head(STAGING)

    done = admin.post(address(plan), action="apply", **{path: "overwrite"})

    assert "Imported 2 documents" in admin.get(done.headers["Location"]).text


def test_a_page_of_an_earlier_plan_decides_nothing(admin: Browser, repository: Repository) -> None:
    """Somebody else had the plan made anew meanwhile: what one saw is not what would go in."""
    plan = send(admin, SHEET)
    seen = {"commit": repository.head(STAGING)}
    put(repository, {"aria/angry": "Meanwhile."})
    admin.post(address(plan), action="apply", strategy="overwrite")
    path = "characters/aria/angry.yaml"

    told = {f"decide.{path}": "merge", f"text.{path}": "Both."}
    late = admin.post(address(plan), action="apply", **seen, **told)

    assert 409 == late.status_code
    assert "Aria’s prompt for “angry”</a>." in late.text
    assert "\nBoth.</textarea>" in late.text
    seen = {"commit": repository.head(STAGING)}
    assert f'name="commit" value="{seen["commit"]}"' in late.text
    assert 303 == admin.post(address(plan), action="apply", **seen, **told).status_code


def test_choices_of_what_stood_still_are_kept(admin: Browser, repository: Repository) -> None:
    """Also a text that was written by hand, while another prompt of the file moved."""
    put(repository, {"defaults/happy": "Ours."})
    plan = send(admin, f"{SHEET},happy,Imported too.\n")
    by_hand = {"text.characters/aria/angry.yaml": "Both."}
    admin.post(address(plan), **by_hand, **{"decide.defaults/happy.yaml": "skip"})
    put(repository, {"defaults/happy": "Meanwhile."})

    answer = admin.post(address(plan), action="apply")

    assert 409 == answer.status_code
    assert "The default of “happy”</a>." in answer.text
    assert "1 conflict to decide" in answer.text
    done = admin.post(address(plan), action="apply", **{"decide.defaults/happy.yaml": "skip"})
    assert 303 == done.status_code
    found = repository.current(STAGING)
    stored = found.stored(PromptKey("aria", "angry"))
    assert stored is not None
    assert "Both." == stored.prompt.text
    assert "Meanwhile." == found.defaults()["happy"].prompt.text


def test_a_text_that_was_written_before_it_moved_waits(
    admin: Browser, repository: Repository
) -> None:
    """It stands in its field, and goes in when somebody says so."""
    plan = send(admin, SHEET)
    path = "characters/aria/angry.yaml"
    put(repository, {"aria/angry": "Meanwhile."})

    moved = admin.post(address(plan), action="apply", **{f"text.{path}": "Both."})
    assert 409 == moved.status_code
    assert "\nBoth.</textarea>" in moved.text
    unseen = admin.post(address(plan), action="apply", **{f"text.{path}": "Both."})
    assert 409 == unseen.status_code
    assert "Decide first" in unseen.text
    told = {f"text.{path}": "Both.", f"decide.{path}": "merge"}
    assert 303 == admin.post(address(plan), action="apply", **told).status_code

    stored = repository.current(STAGING).stored(PromptKey("aria", "angry"))
    assert stored is not None
    assert "Both." == stored.prompt.text


def test_a_file_that_does_not_fit_any_more_is_refused(
    admin: Browser, repository: Repository
) -> None:
    """With its errors, as one that never fitted."""
    plan = send(admin, "character,emotion,prompt_text\naria,happy,New.\n")
    gone = {f"characters/aria/{name}.yaml": None for name in ("character", "angry")}
    head = repository.head(STAGING)
    commit = repository.store.write(STAGING, head, gone, author=SAM, message="Gone")
    repository.written(STAGING, commit)

    answer = admin.post(address(plan), action="apply")

    assert 422 == answer.status_code
    assert "sheet.csv has 1 error" in answer.text
    assert "There is no character" in answer.text
    assert commit.oid == repository.head(STAGING)


def test_a_preview_that_expired_says_so(app: Flask, admin: Browser, repository: Repository) -> None:
    """When it is looked at, when it is pressed, and in the list."""
    plan = send(admin, SHEET)
    head = repository.head(STAGING)

    with clock.stopped_at(clock.now() + timedelta(hours=25)):
        later = person(app, Role.ADMIN, "later")
        answers = [
            later.get(address(plan)),
            later.post(address(plan), action="apply", strategy="overwrite"),
        ]
        listed = later.get("/transfers").text

    for answer in answers:
        assert 410 == answer.status_code
        assert "This preview expired, and nothing was imported." in answer.text
        assert "Send it again" in answer.text
    assert ">expired<" in listed
    assert "waits for you" not in listed
    assert head == repository.head(STAGING)


def test_no_file_is_told(admin: Browser) -> None:
    """On the page, without losing the place."""
    told = {"csrf_token": admin.csrf(), "environment": STAGING, "file": (io.BytesIO(), "")}

    answer = admin.client.post("/imports", data=told)

    assert 422 == answer.status_code
    assert "Choose a file first" in answer.text


def test_a_large_file_goes_through_the_form(
    admin: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Larger than any other form may be, with its CSRF token checked."""
    monkeypatch.setattr(import_jobs, "AT_ONCE", 10_000_000)
    rows = "".join(f"aria,idle,{'x' * 200_000}\n" for _ in range(30))
    assert services(app).settings.max_body_bytes < len(rows)

    page = send(admin, f"character,emotion,prompt_text\n{rows}")
    forged = admin.client.post("/imports", data={"file": (io.BytesIO(b"x"), "x")})

    assert "has 29 errors" in page.text
    assert 400 == forged.status_code


def test_only_admins_carry_prompts(app: Flask) -> None:
    """Reviewers and viewers don't see the page."""
    for role in (Role.REVIEWER, Role.VIEWER):
        browser = person(app, role)

        assert 403 == browser.get("/transfers").status_code
        assert "Import &amp; export" not in browser.get("/changes").text
        assert 403 == send(browser, SHEET).status_code


def test_names_of_files_are_only_names(admin: Browser) -> None:
    """Paths, markup and control characters in a file's name lead nowhere."""
    page = send(admin, SHEET, name="../../<b>x</b>.csv")

    assert 200 == page.status_code
    assert "<b>x</b>" not in page.text


def test_a_conflict_can_be_settled_by_hand(admin: Browser, repository: Repository) -> None:
    """The text begins with both sides between markers; what is written is what goes in."""
    plan = send(admin, "character,emotion,prompt_text,tags\naria,angry,Imported.,loud\n")
    path = "characters/aria/angry.yaml"
    draft = "<<<<<<< the file\nImported.\n=======\nBefore.\n>>>>>>> what stands here"
    assert str(escape(draft)) in plan.text

    by_hand = {f"text.{path}": "Both, Imported and Before.\r\n", f"decide.{path}": "merge"}
    done = admin.post(address(plan), action="apply", **by_hand)

    assert 303 == done.status_code
    stored = repository.current(STAGING).stored(PromptKey("aria", "angry"))
    assert stored is not None
    assert ("Both, Imported and Before.\n", ("loud",)) == (stored.prompt.text, stored.prompt.tags)


def test_a_text_with_markers_left_in_it_is_refused(admin: Browser, repository: Repository) -> None:
    """What was typed stays in its field, and nothing is imported."""
    plan, head = send(admin, SHEET), repository.head(STAGING)
    path = "characters/aria/angry.yaml"
    text = "<<<<<<< the file\nImported!\n=======\nBefore.\n>>>>>>> what stands here\n"

    refused = admin.post(address(plan), action="apply", **{f"text.{path}": text})

    assert 422 == refused.status_code
    assert "conflict markers are still in this text" in refused.text.lower()
    assert "Imported!" in refused.text
    assert head == repository.head(STAGING)


@pytest.mark.parametrize(
    ("text", "words"), [("y" * 300_000, "262,144 are allowed"), (" \n", "empty")]
)
def test_a_text_that_no_prompt_may_have_is_refused(
    admin: Browser, repository: Repository, text: str, words: str
) -> None:
    """What is written by hand is held against the same limits as every edit."""
    plan, head = send(admin, SHEET), repository.head(STAGING)

    refused = admin.post(address(plan), action="apply", **{"text.characters/aria/angry.yaml": text})

    assert 422 == refused.status_code
    assert words in refused.text
    assert head == repository.head(STAGING)


def test_what_is_typed_for_a_side_that_was_chosen_is_left_out(
    admin: Browser, repository: Repository
) -> None:
    """Who ticks the file's side gets that, whatever the field below holds."""
    plan = send(admin, SHEET)
    path = "characters/aria/angry.yaml"

    admin.post(
        address(plan), action="apply", **{f"text.{path}": "Mine.", f"decide.{path}": "overwrite"}
    )

    stored = repository.current(STAGING).stored(PromptKey("aria", "angry"))
    assert stored is not None
    assert "Imported." == stored.prompt.text
