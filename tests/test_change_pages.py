"""Change requests in the browser's pages: who may do what, and what becomes of it."""

import re
import secrets
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from prompt_repo.editing import create_character
from prompt_repo.model import Character
from prompt_repo.promotion import Order, promote
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import SAM, make_repository, put
from tests.web import Browser, make_app, person, services
from webapp import change_records, events
from webapp.access import Role
from webapp.change_records import Kind
from webapp.events import Event, Happened
from webapp.records.change_models import ChangeEntry, ChangeRequest
from webapp.records.models import AuditEntry

TEXT = "One.\nTwo.\nThree.\nFour.\nFive.\nSix.\nSeven.\nEight.\nNine.\n"


class Studio:
    """The application with an admin, two reviewers and a viewer, and prompts that are live."""

    def __init__(self, folder: Path) -> None:
        self.repository = make_repository(folder, ("aria",))
        put(self.repository, {"defaults/happy": "Joy.", "defaults/idle": "Waits."})
        promote(self.repository, Order(), SAM, "Go live")
        self.app = make_app(folder, login_limit="1000 per minute")
        self.heard: list[Happened] = []
        for event in Event:
            events.listen(self.app, event, self.heard.append)
        self.admin = person(self.app, Role.ADMIN, "ada")
        self.kim = person(self.app, Role.REVIEWER, "kim")
        self.lee = person(self.app, Role.REVIEWER, "lee")
        self.viewer = person(self.app, Role.VIEWER, "vi")

    def character(self, text: str = TEXT, *, live: bool = False) -> str:
        """A new character with an angry prompt, on staging, or in production too."""
        ident = f"c{secrets.token_hex(3)}"
        create_character(self.repository, STAGING, Character(ident, f"Ms {ident}"), SAM, "")
        put(self.repository, {f"{ident}/angry": text})
        if live:
            promote(self.repository, Order(), SAM, "Go live")
        return ident

    def propose(self, who: Browser, ident: str, text: str, env: str = STAGING, **form: str) -> int:
        """Proposes an angry text; gives the change request's number."""
        answer = who.post(
            f"/environments/{env}/characters/{ident}/angry/propose",
            **{
                "action": "open",
                "base": self.repository.head(env),
                "text": text,
                "title": f"For {ident}",
                **form,
            },
        )
        assert answer.status_code == 303, answer.text
        return int(answer.headers["Location"].rsplit("/", 1)[1])

    def row(self, number: int) -> ChangeRequest:
        return change_records.found(services(self.app).records, number)

    def kinds(self, number: int) -> list[str]:
        return [each.kind for each in self.entries(number)]

    def entries(self, number: int) -> list[ChangeEntry]:
        return list(change_records.entries(services(self.app).records, number))

    def act(self, who: Browser, number: int, step: str, **form: str) -> int:
        """Takes a step on what stands now; gives the status."""
        head = self.repository.head(f"changes/{self.row(number).slug}")
        answer = who.post(f"/changes/{number}/{step}", **{"head": head, **form})
        return answer.status_code

    def text(self, ident: str, env: str = STAGING) -> str | None:
        found = self.repository.current(env).overrides(ident).get("angry")
        return found.prompt.text if found else None


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("changes"))


def test_a_reviewer_proposes_and_an_admin_merges(studio: Studio) -> None:
    """Staging stands until the merge; every step is in the conversation and announced."""
    ident = studio.character()
    studio.heard.clear()

    number = studio.propose(studio.kim, ident, "Soft.", description="Because\nof March")
    assert studio.text(ident) == TEXT
    assert studio.act(studio.admin, number, "say", action="approve", text="Yes") == 303
    assert studio.act(studio.admin, number, "merge") == 303

    assert studio.text(ident) == "Soft."
    assert studio.kinds(number) == [Kind.OPENED, Kind.APPROVED, Kind.MERGED]
    heard = [each.event for each in studio.heard if each.event is not Event.BRANCH_MOVED]
    assert heard == [
        Event.CHANGE_OPENED,
        Event.CHANGE_REVIEWED,
        Event.CHANGE_MERGED,
        Event.PROMPT_CHANGED,
    ]
    commit = studio.repository.store.commit(studio.repository.head(STAGING))
    assert commit.message.startswith(f"Merge change request {number}: For {ident}\n\nBecause")
    assert [key for key, _ in commit.trailers] == ["Change-Request", "Reviewed-by"]
    page = studio.viewer.get(f"/changes/{number}").text
    assert "Merged" in page
    assert "Soft." in studio.viewer.get(f"/changes/{number}/files").text


