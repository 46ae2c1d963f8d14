"""The browser that tests lean on works."""

from playwright.sync_api import Page, expect


def test_a_page_is_drawn(page: Page) -> None:
    """Without a network."""
    page.set_content("<h1>Prompts</h1>")

    expect(page.get_by_role("heading")).to_have_text("Prompts")
