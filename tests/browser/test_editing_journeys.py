"""Writing prompts in a real browser: by mouse, by keyboard alone, and without JavaScript."""

from playwright.sync_api import Dialog, expect

from tests.browser.hands import every_way, prompt, someone
from tests.browser.studio import PASSWORD
from tests.browser.watching import Visit
from webapp.access import Role


@every_way
def test_a_character_is_found_and_their_prompt_edited(visit: Visit, way: str) -> None:
    """Search, open, write, see what it becomes, review the difference, save, read the history."""
    hands, studio = someone(visit, way)
    page, name = hands.page, f"Zora {way.title()}"
    ident = studio.character(name)
    hands.find(name, name)
    hands.press(page.get_by_role("main").get_by_role("link", name="Angry").first)
    text = "{character_name} glares in {coat}.\nFast push-in.\n{nonsense}"

    hands.write(page.get_by_label("Prompt text"), text)
    if hands.scripts:
        resolved = page.get_by_role("region", name=f"Resolved for {name}")
        expect(resolved.first).to_contain_text(f"{name} glares in a green coat.")
        expect(page.get_by_text("Unknown variable").first).to_be_visible()
    hands.write(page.get_by_label("Reason"), "Try a glare")
    hands.review()
    about_to = page.get_by_role("table", name="Changes from what stands to your text")
    expect(about_to).to_contain_text("boils")
    expect(about_to).to_contain_text("glares")
    assert studio.text(ident) != text
    hands.press(page.get_by_role("button", name="Save to staging"))

    expect(page.get_by_text("v4").first).to_be_visible()
    assert studio.text(ident) == text
    hands.press(page.get_by_role("link", name="History", exact=True))
    expect(page.get_by_role("link", name="Try a glare")).to_be_visible()


@every_way
def test_a_conflict_keeps_both_texts_and_saves_what_is_decided(visit: Visit, way: str) -> None:
    """Two browsers: the second sees base, theirs, its own and the merge, and saves that."""
    (one, studio), (other, _) = (someone(visit, way) for _ in "12")
    ident = studio.character()
    for hands in (one, other):
        hands.goto(prompt(studio, ident))
    one.write(
        one.page.get_by_label("Prompt text"),
        "{character_name} seethes.\nFast push-in.\nGrey light.\n",
    )
    one.save()
    expect(one.page.get_by_text("v4").first).to_be_visible()

    page = other.page
    other.write(
        page.get_by_label("Prompt text"),
        "{character_name} boils.\nFast push-in.\nGrey light, then dark.\n",
    )
    other.review()

    expect(page.get_by_role("alert")).to_contain_text("Nothing is lost")
    expect(page.get_by_role("region", name="Theirs")).to_contain_text("seethes")
    expect(page.get_by_role("region", name="Yours")).to_contain_text("then dark")
    both = "{character_name} seethes.\nFast push-in.\nGrey light, then dark.\n"
    expect(page.get_by_label("The text to save")).to_have_value(both)
    other.save()
    expect(page.get_by_text("v5").first).to_be_visible()
    assert studio.text(ident) == both


@every_way
def test_a_conflict_on_one_line_is_decided_by_a_person(visit: Visit, way: str) -> None:
    """The same line in both: markers stand in the text until somebody decides."""
    hands, studio = someone(visit, way)
    page, ident = hands.page, studio.character()
    hands.goto(prompt(studio, ident))
    studio.replace(ident, "boils", "seethes")
    hands.write(page.get_by_label("Prompt text"), "{character_name} glowers.\nFast push-in.\n")
    hands.review()
    expect(page.get_by_role("alert")).to_contain_text("same lines")

    merged = page.get_by_label("The text to save")
    assert "<<<<<<<" in merged.input_value()
    hands.write(merged, "{character_name} seethes and glowers.\nFast push-in.\n")
    hands.save()

    expect(page.get_by_text("v5").first).to_be_visible()
    assert studio.text(ident) == "{character_name} seethes and glowers.\nFast push-in.\n"