def test_who_may_do_what(studio: Studio) -> None:
    """Viewers read; reviewers propose, comment and review; admins merge."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, "Soft.")
    for step in ("say", "merge", "update", "close"):
        assert studio.act(studio.viewer, number, step) == 403
    assert studio.act(studio.lee, number, "merge") == 403
    assert studio.act(studio.lee, number, "close") == 403  # not theirs
    assert (
        studio.lee.get(f"/changes/{number}/edit?path=characters/{ident}/angry.yaml").status_code
        == 403
    )
    assert studio.row(number).state == "open"
    page = studio.viewer.get(f"/changes/{number}").text
    assert not re.search(r"Approve|Merge into|<textarea", page)


def test_nobody_approves_what_they_proposed_or_pushed(studio: Studio) -> None:
    """Not the proposer, and not who added to it later, an approval from before included."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, "Soft.")
    assert studio.act(studio.kim, number, "say", action="approve") == 403
    assert "Approve</button>" not in studio.kim.get(f"/changes/{number}").text

    assert studio.act(studio.admin, number, "say", action="approve") == 303
    saved = studio.admin.post(
        f"/changes/{number}/edit",
        path=f"characters/{ident}/angry.yaml",
        base=studio.row(number).head,
        text="Softer.",
    )

    assert saved.status_code == 303
    assert studio.act(studio.admin, number, "say", action="approve") == 403
    assert "1 approval" not in studio.admin.get(f"/changes/{number}").text


def test_reviews_fall_when_the_content_changes_and_stand_when_it_does_not(studio: Studio) -> None:
    """An update from the base that touches nothing proposed keeps them; another text doesn't."""
    ident, other = studio.character(), studio.character()
    number = studio.propose(studio.kim, ident, "Soft.")
    studio.act(studio.lee, number, "say", action="object", text="Too soft")
    assert studio.act(studio.admin, number, "merge") == 409
    put(studio.repository, {f"{other}/angry": "Elsewhere."})

    assert studio.act(studio.kim, number, "update") == 303
    assert studio.act(studio.admin, number, "merge") == 409
    assert "asked for changes" in studio.admin.get(f"/changes/{number}").text
    studio.propose(studio.kim, ident, "Less soft.", to=str(number), base=studio.row(number).head)

    assert "reviewed an earlier text" in studio.admin.get(f"/changes/{number}").text
    assert studio.act(studio.admin, number, "merge") == 303
    assert studio.text(ident) == "Less soft."


def test_a_review_or_merge_of_what_is_no_longer_there_is_refused(studio: Studio) -> None:
    """Somebody pushed while the page was open."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, "Soft.")
    seen = studio.row(number).head
    studio.propose(studio.kim, ident, "Other.", to=str(number), base=seen)

    refused = [
        studio.admin.post(f"/changes/{number}/say", head=seen, action="approve", text="Fine"),
        studio.admin.post(f"/changes/{number}/merge", head=seen),
    ]

    assert [409, 409] == [each.status_code for each in refused]
    assert "Fine</textarea>" in refused[0].text
    assert studio.text(ident) == TEXT


def test_conflicts_are_decided_in_place(studio: Studio) -> None:
    """All three sides, a decision, and what was chosen is kept where one is missing."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, TEXT.replace("Two", "Zwei"))
    put(studio.repository, {f"{ident}/angry": TEXT.replace("Two", "Deux")})
    assert studio.act(studio.admin, number, "merge") == 303  # leads to the conflicts
    page = studio.kim.get(f"/changes/{number}/conflicts").text
    assert "Zwei" in page
    assert "Deux" in page
    base, head = studio.repository.head(STAGING), studio.row(number).head
    path = f"/changes/{number}/conflicts"

    undecided = studio.kim.post(path, head=head, base=base)
    marked = studio.kim.post(
        path, head=head, base=base, c0="text", **{"c0-text": "<<<<<<< a\n=======\n>>>>>>> b\n"}
    )
    stale = studio.kim.post(path, head=head, base=head, c0="ours")
    done = studio.kim.post(path, head=head, base=base, c0="text", **{"c0-text": "Both."})

    assert [422, 409, 409, 303] == [each.status_code for each in (undecided, marked, stale, done)]
    assert studio.act(studio.admin, number, "merge") == 303
    assert studio.text(ident) == "Both."
    assert Kind.RESOLVED in studio.kinds(number)


