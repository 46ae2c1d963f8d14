"""The ways people work a page: by mouse, by keyboard alone, and by mouse without JavaScript."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.studio import Studio
from tests.browser.watching import Visit, Watched
from webapp.access import Role

TABS = 250
"""More than any page has places to stop at."""

FOCUSED = "element => element === document.activeElement"
TWIN = "element => document.activeElement.name === element.name"
"""Whether the focus is on a radio button of the same group: Tab stops once at each group."""


@dataclass
class Hands:
    """One person at one page; every step of a journey goes through here."""

    page: Page
    keyboard: bool
    scripts: bool

    def goto(self, address: str) -> None:
        """Opens an address as typed into the browser."""
        self.page.goto(address)

    def press(self, element: Locator) -> None:
        """Follows a link, or pushes a button."""
        if self.keyboard:
            self.reach(element)
            self.page.keyboard.press("Enter")
        else:
            element.click()

    def write(self, element: Locator, text: str) -> None:
        """Replaces what a field says."""
        if self.keyboard:
            self.reach(element)
            self.page.keyboard.press("Control+a")
            self.page.keyboard.type(text)
        else:
            element.fill(text)

    def choose(self, element: Locator) -> None:
        """Ticks a box, or picks one of a group."""
        if not self.keyboard:
            element.check()
            return
        if element.get_attribute("type") == "radio":
            self._tab_until(element, TWIN)
            while not element.is_checked():
                self.page.keyboard.press("ArrowDown")
        elif not element.is_checked():
            self.reach(element)
            self.page.keyboard.press("Space")

    def begin_search(self) -> None:
        """Goes to the search by `/`, as soon as the page's scripts listen."""
        box = self.page.get_by_role("combobox", name="Search everything")  # by script alone
        expect(box).to_be_visible()
        self.page.keyboard.press("/")
        expect(box).to_be_focused()

    def find(self, text: str, name: str) -> None:
        """Searches everything, by `/` where one may, and opens what is found of this name."""
        box = self.page.get_by_label("Search everything")
        option = self.page.get_by_role("listbox").get_by_role("option", name=name).first
        if not self.scripts:
            box.fill(text)
            box.press("Enter")
            self.page.get_by_role("main").get_by_role("link", name=name).first.click()
        elif not self.keyboard:
            box.fill(text)
            option.click()
        else:
            self.begin_search()
            self.page.keyboard.type(text)
            expect(option).to_be_visible()
            while option.get_attribute("aria-selected") != "true":
                self.page.keyboard.press("ArrowDown")
            self.page.keyboard.press("Enter")

    def narrow(self, text: str) -> None:
        """Filters the list of characters."""
        box = self.page.get_by_role("searchbox")
        self.write(box, text)
        if not self.scripts:
            box.press("Enter")
        self.page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get("q") == [text])

    def review(self) -> None:
        """Asks the editor what is about to be saved; answered with that, or with a conflict."""
        if self.keyboard:
            self.page.keyboard.press("Control+s")
        else:
            self.page.get_by_role("button", name="Review changes").click()

    def save(self) -> None:
        """Reviews what is written in the editor, and saves it."""
        self.review()
        step = self.page.get_by_role("button", name="Save to staging")
        expect(step).to_be_visible()
        if self.keyboard:
            self.page.keyboard.press("Control+s")
        else:
            step.click()

    def reach(self, element: Locator) -> None:
        """Presses Tab until an element has the focus."""
        expect(element).to_be_visible()
        self._tab_until(element, FOCUSED)

    def _tab_until(self, element: Locator, reached: str) -> None:
        for _ in range(TABS):
            if element.evaluate(reached):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not get to {element}")


WAYS = {
    "mouse": (False, True),
    "keyboard": (True, True),
    "no scripts": (False, False),
}
every_way = pytest.mark.parametrize("way", WAYS)
"""Runs a journey three times over."""


def someone(visit: Visit, way: str, role: Role = Role.ADMIN) -> tuple[Hands, Studio]:
    """Somebody new who is logged in and works in one of WAYS."""
    there = browser_for(visit, way)
    return Hands(there.log_in(role), *WAYS[way]), there.studio


def browser_for(visit: Visit, way: str) -> Watched:
    """A browser for one of WAYS, where nobody is logged in."""
    return visit(java_script_enabled=WAYS[way][1])


def prompt(studio: Studio, ident: str, tail: str = "") -> str:
    """The address of a character's angry prompt."""
    return f"{studio.address}/environments/staging/characters/{ident}/angry{tail}"
