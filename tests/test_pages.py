"""The pages, asked for over HTTP without a browser."""

import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from prompt_repo.editing import archive_character
from prompt_repo.model import PromptKey
from prompt_repo.repository import STAGING, Repository
from tests.factories import KIM, make_repository, put
from webapp import create_app, people
from webapp.access import Role
from webapp.config import Settings

ENV = "/environments/staging"
LIVE = "/environments/production"
ANGRY = f"{ENV}/characters/aria/angry"
PASSWORD = "a long password"
HOSTILE = "<script>alert(1)</script>\n{{ 7*7 }} {% raw %} javascript:alert(1) <img src=x onerror=a>"

LogIn = Callable[[str], FlaskClient]


@pytest.fixture
def prompts(tmp_path: Path) -> Repository:
    """Aria and Bolt, with two defaults and two versions of one override."""
    repository = make_repository(tmp_path, ("aria", "bolt"), frame="24 fps")
    put(repository, {"defaults/idle": "Waits. {frame}", "defaults/angry": "Fumes."})
    put(repository, {"aria/angry": "{character_name} goes still.\nCold wall.\n"}, "First try")
    put(repository, {"aria/angry": "{character_name} goes quiet.\nCold wall.\n"}, "Quieter")
    return repository


@pytest.fixture
def app(tmp_path: Path, prompts: Repository) -> Flask:
    """The application on those prompts."""
    return create_app(Settings(data=tmp_path, log=str(tmp_path / "log.jsonl")))


@pytest.fixture
def log_in(app: Flask) -> LogIn:
    """Logs a new person in, named for their role, in a browser of their own."""
    records = app.extensions["services"].records

    def log_in(name: str) -> FlaskClient:
        people.add(records, name, PASSWORD, Role(name), display_name=f"The {name}")
        client = app.test_client()
        answer = send(client, "/login", {"name": name, "password": PASSWORD}, page="/login")
        assert answer.status_code == 302, answer.text
        return client

    return log_in


@pytest.fixture
def admin(log_in: LogIn) -> FlaskClient:
    """An admin's browser."""
    return log_in("admin")


def token(client: FlaskClient, page: str) -> str:
    """The CSRF token of a page's forms."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found is not None
    return found[1]


def send(
    client: FlaskClient, address: str, form: dict[str, object], page: str = f"{ENV}/characters"
) -> TestResponse:
    """Posts a form with the token that `page` gave."""
    return client.post(address, data={"csrf_token": token(client, page), **form})


def field(page: str, name: str) -> str:
    """What a text area of the page would hold in a browser."""
    found = re.search(rf'<textarea[^>]* name="{name}"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return unescape(found[1].removeprefix("\n"))


def base(page: str) -> str:
    """The commit a form began from."""
    found = re.search(r'name="base" value="([0-9a-f]{40})"', page)
    assert found is not None
    return found[1]


def text_of(repository: Repository, character: str | None, emotion: str) -> str | None:
    """What stands for a prompt of its own."""
    stored = repository.current(STAGING).stored(PromptKey(character, emotion))
    return stored.prompt.text if stored else None


STAGING_PAGES = [
    f"{ENV}/characters",
    f"{ENV}/characters?q=aria",
    f"{ENV}/characters?q=nobody",
    f"{ENV}/characters?archived=1",
    f"{ENV}/characters/aria",
    f"{ENV}/characters/aria/character",
    f"{ENV}/new-character",
    f"{ENV}/defaults",
    f"{ENV}/defaults/idle",
    f"{ENV}/defaults/happy",
    f"{ENV}/defaults/idle/remove",
    ANGRY,
    f"{ANGRY}?default=1",
    f"{ENV}/characters/bolt/angry",
    f"{ANGRY}/remove",
    f"{ANGRY}/history",
    f"{ANGRY}/history/1",
    f"{ANGRY}/history/1/revert",
    f"{ANGRY}/history/2/revert",
    f"{ANGRY}/compare?from=1&to=2",
    f"{ANGRY}/compare?from=2&to=2&whole=1",
    f"{ENV}/characters/bolt/angry/history",
    f"{ENV}/removed",
    "/account",
]


class Inline(HTMLParser):
    """Collects what our Content-Security-Policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.found += [f"{tag} {name}" for name in names if name.startswith("on")]
        self.found += [f"{tag} style"] * ("style" in names or tag == "style")
        self.found += ["inline script"] * (tag == "script" and "src" not in names)
        for name in ("src", "href", "action"):
            if (names.get(name) or "").lower().startswith(("http:", "https:", "//", "javascript:")):
                self.found.append(f"{tag} {name}={names[name]}")