def test_edits_of_different_lines_are_updated_before_they_are_merged(studio: Studio) -> None:
    """The joined text is seen, and reviewed, like any other."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, TEXT.replace("Two", "Zwei"))
    put(studio.repository, {f"{ident}/angry": TEXT.replace("Nine", "Neun")})
    studio.act(studio.lee, number, "say", action="approve")

    assert studio.act(studio.admin, number, "merge") == 409
    assert studio.act(studio.kim, number, "update") == 303

    assert "reviewed an earlier text" in studio.admin.get(f"/changes/{number}").text
    assert studio.act(studio.admin, number, "merge") == 303
    assert studio.text(ident) == TEXT.replace("Two", "Zwei").replace("Nine", "Neun")


def test_comments_on_lines_stay_with_their_text(studio: Studio) -> None:
    """Shown at the line while it stands, and as about an earlier text afterwards; settled."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, TEXT.replace("Two", "Zwei"))
    path = f"characters/{ident}/angry.yaml"
    assert studio.act(studio.lee, number, "lines", path=path, line="2", text="Why German?") == 303
    assert studio.act(studio.lee, number, "lines", path="x.yaml", line="2", text="Where?") == 422
    assert studio.act(studio.lee, number, "lines", path=path, line="2", text=" ") == 422
    files = studio.admin.get(f"/changes/{number}/files").text
    assert files.index("Zwei") < files.index("Why German?") < files.index("Three.")

    entry = studio.entries(number)[-1]
    settled = studio.kim.post(f"/changes/{number}/comments/{entry.id}/settle")
    studio.propose(studio.kim, ident, "All new.", to=str(number), base=studio.row(number).head)

    assert settled.status_code == 303
    page = studio.admin.get(f"/changes/{number}").text
    assert "on an earlier text" in page
    assert "settled by kim" in page
    assert "Zwei." in page
    assert "Why German?" not in studio.admin.get(f"/changes/{number}/files").text


def test_closing_and_reopening_keep_everything(studio: Studio) -> None:
    """The branch stays; what was said too; a closed one can't be merged."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, "Soft.")

    assert studio.act(studio.kim, number, "close") == 303
    assert studio.act(studio.admin, number, "merge") == 409
    assert studio.act(studio.lee, number, "reopen") == 403
    assert studio.act(studio.kim, number, "reopen") == 303
    assert studio.act(studio.admin, number, "merge") == 303

    assert studio.kinds(number)[1:] == [Kind.CLOSED, Kind.REOPENED, Kind.MERGED]


def test_a_hotfix_needs_somebody_elses_approval_and_reaches_both(studio: Studio) -> None:
    """One approval for production by default, also of an admin's own."""
    ident = studio.character(live=True)
    assert "hotfix" in studio.kim.get(f"/environments/production/characters/{ident}/angry").text
    number = studio.propose(studio.admin, ident, "Fixed.", PRODUCTION)

    assert studio.act(studio.admin, number, "merge") == 409
    assert "1 approval needed" in studio.admin.get(f"/changes/{number}").text
    assert studio.act(studio.kim, number, "say", action="approve") == 303
    assert studio.act(studio.admin, number, "merge") == 303

    assert [studio.text(ident, env) for env in (PRODUCTION, STAGING)] == ["Fixed.", "Fixed."]


def test_a_hotfix_of_what_moved_in_staging_leaves_a_change_request(studio: Studio) -> None:
    """Opened in the hotfix's proposer's name, and merged once it is decided."""
    ident = studio.character(live=True)
    put(studio.repository, {f"{ident}/angry": "Staging's own."})
    number = studio.propose(studio.kim, ident, "Fixed.", PRODUCTION)
    studio.act(studio.lee, number, "say", action="approve")

    assert studio.act(studio.admin, number, "merge") == 303

    left = studio.row(number + 1)
    said = studio.admin.get(f"/changes/{number}").text
    assert f"change request {left.number} was opened to decide them" in said
    assert "Hotfix" in studio.admin.get("/promotion/history").text
    assert (left.base, left.state, left.name) == (STAGING, "open", "kim")
    assert studio.text(ident) == "Staging's own."
    base = studio.repository.head(STAGING)
    studio.kim.post(f"/changes/{left.number}/conflicts", head=left.head, base=base, c0="ours")
    assert studio.act(studio.admin, left.number, "merge") == 303
    assert studio.text(ident) == "Fixed."


