"""The program's log: a JSON object a line, on stderr or in a file."""

import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from flask import Flask, g, request
from werkzeug.wrappers import Response

from webapp import clock
from webapp.access import SAFE, Caller
from webapp.config import Settings
from webapp.security import BEGAN, REQUEST_ID

_json = json.JSONEncoder(default=repr).encode
_lines: list[structlog.WriteLogger] = []
"""What writes the lines of requests: one, once the log is configured."""
LARGEST = 20 * 1024 * 1024  # bytes of a log file before it is put aside at the next start


def configure(settings: Settings) -> None:
    """Sends this process's log where the settings say."""
    factory = structlog.WriteLoggerFactory(_stream(settings.log))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
    _lines[:] = [factory()]


def put_aside(path: Path) -> None:
    """Renames a log file that grew large, so that the next start begins a new one."""
    if path.exists() and path.stat().st_size > LARGEST:
        path.replace(path.with_suffix(".1" + path.suffix))


def init_app(app: Flask, settings: Settings) -> None:
    """Logs requests: all of them, or those that are more than a plain read that went well."""
    configure(settings)
    everything = settings.access_log == "all"

    @app.after_request
    def end(response: Response) -> Response:
        if everything or _notable(response):
            _write(response)
        return response


def remark(**fields: Any) -> None:
    """Adds to this request's line in the log, and makes sure that it has one."""
    g.remarks = {**g.get("remarks", {}), **fields}


def _notable(response: Response) -> bool:
    return response.status_code >= 400 or request.method not in SAFE or "remarks" in g


def write(environ: Mapping[str, Any], status: int, actor: str, remarks: Mapping[str, Any]) -> None:
    """Writes the line of one request, as the processors above would, in a third of their time."""
    line = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"].encode("latin-1").decode(errors="replace"),
        "status": status,
        "milliseconds": round((time.perf_counter() - environ[BEGAN]) * 1000, 2),
        "actor": actor,
        "address": environ.get("REMOTE_ADDR"),
        "request_id": environ[REQUEST_ID],
        **remarks,
        "event": "request",
        "level": "info",
        "timestamp": clock.plain(datetime.now(UTC)),
    }
    for logger in _lines:
        logger.msg(_json(line))


def _write(response: Response) -> None:
    who: Caller | None = g.get("caller")
    actor = who.actor if who else ""
    write(request.environ, response.status_code, actor, g.get("remarks", {}))


def _stream(where: str) -> Any:
    if where == "stderr":
        return sys.stderr
    path = Path(where)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Line-buffered and appending: lines of several processes stand whole beside each other.
    return path.open("a", buffering=1, encoding="utf-8", errors="backslashreplace")
