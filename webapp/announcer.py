"""Tells of what nobody was told of: a thread that compares the branches with what was announced."""

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import structlog
from flask import Flask, g

from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.model import RefMove
from webapp import change_telling, unannounced
from webapp.access import Caller
from webapp.announcing import work_out
from webapp.movers import actor_of
from webapp.services import records, repository

log = structlog.get_logger(__name__)
LOOK = 5.0  # seconds between two looks at the branches


class Announcer:
    """Looks after branches that moved without a word."""

    def __init__(self, app: Flask, grace: timedelta = unannounced.GRACE) -> None:
        self._app, self._grace = app, grace
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        """Looks from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Ends when the look under way is over."""
        self._ended.set()
        self._thread.join()

    def look(self) -> int:
        """Tells of what nobody told of; gives how many moves that were."""
        with self._app.app_context():
            store, known = repository().store, unannounced.known(records())
            count = 0
            for branch in ENVIRONMENTS:
                head, since = store.head(branch), known.get(branch)
                if since is None and head is not None:
                    unannounced.begin(records(), branch, head)
                elif since is not None and head != since:
                    count += self._tell(branch, unannounced.missing(store, branch, since))
            return count

    def _tell(self, branch: str, moves: Iterable[RefMove]) -> int:
        count = 0
        for move in moves:
            if move.at > datetime.now(UTC) - self._grace:
                break
            g.caller = Caller(actor=actor_of(move))
            g.announced_late = move.at
            work_out(branch, move.old, move.new)
            change_telling.tell_merged(branch, move.old, move.new)
            if not unannounced.told(records(), branch, move.old, move.new):
                break  # another process is at it
            count += 1
        return count

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.look()
            except Exception:  # the records are away, say; the next look tries again
                log.exception("what nobody was told of can't be found out")
            self._ended.wait(LOOK)
