"""Every page in a wide window, in both themes: all can read it, nothing is cut, nothing jumps."""

from pathlib import Path

from tests.browser.pages import routed, set_scene
from tests.browser.studio import Studio
from tests.browser.sweeping import WIDE, size, swept
from tests.browser.watching import Visit
from tests.web import make_app


def test_every_page_is_for_everybody(visit: Visit, studio: Studio, tmp_path: Path) -> None:
    """axe finds nothing by WCAG 2.2 AA at 1440 pixels; nothing is too wide there or at 768."""
    scene = set_scene(studio)
    wanted = routed(make_app(tmp_path / "routes"), scene)

    assert not list(swept(visit(viewport=size(WIDE)).log_in(), scene, wanted, WIDE))
