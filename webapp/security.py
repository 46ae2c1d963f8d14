"""Headers, cookies, request ids, and whose word about the client's address is taken."""

import ipaddress
import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, request

from webapp.arrivals import Arrivals
from webapp.config import Network, Settings
from webapp.sessions import COOKIE, Sessions

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    )
)
HEADERS = [
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
HTTPS_HEADERS = [*HEADERS, ("Strict-Transport-Security", "max-age=31536000")]
REQUEST_ID, BEGAN = "prompt_repo.request_id", "prompt_repo.began"
"""Where the WSGI environment keeps a request's id, and when it came in (perf_counter)."""
UNTOLD = "prompt_repo.untold"
"""Set where a trusted proxy does not tell whom it speaks for, so that the address is its own."""
GIVEN_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")


def init_app(app: Flask, settings: Settings) -> None:
    """Sets cookies' flags, and bounds what a request may be."""
    app.config.update(
        SESSION_COOKIE_NAME=COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=settings.max_body_bytes,
        TRUSTED_HOSTS=list(settings.hosts) or None,
    )
    app.session_interface = Sessions()


def wrap(app: Flask, settings: Settings) -> None:
    """Puts around the application what every request and answer passes; called last."""
    app.wsgi_app = Envelope(Arrivals(app.wsgi_app, settings))  # type: ignore[method-assign]
    if settings.trusted_proxies:
        app.wsgi_app = TrustedProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]


def request_id() -> str:
    """The id of this request, which its answer and its lines in the logs carry."""
    found: str = request.environ[REQUEST_ID]
    return found


class Envelope:
    """Gives each request its id, and each answer the headers that every one has.

    Not in Flask, where adding so many headers takes as long as reading a prompt.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serves one request."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        ident = given if given and GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        environ[REQUEST_ID], environ[BEGAN] = ident, time.perf_counter()
        usual = HTTPS_HEADERS if environ["wsgi.url_scheme"] == "https" else HEADERS

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            headers = [*headers, *usual, ("X-Request-ID", ident)]
            if not any(name == "Cache-Control" for name, _ in headers):
                headers.append(("Cache-Control", "private, no-cache"))
            return start_response(status, headers, exc_info)

        return self._app(environ, start)


class TrustedProxies:
    """Takes the client's address and scheme from proxies in `networks`, and no one else.

    Not its host: many proxies pass a client's own X-Forwarded-Host on. They pass `Host` on, too.
    """

    def __init__(self, app: "WSGIApplication", networks: Sequence[Network]) -> None:
        self._app, self._networks = app, networks

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serves one request."""
        if self._trusts(environ.get("REMOTE_ADDR", "")):
            self._believe(environ)
        else:
            for name in ("FOR", "PROTO"):
                environ.pop(f"HTTP_X_FORWARDED_{name}", None)
        return self._app(environ, start_response)

    def _believe(self, environ: "WSGIEnvironment") -> None:
        said = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        environ[UNTOLD] = True
        for address in (part.strip() for part in reversed(said)):
            if not _is_address(address):
                break
            environ["REMOTE_ADDR"], environ[UNTOLD] = address, False
            if not self._trusts(address):
                break
        scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme

    def _trusts(self, address: str) -> bool:
        return is_within(address, self._networks)


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of some networks; what is no address does not."""
    if not _is_address(address):
        return False
    found = ipaddress.ip_address(address)
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
