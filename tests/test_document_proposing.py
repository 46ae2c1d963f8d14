"""Removals and characters' settings as change requests, in the browser's pages."""

from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from prompt_repo.model import PromptKey
from prompt_repo.repository import PRODUCTION, STAGING
from tests.factories import put
from tests.test_change_pages import Studio
from tests.web import Browser


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def number_of(answer: TestResponse) -> int:
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].rsplit("/", 1)[1])


def propose_removal(studio: Studio, who: Browser, ident: str, env: str = STAGING) -> TestResponse:
    where = f"/environments/{env}/characters/{ident}/angry"
    assert "Propose a removal" in who.get(f"{where}/propose-removal").text
    return who.post(
        f"{where}/propose-removal", base=studio.repository.head(env), title=f"Drop {ident}"
    )


def merge(studio: Studio, number: int) -> None:
    head = studio.row(number).head
    assert studio.admin.post(f"/changes/{number}/merge", head=head).status_code == 303


def test_a_reviewer_proposes_a_removal(studio: Studio) -> None:
    """The prompt stands until an admin merges; the page names what will stand then."""
    ident = studio.character()
    key = PromptKey(ident, "angry")
    assert "Propose removal" in studio.kim.get(f"/environments/staging/{key.path[:-5]}").text

    number = number_of(propose_removal(studio, studio.kim, ident))

    assert studio.repository.current(STAGING).stored(key) is not None
    assert "removed" in studio.kim.get(f"/changes/{number}/files").text
    merge(studio, number)
    assert studio.repository.current(STAGING).stored(key) is None


def test_a_removal_of_what_moved_is_a_conflict_of_the_request(studio: Studio) -> None:
    """It is proposed all the same, and can't be merged before somebody decides."""
    ident = studio.character()
    seen = studio.repository.head(STAGING)
    put(studio.repository, {f"{ident}/angry": "Better."})

    number = number_of(
        studio.kim.post(
            f"/environments/staging/characters/{ident}/angry/propose-removal",
            base=seen,
            title="Drop it",
        )
    )

    studio.admin.post(f"/changes/{number}/merge", head=studio.row(number).head)
    assert studio.row(number).state == "open"
    stored = studio.repository.current(STAGING).stored(PromptKey(ident, "angry"))
    assert stored is not None
    assert stored.prompt.text == "Better."


def test_a_removal_without_a_title_keeps_what_was_typed(studio: Studio) -> None:
    """It says what is missing; nothing was opened."""
    ident = studio.character()

    answer = studio.kim.post(
        f"/environments/staging/characters/{ident}/angry/propose-removal",
        base=studio.repository.head(STAGING),
        title="  ",
        description="Because of March",
    )

    assert answer.status_code == 422
    assert "Because of March" in answer.text
    assert "An empty title can’t be kept" in answer.text.replace("&#39;", "’")
    assert "changes/" not in "".join(studio.repository.store.branches())


def test_a_hotfix_may_be_a_removal(studio: Studio) -> None:
    """Of production; merged, it goes there at once, and in staging as well."""
    ident = studio.character(live=True)

    number = number_of(propose_removal(studio, studio.kim, ident, PRODUCTION))
    approved = {"action": "approve", "head": studio.row(number).head, "text": ""}
    studio.lee.post(f"/changes/{number}/say", **approved)
    merge(studio, number)

    for branch in (STAGING, PRODUCTION):
        assert studio.repository.current(branch).stored(PromptKey(ident, "angry")) is None


def test_a_reviewer_proposes_a_characters_settings(studio: Studio) -> None:
    """Name, description, tags and variables; looked at first, then merged by an admin."""
    ident = studio.character()
    where = f"/environments/staging/characters/{ident}/character"
    typed = {
        "base": studio.repository.head(STAGING),
        "name": "Dr Who",
        "description": "Hums.",
        "tags": "lead, old",
        "variable_name": "coat",
        "variable_value": "long",
        "title": "Say who it is",
        "about": "He has a coat.",
    }
    assert f"{where}/propose" in studio.kim.get(where).text
    assert "Propose a change" in studio.kim.get(f"{where}/propose").text

    looked = studio.kim.post(f"{where}/propose", **typed, action="look")
    assert "What you propose" in looked.text
    assert "Say who it is" in looked.text
    assert "He has a coat." in looked.text
    number = number_of(studio.kim.post(f"{where}/propose", **typed, action="open"))

    assert studio.row(number).text == "He has a coat."
    assert studio.repository.current(STAGING).character(ident).name == f"Ms {ident}"
    merge(studio, number)
    who = studio.repository.current(STAGING).character(ident)
    assert (who.name, who.description, who.tags) == ("Dr Who", "Hums.", ("lead", "old"))
    assert who.variables == {"coat": "long"}


def test_settings_go_to_an_open_request_as_well(studio: Studio) -> None:
    """Where they moved there since, that is said, and what was typed is kept."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, "Soft.")
    where = f"/environments/staging/characters/{ident}/character/propose"
    typed = {"action": "open", "base": studio.repository.head(STAGING), "to": str(number)}

    assert number == number_of(studio.kim.post(where, **typed, name="Dr Who"))
    again = studio.kim.post(where, **typed, name="Dr No")

    assert again.status_code == 409
    assert "Dr No" in again.text
    head = studio.repository.catalogue(studio.row(number).head)
    assert head.character(ident).name == "Dr Who"


def test_settings_that_break_a_rule_are_told_with_what_is_wrong(studio: Studio) -> None:
    """A variable that is none, a name that is empty: 422, and nothing was opened."""
    ident = studio.character()
    answer = studio.kim.post(
        f"/environments/staging/characters/{ident}/character/propose",
        action="open",
        base=studio.repository.head(STAGING),
        name="Dr Who",
        variable_name="no variable",
        variable_value="x",
        title="Break it",
    )

    assert answer.status_code == 422
    assert "no variable" in answer.text
    assert "changes/" not in "".join(studio.repository.store.branches())


def test_viewers_propose_nothing(studio: Studio) -> None:
    """Neither a removal nor settings."""
    ident = studio.character()
    for where in ("angry/propose-removal", "character/propose"):
        address = f"/environments/staging/characters/{ident}/{where}"
        assert studio.viewer.get(address).status_code == 403
        assert studio.viewer.post(address, title="x").status_code == 403
