"""Reading what was, and going back to it, in a real browser."""

from playwright.sync_api import expect

from tests.browser.hands import every_way, prompt, someone
from tests.browser.watching import Visit


@every_way
def test_any_two_versions_are_compared(visit: Visit, way: str) -> None:
    """Picked in the history; what changed between them is shown word by word."""
    hands, studio = someone(visit, way)
    page = hands.page
    hands.goto(prompt(studio, studio.character(), "/history"))

    hands.choose(page.get_by_label("Compare from version 1"))
    hands.choose(page.get_by_label("Compare to version 3"))
    hands.press(page.get_by_role("button", name="Compare"))

    changes = page.get_by_role("table", name="Changes from version 1 to version 3")
    for word in ("fumes", "boils", "Slow", "Fast"):
        expect(changes).to_contain_text(word)


@every_way
def test_a_version_is_taken_back(visit: Visit, way: str) -> None:
    """After a look at what that will change; it becomes a new version."""
    hands, studio = someone(visit, way)
    page, ident = hands.page, studio.character()
    hands.goto(prompt(studio, ident, "/history"))
    hands.press(page.get_by_role("link", name="First take"))
    hands.press(page.get_by_role("link", name="Revert to this"))
    expect(page.get_by_role("table")).to_contain_text("Slow")
    hands.write(page.get_by_label("Reason"), "The first was best")
    hands.press(page.get_by_role("button", name="Revert to version 1"))

    expect(page.get_by_text("v4").first).to_be_visible()
    assert studio.text(ident) == "{character_name} fumes.\nSlow push-in.\nGrey light.\n"
