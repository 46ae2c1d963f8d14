"""The service of one's own that docs/video-services.md shows, taken from the page and used."""

import re
from pathlib import Path

import pytest

import webapp
from tests.preview_world import world
from webapp import video
from webapp.records.preview_models import Status

DOCUMENT = Path(__file__).parents[1] / "docs" / "video-services.md"
FARM = """
from pathlib import Path

rendered = {}


def render(text):
    rendered["clip-1"] = text
    return "clip-1"


def fetch(ident, target):
    Path(target).write_bytes(b"a clip of " + rendered[ident].encode())
"""


def test_the_documented_service_makes_previews(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One module and one line as they stand there, and a setting: its clip is made and served."""
    page = DOCUMENT.read_text()
    (module,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    ((name, target),) = re.findall(r'`"(\w+)": "(webapp\.\w+:\w+)"`', page)
    (tmp_path / "code").mkdir()
    file = target.partition(":")[0].removeprefix("webapp.") + ".py"
    (tmp_path / "code" / file).write_text(module)
    (tmp_path / "code" / "farm.py").write_text(FARM)
    monkeypatch.syspath_prepend(tmp_path / "code")
    monkeypatch.setattr(webapp, "__path__", [*webapp.__path__, str(tmp_path / "code")])
    monkeypatch.setitem(video.SERVICES, name, target)

    with world(tmp_path, redis_url, video_service=name, video_model="oak") as here:
        asked = here.ask("{character_name} laughs.")
        here.work()
        made = here.preview(asked.id)
        clip = here.admin.get(f"/previews/{asked.id}/video")

    assert (Status.COMPLETED, "") == (made.status, made.error)
    assert (name, {"model": "oak"}) == (made.service, made.service_settings)
    assert made.remote_id == "clip-1"
    assert clip.data == b"a clip of Aria laughs."
