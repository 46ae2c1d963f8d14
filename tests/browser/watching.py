"""Browsers that watch each of their pages for what no page may do."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
)

from tests.browser.studio import PASSWORD, Studio
from webapp.access import Role

SHIFT = 0.02
"""How much of a page may move by itself while it loads (cumulative layout shift)."""

WATCH = f"""
document.addEventListener("securitypolicyviolation", (event) =>
  reportWrong(`CSP ${{event.violatedDirective}} ${{event.blockedURI}}`));
let used = false, shifted = 0;
for (const kind of ["pointerdown", "keydown", "input"])
  addEventListener(kind, () => used = true, {{ capture: true }});
new PerformanceObserver((list) => {{
  for (const entry of list.getEntries()) if (!used && !entry.hadRecentInput) shifted += entry.value;
  if (shifted > {SHIFT}) reportWrong(`moves by ${{shifted.toFixed(3)}} while it loads`);
}}).observe({{ type: "layout-shift", buffered: true }});
addEventListener("load", () => {{
  if (!document.doctype) return;  // a part of a page, looked at alone
  const files = performance.getEntriesByType("resource");
  const waited = files.filter((each) => each.renderBlockingStatus === "blocking");
  const sheets = document.querySelectorAll("link[rel~=stylesheet], style");
  if (sheets.length !== 1 || sheets[0].parentElement !== document.head)
    reportWrong(`has ${{sheets.length}} stylesheets`);
  if (waited.length !== 1 || !waited[0].name.startsWith(sheets[0].href))
    reportWrong(`paints after ${{waited.map((each) => each.name)}}`);
}});
"""
PATIENCE = 15_000
"""Milliseconds a page may take to get where a test expects it; a busy machine needs some."""

REFUSAL = re.compile(r"(responded with a status of|Status Error Code) 4")
"""Chromium and htmx say of every refusal that it is one; tests say which they expect."""


TOO_SLOW = re.compile(r"was preloaded using link preload but not used within a few seconds")
"""Chromium's guess by the clock, wrong on a busy machine; tests/test_assets.py holds the fact."""


@dataclass
class Watched:
    """A browser of one person; `wrong` gathers what no page may do."""

    studio: Studio
    context: BrowserContext
    wrong: list[str] = field(default_factory=list)

    def page(self) -> Page:
        """A new page."""
        return self.context.new_page()

    def log_in(self, role: Role = Role.ADMIN) -> Page:
        """A page where somebody new of this role is logged in."""
        page = self.page()
        page.goto(self.studio.address + "/login")
        page.get_by_label("Name").fill(self.studio.person(role))
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Characters", level=1)).to_be_visible()
        return page

    def watch(self) -> None:
        """From now on, every page of this browser is watched."""
        self.context.expose_binding(
            "reportWrong", lambda source, what: self.wrong.append(f"{source['page'].url}: {what}")
        )
        self.context.add_init_script(WATCH)
        self.context.on("console", self._said)
        self.context.on("weberror", lambda error: self.wrong.append(f"script: {error.error}"))
        self.context.on("request", self._asked)
        self.context.on("response", self._answered)
        self.context.on("requestfailed", self._failed)

    def _said(self, message: ConsoleMessage) -> None:
        known = REFUSAL.search(message.text) or TOO_SLOW.search(message.text)
        if message.type in ("error", "warning") and not known:
            self.wrong.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        asked, ours = urlsplit(request.url), urlsplit(self.studio.address)
        if asked.scheme in ("http", "https", "ws", "wss") and asked.netloc != ours.netloc:
            self.wrong.append(f"another host: {request.url}")

    def _answered(self, response: Response) -> None:
        part_of_page = response.request.resource_type not in ("document", "xhr", "fetch")
        if response.status >= 500 or (response.status >= 400 and part_of_page):
            self.wrong.append(f"{response.status}: {response.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what leaving a page does to its requests
            self.wrong.append(f"{request.failure}: {request.url}")


Visit = Callable[..., Watched]
"""Makes browsers, with Playwright's settings of a context."""


@contextmanager
def watched(studio: Studio, browser: Browser, **settings: Any) -> Iterator[Watched]:
    """A browser with cookies of its own; fails at the end where something went wrong in it."""
    size = {"width": 1440, "height": 900}
    context = browser.new_context(**{"viewport": size, "reduced_motion": "reduce", **settings})
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    found = Watched(studio, context)
    found.watch()
    try:
        yield found
        assert not found.wrong, "\n".join(found.wrong)
    finally:
        context.close()
