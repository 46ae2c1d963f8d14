"""The matrix in a real browser: narrowed, walked by keys, and edited from."""

from playwright.sync_api import expect

from tests.browser.hands import every_way, someone
from tests.browser.watching import Visit


@every_way
def test_the_matrix_is_filtered_and_a_prompt_edited_from_it(visit: Visit, way: str) -> None:
    """By name; the cell leads to the editor, which stands beside the grid where scripts run."""
    hands, studio = someone(visit, way)
    page, name = hands.page, f"Milo {way.title()}"
    ident, other = studio.character(name), studio.character()
    hands.goto(f"{studio.address}/environments/staging/matrix")
    hands.write(page.get_by_label("Filter by name or text"), name)
    if not hands.scripts:
        hands.press(page.get_by_role("button", name="Filter", exact=True))
    expect(page.locator(f"#row-{other}")).to_have_count(0)
    cell = page.locator(f"#row-{ident} .cell").nth(2)

    if hands.keyboard:
        hands.reach(page.locator(f"#row-{ident} .cell").nth(0))
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(cell).to_be_focused()
        page.keyboard.press("Enter")
    else:
        cell.click()
    hands.write(page.get_by_label("Prompt text"), "{character_name} paces.")
    hands.write(page.get_by_label("Reason"), "More movement")
    hands.save()

    saved = f"Saved {name}, angry as version 4 in staging."
    expect(page.get_by_text(saved)).to_be_visible()
    assert studio.text(ident) == "{character_name} paces."
    if hands.scripts:
        expect(cell).to_have_attribute(
            "aria-label", "Angry: override, version 4, ahead of production"
        )


def test_escape_leads_back_to_the_cell(visit: Visit) -> None:
    """What is written beside the grid is asked about first; the grid stays where it was."""
    hands, studio = someone(visit, "keyboard")
    page, ident = hands.page, studio.character("Nora Escape")
    hands.goto(f"{studio.address}/environments/staging/matrix?q=Nora+Escape")
    hands.reach(page.locator(f"#row-{ident} .cell").nth(0))
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator("#beside-title")).to_be_focused()
    expect(page.get_by_label("Prompt text")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.locator("#beside")).to_be_hidden()
    expect(page.locator(f"#row-{ident} .cell").nth(2)).to_be_focused()


def test_the_bar_at_the_foot_of_a_phone_covers_the_grid(visit: Visit) -> None:
    """Its names stay in sight where the grid's head, which sticks, passes under them."""
    hands, studio = someone(visit, "mouse")
    page = hands.page
    studio.character()
    page.set_viewport_size({"width": 390, "height": 500})
    hands.goto(f"{studio.address}/environments/staging/matrix?select=1")
    head = page.locator(".matrix thead th").first
    bar = page.locator(".rail")
    page.evaluate(
        """([head, bar]) => {
          const goes = head.getBoundingClientRect().top - bar.getBoundingClientRect().top;
          scrollBy({ top: goes, behavior: "instant" });
        }""",
        [head.element_handle(), bar.element_handle()],
    )

    on_top = bar.evaluate(
        """(bar) => {
          const at = bar.getBoundingClientRect();
          return bar.contains(document.elementFromPoint(40, at.top + 20));
        }"""
    )

    assert on_top
