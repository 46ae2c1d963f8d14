"""Every page by Tab alone: all that can be used is reached, in sight, and seen to be reached."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.pages import outside, places, set_scene
from tests.browser.studio import Studio
from tests.browser.watching import Visit
from tests.web import make_app

STOPS = """() => {
  const usable = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  const shown = (each) => each.checkVisibility({ visibilityProperty: true }) && !each.disabled &&
    each.type !== "hidden" && each.tabIndex >= 0;
  const groups = new Set();
  return [...document.querySelectorAll(usable)].filter(shown).filter((each) => {
    if (each.type !== "radio") return true;
    const first = !groups.has(each.name);
    groups.add(each.name);
    return first;
  }).reduce((stops, each) => stops + (each.type === "date" ? 4 : 1), 0);
}"""
"""How many places Tab has to stop at: one for a group of radio buttons, four for a date.

Those are its day, month and year, and the button that opens a calendar."""

BEGIN = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
}"""
"""Puts the focus before everything."""

REACHED = """() => {
  const here = document.activeElement;
  if (!here || here === document.body) return null;
  const around = here.closest("li, td, label");
  const outlined = (each, part) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(each, part);
    return outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
  };
  const box = here.getBoundingClientRect();
  const x = box.x + Math.min(box.width / 2, 8), y = box.y + box.height / 2;
  const there = document.elementFromPoint(x, y);
  return {
    html: here.outerHTML.slice(0, 160),
    marked: outlined(here) || outlined(here, "::after") || (!!around && outlined(around)) ||
      here.matches("video[controls]"), // the browser marks the control itself, out of our reach
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    covered: !!there && !here.contains(there) && !there.contains(here) && !here.labels?.length,
  };
}"""
"""The element that has the focus, and whether that can be seen."""


def test_every_page_is_walked_by_tab(visit: Visit, studio: Studio, tmp_path: Path) -> None:
    """Each place is reached once, has a mark while it is, and lies behind nothing."""
    scene = set_scene(studio)
    inside = places(make_app(tmp_path / "routes"), scene)
    stranger, member = visit().page(), visit().log_in()
    wrong = []

    for page, wanted in ((stranger, outside()), (member, inside)):
        for place in wanted:
            if place.open(page, scene):
                wrong += [f"{place.name}: {each}" for each in _walked(page)]

    assert not wrong, "\n".join(wrong)


def _walked(page: Page) -> list[str]:
    page.evaluate(BEGIN)
    stops, wrong, reached = page.evaluate(STOPS), [], []
    for _ in range(stops):
        page.keyboard.press("Tab")
        here: dict[str, Any] | None = page.evaluate(REACHED)
        if here is None:
            break
        reached.append(here)
        for fault, bad in (
            ("no mark on", not here["marked"]),
            ("out of sight:", not here["inside"]),
            ("covered:", here["covered"]),
        ):
            if bad:
                wrong.append(f"{fault} {here['html']}")
    if len(reached) < stops:
        wrong.append(f"Tab reaches {len(reached)} of {stops} places")
    return wrong
