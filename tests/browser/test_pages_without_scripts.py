"""Every page where JavaScript is off: it says the same, and everything in it leads somewhere."""

from pathlib import Path

from playwright.sync_api import Page

from tests.browser.pages import Place, Scene, outside, places, set_scene
from tests.browser.studio import Studio
from tests.browser.watching import Visit
from tests.web import make_app

DEAD = """() => [...document.querySelectorAll("a, button, input, select, textarea")]
.filter((each) => {
  if (!each.checkVisibility()) return false;
  if (each.matches("a")) return !each.getAttribute("href") || each.getAttribute("href") === "#";
  return !each.form;
}).map((each) => each.outerHTML.slice(0, 160))"""
"""Controls in sight that do nothing by themselves: links to nowhere, fields outside of forms."""


def test_every_page_works_without_scripts(visit: Visit, studio: Studio, tmp_path: Path) -> None:
    """It has its heading, and no control that waits for a script."""
    scene = set_scene(studio)
    there = visit(java_script_enabled=False)
    stranger, inside = there.page(), places(make_app(tmp_path / "routes"), scene)
    wrong = _dead(stranger, scene, outside())

    wrong += _dead(there.log_in(), scene, inside)

    assert not wrong, "\n".join(wrong)


def _dead(page: Page, scene: Scene, wanted: list[Place]) -> list[str]:
    wrong = []
    for place in wanted:
        if place.act is not None or not place.open(page, scene, scripts=False):
            continue
        if page.get_by_role("heading", level=1).count() != 1:
            wrong.append(f"{place.name} has not one heading")
        wrong += [f"{place.name}: {each}" for each in page.evaluate(DEAD)]
    return wrong
