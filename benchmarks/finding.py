"""The list of characters and the search, among ten thousand beside among a hundred."""

import gc
import re
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from flask.testing import FlaskClient

from benchmarks.measuring import Row, Scale, interleaved, ratio
from benchmarks.repositories import EMOTIONS, Repositories
from webapp import create_app, people
from webapp.access import Role
from webapp.config import Settings

TITLE = "Characters and search in the browser, server time"
STAGING = "/environments/staging"
LAST = "LAST"  # stands for the number that one prompt alone has in its text
PAGES = {
    "characters, first page": f"{STAGING}/characters",
    "characters, a page further on": f"{STAGING}/characters?after=character-00001",
    "characters, filtered to one": f"{STAGING}/characters?q=character-00042",
    "characters, filtered to none": f"{STAGING}/characters?q=nobody",
    "search, a word of every prompt": f"{STAGING}/search?q=take",
    "search, a word of one prompt": f"{STAGING}/search?q=take+{LAST}",
    "search, nothing found": f"{STAGING}/search?q=unheard+of",
}
"""What is asked for; as many rows come of it among few as among many."""
TYPED = {
    "as one types, many found": f"{STAGING}/search?q=ta",
    "as one types, one": PAGES["search, a word of one prompt"],
}
"""What is asked for by htmx."""
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
HTMX = {"HX-Request": "true"}
TIMES = 3  # requests a round: one is short to time


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of time: each page among many characters by the same among few."""
    few, many = scale.of(100, 100, 50), scale.of(10_000, 2_000, 60)
    clients = {
        count: _client(repositories.with_prompts(count * len(EMOTIONS))) for count in (few, many)
    }
    for client in clients.values():  # the first ones load the catalogues
        _ask(client, PAGES["search, nothing found"], {})
    gc.collect()
    gc.freeze()  # the collection before each measure need not walk ten thousand characters
    rows = []
    for asked, headers in ((PAGES, {}), (TYPED, HTMX)):
        for what, path in asked.items():
            contestants = {
                str(count): partial(_ask, client, path.replace(LAST, _last(count)), headers)
                for count, client in clients.items()
            }
            interleaved(contestants, 1)
            times = interleaved(contestants, scale.of(21, 11, 1))
            name = f"{what}: {many:,} characters ÷ {few:,}"
            rows.append(ratio(name, times, str(many), str(few), at_most=2))
    gc.unfreeze()
    return rows


def _last(characters: int) -> str:
    return str(characters * len(EMOTIONS) - 1)


def _ask(client: FlaskClient, path: str, headers: Mapping[str, str]) -> None:
    for _ in range(TIMES):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, answer.status


def _client(repository: Path) -> FlaskClient:
    """A browser that is logged in to an application over this repository."""
    folder = repository.with_suffix(".data")
    folder.mkdir(exist_ok=True)
    app = create_app(Settings(data=folder, repository=repository, log=str(folder / "log")))
    name, password = f"p{secrets.token_hex(4)}", secrets.token_hex(8)
    people.add(app.extensions["services"].records, name, password, Role.ADMIN)
    client = app.test_client()
    found = CSRF.search(client.get("/login").text)
    assert found is not None
    form = {"csrf_token": found[1], "name": name, "password": password}
    assert client.post("/login", data=form).status_code == 302
    return client
