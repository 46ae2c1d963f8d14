"""The one stylesheet of a page, which holds the hues of emotions as well."""

import re
from html import unescape
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient

from prompt_repo.editing import carry_out
from prompt_repo.layout import CONFIGURATION
from prompt_repo.promotion import Order, promote
from prompt_repo.repository import STAGING, Repository
from tests.factories import SAM
from tests.test_broken_pages import break_by_git
from tests.test_pages import ENV, LIVE, LogIn, app, log_in, prompts

__all__ = ["app", "log_in", "prompts"]
SHEET = re.compile(r'<link rel="stylesheet" href="([^"]+)">')
RED = ".emotion-angry{--hue:light-dark(#dc2626,"


@pytest.fixture
def admin(log_in: LogIn) -> FlaskClient:
    """An admin's browser."""
    return log_in("admin")


def sheet_of(browser: FlaskClient, page: str = f"{ENV}/characters") -> str:
    """The address of the only stylesheet of a page."""
    (found,) = SHEET.findall(browser.get(page).text)
    return unescape(found)


def paint(prompts: Repository, colour: str) -> None:
    """Gives angry another colour in staging."""
    now = prompts.current(STAGING)
    raw = prompts.store.read(now.commit, CONFIGURATION)
    assert b"#dc2626" in raw
    again = raw.replace(b"#dc2626", colour.encode())
    carry_out(prompts, STAGING, lambda _: {CONFIGURATION: again}, SAM, "Paint it")


def test_the_hues_of_emotions_are_in_it(admin: FlaskClient) -> None:
    """Behind all of app.css, and browsers may keep both."""
    answer = admin.get(sheet_of(admin))

    assert RED in answer.text
    assert ":root" in answer.text
    assert answer.mimetype == "text/css"
    assert "immutable" in answer.headers["Cache-Control"]


def test_every_page_has_the_same(admin: FlaskClient) -> None:
    """Of either environment or none, so that it is fetched once."""
    pages = (f"{ENV}/characters", f"{LIVE}/characters", f"{ENV}/matrix", "/promotion", "/account")

    assert 1 == len({sheet_of(admin, each) for each in pages})


def test_its_files_are_where_it_says(admin: FlaskClient) -> None:
    """Addresses within it are taken from where it stands."""
    address = sheet_of(admin)
    named = re.findall(r'url\("([^"]+)"\)', admin.get(address).text)

    assert named
    assert {200} == {admin.get(urljoin(address, each)).status_code for each in named}


def test_its_address_changes_with_the_hues(admin: FlaskClient, prompts: Repository) -> None:
    """What was kept under the old one is not asked for again; production's hue stays its own."""
    promote(prompts, Order(), SAM, "Live")
    before = sheet_of(admin)
    paint(prompts, "#00aa88")
    after = sheet_of(admin)
    text = admin.get(after).text

    assert before != after
    assert ".emotion-angry{--hue:light-dark(#00aa88," in text
    assert "[data-environment=production] .emotion-angry" in text
    assert "#dc2626" in text
    assert "no-cache" in admin.get(before).headers["Cache-Control"]


def test_only_what_differs_in_production_is_told_twice(admin: FlaskClient) -> None:
    """Where both have the same hues, one set is enough."""
    assert "[data-environment=production] .emotion-" not in admin.get(sheet_of(admin)).text


def test_a_list_of_emotions_that_is_broken_costs_its_hues_alone(
    admin: FlaskClient, prompts: Repository
) -> None:
    """Pages that can be made look as ever."""
    break_by_git(prompts, CONFIGURATION, b"emotions: 12\n")

    answer = admin.get(sheet_of(admin, "/account"))

    assert answer.status_code == 200
    assert ":root" in answer.text


def test_who_is_not_logged_in_gets_no_hues(app: Flask) -> None:
    """The emotions of a studio are its own: for them it is app.css alone."""
    stranger = app.test_client()
    address = sheet_of(stranger, "/login")

    assert address.startswith("/static/app.css?v=")
    assert RED not in stranger.get(address).text
    assert 200 != stranger.get("/style.css").status_code
