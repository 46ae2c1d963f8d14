"""What `./run` keeps going beside the web server: the bundled Valkey, and a worker."""

import dataclasses
import sys
import time
from pathlib import Path

from webapp import valkey
from webapp.config import Settings, environment_of
from webapp.processes import Child

AGAIN = 2.0  # seconds between two tries to start one that ended


class Backstage:
    """Both, started again where they end; with a Redis of the settings' own, the worker alone."""

    def __init__(self, settings: Settings, logs: Path) -> None:
        self._settings, self._logs = settings, logs
        self._bundled = not settings.redis_url
        self._valkey: Child | None = None
        self._worker: Child | None = None
        self._not_before = 0.0

    def begin(self) -> Settings:
        """Starts them; gives the settings with the address of Redis. Raises ValkeyError."""
        if self._bundled:
            url = valkey.url_of(self._settings.data)
            self._settings = dataclasses.replace(self._settings, redis_url=url)
            self._valkey = valkey.start(self._settings.data, self._logs)
        self._start_worker()
        return self._settings

    def tend(self) -> None:
        """Starts again what ended by itself; its jobs are where they were."""
        if time.monotonic() < self._not_before:
            return
        if self._valkey is not None and self._valkey.ended() is not None:
            self._not_before = time.monotonic() + AGAIN
            self._valkey = valkey.start(self._settings.data, self._logs)
        if self._worker is not None and self._worker.ended() is not None:
            self._not_before = time.monotonic() + AGAIN
            self._start_worker()

    def end(self) -> None:
        """Stops the worker, then Valkey, which the worker needs until its end."""
        for child in (self._worker, self._valkey):
            if child is not None:
                child.stop()

    def _start_worker(self) -> None:
        processes = str(self._settings.job_workers)
        self._worker = Child(
            [sys.executable, "-m", "webapp.cli", "worker", "--processes", processes],
            environment_of(self._settings),
            self._logs / "worker.log",
        )
