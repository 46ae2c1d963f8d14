"""The records of change requests: rows and their conversations, without a look at Git."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.access import Caller
from webapp.records import Records
from webapp.records.asking import Question
from webapp.records.change_models import ChangeEntry, ChangeRequest
from webapp.tokens import LARGEST

BY_GIT = "git"
"""The actor of a push that nobody told us about."""


Also = Callable[[Session, ChangeRequest], object]
"""What is to be entered in the same transaction as something about a change request."""


def nothing(session: Session, row: ChangeRequest) -> None:
    """Enters nothing besides."""


class State(StrEnum):
    """Where a change request stands."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class Kind(StrEnum):
    """What an entry of the conversation is."""

    OPENED = "opened"
    PUSHED = "pushed"
    UPDATED = "updated"
    RESOLVED = "resolved"
    COMMENTED = "commented"
    APPROVED = "approved"
    OBJECTED = "objected"
    CLOSED = "closed"
    REOPENED = "reopened"
    MERGED = "merged"


CONTRIBUTING = (Kind.OPENED, Kind.PUSHED, Kind.RESOLVED)
"""What makes a change request one's own: whoever did it approves nothing of it."""
MOVING = (*CONTRIBUTING, Kind.UPDATED)
"""What a new head comes with."""
REVIEWS = (Kind.APPROVED, Kind.OBJECTED)

_OPEN_INTO = Question(
    select(ChangeRequest.number).where(
        ChangeRequest.base == bindparam("base"), ChangeRequest.state == State.OPEN
    ),
    int,
)


class ChangeNotFound(Exception):
    """There is no change request of that number, or none open of that slug."""

    def __init__(self, named: int | str) -> None:
        number = f"{named}"[:80] if isinstance(named, int) else f"{named[:80]!r} that is open"
        super().__init__(f"there is no change request {number}")


class ChangeState(Exception):
    """A change request isn't in a state in which this can be done."""


@dataclass(frozen=True, slots=True)
class Who:
    """Whoever does something to a change request; an account behind it where there is one."""

    actor: str
    account_id: int | None
    name: str
    email: str

    @classmethod
    def of(cls, caller: Caller) -> "Who":
        """The one who asks."""
        author = caller.author
        return cls(caller.actor[:80], caller.person_id, author.name[:128], author.email[:254])

    def did(self, row: ChangeRequest | ChangeEntry) -> bool:
        """Whether a row is theirs: by the account behind it, or by the very same token."""
        same_account = self.account_id is not None and self.account_id == row.account_id
        return same_account or self.actor == row.actor


