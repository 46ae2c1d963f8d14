"""Light, dark, as the system has it, and as calm as people ask."""

import pytest
from playwright.sync_api import Page

from tests.browser.hands import every_way, someone
from tests.browser.watching import Visit

GROUND = "getComputedStyle(document.body).backgroundColor"


def ground(page: Page) -> str:
    """The colour of a page's ground, as it is painted."""
    painted: str = page.evaluate(GROUND)
    return painted


@every_way
def test_the_theme_is_remembered_and_there_at_the_first_paint(visit: Visit, way: str) -> None:
    """What was chosen stands in the page the server sends, so nothing flashes."""
    hands, studio = someone(visit, way)
    page = hands.page
    page.emulate_media(color_scheme="light")
    light = ground(page)
    hands.press(page.get_by_label("Your account"))
    hands.press(page.get_by_role("button", name="Dark"))
    page.locator("html[data-theme=dark]").wait_for()
    dark = ground(page)

    answer = page.goto(studio.address)

    assert answer is not None
    assert 'data-theme="dark"' in answer.text()
    assert dark == ground(page)
    assert dark != light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_follow_the_system_until_told(visit: Visit, scheme: str) -> None:
    """Its colours are there at once, for those who are not logged in as well."""
    there = visit(color_scheme=scheme)
    page = there.page()
    page.goto(there.studio.address)

    red = int(ground(page).removeprefix("rgb(").partition(",")[0])

    assert (red > 128) == (scheme == "light")


def test_nothing_moves_for_those_who_ask_for_calm(visit: Visit) -> None:
    """With reduced motion no element of a page has a transition or an animation."""
    hands, _ = someone(visit, "mouse")

    moving = hands.page.evaluate(
        """[...document.querySelectorAll("*")].filter((each) => {
          const style = getComputedStyle(each);
          const seconds = style.transitionDuration + "," + style.animationDuration;
          return seconds.split(",").some((each) => parseFloat(each) > 0.001);
        }).map((each) => each.outerHTML.slice(0, 120))"""
    )

    assert moving == []
