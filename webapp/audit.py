"""The audit log: who did what, when, from where, and whether it was allowed.

Every request that may change something is entered by itself, and every refusal of somebody who
is known. What it wrote to Git is told by `committed`, wherever that was. A view adds what only it
knows by `describe(subject=…, before=…)`, and enters what is no request of its own by `note`.
"""

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import Flask, current_app, g, has_request_context, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from prompt_repo.errors import InvalidId
from prompt_repo.layout import ENVIRONMENTS, prompt_key
from prompt_repo.model import Commit
from webapp import audit_entries, audit_log
from webapp.access import NOBODY, SAFE, Caller
from webapp.records import Records
from webapp.records.asking import Driver
from webapp.records.models import AuditEntry
from webapp.security import request_id
from webapp.services import records

log = structlog.get_logger(__name__)
MINUTE, GUESSES, ADDRESSES = 60.0, 20, 1_000
REFUSALS = (401, 403, 429)


def init_app(app: Flask) -> None:
    """Enters requests as they are answered."""
    app.extensions["bad_keys"] = BadKeys()
    app.after_request(_after)


def describe(subject: str = "", **detail: Any) -> None:
    """Says what this request was about, for its entry; a `path` and a `commit` are found by."""
    if subject:
        g.audit_subject = subject
    g.audit_detail = {**g.get("audit_detail", {}), **detail}


def committed(branch: str, commit: Commit) -> None:
    """Says what this request wrote to Git; that lasts, so its entry needn't wait for the disk.

    What a power cut takes of such entries, `audit_catching_up` enters again from Git.
    """
    facts = {"branch": branch, **audit_entries.changes_of(commit)}
    g.audit_commits = [*g.get("audit_commits", []), facts]
    g.audit_detail = g.get("audit_detail", {}) | facts
    hurry()


def failed(why: str, *, refused: bool = False) -> None:
    """Says that what was asked for was not done, though the answer is a page like any other."""
    g.audit_failed = "refused" if refused else "failed", why


def enter_reading(subject: str, **detail: Any) -> None:
    """Has this request entered though it only reads, where what it reads leaves the house."""
    g.audit_reading = True
    describe(subject, **detail)


def leave_out() -> None:
    """Keeps this request, which changes nothing though its method might, out of the log."""
    g.audit_noted = True


def note(
    action: str, subject: str, *, outcome: str = "done", actor: str = "", **detail: Any
) -> None:
    """Enters something about this request in its own words, instead of the entry by itself."""
    g.audit_noted = True
    _enter(action, subject, outcome, 0, actor, detail)


def note_within(driver: Driver, subject: str, **detail: Any) -> None:
    """Enters this request in the transaction of what it asks for: both are there, or neither.

    What a view says by `describe` comes too late for it; where the request fails afterwards,
    `enter_failure` has that entered as well.
    """
    g.audit_noted = True
    values = _values(request.endpoint or "", subject, "done", 0, "", {**_known(), **detail})
    audit_log.append_within(driver, values)


def enter_failure(subject: str) -> None:
    """Has this request entered by its answer, though it was noted before."""
    g.audit_noted = False
    describe(subject)


def hurry() -> None:
    """Lets this request's entry not wait for the disk, as what it is about doesn't either."""
    g.audit_lasting = False


def from_background(
    records: Records, actor: str, action: str, subject: str, outcome: str, **detail: Any
) -> None:
    """Enters what the server did by itself."""
    audit_entries.write(records, unasked(actor, action, subject, outcome, **detail))


def unasked(actor: str, action: str, subject: str, outcome: str, **detail: Any) -> AuditEntry:
    """An entry of what the server does by itself, at home or within somebody's request."""
    entry = audit_entries.by_itself(actor, action, subject, outcome, **detail)
    if has_request_context():
        entry.address, entry.request_id = (request.remote_addr or "")[:64], request_id()
    return entry