def test_every_page_is_served_without_inline_code(admin: FlaskClient) -> None:
    """No script, style, handler or address of another host stands in a page."""
    for address in STAGING_PAGES:
        answer = admin.get(address)
        inline = Inline()
        inline.feed(answer.text)

        assert (200, []) == (answer.status_code, inline.found), address
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]


def test_every_page_asks_for_a_log_in(app: Flask) -> None:
    """Nobody reads prompts without an account."""
    for address in STAGING_PAGES:
        answer = app.test_client().get(address)

        assert 302 == answer.status_code
        assert "/login" in answer.headers["Location"]


def test_the_way_in_leads_to_the_characters(admin: FlaskClient) -> None:
    """The root is the list of characters in staging."""
    assert f"{ENV}/characters" == admin.get("/").headers["Location"]


def test_hostile_texts_are_shown_as_texts(admin: FlaskClient, prompts: Repository) -> None:
    """Markup and template syntax in a prompt, its reason and a character's fields stay text."""
    put(prompts, {"aria/angry": HOSTILE}, HOSTILE.replace("\n", " "))
    form = {"name": HOSTILE[:60], "description": HOSTILE, "tags": "<b>", "base": ""}
    settings = f"{ENV}/characters/aria/character"
    form["base"] = base(admin.get(settings).text)
    assert 303 == send(admin, settings, form).status_code

    for address in [*STAGING_PAGES, f"{ANGRY}/compare?from=2&to=3", f"{ANGRY}/history/3"]:
        page = admin.get(address).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>" not in page
        assert "{{ 7*7 }}" in page or "7*7" not in page
        assert ">49<" not in page


def test_a_search_finds_names_tags_and_descriptions(admin: FlaskClient) -> None:
    """And says so where it finds nothing; punctuation does not count, and is shown as it was."""
    found = admin.get(f"{ENV}/characters?q=BOL").text
    nothing = admin.get(f"{ENV}/characters?q=%3Cnobody%3E").text

    assert ">Bolt</a>" in found
    assert ">Aria</a>" not in found
    assert "“&lt;nobody&gt;”" in nothing


def test_emotional_states_say_where_they_come_from(admin: FlaskClient) -> None:
    """Override, default or missing, with version, author and the first lines."""
    page = admin.get(f"{ENV}/characters/aria").text
    sources = re.findall(r"is-(character|global|missing)\"", page)

    assert ["global", "missing", "character"] == sources
    assert "v2 · Sam Byrne" in page
    assert "{character_name} goes quiet.\nCold wall." in page


@pytest.mark.parametrize("text", ["\n\n  leading", "trailing \t\n\n", "a\r\nb", "{x} 🙂 שלום"])
def test_a_text_is_saved_exactly(admin: FlaskClient, prompts: Repository, text: str) -> None:
    """What a browser sends comes back into the form the same; only CRLF becomes LF."""
    form = {"text": text, "base": base(admin.get(ANGRY).text), "reason": "Why not"}

    answer = send(admin, ANGRY, {**form, "action": "save"})

    assert 303 == answer.status_code
    assert text.replace("\r\n", "\n") == text_of(prompts, "aria", "angry")
    assert text.replace("\r\n", "\n") == field(admin.get(ANGRY).text, "text")


def test_a_save_carries_the_person_and_the_reason(admin: FlaskClient, prompts: Repository) -> None:
    """The commit's author is who is logged in."""
    form = {"text": "New.", "base": base(admin.get(ANGRY).text), "reason": "Shorter"}

    send(admin, ANGRY, {**form, "action": "save"})
    made = prompts.store.commit(prompts.head(STAGING))

    assert ("The admin", "Shorter") == (made.author.name, made.reason)


