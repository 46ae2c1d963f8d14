"""Searching everything from anywhere in a real browser."""

import re

from playwright.sync_api import expect

from tests.browser.hands import every_way, prompt, someone
from tests.browser.watching import Visit
from tests.factories import put


@every_way
def test_a_prompt_is_found_by_its_words_and_opened(visit: Visit, way: str) -> None:
    """From any page, to the very prompt that holds them."""
    hands, studio = someone(visit, way)
    name, word = f"Pia {way.title()}", f"gloaming{len(way)}"
    ident = studio.character(name)
    put(studio.repository, {f"{ident}/idle": f"Stands in the {word}, at ease."}, "Dusk")
    hands.goto(studio.address + "/environments/staging/defaults")

    hands.find(word, f"{name}, idle")

    expect(hands.page.get_by_label("Prompt text")).to_have_value(re.compile(word))
    expect(hands.page).to_have_url(re.compile(f"/characters/{ident}/idle$"))


@every_way
def test_a_tag_leads_to_its_characters(visit: Visit, way: str) -> None:
    """The list holds those who have it."""
    hands, studio = someone(visit, way)
    tag = f"choir-{way.replace(' ', '-')}"
    one, other = (studio.character(f"{each} of {tag}", tag) for each in ("Alto", "Bass"))
    hands.goto(prompt(studio, one))

    hands.find(tag, f"{tag} 2 characters" if hands.scripts else f"{tag} (2)")

    rows = hands.page.locator(".character-row")
    expect(rows).to_have_count(2)
    expect(hands.page.get_by_label("Tag", exact=True)).to_have_value(tag)
    assert one != other


def test_the_list_follows_the_keys(visit: Visit) -> None:
    """Down and up choose, Escape shuts and keeps the words, Enter without a choice goes to all."""
    hands, studio = someone(visit, "keyboard")
    page = hands.page
    for each in ("One", "Two"):
        studio.character(f"Keyed {each}")
    hands.begin_search()
    box, found = page.get_by_role("combobox", name="Search everything"), page.get_by_role("listbox")
    page.keyboard.type("keyed")
    expect(found.get_by_role("option", name="Keyed One")).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")

    page.keyboard.press("ArrowDown")
    expect(found.get_by_role("option", selected=True)).to_contain_text("Keyed One")
    page.keyboard.press("ArrowDown")
    expect(found.get_by_role("option", selected=True)).to_contain_text("Keyed Two")
    page.keyboard.press("Escape")
    expect(found).to_be_hidden()
    expect(box).to_be_focused()
    expect(box).to_have_value("keyed")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Results for “keyed”")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("link", name="Keyed Two")).to_be_visible()


def test_nothing_found_is_said_in_the_list_and_on_the_page(visit: Visit) -> None:
    """With the words, as text."""
    hands, _ = someone(visit, "keyboard")
    page, words = hands.page, "<b>unheard</b>"

    hands.begin_search()
    page.keyboard.type(words)
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_text(
        re.compile(f"Nothing in staging holds “{words}”")
    )
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_contain_text(f"Nothing in staging holds “{words}”")


def test_the_words_of_a_slow_answer_do_not_come_late(visit: Visit) -> None:
    """What was typed first and answered last isn't shown."""
    hands, studio = someone(visit, "mouse")
    page = hands.page
    studio.character("Swift Reply")
    held = []
    page.route(re.compile(r"/search\?q=slow$"), lambda route: held.append(route))
    box = page.get_by_label("Search everything")
    with page.expect_request(re.compile(r"/search\?q=slow$")):
        box.fill("slow")

    box.fill("swift")
    expect(page.get_by_role("option", name="Swift Reply")).to_be_visible()

    assert len(held) == 1
    expect(page.get_by_role("option", name="slow")).to_have_count(0)
