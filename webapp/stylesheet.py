"""The one stylesheet of a page: app.css, and behind it the hue of each emotion.

Both in one file, so that the first paint waits for nothing else, and no hue comes later than it.
The hues are staging's, and where production's differ from them, production's for what stands in
it: so all pages share the file. Nobody who isn't logged in gets it; they see no emotions.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from flask import Blueprint, Flask, make_response, request, url_for
from werkzeug.wrappers import Response

from prompt_repo.errors import PromptRepoError
from prompt_repo.layout import ID
from prompt_repo.repository import PRODUCTION, STAGING
from webapp.access import Scope, access, caller
from webapp.formatting import STATIC, asset
from webapp.services import repository

blueprint = Blueprint("stylesheet", __name__)
SHEET = "app.css"
YEAR = 31_536_000  # seconds
COLOUR = re.compile(r"#[0-9a-f]{6}")
Hues = Mapping[str, str]
"""A colour for each emotion's id."""


def init_app(app: Flask) -> None:
    """Tells templates where the stylesheet is."""
    app.add_template_global(stylesheet)


@blueprint.get("/style.css")
@access(Scope.READ, always=True)
def whole() -> Response:
    """All that pages look like; kept for ever under an address that names its content."""
    digest, text = _sheet(_all_hues())
    response = make_response(text)
    response.mimetype = "text/css"
    kept = request.args.get("v") == digest
    response.headers["Cache-Control"] = (
        f"private, max-age={YEAR}, immutable" if kept else "no-cache"
    )
    return response


def stylesheet() -> str:
    """Where whoever asks finds the stylesheet of this page."""
    if not caller().may(Scope.READ):
        return asset(SHEET)
    return url_for("stylesheet.whole", v=_sheet(_all_hues())[0])


@lru_cache(maxsize=8)
def _sheet(hues: str) -> tuple[str, str]:
    """The sheet with these hues, and the digest that its address has."""
    text = _plain_sheet() + hues
    return hashlib.sha256(text.encode()).hexdigest()[:12], text


@cache
def _plain_sheet() -> str:
    """app.css as it is read from where the whole sheet stands, a folder higher."""
    return (STATIC / SHEET).read_text("utf-8").replace('url("', 'url("static/')


def _all_hues() -> str:
    """The rules of all hues."""
    staging, production = _hues(STAGING), _hues(PRODUCTION)
    own = {each: hue for each, hue in production.items() if staging.get(each) != hue}
    live = f"[data-environment={PRODUCTION}]"
    return "".join(
        [
            *_rules(staging, ".emotion-{0}"),
            *_rules(own, f"{live} .emotion-{{0}},{live}.emotion-{{0}}"),
        ]
    )


def _rules(hues: Hues, selector: str) -> Iterable[str]:
    """The hues as they are on a light ground, and lighter on a dark one."""
    for emotion, hue in hues.items():
        dark = f"color-mix(in oklab,{hue},white 30%)"
        yield f"{selector.format(emotion)}{{--hue:light-dark({hue},{dark})}}\n"


def _hues(environment: str) -> Hues:
    """An environment's hues; none where its list of emotions can't be read."""
    try:
        catalogue = repository().current(environment)
        emotions = catalogue.configuration.emotions
    except PromptRepoError:
        return {}
    known: Hues | None = catalogue.kept.get(_hues)
    if known is None:
        known = catalogue.kept[_hues] = {
            each.id: each.colour
            for each in emotions
            if ID.fullmatch(each.id) and COLOUR.fullmatch(each.colour)
        }
    return known