def test_a_save_that_changes_nothing_makes_no_commit(
    admin: FlaskClient, prompts: Repository
) -> None:
    """And says so."""
    page, head = admin.get(ANGRY).text, prompts.head(STAGING)
    form = {"text": field(page, "text"), "base": base(page)}

    for action in ("review", "save"):
        answer = send(admin, ANGRY, {**form, "action": action})
        assert "Nothing changed." in answer.text

    assert head == prompts.head(STAGING)


def test_a_review_shows_the_diff_and_saves_nothing(admin: FlaskClient, prompts: Repository) -> None:
    """The page that comes back holds the text, ready to be saved."""
    head = prompts.head(STAGING)
    text = "{character_name} goes loud.\nCold wall.\n"

    answer = send(admin, ANGRY, {"text": text, "base": head, "action": "review"})

    assert "<ins>loud</ins>" in answer.text
    assert "<del>quiet</del>" in answer.text
    assert text == field(answer.text, "text")
    assert head == prompts.head(STAGING)


def test_a_refused_text_comes_back(admin: FlaskClient, prompts: Repository) -> None:
    """With what is wrong, and everything else that was typed."""
    form = {"text": " \n", "notes": "my notes", "reason": "my reason", "action": "save"}

    answer = send(admin, ANGRY, {**form, "base": prompts.head(STAGING)})

    assert 422 == answer.status_code
    assert " \n" == field(answer.text, "text")
    assert "my notes" == field(answer.text, "notes")
    assert 'value="my reason"' in answer.text
    assert "Text: the text is empty" in answer.text


def test_a_control_character_is_named_by_its_place(admin: FlaskClient, prompts: Repository) -> None:
    """Line and column within the text."""
    form = {"text": "one\ntwo\x07", "base": prompts.head(STAGING), "action": "review"}

    answer = send(admin, ANGRY, form)

    assert 422 == answer.status_code
    assert "line 2" in answer.text


@pytest.mark.parametrize("action", ["review", "save"])
def test_a_conflict_shows_base_theirs_and_yours(
    admin: FlaskClient, prompts: Repository, action: str
) -> None:
    """Both changed one line: the text area holds the merge with markers."""
    began = prompts.head(STAGING)
    put(prompts, {"aria/angry": "{character_name} goes red.\nCold wall.\n"}, "Redder")
    form = {"text": "{character_name} goes pale.\nCold wall.\n", "base": began, "action": action}

    answer = send(admin, ANGRY, form)
    sides = dict(re.findall(r'data-side="(\w+)">(.*?)</div>', answer.text, re.DOTALL))
    merged = field(answer.text, "text")

    assert 409 == answer.status_code
    assert "goes quiet." in sides["base"]
    assert "<ins>red</ins>" in sides["theirs"]
    assert "<ins>pale</ins>" in sides["yours"]
    assert "<<<<<<<" in merged
    assert "goes red." in merged
    assert "goes pale." in merged
    assert "Redder" in answer.text


def test_what_a_person_decides_in_a_conflict_is_saved(
    admin: FlaskClient, prompts: Repository
) -> None:
    """Edits of different lines merge by themselves; saving goes on from their commit."""
    began = prompts.head(STAGING)
    put(prompts, {"aria/angry": "{character_name} goes red.\nCold wall.\n\nEnd.\n"})
    put(prompts, {"aria/angry": "{character_name} goes red.\nCold wall.\n"})
    form = {"text": "{character_name} goes quiet.\nCold wall.\nMine.\n", "base": began}
    conflict = send(admin, ANGRY, {**form, "action": "save"})

    decided = {"text": "{character_name} goes red.\nMine.\n", "base": base(conflict.text)}
    answer = send(admin, ANGRY, {**decided, "action": "save"})

    assert 303 == answer.status_code
    assert decided["text"] == text_of(prompts, "aria", "angry")


def test_markers_left_in_a_text_are_pointed_out(admin: FlaskClient, prompts: Repository) -> None:
    """Before they are saved."""
    text = "<<<<<<< theirs\na\n=======\nb\n>>>>>>> yours\n"

    answer = send(admin, ANGRY, {"text": text, "base": prompts.head(STAGING), "action": "review"})

    assert "Conflict markers" in answer.text


