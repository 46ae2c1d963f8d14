"""A clip beside the text that is being written leaves the editor's form whole."""

from html.parser import HTMLParser
from pathlib import Path

from prompt_repo.repository import STAGING
from tests.factories import make_repository, put
from tests.web import make_app, person, services
from webapp import previews
from webapp.access import Caller, Role
from webapp.config import Settings
from webapp.previews import Wanted
from webapp.video import Brief


class Forms(HTMLParser):
    """Which fields stand in which form, as a browser reads them: none stands in another."""

    def __init__(self) -> None:
        super().__init__()
        self.nested = False
        self.fields: dict[str, set[str]] = {}
        self._inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.nested = self.nested or self._inside is not None
            self._inside = given.get("id") or given.get("action") or ""
        elif "name" in given and self._inside is not None:
            self.fields.setdefault(self._inside, set()).add(given["name"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = None


def test_who_may_not_test_sees_no_place_for_it(tmp_path: Path) -> None:
    """No heading stands above nothing, neither in the editor nor in production."""
    put(make_repository(tmp_path, ("aria",)), {"aria/angry": "Frowns."})
    app = make_app(tmp_path)
    path = f"/environments/{STAGING}/characters/aria/angry"

    assert "Test preview" in person(app, Role.ADMIN).get(path).text
    assert "Test preview" not in person(app, Role.REVIEWER).get(path).text
    assert "Test preview" not in person(app, Role.VIEWER).get(path).text


def test_the_editors_fields_stay_in_its_form(tmp_path: Path) -> None:
    """Also where the clip has a button of its own."""
    put(make_repository(tmp_path, ("aria",)), {"aria/angry": "Frowns."})
    app = make_app(tmp_path)
    records = services(app).records
    brief = Brief("Fumes.", "Aria", "angry", "Angry", "#dc2626")
    asked = Wanted(STAGING, "aria", brief, brief.text, "typed", 1, "0" * 40, "local", {})
    made = previews.ask(records, Settings(data=tmp_path), asked, Caller("person:sam"))

    page = person(app, Role.ADMIN).get(f"/environments/{STAGING}/characters/aria/angry").text
    forms = Forms()
    forms.feed(page)

    assert f'id="clip-{made.id}"' in page
    assert "Cancel" in page
    assert not forms.nested
    assert {"csrf_token", "text", "notes", "tags", "reason", "base"} <= forms.fields["editor"]
