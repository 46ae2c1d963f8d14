"""What an entry of the audit log is made of, and those that no request asks for."""

import getpass
import os
import platform
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from prompt_repo.model import Commit, FileChange
from webapp import audit_log
from webapp.audit_log import Link
from webapp.records import Records
from webapp.records.models import AuditEntry

LONGEST = 2000  # characters of a subject or of one value of the detail
WROTE = "reason"
"""Stands in the detail of an entry that wrote its commit; others only name one."""
SINCE = "since"
"""Stands in that of an entry that wrote several: all that the branch got behind this commit."""
NAMED = 50  # files that one entry names; of more the number is told
COLUMNS = tuple(
    column.key
    for column in AuditEntry.__table__.columns
    if column.key not in ("id", "previous_hash", "hash")
)
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def changes_of(commit: Commit) -> dict[str, Any]:
    """What an entry tells of a commit: its reason, and each file by its blobs before and after."""
    return {"commit": commit.oid, WROTE: commit.reason, **files_of(commit.changes)}


def files_of(changed: Iterable[FileChange]) -> dict[str, Any]:
    """Each file that changed, by its blobs before and after; of many their number as well."""
    every = list(changed)
    named = [{"path": each.path, "before": each.old, "after": each.new} for each in every[:NAMED]]
    return named[0] if len(named) == 1 else {"changes": named, "count": len(every)}


def write(records: Records, entry: AuditEntry, *, lasting: bool = True) -> Link:
    """Appends an entry, and gives its place in the chain; what is too long is cut."""
    return audit_log.append(records, columns(entry), lasting=lasting)


def columns(entry: AuditEntry) -> dict[str, Any]:
    """What an entry says, by its columns; what is too long is cut."""
    values = {key: getattr(entry, key) for key in COLUMNS}
    values["subject"] = cleaned(entry.subject[:LONGEST])
    return values | {name: values[name] or "" for name in ("path", "commit")}


def from_command_line(
    records: Records, action: str, subject: str, *, outcome: str = "done", **detail: Any
) -> None:
    """Enters what was done on the server's own command line, by whom the system says it was."""
    write(records, by_command(action, subject, outcome=outcome, **detail))


def by_command(action: str, subject: str, *, outcome: str = "done", **detail: Any) -> AuditEntry:
    """An entry of what is done on the server's own command line."""
    entry = by_itself("command line", action, subject, outcome, **detail)
    entry.address, entry.request_id = account_here(), _this_command()
    return entry


def by_itself(actor: str, action: str, subject: str, outcome: str, **detail: Any) -> AuditEntry:
    """An entry of what no request asked for."""
    path, commit = taken(detail)
    return AuditEntry(
        at=datetime.now(UTC),
        actor=cleaned(actor[:80]),
        action=action[:80],
        subject=subject,
        path=path,
        commit=commit,
        outcome=outcome,
        status=0,
        address=platform.node()[:64],
        request_id="",
        detail={key: short(value) for key, value in detail.items()},
    )


@cache
def _this_command() -> str:
    """The request id of all that this process enters as a command."""
    return secrets.token_hex(8)


def account_here() -> str:
    """Who runs this process, and on which machine."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        who = str(os.getuid())
    return f"{who}@{platform.node()}"[:64]


def taken(detail: dict[str, Any]) -> tuple[str, str]:
    """The path and the commit out of a detail, which have columns of their own."""
    path, commit = (cleaned(str(detail.pop(name, "") or "")) for name in ("path", "commit"))
    return path[:160], commit[:64]


def short(value: Any) -> Any:
    if isinstance(value, str):
        return cleaned(value[:LONGEST])
    if isinstance(value, dict):
        return {short(str(key)): short(each) for key, each in value.items()}
    return [short(each) for each in value] if isinstance(value, (list, tuple)) else value


def cleaned(text: str) -> str:
    """Without what a terminal would obey, or PostgreSQL can't store: shown as its code instead."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
