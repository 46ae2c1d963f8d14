"""The pages of promotion, asked for over HTTP without a browser."""

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from prompt_repo.drift import State, compare
from prompt_repo.editing import create_character
from prompt_repo.model import Character
from prompt_repo.promotion import Order, promote
from prompt_repo.releases import Did
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.rolling_back import roll_back
from tests.factories import KIM, SAM, key, make_repository, put
from tests.web import Browser, make_app, person
from webapp import board, events, releases
from webapp.access import Role
from webapp.events import Event, Happened

ANGRY, HAPPY = "aria/angry", "aria/happy"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def path(name: str) -> str:
    """The file of a prompt."""
    return key(name).path


@pytest.fixture
def prompts(tmp_path: Path) -> Repository:
    """Aria and Bolt live in production; staging is ahead by one prompt of each and a default."""
    made = make_repository(tmp_path, ("aria", "bolt"))
    put(made, {ANGRY: "One.\n", HAPPY: "Glad.\n", "bolt/angry": "Sparks.\n"}, "Begin")
    promote(made, Order(), KIM, "Go live")
    put(made, {ANGRY: "Two.\n"}, "Louder")
    put(made, {"bolt/angry": "Lightning.\n", "defaults/idle": "Waits.\n"}, "More of it")
    return made


@pytest.fixture
def app(tmp_path: Path, prompts: Repository) -> Flask:
    """The application on those prompts."""
    return make_app(tmp_path)


@pytest.fixture
def admin(app: Flask) -> Browser:
    """Somebody who may promote."""
    return person(app, Role.ADMIN)


def hotfix(repository: Repository, name: str, words: str) -> None:
    """A commit on production that staging doesn't have."""
    head = repository.head(PRODUCTION)
    raw = f"prompt: |-\n  {words}\n".encode()
    commit = repository.store.write(
        PRODUCTION, head, {path(name): raw}, author=SAM, message=f"Fix {name}"
    )
    repository.written(PRODUCTION, commit)


def send(browser: Browser, address: str, *fields: tuple[str, str]) -> TestResponse:
    """Sends a form whose names may repeat."""
    data = MultiDict([("csrf_token", browser.csrf()), *fields])
    return browser.client.post(address, data=data)


def hidden(page: TestResponse) -> list[tuple[str, str]]:
    """What a page's form carries on unseen."""
    found = [(name, unescape(value)) for name, value in HIDDEN.findall(page.text)]
    return [pair for pair in found if pair[0] not in ("csrf_token", "back")]


def live(repository: Repository, name: str) -> str | None:
    """What stands in production."""
    found = repository.current(PRODUCTION).stored(key(name))
    return found.prompt.text if found else None


def states(repository: Repository) -> dict[str, State]:
    """What differs, and how."""
    return {item.path: item.state for item in compare(repository).items}


def test_the_board_shows_what_differs(admin: Browser) -> None:
    """State, numbers on both sides, reason and person of each; by character."""
    page = admin.get("/promotion").text

    assert "Aria" in page
    assert "Louder" in page
    assert "Sam Byrne" in page
    assert page.count('name="path"') == 3
    assert re.search(r'name="path" value="characters/aria/angry.yaml"', page)
    assert "characters/aria/happy.yaml" not in page


def test_everything_is_planned_and_promoted(admin: Browser, prompts: Repository) -> None:
    """Board, plan and button make one merge; its page has the notes and what it changed."""
    plan = send(admin, "/promotion/plan", ("all", "1"))
    assert plan.status_code == 200
    assert "3 documents to production" in plan.text
    assert "aria/angry: 1 → 2" in plan.text

    done = send(admin, "/promotion", *hidden(plan), ("reason", "Friday"))

    assert done.status_code == 303
    assert states(prompts) == {}
    page = admin.get(done.headers["Location"])
    assert "Friday" in page.text
    assert "Louder (Sam Byrne)" in page.text
    assert len(prompts.store.commit(prompts.head(PRODUCTION)).parents) == 2


@pytest.mark.parametrize(
    ("picked", "gone"),
    [
        ([("path", "characters/aria/angry.yaml")], {ANGRY}),
        ([("of-group", "bolt")], {"bolt/angry"}),
        ([("of-emotion", "angry")], {ANGRY, "bolt/angry"}),
        ([("of-group", "_defaults")], {"defaults/idle"}),
        ([("all", "1"), ("q", "lightning")], {"bolt/angry"}),
        ([("all", "1"), ("character", "aria")], {ANGRY}),
        ([("all", "1"), ("left", "defaults/idle.yaml")], {ANGRY, "bolt/angry"}),
    ],
)
def test_some_are_picked(
    admin: Browser, prompts: Repository, picked: list[tuple[str, str]], gone: set[str]
) -> None:
    """One by one, by character, by emotion, or all that fit the filters but some."""
    ahead = {ANGRY, "bolt/angry", "defaults/idle"}
    plan = send(admin, "/promotion/plan", *picked)

    done = send(admin, "/promotion", *hidden(plan))

    assert done.status_code == 303
    assert set(states(prompts)) == {path(name) for name in ahead - gone}


