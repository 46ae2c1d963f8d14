"""Edits in bulk on the pages: choosing cells, the plan, saving, proposing, undoing."""

import re
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from prompt_repo.model import PromptKey
from prompt_repo.repository import STAGING, Repository
from tests.factories import make_repository, put
from tests.web import Browser, make_app, person, services
from webapp.access import Role

BULK = f"/environments/{STAGING}/bulk"
MATRIX = f"/environments/{STAGING}/matrix"
BASE = re.compile(r'name="base" value="([0-9a-f]{40})"')
CELL = re.compile(r'type="hidden" name="cell" value="([^"]+)"')


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    texts = {"aria/angry": "Aria fumes.", "aria/happy": "Aria <b>beams</b>.", "ben/angry": "Ben."}
    put(make_repository(tmp_path, ("aria", "ben")), {**texts, "defaults/angry": "Anger."})
    return make_app(tmp_path)


@pytest.fixture
def admin(app: Flask) -> Browser:
    return person(app, Role.ADMIN, "sam")


def repository(app: Flask) -> Repository:
    return services(app).repository.get()


def text(app: Flask, key: str) -> str | None:
    character, _, emotion = key.partition("/")
    stored = repository(app).current(STAGING).stored(PromptKey(character or None, emotion))
    return stored.prompt.text if stored else None


def send(browser: Browser, path: str, cells: tuple[str, ...], **form: str) -> TestResponse:
    fields = {"csrf_token": browser.csrf(), "cell": list(cells), **form}
    return browser.client.post(f"{BULK}{path}", data=fields)


def apply(browser: Browser, cells: tuple[str, ...], **form: str) -> TestResponse:
    """From the plan on: as the page's own form would."""
    planned = send(browser, "/plan", cells, **form)
    base = BASE.search(planned.text)
    assert base is not None, planned.text
    return send(browser, "/apply", cells, base=base[1], **form)


REPLACE = {"kind": "replace", "find": "Aria", "with": "She"}


def test_cells_are_chosen_in_the_matrix(admin: Browser) -> None:
    """A box for each cell, row and column, in a plain form."""
    page = admin.get(f"{MATRIX}?select=1").text

    for box in ('name="cell" value="aria/angry"', 'name="row" value="ben"',
                'name="column" value="happy"', 'name="cell" value="/angry"'):  # fmt: skip
        assert box in page


@pytest.mark.parametrize(
    ("picked", "cells"),
    [
        ({"cell": ["aria/angry", "/angry"]}, {"aria/angry", "/angry"}),
        ({"row": ["ben"]}, {"ben/idle", "ben/happy", "ben/angry"}),
        ({"row": ["ben"], "source": "character"}, {"ben/angry"}),
        ({"column": ["happy"]}, {"/happy", "aria/happy", "ben/happy"}),
        ({"all": "1", "source": "character"}, {"aria/angry", "aria/happy", "ben/angry"}),
        ({"found": "1", "q": "fumes"}, {"aria/angry"}),
    ],
)
def test_rows_columns_and_searches_become_cells(
    admin: Browser, picked: dict[str, list[str] | str], cells: set[str]
) -> None:
    """As far as they fit the filters."""
    page = admin.client.post(BULK, data={"csrf_token": admin.csrf(), **picked}).text

    assert cells == {*CELL.findall(page)}


def test_results_of_a_search_can_be_chosen(admin: Browser) -> None:
    """Each with a box, in a form that leads to the same page."""
    page = admin.get(f"/environments/{STAGING}/search?q=fumes").text

    assert 'name="cell" value="aria/angry"' in page
    assert f'action="{BULK}"' in page


def test_the_plan_shows_what_would_change_and_saves_nothing(app: Flask, admin: Browser) -> None:
    """Counts, a diff for each, and why the others stay; what is in a prompt is escaped."""
    head = repository(app).head(STAGING)

    page = send(
        admin, "/plan", ("aria/angry", "aria/happy", "ben/angry", "ben/idle"), **REPLACE
    ).text

    assert "2 prompts to change" in page
    assert "<ins>She</ins>" in page
    assert "it has no text of its own" in page
    assert "nothing would change" in page
    assert "<b>beams" not in page
    assert head == repository(app).head(STAGING)


def test_a_plan_is_saved_in_one_commit(app: Flask, admin: Browser) -> None:
    """With the reason, and only what was not left out; the page of it offers to undo."""
    head = repository(app).head(STAGING)

    answer = apply(
        admin, ("aria/angry", "aria/happy"), **REPLACE, reason="Shorter", left="aria/happy"
    )

    commit = repository(app).store.commit(repository(app).head(STAGING))
    page = admin.get(answer.headers["Location"]).text
    assert ((head,), "Shorter") == (commit.parents, commit.reason)
    assert ("She fumes.", "Aria <b>beams</b>.") == (
        text(app, "aria/angry"),
        text(app, "aria/happy"),
    )
    assert "Undo 1 change" in page


