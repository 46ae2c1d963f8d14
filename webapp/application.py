"""The application put together: a table of contents."""

import re
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import redis
from flask import Flask, Response
from flask.json.provider import DefaultJSONProvider
from werkzeug.datastructures import Headers
from werkzeug.urls import iri_to_uri

from webapp import (
    access,
    announcing,
    audit,
    auth,
    errors,
    folder,
    health,
    limits,
    log,
    protection,
    security,
    staging_access,
)
from webapp.api import fast_path
from webapp.blueprints import ALL
from webapp.config import Settings
from webapp.late_rules import LateRule
from webapp.records import Records
from webapp.services import LazyRepository, Services
from webapp.tokens import Endings, Tokens

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

WRITTEN_OUT = re.compile(r"[A-Za-z0-9/?#&=:.,_~%+-]*")
"""An address in which nothing is left to be escaped."""


class InOrder(DefaultJSONProvider):
    """JSON with its keys in the order of the documentation, not of the alphabet."""

    sort_keys = False


class Elsewhere(Response):
    """Sends browsers to another address, which is written out as it is to be sent."""

    def __init__(self, location: str, code: int) -> None:
        address = location if WRITTEN_OUT.fullmatch(location) else iri_to_uri(location)
        super().__init__(f"Go to {address}\n", code, {"Location": address}, "text/plain")

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """Those that are there: Werkzeug takes any address apart and puts it together again."""
        return self.headers


class Application(Flask):
    """Flask, spared from asking of every function at every request whether it is async."""

    json_provider_class = InOrder
    url_rule_class = LateRule

    def redirect(self, location: str, code: int = 302) -> Response:
        """The answer to a form that was taken, mostly."""
        return Elsewhere(location, code)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: none of ours is async."""
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """The whole application for these settings; without any, for those of the environment."""
    settings = settings or Settings.from_environment()
    folder.prepare(settings.data)
    app = Application("webapp")
    app.secret_key = settings.secret_key or folder.secret_key(settings.data)
    app.extensions["services"] = connect(settings)
    app.extensions["tokens"] = app.extensions["services"].tokens

    log.init_app(app, settings)
    health.init_app(app, settings)
    security.init_app(app, settings)
    audit.init_app(app)
    announcing.init_app(app)
    staging_access.init_app(app)
    app.before_request(access.check)
    auth.init_app(app)
    errors.init_app(app)
    for name in ALL:
        module = import_module(name)
        app.register_blueprint(module.blueprint)
        if hasattr(module, "init_app"):
            module.init_app(app)
    access.public(app.view_functions["static"])
    limits.init_app(app, settings)
    fast_path.init_app(app, settings)
    security.wrap(app, settings)
    return app


def connect(settings: Settings) -> Services:
    """Opens what the application stands on, its schema brought up to date."""
    records = Records(settings.records_address)
    records.migrate()
    return Services(
        settings=settings,
        records=records,
        tokens=Tokens(records, endings=Endings(settings.data)),
        repository=LazyRepository(
            settings.repository_path, announcing.written, protection.reviewed(settings)
        ),
        redis=redis.Redis.from_url(settings.redis_url, socket_timeout=5)
        if settings.redis_url
        else None,
    )