def pushed(studio: Studio, slug: str, text: str, ident: str, message: str) -> str:
    """A branch moved by plain git: its old head, after a new one was written to it."""
    store, branch = studio.repository.store, f"changes/{slug}"
    old = store.head(branch)
    if old is None:
        store.create_branch(branch, studio.repository.head(STAGING))
    raw = f"prompt: {text}\n".encode()
    store.write(
        branch,
        studio.repository.head(branch),
        {f"characters/{ident}/angry.yaml": raw},
        author=SAM,
        message=message,
    )
    return old or ""


def announce(studio: Studio, who: str, **facts: object) -> None:
    """What the Git endpoint announces after a push by an account."""
    from flask import g

    from webapp.access import SCOPES_OF, Caller
    from webapp.people import found

    account = found(services(studio.app).records, who)
    with studio.app.test_request_context():
        g.caller = Caller(
            f"token:1:{who}", who, who, account.email, scopes=SCOPES_OF[Role.ADMIN], token_id=1,
            made_by=account.id,
        )  # fmt: skip
        events.announce(Event.BRANCH_MOVED, **facts)


def test_a_push_opens_a_request_and_further_pushes_add_to_it(studio: Studio) -> None:
    """Title and text from the commit; approvals fall; who pushed may not approve."""
    ident, slug = studio.character(), secrets.token_hex(4)
    pushed(studio, slug, "Pushed.", ident, "Say it by git\n\nAt length.\n\nReviewed-by: Me <m@x>")
    head = studio.repository.head(f"changes/{slug}")
    announce(studio, "lee", branch=f"changes/{slug}", old=None, new=head)
    row = change_records.open_on(services(studio.app).records, slug)
    assert row is not None
    assert (row.title, row.text, row.base, row.name) == (
        "Say it by git", "At length.", STAGING, "lee",
    )  # fmt: skip
    assert studio.act(studio.lee, row.number, "say", action="approve") == 403
    assert studio.act(studio.kim, row.number, "say", action="approve") == 303

    old = pushed(studio, slug, "Pushed again.", ident, "More")
    studio.admin.get(f"/changes/{row.number}")  # seen before anybody told whose it is
    head = studio.repository.head(f"changes/{slug}")
    announce(studio, "kim", branch=f"changes/{slug}", old=old, new=head)

    assert "reviewed an earlier text" not in studio.admin.get(f"/changes/{row.number}").text
    assert [each.name for each in studio.entries(row.number)] == ["lee", "kim", "kim"]
    assert studio.act(studio.kim, row.number, "say", action="approve") == 403


def test_a_plain_git_merge_ends_the_request(studio: Studio) -> None:
    """Staging holds its head, so it is merged, whoever did that and however."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, "Soft.")
    store, row = studio.repository.store, studio.row(number)
    commit = store.write(
        STAGING,
        studio.repository.head(STAGING),
        {f"characters/{ident}/angry.yaml": b"prompt: Soft.\n"},
        author=SAM,
        message="Merge by hand",
        extra_parents=(row.head,),
    )
    announce(studio, "ada", branch=STAGING, old=commit.parents[0], new=commit.oid)

    assert studio.row(number).state == "merged"
    assert studio.viewer.get(f"/changes/{number}/files").status_code == 200


def test_a_branch_that_is_gone_closes_its_request(studio: Studio) -> None:
    """What was said stays to be read."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, "Soft.")
    slug = studio.row(number).slug
    (studio.repository.store.path / "refs" / "heads" / "changes" / slug).unlink()
    announce(studio, "kim", branch=f"changes/{slug}", old=studio.row(number).head, new=None)

    assert studio.row(number).state == "closed"
    assert studio.kim.get(f"/changes/{number}").status_code == 200
    assert studio.kim.post(f"/changes/{number}/reopen").status_code == 409


