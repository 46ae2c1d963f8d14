"""What is told of change requests: to webhooks, and to the audit log."""

from typing import Any

from prompt_repo.changes import FOLDER
from prompt_repo.model import Commit
from prompt_repo.trailers import CHANGE_REQUEST
from webapp import audit, audit_entries, change_records, events
from webapp.access import caller
from webapp.announcing import pushed
from webapp.change_records import ChangeNotFound
from webapp.events import Event, Happened
from webapp.records.change_models import ChangeRequest
from webapp.services import records, repository


def enter(row: ChangeRequest, **detail: Any) -> None:
    """Says in the audit log which change request this request is about, and what was done."""
    audit.describe(f"{FOLDER}{row.slug}", number=row.number, **detail)


def enter_turn(row: ChangeRequest, before: str) -> None:
    """Says that a change request is in another state than before."""
    enter(row, commit=row.head, before=str(before), after=str(row.state))


def enter_moved(row: ChangeRequest, old: str, new: str) -> None:
    """Says what became of each file on a change request's branch."""
    changes = repository().store.changed(old, new)
    enter(row, commit=new, branch_before=old, **audit_entries.files_of(changes))


def opened(row: ChangeRequest) -> Happened:
    return Happened(Event.CHANGE_OPENED, caller().actor, facts_of(row), noted=True)


def announce_opened(row: ChangeRequest) -> None:
    events.tell(opened(row))


def announce_merged(row: ChangeRequest, commit: Commit) -> None:
    paths = [change.path for change in commit.changes]
    events.announce(Event.CHANGE_MERGED, **facts_of(row), commit=commit.oid, paths=paths)


def tell_merged(branch: str, old: str | None, new: str) -> None:
    """Announces the change requests that a move of a branch merged, by their commits' trailers."""
    for oid in pushed(old, new) if old else ():
        commit = repository().store.header(oid)
        number = dict(commit.trailers).get(CHANGE_REQUEST, "")
        if not number.isdecimal():
            continue
        try:
            row = change_records.found(records(), int(number))
        except ChangeNotFound:
            continue
        if row.base == branch:
            announce_merged(row, repository().store.commit(oid))


def facts_of(row: ChangeRequest) -> dict[str, object]:
    return {
        "number": row.number,
        "branch": FOLDER + row.slug,
        "title": row.title,
        "base": row.base,
        "head": row.head,
        "proposed_by": row.name,
    }
