"""How often one may try: counted in Redis where there is one, else in memory."""

import time
from typing import Any

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from webapp import people
from webapp.config import Settings

LIMITED = "auth.check_password"


def init_app(app: Flask, settings: Settings) -> None:
    """Bounds the views below; counts in memory while Redis is away."""
    limiter = Limiter(
        get_remote_address,
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
    app.after_request_funcs["auth"] = [app.after_request_funcs[None].pop()]
    app.extensions["limits"] = limiter
    by_address = limiter.limit(settings.login_limit, deduct_when=_failed)
    by_name = limiter.limit(
        settings.login_limit_per_name, key_func=_address_and_name, deduct_when=_failed
    )
    views: dict[str, Any] = app.view_functions
    views[LIMITED] = by_name(by_address(views[LIMITED]))


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


def _address_and_name() -> str:
    return f"{get_remote_address()} {people.normal(request.form.get('name', ''))[:64]}"
