"""A look at pages at one size of window, for what is wrong with them in either theme."""

from collections.abc import Iterable, Iterator
from typing import Literal

from playwright.sync_api import Page

from tests.browser.pages import COLOURS, Place, Scene, settle, violations

HEIGHT = 2000
"""So tall that nothing lies behind a bar that stays in sight, where axe would find it too small."""
NARROW, WIDE = (390, 320), (1440, 768)
"""Widths: at the first of each axe looks, and a page may be too wide for none."""
THEMES: dict[int, tuple[Literal["light", "dark"], Literal["light", "dark"]]] = {
    NARROW[0]: ("light", "dark"),
    WIDE[0]: ("dark", "light"),
}
"""In the first theme axe tries all its rules, in the other those that colours can break."""


def size(widths: tuple[int, ...]) -> dict[str, int]:
    """The window that a sweep begins in."""
    return {"width": widths[0], "height": HEIGHT}


def swept(
    page: Page, scene: Scene, wanted: Iterable[Place], widths: tuple[int, ...]
) -> Iterator[str]:
    """What axe finds on these pages at the first of the widths, and which are too wide for any.

    What moves or breaks is seen by who watches the page.
    """
    whole, colours = THEMES[widths[0]]
    for place in wanted:
        page.set_viewport_size(size(widths))
        page.emulate_media(color_scheme=whole)
        if not place.open(page, scene):
            continue
        _show_all(page, widths[0])
        for each in violations(page):
            yield f"{place.name}, {whole}: {each}"
        page.emulate_media(color_scheme=colours)
        for each in violations(page, COLOURS):
            yield f"{place.name}, {colours}: {each}"
        for width in widths:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            settle(page)
            needed = page.evaluate("document.scrollingElement.scrollWidth")
            if needed > width:
                yield f"{place.name} needs {needed} of {width}"


def _show_all(page: Page, width: int) -> None:
    """A window for a page that is longer still."""
    needed = page.evaluate("document.scrollingElement.scrollHeight")
    if needed > HEIGHT:
        page.set_viewport_size({"width": width, "height": needed})
        settle(page)
