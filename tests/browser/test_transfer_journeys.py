"""Prompts carried out and in, in a real browser: exported, edited in a sheet, imported, undone."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.hands import Hands, every_way, someone
from tests.browser.studio import Studio
from tests.browser.watching import Visit


@every_way
def test_a_sheet_goes_out_and_comes_back_edited(visit: Visit, way: str, tmp_path: Path) -> None:
    """Exported as CSV, edited, previewed with its diff, imported, seen, and undone."""
    hands, studio = someone(visit, way)
    page, character = hands.page, studio.character()
    hands.goto(studio.address + "/transfers")
    hands.choose(page.get_by_role("radio", name="CSV"))
    hands.press(page.get_by_text("Choose what"))
    hands.write(page.get_by_label("Characters", exact=True), character)
    hands.press(page.get_by_role("button", name="Export", exact=True))
    with page.expect_download() as waiting:
        hands.press(page.get_by_role("link", name="Download"))
    sheet = tmp_path / "sheet.csv"
    waiting.value.save_as(sheet)
    head, *rest = sheet.read_text().partition(f"{character},angry,")
    sheet.write_text(head + "".join(rest).replace("boils", "simmers"))

    hands.goto(studio.address + "/transfers")
    page.get_by_label("File", exact=True).set_input_files(sheet)
    hands.press(page.get_by_role("button", name="Preview import"))
    expect(page.get_by_text("1 conflict to decide")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("simmers")
    hands.choose(page.get_by_role("radio", name="Take the file’s"))
    hands.write(page.get_by_label("Reason"), "Gentler")
    hands.press(page.get_by_role("button", name="Import into staging"))
    expect(page.get_by_role("heading", name="Imported 1 document")).to_be_visible()
    assert "simmers" in (studio.text(character) or "")

    hands.press(page.get_by_role("button", name="Undo this import"))
    expect(page.get_by_role("heading", name="Import undone")).to_be_visible()
    assert "boils" in (studio.text(character) or "")


def test_a_file_is_dropped_on_the_page(visit: Visit, tmp_path: Path) -> None:
    """As from a folder of the desktop; then it is previewed like one that was chosen."""
    hands, studio = someone(visit, "mouse")
    page, character = hands.page, studio.character()
    sheet = tmp_path / "dropped.csv"
    sheet.write_text(f"character,emotion,prompt_text\n{character},idle,Hums.\n")
    hands.goto(studio.address + "/transfers")
    field = page.get_by_label("File", exact=True)
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    assert box is not None
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": box["x"] + box["width"] / 2,
                "y": box["y"] + box["height"] / 2,
                "data": {"items": [], "files": [str(sheet)], "dragOperationsMask": 1},
            },
        )

    assert "dropped.csv" in field.evaluate("field => field.files[0]?.name ?? ''")
    hands.press(page.get_by_role("button", name="Preview import"))
    expect(page.get_by_role("heading", name="dropped.csv into staging")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Hums.")


def in_conflict(hands: Hands, studio: Studio, folder: Path) -> str:
    """Sends a sheet that grumbles where a new character has a text of its own; gives who it is."""
    character, sheet = studio.character(), folder / "sheet.csv"
    sheet.write_text(f"character,emotion,prompt_text\n{character},angry,Grumbles.\n")
    hands.goto(studio.address + "/transfers")
    hands.page.get_by_label("File", exact=True).set_input_files(sheet)
    hands.press(hands.page.get_by_role("button", name="Preview import"))
    expect(hands.page.get_by_text("1 conflict to decide")).to_be_visible()
    return character


@every_way
def test_a_conflict_is_merged_by_hand(visit: Visit, way: str, tmp_path: Path) -> None:
    """The text of one's own is written in the preview, and is what stands then."""
    hands, studio = someone(visit, way)
    page, character = hands.page, in_conflict(hands, studio, tmp_path)

    text = page.locator("textarea[name^='text.']")
    expect(text).to_contain_text("<<<<<<< the file")
    hands.choose(page.get_by_role("radio", name="The text I write below"))
    hands.write(text, "Grumbles, then boils.")
    hands.press(page.get_by_role("button", name="Import into staging"))

    expect(page.get_by_role("heading", name="Imported 1 document")).to_be_visible()
    assert "Grumbles, then boils." == studio.text(character)


@every_way
def test_what_moved_meanwhile_is_looked_at_anew(visit: Visit, way: str, tmp_path: Path) -> None:
    """Somebody edits what one is about to import: a new preview names it, twice if need be."""
    hands, studio = someone(visit, way)
    page, character = hands.page, in_conflict(hands, studio, tmp_path)

    for old, new in (("boils", "seethes"), ("seethes", "rages")):
        hands.choose(page.get_by_role("radio", name="Take the file’s"))
        studio.replace(character, old, new)
        hands.press(page.get_by_role("button", name="Import into staging"))
        notice = page.get_by_role("alert")
        expect(notice).to_contain_text("Nothing was imported: staging moved since the preview")
        expect(notice.get_by_role("link", name="prompt for “angry”")).to_be_visible()
        expect(notice).to_contain_text("1 choice about what changed is to be made again")
        expect(page.get_by_role("main")).to_contain_text(new)
        assert new in (studio.text(character) or "")

    hands.choose(page.get_by_role("radio", name="Take the file’s"))
    hands.press(page.get_by_role("button", name="Import into staging"))
    expect(page.get_by_role("heading", name="Imported 1 document")).to_be_visible()
    assert "Grumbles." == studio.text(character)


def test_a_large_file_is_followed_until_it_is_in(visit: Visit, tmp_path: Path) -> None:
    """A worker reads it and carries it out; the page goes on by itself."""
    hands, studio = someone(visit, "mouse")
    page, character = hands.page, studio.character()
    sheet = tmp_path / "large.csv"
    lines = "Takes a breath, and another one, and waits for the light.\n" * 20
    rows = "".join(
        f'{character}-{number},idle,"{lines}Number {number}"\n' for number in range(1, 1_200)
    )
    sheet.write_text(f"character,emotion,prompt_text\n{rows}")
    hands.goto(studio.address + "/transfers")
    page.get_by_label("File", exact=True).set_input_files(sheet)
    hands.press(page.get_by_text("About a CSV"))
    hands.choose(page.get_by_role("checkbox", name="Create characters it names and we lack"))
    hands.press(page.get_by_role("button", name="Preview import"))

    expect(page.get_by_role("button", name="Import into staging")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("main")).to_contain_text("2,398 documents to bring in")
    hands.press(page.get_by_role("button", name="Import into staging"))

    expect(page.get_by_role("heading", name="Imported 2,398 documents")).to_be_visible(
        timeout=60_000
    )
    assert "Number 7" in (studio.text(f"{character}-7", "idle") or "")
    hands.press(page.get_by_role("button", name="Undo this import"))
    expect(page.get_by_role("heading", name="Import undone")).to_be_visible(timeout=60_000)