@every_way
def test_a_prompt_is_removed_found_and_restored(visit: Visit, way: str) -> None:
    """The default stands meanwhile."""
    hands, studio = someone(visit, way)
    page, name = hands.page, f"Gone {way.title()}"
    ident = studio.character(name)
    before = studio.text(ident)
    hands.goto(prompt(studio, ident))
    hands.press(page.get_by_role("link", name="Remove", exact=True))
    hands.write(page.get_by_label("Reason"), "Not needed")
    hands.press(page.get_by_role("button", name="Remove override"))
    expect(page.get_by_text("default").first).to_be_visible()
    assert studio.text(ident) is None

    hands.press(page.get_by_role("navigation", name="Main").get_by_role("link", name="Removed"))
    row = page.get_by_role("listitem").filter(has_text=name).last
    hands.press(row.get_by_role("button", name="Restore"))

    expect(page.get_by_text("v5").first).to_be_visible()
    assert studio.text(ident) == before


def test_leaving_with_unsaved_text_asks(visit: Visit) -> None:
    """The browser's own question comes up, and staying keeps the text."""
    hands, studio = someone(visit, "mouse")
    page, asked = hands.page, []
    hands.goto(prompt(studio, studio.character()))

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_label("Prompt text").click()
    page.keyboard.type("Unsaved. ")
    written = page.get_by_label("Prompt text").input_value()
    page.get_by_role("link", name="History", exact=True).click()

    expect(page.get_by_label("Prompt text")).to_have_value(written)
    assert "Unsaved. " in written
    assert asked == ["beforeunload"]


@every_way
def test_a_session_that_ended_keeps_what_was_written(visit: Visit, way: str) -> None:
    """Save, log in again, and the text is there as it was typed."""
    hands, studio = someone(visit, way)
    page, text = hands.page, "Written before the session ended."
    hands.goto(prompt(studio, studio.character()))
    hands.write(page.get_by_label("Prompt text"), text)
    page.context.clear_cookies()
    hands.review()

    expect(page.get_by_text("What you wrote is kept")).to_be_visible()
    hands.write(page.get_by_label("Name"), studio.person())
    hands.write(page.get_by_label("Password"), PASSWORD)
    hands.press(page.get_by_role("button", name="Log in"))
    if not hands.scripts:
        hands.press(page.get_by_role("button", name="Go on with it"))
    expect(page.get_by_label("Prompt text")).to_have_value(text)


def test_readers_get_no_way_to_write(visit: Visit) -> None:
    """The text is there, the form isn't."""
    hands, studio = someone(visit, "mouse", Role.VIEWER)
    page = hands.page
    hands.goto(prompt(studio, studio.character()))

    expect(page.get_by_text("boils").first).to_be_visible()
    expect(page.get_by_role("button", name="Review changes")).to_have_count(0)
    expect(page.get_by_role("link", name="Remove", exact=True)).to_have_count(0)


def test_prompts_that_are_markup_stay_text(visit: Visit) -> None:
    """Nothing a prompt says is run, wherever it is shown."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character("<img src=x onerror=alert(1)>")
    opened: list[str] = []
    page.on("dialog", lambda dialog: opened.append(dialog.message))
    hostile = "<script>alert(1)</script>{{ 7*7 }}<a href='javascript:alert(1)'>x</a>"
    hands.goto(prompt(studio, ident))
    hands.write(page.get_by_label("Prompt text"), hostile)
    hands.write(page.get_by_label("Reason"), "<b onmouseover=alert(1)>")
    hands.save()
    expect(page.get_by_text("v4").first).to_be_visible()
    for tail in ("", "/history", "/history/4", "/compare?from=1&to=4", "/remove"):
        hands.goto(prompt(studio, ident, tail))
        assert page.locator("main script, main a[href^='javascript:'], main img").count() == 0

    assert opened == []
    assert studio.text(ident) == hostile
