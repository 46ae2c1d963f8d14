"""A page that is drawn before its fonts are there."""

from playwright.sync_api import Route

from tests.browser.pages import set_scene, settle
from tests.browser.studio import Studio
from tests.browser.sweeping import NARROW, size
from tests.browser.watching import Visit

PAINTED = """() => new Promise((done) => new PerformanceObserver(() => done())
  .observe({ type: "paint", buffered: true }))"""


def test_fonts_that_come_late_move_nothing(visit: Visit, studio: Studio) -> None:
    """Lines of words and of code break where they broke; the browser's watch would tell."""
    watched = visit(viewport=size(NARROW))
    page = watched.log_in()
    diverged = set_scene(studio).diverged
    late: list[Route] = []
    page.route("**/*.woff2*", lambda route: late.append(route))

    page.goto(
        f"{studio.address}/promotion/plan?path=characters/{diverged}/angry.yaml",
        wait_until="domcontentloaded",
    )
    page.evaluate(PAINTED)
    assert late
    for route in late:
        route.continue_()
    page.wait_for_load_state()
    settle(page)

    assert not watched.wrong