def test_lists_show_what_waits_for_whom(studio: Studio) -> None:
    """Mine, what I have yet to review, and what was merged or closed."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, "Soft.")

    def holds(who: Browser, shown: str) -> bool:
        return f'href="/changes/{number}"' in who.get(f"/changes?show={shown}").text

    assert holds(studio.kim, "mine")
    assert not holds(studio.lee, "mine")
    assert holds(studio.lee, "waiting")
    assert not holds(studio.kim, "waiting")
    studio.act(studio.lee, number, "say", action="object", text="Hm")
    assert not holds(studio.lee, "waiting")
    assert holds(studio.kim, "waiting")
    studio.act(studio.kim, number, "close")
    assert holds(studio.viewer, "closed")
    assert not holds(studio.viewer, "open")


HOSTILE = "<script>alert(1)</script>{{ 7*7 }}<a href='javascript:x'>"


def test_hostile_words_stay_words(studio: Studio) -> None:
    """Titles, descriptions, comments and prompts are shown as they were typed."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, HOSTILE, title=HOSTILE, description=HOSTILE)
    path = f"characters/{ident}/angry.yaml"
    studio.act(studio.lee, number, "say", action="comment", text=HOSTILE)
    studio.act(studio.lee, number, "lines", path=path, line="1", text=HOSTILE)
    put(studio.repository, {f"{ident}/angry": HOSTILE[::-1]})

    for tail in (
        "",
        "/files",
        "/commits",
        "/conflicts",
        f"/reach?path={path}",
        f"/edit?path={path}",
    ):
        page = studio.kim.get(f"/changes/{number}{tail}").text
        assert "<script>alert" not in page
        assert "href='javascript" not in page
        assert "&lt;script&gt;" in page
    assert "<script>alert" not in studio.kim.get("/changes").text


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"title": ""}, 422),
        ({"title": "x" * 201}, 422),
        ({"description": "Promoted-From: " + "0" * 40}, 422),
        ({"reason": "a\0b"}, 422),
        ({"text": " "}, 422),
        ({"text": TEXT}, 409),
        ({"to": "999999"}, 404),
        ({"base": "0" * 40}, 404),
        ({"base": "--upload-pack=x"}, 404),
    ],
)
def test_what_cannot_be_proposed_keeps_what_was_typed(
    studio: Studio, form: dict[str, str], status: int
) -> None:
    """Nothing is opened, and the text is in the answer."""
    ident = studio.character()
    before = set(studio.repository.store.branches())

    sent = {"action": "open", "text": "Kept text.", "title": "T", **form}
    sent.setdefault("base", studio.repository.head(STAGING))
    answer = studio.kim.post(f"/environments/staging/characters/{ident}/angry/propose", **sent)

    assert answer.status_code == status
    assert sent["text"].strip().split("\n")[0] in answer.text
    assert set(studio.repository.store.branches()) == before


@pytest.mark.parametrize("tail", ["", "/files", "/commits", "/conflicts", "/reach", "/edit"])
def test_there_is_no_such_change_request(studio: Studio, tail: str) -> None:
    """404, for numbers of any size."""
    for number in (0, 999_999, 10**30):
        assert studio.admin.get(f"/changes/{number}{tail}").status_code == 404


def test_steps_are_in_the_audit_log(studio: Studio) -> None:
    """Who did what to which change request."""
    ident = studio.character()
    number = studio.propose(studio.kim, ident, "Soft.")
    studio.act(studio.admin, number, "merge")
    subject = f"changes/{studio.row(number).slug}"

    with services(studio.app).records.reading() as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.subject == subject)).all()

    assert [(each.actor, each.action) for each in found] == [
        ("person:kim", "change_proposing.propose"),
        ("person:ada", "changes.merge"),
    ]


@pytest.fixture
def strict(tmp_path: Path) -> tuple[Flask, Repository]:
    """An application whose staging needs an approval."""
    repository = make_repository(tmp_path, ("aria",))
    put(repository, {"aria/angry": TEXT, "defaults/angry": "Fumes."})
    return make_app(tmp_path, approvals_staging=1), repository


def test_where_staging_needs_approval_no_way_in_saves_directly(
    strict: tuple[Flask, Repository],
) -> None:
    """The editor offers to propose instead; a change request merges once it is approved."""
    app, repository = strict
    admin, kim = person(app, Role.ADMIN), person(app, Role.REVIEWER)
    env = "/environments/staging/characters/aria"
    before = repository.head(STAGING)
    page = admin.get(f"{env}/angry").text
    assert "Propose…" in page
    assert "Save to staging" not in page
    tries = [
        admin.post(f"{env}/angry", action="save", text="Direct.", base=before),
        admin.post(f"{env}/angry/remove", base=before),
        admin.post(f"{env}/angry/history/1/revert", base=before),
        admin.post("/environments/staging/new-character", id="bo", name="Bo"),
    ]
    assert {403} == {each.status_code for each in tries}
    assert repository.head(STAGING) == before

    made = admin.post(f"{env}/angry/propose", action="open", base=before, text="New.", title="T")
    number = made.headers["Location"].rsplit("/", 1)[1]
    head = repository.head("changes/t")
    refused = admin.post(f"/changes/{number}/merge", head=head)
    kim.post(f"/changes/{number}/say", action="approve", head=head)
    merged = admin.post(f"/changes/{number}/merge", head=head)

    assert [409, 303] == [refused.status_code, merged.status_code]
    assert repository.current(STAGING).overrides("aria")["angry"].prompt.text == "New."
