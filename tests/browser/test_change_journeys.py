"""Proposing, reviewing and merging in a real browser: by mouse, keyboard, and without scripts."""

from playwright.sync_api import expect

from prompt_repo.changes import add
from prompt_repo.editing import Edit
from prompt_repo.model import PromptKey
from prompt_repo.promotion import Order, promote
from tests.browser.hands import Hands, browser_for, every_way, prompt, someone
from tests.browser.studio import PASSWORD, Studio
from tests.browser.watching import Visit
from tests.factories import KIM, SAM
from webapp import change_records
from webapp.access import Role


def propose(hands: Hands, studio: Studio, ident: str, text: str, title: str) -> str:
    """Writes another angry text in the editor and proposes it; gives the address of that."""
    page = hands.page
    hands.goto(prompt(studio, ident))
    hands.write(page.get_by_label("Prompt text"), text)
    hands.write(page.get_by_label("Reason"), title)
    hands.press(page.get_by_role("button", name="Propose…"))
    expect(page.get_by_role("heading", name="Propose a change")).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text(text.split("\n")[0].split()[-1])
    hands.press(page.get_by_role("button", name="Propose", exact=True))
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    return page.url


@every_way
def test_a_proposal_is_reviewed_by_another_and_merged(visit: Visit, way: str) -> None:
    """A reviewer proposes, somebody else comments on a line and approves, an admin merges."""
    (one, studio), (other, _) = (someone(visit, way, role) for role in (Role.REVIEWER, Role.ADMIN))
    ident = studio.character()
    before = studio.text(ident)
    address = propose(one, studio, ident, "{character_name} simmers.\nGrey light.\n", "Simmer")
    expect(one.page.get_by_role("button", name="Approve")).to_have_count(0)
    assert studio.text(ident) == before

    page = other.page
    other.goto(f"{studio.address}/changes")
    other.press(page.get_by_role("link", name="Simmer").first)
    other.press(page.get_by_role("link", name="Files"))
    expect(page.get_by_role("table").first).to_contain_text("simmers")
    other.press(page.get_by_role("link", name="Comment on line 1"))
    other.write(page.get_by_label("Comment on line 1").and_(page.locator("textarea")), "Lovely")
    other.press(page.get_by_role("button", name="Comment", exact=True))
    expect(page.get_by_role("article")).to_contain_text("Lovely")
    other.press(page.get_by_role("link", name="Conversation"))
    other.press(page.get_by_role("button", name="Approve"))
    expect(page.get_by_role("region", name="Reviews")).to_contain_text("approved")
    other.press(page.get_by_role("button", name="Merge into staging"))

    expect(page.get_by_text("Merged", exact=True).first).to_be_visible()
    assert studio.text(ident) == "{character_name} simmers.\nGrey light.\n"
    one.goto(address)
    one.press(one.page.get_by_role("article").get_by_role("button", name="Settle"))
    expect(one.page.get_by_role("article")).to_contain_text("settled by")


@every_way
def test_a_conflict_is_decided_in_place(visit: Visit, way: str) -> None:
    """The proposer sees all sides, writes a text of both, and it can be merged."""
    hands, studio = someone(visit, way)
    page, ident = hands.page, studio.character()
    address = propose(hands, studio, ident, "{character_name} glowers.\nGrey light.\n", "Glower")
    studio.replace(ident, "boils", "seethes")
    hands.goto(address)
    expect(page.get_by_role("button", name="Merge into staging")).to_be_disabled()
    hands.press(page.get_by_role("link", name="Decide the conflicts"))

    expect(page.get_by_role("region", name="This change")).to_contain_text("glowers")
    expect(page.get_by_role("region", name="Staging")).to_contain_text("seethes")
    hands.choose(page.get_by_role("radio", name="The merged text"))
    text = "{character_name} seethes and glowers.\nGrey light.\n"
    hands.write(page.get_by_role("textbox", name="Merged text"), text)
    hands.press(page.get_by_role("button", name="Decide"))
    hands.press(page.get_by_role("button", name="Merge into staging"))

    expect(page.get_by_text("Merged", exact=True).first).to_be_visible()
    assert studio.text(ident) == text


@every_way
def test_several_prompts_go_into_one_change_request(visit: Visit, way: str) -> None:
    """The second is added to the open one of mine; both are in its files, and no draft is left."""
    hands, studio = someone(visit, way, Role.REVIEWER)
    page, idents = hands.page, [studio.character(), studio.character()]
    propose(hands, studio, idents[0], "Calm.\n", "Calm all")
    hands.goto(prompt(studio, idents[1]))
    hands.write(page.get_by_label("Prompt text"), "Calm too.\n")
    hands.press(page.get_by_role("button", name="Propose…"))
    page.get_by_label("Goes to").select_option(index=1)
    hands.press(page.get_by_role("button", name="Propose", exact=True))

    expect(page.get_by_role("heading", name="Calm all", level=1)).to_be_visible()
    page.wait_for_load_state()  # its script takes the draft away
    hands.goto(prompt(studio, idents[1]))
    expect(page.get_by_label("Prompt text")).to_have_value(studio.text(idents[1]) or "")
    page.go_back()
    hands.press(page.get_by_role("link", name="Files"))
    for ident in idents:
        expect(page.get_by_role("region", name=f"Ms {ident}, angry")).to_contain_text("Calm")


