"""What pages come to look like in a narrow window, and those for nobody; beside the routes' own."""

from tests.browser.pages import outside, set_scene, states
from tests.browser.studio import Studio
from tests.browser.sweeping import NARROW, size, swept
from tests.browser.watching import Visit


def test_every_state_is_for_everybody(visit: Visit, studio: Studio) -> None:
    """axe finds nothing by WCAG 2.2 AA at 390 pixels; nothing is too wide there or at 320."""
    scene = set_scene(studio)
    member = visit(viewport=size(NARROW)).log_in()
    stranger = visit(viewport=size(NARROW)).page()

    assert not list(swept(member, scene, states(scene), NARROW))
    assert not list(swept(stranger, scene, outside(), NARROW))
