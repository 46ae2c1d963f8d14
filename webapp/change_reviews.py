"""What reviews come to: who approves what stands now, who wants it otherwise, what is missing."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from prompt_repo.model import Author
from webapp.change_records import REVIEWS, Kind, Who
from webapp.records.change_models import ChangeEntry


@dataclass(frozen=True)
class Standing:
    """The reviews that count, each person's last; `fallen` are of an earlier content.

    `lapsed` are of people who were shut out since, or may no longer review.
    """

    approved: tuple[ChangeEntry, ...]
    objected: tuple[ChangeEntry, ...]
    fallen: tuple[ChangeEntry, ...]
    lapsed: tuple[ChangeEntry, ...]
    required: int

    @property
    def missing(self) -> int:
        """How many approvals are still needed."""
        return max(0, self.required - len(self.approved))

    @property
    def ready(self) -> bool:
        """Whether nothing that people have to say keeps it from being merged."""
        return not self.missing and not self.objected

    @property
    def reviewers(self) -> list[Author]:
        """Who approved, as a merge commit names them."""
        return [Author(each.name, each.email) for each in self.approved]


def standing(
    entries: Sequence[ChangeEntry],
    own: Sequence[ChangeEntry],
    fingerprint: str,
    required: int,
    shut_out: Collection[int] = (),
) -> Standing:
    """What all reviews come to; those of people who contributed (`own`) don't count.

    Nor do those of the accounts that are `shut_out`.
    """
    last = _last(each for each in entries if each.kind in REVIEWS)
    others = [each for each in last if not any(_who(each).did(other) for other in own)]
    counting = [each for each in others if each.account_id not in shut_out]
    current = [each for each in counting if each.fingerprint == fingerprint]
    return Standing(
        approved=tuple(each for each in current if each.kind == Kind.APPROVED),
        objected=tuple(each for each in current if each.kind == Kind.OBJECTED),
        fallen=tuple(each for each in counting if each.fingerprint != fingerprint),
        lapsed=tuple(each for each in others if each.account_id in shut_out),
        required=required,
    )


def reviewers_of(entries: Iterable[ChangeEntry]) -> set[int]:
    """The accounts of those who reviewed, where there is one behind a review."""
    reviews = (each for each in entries if each.kind in REVIEWS)
    return {each.account_id for each in reviews if each.account_id is not None}


def contributed(own: Sequence[ChangeEntry], who: Who) -> bool:
    """Whether somebody proposed or pushed some of it, and so may not approve it."""
    return any(who.did(each) for each in own)


def _last(reviews: Iterable[ChangeEntry]) -> list[ChangeEntry]:
    found: list[ChangeEntry] = []
    for review in reviews:
        found = [each for each in found if not _who(review).did(each)]
        found.append(review)
    return found


def _who(entry: ChangeEntry) -> Who:
    return Who(entry.actor, entry.account_id, entry.name, entry.email)
