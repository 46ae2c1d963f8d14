"""The pages of the browser: the matrix beside Jinja alone, a save beside its service, and bytes."""

import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask, render_template
from werkzeug.test import EnvironBuilder

from benchmarks.measuring import Row, Scale, interleaved, ratio
from benchmarks.repositories import Repositories, keys, text
from prompt_repo.editing import Edit, save
from prompt_repo.expectations import AtCommit
from prompt_repo.model import Author
from prompt_repo.repository import STAGING, Repository
from tests.web import Browser, person
from webapp import create_app
from webapp.access import Role
from webapp.config import Settings
from webapp.formatting import SOURCES, STATIC
from webapp.grid import Filters, Grid, grid

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

TITLE = "Pages of the browser"
MATRIX = f"/environments/{STAGING}/matrix"
HTMX = {"HX-Request": "true"}
KILOBYTE = 1_000
SAM = Author("Sam Byrne", "sam@studio.example")
ASSETS = (
    "app.css",
    "vendor/htmx/htmx.min.js",
    *(f"js/{each.name}" for each in STATIC.glob("js/*")),
)


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of time, and of compressed bytes to what they may be."""
    characters = scale.of(1_000, 120, 4)
    with _studio(repositories.with_prompts(characters * 12)) as studio:
        matrix = _matrix(studio, characters, scale)
    with _studio(repositories.with_prompts(1_200)) as studio:
        saved = _saves(studio, scale)
    return [*matrix, saved, _bytes("script and style", _of_assets(), 150)]


@dataclass(frozen=True)
class Studio:
    """The application, somebody logged in, and the repository beneath."""

    app: Flask
    admin: Browser
    repository: Repository


@contextmanager
def _studio(repository: Path) -> Iterator[Studio]:
    with tempfile.TemporaryDirectory() as name:
        app = create_app(Settings(data=Path(name), repository=repository))
        services: Any = app.extensions["services"]
        opened = services.repository.get()
        yield Studio(app, person(app, Role.ADMIN), opened)


def _matrix(studio: Studio, characters: int, scale: Scale) -> list[Row]:
    """All rows, page after page as one scrolls; then the first page alone, compressed."""
    pages = list(_grids(studio.repository))
    assert sum(len(each.rows) for each in pages) >= characters
    rows = []
    with _request_of(studio):
        for asked, what in ((pages[:1], "first page"), (pages, "page after page")):
            contestants = {
                "ours": partial(_asked, studio.admin, asked),
                "jinja": partial(_drawn, asked),
            }
            times = interleaved(contestants, scale.of(21, 7, 1))
            title = f"matrix of {characters:,} × 12, {what} ÷ Jinja from ready rows"
            rows.append(ratio(title, times, "ours", "jinja", at_most=1.5))
    sizes = [len(gzip.compress(each, 6)) for each in _asked(studio.admin, pages)]
    first, whole = sizes[0], sum(sizes)
    return [
        *rows,
        _bytes(f"matrix of {characters:,} × 12, first page", first, 300),
        _bytes(f"matrix of {characters:,} × 12, scrolled to its end", whole, 300),
    ]


def _grids(repository: Repository) -> Iterator[Grid]:
    after: str | None = ""
    while after is not None:
        found = grid(repository, STAGING, Filters(), after)
        yield found
        after = found.next_after


@contextmanager
def _request_of(studio: Studio) -> Iterator[None]:
    """What templates look at besides their rows: a request of somebody who is logged in."""
    name = studio.app.config["SESSION_COOKIE_NAME"]
    cookie = studio.admin.client.get_cookie(name)
    assert cookie is not None
    headers = {"Cookie": f"{name}={cookie.value}"}
    with studio.app.test_request_context(MATRIX, headers=headers):
        assert studio.app.preprocess_request() is None
        yield


def _drawn(pages: list[Grid]) -> None:
    """The same templates on rows that are there already."""
    for number, found in enumerate(pages):
        name = f"matrix/{'_rows' if number else 'index'}.html"
        render_template(name, grid=found, sources=SOURCES)


def _asked(admin: Browser, pages: list[Grid]) -> list[bytes]:
    """The pages over HTTP: the first whole, then the rows that follow."""
    bodies, after = [], ""
    for found in pages:
        address = f"{MATRIX}?after={after}" if after else MATRIX
        answer = admin.get(address, headers=HTMX if after else {})
        assert answer.status_code == 200
        bodies.append(answer.data)
        after = found.next_after or ""
    return bodies


def _saves(studio: Studio, scale: Scale) -> Row:
    """One prompt saved from the editor, and by the function that the editor calls.

    The form comes as a server hands it over: to make and to send it is the browser's work.
    """
    key, number = keys(1_200)[7], count()
    address = f"/environments/{STAGING}/characters/{key.character}/{key.emotion}"
    fields = {"action": "save", "reason": "Louder", "notes": "", "tags": ""}
    fields["csrf_token"] = studio.admin.csrf()
    name = studio.app.config["SESSION_COOKIE_NAME"]
    cookie = studio.admin.client.get_cookie(name)
    assert cookie is not None
    request = EnvironBuilder(
        address, method="POST", data=fields, headers={"Cookie": f"{name}={cookie.value}"}
    ).get_environ()

    sent: list[WSGIEnvironment] = []
    wanted: list[Edit] = []

    def before() -> None:
        base = studio.repository.head(STAGING)
        body = urlencode({**fields, "text": text(next(number)), "base": base}).encode()
        ready = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        sent[:] = [{**request, **ready}]
        wanted[:] = [Edit(key, text(next(number)), "", (), AtCommit(base))]

    def by_form() -> None:
        said: list[str] = []
        answer = studio.app(sent[0], lambda status, _headers, *_: said.append(status))
        assert b"".join(answer)
        assert said[0].startswith("303"), said

    def by_service() -> None:
        assert save(studio.repository, STAGING, wanted, SAM, "Louder").commit is not None

    contestants = {"form": by_form, "service": by_service}
    interleaved(contestants, 1, before)
    times = interleaved(contestants, scale.of(101, 31, 1), before)
    return ratio("a save's answer ÷ the service call", times, "form", "service", at_most=1.3)


def _of_assets() -> int:
    return sum(len(gzip.compress((STATIC / name).read_bytes(), 6)) for name in ASSETS)


def _bytes(what: str, size: int, kilobytes: int) -> Row:
    """A size, as its ratio to what it may be."""
    part = size / (kilobytes * KILOBYTE)
    return Row(f"{what}, compressed ÷ {kilobytes} KB", part, part, part, at_most=1)
