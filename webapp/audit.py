"""The audit log: who did what, when, from where, and whether it was allowed.

Every request that may change something is entered by itself, and every refusal of somebody who
is known. A view adds what only it knows by `describe(subject=…, commit=…)`, and enters what is
no request of its own by `note`.
"""

import re
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import Flask, g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from webapp.access import NOBODY, SAFE, Caller
from webapp.records import Records
from webapp.records.models import AuditEntry
from webapp.security import request_id
from webapp.services import records

log = structlog.get_logger(__name__)
LONGEST = 2000  # characters of a subject or of one value of the detail
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def init_app(app: Flask) -> None:
    """Enters requests as they are answered."""
    app.after_request(_after)


def describe(subject: str = "", **detail: Any) -> None:
    """Says what this request was about, for its entry."""
    if subject:
        g.audit_subject = subject
    g.audit_detail = {**g.get("audit_detail", {}), **detail}


def leave_out() -> None:
    """Keeps this request, which changes nothing though its method might, out of the log."""
    g.audit_noted = True


def note(
    action: str, subject: str, *, outcome: str = "done", actor: str = "", **detail: Any
) -> None:
    """Enters something about this request in its own words, instead of the entry by itself."""
    g.audit_noted = True
    _enter(action, subject, outcome, 0, actor, detail)


def hurry() -> None:
    """Lets this request's entry not wait for the disk, as what it is about doesn't either."""
    g.audit_lasting = False


def write(records: Records, entry: AuditEntry, *, lasting: bool = True) -> None:
    """Appends an entry; what is too long is cut."""
    entry.subject = cleaned(entry.subject[:LONGEST])
    columns = (column.key for column in AuditEntry.__table__.columns if not column.primary_key)
    records.append(AuditEntry, {key: getattr(entry, key) for key in columns}, lasting=lasting)


def from_command_line(records: Records, action: str, subject: str, **detail: Any) -> None:
    """Enters what was done on the server's own command line."""
    write(
        records,
        AuditEntry(
            at=datetime.now(UTC),
            actor="command line",
            action=action,
            subject=subject,
            outcome="done",
            status=0,
            address="",
            request_id="",
            detail=detail,
        ),
    )


def from_background(
    records: Records, actor: str, action: str, subject: str, outcome: str, **detail: Any
) -> None:
    """Enters what the server did by itself."""
    write(
        records,
        AuditEntry(
            at=datetime.now(UTC),
            actor=actor,
            action=action,
            subject=subject,
            outcome=outcome,
            status=0,
            address="",
            request_id="",
            detail={key: _short(value) for key, value in detail.items()},
        ),
    )


def _after(response: Response) -> Response:
    status = response.status_code
    if (request.method not in SAFE or status in (401, 403)) and not g.get("audit_noted"):
        who: Caller = g.get("caller", NOBODY)
        if who is not NOBODY and request.endpoint:
            outcome = "refused" if status in (401, 403, 429) else "failed"
            _enter(
                request.endpoint,
                g.get("audit_subject", request.path),
                "done" if status < 400 else outcome,
                status,
                "",
                {"method": request.method, **g.get("audit_detail", {})},
            )
    return response


def _enter(
    action: str, subject: str, outcome: str, status: int, actor: str, detail: dict[str, Any]
) -> None:
    who: Caller = g.get("caller", NOBODY)
    entry = AuditEntry(
        at=datetime.now(UTC),
        actor=cleaned((actor or who.actor)[:80]),
        action=action[:80],
        subject=subject,
        outcome=outcome,
        status=status,
        address=(request.remote_addr or "")[:64],
        request_id=request_id(),
        detail={key: _short(value) for key, value in detail.items()},
    )
    try:
        write(records(), entry, lasting=g.get("audit_lasting", True))
    except SQLAlchemyError:
        # What was done is done, and an answer that says otherwise would make people do it again.
        log.exception(
            "audit entry not stored",
            action=action,
            subject=subject,
            outcome=outcome,
            actor=entry.actor,
            address=entry.address,
        )


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return cleaned(value[:LONGEST])
    if isinstance(value, dict):
        return {_short(key): _short(each) for key, each in value.items()}
    return [_short(each) for each in value] if isinstance(value, (list, tuple)) else value


def cleaned(text: str) -> str:
    """Without what a terminal would obey, or PostgreSQL can't store: shown as its code instead."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
