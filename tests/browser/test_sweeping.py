"""What the sweeps see of a page: faults made on purpose, in the theme that has them."""

import pytest
from playwright.sync_api import Page

from tests.browser.pages import COLOURS, violations

PAGE = """<!doctype html><html lang=en><title>Faults</title>
<style>:root {{ color-scheme: light dark; background: Canvas; color: CanvasText }}</style>
<main><h1>Faults</h1>{}</main></html>"""
FAULTS = {
    "color-contrast": "<p style='color: #bbb; background: #fff'>Hardly there</p>",
    "image-alt": "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>",
    "label": "<input type=text>",
    "button-name": "<button></button>",
    "link-name": "<a href='#x'></a>",
    "target-size": "<div style='font-size: 8px'><a href='#x'>a</a><a href='#y'>b</a></div>",
}


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_is_found_by_its_rule(page: Page, rule: str) -> None:
    """Each time it is there, and not where it isn't."""
    page.set_content(PAGE.format(f"{FAULTS[rule]}<p>{FAULTS[rule]}</p>"))
    found = [each for each in violations(page) if each.startswith(f"{rule}:")]
    page.set_content(PAGE.format("<p>Nothing of it</p>"))

    assert len(found) >= 1
    assert [] == violations(page)


def test_every_place_of_a_fault_is_told(page: Page) -> None:
    """Not the first alone; and by the rules of colours too where only those are asked for."""
    page.set_content(PAGE.format(FAULTS["color-contrast"] * 3 + FAULTS["label"]))

    whole, colours = violations(page), violations(page, COLOURS)

    assert 3 == len(colours)
    assert {*colours} < {*whole}
    assert 4 == len(whole)
