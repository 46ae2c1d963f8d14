"""Edits in bulk in a real browser: chosen, looked at, saved or proposed, undone by one click."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.hands import Hands, every_way, someone
from tests.browser.studio import TAKES, Studio
from tests.browser.watching import Visit

LAST = TAKES[-1][0]


def choose_in_matrix(hands: Hands, studio: Studio, name: str, idents: tuple[str, ...]) -> None:
    """Ticks the angry prompts of some characters in the matrix."""
    page = hands.page
    hands.goto(f"{studio.address}/environments/staging/matrix")
    hands.press(page.get_by_role("main").get_by_role("link", name="Edit in bulk"))
    hands.write(page.get_by_label("Filter by name or text"), name)
    hands.press(page.get_by_role("button", name="Filter", exact=True))
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get("q") == [name])
    for ident in idents:
        hands.choose(page.locator(f"#row-{ident} input[value='{ident}/angry']"))
    hands.press(page.get_by_role("button", name="Edit these"))


def look(hands: Hands, kind: str, fields: Mapping[str, str], ticks: tuple[str, ...] = ()) -> None:
    """Says what shall be done, and asks what would come of it."""
    page = hands.page
    hands.choose(page.get_by_role("radio", name=kind))
    for label, text in fields.items():
        hands.write(page.locator(".bulk-fields").get_by_label(label), text)
    for label in ticks:
        hands.choose(page.get_by_role("checkbox", name=label))
    hands.press(page.get_by_role("button", name="See what would change"))


@every_way
def test_words_are_replaced_in_many_prompts_and_put_back(visit: Visit, way: str) -> None:
    """Chosen in the matrix; one diff each, one reason, one commit; and one click undoes it."""
    hands, studio = someone(visit, way)
    page, name = hands.page, f"Rowan {way.title()}"
    idents = studio.character(f"{name} One"), studio.character(f"{name} Two")
    before = studio.repository.head("staging")
    choose_in_matrix(hands, studio, name, idents)
    look(hands, "Find and replace", {"Find": "boils", "Replace with": "seethes"})

    expect(page.get_by_role("heading", name="2 prompts to change")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("seethes")
    assert before == studio.repository.head("staging")
    hands.write(page.get_by_label("Reason"), "A finer word")
    hands.press(page.get_by_role("button", name="Save to staging"))
    expect(page.get_by_text("Saved 2 prompts to staging.")).to_be_visible()
    assert all("seethes" in (studio.text(ident) or "") for ident in idents)
    commit = studio.repository.store.commit(studio.repository.head("staging"))
    assert ("A finer word", (before,)) == (commit.reason, commit.parents)

    hands.press(page.get_by_role("button", name="Undo 2 changes"))
    expect(page.get_by_text("Undone: 2 prompts put back.")).to_be_visible()
    assert {LAST} == {studio.text(ident) for ident in idents}


@pytest.mark.parametrize(
    ("kind", "fields", "ticks", "shown", "after"),
    [
        (
            "Set one text",
            {"Text": "All of them wait."},
            (),
            "All of them wait.",
            "All of them wait.",
        ),
        (
            "Find and replace",
            {"Find": r"(\w+) push-in", "Replace with": r"push-in, \1"},
            ("Regular expression",),
            "push-in, Fast",
            LAST.replace("Fast push-in", "push-in, Fast"),
        ),
        ("Copy the defaults", {}, (), "", LAST),
        ("Remove overrides", {}, (), "", None),
    ],
)
def test_each_edit_is_chosen_from_a_search(
    visit: Visit,
    kind: str,
    fields: dict[str, str],
    ticks: tuple[str, ...],
    shown: str,
    after: str | None,
) -> None:
    """What the search finds is ticked there; the rest is as from the matrix."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character()
    if kind == "Copy the defaults":
        studio.replace(ident, "boils", "sulks")
    hands.goto(f"{studio.address}/environments/staging/search?q={ident}")
    tick = page.get_by_role("checkbox", name=re.compile(f"Choose Ms {ident}, angry"))
    if not tick.count():  # found by the character's name alone, whose prompts are in the matrix
        choose_in_matrix(hands, studio, ident, (ident,))
    else:
        hands.choose(tick)
        hands.press(page.get_by_role("button", name="Edit these in bulk"))
    look(hands, kind, fields, ticks)
    expect(page.get_by_role("heading", name="1 prompt to change")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(shown)
    hands.press(page.get_by_role("button", name="Save to staging"))

    expect(page.get_by_text("Saved 1 prompt to staging.")).to_be_visible()
    assert after == studio.text(ident)


def test_prompts_are_copied_from_a_character_and_tagged(visit: Visit) -> None:
    """One after the other, on the same cells."""
    hands, studio = someone(visit, "mouse")
    page, source = hands.page, studio.character()
    studio.replace(source, "boils", "storms")
    ident = studio.character("Quinn Copies")

    choose_in_matrix(hands, studio, "Quinn Copies", (ident,))
    look(hands, "Copy from a character", {"Character": source})
    hands.press(page.get_by_role("button", name="Save to staging"))
    expect(page.get_by_text("Saved 1 prompt to staging.")).to_be_visible()
    assert studio.text(source) == studio.text(ident)

    choose_in_matrix(hands, studio, "Quinn Copies", (ident,))
    look(hands, "Add or take away tags", {"Add": "close-up, night"})
    expect(page.get_by_text("Tags: none → close-up, night")).to_be_visible()
    hands.press(page.get_by_role("button", name="Save to staging"))
    expect(page.get_by_text("Saved 1 prompt to staging.")).to_be_visible()
    stored = studio.repository.current("staging").overrides(ident)["angry"]
    assert ("close-up", "night") == stored.prompt.tags


def test_an_edit_in_bulk_is_proposed(visit: Visit) -> None:
    """Nothing changes on staging; the change request holds all of it."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character("Perry Proposes")
    choose_in_matrix(hands, studio, "Perry Proposes", (ident,))
    look(hands, "Find and replace", {"Find": "boils", "Replace with": "simmers"})
    hands.write(page.get_by_label("Reason"), "Less heat")

    hands.press(page.get_by_role("button", name="Propose"))

    expect(page.get_by_role("heading", name="Less heat")).to_be_visible()
    assert LAST == studio.text(ident)


def test_a_pattern_that_never_ends_is_refused_with_its_words_kept(visit: Visit) -> None:
    """The page comes back in a moment, says why, and holds what was typed."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character("Eve Evil")
    studio.replace(ident, LAST, "a" * 5_000 + "!")
    choose_in_matrix(hands, studio, "Eve Evil", (ident,))

    look(
        hands,
        "Find and replace",
        {"Find": "(a+)+(b|c+)+$", "Replace with": "x"},
        ("Regular expression",),
    )

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator(".bulk-fields").get_by_label("Find")).to_have_value("(a+)+(b|c+)+$")
