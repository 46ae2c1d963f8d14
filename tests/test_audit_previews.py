"""What the audit log says of test previews: each by itself, in the transaction that records it."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select, text
from werkzeug.test import TestResponse

from tests.preview_world import World, world
from tests.web import bearer
from webapp import previews
from webapp.access import Scope
from webapp.records.models import AuditEntry

ANGRY = "/environments/staging/characters/aria/angry"
ASKED = ("api.test_prompt", "preview_of.test")


def asked(here: World) -> Sequence[AuditEntry]:
    """The entries of asking, oldest first."""
    query = select(AuditEntry).where(AuditEntry.action.in_(ASKED)).order_by(AuditEntry.id)
    with here.records.reading() as session:
        return session.scalars(query).all()


def press(here: World, typed: str) -> TestResponse:
    """Asks as the editor does with htmx."""
    form = {"csrf_token": here.admin.csrf(), "text": typed}
    return here.admin.client.post(f"{ANGRY}/test", data=form, headers={"HX-Request": "true"})


def test_a_preview_is_entered_as_it_is_recorded(tmp_path: Path, redis_url: str) -> None:
    """One entry, chained: who asked, of which prompt, what makes it; its preview is there."""
    with world(tmp_path, redis_url) as here:
        key = bearer(here.app, Scope.WRITE, environments=("staging",))
        address = "/api/v1/environments/staging/characters/aria/emotional-prompts/angry/test"
        made = here.app.test_client().post(address, json={"prompt_text": "Glares."}, headers=key)
        found = asked(here)

        assert (202, 1) == (made.status_code, len(found))
        assert ("done", "staging:characters/aria/angry.yaml") == (
            found[0].outcome, found[0].subject,
        )  # fmt: skip
        assert (made.json["id"], "local", "typed", "staging") == tuple(
            found[0].detail[name] for name in ("preview", "service", "origin", "environment")
        )
        assert ("characters/aria/angry.yaml", True) == (found[0].path, bool(found[0].hash))


def test_what_cannot_be_entered_is_not_asked_for(tmp_path: Path, redis_url: str) -> None:
    """Where the audit log takes nothing, no preview is recorded and no job queued."""
    with world(tmp_path, redis_url) as here:
        with here.records.writing() as session:
            session.execute(
                text(
                    "create trigger full before insert on audit "
                    "begin select raise(abort, 'full'); end"
                )
            )
        answer = here.admin.post(f"{ANGRY}/test", text="x y z")

        assert (True, []) == (answer.status_code >= 500, previews.listed(here.records))
        assert 0 == here.jobs.overview().counts[0].waiting


def test_without_redis_the_entry_is_followed_by_one_that_says_so(tmp_path: Path) -> None:
    """An entry can't be taken back, so a second one tells that nothing was queued."""
    with world(tmp_path, "unix:///nowhere/at/all") as here:
        refused = here.admin.post(f"{ANGRY}/test", text="x y z")
        first, second = asked(here)

        assert 503 == refused.status_code
        assert ("done", 0, "failed", 503) == (
            first.outcome, first.status, second.outcome, second.status,
        )  # fmt: skip
        assert first.subject == second.subject


def test_a_limit_that_is_met_on_a_page_is_entered_with_its_words(
    tmp_path: Path, redis_url: str
) -> None:
    """As over the API: refused, and why, though htmx gets a page's part."""
    with world(tmp_path, redis_url, preview_limit_per_person=1) as here:
        here.ask()
        answer = press(here, "x")
        entry = asked(here)[-1]

        assert (422, "refused") == (answer.status_code, entry.outcome)
        assert "you have asked for 1 previews within an hour" in entry.detail["why"]


def test_a_text_that_is_too_long_is_entered_with_its_words(tmp_path: Path, redis_url: str) -> None:
    """As what failed, with both sizes."""
    with world(tmp_path, redis_url, preview_text_bytes=8) as here:
        press(here, "Nine bytes")
        entry = asked(here)[-1]

        assert "failed" == entry.outcome
        assert "the resolved text has 10 bytes" in entry.detail["why"]
