"""Every page there is, by the routes themselves, and states that an address alone can't show."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import Page, expect
from werkzeug.routing import Rule

from prompt_repo.drift import compare
from prompt_repo.promotion import Order, Side, promote
from prompt_repo.repository import PRODUCTION, STAGING
from prompt_repo.transfer_documents import Selection
from tests.browser.hands import prompt
from tests.browser.staging_scene import set_staging
from tests.browser.studio import Studio
from tests.factories import SAM, put
from webapp import clock, exports, imports, previews, tokens, transfers, webhooks
from webapp.access import Caller, Role, Scope
from webapp.config import Settings
from webapp.events import Event
from webapp.imports import Given
from webapp.previews import Wanted
from webapp.queue import Jobs
from webapp.records.transfer_models import Kind, Status
from webapp.video import Brief

AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that another theme may break; a page is else the same in both."""
LOOK = """wanted =>
  axe.run(document, { runOnly: wanted, resultTypes: ["violations"], selectors: false })
    .then((found) => found.violations)"""
"""Looks by some of axe's rules. What passes is not told of at length, nor handed over."""
PROGRAMS = re.compile(
    r"/(static|api/v1|git|healthz|readyz|metrics)\b|.*(\.css|\.yaml|\.csv|\.jsonl|/video|/file)$"
)
"""Routes that programs read."""
LEAD_AWAY = {"auth.log_in", "single_sign_on.start", "single_sign_on.callback"}
"""Ways in, which lead whoever is logged in somewhere else; `outside` has what they show."""
HOLE = re.compile(r"<(?:[^:<>]+(?:\([^)]*\))?:)?(\w+)>")
SETTLED = """() => document.fonts.ready.then(() => new Promise((done) => {
  const look = () => document.querySelector(".htmx-request") ? setTimeout(look, 10) : done();
  requestAnimationFrame(() => requestAnimationFrame(look));
}))"""
QUERIES = {
    "history.compare": "?from=1&to=3",
    "clips.compare": "?from=1&to=3",
    "promotion.document": "?path=characters/<character>/angry.yaml",
    "releases.document": "?path=defaults/angry.yaml",
    "changes.reach": "?path=characters/<character>/angry.yaml",
    "change_editing.edit": "?path=characters/<character>/angry.yaml",
    "bulk.index": "?cell=<character>/angry&cell=/angry&kind=set",
}
"""What a route needs besides its path, by endpoint."""


@dataclass(frozen=True)
class Scene:
    """What pages are opened on; the angry prompts have three versions or more."""

    studio: Studio
    character: str
    archived: str
    person: str
    token: int
    webhook: int
    promotion: str
    diverged: str
    change: int
    clashing: int
    preview: str
    paused: str
    tried: str
    export: str
    sheet: str

    def names(self, endpoint: str) -> dict[str, str]:
        """What a route's variables are filled with; a new variable needs its place here."""
        numbers = {
            "token_pages": self.token,
            "webhook_pages": self.webhook,
            "changes": self.change,
            "change_clips": self.change,
            "change_editing": self.clashing if endpoint.endswith("conflicts") else self.change,
            "rules": 1,
        }
        number = str(numbers.get(endpoint.partition(".")[0], 2))
        return {
            "environment": "staging",
            "character": self.character,
            "emotion": "angry",
            "number": number,
            "name": self.person,
            "preview": self.preview,
            "transfer": self.sheet if endpoint.startswith("imports") else self.export,
            "promotion": self.promotion,
            "sync": self.paused,
            "commit": self.studio.repository.head(STAGING),
        }


def set_scene(studio: Studio, character: str = "", archived: str = "") -> Scene:
    """A scene with a person and a token made for it, and, where none are named, characters too."""
    character, archived = character or studio.character(), archived or studio.archived()
    _, token = tokens.create(studio.records, "ci", {Scope.READ}, (STAGING,))
    person = studio.person(Role.VIEWER)
    webhook = _webhook(studio)
    promoted = _promoted(studio, character)
    changes = _changes(studio, character)
    preview = failed_preview(studio, character)
    numbers = (token.id, webhook, *promoted, *changes)
    staging = set_staging(studio)
    carried = _transfers(studio, character)
    return Scene(studio, character, archived, person, *numbers, preview, *staging, *carried)


