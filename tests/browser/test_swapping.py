"""What htmx changes in a page leaves people where they were."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.hands import prompt, someone
from tests.browser.pages import settle, waiting_preview
from tests.browser.watching import Visit
from tests.factories import put


def test_filtering_keeps_the_focus_and_the_address(visit: Visit) -> None:
    """The list changes as one types; one goes on typing; the address can be sent to others."""
    hands, studio = someone(visit, "keyboard")
    page = hands.page
    studio.character("Wanda Swap")
    studio.character("Wendel Swap")
    box = page.get_by_role("searchbox")

    hands.narrow("w")
    hands.page.keyboard.type("anda sw")

    expect(page.get_by_role("link", name="Wendel Swap")).to_have_count(0)
    expect(page.get_by_role("link", name="Wanda Swap")).to_be_visible()
    expect(box).to_be_focused()
    expect(box).to_have_value("wanda sw")
    expect(page).to_have_url(re.compile(r"q=wanda(\+|%20)sw"))
    page.reload()
    expect(page.get_by_role("link", name="Wanda Swap")).to_be_visible()


def test_the_text_stays_where_it_is_while_one_writes(visit: Visit) -> None:
    """The resolved text beside it grows and warns, and the field neither moves nor loses focus."""
    hands, studio = someone(visit, "keyboard")
    page = hands.page
    hands.goto(prompt(studio, studio.character()))
    field = page.get_by_label("Prompt text")
    hands.reach(field)
    before = field.bounding_box()

    page.keyboard.press("Control+Home")
    page.keyboard.type("{unheard_of} ")
    expect(page.get_by_text("Unknown variable").first).to_be_visible()

    after = field.bounding_box()
    assert before is not None
    assert after is not None
    assert (before["x"], before["y"]) == (after["x"], after["y"])
    expect(field).to_be_focused()


def test_more_of_a_list_takes_the_focus(visit: Visit) -> None:
    """Who asks for older versions by keyboard goes on at the first of them."""
    hands, studio = someone(visit, "keyboard")
    page, ident = hands.page, studio.character()
    for number in range(4, 29):
        put(studio.repository, {f"{ident}/angry": f"Take {number}."}, f"Take {number}")
    hands.goto(prompt(studio, ident, "/history"))

    hands.press(page.get_by_role("link", name="Older versions"))

    expect(page.get_by_role("link", name="First take")).to_be_visible()
    expect(page.get_by_role("link", name="Stronger word")).to_be_focused()


def test_a_part_that_is_drawn_again_keeps_the_focus(visit: Visit) -> None:
    """The link that leads to the same has it, as where a job is watched."""
    hands, studio = someone(visit, "keyboard")
    page, name = hands.page, "Freya Redrawn"
    studio.character(name)
    hands.narrow(name)
    link = page.get_by_role("link", name=name)
    hands.reach(link)
    link.evaluate("element => element.classList.add('before')")

    page.evaluate("htmx.ajax('GET', location.href, { target: '#characters', swap: 'outerHTML' })")
    settle(page)

    expect(page.locator(".before")).to_have_count(0)
    expect(link).to_be_focused()


def test_review_and_back_keeps_the_text(visit: Visit) -> None:
    """The difference comes over the text in the same page, and goes again."""
    hands, studio = someone(visit, "keyboard")
    page = hands.page
    hands.goto(prompt(studio, studio.character()))
    address = page.url
    hands.write(page.get_by_label("Prompt text"), "A new text.")
    hands.review()
    expect(page.get_by_role("button", name="Save to staging")).to_be_visible()
    assert page.url == address

    hands.press(page.get_by_role("button", name="Back to the text"))

    expect(page.get_by_label("Prompt text")).to_be_focused()
    expect(page.get_by_label("Prompt text")).to_have_value("A new text.")


def test_going_back_leads_to_the_page_before(visit: Visit) -> None:
    """From a prompt to the list that was filtered, with what was found."""
    hands, studio = someone(visit, "mouse")
    page = hands.page
    studio.character("Yolanda Back")
    hands.narrow("Yolanda Back")
    hands.press(page.get_by_role("link", name="Yolanda Back").first)
    expect(page.get_by_role("heading", name="Yolanda Back", level=1)).to_be_visible()

    page.go_back()

    expect(page.get_by_role("searchbox")).to_have_value("Yolanda Back")
    expect(page.get_by_role("link", name="Yolanda Back").first).to_be_visible()


def test_a_click_right_after_typing_is_not_lost(visit: Visit) -> None:
    """Leaving the filter asks for nothing: the list stays what it is under the pointer."""
    hands, studio = someone(visit, "mouse")
    page = hands.page
    studio.character("Petra Press")
    page.get_by_role("searchbox").press_sequentially("Petra Press")
    page.wait_for_url(re.compile(r"q=Petra(\+|%20)Press$"))
    settle(page)

    page.get_by_role("link", name="Petra Press").first.hover()
    page.mouse.down()
    page.evaluate("fetch(location.href).then((answer) => answer.text())")
    settle(page)
    page.mouse.up()

    expect(page.get_by_role("heading", name="Petra Press", level=1)).to_be_visible()


def test_what_is_watched_stays_under_a_press(visit: Visit) -> None:
    """A preview at work is drawn again and again, and yet a slow click on its button counts."""
    hands, studio = someone(visit, "mouse")
    page = hands.page
    hands.goto(f"{studio.address}/previews/{waiting_preview(studio, studio.character())}")
    cancel = page.get_by_role("button", name="Cancel")
    cancel.evaluate("element => element.classList.add('before')")

    cancel.hover()
    page.mouse.down()
    for _ in range(2):
        with page.expect_response(re.compile("/previews/")):
            pass
    settle(page)
    expect(page.locator(".before")).to_have_count(1)
    page.mouse.up()

    expect(page.locator(".clip[data-status=cancelled]")).to_be_visible()


@pytest.mark.parametrize(
    ("field", "shown"), [("#filter", "#characters a[href*=characters]"), ("#search", "#found-c1")]
)
def test_what_is_typed_before_the_scripts_come_counts(visit: Visit, field: str, shown: str) -> None:
    """A filter and the search answer as soon as there is something that asks."""
    hands, studio = someone(visit, "mouse")
    page, name = hands.page, f"Ella before {field[1:]}"
    studio.character("Otto Other")
    studio.character(name)
    late: list[Route] = []
    page.route("**/*.js*", lambda route: late.append(route))

    with page.expect_request("**/*.js*"):
        page.goto(f"{studio.address}/environments/staging/characters", wait_until="commit")
    page.locator(field).fill(name)
    for route in late:
        route.continue_()
    page.unroute("**/*.js*")

    expect(page.locator(shown)).to_have_count(1)
    expect(page.locator(shown)).to_contain_text(name)
    expect(page.locator(field)).to_be_focused()
