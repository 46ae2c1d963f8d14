"""The promotion board in a real browser: boxes that tick others, the count, and the plan."""

import secrets

from playwright.sync_api import Page, expect

from tests.browser.hands import Hands, every_way, someone
from tests.browser.studio import Studio
from tests.browser.watching import Visit
from tests.factories import put


def waiting(hands: Hands, studio: Studio) -> tuple[str, list[str]]:
    """Two new characters that wait for promotion, one of them with two prompts; opens the board."""
    word = f"Zed{secrets.token_hex(3)}"
    idents = [studio.character(f"{word} {name}") for name in ("Ann", "Bob")]
    put(studio.repository, {f"{idents[0]}/happy": "Beams."}, "For the ending")
    hands.goto(f"{studio.address}/promotion?q={word}")
    return word, idents


def lines(page: Page) -> list[bool]:
    """Which of the board's lines are ticked, in order."""
    found = page.locator("input[name=path]")
    return [each.is_checked() for each in found.all()]


@every_way
def test_what_is_picked_is_what_the_plan_shows(visit: Visit, way: str) -> None:
    """One line by its own box; what it can't work without comes along and is named."""
    hands, studio = someone(visit, way)
    word, idents = waiting(hands, studio)
    page = hands.page

    hands.choose(page.locator(f"input[value='characters/{idents[0]}/happy.yaml']"))
    if hands.scripts:
        expect(page.locator("[data-sum]")).to_have_text("1 picked")
    hands.press(page.get_by_role("button", name="Review promotion"))

    goes = page.get_by_role("region", name="Goes to production")
    expect(goes).to_contain_text(f"{word} Ann")
    expect(goes).not_to_contain_text(f"{word} Bob")
    expect(page.get_by_role("button", name="Promote")).to_be_visible()


def test_boxes_for_many_tick_their_lines_and_count(visit: Visit) -> None:
    """Everything, a character, an emotion; what is part of it in between shows as such."""
    hands, studio = someone(visit, "mouse")
    word, _ = waiting(hands, studio)
    page = hands.page
    count, everything = page.locator("[data-sum]"), page.locator("input[data-picks=all]")
    assert lines(page) == [False] * 5

    everything.check()
    expect(count).to_have_text("5 picked")
    assert lines(page) == [True] * 5
    bob = page.get_by_role("checkbox", name=f"All of {word} Bob")
    expect(bob).to_be_checked()

    bob.uncheck()
    expect(count).to_have_text("3 picked")
    assert everything.evaluate("box => [box.checked, box.indeterminate]") == [False, True]

    page.get_by_text("Pick by emotion").click()
    angry = page.locator("input[data-picks=emotion][value=angry]")
    assert angry.evaluate("box => [box.checked, box.indeterminate]") == [False, True]
    angry.check()
    expect(count).to_have_text("4 picked")
    assert bob.evaluate("box => [box.checked, box.indeterminate]") == [False, True]
    angry.uncheck()
    expect(count).to_have_text("2 picked")

    page.get_by_role("button", name="Review promotion").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("to production")
    goes = page.get_by_role("region", name="Goes to production")
    expect(goes).to_contain_text("For the ending")
    expect(goes).not_to_contain_text(f"{word} Bob")
