"""People and tokens looked after in a real browser: let in, shut out; made, shown once, revoked."""

import httpx
from playwright.sync_api import expect

from tests.browser.hands import WAYS, Hands, browser_for, every_way, someone
from tests.browser.studio import PASSWORD
from tests.browser.watching import Visit
from webapp.access import Role

OWN = "words of my own choice"


@every_way
def test_somebody_is_let_in_and_shut_out(visit: Visit, way: str) -> None:
    """Added, logged in by a password for once, with one of their own, and out again."""
    hands, studio = someone(visit, way)
    page, name = hands.page, f"ada-{way.replace(' ', '-')}"
    hands.press(page.get_by_role("navigation", name="Main").get_by_role("link", name="People"))
    hands.press(page.get_by_role("link", name="Add a person"))
    hands.write(page.get_by_label("Log-in name"), name)
    hands.write(page.get_by_label("Name", exact=True), "Ada Quill")
    hands.choose(page.get_by_role("radio", name="Reviewer"))
    hands.press(page.get_by_role("button", name="Add"))
    once = page.get_by_label("One-time password").input_value()
    hands.press(page.get_by_role("link", name="Done"))
    expect(page.get_by_role("heading", name="Ada Quill", level=1)).to_be_visible()
    assert once not in page.content()

    ada = Hands(browser_for(visit, way).page(), *WAYS[way])
    ada.goto(studio.address)
    ada.write(ada.page.get_by_label("Name"), name)
    ada.write(ada.page.get_by_label("Password"), once)
    ada.press(ada.page.get_by_role("button", name="Log in"))
    expect(ada.page.get_by_role("heading", name="Choose a password")).to_be_visible()
    for label in ("New password", "New password, again"):
        ada.write(ada.page.get_by_label(label, exact=True), OWN)
    ada.press(ada.page.get_by_role("button", name="Save and go on"))
    expect(ada.page.get_by_role("heading", name="Characters", level=1)).to_be_visible()
    expect(ada.page.get_by_role("link", name="People")).to_have_count(0)

    hands.press(page.get_by_role("button", name="Shut Ada Quill out"))
    expect(page.get_by_role("status").first).to_contain_text("is shut out")
    ada.goto(studio.address)
    expect(ada.page.get_by_role("heading", name="Log in")).to_be_visible()
    ada.write(ada.page.get_by_label("Name"), name)
    ada.write(ada.page.get_by_label("Password"), OWN)
    ada.press(ada.page.get_by_role("button", name="Log in"))
    expect(ada.page.get_by_role("alert")).to_contain_text("don't open an account")


@every_way
def test_a_token_is_made_shown_once_and_revoked(visit: Visit, way: str) -> None:
    """By a viewer, for themselves: it works until it is ended, and is never seen again."""
    hands, studio = someone(visit, way, Role.VIEWER)
    page = hands.page
    hands.goto(studio.address + "/account")
    hands.press(page.get_by_role("link", name="See your tokens"))
    hands.press(page.get_by_role("main").get_by_role("link", name="New token").first)
    hands.write(page.get_by_label("Name", exact=True), "player")
    hands.choose(page.get_by_role("checkbox", name="Staging"))
    hands.choose(page.get_by_role("radio", name="30 days"))
    hands.press(page.get_by_role("button", name="Make token"))
    key = page.get_by_label("Token", exact=True).input_value()
    characters = f"{studio.address}/api/v1/environments/staging/characters"
    sent = {"Authorization": f"Bearer {key}"}
    assert httpx.get(characters, headers=sent).status_code == 200

    hands.press(page.get_by_role("link", name="Done"))
    row = page.get_by_role("listitem").filter(has_text="player")
    expect(row).to_contain_text("production and staging")
    assert key not in page.content()
    hands.press(row.get_by_role("link", name="Revoke player"))
    hands.press(page.get_by_role("button", name="Revoke"))

    expect(page.get_by_role("status").first).to_contain_text("player has ended")
    assert httpx.get(characters, headers=sent).status_code == 401


def test_a_token_is_copied(visit: Visit) -> None:
    """By a button that says when it is done."""
    there = visit(permissions=["clipboard-read", "clipboard-write"])
    page = there.log_in()
    page.goto(there.studio.address + "/tokens/new")
    page.get_by_label("Name", exact=True).fill("player")
    page.get_by_role("button", name="Make token").click()
    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.get_by_label("Token", exact=True).input_value()


def test_single_sign_on_that_is_away_leaves_the_password(visit: Visit) -> None:
    """The page says so, and the form beside it goes on working."""
    there = visit()
    page = there.page()
    page.goto(there.studio.address + "/login")
    page.get_by_role("link", name="Log in with your studio account").click()
    expect(page.get_by_role("alert")).to_contain_text("Single sign-on did not work")

    page.get_by_label("Name").fill(there.studio.person())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("heading", name="Characters", level=1)).to_be_visible()


@every_way
def test_on_a_phone_people_are_behind_more(visit: Visit, way: str) -> None:
    """What the bar at the foot has no place for is one step away."""
    there = visit(viewport={"width": 390, "height": 844}, java_script_enabled=WAYS[way][1])
    hands = Hands(there.log_in(), *WAYS[way])
    bar = hands.page.get_by_role("navigation", name="Main")

    hands.press(bar.get_by_text("More"))
    hands.press(bar.get_by_role("link", name="People"))

    expect(hands.page.get_by_role("heading", name="People", level=1)).to_be_visible()
