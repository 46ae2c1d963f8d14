"""The pages of a prompt's history: what was in production, who wrote a line, how two compare."""

import re
from pathlib import Path

import pytest
from flask import Flask

from prompt_repo.promotion import Order, promote
from prompt_repo.repository import Repository
from prompt_repo.rolling_back import roll_back
from tests.factories import KIM, make_repository, put
from tests.web import Browser, make_app, person
from webapp.access import Role

ENV = "/environments/staging"
ANGRY = f"{ENV}/characters/aria/angry"


@pytest.fixture
def prompts(tmp_path: Path) -> Repository:
    """Aria with two angry texts and a default."""
    made = make_repository(tmp_path, ("aria",))
    put(made, {"defaults/angry": "Frowns.\nGrey light."}, "Begin")
    put(made, {"aria/angry": "Fumes.\nGrey light."}, "First take")
    put(made, {"aria/angry": "Boils.\nGrey light."}, "Stronger")
    return made


@pytest.fixture
def viewer(tmp_path: Path, prompts: Repository) -> Browser:
    """Somebody who may look."""
    app: Flask = make_app(tmp_path)
    return person(app, Role.VIEWER)


def seen(browser: Browser, address: str) -> str:
    """A page's words, without tags, spaces folded."""
    answer = browser.get(address)
    assert answer.status_code == 200
    words = re.sub(r"<[^>]+>", " ", answer.text)
    return " ".join(words.split())


def test_the_timeline_tells_what_production_had(prompts: Repository, viewer: Browser) -> None:
    """Since when, by whom, and that it was rolled back."""
    assert "In production" not in seen(viewer, f"{ANGRY}/history")
    promote(prompts, Order(), KIM, "Go live")
    assert "promoted by Kim Osei" in seen(viewer, f"{ANGRY}/history")
    put(prompts, {"aria/angry": "Explodes.\nGrey light."}, "Louder")
    release = promote(prompts, Order(), KIM, "Louder").commit.oid
    roll_back(prompts, release, KIM, "Too loud")

    page = seen(viewer, f"{ANGRY}/history")

    assert "then rolled back by Kim Osei" in page
    assert "rolled back by Kim Osei" in page[page.index("v2") :]
    assert page.count("In production since") == 1


def test_a_removal_that_went_live_is_told(prompts: Repository, viewer: Browser) -> None:
    """Production is without the override since then."""
    promote(prompts, Order(), KIM, "Go live")
    put(prompts, {"aria/angry": None}, "Not needed")
    promote(prompts, Order(), KIM, "Less")

    assert "Gone from production since" in seen(viewer, f"{ANGRY}/history")


def test_the_head_says_what_the_other_environment_has(prompts: Repository, viewer: Browser) -> None:
    """Nothing where both have the same."""
    assert "no override in production" in seen(viewer, ANGRY)
    promote(prompts, Order(), KIM, "Go live")
    assert "production has" not in seen(viewer, ANGRY)
    put(prompts, {"aria/angry": "Explodes."}, "Louder")

    assert "production has v2" in seen(viewer, ANGRY)
    live = ANGRY.replace("staging", "production")
    assert "staging has v3" in seen(viewer, live)


def test_blame_names_the_version_of_each_line(viewer: Browser) -> None:
    """With its author and reason."""
    page = seen(viewer, f"{ANGRY}/blame")

    assert re.search(r"v2 Sam Byrne \S+ \S+ Stronger 1 Boils\.", page)
    assert re.search(r"v1 Sam Byrne \S+ \S+ First take 2 Grey light\.", page)


def test_blame_of_what_is_not_written_leads_to_the_default(viewer: Browser) -> None:
    """Whose lines are told of."""
    page = viewer.get(f"{ENV}/characters/aria/happy/blame")
    assert page.status_code == 200
    assert "no lines to tell of" in page.text

    put_default = seen(viewer, f"{ENV}/defaults/angry/blame")

    assert "v1 Sam Byrne" in put_default


@pytest.mark.parametrize(("query", "rows"), [("", 2), ("&view=inline", 3)])
def test_a_comparison_has_two_views(viewer: Browser, query: str, rows: int) -> None:
    """Side by side a changed line is one row, in one column it is two."""
    page = viewer.get(f"{ANGRY}/compare?from=1&to=2{query}").text
    table = page[page.index('<table class="diff') : page.index("</table>")]

    assert table.count("<tr class=") == rows


def test_the_default_a_text_hides_is_compared_with_it_live(
    tmp_path: Path, prompts: Repository
) -> None:
    """What htmx asks for as one types brings both: the resolved text and the difference."""
    admin = person(make_app(tmp_path), Role.ADMIN)

    answer = admin.post(f"{ANGRY}/preview", text="Frowns.\nBlue light.")

    assert 'id="preview"' in answer.text
    assert 'id="against" hx-swap-oob="true"' in answer.text
    against = answer.text[answer.text.index('id="against"') :]
    assert "<del>Grey</del>" in against
    assert "<ins>Blue</ins>" in against
