"""Resolved prompts answered before Flask sees the request, the same to the byte and quicker.

A service reads the same prompts again and again. The first read of one goes the whole way and
leaves its answer with the catalogue it was made of; this finds it there. Whatever is out of the
ordinary (another Accept, a query, a token that is no good, a prompt not read yet) goes the whole
way, which alone decides what is refused and how.
"""

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask
from werkzeug.http import parse_etags
from werkzeug.sansio.utils import host_is_trusted

from prompt_repo.catalogue import Catalogue
from prompt_repo.errors import PromptRepoError
from prompt_repo.repository import PRODUCTION, STAGING
from webapp import log
from webapp.access import Caller, Scope
from webapp.api.answering import ASK_AGAIN, COMMIT
from webapp.config import Settings
from webapp.health import Counters
from webapp.security import BEGAN
from webapp.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ENDPOINT = "api.resolved"
START, END = "/api/v1/environments/", "/resolved"
ENVIRONMENTS = frozenset({STAGING, PRODUCTION})
JSON = "application/json"
LINES = {200: "200 OK", 304: "304 NOT MODIFIED"}


class Kept(NamedTuple):
    """An answer as it was made the whole way."""

    body: bytes
    etag: str
    fell_back_to: str


def init_app(app: Flask, settings: Settings) -> None:
    """Puts the fast path before the application; what every answer gets comes around it."""
    app.wsgi_app = FastPath(app, app.wsgi_app, settings)  # type: ignore[method-assign]


def kept(catalogue: Catalogue, character: str, emotion: str) -> Kept | None:
    """The JSON answer left with a catalogue."""
    found: Kept | None = catalogue.kept.get((Kept, character, emotion))
    return found


def keep(catalogue: Catalogue, character: str, emotion: str, answer: Kept) -> Kept:
    """Leaves a JSON answer with its catalogue, for the next one who asks."""
    catalogue.kept[Kept, character, emotion] = answer
    return answer


class FastPath:
    """Answers what it finds kept, and hands on everything else."""

    def __init__(self, app: Flask, whole: "WSGIApplication", settings: Settings) -> None:
        self._whole = whole
        self._services: Services = app.extensions["services"]
        self._counters: Counters = app.extensions["counters"]
        self._log_all = settings.access_log == "all"
        self._trusts = _trust(tuple(settings.hosts))
        self._route = next(app.url_map.iter_rules(ENDPOINT)).rule

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serves one request."""
        path: str = environ["PATH_INFO"]
        if not (path.endswith(END) and path.startswith(START) and self._ordinary(environ)):
            return self._whole(environ, start_response)
        try:
            found = self._find(path, environ["HTTP_AUTHORIZATION"])
        except PromptRepoError:  # the whole way meets it again, and says it as it should be said
            found = None
        if found is None:
            return self._whole(environ, start_response)
        return self._answer(environ, start_response, *found)

    def _ordinary(self, environ: "WSGIEnvironment") -> bool:
        return (
            environ["REQUEST_METHOD"] == "GET"
            and not environ.get("QUERY_STRING")
            and not environ.get("SCRIPT_NAME")
            and environ.get("HTTP_AUTHORIZATION", "").startswith("Bearer ")
            and "text/plain" not in environ.get("HTTP_ACCEPT", "")
            and "HTTP_IF_MATCH" not in environ
            and self._trusts(environ.get("HTTP_HOST", ""))
        )

    def _find(self, path: str, authorization: str) -> tuple[Catalogue, Kept, Caller] | None:
        parts = path.split("/")  # "", api, v1, environments, E, characters, C, …, M, resolved
        if len(parts) != 10 or parts[5] != "characters" or parts[7] != "emotional-prompts":
            return None
        environment = parts[4]
        caller = self._services.tokens.caller(authorization[7:].strip())
        if environment not in ENVIRONMENTS or caller is None or not caller.may(Scope.READ):
            return None
        if caller.environments is not None and environment not in caller.environments:
            return None
        catalogue = self._services.repository.get().current(environment)
        found = kept(catalogue, parts[6], parts[8])
        return (catalogue, found, caller) if found is not None else None

    def _answer(
        self,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        catalogue: Catalogue,
        found: Kept,
        caller: Caller,
    ) -> Iterable[bytes]:
        status, body = 200, [found.body]
        headers = [
            ("Vary", "Accept"),
            (COMMIT, catalogue.commit),
            ("Cache-Control", ASK_AGAIN),
            ("ETag", f'"{found.etag}"'),
        ]
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known is not None and parse_etags(known).contains_weak(found.etag):
            status, body = 304, []
        else:
            headers += [("Content-Type", JSON), ("Content-Length", str(len(found.body)))]
        start_response(LINES[status], headers)
        self._counters.count("GET", self._route, status, time.perf_counter() - environ[BEGAN])
        if self._log_all or found.fell_back_to:
            remarks = {"fell_back_to": found.fell_back_to} if found.fell_back_to else {}
            log.write(environ, status, caller.actor, remarks)
        return body


def _trust(hosts: tuple[str, ...]) -> Any:
    if not hosts:
        return lambda _host: True

    @lru_cache(maxsize=64)
    def trusts(host: str) -> bool:
        return bool(host) and host_is_trusted(host, hosts)

    return trusts