@pytest.mark.parametrize(
    ("form", "after"),
    [
        ({"kind": "set", "text": "Same.\r\nTwice."}, "Same.\nTwice."),
        ({"kind": "copy", "from": "ben"}, "Ben."),
        ({"kind": "defaults"}, "Anger."),
        ({"kind": "remove"}, None),
        ({"kind": "replace", "find": r"(\w+)\.", "with": r"\1!", "pattern": "1"}, "Aria fumes!"),
        ({"kind": "replace", "find": "aria", "with": "X", "ignore": "1"}, "X fumes."),
    ],
)
def test_each_operation_can_be_carried_out(
    app: Flask, admin: Browser, form: dict[str, str], after: str | None
) -> None:
    """From the form to the file."""
    assert 303 == apply(admin, ("aria/angry",), **form).status_code

    assert after == text(app, "aria/angry")


def test_an_edit_that_nobody_explained_says_what_was_done(app: Flask, admin: Browser) -> None:
    """And what undid it is offered to be redone."""
    saved = apply(admin, ("aria/angry", "aria/happy"), **REPLACE).headers["Location"]
    assert "Undo “Find and replace: 2 prompts”" in admin.get(saved).text

    sent = {"csrf_token": admin.csrf(), "reason": "Undo “Find and replace: 2 prompts”"}
    undone = admin.client.post(f"{saved}/undo", data=sent).headers["Location"]

    assert 'value="Redo “Find and replace: 2 prompts”"' in admin.get(undone).text


def test_tags_are_added_and_taken_away(app: Flask, admin: Browser) -> None:
    """The text stays."""
    apply(admin, ("aria/angry",), kind="tag", add="night, wide")
    apply(admin, ("aria/angry",), kind="tag", add="close", drop="night")

    stored = repository(app).current(STAGING).stored(PromptKey("aria", "angry"))
    assert stored is not None
    assert ("Aria fumes.", ("wide", "close")) == (stored.prompt.text, stored.prompt.tags)


@pytest.mark.parametrize(
    ("cells", "form", "said"),
    [
        (("aria/angry",), {"kind": "replace", "find": "(", "pattern": "1"}, "no pattern"),
        (("aria/angry",), {"kind": "replace", "find": ""}, "what to look for"),
        (("aria/angry",), {"kind": "tag"}, "which tags"),
        (("aria/angry",), {"kind": "copy", "from": "../x"}, "no valid character id"),
        ((), {"kind": "remove"}, "at least one"),
        (("aria/bored",), {"kind": "remove"}, "bored"),
        (("angry",), {"kind": "remove"}, "names no prompt"),
    ],
)
def test_what_can_not_be_done_is_said_in_the_form(
    admin: Browser, cells: tuple[str, ...], form: dict[str, str], said: str
) -> None:
    """And nothing typed is lost."""
    answer = send(admin, "/plan", cells, **form)

    assert answer.status_code in (400, 404, 422)
    assert said in answer.text


def test_what_moved_since_the_plan_is_not_overwritten(app: Flask, admin: Browser) -> None:
    """The plan is shown anew, on what stands now."""
    base = repository(app).head(STAGING)
    put(repository(app), {"aria/angry": "Aria snarls."})

    answer = send(admin, "/apply", ("aria/angry", "aria/happy"), base=base, **REPLACE)

    assert 409 == answer.status_code
    assert "characters/aria/angry.yaml" in answer.text
    assert "snarls" in answer.text
    assert "Aria snarls." == text(app, "aria/angry")


def test_reviewers_propose(app: Flask) -> None:
    """They can't save; what they propose is one change request."""
    reviewer = person(app, Role.REVIEWER)
    head = repository(app).head(STAGING)

    refused = apply(reviewer, ("aria/angry",), **REPLACE, action="save")
    answer = apply(
        reviewer, ("aria/angry", "aria/happy"), **REPLACE, action="propose", reason="She"
    )

    assert (403, 303) == (refused.status_code, answer.status_code)
    assert "/changes/1" in answer.headers["Location"]
    assert head == repository(app).head(STAGING)
    assert "She" in reviewer.get(answer.headers["Location"]).text


def test_viewers_are_not_offered_it(app: Flask) -> None:
    """Neither the boxes nor the pages."""
    viewer = person(app, Role.VIEWER)

    assert "Edit in bulk" not in viewer.get(MATRIX).text
    assert 'name="cell"' not in viewer.get(f"{MATRIX}?select=1").text
    assert 403 == viewer.get(BULK).status_code


def test_a_commit_is_undone_by_one_click(app: Flask, admin: Browser) -> None:
    """All of it, by a new commit."""
    done = apply(admin, ("aria/angry", "ben/idle"), kind="set", text="Same.")
    path = done.headers["Location"]

    answer = admin.post(f"{path}/undo", reason="Undo")

    assert 303 == answer.status_code
    assert ("Aria fumes.", None) == (text(app, "aria/angry"), text(app, "ben/idle"))


def test_what_changed_since_is_named_before_undoing(app: Flask, admin: Browser) -> None:
    """And left, while the rest is put back."""
    done = apply(admin, ("aria/angry", "aria/happy"), kind="set", text="Same.")
    path = done.headers["Location"]
    put(repository(app), {"aria/happy": "Newer."})

    page = admin.get(path).text
    refused = admin.post(f"{path}/undo", reason="")
    answer = admin.post(f"{path}/undo", reason="", rest="1")

    assert "1 prompt of these changed again since" in page
    assert (409, 303) == (refused.status_code, answer.status_code)
    assert ("Aria fumes.", "Newer.") == (text(app, "aria/angry"), text(app, "aria/happy"))
