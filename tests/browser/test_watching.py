"""What the eyes of every browser test see: each fault that a page may have, made on purpose."""

import pytest
from playwright.sync_api import Browser

from tests.browser.studio import Studio
from tests.browser.watching import Watched, watched

MARKUP = "document.body.insertAdjacentHTML('beforeend', `{}`)"
FAULTS = {
    "console": ("console.error('out of paper')", "out of paper"),
    "script": ("setTimeout(() => { throw Error('lost') })", "lost"),
    "inline style": (MARKUP.format("<p style='color:red'>"), "CSP style-src"),
    "inline script": (MARKUP.format("<img src='/none' onerror='alert(1)'>"), "CSP script-src"),
    "another host": (MARKUP.format("<img src='https://elsewhere.example/a.png'>"), "elsewhere"),
    "asset": (MARKUP.format("<img src='/static/gone.png'>"), "404: http"),
    "shift": (
        "setTimeout(() => document.body.prepend(document.createElement('h1').appendChild("
        "Object.assign(document.createElement('pre'), {textContent: '\\n'.repeat(20)}))))",
        "while it loads",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_page_is_seen(studio: Studio, browser: Browser, fault: str) -> None:
    """It fails the test in which it happens."""
    script, said = FAULTS[fault]

    with pytest.raises(AssertionError, match=said):
        opened(studio, browser, script)


def test_a_page_without_fault_is_passed(studio: Studio, browser: Browser) -> None:
    """The log-in page has none."""
    there = opened(studio, browser, "0")

    assert there.wrong == []


def opened(studio: Studio, browser: Browser, script: str) -> Watched:
    """The log-in page, watched while a script runs in it."""
    with watched(studio, browser) as there:
        page = there.page()
        page.goto(studio.address + "/login")
        page.evaluate(script)
        page.wait_for_load_state("networkidle")
    return there
