"""Change requests by a real git client: a push opens one, further pushes add to it."""

from pathlib import Path

from prompt_repo.repository import PRODUCTION, STAGING
from tests.git_client import prompt
from tests.test_git_http import ANGRY, Studio
from tests.web import make_app, served, services
from webapp import change_records
from webapp.access import Scope
from webapp.change_records import State


def test_a_push_opens_a_change_request_and_another_adds_to_it(tmp_path: Path) -> None:
    """Title and text are the commit's; staging stands; a merge by git ends it."""
    studio = Studio(tmp_path)
    with served(studio.app) as studio.url:
        clone = studio.clone(Scope.WRITE)
        records = services(studio.app).records
        clone.commit({ANGRY: prompt("Softer.")}, "Soften Aria\n\nShe shouts too soon.")
        assert clone.push("HEAD:changes/softer").ok
        opened = change_records.open_on(records, "softer")
        assert opened is not None
        told = (opened.title, opened.text, opened.base, opened.name)
        assert told == ("Soften Aria", "She shouts too soon.", STAGING, "laptop")
        assert studio.text() == "Frowns."

        newer = clone.commit({ANGRY: prompt("Softer still.")}, "Again")
        assert clone.push("HEAD:changes/softer").ok
        again = change_records.open_on(records, "softer")
        assert again is not None
        assert (again.number, again.head) == (opened.number, newer)
        assert again.fingerprint != opened.fingerprint
        assert [each.kind for each in change_records.entries(records, opened.number)] == [
            "opened",
            "pushed",
        ]

        assert clone.push("HEAD:staging").ok
        assert change_records.found(records, opened.number).state == State.MERGED


def test_a_pushed_hotfix_is_for_production(tmp_path: Path) -> None:
    """By the beginning of its name."""
    studio = Studio(tmp_path)
    with served(studio.app) as studio.url:
        clone = studio.clone(Scope.WRITE)
        clone.git("checkout", "-q", "-b", "fix", "origin/production")
        clone.commit({ANGRY: prompt("Fixed.")}, "Fix it")
        done = clone.push("HEAD:changes/hotfix-angry")

        assert done.ok, done.said
        row = change_records.open_on(services(studio.app).records, "hotfix-angry")
        assert row is not None
        assert row.base == PRODUCTION


def test_where_staging_needs_approval_a_push_to_it_is_told_the_way(tmp_path: Path) -> None:
    """Refused on the pusher's terminal; the same commit goes to a change request."""
    studio = _strict(tmp_path)
    with served(studio.app) as studio.url:
        clone = studio.clone(Scope.WRITE)
        before = studio.head()
        clone.commit({ANGRY: prompt("Direct.")}, "Direct")

        refused = clone.push("HEAD:staging")

        assert not refused.ok
        assert "changes by reviewed change requests" in refused.said
        assert studio.head() == before
        assert clone.push("HEAD:changes/direct").ok


def _strict(folder: Path) -> Studio:
    """A studio whose staging takes no direct edits once it has its prompts."""
    studio = Studio(folder)
    studio.app = make_app(folder, approvals_staging=1)
    studio.repository = services(studio.app).repository.get()
    return studio