def test_nothing_picked_is_said(admin: Browser, prompts: Repository) -> None:
    """The board comes back and nothing is promoted."""
    answer = send(admin, "/promotion/plan")

    assert answer.status_code == 422
    assert "Nothing is picked yet" in answer.text


def test_a_plan_that_moved_comes_back_fresh(admin: Browser, prompts: Repository) -> None:
    """409, the new numbers, the same choices and reason; carried out from there it works."""
    plan = send(admin, "/promotion/plan", ("path", path(ANGRY)))
    put(prompts, {ANGRY: "Three.\n"}, "Even louder")

    moved = send(admin, "/promotion", *hidden(plan), ("reason", "It is time"))

    assert moved.status_code == 409
    assert "moved while you looked" in moved.text
    assert 'value="It is time"' in moved.text
    assert live(prompts, ANGRY) == "One.\n"
    assert ("path", path(ANGRY)) in hidden(moved)
    assert send(admin, "/promotion", *hidden(moved)).status_code == 303
    assert live(prompts, ANGRY) == "Three.\n"
    assert live(prompts, "bolt/angry") == "Sparks.\n"


@pytest.mark.parametrize(
    ("choice", "text", "stands", "noted"),
    [
        ("production", "", "Calm.", ""),
        ("staging", "", "Two.\n", "aria/angry: 2 → 2"),
        ("text", "Calmly.\r\n", "Calmly.\n", "aria/angry: 2 → the edited text"),
    ],
)
def test_what_diverged_is_decided_on_the_plan(
    admin: Browser, prompts: Repository, choice: str, text: str, stands: str, noted: str
) -> None:
    """Three panes are shown; the choice goes through plan and promotion, and reaches staging.

    The draft of the notes says what goes.
    """
    hotfix(prompts, ANGRY, "Calm.")
    asked = send(admin, "/promotion/plan", ("all", "1"))
    assert "1 document to decide first" in asked.text
    decided = [(f"decide.{path(ANGRY)}", choice), (f"text.{path(ANGRY)}", text)]

    plan = send(admin, "/promotion/plan", *hidden(asked), *decided)
    kept = [pair for pair in decided if pair[0].startswith("text.")]
    done = send(admin, "/promotion", *hidden(plan), *kept)

    assert plan.status_code == 200
    assert re.findall(r"aria/angry: .+", plan.text) == [noted] * bool(noted)
    assert done.status_code == 303
    assert live(prompts, ANGRY) == stands
    found = prompts.current(STAGING).stored(key(ANGRY))
    assert found is not None
    assert found.prompt.text == stands
    assert states(prompts) == {}


def test_promoting_undecided_asks_and_keeps_the_choices(
    admin: Browser, prompts: Repository
) -> None:
    """409 shows the panes; nothing is promoted."""
    hotfix(prompts, ANGRY, "Calm.")
    plan = send(admin, "/promotion/plan", ("all", "1"))

    answer = send(admin, "/promotion", *hidden(plan), ("reason", "Now"))

    assert answer.status_code == 409
    assert f'name="decide.{path(ANGRY)}"' in answer.text
    assert live(prompts, "bolt/angry") == "Sparks.\n"


def test_all_that_diverged_can_be_decided_at_once(admin: Browser, prompts: Repository) -> None:
    """One choice for the rest of them."""
    for name in (ANGRY, "bolt/angry"):
        hotfix(prompts, name, "Calm.")
    asked = send(admin, "/promotion/plan", ("all", "1"))

    plan = send(admin, "/promotion/plan", *hidden(asked), ("rest", "staging"))
    send(admin, "/promotion", *hidden(plan))

    assert states(prompts) == {}
    assert live(prompts, ANGRY) == "Two.\n"


def test_the_plan_says_what_comes_along(admin: Browser, prompts: Repository) -> None:
    """A prompt of a new character brings the character, and the page says why."""
    create_character(prompts, STAGING, Character("cleo", "Cleo"), SAM, "Add Cleo")
    put(prompts, {"cleo/angry": "Hiss.\n"})

    plan = send(admin, "/promotion/plan", ("path", path("cleo/angry")))

    assert "2 documents to production" in plan.text
    assert "Comes along" in plan.text


