"""What every page wears: the rail, the environment, the colours of the theme."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, current_app, redirect, request, url_for
from werkzeug.wrappers import Response

from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.repository import PRODUCTION, STAGING
from webapp import audit, change_requests, drifting, formatting, sync_asking
from webapp.access import Scope, access, caller
from webapp.auth import LOCAL
from webapp.services import repository
from webapp.staging_access import may_enter

blueprint = Blueprint("appearance", __name__)
THEMES = ("auto", "light", "dark")
YEAR = 31_536_000  # seconds
TWINS = (
    "characters.index",
    "characters.show",
    "characters.settings",
    "defaults.index",
    "matrix.index",
    "search.index",
    "prompts.show",
    "prompts.removed",
    "history.timeline",
    "history.blame",
)
"""Pages that stand in both environments at the same address."""


@dataclass(frozen=True)
class Place:
    """A line of the rail; `here` where it is this very page, `current` where it is this part.

    `count` is how many things wait there.
    """

    label: str
    icon: str
    url: str
    current: bool
    here: bool
    count: int = 0


@dataclass(frozen=True)
class Entry:
    """What a line of the rail is called, what it leads to, and what one must be allowed to.

    `count` tells how many things wait there; it is asked at every page, as is `shown`, where an
    entry is not for everybody who has the scope.
    """

    label: str
    icon: str
    endpoint: str
    scope: Scope = Scope.READ
    count: Callable[[], int] | None = None
    shown: Callable[[], bool] | None = None


@dataclass(frozen=True)
class EnvironmentLink:
    """An environment in the switch, and where this page stands in it."""

    name: str
    url: str
    current: bool


RAIL: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "",
        (
            Entry("Characters", "people", "characters.index"),
            Entry("Defaults", "layers", "defaults.index"),
            Entry("Matrix", "grid", "matrix.index"),
            Entry("Changes", "branch", "changes.index", count=change_requests.open_count),
            Entry("Promotion", "promotion", "promotion.index", count=drifting.waiting),
            Entry("Previews", "film", "previews.index"),
            Entry("Removed", "removed", "prompts.removed"),
        ),
    ),
    (
        "Staging",
        (
            Entry("Environment", "gauge", "staging.overview", Scope.ADMIN, shown=may_enter),
            Entry("Data sync", "sync", "syncs.index", Scope.ADMIN, sync_asking.waiting, may_enter),
            Entry("Rules", "mask", "rules.index", Scope.ADMIN, shown=may_enter),
            Entry("Mapping", "link", "mapping.index", Scope.ADMIN, shown=may_enter),
        ),
    ),
    (
        "Admin",
        (
            Entry("Import & export", "transfer", "transfers.index", Scope.ADMIN),
            Entry("People", "person", "accounts.index", Scope.ADMIN),
            Entry("Jobs", "stack", "job_pages.index", Scope.ADMIN),
            Entry("Git", "commit", "mirror.show", Scope.ADMIN),
            Entry("Tokens", "key", "token_pages.index", Scope.ADMIN),
            Entry("Webhooks", "webhook", "webhook_pages.index", Scope.ADMIN),
            Entry("Audit", "book", "audit_pages.index", Scope.ADMIN),
        ),
    ),
)
"""The rail's parts, each with its heading; who lacks an entry's scope does not see it."""
WITHIN = {
    "releases": "promotion",
    "bulk": "matrix",
    "change_proposing": "changes",
    "change_editing": "changes",
    "document_proposing": "changes",
    "audit_pages.of_person": "accounts",
    "imports": "transfers",
}
"""Parts and pages that the rail has no line of their own for, and the line that is lit there."""
ON_A_PHONE = 4  # places in the bar at the foot; the rest is behind More


def init_app(app: Flask) -> None:
    """Gives templates the frame's values."""
    formatting.register(app)
    app.context_processor(_frame)
    app.add_template_global(may_change)
    app.after_request(_keep_assets)


@blueprint.get("/")
@access(Scope.READ)
def home() -> Response:
    """The characters of staging."""
    return redirect(url_for("characters.index", environment=STAGING))


@blueprint.post("/theme")
@access(Scope.READ)
def choose() -> Response:
    """Remembers light, dark, or as the system has it."""
    audit.leave_out()
    back = request.form.get("back", "/")
    response = redirect(back if LOCAL.fullmatch(back) else "/", 303)
    theme = request.form.get("theme", "")
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=YEAR, samesite="Lax", secure=request.is_secure)
    return response


def may_change() -> bool:
    """Whether the one who asks may edit prompts in the environment of this page."""
    return may_save(_environment() or "")


def may_save(environment: str) -> bool:
    """Whether the one who asks may save prompts to an environment without a change request."""
    direct = environment != PRODUCTION and environment not in repository().reviewed
    return direct and caller().may(Scope.WRITE)


def _environment() -> str | None:
    found = (request.view_args or {}).get("environment")
    return found if found in ENVIRONMENTS else None


def _frame() -> dict[str, object]:
    environment = _environment()
    theme = request.cookies.get("theme", "auto")
    return {
        "environment": environment,
        "environments": [_link(name, environment) for name in ENVIRONMENTS],
        "place": environment or STAGING,
        "rail": _rail(environment or STAGING),
        "on_a_phone": ON_A_PHONE,
        "theme": theme if theme in THEMES else "auto",
    }


def _rail(environment: str) -> list[tuple[str, list[Place]]]:
    """What of the rail whoever asks may see."""
    parts = []
    for heading, entries in RAIL:
        seen = [_place(each, environment) for each in entries if _is_for(each)]
        parts += [(heading, seen)] if seen else []
    return parts


def _is_for(entry: Entry) -> bool:
    return caller().may(entry.scope) and (entry.shown is None or entry.shown())


def _place(entry: Entry, environment: str) -> Place:
    endpoint = entry.endpoint
    here = request.endpoint == endpoint
    part = endpoint.partition(".")[0]
    in_part = (request.endpoint or "").partition(".")[0]
    arguments = request.view_args or {}
    if (
        in_part in ("prompts", "history", "preview_of", "clips", "trail")
        and request.endpoint != "prompts.removed"
    ):
        in_part = "characters" if arguments.get("character") else "defaults"
    elif request.endpoint == "prompts.removed":
        in_part = "prompts"
    in_part = WITHIN.get(request.endpoint or "", WITHIN.get(in_part, in_part))
    url = url_for(endpoint, **_needed(endpoint, environment))
    count = entry.count() if entry.count else 0
    return Place(entry.label, entry.icon, url, part == in_part, here, count)


def _needed(endpoint: str, environment: str) -> dict[str, Any]:
    """The environment, where the address of a page has one."""
    wants = any(
        "environment" in rule.arguments for rule in current_app.url_map.iter_rules(endpoint)
    )
    return {"environment": environment} if wants else {}


def _link(name: str, current: str | None) -> EnvironmentLink:
    endpoint, arguments = request.endpoint or "", dict(request.view_args or {})
    if endpoint not in TWINS:
        twin = "prompts.show" if "emotion" in arguments else "characters.index"
        endpoint = "characters.index" if not current else twin
        keep = ("character", "emotion") if twin == "prompts.show" else ()
        arguments = {key: arguments[key] for key in keep if key in arguments}
    url = url_for(endpoint, **(arguments | {"environment": name}))
    return EnvironmentLink(name, url, name == current)


def _keep_assets(response: Response) -> Response:
    """Static files asked for by their digest never change."""
    if request.endpoint == "static" and "v" in request.args and response.status_code == 200:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response
