"""Reading what was, and going back to it, in a real browser."""

from playwright.sync_api import expect

from tests.browser.hands import every_way, prompt, someone
from tests.browser.watching import Visit
from tests.factories import put


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


@every_way
def test_who_wrote_a_line_is_found(visit: Visit, way: str) -> None:
    """Each line leads to the version that brought it."""
    hands, studio = someone(visit, way)
    page = hands.page
    hands.goto(prompt(studio, studio.character()))

    hands.press(page.get_by_role("link", name="Blame"))
    lines = page.get_by_role("table").locator("tbody")
    expect(lines.filter(has_text="boils")).to_contain_text("Stronger word")
    expect(lines.filter(has_text="Fast push-in")).to_contain_text("Quicker")
    expect(lines.filter(has_text="Grey light")).to_contain_text("First take")
    hands.press(lines.filter(has_text="Fast push-in").get_by_role("link", name="v2"))

    expect(page.get_by_role("heading", name="Version 2")).to_be_visible()


@every_way
def test_a_comparison_is_shown_in_one_column_and_of_other_versions(visit: Visit, way: str) -> None:
    """Inline, then from another number; how it is shown stays."""
    hands, studio = someone(visit, way)
    page = hands.page
    hands.goto(prompt(studio, studio.character(), "/compare?from=1&to=3"))

    hands.press(page.get_by_role("link", name="Inline"))
    hands.write(page.get_by_label("From v"), "2")
    hands.press(page.get_by_role("button", name="Compare"))

    changes = page.get_by_role("table", name="Changes from version 2 to version 3")
    expect(changes.get_by_role("row").filter(has_text="fumes")).to_have_count(1)
    expect(changes.get_by_role("row").filter(has_text="boils")).to_have_count(1)
    expect(page.get_by_role("link", name="Inline")).to_have_attribute("aria-current", "true")


def test_versions_far_apart_are_compared(visit: Visit) -> None:
    """Older versions come below those on the page, and what was chosen stays chosen."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character()
    for number in range(4, 29):
        put(studio.repository, {f"{ident}/angry": f"Take {number}."}, f"Take {number}")
    hands.goto(prompt(studio, ident, "/history"))
    expect(page.get_by_text("First take")).to_have_count(0)
    page.get_by_label("Compare to version 27").check()

    page.get_by_role("link", name="Older versions").click()
    expect(page.get_by_role("link", name="First take")).to_be_visible()
    expect(page.get_by_label("Compare to version 27")).to_be_checked()
    page.get_by_label("Compare from version 1", exact=True).check()
    page.get_by_role("button", name="Compare").click()

    changes = page.get_by_role("table", name="Changes from version 1 to version 27")
    expect(changes).to_contain_text("Take 27.")