def test_a_roll_back_is_previewed_done_and_taken_back(admin: Browser, prompts: Repository) -> None:
    """Rolled back is held back; the roll-back's own page promotes it again."""
    first = send(admin, "/promotion", *hidden(send(admin, "/promotion/plan", ("all", "1"))))
    address = first.headers["Location"]
    page = admin.get(f"{address}/roll-back")
    assert page.status_code == 200

    back = send(
        admin, f"{address}/roll-back", *hidden(page), ("path", path(ANGRY)), ("reason", "Too loud")
    )

    assert back.status_code == 303
    assert states(prompts) == {path(ANGRY): State.HELD_BACK}
    board = admin.get("/promotion").text
    assert "Rolled back: Too loud" in board
    everything = send(admin, "/promotion/plan", ("all", "1"))
    assert "Nothing to promote" in everything.text
    undo = admin.get(f"{back.headers['Location']}/roll-back")
    assert "nothing to put back" not in undo.text
    done = send(
        admin, f"{back.headers['Location']}/roll-back", *hidden(undo), ("path", path(ANGRY))
    )
    assert states(prompts) == {}
    assert live(prompts, ANGRY) == "Two.\n"
    again = admin.get(done.headers["Location"]).text
    assert "Promoted 1 document again as production/" in again
    assert "<h1>Promote 1 document again</h1>" in again
    assert f"as production was at <code>{first.headers['Location'].rpartition('/')[2][:9]}" in again
    over = admin.get(f"{back.headers['Location']}/roll-back").text
    assert "All of it stands again already, so there is nothing to put back." in over


def test_promoting_again_is_told_as_a_promotion(
    app: Flask, admin: Browser, prompts: Repository
) -> None:
    """To those who listen, as what it is and not as the way it was asked for."""
    heard: list[Happened] = []
    for event in (Event.PROMOTED, Event.ROLLED_BACK):
        events.listen(app, event, heard.append)
    done = promote(prompts, Order(), KIM, "All of it")
    back = roll_back(prompts, done.tag, KIM, "Too loud")
    address = f"/promotion/history/{back.commit.oid}/roll-back"

    send(admin, address, *hidden(admin.get(address)), *(("path", each) for each in back.paths))

    assert [Event.PROMOTED] == [each.event for each in heard]
    assert 3 == heard[0].facts["count"]


def test_held_back_goes_alone_where_nothing_is_ahead(admin: Browser, prompts: Repository) -> None:
    """By a plain commit that names it, and the plan says that it was picked."""
    promote(prompts, Order(), KIM, "All of it")
    bad = prompts.head(PRODUCTION)
    roll_back(prompts, bad, KIM, "Too loud")
    assert {*states(prompts).values()} == {State.HELD_BACK}

    plan = send(admin, "/promotion/plan", ("path", path(ANGRY)))
    done = send(admin, "/promotion", *hidden(plan), ("reason", "Now it fits"))
    commit = prompts.store.commit(prompts.head(PRODUCTION))

    assert "What was picked goes" in plan.text
    assert "Everything that is ahead" not in plan.text
    assert done.status_code == 303
    assert len(commit.parents) == 1
    assert dict(commit.trailers) == {
        "Promoted-From": prompts.head(STAGING),
        "Promotes-Held-Back": path(ANGRY),
    }
    assert "Two." in (live(prompts, ANGRY) or "")
    assert set(states(prompts)) == {path("bolt/angry"), path("defaults/idle")}


def test_held_back_is_promoted_again_by_its_name(admin: Browser, prompts: Repository) -> None:
    """Ticking its own box picks it."""
    first = send(admin, "/promotion", *hidden(send(admin, "/promotion/plan", ("all", "1"))))
    address = f"{first.headers['Location']}/roll-back"
    send(admin, address, *hidden(admin.get(address)), ("path", path(ANGRY)))

    plan = send(admin, "/promotion/plan", ("path", path(ANGRY)))
    send(admin, "/promotion", *hidden(plan))

    assert states(prompts) == {}


def test_what_went_on_since_is_put_back_where_said(admin: Browser, prompts: Repository) -> None:
    """409 names it; ticking "anyway" puts it back."""
    first = send(admin, "/promotion", *hidden(send(admin, "/promotion/plan", ("all", "1"))))
    put(prompts, {ANGRY: "Three.\n"})
    promote(prompts, Order(), KIM)
    address = f"{first.headers['Location']}/roll-back"
    fields = [*hidden(admin.get(address)), ("path", path(ANGRY)), ("path", path("bolt/angry"))]

    refused = send(admin, address, *fields)
    assert refused.status_code == 409
    assert "went on in production since" in refused.text
    assert live(prompts, "bolt/angry") == "Lightning.\n"
    done = send(admin, address, *fields, ("anyway", path(ANGRY)))

    assert done.status_code == 303
    assert live(prompts, ANGRY) == "One.\n"
    assert live(prompts, "bolt/angry") == "Sparks.\n"