@every_way
def test_a_hotfix_goes_live_once_somebody_approved_it(visit: Visit, way: str) -> None:
    """From production's own page; both environments hold it afterwards."""
    (one, studio), (other, _) = (someone(visit, way, role) for role in (Role.ADMIN, Role.REVIEWER))
    page, ident = one.page, studio.character()
    promote(studio.repository, Order(), SAM, "Go live")
    one.goto(prompt(studio, ident).replace("/staging/", "/production/"))
    one.press(page.get_by_role("link", name="hotfix"))
    one.write(page.get_by_label("Prompt text"), "Fixed.\n")
    one.write(page.get_by_label("Title"), "Fix it now")
    one.press(page.get_by_role("button", name="Propose hotfix"))
    expect(page.get_by_role("button", name="Merge into production")).to_be_disabled()
    address = page.url
    other.goto(address)
    other.press(other.page.get_by_role("button", name="Approve"))
    expect(other.page.get_by_role("region", name="Reviews")).to_contain_text("approved")
    one.goto(address)
    one.press(page.get_by_role("button", name="Merge into production"))

    expect(page.get_by_text("it reached staging as well")).to_be_visible()
    live = studio.repository.current("production").overrides(ident)["angry"].prompt.text
    assert (studio.text(ident), live) == ("Fixed.\n", "Fixed.\n")


@every_way
def test_a_comment_written_when_the_session_ended_is_kept(visit: Visit, way: str) -> None:
    """Log in again, and go on with it."""
    there = browser_for(visit, way)
    hands = Hands(there.log_in(Role.REVIEWER), way == "keyboard", way != "no scripts")
    page, studio = hands.page, there.studio
    number = studio.change(studio.character(), "Kept.\n")
    hands.goto(f"{studio.address}/changes/{number}")
    hands.write(page.get_by_label("Comment or review"), "Do not lose me")
    page.context.clear_cookies()
    hands.press(page.get_by_role("button", name="Comment", exact=True))

    expect(page.get_by_text("What you wrote is kept")).to_be_visible()
    hands.write(page.get_by_label("Name"), studio.person(Role.REVIEWER))
    hands.write(page.get_by_label("Password"), PASSWORD)
    hands.press(page.get_by_role("button", name="Log in"))
    if not hands.scripts:
        hands.press(page.get_by_role("button", name="Go on with it"))

    expect(page.get_by_text("Do not lose me").first).to_be_visible()


def test_a_comment_on_a_line_opens_and_stands_in_place(visit: Visit) -> None:
    """The page stays; the focus goes to the field, and back to the line when that is over."""
    hands, studio = someone(visit, "keyboard", Role.REVIEWER)
    page, number = hands.page, studio.change(studio.character(), "Breathes.\nGrey light.\n")
    hands.goto(f"{studio.address}/changes/{number}/files")
    page.evaluate("document.body.dataset.same = 'yes'")
    first, second = (page.get_by_role("link", name=f"Comment on line {each}") for each in (1, 2))
    field = page.locator("tr[data-in-place] textarea")

    hands.press(second)
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(second).to_be_focused()

    hands.press(second)
    hands.press(first)
    expect(page.locator("textarea[id$='-1']")).to_be_focused()
    expect(field).to_have_count(1)  # the empty one went
    page.keyboard.type("Lovely")
    hands.press(first)
    expect(field).to_have_value("Lovely")
    hands.press(page.get_by_role("button", name="Comment", exact=True))

    expect(page.get_by_role("article").filter(has_text="Lovely")).to_be_visible()
    expect(field).to_have_count(0)
    expect(first).to_be_focused()
    assert page.evaluate("document.body.dataset.same") == "yes"
    said = change_records.entries(studio.records, number)
    assert [("Lovely", 1)] == [(each.text, each.line) for each in said if each.text == "Lovely"]


def test_a_refused_comment_keeps_what_was_written(visit: Visit) -> None:
    """The text moved meanwhile: the form says so, where it is, and holds the words."""
    hands, studio = someone(visit, "mouse", Role.REVIEWER)
    ident = studio.character()
    page, number = hands.page, studio.change(ident, "Breathes.\nGrey light.\n")
    hands.goto(f"{studio.address}/changes/{number}/files")
    hands.press(page.get_by_role("link", name="Comment on line 1"))
    field = page.locator("tr[data-in-place] textarea")
    hands.write(field, "Lovely")
    row = change_records.found(studio.records, number)
    add(studio.repository, row.slug, [Edit(PromptKey(ident, "angry"), "Other.")], KIM)

    hands.press(page.get_by_role("button", name="Comment", exact=True))

    expect(page.get_by_role("alert")).to_contain_text("what you wrote is kept")
    expect(field).to_have_value("Lovely")
