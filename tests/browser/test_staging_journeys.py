"""Staging in a browser: a sync watched to its end, a conflict decided, a rule chosen."""

import re
import sqlite3

from playwright.sync_api import expect

from tests.browser.staging_scene import set_staging
from tests.browser.studio import Studio
from tests.browser.watching import Visit
from webapp import staging_config, sync_rules, syncs
from webapp.config import Settings


def test_a_sync_is_watched_table_by_table_until_it_is_over(visit: Visit, studio: Studio) -> None:
    """The page follows by itself, and shows what was done once it is."""
    set_staging(studio)
    page = visit().log_in()
    page.goto(f"{studio.address}/staging/syncs")
    page.get_by_text("Only those ticked").click()
    page.get_by_label("teams").check()
    page.get_by_role("button", name="Try it first").click()

    expect(page.get_by_text("What it would do")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="Before and after")).to_be_visible()
    expect(page.locator("tbody th", has_text="teams").first).to_be_visible()


def test_a_conflict_is_decided_and_the_sync_goes_on(visit: Visit, studio: Studio) -> None:
    """Staging's value is picked column by column; the resumed sync keeps it."""
    set_staging(studio)
    staging = staging_config.demo_folder(Settings(data=studio.folder)) / "staging.sqlite3"
    paused = syncs.latest(studio.records)
    assert paused is not None
    page = visit().log_in()
    page.goto(f"{studio.address}/staging/syncs")
    page.get_by_role("link", name=re.compile("Decide about")).click()
    first = page.get_by_role("article").first
    row = int(re.findall(r"\d+", first.get_by_role("heading").inner_text())[0])
    for each in first.get_by_role("radio", name="staging’s").all():
        each.check()
    first.get_by_role("button", name="Merge as picked").click()
    page.get_by_label("For").select_option("all")
    page.get_by_label("do", exact=True).select_option("skip")
    page.get_by_role("button", name="Decide", exact=True).click()
    page.get_by_role("button", name="Resume").click()

    expect(page.locator(".sync")).to_have_attribute("data-status", "completed", timeout=60_000)
    with sqlite3.connect(staging) as database:
        found = database.execute("SELECT role FROM users WHERE id = ?", [row]).fetchone()
    database.close()
    assert found[0].startswith("staging ")


def test_a_rule_is_chosen_in_its_row(visit: Visit, studio: Studio) -> None:
    """Saved as the next version, with its reason."""
    set_staging(studio)
    before = sync_rules.latest(studio.records)
    page = visit().log_in()
    page.goto(f"{studio.address}/staging/rules")
    page.get_by_label("Rule of users.bio").select_option("scrub")
    page.get_by_label("Reason").fill("Keep the words")
    page.get_by_role("button", name="Save rules").click()

    expect(page.get_by_text("The next sync goes by it")).to_be_visible()
    after = sync_rules.latest(studio.records)
    assert before is not None
    assert after is not None
    assert (before.version + 1, "Keep the words") == (after.version, after.reason)