def _transfers(studio: Studio, character: str) -> tuple[str, str]:
    """An export, and an import that waits with a conflict, an update and something new."""
    told, admin = Settings(data=studio.folder), Caller("person:admin")
    head = studio.repository.head(STAGING)
    wanted = exports.Wanted(STAGING, head, "csv", Selection(frozenset({character})))
    export = exports.ask(studio.records, told, studio.repository, Jobs(None), admin, wanted)
    sheet = send_sheet(studio, SHEET.format(character), "writers.csv")
    return export.id, sheet


SHEET = """\
character,emotion,prompt_text,mood
{0},angry,"{{character_name}} laughs, then turns away.
Slow push-in, warm key light.",x
{0},idle,{{character_name}} listens.,x
"""


def send_sheet(studio: Studio, text: str, name: str) -> str:
    """An import that somebody began; gives its id."""
    told, admin = Settings(data=studio.folder), Caller("person:admin")
    file = studio.folder / name
    file.write_text(text)
    given = Given(STAGING, file, name)
    return imports.prepare(studio.records, told, studio.repository, admin, given).id


def _transfer(scene: Scene, kind: Kind, status: Status) -> str:
    """A large import or export that stays as it is, for its worker is not missed for an hour."""
    studio, told = scene.studio, Settings(data=scene.studio.folder)
    head, options = studio.repository.head(STAGING), {"form": "json", "versions": True}
    given = studio.records, told, Caller("person:admin"), kind, STAGING, head
    made = transfers.begin(*given, "prompts-staging-with-versions.json", {**options, "large": True})
    over = {"status": status, "started_at": clock.now() + timedelta(hours=1)}
    transfers.move(studio.records, made.id, (Status.PENDING,), **over)
    return made.id


def _webhook(studio: Studio) -> int:
    """A webhook with a message that can't arrive, for its address is this machine's."""
    made = webhooks.create(
        studio.records,
        "https://127.0.0.1:9/prompts",
        [Event.PROMOTED.value],
        [ipaddress.ip_network("127.0.0.0/8")],
    )
    webhooks.ping(studio.records, made.id, "person:admin")
    return made.id


def _promoted(studio: Studio, character: str) -> tuple[str, str]:
    """A promotion of a default and more, and a character whose angry prompt diverged since."""
    repository, diverged = studio.repository, studio.character("Ms Divided")
    put(repository, {"defaults/angry": f"{{character_name}} fumes at {diverged}.\n"}, "Say whom")
    decided = {item.path: Side.STAGING for item in compare(repository).items}
    promotion = promote(repository, Order(decisions=decided), SAM, "Friday’s release").commit.oid
    path = f"characters/{diverged}/angry.yaml"
    raw = b"prompt: |-\n  {character_name} boils over.\n  Slow push-in.\n"
    fix = repository.store.write(PRODUCTION, promotion, {path: raw}, author=SAM, message="Fix it")
    repository.written(PRODUCTION, fix)
    put(repository, {f"{diverged}/angry": "{character_name} boils.\nCrash zoom.\n"}, "Closer")
    standing = repository.current(STAGING).overrides(character)["angry"].prompt.text
    put(repository, {f"{character}/angry": f"{standing}\nHold for a beat.\n"}, "Hold it longer")
    return promotion, diverged


def _changes(studio: Studio, character: str) -> tuple[int, int]:
    """A change request that fits, and one in conflict with what stands now."""
    text = studio.text(character) or ""
    clashing = studio.change(character, f"{{character_name}} waits.\n{text}")
    put(studio.repository, {f"{character}/angry": f"{{character_name}} turns.\n{text}"}, "Turn")
    return studio.change(character, f"{{character_name}} turns, {{sighs}}.\n{text}"), clashing