def test_unknown_variables_are_pointed_out(admin: FlaskClient) -> None:
    """In the preview, beside what the text becomes."""
    form = {"text": "{character_name} {who} {frame}"}

    answer = send(admin, f"{ANGRY}/preview", form)

    assert ">Aria</mark>" in answer.text
    assert ">24 fps</mark>" in answer.text
    assert "<code>{who}</code> stays as it is" in answer.text


def test_htmx_gets_the_review_alone(admin: FlaskClient, prompts: Repository) -> None:
    """So that the text area, its cursor and its undo stay."""
    headers = {"HX-Request": "true", "X-CSRFToken": token(admin, ANGRY)}
    form = {"text": "New.", "base": prompts.head(STAGING), "action": "review"}

    answer = admin.post(ANGRY, data=form, headers=headers)

    assert answer.text.lstrip().startswith('<div id="review"')


def test_removing_says_what_will_stand_and_can_be_undone(
    admin: FlaskClient, prompts: Repository
) -> None:
    """The default is shown first; a removed override is listed, and restored as it was."""
    asked = admin.get(f"{ANGRY}/remove").text
    text = text_of(prompts, "aria", "angry")
    send(admin, f"{ANGRY}/remove", {"base": base(asked), "reason": "Default is better"})
    listed = admin.get(f"{ENV}/removed").text
    gone = text_of(prompts, "aria", "angry")
    send(admin, f"{ANGRY}/restore", {})

    assert "Aria will use the default for Angry." in asked
    assert "Fumes." in asked
    assert gone is None
    assert "Default is better" in listed
    assert "Aria, angry" in listed
    assert text == text_of(prompts, "aria", "angry")


def test_a_removed_prompt_that_can_not_come_back_says_why(
    admin: FlaskClient, prompts: Repository
) -> None:
    """An archived character’s removed override has the reason where Restore would be."""
    put(prompts, {"aria/angry": None})
    before = admin.get(f"{ENV}/removed").text
    archive_character(prompts, STAGING, "aria", KIM, "On leave")
    after = admin.get(f"{ENV}/removed").text

    assert 'aria-label="Restore Aria, angry"' in before
    assert "character archived" not in before
    assert 'aria-label="Restore Aria, angry"' not in after
    assert "character archived" in after


def test_a_prompt_that_moved_is_not_removed(admin: FlaskClient, prompts: Repository) -> None:
    """The person looks again first."""
    began = prompts.head(STAGING)
    put(prompts, {"aria/angry": "Theirs."})

    send(admin, f"{ANGRY}/remove", {"base": began})

    assert "Theirs." == text_of(prompts, "aria", "angry")
    assert "it was not removed" in admin.get(ANGRY).text


def test_reverting_shows_the_change_first(admin: FlaskClient, prompts: Repository) -> None:
    """And makes a new version that says what the old one said."""
    asked = admin.get(f"{ANGRY}/history/1/revert").text
    form = {"base": base(asked), "reason": "It was better"}
    answer = send(admin, f"{ANGRY}/history/1/revert", form)
    timeline = admin.get(f"{ANGRY}/history").text

    assert "<del>quiet</del>" in asked
    assert "<ins>still</ins>" in asked
    assert 303 == answer.status_code
    assert "{character_name} goes still.\nCold wall.\n" == text_of(prompts, "aria", "angry")
    assert ["3", "2", "1"] == re.findall(r'class="number">v(\d+)', timeline)


def test_a_revert_of_what_moved_is_asked_again(admin: FlaskClient, prompts: Repository) -> None:
    """With what it would change now."""
    began = prompts.head(STAGING)
    put(prompts, {"aria/angry": "Theirs.\n"})

    answer = send(admin, f"{ANGRY}/history/1/revert", {"base": began, "reason": "mine"})

    assert 409 == answer.status_code
    assert "Theirs." in answer.text
    assert 'value="mine"' in answer.text
    assert began != base(answer.text)


def test_a_history_comes_in_pages(admin: FlaskClient, prompts: Repository) -> None:
    """Each version once, and the size of a page's last one is measured against the next page."""
    for number in range(30):
        put(prompts, {"bolt/idle": "line\n" * (number + 1)}, f"Step {number + 1}")
    address = f"{ENV}/characters/bolt/idle/history"
    first = admin.get(address).text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older is not None
    second = admin.get(unescape(older[1])).text

    numbers = [int(n) for page in (first, second) for n in re.findall(r'"number">v(\d+)', page)]
    sizes = re.findall(r'class="plus">\+(\d+)', first)

    assert list(range(30, 0, -1)) == numbers
    assert ["1"] * 25 == sizes
    assert 'rel="next"' not in second


