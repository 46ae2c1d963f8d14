"""What people do all day, in a real browser: with JavaScript, without it, and by keyboard alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import PASSWORD, Studio, Watched, replaced
from webapp.access import Role

Visit = Callable[..., Watched]
both_ways = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


def prompt(studio: Studio, ident: str, tail: str = "") -> str:
    """The address of a character's angry prompt."""
    return f"{studio.address}/environments/staging/characters/{ident}/angry{tail}"


def write(page: Page, text: str, reason: str = "") -> None:
    """Types a text and a reason into the editor."""
    page.get_by_label("Prompt text").fill(text)
    page.get_by_label("Reason").fill(reason)


def save(page: Page) -> None:
    """Reviews, then saves."""
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", name="What you are about to save")).to_be_visible()
    page.get_by_role("button", name="Save to staging").click()


@both_ways
def test_a_wrong_password_is_said_and_a_right_one_lets_in(visit: Visit, scripts: bool) -> None:
    """Log in, log out."""
    there = visit(java_script_enabled=scripts)
    page = there.page()
    page.goto(there.studio.address)
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("nothing of worth")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("don't open an account")

    page = there.log_in()
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Log out").click()

    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


@both_ways
def test_a_character_is_found_and_their_prompt_edited(visit: Visit, scripts: bool) -> None:
    """Search, open, write, see what it becomes, review the diff, save, and read it in history."""
    there = visit(java_script_enabled=scripts)
    ident = there.studio.character(f"Zora {'With' if scripts else 'Without'}")
    page = there.log_in()
    name = f"Zora {'With' if scripts else 'Without'}"
    search = page.get_by_role("searchbox", name="Search characters")
    search.fill(name)
    if not scripts:
        search.press("Enter")
    page.get_by_role("link", name=name).first.click()
    page.get_by_role("link", name="Angry").first.click()

    text = "{character_name} glares in {coat}.\nFast push-in.\n{nonsense}"
    write(page, text, "Try a glare")
    if scripts:
        resolved = page.get_by_role("region", name=f"Resolved for {name}")
        expect(resolved.first).to_contain_text(f"{name} glares in a green coat.")
        expect(page.get_by_text("Unknown variable")).to_be_visible()
    page.get_by_role("button", name="Review changes").click()
    expect(page.locator("#review ins, #review .added").first).to_be_visible()
    page.get_by_role("button", name="Save to staging").click()

    expect(page.get_by_text("v4").first).to_be_visible()
    assert (
        there.studio.text(ident) == "{character_name} glares in {coat}.\nFast push-in.\n{nonsense}"
    )
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("link", name="Try a glare")).to_be_visible()


@both_ways
def test_a_conflict_keeps_both_texts_and_saves_what_is_decided(visit: Visit, scripts: bool) -> None:
    """Two browsers: the second one sees base, theirs, its own and the merge, and saves that."""
    one, other = (visit(java_script_enabled=scripts) for _ in "12")
    ident = one.studio.character()
    first, second = one.log_in(), other.log_in()
    for page in (first, second):
        page.goto(prompt(one.studio, ident))
    write(first, "{character_name} seethes.\nFast push-in.\nGrey light.\n", "Mine")
    save(first)
    expect(first.get_by_text("v4").first).to_be_visible()

    write(second, "{character_name} boils.\nFast push-in.\nGrey light, then dark.\n", "Theirs")
    second.get_by_role("button", name="Review changes").click()

    expect(second.get_by_role("alert")).to_contain_text("Nothing is lost")
    expect(second.locator("[data-side=theirs]")).to_contain_text("seethes")
    expect(second.locator("[data-side=yours]")).to_contain_text("then dark")
    merged = second.get_by_label("The text to save")
    expect(merged).to_have_value(
        "{character_name} seethes.\nFast push-in.\nGrey light, then dark.\n"
    )
    save(second)
    expect(second.get_by_text("v5").first).to_be_visible()
    assert (
        one.studio.text(ident)
        == "{character_name} seethes.\nFast push-in.\nGrey light, then dark.\n"
    )


@both_ways
def test_a_conflict_on_one_line_is_decided_by_a_person(visit: Visit, scripts: bool) -> None:
    """The same line in both: markers stand in the text until somebody decides."""
    there = visit(java_script_enabled=scripts)
    ident = there.studio.character()
    page = there.log_in()
    page.goto(prompt(there.studio, ident))
    replaced(there.studio, ident, "boils", "seethes")
    write(page, "{character_name} glowers.\nFast push-in.\n", "Mine")
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("alert")).to_contain_text("same lines")

    merged = page.get_by_label("The text to save")
    assert "<<<<<<<" in merged.input_value()
    merged.fill("{character_name} seethes and glowers.\nFast push-in.\n")
    save(page)

    expect(page.get_by_text("v5").first).to_be_visible()
    assert there.studio.text(ident) == "{character_name} seethes and glowers.\nFast push-in.\n"


@both_ways
def test_versions_are_compared_and_one_is_taken_back(visit: Visit, scripts: bool) -> None:
    """From the history: what changed between two, then a revert, which is a new version."""
    there = visit(java_script_enabled=scripts)
    ident = there.studio.character()
    page = there.log_in()
    page.goto(prompt(there.studio, ident, "/history"))
    page.get_by_label("Compare from version 1").check()
    page.get_by_label("Compare to version 3").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("boils").first).to_be_visible()
    expect(page.get_by_text("Slow").first).to_be_visible()

    page.goto(prompt(there.studio, ident, "/history/1/revert"))
    page.get_by_label("Reason").fill("The first was best")
    page.get_by_role("button", name="Revert to version 1").click()

    expect(page.get_by_text("v4").first).to_be_visible()
    assert there.studio.text(ident) == "{character_name} fumes.\nSlow push-in.\nGrey light.\n"


