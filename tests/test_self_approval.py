"""Nobody approves what they wrote, nor is anything merged that nobody approved, by any detour."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from prompt_repo.repository import STAGING
from tests.git_client import Clone, address, git, prompt
from tests.test_git_http import ANGRY, Studio
from tests.web import make_app, person, served, services
from webapp import change_records, change_requests, people, tokens
from webapp.access import Role, Scope
from webapp.change_records import ChangeRequest, Kind, Seen, Who

HAPPY = "characters/aria/happy.yaml"
KIM = Who("person:kim", None, "Kim", "kim@studio.example")
LEE = Who("person:lee", None, "Lee", "lee@studio.example")
SOFT = prompt("Breathes out.")


class Person:
    """Somebody with an account, a token of it, and a clone."""

    def __init__(self, studio: Studio, name: str, *scopes: Scope) -> None:
        records = services(studio.app).records
        account = people.add(records, name, "long enough", Role.ADMIN)
        self.account_id, self.studio = account.id, studio
        self.token, _ = tokens.create(
            records, name, set(scopes), ("staging", "production"), made_by=account.id
        )
        assert git(studio.folder, "clone", "-q", address(studio.url, self.token), name).ok
        self.clone = Clone(studio.folder / name)

    def push(self, slug: str, text: str = SOFT, path: str = ANGRY) -> ChangeRequest:
        """Commits a text onto what a branch holds, under another's name, and pushes it there."""
        self.clone.run("fetch", "-q", "origin")
        self.clone.run("reset", "-q", "--hard", f"origin/changes/{slug}")
        self.clone.write(path, text)
        self.clone.git("add", "-A")
        self.clone.git("commit", "-q", "-m", "Edit", "--author=Some Body <some@studio.example>")
        pushed = self.clone.push(f"HEAD:refs/heads/changes/{slug}")
        assert pushed.ok, pushed.said
        row = change_records.open_on(services(self.studio.app).records, slug)
        assert row is not None
        return row

    def post(self, number: int, verb: str, **body: Any) -> TestResponse:
        return self.studio.app.test_client().post(
            f"/api/v1/changes/{number}/{verb}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def approve(self, number: int, head: str) -> TestResponse:
        return self.post(number, "reviews", verdict="approve", head=head)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio in which staging takes reviewed change requests alone."""
    made = Studio(tmp_path)
    made.app = make_app(tmp_path, approvals_staging=1)
    made.repository = services(made.app).repository.get()
    with served(made.app) as made.url:
        yield made


@pytest.fixture
def kim(studio: Studio) -> Person:
    return Person(studio, "kim", Scope.WRITE)


@pytest.fixture
def lee(studio: Studio) -> Person:
    return Person(studio, "lee", Scope.WRITE)


def test_the_author_of_a_commit_says_nothing(studio: Studio, kim: Person, lee: Person) -> None:
    """Who pushed it doesn't approve it, whomever its commits name; somebody else does."""
    row = kim.push("soft")

    assert 403 == kim.approve(row.number, row.head).status_code
    assert 201 == lee.approve(row.number, row.head).status_code


def test_an_approval_given_before_one_pushes_falls(
    studio: Studio, kim: Person, lee: Person
) -> None:
    """Approving first and pushing then is no way round; nor is pushing the same content again."""
    row = kim.push("soft")
    assert 201 == lee.approve(row.number, row.head).status_code
    lee.push("soft", prompt("Screams."))
    after = lee.push("soft")

    merged = lee.post(row.number, "merge", head=after.head)

    assert after.fingerprint == row.fingerprint
    assert 409 == merged.status_code
    assert "1 more approval is needed" in merged.text
    assert "Frowns." == studio.text()


def test_pushing_while_it_is_closed_counts_once_it_is_open(
    studio: Studio, kim: Person, lee: Person
) -> None:
    """What came onto the branch under another number is still the pusher's own."""
    first = kim.push("soft")
    assert 200 == lee.post(first.number, "close").status_code
    second = lee.push("soft", prompt("Screams."))
    assert second.number != first.number
    assert 200 == lee.post(second.number, "close").status_code
    assert 200 == lee.post(first.number, "reopen").status_code

    approved = lee.approve(first.number, second.head)
    merged = lee.post(first.number, "merge", head=second.head)

    assert 403 == approved.status_code, approved.text
    assert 409 == merged.status_code
    assert "Frowns." == studio.text()


def test_a_branch_used_again_begins_anew(studio: Studio, kim: Person, lee: Person) -> None:
    """Who pushed what was merged since may approve what somebody else pushes there."""
    first = lee.push("soft")
    assert 201 == kim.approve(first.number, first.head).status_code
    assert 200 == kim.post(first.number, "merge", head=first.head).status_code
    kim.clone.git("fetch", "-q", "origin")
    kim.clone.git("reset", "-q", "--hard", "origin/staging")
    kim.clone.commit({ANGRY: prompt("Hums.")})
    assert kim.clone.push("HEAD:refs/heads/changes/soft").ok
    second = change_records.open_on(services(studio.app).records, "soft")
    assert second is not None

    approved = lee.approve(second.number, second.head)

    assert 201 == approved.status_code, approved.text


def test_what_a_branch_proposes_changes_with_its_base(
    studio: Studio, kim: Person, lee: Person
) -> None:
    """A text put back to what it was is nothing to review, until the base takes the first half."""
    half = kim.push("half")
    kim.clone.git("push", "-q", "origin", "HEAD:refs/heads/changes/whole")
    kim.push("whole", prompt("Frowns."))
    whole = kim.push("whole", prompt("Beams."), HAPPY)
    assert 201 == lee.approve(whole.number, whole.head).status_code
    assert 201 == lee.approve(half.number, half.head).status_code
    assert 200 == kim.post(half.number, "merge", head=half.head).status_code

    unseen = kim.post(whole.number, "merge", head=whole.head)
    assert 201 == lee.approve(whole.number, whole.head).status_code
    seen = kim.post(whole.number, "merge", head=whole.head)

    assert 409 == unseen.status_code, unseen.text
    assert "1 more approval is needed" in unseen.text
    assert 200 == seen.status_code, seen.text
    assert "Frowns." == studio.text()


def test_two_pushes_told_late_are_each_their_pushers(studio: Studio) -> None:
    """Also where the first is heard of only after the second was seen."""
    records = services(studio.app).records
    begun = change_records.create(
        records, KIM, "soft", STAGING, "Soft", "", Seen("1" * 40, "0" * 40, "a" * 40)
    )
    change_records.moved(records, begun.number, change_records.GIT, Seen("3" * 40, "0", "b"))

    for head, who in (("2" * 40, LEE), ("3" * 40, KIM), ("3" * 40, KIM)):
        change_records.name_pusher(records, begun.number, head, who)
    said = change_records.contributions(records, change_records.found(records, begun.number))

    assert [(Kind.OPENED, "Kim", "1"), (Kind.PUSHED, "Kim", "3"), (Kind.PUSHED, "Lee", "2")] == [
        (each.kind, each.name, each.head[0]) for each in said
    ]
    assert change_requests.contributed(said, LEE)


@pytest.mark.parametrize("how", ["disabled", "viewer"])
def test_whoever_was_shut_out_since_approves_nothing(
    studio: Studio, kim: Person, lee: Person, how: str
) -> None:
    """A disabled account, or one that lost its role; the page says so, and back is back."""
    records = services(studio.app).records
    row = kim.push("soft")
    assert 201 == lee.approve(row.number, row.head).status_code
    if how == "disabled":
        people.set_disabled(records, "lee")
    else:
        people.set_role(records, "lee", Role.VIEWER)

    merged = kim.post(row.number, "merge", head=row.head)
    told = studio.app.test_client().get(
        f"/api/v1/changes/{row.number}", headers={"Authorization": f"Bearer {kim.token}"}
    )
    page = person(studio.app, Role.VIEWER).get(f"/changes/{row.number}").text

    assert 409 == merged.status_code
    assert "1 more approval is needed" in merged.text
    assert told.json is not None
    assert [("approve", False)] == [(e["verdict"], e["counts"]) for e in told.json["reviews"]]
    assert not told.json["mergeable"]
    assert "approved, but may no longer review" in page
    assert "Frowns." == studio.text()

    if how == "disabled":
        people.set_disabled(records, "lee", disabled=False)
    else:
        people.set_role(records, "lee", Role.REVIEWER)
    assert 200 == kim.post(row.number, "merge", head=row.head).status_code
    assert "Breathes out." == studio.text()