def test_versions_that_do_not_exist_are_not_found(admin: FlaskClient) -> None:
    """Nor compared; and nonsense in place of a number is a bad request."""
    asked = [f"{ANGRY}/history/9", f"{ANGRY}/compare?from=1&to=9", f"{ANGRY}/history/9/revert"]

    assert [404, 404, 404] == [admin.get(address).status_code for address in asked]
    assert 400 == admin.get(f"{ANGRY}/compare?from=-1&to=x").status_code
    assert 400 == admin.get(f"{ANGRY}/compare").status_code


def test_what_is_not_there_is_said_so(admin: FlaskClient) -> None:
    """With a page a person can read and leave; it says once what would be valid."""
    asked = {
        f"{ENV}/characters/nobody": 404,
        f"{ENV}/characters/nobody/angry": 404,
        f"{ENV}/characters/aria/bored": 400,
        f"{ENV}/characters/..%2f..%2fetc": 404,
        f"{ENV}/characters/UPPER": 400,
        "/environments/elsewhere/characters": 404,
    }
    answers = {address: admin.get(address) for address in asked}

    assert asked == {address: answer.status_code for address, answer in answers.items()}
    assert all('href="/"' in answer.text for answer in answers.values())
    bored = answers[f"{ENV}/characters/aria/bored"].text
    assert "idle, happy, angry.</p>" in bored
    assert 1 == bored.count("idle, happy, angry")


def test_production_is_read_only_and_says_why(admin: FlaskClient, prompts: Repository) -> None:
    """No form, no way to post, and what was typed is given back."""
    prompts.store.create_branch("changes/unused", prompts.head(STAGING))
    page = admin.get(f"{LIVE}/defaults/idle").text
    form = {"text": "Sneaky.", "base": prompts.head("production"), "action": "save"}
    answer = send(admin, f"{LIVE}/defaults/idle", form)

    assert "Production changes by promotion alone" in page
    assert "data-editor" not in page
    assert 403 == answer.status_code
    assert "Sneaky." == re.findall(r'aria-label="What you wrote">\n(.*?)<', answer.text)[0]


def test_an_archived_character_keeps_what_was_typed(
    admin: FlaskClient, prompts: Repository
) -> None:
    """Archiving in mid-edit loses nobody's text."""
    began = prompts.head(STAGING)
    archive_character(prompts, STAGING, "aria", KIM, "On leave")

    answer = send(admin, ANGRY, {"text": "My text.", "base": began, "action": "save"})

    assert 409 == answer.status_code
    assert "My text." in answer.text


def test_a_viewer_reads_and_does_not_write(log_in: LogIn, prompts: Repository) -> None:
    """The pages say so, and posting is refused."""
    viewer = log_in("viewer")
    page = viewer.get(ANGRY).text
    form = {"text": "Mine.", "base": prompts.head(STAGING), "action": "save"}

    answer = send(viewer, ANGRY, form)

    assert "Your role may read prompts" in page
    assert "data-editor" not in page
    assert 403 == answer.status_code
    assert 403 == viewer.get(f"{ANGRY}/remove").status_code


def test_a_form_outlives_its_session(app: Flask, log_in: LogIn, prompts: Repository) -> None:
    """Logging in again brings the text back into the editor, exactly."""
    text = "\nMine, <b>kept</b> \t\n"
    form = {"text": text, "reason": "why", "base": prompts.head(STAGING), "action": "save"}
    log_in("admin")
    browser = app.test_client()
    refused = browser.post(ANGRY, data=form)
    kept = re.search(r'name="kept" value="([^"]+)"', refused.text)
    assert kept is not None
    wrong = {"name": "admin", "password": "wrong", "next": ANGRY, "kept": unescape(kept[1])}
    again = send(browser, "/login", wrong, page="/login")
    right = {**wrong, "password": PASSWORD}
    waiting = send(browser, "/login", right, page="/login")
    pairs = {name: field(waiting.text, name) for name in ("text", "reason", "base")}
    back = send(browser, ANGRY, {**pairs, "action": "edit"})

    assert 401 == refused.status_code
    assert 'name="kept"' in again.text
    assert {"no-store"} == {each.headers["Cache-Control"] for each in (refused, again, waiting)}
    assert 200 == back.status_code
    assert text == field(back.text, "text")
    assert 'value="why"' in back.text


