"""Previews of defaults: whose name stands where a character's does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from prompt_repo.editing import archive_character
from tests.factories import SAM, put
from tests.preview_world import World, world
from tests.web import bearer
from webapp.access import Scope
from webapp.records.preview_models import Preview

ANGRY, HAPPY = "/environments/staging/defaults/angry", "/environments/staging/defaults/happy"


@pytest.fixture
def here(tmp_path: Path, redis_url: str) -> Iterator[World]:
    with world(tmp_path, redis_url) as made:
        put(made.repository, {"defaults/happy": "{character_name} smiles."})
        yield made


def ask(here: World, address: str, **form: str) -> Preview:
    answer = here.admin.post(f"{address}/test", **form)
    assert answer.status_code == 303, answer.text
    return here.preview(answer.headers["Location"].rpartition("/")[2])


def test_a_default_has_the_name_of_the_first_who_reads_it(here: World) -> None:
    """Aria has an angry text of her own, so it is Bolt; the preview says so."""
    asked = ask(here, ANGRY)
    page = here.admin.get(f"/previews/{asked.id}").text

    assert (None, "Bolt is angry.") == (asked.character_id, asked.resolved_text)
    assert "Default as Bolt, angry" in page


def test_a_reader_can_be_chosen(here: World) -> None:
    """The page offers who reads it, and nobody else."""
    page, other = here.admin.get(HAPPY).text, here.admin.get(ANGRY).text

    asked = ask(here, HAPPY, reader="bolt", text="{character_name} beams.")

    assert ('value="aria"' in page, 'value="bolt"' in page) == (True, True)
    assert ('value="aria"' in other, 'value="bolt"' in other) == (False, True)
    assert "Bolt beams." == asked.resolved_text


def test_a_reader_that_is_nobody_is_refused(here: World) -> None:
    """404, and nothing is recorded."""
    answer = here.admin.post(f"{HAPPY}/test", reader="nobody")

    assert 404 == answer.status_code
    assert "No previews" in here.admin.get("/previews").text


def test_a_default_that_nobody_reads_keeps_its_variable(here: World) -> None:
    """Bolt is put away, and Aria has her own: there is no name to put in."""
    archive_character(here.repository, "staging", "bolt", SAM, "Put away")

    asked = ask(here, ANGRY)

    assert "{character_name} is angry." == asked.resolved_text
    assert "Any character" == asked.shown["character"]


def test_the_api_fills_a_default_as_the_pages_do(here: World) -> None:
    """Whoever asks, the same text gives the same clip."""
    token = bearer(here.app, Scope.WRITE, environments=("staging",))

    answer = here.app.test_client().post(f"/api/v1{ANGRY}/test", json={}, headers=token)

    assert (202, "Bolt is angry.") == (answer.status_code, answer.json["resolved_text"])


def test_versions_of_a_default_are_compared_for_a_reader(here: World) -> None:
    """And find the clips that were made of them."""
    put(here.repository, {"defaults/angry": "{character_name} fumes."})
    address = f"{ANGRY}/compare/clips?from=1&to=2"

    here.admin.post(address)
    here.work()
    page = here.admin.get(address).text

    assert (2, False) == (page.count("<video"), "{character_name}" in page)
