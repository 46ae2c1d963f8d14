"""Prompts carried out and in, in a real browser: exported, edited in a sheet, imported, undone."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.hands import every_way, someone
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