def test_a_form_of_another_session_comes_back(admin: FlaskClient, prompts: Repository) -> None:
    """Its token is no good, so nothing is saved; its text is in the editor, with a good token."""
    head = prompts.head(STAGING)
    form = {"csrf_token": "stale", "text": "Mine.", "base": head, "action": "save"}

    answer = admin.post(ANGRY, data=form)

    assert 400 == answer.status_code
    assert "Mine." == field(answer.text, "text")
    assert head == prompts.head(STAGING)


def test_a_character_is_made_renamed_and_archived(admin: FlaskClient, prompts: Repository) -> None:
    """Their id stays; nothing is deleted."""
    typed = {"id": "mei-lin", "name": "Mei", "tags": "food, night, food"}
    pairs = {"variable_name": ["coat", ""], "variable_value": ["a red coat", "ignored"]}
    send(admin, f"{ENV}/new-character", {**typed, **pairs})
    settings = f"{ENV}/characters/mei-lin/character"
    began = base(admin.get(settings).text)
    send(admin, settings, {**typed, **pairs, "name": "Mei-Lin", "base": began})
    send(admin, f"{settings}/archive", {"archived": "yes"})
    who = prompts.current(STAGING).character("mei-lin")
    listed = admin.get(f"{ENV}/characters").text
    send(admin, f"{settings}/archive", {"archived": "no"})

    assert ("Mei-Lin", ("food", "night"), True) == (who.name, who.tags, who.archived)
    assert {"coat": "a red coat"} == who.variables
    assert ">Mei-Lin</a>" not in listed
    assert not prompts.current(STAGING).character("mei-lin").archived


@pytest.mark.parametrize(
    "typed",
    [{"id": "aria", "name": "Twice"}, {"id": "No Id", "name": "x"}, {"id": "x", "name": ""}],
)
def test_a_character_that_cannot_be_made_is_explained(
    admin: FlaskClient, typed: dict[str, object]
) -> None:
    """And what was typed stays in the form."""
    answer = send(admin, f"{ENV}/new-character", {**typed, "description": "kept"})

    assert 422 == answer.status_code
    assert "kept" == field(answer.text, "description")
    assert 'role="alert"' in answer.text


def test_settings_that_somebody_changed_are_not_overwritten(
    log_in: LogIn, prompts: Repository
) -> None:
    """The second person sees what the first changed, and their own typing."""
    settings = f"{ENV}/characters/aria/character"
    first = second = log_in("admin")
    began = base(second.get(settings).text)
    send(first, settings, {"name": "Aria Vale", "base": began})

    answer = send(second, settings, {"name": "Aria V", "description": "kept", "base": began})

    assert 409 == answer.status_code
    assert "was “Aria”, is now “Aria Vale”" in answer.text
    assert 'value="Aria V"' in answer.text
    assert "kept" == field(answer.text, "description")
    assert "Aria Vale" == prompts.current(STAGING).character("aria").name


@pytest.mark.parametrize(("theme", "worn"), [("dark", "dark"), ("light", "light"), ("x", "auto")])
def test_the_theme_is_worn_from_the_first_byte(admin: FlaskClient, theme: str, worn: str) -> None:
    """The choice is a cookie the server reads, so nothing flashes."""
    answer = send(admin, "/theme", {"theme": theme, "back": "//evil.example"})

    assert "/" == answer.headers["Location"]
    assert f'<html lang="en" data-theme="{worn}"' in admin.get(f"{ENV}/characters").text


def test_static_files_are_kept_by_their_digest(admin: FlaskClient) -> None:
    """A changed file has another address."""
    found = re.search(r'src="(/static/js/app.js\?v=[0-9a-f]+)"', admin.get("/account").text)
    assert found is not None

    assert "immutable" in admin.get(found[1]).headers["Cache-Control"]
