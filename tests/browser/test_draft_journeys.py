"""What is typed and not saved: it survives a reload, a lost session, and stays one's own."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.hands import prompt, someone
from tests.browser.studio import PASSWORD, Studio
from tests.browser.watching import Visit

NO_DRAFT = "!Object.keys(localStorage).some((key) => key.startsWith('draft '))"
"""True once the page's script has taken the last draft away, which may come after its words."""


def field(page: Page) -> Locator:
    """Where the text is written."""
    return page.get_by_label("Prompt text")


def type_draft(page: Page, text: str) -> None:
    """Writes, and waits until the browser has kept it; leaving is agreed to from here on."""
    field(page).fill(text)
    expect(page.get_by_text("Draft kept")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())


def log_in(page: Page, studio: Studio, name: str) -> None:
    """Somebody in particular."""
    page.goto(f"{studio.address}/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Characters", level=1)).to_be_visible()


def test_a_draft_survives_a_reload_until_it_is_discarded(visit: Visit) -> None:
    """It is said to be one, resolved alongside, and what stands comes back at a press."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character()
    hands.goto(prompt(studio, ident))
    standing = field(page).input_value()
    type_draft(page, "{character_name} simmers.")
    page.get_by_label("Reason").fill("Try heat")

    page.reload()
    expect(field(page)).to_have_value("{character_name} simmers.")
    expect(page.get_by_label("Reason")).to_have_value("Try heat")
    expect(page.get_by_text("Your draft of")).to_be_visible()
    expect(page.get_by_role("region", name="The resolved text")).to_contain_text("simmers")
    page.get_by_role("button", name="Discard it").click()

    expect(field(page)).to_have_value(standing)
    page.reload()
    expect(field(page)).to_have_value(standing)
    page.wait_for_function(NO_DRAFT)


def test_a_draft_survives_a_session_that_was_lost(visit: Visit) -> None:
    """Logged in again, the same person finds it where it was; somebody else doesn't."""
    there = visit()
    page, studio = there.page(), there.studio
    ident, mine, other = studio.character(), studio.person(), studio.person()
    log_in(page, studio, mine)
    page.goto(prompt(studio, ident))
    type_draft(page, "Mine alone.")

    page.context.clear_cookies()
    log_in(page, studio, other)
    page.goto(prompt(studio, ident))
    expect(field(page)).to_have_value(studio.text(ident) or "")
    page.context.clear_cookies()
    log_in(page, studio, mine)
    page.goto(prompt(studio, ident))

    expect(field(page)).to_have_value("Mine alone.")


def test_saving_leaves_no_draft(visit: Visit) -> None:
    """Nor does typing what stands."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character()
    hands.goto(prompt(studio, ident))
    type_draft(page, "{character_name} simmers.")
    hands.save()

    expect(page.get_by_text("v4").first).to_be_visible()
    expect(page.get_by_text("Your draft of")).to_have_count(0)
    page.wait_for_function(NO_DRAFT)


def test_a_draft_of_a_prompt_that_moved_meets_the_other_text(visit: Visit) -> None:
    """It keeps the commit it began from, so that reviewing shows both and overwrites neither."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character()
    hands.goto(prompt(studio, ident))
    type_draft(page, "{character_name} glowers.\nFast push-in.\nGrey light.\n")
    studio.replace(ident, "Grey light", "Sleet")

    page.reload()
    expect(page.get_by_text("the prompt changed since")).to_be_visible()
    hands.review()

    expect(page.get_by_role("alert")).to_contain_text("Nothing is lost")
    both = "{character_name} glowers.\nFast push-in.\nSleet.\n"
    expect(page.get_by_label("The text to save")).to_have_value(both)
