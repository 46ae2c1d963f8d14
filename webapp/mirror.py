"""The mirror at work: a thread in each process, and a lease so that one of them works at a time.

It wakes when a branch moves, when the mirror's webhook says so, and every so often by itself. What
moves a branch without a word, the command line or another process, it sees by looking at the refs.
"""

import hashlib
import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from flask import Flask, g
from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError

from prompt_repo.errors import PromptRepoError
from prompt_repo.git_remote import Remote
from prompt_repo.mirroring import Branch, Round, as_plain, exchange, from_plain
from prompt_repo.model import Author
from prompt_repo.receiving import Rights
from webapp import audit, events, git_http
from webapp.access import Caller
from webapp.config import Settings
from webapp.events import Event
from webapp.records import Records
from webapp.records.models import Mirror
from webapp.services import Services

log = structlog.get_logger(__name__)
EXTENSION, ACTOR = "mirror", "mirror"
WHO = Author("Mirror", "mirror@prompt-repo.invalid")
LEASE = timedelta(minutes=15)  # longer than a round can take; a process that dies holds it so long
LOOK = 5.0  # seconds between two looks at our own refs
AGAIN = 2.0  # seconds until one looks again whether another process is done
ONLY = 1  # the key of the one row


@dataclass(frozen=True)
class State:
    """How the mirror stands, as the last round left it."""

    shown: str
    working: bool
    done_at: datetime | None
    pushed_at: datetime | None
    taken_at: datetime | None
    error: str
    branches: tuple[Branch, ...]


class Mirroring:
    """One application's mirror; `wake` it, and it does a round soon."""

    def __init__(self, app: Flask, services: Services) -> None:
        self._app, self._services = app, services
        told: Settings = services.settings
        self._remote = Remote.at(told.mirror_url, told.mirror_user, told.mirror_secret)
        self._every = timedelta(seconds=told.mirror_seconds)
        self._secret = told.mirror_webhook_secret
        self._seen: Mapping[str, str] = {}
        self._wake = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        """Has a thread do the rounds, as long as the process lives or until `stop`."""
        threading.Thread(target=self._work, name="mirror", daemon=True).start()

    def stop(self) -> None:
        """Lets the thread end after its round."""
        self._ended.set()
        self._wake.set()

    def wake(self, *_: object) -> None:
        """Asks for a round soon; returns at once."""
        self._wake.set()

    def is_from_mirror(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether a webhook is signed as GitHub does, or carries GitLab's token."""
        if not self._secret:
            return False
        signature = "sha256=" + hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        given = headers.get("X-Hub-Signature-256", ""), headers.get("X-Gitlab-Token", "")
        wanted = signature, self._secret
        return any(
            hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
            for one, other in zip(given, wanted, strict=True)
        )

    def state(self) -> State:
        """How it stands."""
        now = datetime.now(UTC)
        with self._services.records.reading() as session:
            row = session.get(Mirror, ONLY)
        if row is None:
            return State(self._remote.shown, False, None, None, None, "", ())
        working = row.leased_until is not None and row.leased_until > now
        found = tuple(from_plain(row.branches))
        return State(
            self._remote.shown, working, row.done_at, row.pushed_at, row.taken_at, row.error, found
        )

    def round(self) -> bool:
        """Does a round now; False where another process is at one."""
        if not self._leased():
            return False
        done, error = Round(), ""
        try:
            with self._app.app_context():
                rights = Rights(writes=True, promotes=True, closed=git_http.closed_branches())
                done = exchange(self._services.repository.get(), self._remote, rights, WHO)
                self._tell(done)
        except PromptRepoError as failure:
            error = str(failure)
            log.warning("the mirror could not be reached, or refused", exc_info=failure)
        except Exception:
            error = "the round failed; the program's log has the reason"
            log.exception("a round of the mirror failed")
        self._write(done, error)
        return True

    def _work(self) -> None:
        while not self._ended.is_set():
            told = self._wake.wait(min(LOOK, self._every.total_seconds()))
            self._wake.clear()
            if self._ended.is_set():
                return
            try:
                if (told or self._has_moved() or self._is_due()) and not self.round():
                    self._ended.wait(AGAIN)  # another is at it, who may have begun before this
                    self._wake.set()
            except Exception:  # the records are away, say; the next turn tries again
                log.exception("the mirror could not begin a round")

    def _has_moved(self) -> bool:
        """Whether a branch here is elsewhere than at the last look."""
        before, self._seen = self._seen, self._services.repository.get().store.branches()
        return before != self._seen

    def _is_due(self) -> bool:
        done_at = self.state().done_at
        return done_at is None or done_at + self._every <= datetime.now(UTC)

    def _leased(self) -> bool:
        records, now = self._services.records, datetime.now(UTC)
        _ensure(records)
        free = or_(Mirror.leased_until.is_(None), Mirror.leased_until < now)
        with records.writing() as session:
            taken = session.execute(
                update(Mirror)
                .where(Mirror.id == ONLY, free)
                .values(leased_until=now + LEASE, began_at=now)
            )
            count: int = getattr(taken, "rowcount", 0)
            return count == 1

    def _write(self, done: Round, error: str) -> None:
        now = datetime.now(UTC)
        with self._services.records.writing() as session:
            row = session.get(Mirror, ONLY)
            if row is None:
                return
            row.leased_until, row.done_at, row.error = None, now, error
            if not error:
                row.branches = as_plain(done.branches)
            row.pushed_at = now if done.pushed else row.pushed_at
            row.taken_at = now if done.moves else row.taken_at

    def _tell(self, done: Round) -> None:
        g.caller = Caller(actor=ACTOR)
        for branch, old, new in done.moves:
            audit.from_background(
                self._services.records, ACTOR, "git.push", branch, "done", old=old, new=new
            )
            git_http.follow((branch, old, new))


def _ensure(records: Records) -> None:
    """Makes the one row where there is none."""
    with records.reading() as session:
        if session.get(Mirror, ONLY) is not None:
            return
    try:
        with records.writing() as session:
            session.add(Mirror(id=ONLY, error="", branches=[]))
    except IntegrityError:
        log.debug("another process made the mirror's row")


def init_app(app: Flask) -> None:
    """Starts the mirror where one is set."""
    services: Services = app.extensions["services"]
    if not services.settings.mirror_url:
        return
    mirroring = app.extensions[EXTENSION] = Mirroring(app, services)
    for event in (Event.BRANCH_MOVED, Event.PROMOTED, Event.ROLLED_BACK, Event.CHANGE_MERGED):
        events.listen(app, event, mirroring.wake)
    mirroring.start()
    mirroring.wake()  # what was done while nothing ran
