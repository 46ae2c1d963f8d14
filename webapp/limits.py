"""How often one may try: counted in Redis where there is one, else in memory."""

import ipaddress
import secrets
import time
from contextlib import suppress
from typing import Any

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter
from itsdangerous import BadSignature, URLSafeSerializer
from limits import parse_many
from redis.exceptions import RedisError
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from webapp import people
from webapp.access import caller
from webapp.config import Settings

LIMITED, LIMITED_TOO = "auth.check_password", "auth.change_password"
KNOWN, YEAR = "known_browser", 31_536_000  # a cookie, and its life in seconds


def init_app(app: Flask, settings: Settings) -> None:
    """Bounds the views below; counts in memory while Redis is away."""
    limiter = Limiter(
        _address,
        storage_uri=_storage(settings.redis_url),
        storage_options={"socket_connect_timeout": 1, "socket_timeout": 1}
        if settings.redis_url
        else {},
        in_memory_fallback_enabled=bool(settings.redis_url),
        key_prefix="prompt-repo",
    )
    limiter.init_app(app)
    # Flask-Limiter looks at every request and answer; here only at those of logging in, so that
    # reads of the API don't pay for it. What it empties at the end goes with the request anyway.
    app.before_request_funcs[None].remove(limiter._check_request_limit)
    app.teardown_request_funcs[None].clear()
    ours = app.after_request_funcs[None].pop()
    app.after_request_funcs.setdefault("auth", []).append(ours)
    app.extensions["limits"] = limiter
    by_address = limiter.limit(settings.login_limit, deduct_when=_failed)
    by_name = limiter.limit(
        settings.login_limit_per_name, key_func=_address_and_name, deduct_when=_failed
    )
    by_account = limiter.limit(
        settings.login_limit_per_account, key_func=_account, deduct_when=_failed
    )
    views: dict[str, Any] = app.view_functions
    views[LIMITED] = by_account(by_name(by_address(views[LIMITED])))
    by_caller = limiter.limit(settings.login_limit_per_name, key_func=_caller, deduct_when=_failed)
    views[LIMITED_TOO] = by_caller(views[LIMITED_TOO])


class Guesses:
    """Tokens that were no good, by address: counted where no view is reached any more."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app, self._limits = app, parse_many(settings.login_limit)

    def require_few(self) -> None:
        """Raises TooManyRequests for an address that has tried too often."""
        counter = self._app.extensions["limits"].limiter
        for limit in self._limits:
            with suppress(RedisError):  # better some guesses more than nobody let in
                if not counter.test(limit, "guesses", _address()):
                    at, _ = counter.get_window_stats(limit, "guesses", _address())
                    raise TooManyRequests(
                        "too many tokens that are no good came from your address; wait a little",
                        retry_after=max(1, int(at - time.time()) + 1),
                    )

    def count(self) -> None:
        """Takes note of one."""
        for limit in self._limits:
            with suppress(RedisError):
                self._app.extensions["limits"].limiter.hit(limit, "guesses", _address())


def seconds_left() -> int:
    """When one who was just refused for trying too often may try again, in seconds from now."""
    limit = current_app.extensions["limits"].current_limit
    return max(1, int(limit.reset_at - time.time()) + 1) if limit is not None else 1


def _storage(redis_url: str) -> str:
    if redis_url.startswith("unix:"):  # as redis-py calls a socket
        return f"redis+{redis_url}"
    return redis_url or "memory://"


def _failed(response: Response) -> bool:
    return response.status_code >= 400


def remember_browser(response: AnyResponse, name: str) -> None:
    """Marks a browser in which somebody logged in, for `_account`."""
    response.set_cookie(
        KNOWN,
        _signer().dumps([name, secrets.token_hex(8)]),
        max_age=YEAR,
        path=request.path,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def _address() -> str:
    """Where a request comes from; of IPv6 the network, for everybody has 2**64 addresses there."""
    try:
        found = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if found.version == 4 or found.ipv4_mapped:
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _name() -> str:
    return people.normal(request.form.get("name", ""))[:64]


def _address_and_name() -> str:
    return f"{_address()} {_name()}"


def _account() -> str:
    """An account from everywhere; a browser its owner used before counts for itself.

    So guessing from many addresses is bounded, and doesn't lock the owner out.
    """
    try:
        name, browser = _signer().loads(request.cookies.get(KNOWN, ""))
    except (BadSignature, ValueError):
        name, browser = "", ""
    return f"{_name()} {browser if name == _name() else ''}"


def _caller() -> str:
    return f"own password of {caller().actor}"


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="known browser")
