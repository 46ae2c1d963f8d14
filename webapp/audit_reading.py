"""Reads the audit log: entries that fit, newest first by cursor, or all of them oldest first."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, or_, select

from webapp.audit_entries import SINCE
from webapp.audit_words import Kind, actions_of, parts_of, words_of
from webapp.records import Records
from webapp.records.models import AuditEntry

OUTCOMES = ("done", "failed", "refused")
AT_A_TIME = 1_000
LONGEST = 200  # characters of a filter
TABLE = AuditEntry.__table__
LARGEST = 2**63 - 1
IMPORTS = 200  # the newest, whose commits a prompt's trail looks into
IN_A_ROW = "imports.decide", "imports.worker", "api.import_prompts", "import"


@dataclass(frozen=True)
class Wanted:
    """Which entries: those that have all of what is said.

    `path` with `commits` is the trail of a prompt: what was about it, or wrote one of the commits.
    """

    subject: str = ""
    actor: str = ""
    kind: Kind | None = None
    action: str = ""
    outcome: str = ""
    address: str = ""
    request: str = ""
    path: str = ""
    commit: str = ""
    detail: str = ""
    """A part of what was before and after, or of what else an entry tells."""
    since: datetime | None = None
    until: datetime | None = None
    actors: Collection[str] = field(default=())
    commits: Collection[str] = field(default=())

    @classmethod
    def asked(cls, given: Mapping[str, str]) -> "Wanted":
        """What a query string asks for; what can't be read is as if it weren't there."""
        texts = "subject", "actor", "action", "address", "request", "path", "commit", "detail"
        kind, outcome = given.get("kind", ""), given.get("outcome", "")
        return cls(
            **{name: given.get(name, "").strip()[:LONGEST] for name in texts},
            kind=Kind(kind) if kind in tuple(Kind) else None,
            outcome=outcome if outcome in OUTCOMES else "",
            since=moment(given.get("since", "")),
            until=moment(given.get("until", ""), end=True),
        )

    def query(self) -> dict[str, str]:
        """What `asked` reads, for addresses."""
        found = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, str) and value:
                found[each.name] = str(value)
        for name, at in (("since", self.since), ("until", self.until)):
            if at is not None:
                found[name] = at.isoformat()
        return found

    @property
    def last_day(self) -> str:
        """The last day that `until` lets in, as a form's field has it."""
        return f"{self.until - timedelta(microseconds=1):%Y-%m-%d}" if self.until else ""

    @property
    def narrow(self) -> bool:
        """Whether anything is asked for at all."""
        return self != Wanted()


@dataclass(frozen=True)
class Page:
    """Some entries, newest first; `next_before` is None on the last page."""

    entries: Sequence[Mapping[str, Any]]
    next_before: int | None


def page(records: Records, wanted: Wanted, before: int | None, limit: int) -> Page:
    """The newest entries that fit, or those older than `before`."""
    query = _fitting(wanted).order_by(TABLE.c.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(TABLE.c.id < min(before, LARGEST))
    found = [dict(row._mapping) for row in records.rows(query)]
    more = len(found) > limit
    found = found[:limit]
    return Page(found, found[-1]["id"] if more else None)


def entry(records: Records, number: int) -> Mapping[str, Any] | None:
    """One entry; None where there is none."""
    if number > LARGEST:
        return None
    found = records.rows(select(*TABLE.columns).where(TABLE.c.id == number))
    return dict(found[0]._mapping) if found else None


def everything(records: Records, wanted: Wanted) -> Iterator[Mapping[str, Any]]:
    """All that fits, oldest first, read a stretch at a time."""
    after = 0
    while True:
        query = _fitting(wanted).where(TABLE.c.id > after).order_by(TABLE.c.id).limit(AT_A_TIME)
        found = records.rows(query)
        for row in found:
            yield dict(row._mapping)
        if len(found) < AT_A_TIME:
            return
        after = found[-1].id


def rows_of_commits(records: Records) -> Iterator[tuple[str, str]]:
    """Of entries that tell of several commits, newest first: where they began, and the last."""
    query = (
        select(TABLE.c.commit, TABLE.c.detail)
        .where(TABLE.c.action.in_(IN_A_ROW), TABLE.c.commit != "")
        .order_by(TABLE.c.id.desc())
        .limit(IMPORTS)
    )
    for last, detail in records.rows(query):
        if SINCE in detail:
            yield detail[SINCE], last


def moment(text: str, *, end: bool = False) -> datetime | None:
    """A day or a time that somebody wrote, in UTC unless it says; a day's end where asked."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if end and len(text.strip()) == len("2026-11-25"):
        found += timedelta(days=1)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def told(found: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as programs get it, with its hashes in hexadecimal."""
    hashes = {name: (found[name] or b"").hex() for name in ("previous_hash", "hash")}
    at = found["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return {**found, "at": at, "words": words_of(found["action"]), **hashes}


def _fitting(wanted: Wanted) -> Select[Any]:
    return select(*TABLE.columns).where(*_conditions(wanted))


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    columns = TABLE.c
    exact = {"action": columns.action, "outcome": columns.outcome, "request": columns.request_id}
    begins = {"address": columns.address, "commit": columns.commit}
    for name, column in exact.items():
        if value := getattr(wanted, name):
            yield column == value
    for name, column in begins.items():
        if value := getattr(wanted, name):
            yield column.startswith(value, autoescape=True)
    if wanted.subject:
        yield columns.subject.icontains(wanted.subject, autoescape=True)
    if wanted.detail:  # as JSON has it, which is how it is stored
        part = json.dumps(wanted.detail)[1:-1]
        yield cast(columns.detail, Text).icontains(part, autoescape=True)
    if wanted.path:
        yield or_(columns.path == wanted.path, columns.commit.in_(wanted.commits))
    yield from _when(wanted)
    yield from _who(wanted)
    if wanted.kind is not None:
        yield _of_kind(wanted.kind)


def _when(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.since is not None:
        yield TABLE.c.at >= wanted.since
    if wanted.until is not None:
        yield TABLE.c.at < wanted.until


def _who(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """An actor as it stands in the log (`person:sam`), or a part of one."""
    actor = TABLE.c.actor
    if ":" in wanted.actor:
        yield actor == wanted.actor
    elif wanted.actor:
        yield actor.icontains(wanted.actor, autoescape=True)
    if wanted.actors:
        yield actor.in_(wanted.actors)


def _of_kind(kind: Kind) -> ColumnElement[bool]:
    action = TABLE.c.action
    parts = [action.startswith(f"{part}.", autoescape=True) for part in parts_of(kind)]
    return or_(action.in_(actions_of(kind)), *parts)


def of_person(wanted: Wanted, name: str, tokens: Collection[tuple[int, str]]) -> Wanted:
    """The same, of what somebody did: themselves, and by tokens (number and name) they made."""
    by_tokens = (f"token:{number}:{token}"[:80] for number, token in tokens)
    return replace(wanted, actors=(f"person:{name}", *by_tokens))