def failed_preview(studio: Studio, character: str) -> str:
    """A preview that a video service refused; gives the id."""
    made = waiting_preview(studio, character)
    previews.fail(studio.records, made, "The service answers 400: this prompt is too angry.")
    return made


def waiting_preview(studio: Studio, character: str) -> str:
    """A preview that no worker takes up; gives the id."""
    brief = Brief("Fumes. Then a breath.", "Aria", "angry", "Angry", "#dc2626")
    asked = Wanted(
        STAGING, character, brief, brief.text, "typed", 1, "0" * 40, "openai-compatible",
        {"model": "wan-2", "size": "1280x720"},
    )  # fmt: skip
    settings = Settings(data=studio.folder)
    return previews.ask(studio.records, settings, asked, Caller("person:sam")).id


@dataclass(frozen=True)
class Place:
    """A page: what to call it, its address, what is done on it, and the status it answers with."""

    name: str
    address: str
    act: Callable[[Page, Scene], None] | None = None
    status: int = 200

    def open(self, page: Page, scene: Scene, scripts: bool = True) -> bool:
        """Goes there, and waits until all is there; False where it is only a part of a page.

        A part that scripts fetch is looked at as the state of the page that fetches it.
        """
        answer = page.goto(scene.studio.address + self.address)
        assert answer is not None
        assert answer.status == self.status, f"{self.address} answers {answer.status}"
        if "<!doctype html>" not in answer.text()[:100]:
            return False
        if not scripts:
            return True
        settle(page)
        if self.act is not None:
            self.act(page, scene)
            settle(page)
        return True


def settle(page: Page) -> None:
    """Waits for fonts, for the next frames, and for what htmx has asked for."""
    page.evaluate(SETTLED)


def places(app: Flask, scene: Scene) -> list[Place]:
    """Every page for somebody who is logged in: those of the routes, then their states."""
    return [*routed(app, scene), *states(scene)]


def states(scene: Scene) -> list[Place]:
    """What pages look like that an address of a route alone doesn't show."""
    return [*_more(scene), *_acted(scene)]


def outside() -> list[Place]:
    """Pages for nobody."""
    return [
        Place("log-in", "/login"),
        Place("log-in-refused", "/login", _refused),
        Place("log-in-provider-away", "/login/single-sign-on", status=422),
    ]


def routed(app: Flask, scene: Scene) -> Iterator[Place]:
    """The page of each route."""
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or PROGRAMS.match(rule.rule):
            continue
        if rule.endpoint in LEAD_AWAY:
            continue
        kind = "-default" if "/defaults/" in rule.rule else ""
        yield Place(rule.endpoint.replace(".", "-") + kind, _path(rule, scene))


def _path(rule: Rule, scene: Scene) -> str:
    names = scene.names(rule.endpoint)
    unknown = rule.arguments - names.keys()
    assert not unknown, f"tests/browser/pages.py must say what {unknown} of {rule.rule} is"
    address = rule.rule + QUERIES.get(rule.endpoint, "")
    return HOLE.sub(lambda hole: names[hole[1]], address)


