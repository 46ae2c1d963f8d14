"""Testing a prompt by a clip, in a real browser that plays it."""

import re
from time import monotonic

from playwright.sync_api import Page, expect

from tests.browser.hands import every_way, prompt, someone
from tests.browser.pages import failed_preview
from tests.browser.watching import Visit

SOON = 60_000
PLAYS = """async (video) => {
  await video.play();
  while (!video.currentTime) await new Promise(requestAnimationFrame);
  return video.currentTime;
}"""
MOVES = """async (video) => {
  while (!video.currentTime) await new Promise(requestAnimationFrame);
  return video.currentTime;
}"""
BOTH_PLAY = """() => {
  const clips = [...document.querySelectorAll(".clip-pair video")];
  const times = clips.map((clip) => clip.currentTime);
  return times.length === 2 && Math.min(...times) > 1 && times;
}"""

SEEKS = """async ([first, second]) => {
  await new Promise((done) => {
    first.addEventListener("seeked", done, { once: true });
    second.currentTime = 3;
  });
  return [first, second].map((clip) => Math.floor(clip.currentTime));
}"""
"""Goes elsewhere in the second clip, and gives where both are once the first has followed."""


def play(page: Page, selector: str) -> float:
    """Plays a clip until it moves; gives where it is then."""
    video = page.locator(selector).first
    expect(video).to_be_visible(timeout=SOON)
    return float(video.evaluate(PLAYS))


def test_the_text_being_written_is_tested_in_place(visit: Visit) -> None:
    """Without a save and without a reload; it shows up in the tray, and plays."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character()
    hands.goto(prompt(studio, ident))
    page.evaluate("window.stayed = true")
    page.get_by_label("Prompt text").fill("{character_name} laughs. Then pulls back.")

    page.get_by_role("button", name="Test this text").click()
    expect(page.locator("#tray")).to_contain_text("angry", timeout=SOON)
    second = play(page, "#clips video")

    assert second > 0
    assert page.evaluate("window.stayed")
    expect(page.get_by_label("Prompt text")).to_have_value(
        "{character_name} laughs. Then pulls back."
    )
    assert "fumes" in (studio.text(ident) or "") or "boils" in (studio.text(ident) or "")


def test_a_button_that_waits_for_its_answer_keeps_the_focus(visit: Visit) -> None:
    """Pressed by keyboard, it is disabled meanwhile; the next Tab goes on from it."""
    hands, studio = someone(visit, "keyboard")
    hands.goto(prompt(studio, studio.character()))
    asks = hands.page.get_by_role("button", name="Test this text")

    asks.press("Enter")

    expect(hands.page.locator("#clips .clip").first).to_be_visible(timeout=SOON)
    expect(asks).to_be_focused()


def test_a_failure_is_told_and_tried_again(visit: Visit) -> None:
    """In the service's own words, on the preview's page."""
    hands, studio = someone(visit, "mouse")
    page = hands.page
    hands.goto(f"{studio.address}/previews/{failed_preview(studio, studio.character())}")
    expect(page.get_by_role("status").filter(has_text="too angry")).to_be_visible()

    page.get_by_role("button", name="Try again").click()

    assert play(page, ".clip video") > 0


@every_way
def test_a_character_is_seen_in_all_emotions(visit: Visit, way: str) -> None:
    """One press asks for every clip that isn't there."""
    hands, studio = someone(visit, way)
    page, ident = hands.page, studio.character()
    hands.goto(f"{studio.address}/environments/staging/characters/{ident}")
    hands.press(page.get_by_role("link", name="Clips"))

    hands.press(page.get_by_role("button", name=re.compile("Make [0-9]+ clip")))

    expect(page.locator(".clip[data-status]").first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Make [0-9]+ clip"))).to_have_count(0)


def test_before_and_after_play_in_step(visit: Visit) -> None:
    """Playing one plays both, at the same moment of the clip."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character()
    hands.goto(prompt(studio, ident, "/compare/clips?from=1&to=3"))
    page.get_by_role("button", name="Make 2 clips").click()
    expect(page.locator(".clip-pair video")).to_have_count(2, timeout=SOON)
    page.reload()

    page.get_by_role("button", name="Play both").click()
    first, second = page.wait_for_function(BOTH_PLAY).json_value()

    assert abs(first - second) < 0.5

    # So slowly that neither comes there by itself before the other follows.
    page.locator(".clip-pair video").first.evaluate("(clip) => { clip.playbackRate = 0.0625; }")
    clips = page.locator(".clip-pair").evaluate_handle(
        "(pair) => [...pair.querySelectorAll('video')]"
    )

    assert [3, 3] == clips.evaluate(SEEKS)


def test_a_clip_that_cant_be_fetched_holds_up_no_other(visit: Visit) -> None:
    """The other one plays, whichever of the two it is."""
    hands, studio = someone(visit, "mouse")
    page, ident = hands.page, studio.character()
    hands.goto(prompt(studio, ident, "/compare/clips?from=1&to=3"))
    page.get_by_role("button", name="Make 2 clips").click()
    expect(page.locator(".clip-pair video")).to_have_count(2, timeout=SOON)
    gone = page.locator(".clip-pair video").first.get_attribute("src")
    page.route(f"**{gone}", lambda route: route.fulfill(content_type="video/mp4", body="none"))
    hands.goto(prompt(studio, ident, "/compare/clips?from=1&to=3"))

    page.get_by_role("button", name="Play both").click()

    assert page.locator(".clip-pair video").nth(1).evaluate(MOVES) > 0


@every_way
def test_a_proposal_is_seen_before_and_after(visit: Visit, way: str) -> None:
    """From a change request's files: by one press the base's clip and the proposed one."""
    hands, studio = someone(visit, way)
    page, ident = hands.page, studio.character()
    number = studio.change(ident, "{character_name} sighs.\nGrey light.\n")
    hands.goto(f"{studio.address}/changes/{number}/files")
    hands.press(page.get_by_role("link", name="Before and after, as clips"))
    expect(page.get_by_role("region", name="After: as proposed")).to_contain_text("sighs")

    hands.press(page.get_by_role("button", name="Make 2 clips"))
    expect(page.locator(".clip-pair .clip[data-status]")).to_have_count(2)
    wait_for_clips(page)

    for name in ("Before: staging", "After: as proposed"):
        expect(page.get_by_role("region", name=name).locator("video")).to_have_count(1)


def wait_for_clips(page: Page) -> None:
    """Looks again until both clips are there: by itself with scripts, else as a person would."""
    end = monotonic() + SOON / 1000
    while page.locator(".clip-pair video").count() < 2:
        assert monotonic() < end, "the clips were not made"
        page.reload()