GIT = Who(BY_GIT, None, "git", "")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was last seen of a branch: its head, what it was compared with, what it proposes."""

    head: str
    base_head: str
    fingerprint: str


def create(
    records: Records,
    who: Who,
    slug: str,
    base: str,
    title: str,
    text: str,
    seen: Seen,
    also: Also = nothing,
) -> ChangeRequest:
    """Enters a new change request; raises ChangeState where one is open on that branch."""
    now = datetime.now(UTC)
    row = ChangeRequest(
        slug=slug, title=title, text=text, base=base, state=State.OPEN,
        opened_at=now, updated_at=now,
        actor=who.actor, account_id=who.account_id, name=who.name, email=who.email,
        head=seen.head, base_head=seen.base_head, fingerprint=seen.fingerprint,
    )  # fmt: skip
    try:
        with records.writing() as session:
            session.add(row)
            session.flush()
            _enter(session, row, who, Kind.OPENED, now)
            also(session, row)
    except IntegrityError as clash:
        raise ChangeState(f"a change request for changes/{slug} is open already") from clash
    return row


def found(records: Records, number: int) -> ChangeRequest:
    """A change request by its number; raises ChangeNotFound."""
    with records.reading() as session:
        row = session.get(ChangeRequest, number) if 0 < number <= LARGEST else None
    if row is None:
        raise ChangeNotFound(number)
    return row


def open_on(records: Records, slug: str) -> ChangeRequest | None:
    """The open change request of a branch."""
    wanted = select(ChangeRequest).where(
        ChangeRequest.slug == slug, ChangeRequest.state == State.OPEN
    )
    with records.reading() as session:
        return session.scalar(wanted)


def open_into(records: Records, base: str) -> Sequence[ChangeRequest]:
    """The open change requests of an environment."""
    if not records.answers(_OPEN_INTO, base=base):  # as at most saves
        return []
    wanted = ChangeRequest.base == base, ChangeRequest.state == State.OPEN
    with records.reading() as session:
        return session.scalars(select(ChangeRequest).where(*wanted)).all()


def entries(records: Records, number: int) -> Sequence[ChangeEntry]:
    """The whole conversation of a change request, in order."""
    wanted = select(ChangeEntry).where(ChangeEntry.number == number).order_by(ChangeEntry.id)
    with records.reading() as session:
        return session.scalars(wanted).all()


def contributions(records: Records, row: ChangeRequest) -> Sequence[ChangeEntry]:
    """Who proposed or pushed what its branch holds, also while that had another number.

    What was merged into the same base is nobody's any more.
    """
    other = or_(ChangeRequest.state != State.MERGED, ChangeRequest.base != row.base)
    wanted = (
        select(ChangeEntry)
        .join(ChangeRequest, ChangeRequest.number == ChangeEntry.number)
        .where(ChangeRequest.slug == row.slug, ChangeEntry.kind.in_(CONTRIBUTING))
        .where(or_(ChangeRequest.number == row.number, other))
        .order_by(ChangeEntry.id)
    )
    with records.reading() as session:
        return session.scalars(wanted).all()


def entry_counts(records: Records, numbers: Collection[int]) -> dict[int, int]:
    """How many comments each of some change requests has."""
    said = ChangeEntry.text != ""
    wanted = (
        select(ChangeEntry.number, func.count())
        .where(
            ChangeEntry.number.in_(numbers), said, ChangeEntry.kind.in_((Kind.COMMENTED, *REVIEWS))
        )
        .group_by(ChangeEntry.number)
    )
    with records.reading() as session:
        return {row[0]: row[1] for row in session.execute(wanted)}


def say(
    records: Records,
    row: ChangeRequest,
    who: Who,
    kind: Kind,
    text: str,
    path: str = "",
    line: int | None = None,
    also: Also = nothing,
) -> ChangeEntry:
    """Adds a comment or a review to a conversation, about what was last seen of the branch."""
    with records.writing() as session:
        now = datetime.now(UTC)
        entry = _enter(session, row, who, kind, now, text)
        entry.path, entry.line = path, line
        kept = _locked(session, row.number)
        kept.updated_at = now
        also(session, row)
    return entry


def moved(
    records: Records, number: int, who: Who, seen: Seen, kind: Kind = Kind.PUSHED
) -> ChangeRequest:
    """Notes that a branch moved, and by whom, unless that is known already."""
    with records.writing() as session:
        row = _locked(session, number)
        if row.head == seen.head:
            return row
        row.head, row.base_head, row.fingerprint = seen.head, seen.base_head, seen.fingerprint
        row.updated_at = datetime.now(UTC)
        _enter(session, row, who, kind, row.updated_at)
    return row


def compared(records: Records, number: int, seen: Seen) -> ChangeRequest:
    """Notes what a branch proposes to its base as that is now, where the branch is still there."""
    with records.writing() as session:
        row = _locked(session, number)
        if row.head == seen.head:
            row.base_head, row.fingerprint = seen.base_head, seen.fingerprint
    return row


def name_pusher(records: Records, number: int, head: str, who: Who) -> None:
    """Says who pushed a head, whether it was noticed before, or the branch moved on since."""
    wanted = select(ChangeEntry).where(
        ChangeEntry.number == number, ChangeEntry.head == head, ChangeEntry.kind.in_(MOVING)
    )
    with records.writing() as session:
        row = _locked(session, number)
        known = session.scalars(wanted).all()
        if any(who.did(each) for each in known):
            return
        entry = next((each for each in known if each.actor == BY_GIT), None)
        if entry is None:
            entry = _enter(session, row, who, Kind.PUSHED, datetime.now(UTC))
            entry.head = head
        entry.actor, entry.account_id = who.actor, who.account_id
        entry.name, entry.email = who.name, who.email


def turn(
    records: Records,
    number: int,
    who: Who,
    state: State,
    text: str = "",
    *,
    base_head: str = "",
    merge_commit: str | None = None,
) -> ChangeRequest:
    """Takes a change request from one state to another.

    Raises ChangeState where somebody was quicker, or its branch has another open one.
    """
    kind = {State.OPEN: Kind.REOPENED, State.CLOSED: Kind.CLOSED, State.MERGED: Kind.MERGED}[state]
    before = State.CLOSED if state is State.OPEN else State.OPEN
    try:
        with records.writing() as session:
            row = _locked(session, number)
            if row.state != before:
                raise ChangeState(f"change request {number} is {row.state}")
            row.state, row.updated_at = state, datetime.now(UTC)
            row.base_head = base_head or row.base_head
            row.merge_commit = merge_commit
            _enter(session, row, who, kind, row.updated_at, text)
            session.flush()
    except IntegrityError as clash:
        raise ChangeState("another change request is open on this branch") from clash
    return row


def settle(records: Records, number: int, ident: int, who: Who, *, settled: bool) -> ChangeEntry:
    """Marks a comment as settled, or as open again; raises ChangeNotFound where there is none."""
    with records.writing() as session:
        entry = session.get(ChangeEntry, ident) if 0 < ident <= LARGEST else None
        if entry is None or entry.number != number or entry.kind != Kind.COMMENTED:
            raise ChangeNotFound(number)
        entry.settled_at = datetime.now(UTC) if settled else None
        entry.settled_by = who.name if settled else ""
    return entry


def _locked(session: Session, number: int) -> ChangeRequest:
    row = session.get(ChangeRequest, number, with_for_update=True)
    if row is None:
        raise ChangeNotFound(number)
    return row


def _enter(
    session: Session, row: ChangeRequest, who: Who, kind: Kind, at: datetime, text: str = ""
) -> ChangeEntry:
    entry = ChangeEntry(
        number=row.number, kind=kind, at=at, text=text, head=row.head, fingerprint=row.fingerprint,
        actor=who.actor, account_id=who.account_id, name=who.name, email=who.email,
        path="", line=None, settled_by="",
    )  # fmt: skip
    session.add(entry)
    return entry
