"""Change requests by a real git client: a push opens one, further pushes add to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from prompt_repo.repository import PRODUCTION, STAGING
from tests.git_client import prompt
from tests.test_git_http import ANGRY, Studio
from tests.web import bearer, make_app, served, services
from webapp import change_records, tokens
from webapp.access import Scope
from webapp.change_records import ChangeRequest, State


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    with served(made.app) as made.url:
        yield made


@pytest.fixture
def reviewed(tmp_path: Path) -> Iterator[Studio]:
    """A studio in which staging takes reviewed change requests alone."""
    made = _strict(tmp_path)
    with served(made.app) as made.url:
        yield made


def opened(studio: Studio, slug: str) -> ChangeRequest:
    found = change_records.open_on(services(studio.app).records, slug)
    assert found is not None
    return found


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


def test_a_token_pushes_no_hotfix_to_where_it_is_not_for(studio: Studio) -> None:
    """Neither a new one by its name, nor on to one that is open, whatever that is called."""
    clone = studio.clone(Scope.WRITE)
    only = studio.address(Scope.WRITE, environments=(STAGING,))
    edit = {"character": "aria", "emotion": "angry", "prompt_text": "Calm."}
    proposed = studio.app.test_client().post(
        "/api/v1/changes",
        json={"title": "Calm", "base": PRODUCTION, "edits": [edit]},
        headers=bearer(studio.app, Scope.WRITE),
    )
    assert proposed.status_code == 201, proposed.text
    clone.git("fetch", "-q")
    clone.git("checkout", "-q", "-B", "mine", "origin/changes/calm")
    clone.commit({ANGRY: prompt("Calmer.")}, "Calm her more")

    told = [
        clone.run("push", only, f"HEAD:refs/heads/changes/{name}") for name in ("hotfix-x", "calm")
    ]
    mine = clone.run("push", only, "HEAD:refs/heads/changes/other")

    assert [each.ok for each in told] == [False, False]
    said = "this token is not for production, where this change request goes"
    assert all(said in each.said for each in told)
    assert mine.ok, mine.said


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


def test_a_pushed_change_request_is_merged_over_the_api(studio: Studio) -> None:
    """Git proposes, the API merges, and the next clone has it."""
    clone = studio.clone(Scope.REVIEW)
    clone.commit({ANGRY: prompt("Breathes out.")}, "Let her breathe")
    assert clone.push("HEAD:changes/breath").ok
    row = opened(studio, "breath")

    answer = studio.app.test_client().post(
        f"/api/v1/changes/{row.number}/merge",
        json={"head": row.head},
        headers=bearer(studio.app, Scope.WRITE),
    )

    assert 200 == answer.status_code, answer.text
    assert "Breathes out." == studio.text()
    assert change_records.open_on(services(studio.app).records, "breath") is None


def test_who_may_review_pushes_to_changes_alone(studio: Studio) -> None:
    """Staging is for who may write."""
    clone = studio.clone(Scope.REVIEW)
    clone.commit({ANGRY: prompt("Breathes out.")})

    refused = clone.push("HEAD:staging")

    assert not refused.ok
    assert "the right to write" in refused.said
    assert "Frowns." == studio.text()


def test_nobody_pushes_into_anothers_change_request_without_the_right_to_write(
    studio: Studio,
) -> None:
    """A comment is the way; whoever may write may add to all of them."""
    first, other = studio.clone(Scope.REVIEW), studio.clone(Scope.REVIEW, name="other")
    first.commit({ANGRY: prompt("Breathes out.")})
    assert first.push("HEAD:changes/breath").ok

    for clone in (other, writer := studio.clone(Scope.WRITE, name="writer")):
        clone.git("fetch", "-q", "origin", "changes/breath")
        clone.git("reset", "-q", "--hard", "FETCH_HEAD")
        clone.commit({ANGRY: prompt("Screams.")})
    refused, taken = other.push("HEAD:changes/breath"), writer.push("HEAD:changes/breath")

    assert not refused.ok
    assert "somebody else's" in refused.said
    assert taken.ok, taken.said


def test_approvals_fall_when_more_is_pushed(reviewed: Studio) -> None:
    """A merge needs the approval of what would be merged."""
    clone = reviewed.clone(Scope.WRITE)
    clone.commit({ANGRY: prompt("Breathes out.")})
    assert clone.push("HEAD:changes/breath").ok
    row = opened(reviewed, "breath")
    ask = reviewed.app.test_client()
    address = f"/api/v1/changes/{row.number}"
    reviewer = bearer(reviewed.app, Scope.REVIEW)
    approved = ask.post(
        f"{address}/reviews", json={"verdict": "approve", "head": row.head}, headers=reviewer
    )
    head = clone.commit({ANGRY: prompt("Screams.")})
    assert clone.push("HEAD:changes/breath").ok

    refused = ask.post(
        f"{address}/merge", json={"head": head}, headers=bearer(reviewed.app, Scope.WRITE)
    )

    assert approved.status_code in (200, 201), approved.text
    assert 409 == refused.status_code, refused.text
    assert "Frowns." == reviewed.text()


def test_a_revoked_token_pushes_nothing(studio: Studio) -> None:
    """Also in a clone that was made with it."""
    clone = studio.clone(Scope.WRITE)
    clone.commit({ANGRY: prompt("Breathes out.")})
    records = services(studio.app).records
    for token in tokens.listed(records):
        tokens.revoke(records, token.id)
    services(studio.app).tokens.have_ended()

    assert not clone.push("HEAD:changes/breath").ok
    assert change_records.open_on(services(studio.app).records, "breath") is None


def _strict(folder: Path) -> Studio:
    """A studio whose staging takes no direct edits once it has its prompts."""
    studio = Studio(folder)
    studio.app = make_app(folder, approvals_staging=1)
    studio.repository = services(studio.app).repository.get()
    return studio
