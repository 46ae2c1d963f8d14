"""A look at every page at one size of window, for what is wrong with it in either theme."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.pages import Place, Scene, outside, places, set_scene, settle, violations
from tests.browser.studio import Studio
from tests.browser.watching import Visit
from tests.web import make_app

HEIGHT = 2000
"""So tall that nothing lies behind a bar that stays in sight, where axe would find it too small."""


def wrong_at(visit: Visit, studio: Studio, folder: Path, widths: tuple[int, ...]) -> list[str]:
    """What axe finds on any page at the first of the widths, and which are too wide for any.

    The pages themselves move or break before the eyes of `visit`.
    """
    scene = set_scene(studio)
    size = {"width": widths[0], "height": HEIGHT}
    inside = places(make_app(folder), scene)
    stranger = visit(viewport=size).page()
    member = visit(viewport=size).log_in()
    return [*_swept(stranger, scene, outside(), widths), *_swept(member, scene, inside, widths)]


def _swept(
    page: Page, scene: Scene, wanted: Iterable[Place], widths: tuple[int, ...]
) -> Iterator[str]:
    for place in wanted:
        page.set_viewport_size({"width": widths[0], "height": HEIGHT})
        page.emulate_media(color_scheme="light")
        if not place.open(page, scene):
            continue
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            for each in violations(page):
                yield f"{place.name}, {theme}: {each}"
        for width in widths:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            settle(page)
            needed = page.evaluate("document.scrollingElement.scrollWidth")
            if needed > width:
                yield f"{place.name} needs {needed} of {width}"
