"""Every page, in both themes, wide and narrow: all can read it, nothing is cut, nothing jumps."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from prompt_repo.editing import archive_character
from prompt_repo.repository import STAGING
from tests.browser.studio import Studio, Watched
from tests.factories import SAM, put
from tests.web import make_app

Visit = Callable[..., Watched]
AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SHIFT = 0.02
WIDTHS = (320, 390, 768, 1440)
NO_PAGES = re.compile(r"/(static|api/v1|healthz|readyz|metrics)|.*\.css$")
"""What is read by programs."""
FILLED = {"environment": "staging", "emotion": "angry", "number": "2"}
QUERIES = {"history.compare": "?from=1&to=3"}
MORE = (
    "/environments/production/characters",
    "/environments/staging/characters?q=nobody-of-that-name",
    "/environments/staging/characters/{character}/idle",
    "/environments/staging/characters/{archived}",
    "/environments/staging/characters/nobody",
)
"""Pages that a route's usual address doesn't show: read-only, empty, fallen back, archived, 404."""


@pytest.fixture(scope="module")
def addresses(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every page's address, from the routes themselves: a new page can't be forgotten."""
    character, archived, removed = (studio.character() for _ in "123")
    archive_character(studio.repository, STAGING, archived, SAM, "Put away")
    put(studio.repository, {f"{removed}/angry": None}, "Gone")
    app = make_app(tmp_path_factory.mktemp("routes") / "data")
    names = {**FILLED, "character": character}
    found = [address.format(character=character, archived=archived) for address in MORE]
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or NO_PAGES.match(rule.rule):
            continue
        path = re.sub(r"<(?:[^:<>]+(?:\([^)]*\))?:)?(\w+)>", lambda name: names[name[1]], rule.rule)
        found.append(path + QUERIES.get(rule.endpoint, ""))
    return found


def violations(page: Page) -> list[str]:
    """What axe finds wrong, a line each."""
    page.evaluate(AXE.read_text() + "\n;0")
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS
    )
    return [
        f"{each['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def _wrong(page: Page, address: str) -> Iterator[str]:
    shifted = page.evaluate("window.shifted")
    if shifted > SHIFT:
        yield f"{address}: moves by {shifted:.3f} while it loads"
    for each in violations(page):
        yield f"{address}: {each}"


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_read_every_page(
    visit: Visit, addresses: list[str], theme: str, width: int
) -> None:
    """axe finds nothing by WCAG 2.2 AA, and nothing moves while a page loads."""
    there = visit(color_scheme=theme, viewport={"width": width, "height": 844})
    page = there.log_in()
    wrong = []

    for address in addresses:
        page.goto(there.studio.address + address, wait_until="networkidle")
        wrong += _wrong(page, address)

    assert not wrong, "\n".join(wrong)


def test_no_page_is_wider_than_the_screen(visit: Visit, addresses: list[str]) -> None:
    """Down to 320 pixels, what is wide scrolls within itself."""
    there = visit()
    page = there.log_in()
    wide = []

    for address in addresses:
        page.goto(there.studio.address + address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            needed = page.evaluate("document.scrollingElement.scrollWidth")
            if needed > width:
                wide.append(f"{address} needs {needed} of {width}")

    assert not wide, "\n".join(wide)


def test_the_theme_is_remembered_and_there_at_the_first_paint(visit: Visit) -> None:
    """What was chosen stands in the page the server sends, so nothing flashes."""
    there = visit(color_scheme="light")
    page = there.log_in()
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Dark").click()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")

    answer = page.goto(there.studio.address)

    assert answer is not None
    assert 'data-theme="dark"' in answer.text()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == background
