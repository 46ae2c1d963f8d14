"""The records of change requests on SQLite and on PostgreSQL."""

import pytest

from webapp import change_lists, change_records
from webapp.change_lists import Shown, Wanted
from webapp.change_records import ChangeNotFound, ChangeState, Kind, Seen, State, Who
from webapp.records import Records

KIM = Who("person:kim", None, "Kim", "kim@studio.example")
LEE = Who("person:lee", None, "Lee", "lee@studio.example")
FIRST = Seen("1" * 40, "0" * 40, "a" * 40)


def numbers(records: Records, shown: Shown, who: Who) -> list[int]:
    return [row.number for row in change_lists.listed(records, Wanted(shown, who))]


def test_a_branch_has_one_open_request(records: Records) -> None:
    """A second one is refused until the first is closed; then the first can't come back."""
    first = change_records.create(records, KIM, "soft", "staging", "T", "", FIRST)
    with pytest.raises(ChangeState):
        change_records.create(records, LEE, "soft", "staging", "T", "", FIRST)

    change_records.turn(records, first.number, KIM, State.CLOSED)
    second = change_records.create(records, LEE, "soft", "staging", "T", "", FIRST)
    with pytest.raises(ChangeState):
        change_records.turn(records, first.number, KIM, State.OPEN)

    found = change_records.open_on(records, "soft")
    assert found is not None
    assert found.number == second.number
    assert change_lists.count_open(records) == 1


def test_what_waits_for_whom(records: Records) -> None:
    """It waits for who hasn't reviewed what stands, and for its maker where changes are wanted."""
    row = change_records.create(records, KIM, "soft", "staging", "T", "", FIRST)
    assert numbers(records, Shown.WAITING, LEE) == [row.number]
    assert numbers(records, Shown.WAITING, KIM) == []

    change_records.say(records, row, LEE, Kind.OBJECTED, "Hm")
    assert numbers(records, Shown.WAITING, LEE) == []
    assert numbers(records, Shown.WAITING, KIM) == [row.number]

    change_records.moved(records, row.number, KIM, Seen("2" * 40, "0" * 40, "b" * 40))
    assert numbers(records, Shown.WAITING, LEE) == [row.number]
    assert change_lists.counts(records, KIM)[Shown.MINE] == 1
    assert change_records.entry_counts(records, [row.number]) == {row.number: 1}


def test_who_pushed_is_entered_once_and_named_later(records: Records) -> None:
    """A head that was noticed first gets its pusher's name; the same head is no second push."""
    row = change_records.create(records, KIM, "soft", "staging", "T", "", FIRST)
    seen = Seen("2" * 40, "0" * 40, "b" * 40)
    change_records.moved(records, row.number, change_records.GIT, seen)
    change_records.moved(records, row.number, LEE, seen)

    change_records.name_pusher(records, row.number, seen.head, LEE)

    said = change_records.entries(records, row.number)
    assert [(each.kind, each.name) for each in said] == [("opened", "Kim"), ("pushed", "Lee")]


def test_comments_of_other_requests_are_not_settled(records: Records) -> None:
    """A comment belongs to its change request; a review is none."""
    one, other = (
        change_records.create(records, KIM, slug, "staging", "T", "", FIRST) for slug in "ab"
    )
    comment = change_records.say(records, one, LEE, Kind.COMMENTED, "Hm", "x.yaml", 3)
    review = change_records.say(records, one, LEE, Kind.APPROVED, "Yes")

    for number, ident in ((other.number, comment.id), (one.number, review.id), (one.number, 2**70)):
        with pytest.raises(ChangeNotFound):
            change_records.settle(records, number, ident, KIM, settled=True)
    settled = change_records.settle(records, one.number, comment.id, KIM, settled=True)

    assert settled.settled_by == "Kim"
    assert settled.line == 3
