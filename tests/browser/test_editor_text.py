"""The text while it is written: variables lit up, the default beside it, panes on a phone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import prompt, someone
from tests.browser.watching import Visit

LIT = (
    "[...document.querySelectorAll('.ink mark')].map((mark) => [mark.className, mark.textContent])"
)
LIES_BENEATH = """() => {
  const field = document.querySelector("#text"), ink = document.querySelector(".ink");
  const [a, b] = [field, ink].map((each) => each.getBoundingClientRect());
  return [ink.textContent === field.value + "\\n",
    a.x === b.x && a.y === b.y && a.width === b.width,
    Math.abs(field.scrollHeight - ink.scrollHeight) < 2, field.scrollTop === ink.scrollTop];
}"""
"""Whether the layer says what the field says, lies where it lies, wraps alike, and has followed."""


@pytest.mark.parametrize("width", [1440, 390])
def test_variables_are_lit_up_as_one_types(visit: Visit, width: int) -> None:
    """Known ones and unknown ones, exactly beneath the words, however far one has scrolled."""
    hands, studio = someone(visit, "keyboard")
    page = hands.page
    page.set_viewport_size({"width": width, "height": 800})
    hands.goto(prompt(studio, studio.character()))
    hands.reach(page.get_by_label("Prompt text"))

    page.keyboard.press("Control+a")
    page.keyboard.type("{character_name} in {coat}, {sunlight}, {{coat}} { coat }")
    assert page.evaluate(LIT) == [
        ["filled", "{character_name}"],
        ["filled", "{coat}"],
        ["unfilled", "{sunlight}"],
    ]
    expect(page.get_by_text("57 characters, 1 line")).to_be_visible()
    long = "\n".join(
        f"Line {number} of {{coat}} that is long enough to wrap" for number in range(80)
    )
    page.keyboard.insert_text(long)

    page.keyboard.press("Control+End")
    expect(page.locator(".ink mark")).to_have_count(83)
    page.wait_for_function("document.querySelector('#text').scrollTop > 100")
    page.wait_for_function(f"({LIES_BENEATH})().every(Boolean)")


def test_an_override_shows_how_it_differs_from_the_default(visit: Visit) -> None:
    """As one types; starting from the default takes its text, and Ctrl-Z takes that back."""
    hands, studio = someone(visit, "mouse")
    page = hands.page
    hands.goto(prompt(studio, studio.character()))
    field = page.get_by_label("Prompt text")
    page.get_by_text("How your text differs from the default").click()
    expect(page.get_by_text("It says the same as the default.")).to_be_visible()

    field.fill("{character_name} boils.\nFast push-in.\nBlue light.\n")
    changes = page.get_by_role("table", name="Changes from the default to your text")
    expect(changes).to_contain_text("Blue light.")
    expect(changes).to_contain_text("Grey light.")
    page.get_by_text("The default this hides").click()
    page.get_by_role("link", name="Start from the default").click()

    expect(field).to_have_value("{character_name} boils.\nFast push-in.\nGrey light.\n")
    page.keyboard.press("Control+z")
    expect(field).to_have_value("{character_name} boils.\nFast push-in.\nBlue light.\n")


def test_a_phone_shows_one_pane_at_a_time(visit: Visit) -> None:
    """The text, what it resolves to, or the default; by finger and by arrow keys."""
    hands, studio = someone(visit, "mouse")
    page = hands.page
    page.set_viewport_size({"width": 390, "height": 800})
    hands.goto(prompt(studio, studio.character()))

    assert shown(page) == [True, False, False]
    page.get_by_text("Resolved", exact=True).click()
    assert shown(page) == [False, True, False]
    page.keyboard.press("ArrowRight")
    assert shown(page) == [False, False, True]
    page.set_viewport_size({"width": 1440, "height": 800})
    assert shown(page) == [True, True, True]


def test_a_review_is_seen_from_every_pane_of_a_phone(visit: Visit) -> None:
    """It takes the place of the pane that was looked at; going back leads to the text."""
    hands, studio = someone(visit, "mouse")
    page = hands.page
    page.set_viewport_size({"width": 390, "height": 800})
    hands.goto(prompt(studio, studio.character()))
    page.get_by_label("Prompt text").fill("{character_name} glowers.\n")
    page.get_by_text("Resolved", exact=True).click()

    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", name="What you are about to save")).to_be_visible()
    page.get_by_role("button", name="Back to the text").click()

    expect(page.get_by_label("Prompt text")).to_be_focused()


def test_one_side_of_a_conflict_is_taken_whole(visit: Visit) -> None:
    """A press puts it where the text to save is written."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character()
    hands.goto(prompt(studio, ident))
    studio.replace(ident, "boils", "seethes")
    page.get_by_label("Prompt text").fill("{character_name} glowers.\n")
    hands.review()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is lost")

    page.get_by_role("button", name="Take this text").nth(1).click()

    expect(page.get_by_label("The text to save")).to_have_value(studio.text(ident) or "")


def shown(page: Page) -> list[bool]:
    """Which of the three panes is in sight."""
    return [
        page.locator(each).is_visible()
        for each in (".pane-text", ".pane-resolved", ".pane-default")
    ]
