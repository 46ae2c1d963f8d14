"""The matrix over HTTP."""

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from prompt_repo.repository import Repository
from tests.factories import make_repository, put
from tests.web import Browser, make_app, person
from webapp import grid
from webapp.access import Role

MATRIX = "/environments/staging/matrix"
HOSTILE = '"><script>alert(1)</script>'
HTMX = {"HX-Request": "true"}


@pytest.fixture
def prompts(tmp_path: Path) -> Repository:
    """Three characters, one default, two overrides."""
    made = make_repository(tmp_path, ("aria", "bolt", "cleo"))
    put(made, {"defaults/idle": "Waits.", "aria/idle": "Listens.", "bolt/angry": "Hums."})
    return made


@pytest.fixture
def app(tmp_path: Path, prompts: Repository) -> Flask:
    """The application on those prompts."""
    return make_app(tmp_path)


@pytest.fixture
def viewer(app: Flask) -> Browser:
    """Somebody who may look."""
    return person(app, Role.VIEWER)


def cells(page: str) -> dict[str, str]:
    """What each cell says, by its address."""
    found = re.findall(r'<a href="([^"]+)" class="cell [^"]*" aria-label="([^"]+)"', page)
    return {address.removeprefix("/environments/staging/"): label for address, label in found}


def test_every_prompt_has_a_cell_that_leads_to_it(viewer: Browser) -> None:
    """Whether written or not."""
    page = viewer.get(MATRIX).text

    found = cells(page)
    assert 4 * 3 == len(found)
    assert "Idle: default, version 1, ahead of production" == found["defaults/idle"]
    assert "Idle: override, version 1, ahead of production" == found["characters/aria/idle"]
    assert "Happy: missing" == found["characters/bolt/happy"]
    assert all(viewer.get(f"/environments/staging/{each}").status_code == 200 for each in found)


def test_filters_come_from_the_address(viewer: Browser) -> None:
    """So that a view can be sent to a colleague; nonsense is no filter."""
    page = viewer.get(f"{MATRIX}?q=hums&source=character&tag=&drift=1").text

    assert ["bolt"] == re.findall(r'id="row-(\w+)"', page)
    assert 'value="hums"' in page
    assert '<option value="character" selected>' in page
    assert 12 == len(cells(viewer.get(f"{MATRIX}?source=everything").text))


def test_filters_that_nothing_fits_say_so(viewer: Browser) -> None:
    """With the way back to everything, and what was typed still there as text."""
    page = viewer.get(MATRIX, query_string={"q": HOSTILE, "author": HOSTILE}).text

    assert "fits these filters" in page
    assert HOSTILE not in page
    assert HOSTILE in unescape(page)


def test_htmx_gets_the_grid_alone(viewer: Browser) -> None:
    """And caches can tell the two apart."""
    answer = viewer.get(f"{MATRIX}?q=aria", headers=HTMX)

    assert answer.text.lstrip().startswith('<section id="grid"')
    assert "HX-Request" in answer.headers["Vary"]


def test_rows_follow_by_the_page(viewer: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row once; without JavaScript the link is a page of its own."""
    monkeypatch.setattr(grid, "PAGE", 2)
    first = viewer.get(MATRIX).text
    more = re.search(r'<a href="([^"]+)" rel="next"', first)
    assert more is not None
    rows = viewer.get(unescape(more[1]), headers=HTMX).text
    page = viewer.get(unescape(more[1])).text

    assert ["_defaults", "aria", "bolt"] == re.findall(r'id="row-(\w+)"', first)
    assert ["cleo"] == re.findall(r'id="row-(\w+)"', rows)
    assert "<table" not in rows
    assert ["cleo"] == re.findall(r'id="row-(\w+)"', page)
    assert 'rel="next"' not in rows


def test_a_glance_shows_the_first_lines(viewer: Browser, prompts: Repository) -> None:
    """With version and author, as text."""
    put(prompts, {"aria/idle": HOSTILE + "\nLine.\n" * 20})

    own = viewer.get("/environments/staging/characters/aria/idle/glance").text
    default = viewer.get("/environments/staging/characters/cleo/idle/glance").text
    missing = viewer.get("/environments/staging/characters/cleo/happy/glance").text

    assert HOSTILE in unescape(own)
    assert HOSTILE not in own
    assert "v2 · Sam Byrne" in own
    assert "Waits." in default
    assert "there is no default" in missing


def test_a_row_comes_alone_after_an_edit(viewer: Browser) -> None:
    """That of the defaults has a name no character can have."""
    aria = viewer.get(f"{MATRIX}/rows/aria").text
    defaults = viewer.get(f"{MATRIX}/rows/_defaults").text

    assert ["aria"] == re.findall(r'id="row-(\w+)"', aria)
    assert ["_defaults"] == re.findall(r'id="row-(\w+)"', defaults)
    assert 404 == viewer.get(f"{MATRIX}/rows/nobody").status_code


def test_the_editor_stands_beside_for_those_who_may(app: Flask, viewer: Browser) -> None:
    """Others get the text to read."""
    address = "/environments/staging/characters/aria/idle/beside"
    admin = person(app, Role.ADMIN)

    assert 'id="editor"' in admin.get(address).text
    assert 'id="editor"' not in viewer.get(address).text
    assert "Listens." in viewer.get(address).text
    assert 'id="editor"' not in admin.get(address.replace("staging", "production", 1)).text


def test_an_empty_repository_says_what_to_do(tmp_path: Path) -> None:
    """Before anybody is there."""
    make_repository(tmp_path)

    page = person(make_app(tmp_path), Role.ADMIN).get(MATRIX).text

    assert "/environments/staging/new-character" in page
