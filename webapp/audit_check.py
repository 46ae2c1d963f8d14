"""Whether the audit log is what was written: every hash, its seals, its anchors in Git."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from webapp.audit_anchors import Anchored
from webapp.audit_chain import GENESIS, digest
from webapp.audit_log import NONE_YET, Link
from webapp.records import Records
from webapp.records.models import AuditEntry, AuditSeal

AT_A_TIME = 2_000
MOST = 100  # breaks that are told one by one


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the log isn't what was written: the entry it shows at, and what shows."""

    entry: int
    what: str

    def __str__(self) -> str:
        return f"entry {self.entry}: {self.what}"


@dataclass
class Report:
    """What a check found; `count` entries from `first` to `last` were looked at.

    Entries up to `anchored` are vouched for by Git.
    """

    count: int = 0
    first: int = 0
    last: Link = NONE_YET
    anchors: int = 0
    anchored: int = 0
    anchored_at: datetime | None = None
    sealed: int = 0
    breaks: list[Break] = field(default_factory=list)
    more: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.breaks

    def add(self, entry: int, what: str) -> None:
        """Notes a break; those beyond MOST are only counted."""
        if len(self.breaks) < MOST:
            self.breaks.append(Break(entry, what))
        else:
            self.more += 1


def check(records: Records, anchors: Sequence[Anchored]) -> Report:
    """Reads the whole log and works every hash out again; anchors are newest first."""
    report = Report(anchors=len(anchors))
    seals = _seals(records)
    wanted = {each.entry: each for each in reversed(anchors)}
    before = NONE_YET
    for entry in _entries(records):
        if not report.count:
            report.first = entry["id"]
            before = _begin(report, entry, seals, anchors)
        before = _look(report, before, entry)
        anchor = wanted.pop(entry["id"], None)
        if anchor is not None and anchor.hash != entry["hash"]:
            report.add(
                entry["id"],
                f"its hash isn't the one that Git has kept since {_day(anchor)}: "
                "this entry, or one before it, was written anew",
            )
        report.count += 1
    report.last = before
    _look_at_the_end(report, seals, wanted)
    if anchors:
        report.anchored, report.anchored_at = anchors[0].entry, anchors[0].at
    return report


def _begin(
    report: Report,
    entry: Mapping[str, Any],
    seals: Mapping[int, AuditSeal],
    anchors: Sequence[Anchored],
) -> Link:
    """What the first entry must follow: nothing, or a seal that Git vouches for."""
    first = entry["id"]
    if first == 1:
        return NONE_YET
    sealed = next((each for each in anchors if each.sealed == first - 1), None)
    seal = seals.get(first - 1)
    if seal is None or sealed is None:
        report.add(first, f"what stood before it (up to entry {first - 1}) is gone without a seal")
    elif sealed.sealed_hash != seal.hash:
        report.add(first, f"the seal of entry {first - 1} isn't the one that Git has kept")
    report.sealed = first - 1
    return Link(first - 1, sealed.sealed_hash if sealed else entry["previous_hash"] or GENESIS)


def _look(report: Report, before: Link, entry: Mapping[str, Any]) -> Link:
    number, said, previous = entry["id"], entry["hash"], entry["previous_hash"]
    if number != before.entry + 1:
        gone = number - before.entry - 1
        report.add(number, f"{gone} before it {'is' if gone == 1 else 'are'} missing")
    elif previous != before.hash:
        report.add(number, f"it doesn't follow entry {before.entry}: one of the two was replaced")
    if said != digest(previous or GENESIS, entry):
        report.add(number, "its content isn't what its hash was made of")
    return Link(number, said or GENESIS)


def _look_at_the_end(
    report: Report, seals: Mapping[int, AuditSeal], unmet: Mapping[int, Anchored]
) -> None:
    """Anchors whose entries are gone: sealed and cut, or lost."""
    cut = max(seals, default=0) if report.first > 1 or not report.count else 0
    for number, anchor in sorted(unmet.items()):
        if number > report.last.entry:
            report.add(
                number,
                f"Git has known it since {_day(anchor)}, but the log ends at "
                f"entry {report.last.entry}: the end was cut off",
            )
            return
        if number > cut and report.first <= number:
            report.add(number, f"Git has known it since {_day(anchor)}, and it is missing")


def _entries(records: Records) -> Iterator[Mapping[str, Any]]:
    """All entries, oldest first, a stretch at a time."""
    columns, after = AuditEntry.__table__.columns, 0
    while True:
        query = select(*columns).where(columns.id > after).order_by(columns.id).limit(AT_A_TIME)
        found = records.rows(query)
        if not found:
            return
        for row in found:
            yield dict(row._mapping)
        after = found[-1].id


def _seals(records: Records) -> dict[int, AuditSeal]:
    with records.reading() as session:
        return {each.through: each for each in session.scalars(select(AuditSeal))}


def _day(anchor: Anchored) -> str:
    return f"{anchor.at:%d %B %Y, %H:%M} UTC"