def _after(response: Response) -> Response:
    status = response.status_code
    refused = status in (401, 403)
    wanted = request.method not in SAFE or refused or (g.get("audit_reading") and status == 200)
    if wanted and (refused or not g.get("audit_noted")):
        who: Caller = g.get("caller", NOBODY)
        if request.endpoint and (who is not NOBODY or _tried()):
            _enter_request(request.endpoint, status)
    return response


def _enter_request(endpoint: str, status: int) -> None:
    """One entry, and one more for each further commit, as a decided promotion makes two."""
    outcome = "done" if status < 400 else "refused" if status in REFUSALS else "failed"
    why = {"why": g.audit_why} if status >= 400 and "audit_why" in g else {}
    if "audit_failed" in g and "audit_why" not in g:
        outcome, told = g.audit_failed
        why = {"why": told}
    known = _known()
    detail = {**known, **g.get("audit_detail", {}), **why}
    commit = detail.get("commit")
    _enter(endpoint, _subject(), outcome, status, "", detail)
    for facts in g.get("audit_commits", []):
        if facts["commit"] != commit:
            _enter(endpoint, facts["branch"], outcome, status, "", {**known, **facts})


def _known() -> dict[str, Any]:
    return {"method": request.method, **_place()}


def _tried() -> bool:
    """Whether somebody unknown sent a key that is no good, and not too often of late."""
    if not g.get("audit_bad_key"):
        return False
    hurry()
    bad_keys: BadKeys = current_app.extensions["bad_keys"]
    return bad_keys.count(request.remote_addr or "")


class BadKeys:
    """Bad keys in this minute, by address: more than GUESSES are only in the program's log."""

    def __init__(self) -> None:
        self._since, self._counts = 0.0, dict[str, int]()

    def count(self, address: str) -> bool:
        """Takes note of one; whether it is to be entered."""
        now = time.monotonic()
        if now - self._since > MINUTE:
            self._since, self._counts = now, {}
        self._counts[address] = self._counts.get(address, 0) + 1
        return self._counts[address] <= GUESSES and len(self._counts) <= ADDRESSES


def _place() -> dict[str, Any]:
    """What the address of this request names: an environment, the file of a prompt."""
    named = request.view_args or {}
    found = {}
    environment = named.get("env") or named.get("environment")
    if environment in ENVIRONMENTS:
        found["environment"] = environment
    if "emotion" in named:
        with suppress(InvalidId):
            found["path"] = prompt_key(named.get("character"), named["emotion"]).path
    return found


def _subject() -> str:
    """What the view said, else the one file that was written or meant, else the address."""
    told: str = g.get("audit_subject", "") or g.get("audit_detail", {}).get("path", "")
    named = request.view_args or {}
    return told or str(_place().get("path") or named.get("name") or request.path)


def _enter(
    action: str, subject: str, outcome: str, status: int, actor: str, detail: dict[str, Any]
) -> None:
    values = _values(action, subject, outcome, status, actor, detail)
    try:
        audit_log.append(records(), values, lasting=g.get("audit_lasting", True))
    except SQLAlchemyError:
        # What was done is done, and an answer that says otherwise would make people do it again.
        log.exception(
            "audit entry not stored",
            action=action,
            subject=subject,
            outcome=outcome,
            actor=values["actor"],
            address=values["address"],
        )


def _values(
    action: str, subject: str, outcome: str, status: int, actor: str, detail: dict[str, Any]
) -> dict[str, Any]:
    """The columns of an entry about this request."""
    who: Caller = g.get("caller", NOBODY)
    path, commit = audit_entries.taken(detail)
    return {
        "at": datetime.now(UTC),
        "actor": audit_entries.cleaned((actor or who.actor)[:80]),
        "action": action[:80],
        "subject": audit_entries.cleaned(subject[: audit_entries.LONGEST]),
        "path": path,
        "commit": commit,
        "outcome": outcome,
        "status": status,
        "address": (request.remote_addr or "")[:64],
        "request_id": request_id(),
        "detail": {key: audit_entries.short(value) for key, value in detail.items()},
    }
