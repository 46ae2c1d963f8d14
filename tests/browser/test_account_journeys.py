"""Coming in, and going, in a real browser."""

from playwright.sync_api import expect

from tests.browser.hands import WAYS, Hands, browser_for, every_way, someone
from tests.browser.studio import PASSWORD
from tests.browser.watching import Visit


@every_way
def test_a_wrong_password_is_said_and_a_right_one_lets_in(visit: Visit, way: str) -> None:
    """The page that was asked for is there after logging in."""
    there = browser_for(visit, way)
    hands = Hands(there.page(), *WAYS[way])
    name = there.studio.person()
    hands.goto(there.studio.address + "/environments/staging/defaults")
    for password in ("nothing of worth", PASSWORD):
        hands.write(hands.page.get_by_label("Name"), name)
        hands.write(hands.page.get_by_label("Password"), password)
        hands.press(hands.page.get_by_role("button", name="Log in"))
        if password != PASSWORD:
            expect(hands.page.get_by_role("alert")).to_contain_text("don't open an account")

    expect(hands.page.get_by_role("heading", name="Defaults", level=1)).to_be_visible()


@every_way
def test_one_logs_out(visit: Visit, way: str) -> None:
    """Nothing is to be read afterwards, not even by going back."""
    hands, studio = someone(visit, way)

    hands.press(hands.page.get_by_label("Your account"))
    hands.press(hands.page.get_by_role("button", name="Log out"))

    log_in = hands.page.get_by_role("heading", name="Log in")
    expect(log_in).to_be_visible()
    hands.goto(studio.address + "/environments/staging/characters")
    expect(log_in).to_be_visible()


@every_way
def test_a_password_is_changed(visit: Visit, way: str) -> None:
    """The old one opens nothing any more."""
    hands, studio = someone(visit, way)
    hands.goto(studio.address + "/account")
    hands.write(hands.page.get_by_label("Current password"), PASSWORD)
    for label in ("New password", "New password, again"):
        hands.write(hands.page.get_by_label(label, exact=True), "another long one")
    hands.press(hands.page.get_by_role("button", name="Change password"))

    expect(hands.page.get_by_role("status")).to_contain_text("Password changed")
