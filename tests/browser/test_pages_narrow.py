"""Every page in a narrow window, in both themes: all can read it, nothing is cut, nothing jumps."""

from pathlib import Path

from tests.browser.studio import Studio
from tests.browser.sweeping import wrong_at
from tests.browser.watching import Visit


def test_every_page_is_for_everybody(visit: Visit, studio: Studio, tmp_path: Path) -> None:
    """axe finds nothing by WCAG 2.2 AA at 390 pixels; nothing is too wide there or at 320."""
    assert not wrong_at(visit, studio, tmp_path / "routes", (390, 320))