def _more(scene: Scene) -> Iterator[Place]:
    staging, live = "/environments/staging", "/environments/production"
    yield Place("characters-production", f"{live}/characters")
    yield Place("characters-none-found", f"{staging}/characters?q=nobody-of-that-name")
    yield Place("characters-archived", f"{staging}/characters?archived=1")
    yield Place("defaults-production", f"{live}/defaults")
    yield Place("prompt-archived", f"{staging}/characters/{scene.archived}/angry")
    yield Place("prompts-fallen-back", f"{staging}/characters/{scene.character}/idle")
    yield Place("character-archived", f"{staging}/characters/{scene.archived}")
    yield Place("promotion-none-found", "/promotion?q=nobody-of-that-name")
    path = f"characters/{scene.diverged}/angry.yaml"
    yield Place("promotion-diverged", f"/promotion/document?path={path}")
    yield Place("promotion-plan-undecided", f"/promotion/plan?path={path}")
    yield Place("matrix-select", f"{staging}/matrix?select=1")
    yield Place("bulk-nothing-chosen", f"{staging}/bulk")
    yield Place("search-found", f"{staging}/search?q=fumes")
    yield Place("changes-none", "/changes?show=closed")
    yield Place("change-in-conflict", f"/changes/{scene.clashing}")
    on_line = f"?path=characters/{scene.character}/angry.yaml&line=1"
    yield Place("change-line", f"/changes/{scene.change}/files{on_line}")
    yield Place("sync-tried", f"/staging/syncs/{scene.tried}")
    yield Place("staging-refusals", "/staging/access?outcome=refused")
    wrong = send_sheet(scene.studio, "character,emotion,prompt_text\nX,angry,\naria,,y\n", "w.csv")
    yield Place("import-refused", f"/imports/{wrong}")
    yield Place("import-unchanged", f"/imports/{scene.sheet}?state=unchanged")
    yield Place("import-create", f"/imports/{scene.sheet}?state=create")
    for status in (Status.PENDING, Status.IMPORTING, Status.CANCELLED):
        yield Place(f"import-{status}", f"/imports/{_transfer(scene, Kind.IMPORT, status)}")
    for status in (Status.PROCESSING, Status.CANCELLED):
        export = _transfer(scene, Kind.EXPORT, status)
        yield Place(f"export-{status}", f"/transfers/exports/{export}")
    yield Place("hotfix", f"{live}/defaults/angry/propose")
    yield Place("propose-removal", f"{staging}/characters/{scene.character}/angry/propose-removal")
    yield Place("propose-settings", f"{staging}/characters/{scene.character}/character/propose")
    yield Place("not-found", f"{staging}/characters/nobody", status=404)


def _acted(scene: Scene) -> Iterator[Place]:
    editor = prompt(scene.studio, scene.character).removeprefix(scene.studio.address)
    yield Place("account-menu", "/environments/staging/characters", _menu)
    yield Place("editor-review", editor, _review)
    yield Place("editor-clip", editor, _clip)
    yield Place("wall-made", f"/environments/staging/clips/{scene.character}", _wall)
    yield Place("editor-warned", editor, _warn)
    yield Place("editor-refused", editor, _empty)
    yield Place("editor-conflict", editor, _conflict)
    yield Place("editor-differs", editor, _differ)
    yield Place("compare-inline", f"{editor}/compare?from=1&to=3&view=inline&whole=1")
    yield Place("matrix-beside", "/environments/staging/matrix", _beside)
    yield Place("promotion-opened", "/promotion", _open_changes)
    yield Place("staging-configuration-refused", "/staging/configuration", _misconfigure)
    yield Place("mapping-found", "/staging/mapping", _look_up)
    chosen = f"/environments/staging/bulk?cell={scene.character}/angry&cell=/angry&cell=/idle"
    yield Place("bulk-plan", chosen, _plan_bulk)
    yield Place("audit-filtered", "/audit?outcome=refused", _filter_audit)
    yield Place("webhook-made", "/webhooks/new", _make_webhook)
    yield Place("webhook-opened", f"/webhooks/{scene.webhook}", _open_delivery)


def _refused(page: Page, scene: Scene) -> None:
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("nothing of worth")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def _menu(page: Page, scene: Scene) -> None:
    page.get_by_label("Your account").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def _ask(page: Page, text: str) -> None:
    page.get_by_label("Prompt text").fill(text)
    page.get_by_label("Reason").fill("As the director asked")
    page.get_by_role("button", name="Review changes").click()


def _plan_bulk(page: Page, scene: Scene) -> None:
    page.get_by_label("Find", exact=True).fill("push-in")
    page.get_by_label("Replace with").fill("pull-out")
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("to change")


def _filter_audit(page: Page, scene: Scene) -> None:
    page.get_by_text("By file, commit, address, request, before or after").click()
    expect(page.get_by_label("Request id")).to_be_visible()


