"""What reviews come to: who approves what stands now, who wants it otherwise, what is missing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prompt_repo.model import Author
from webapp.change_records import REVIEWS, Kind, Who
from webapp.records.change_models import ChangeEntry


@dataclass(frozen=True)
class Standing:
    """The reviews that count, each person's last; `fallen` are of an earlier content."""

    approved: tuple[ChangeEntry, ...]
    objected: tuple[ChangeEntry, ...]
    fallen: tuple[ChangeEntry, ...]
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
    entries: Sequence[ChangeEntry], own: Sequence[ChangeEntry], fingerprint: str, required: int
) -> Standing:
    """What all reviews come to; those of people who contributed (`own`) don't count."""
    last = _last(each for each in entries if each.kind in REVIEWS)
    counting = [each for each in last if not any(_who(each).did(other) for other in own)]
    current = [each for each in counting if each.fingerprint == fingerprint]
    return Standing(
        approved=tuple(each for each in current if each.kind == Kind.APPROVED),
        objected=tuple(each for each in current if each.kind == Kind.OBJECTED),
        fallen=tuple(each for each in counting if each.fingerprint != fingerprint),
        required=required,
    )


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