@both_ways
def test_a_prompt_is_removed_found_and_restored(visit: Visit, scripts: bool) -> None:
    """The default stands meanwhile."""
    there = visit(java_script_enabled=scripts)
    ident = there.studio.character(f"Removed {scripts}")
    page = there.log_in()
    page.goto(prompt(there.studio, ident))
    page.get_by_role("link", name="Remove", exact=True).click()
    page.get_by_label("Reason").fill("Not needed")
    page.get_by_role("button", name="Remove override").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert there.studio.text(ident) is None

    page.get_by_role("link", name="Removed").first.click()
    row = page.get_by_role("listitem").filter(has_text=f"Removed {scripts}").last
    row.get_by_role("button", name="Restore").click()

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert there.studio.text(ident) == "{character_name} boils.\nFast push-in.\nGrey light.\n"


def test_a_prompt_is_edited_by_keyboard_alone(visit: Visit) -> None:
    """Search by /, Enter, Tab, and Ctrl-S twice: no mouse."""
    there = visit()
    ident = there.studio.character("Quentin Keys")
    page = there.log_in()
    keys = page.keyboard
    page.locator("body").press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    keys.type("quentin")
    link = page.get_by_role("link", name="Quentin Keys")
    expect(link).to_be_visible()
    _tab_to(page, link)
    keys.press("Enter")
    angry = page.get_by_role("link", name="Angry").first
    expect(angry).to_be_visible()
    _tab_to(page, angry)
    keys.press("Enter")
    text = page.get_by_label("Prompt text")
    expect(text).to_be_visible()
    _tab_to(page, text)
    keys.press("Control+End")
    keys.type("And holds still.")
    reason = page.get_by_label("Reason")
    _tab_to(page, reason)
    keys.type("A stop")
    keys.press("Control+s")
    expect(page.get_by_role("button", name="Save to staging")).to_be_visible()
    keys.press("Control+s")

    expect(page.get_by_text("v4").first).to_be_visible()
    assert (
        there.studio.text(ident)
        == "{character_name} boils.\nFast push-in.\nGrey light.\nAnd holds still."
    )


def _tab_to(page: Page, element: object) -> None:
    """Presses Tab until an element has the focus."""
    for _ in range(60):
        if element.evaluate("element => element === document.activeElement"):  # type: ignore[attr-defined]
            return
        page.keyboard.press("Tab")
    raise AssertionError("Tab does not get there")


def test_leaving_with_unsaved_text_asks(visit: Visit) -> None:
    """The browser's own question comes up, and staying keeps the text."""
    there = visit()
    ident = there.studio.character()
    page = there.log_in()
    page.goto(prompt(there.studio, ident))
    asked = []

    def stay(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", stay)
    page.get_by_label("Prompt text").click()
    page.keyboard.type("Unsaved. ")
    page.get_by_role("link", name="History").click()
    expect(page.get_by_label("Prompt text")).to_have_value(
        "{character_name} boils.\nFast push-in.\nGrey light.\nUnsaved. "
    )

    assert asked == ["beforeunload"]


def test_a_session_that_ended_keeps_what_was_written(visit: Visit) -> None:
    """Save, log in again, and the text is there as it was typed."""
    there = visit()
    ident = there.studio.character()
    page = there.log_in()
    page.goto(prompt(there.studio, ident))
    write(page, "Written before the session ended.", "Long one")
    there.context.clear_cookies()
    page.get_by_role("button", name="Review changes").click()

    expect(page.get_by_text("What you wrote is kept")).to_be_visible()
    page.get_by_label("Name").fill(there.studio.person())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Prompt text")).to_have_value("Written before the session ended.")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER])
def test_readers_get_no_way_to_write(visit: Visit, role: Role) -> None:
    """The text is there, the form isn't."""
    there = visit()
    ident = there.studio.character()
    page = there.log_in(role)
    page.goto(prompt(there.studio, ident))

    expect(page.get_by_text("boils").first).to_be_visible()
    expect(page.get_by_role("button", name="Review changes")).to_have_count(0)
    expect(page.get_by_role("link", name="Remove", exact=True)).to_have_count(0)


def test_prompts_that_are_markup_stay_text(visit: Visit) -> None:
    """Nothing a prompt says is run, wherever it is shown."""
    there = visit()
    ident = there.studio.character("<img src=x onerror=alert(1)>")
    page = there.log_in()
    page.on("dialog", lambda dialog: there.wrong.append(dialog.message))
    hostile = "<script>alert(1)</script>{{ 7*7 }}<a href='javascript:alert(1)'>x</a>"
    page.goto(prompt(there.studio, ident))
    write(page, hostile, "<b onmouseover=alert(1)>")
    save(page)
    expect(page.get_by_text("v4").first).to_be_visible()
    for tail in ("", "/history", "/history/4", "/compare?from=1&to=4", "/remove"):
        page.goto(prompt(there.studio, ident, tail))
        assert page.locator("main script, main a[href^='javascript:'], main img").count() == 0

    assert there.studio.text(ident) == hostile
