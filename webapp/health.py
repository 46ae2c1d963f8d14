"""Whether the program lives, whether each part of it answers, and its counters."""

import time
from collections.abc import Callable

import structlog
from flask import Blueprint, Flask, Response, current_app, jsonify, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response as AnyResponse

from prompt_repo.documents import parse
from prompt_repo.errors import InvalidDocument, PromptRepoError
from prompt_repo.layout import CONFIGURATION
from prompt_repo.repository import PRODUCTION, STAGING
from webapp.access import public
from webapp.config import Settings
from webapp.security import BEGAN, is_within
from webapp.services import repository, services, settings

blueprint = Blueprint("health", __name__)
log = structlog.get_logger(__name__)
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Counters:
    """One application's counts of requests; several processes' add up in their folder."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter(
            "prompt_repo_requests", "Requests answered", labels, registry=self.registry
        )
        self._seconds = Histogram(
            "prompt_repo_request_seconds",
            "Seconds until the answer",
            ("route",),
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Takes note of one answer."""
        key = method, route, status
        if key not in self._known:
            counter = self._requests.labels(method, route, str(status))
            self._known[key] = counter, self._seconds.labels(route)
        counter, histogram = self._known[key]
        counter.inc()
        histogram.observe(seconds)


def init_app(app: Flask, settings: Settings) -> None:
    """Counts every answer, by route rather than by address so that the counts stay few."""
    counters = app.extensions["counters"] = Counters()
    app.register_blueprint(blueprint)

    @app.after_request
    def count(response: AnyResponse) -> AnyResponse:
        rule = request.url_rule
        route, method = (rule.rule, request.method) if rule else ("none", "none")
        seconds = time.perf_counter() - request.environ[BEGAN]
        counters.count(method, route, response.status_code, seconds)
        return response


@blueprint.get("/healthz")
@public
def alive() -> Response:
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    parts = {"repository": _state(_repository), "records": _state(services().records.check)}
    if services().redis is not None:
        parts["redis"] = _state(_redis)
    well = all(state == "ok" for state in parts.values())
    settings = {branch: _settings_of(branch) for branch in (STAGING, PRODUCTION)}
    # A branch that somebody broke stays 200: every other machine holds the same, and the pages to
    # mend it, the other environment and Git must not go away with it.
    state = "failing" if not well else "ok" if {*settings.values()} == {"ok"} else "degraded"
    return jsonify(status=state, parts=parts, settings=settings), 200 if well else 503


@blueprint.get("/metrics")
@public
def metrics() -> Response:
    if not is_within(request.remote_addr or "", settings().metrics_networks):
        raise Forbidden("counters are read from inside the network alone")
    registry: CollectorRegistry = _registry()
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    folder = settings().metrics_folder
    if folder is None:
        counters: Counters = current_app.extensions["counters"]
        return counters.registry
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return registry


def _state(check: Callable[[], object]) -> str:
    try:
        check()
    except (PromptRepoError, SQLAlchemyError, RedisError, OSError) as error:
        log.warning("a part is failing", exc_info=error)
        return "failing"
    return "ok"


def _repository() -> None:
    for branch in (STAGING, PRODUCTION):
        repository().head(branch)


def _settings_of(branch: str) -> str:
    """Whether a branch's `prompts.yaml` can be read; without it nothing there can."""
    store = repository().store
    try:
        head = store.head(branch)
        raw = store.read(head, CONFIGURATION) if head is not None else None
        if raw is None:
            return "missing"
        parse(raw, CONFIGURATION)
    except InvalidDocument as invalid:
        log.warning("an environment's settings are broken", branch=branch, said=str(invalid))
        return "broken"
    except (PromptRepoError, OSError):
        return "unknown"  # the part that fails says so
    return "ok"


def _redis() -> None:
    found = services().redis
    if found is not None:
        found.ping()