def test_what_stands_again_already_is_said_and_not_asked(
    admin: Browser, prompts: Repository
) -> None:
    """Its box is off, and the rest goes back without a question."""
    first = send(admin, "/promotion", *hidden(send(admin, "/promotion/plan", ("all", "1"))))
    address = f"{first.headers['Location']}/roll-back"
    send(admin, address, *hidden(admin.get(address)), ("path", path(ANGRY)))

    page = admin.get(address)
    done = send(admin, address, *hidden(page), ("path", path("bolt/angry")))

    assert 1 == page.text.count("Stands again already.")
    assert re.search(rf'value="{path(ANGRY)}"[^>]* disabled>', page.text)
    assert done.status_code == 303
    assert ("One.\n", "Sparks.\n") == (live(prompts, ANGRY), live(prompts, "bolt/angry"))


def test_each_kind_of_release_has_its_word() -> None:
    """So that no line of what went live lacks one."""
    assert {*Did} == {*releases.DID}


def test_production_that_moved_stops_a_roll_back(admin: Browser, prompts: Repository) -> None:
    """409 shows it as it is now; ticks stay."""
    first = send(admin, "/promotion", *hidden(send(admin, "/promotion/plan", ("all", "1"))))
    address = f"{first.headers['Location']}/roll-back"
    page = admin.get(address)
    hotfix(prompts, HAPPY, "Calm.")

    answer = send(admin, address, *hidden(page), ("path", path(ANGRY)))

    assert answer.status_code == 409
    assert "Production moved while you looked" in answer.text
    assert live(prompts, ANGRY) == "Two.\n"


def test_those_who_read_look_and_touch_nothing(app: Flask, prompts: Repository) -> None:
    """A viewer sees board, plan and history without a box or a button, and is refused the acts."""
    viewer = person(app, Role.VIEWER)

    board, plan = viewer.get("/promotion"), viewer.get("/promotion/plan")

    assert (200, 200) == (board.status_code, plan.status_code)
    assert 'type="checkbox" name="path"' not in board.text
    assert "Promote 3" not in plan.text
    assert viewer.get("/promotion/history").status_code == 200
    assert send(viewer, "/promotion", ("all", "1")).status_code == 403
    assert send(viewer, "/promotion/plan", ("all", "1")).status_code == 403


def test_changes_open_alone_or_in_place(admin: Browser, prompts: Repository) -> None:
    """A page by itself, a part for htmx; 404 for what does not differ."""
    address = f"/promotion/document?path={path(ANGRY)}"

    whole, part = admin.get(address), admin.get(address, headers={"HX-Request": "true"})

    assert "<!doctype html>" in whole.text
    assert "<!doctype html>" not in part.text
    for page in (whole, part):
        assert "One." in page.text
        assert "Two." in page.text
    assert admin.get("/promotion/document?path=../x").status_code == 404
    assert admin.get("/promotion/document").status_code == 404


def test_the_rail_counts_what_waits(admin: Browser, prompts: Repository) -> None:
    """On every page, and gone when all is promoted."""
    assert "3<span" in admin.get("/environments/staging/characters").text

    promote(prompts, Order(), KIM)

    assert "rail-count" not in admin.get("/environments/staging/characters").text


def test_history_goes_page_by_page(admin: Browser, prompts: Repository) -> None:
    """Newest first, each with its tag; an unknown promotion is 404."""
    promote(prompts, Order(), KIM, "Second")
    page = admin.get("/promotion/history").text

    assert page.index("Second") < page.index("Go live")
    assert "production/" in page
    assert admin.get("/promotion/history/" + "0" * 40).status_code == 404
    assert admin.get("/promotion/history?cursor=junk").status_code == 404


def test_a_long_board_goes_group_by_group(admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page ends with a whole group and leads on, filters and all, until there is no more."""
    monkeypatch.setattr(board, "PAGE", 1)
    address, seen = "/promotion?state=ahead", []
    while address:
        page = admin.get(address).text
        seen += re.findall(r'name="path" value="([^"]+)"', page)
        more = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(more[1]) if more else ""

    assert seen == ["defaults/idle.yaml", path(ANGRY), path("bolt/angry")]


def test_hostile_names_are_only_names(admin: Browser, prompts: Repository) -> None:
    """Paths, groups and choices nobody knows are passed over or refused, never served."""
    odd = [("path", "../../etc/passwd"), ("of-group", "<script>"), ("decide.x", "staging")]

    answer = send(admin, "/promotion/plan", *odd)

    assert answer.status_code == 200
    assert "Nothing to promote" in answer.text
    assert "<script>" not in answer.text.replace("<script src", "").replace("<script type", "")
    assert "passwd" in unescape(answer.text)
