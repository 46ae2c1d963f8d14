"""The running program with a small studio in it, and browsers that watch for what goes wrong."""

import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect

from prompt_repo.editing import create_character
from prompt_repo.model import Character
from prompt_repo.repository import STAGING, Repository
from tests.factories import KIM, SAM, configuration, put
from webapp import people
from webapp.access import Role
from webapp.config import Settings
from webapp.records import Records

START_SECONDS = 60
PASSWORD = secrets.token_urlsafe(12)
REFUSALS = {400, 401, 403, 404, 409, 412, 422, 429}
WATCH = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error("CSP", event.violatedDirective, event.blockedURI));
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Studio:
    """A server's address, and the folder it works on."""

    folder: Path
    address: str
    repository: Repository

    def character(self, name: str = "") -> str:
        """A new character with an angry prompt in three versions; gives the id."""
        ident = f"c{secrets.token_hex(4)}"
        who = Character(ident, name or f"Ms {ident}", "Tests pages.", {"coat": "a green coat"})
        create_character(self.repository, STAGING, who, SAM, f"Add {who.name}")
        angry = f"{ident}/angry"
        put(
            self.repository,
            {angry: "{character_name} fumes.\nSlow push-in.\nGrey light.\n"},
            "First take",
        )
        put(
            self.repository,
            {angry: "{character_name} fumes.\nFast push-in.\nGrey light.\n"},
            "Quicker",
        )
        put(
            self.repository,
            {angry: "{character_name} boils.\nFast push-in.\nGrey light.\n"},
            "Stronger word",
        )
        return ident

    def text(self, ident: str, emotion: str = "angry") -> str | None:
        """A character's own text as it stands on staging."""
        catalogue = self.repository.current(STAGING)
        found = catalogue.overrides(ident).get(emotion)
        return found.prompt.text if found else None

    def person(self, role: Role = Role.ADMIN) -> str:
        """A new account; gives its name."""
        name = f"p-{secrets.token_hex(4)}"
        records = Records(Settings(data=self.folder).records_address)
        people.add(records, name, PASSWORD, role)
        return name


@contextmanager
def running(folder: Path) -> Iterator[Studio]:
    """`prompt-repo serve` over a new data folder, stopped by process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir()
    repository = Repository.create(folder / "prompts.git", configuration(lens="50 mm"), SAM)
    texts: dict[str, str | None] = {
        "defaults/idle": "{character_name} waits.",
        "defaults/angry": "{character_name} is cross.",
    }
    put(repository, texts, "Begin")
    command = [sys.executable, "-m", "webapp.cli", "--data", str(folder), "serve"]
    log = (folder.parent / "serve.log").open("wb")
    with log, subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log) as server:
        try:
            _await(f"http://127.0.0.1:{port}", server)
            yield Studio(folder, f"http://127.0.0.1:{port}", repository)
        finally:
            server.terminate()
            server.wait(30)


def _await(address: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended"
        try:
            with urlopen(f"{address}/healthz", timeout=5):
                return
        except (URLError, ConnectionError):
            time.sleep(0.05)
    raise AssertionError("the server did not answer")


@dataclass
class Watched:
    """A browser context of one person; `wrong` gathers what no page may do."""

    studio: Studio
    context: BrowserContext
    wrong: list[str] = field(default_factory=list)

    def page(self) -> Page:
        """A new page that is watched."""
        page = self.context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("response", self._response)
        return page

    def log_in(self, role: Role = Role.ADMIN) -> Page:
        """A page where somebody new of this role is logged in."""
        page = self.page()
        page.goto(self.studio.address + "/login")
        page.get_by_label("Name").fill(self.studio.person(role))
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Characters", level=1)).to_be_visible()
        return page

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium and htmx say of every refusal that it is one; tests say which they expect.
        refused = re.search(r"(responded with a status of|Status Error Code) 4", message.text)
        if message.type == "error" and not refused:
            self.wrong.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        host = urlsplit(self.studio.address).netloc
        asked = urlsplit(response.url)
        if asked.scheme in ("http", "https") and asked.netloc != host:
            self.wrong.append(f"another host: {response.url}")
        if response.status >= 400 and response.status not in REFUSALS:
            self.wrong.append(f"{response.status}: {response.url}")
        if response.status >= 400 and asked.path.startswith("/static/"):
            self.wrong.append(f"{response.status}: {response.url}")


@contextmanager
def watched(studio: Studio, browser: Browser, **settings: Any) -> Iterator[Watched]:
    """A context of its own; fails at the end where something went wrong on its pages."""
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **settings})
    context.add_init_script(WATCH)
    found = Watched(studio, context)
    try:
        yield found
        assert not found.wrong, found.wrong
    finally:
        context.close()


def replaced(studio: Studio, ident: str, old: str, new: str) -> None:
    """Somebody else edits a character's angry prompt."""
    text = studio.text(ident)
    assert text is not None
    assert old in text
    put(studio.repository, {f"{ident}/angry": text.replace(old, new)}, f"By {KIM.name}")
