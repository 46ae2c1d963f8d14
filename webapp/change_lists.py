"""The lists of change requests: open ones, mine, those that wait for me; and their counts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true

from webapp.change_records import CONTRIBUTING, REVIEWS, Kind, State, Who
from webapp.records import Records
from webapp.records.change_models import ChangeEntry, ChangeRequest


class Shown(StrEnum):
    """The lists there are."""

    OPEN = "open"
    MINE = "mine"
    WAITING = "waiting"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which list, of which environments (None: all), a page at a time."""

    shown: Shown
    who: Who
    bases: Collection[str] | None = None
    base: str = ""
    before: int | None = None
    limit: int = 50


def count_open(records: Records, bases: Collection[str] | None = None) -> int:
    """How many are open."""
    wanted = select(func.count()).where(ChangeRequest.state == State.OPEN, _among(bases))
    with records.reading() as session:
        return session.scalar(wanted) or 0


def listed(records: Records, wanted: Wanted) -> Sequence[ChangeRequest]:
    """A page of a list, newest first, and one more where there are more."""
    query = select(ChangeRequest).where(_shown(wanted.shown, wanted.who), _among(wanted.bases))
    if wanted.base:
        query = query.where(ChangeRequest.base == wanted.base)
    if wanted.before is not None:
        query = query.where(ChangeRequest.number < wanted.before)
    query = query.order_by(ChangeRequest.number.desc()).limit(wanted.limit + 1)
    with records.reading() as session:
        return session.scalars(query).all()


def counts(records: Records, who: Who, bases: Collection[str] | None = None) -> dict[Shown, int]:
    """How many each list holds."""
    with records.reading() as session:
        return {
            shown: session.scalar(
                select(func.count())
                .select_from(ChangeRequest)
                .where(_shown(shown, who), _among(bases))
            )
            or 0
            for shown in Shown
        }


def _among(bases: Collection[str] | None) -> ColumnElement[bool]:
    return true() if bases is None else ChangeRequest.base.in_(bases)


def _shown(shown: Shown, who: Who) -> ColumnElement[bool]:
    is_open = ChangeRequest.state == State.OPEN
    match shown:
        case Shown.OPEN:
            return is_open
        case Shown.MINE:
            return and_(is_open, _by(ChangeRequest, who))
        case Shown.WAITING:
            mine = _has(CONTRIBUTING, _by(ChangeEntry, who))
            current = ChangeEntry.fingerprint == ChangeRequest.fingerprint
            reviewed = _has(REVIEWS, and_(_by(ChangeEntry, who), current))
            objected = _has((Kind.OBJECTED,), current)
            return and_(is_open, or_(and_(~mine, ~reviewed), and_(mine, objected)))
        case _:
            return ChangeRequest.state == shown.value


def _by(table: type[ChangeRequest] | type[ChangeEntry], who: Who) -> ColumnElement[bool]:
    if who.account_id is None:
        return table.actor == who.actor
    return or_(table.account_id == who.account_id, table.actor == who.actor)


def _has(kinds: Sequence[Kind], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        ChangeEntry.number == ChangeRequest.number, ChangeEntry.kind.in_(kinds), condition
    )