def _clip(page: Page, scene: Scene) -> None:
    _pane(page, "Resolved")
    page.get_by_role("button", name="Test this text").click()
    expect(page.locator("#clips video").first).to_be_visible(timeout=60_000)


def _wall(page: Page, scene: Scene) -> None:
    wanted = page.get_by_role("button", name=re.compile("Make [0-9]+ clip"))
    if wanted.count():
        wanted.click()
    expect(page.locator("[data-status=completed]").first).to_be_visible(timeout=60_000)


def _pane(page: Page, name: str) -> None:
    """On a narrow window the editor shows one of its parts at a time."""
    choice = page.locator(".panes").get_by_text(name, exact=True)
    if choice.is_visible():
        choice.click()


def _review(page: Page, scene: Scene) -> None:
    standing = page.get_by_label("Prompt text").input_value()
    _ask(page, standing.rstrip("\n").rpartition("\n")[0] + "\nHold for two beats, then a breath.\n")
    expect(page.get_by_role("button", name="Save to staging")).to_be_visible()


def _warn(page: Page, scene: Scene) -> None:
    page.get_by_label("Prompt text").fill("{character_name} in {nonsense}, by {sunlight}.")
    _pane(page, "Resolved")
    expect(page.get_by_text("Unknown variable").first).to_be_visible()


def _empty(page: Page, scene: Scene) -> None:
    _ask(page, " ")
    expect(page.get_by_role("alert")).to_be_visible()


def _conflict(page: Page, scene: Scene) -> None:
    standing = scene.studio.text(scene.character) or ""
    first, _, rest = standing.partition("\n")
    put(scene.studio.repository, {f"{scene.character}/angry": f"{first} Sleet.\n{rest}"}, "Weather")
    _ask(page, f"{first} Sunlight.\n{rest}")
    expect(page.get_by_role("alert")).to_contain_text("Nothing is lost")


def _differ(page: Page, scene: Scene) -> None:
    page.get_by_label("Prompt text").fill("{character_name} holds a breath.\nBlue light.\n")
    for pane in page.get_by_text("Default", exact=True).all():
        if pane.is_visible() and pane.evaluate("each => !!each.closest('.panes')"):
            pane.click()
    page.get_by_text("How your text differs from the default").click()
    expect(page.locator("#against")).to_contain_text("Blue light.")


def _beside(page: Page, scene: Scene) -> None:
    page.locator(f"#row-{scene.character} .cell").first.click()
    expect(page.get_by_label("Prompt text")).to_be_visible()


def _open_changes(page: Page, scene: Scene) -> None:
    page.get_by_role("checkbox", name="All of").first.check()
    board = page.get_by_role("main")
    board.get_by_role("link", name="Changes").first.click()
    board.get_by_role("link", name="Decide").first.click()
    expect(page.get_by_text("Keep production’s").first).to_be_visible()


def _misconfigure(page: Page, scene: Scene) -> None:
    page.get_by_label("Schedule").fill("every night")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved")


def _look_up(page: Page, scene: Scene) -> None:
    page.get_by_label("Name, email, phone").fill("nobody@nowhere.test")
    page.get_by_label("Reason").fill("A look at the page")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text("Nothing stands for it")).to_be_visible()


def _make_webhook(page: Page, scene: Scene) -> None:
    page.get_by_label("Address").fill("https://8.8.8.8/hook")
    page.get_by_role("button", name="Make webhook").click()
    expect(page.get_by_role("heading", name="The webhook is made")).to_be_visible()


def _open_delivery(page: Page, scene: Scene) -> None:
    page.get_by_text("What it is told").click()
    page.get_by_text("Message and answer").first.click()


def violations(page: Page, only: tuple[str, ...] = ()) -> list[str]:
    """What axe finds wrong, a line each; by some of its rules, or by all of TAGS."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text() + "\n;0")
    wanted = {"type": "rule" if only else "tag", "values": only or TAGS}
    found: list[dict[str, Any]] = page.evaluate(LOOK, wanted)
    return [
        f"{each['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for each in found
        for node in each["nodes"]
    ]
