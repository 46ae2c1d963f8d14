"""The application with three more ways to the same bytes: bare, plain Flask, and from Redis.

Told by the environment: PROMPT_REPO_* as ever, BENCHMARK_BODIES (a file with the bodies) and
BENCHMARK_REDIS (the address of a Redis, without which that way is not there).
"""

import os
import pickle
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import redis
from flask import Flask, Response

from webapp import create_app
from webapp.access import Scope, access, public

SECONDS_TO_LIVE = 300
JSON = "application/json"


def make() -> Callable[..., Iterable[bytes]]:
    """A WSGI application: ours, and one without anything of ours under /plain/."""
    bodies = pickle.loads(Path(os.environ["BENCHMARK_BODIES"]).read_bytes())  # noqa: S301 - ours
    ours, plain = create_app(), Flask("plain")

    def bare(number: int) -> Response:
        return Response(bodies[number], content_type=JSON)

    plain.add_url_rule("/plain/<int:number>", view_func=bare)
    ours.add_url_rule("/bare/<int:number>", view_func=public(bare))
    if address := os.environ.get("BENCHMARK_REDIS"):
        view = access(Scope.READ)(_cached(redis.Redis.from_url(address), bodies))
        ours.add_url_rule("/api/v1/cached/<environment>/<int:number>", view_func=view)

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        app = plain if environ["PATH_INFO"].startswith("/plain/") else ours
        return app(environ, start)

    return application


def _cached(cache: "redis.Redis", bodies: list[bytes]) -> Callable[..., Response]:
    """The whole body out of Redis, put there with a time to live where it is missing."""

    def cached(environment: str, number: int) -> Response:
        key = f"prompt:{environment}:{number}"
        body = cache.get(key)
        if body is None:
            body = bodies[number]
            cache.set(key, body, ex=SECONDS_TO_LIVE)
        return Response(body, content_type=JSON)

    return cached
