"""Change requests as people use them: Git's side and the records' side of each step, together.

A step moves a branch and enters that under the writers' lock, so that whoever looks finds both or
neither; should the machine stop in between, `refreshed` brings the records up to what Git says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prompt_repo import change_merging, changes
from prompt_repo.change_merging import Merged, Order
from prompt_repo.changes import FOLDER, Opened, branch_of, check_text, check_title, compare
from prompt_repo.document_merging import UNDECIDED, Choices
from prompt_repo.editing import AnyEdit
from prompt_repo.errors import ChangeMoved, InvalidReason, RevisionNotFound
from prompt_repo.expectations import AtCommit
from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.reasons import CONTROL
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.trailers import SERVERS_LINE
from webapp import change_lists, change_records, change_telling, events, people, protection
from webapp.access import NotAllowed, Scope, caller, require_environment
from webapp.change_records import REVIEWS, ChangeState, Kind, Seen, State, Who
from webapp.change_reviews import Standing, contributed, reviewers_of, standing
from webapp.events import Event, Happened
from webapp.movers import who_moved
from webapp.records.change_models import ChangeEntry, ChangeRequest
from webapp.services import records, repository, settings
from webapp.webhooks import note_within

VERDICTS = {Kind.APPROVED: "approved", Kind.OBJECTED: "changes requested"}
HOTFIX = "hotfix-"
"""A pushed branch whose name begins so is for production."""


class OwnChange(NotAllowed):
    """Nobody approves what they proposed or pushed."""

    def __init__(self) -> None:
        super().__init__("this change is yours, at least in part, so somebody else approves it")


class NotReviewed(ChangeState):
    """Approvals are missing, or somebody asked for changes."""


@dataclass(frozen=True)
class Draft:
    """A change request as it was typed."""

    base: str
    title: str
    text: str = ""
    slug: str = ""


def propose(draft: Draft, edits: Sequence[AnyEdit], reason: str = "") -> ChangeRequest:
    """Opens a change request with these edits. Raises as `changes.propose`."""
    _require_held(edits, draft.base)

    def write(slug: str, title: str) -> Opened:
        author = caller().author
        return changes.propose(repository(), draft.base, slug, edits, author, reason or title)

    return propose_by(draft, write)


def propose_by(draft: Draft, write: Callable[[str, str], Opened]) -> ChangeRequest:
    """Opens a change request whose branch `write` makes, by a slug and a title."""
    require_environment(draft.base)
    title, text = check_title(draft.title), check_text(draft.text)
    slug = draft.slug or changes.slug_of(title)
    store = repository().store
    with store.locked():
        opened = write(slug, title)
        seen = _seen(repository(), draft.base, opened.head)
        who = Who.of(caller())
        row = _entered(who, opened.slug, draft.base, title, text, seen)
    change_telling.announce_opened(row)
    change_telling.enter_moved(row, opened.fork, opened.head)
    events.announce(Event.BRANCH_MOVED, branch=FOLDER + row.slug, old=None, new=row.head)
    return row


def add(number: int, edits: Sequence[AnyEdit], reason: str = "") -> ChangeRequest:
    """Adds edits to an open change request. Raises as `changes.add`."""
    row = editable(number)
    _require_held(edits, row.base, FOLDER + row.slug)
    with repository().store.locked():
        commit = changes.add(repository(), row.slug, edits, caller().author, reason)
        after = _moved(row, commit.oid, Kind.PUSHED)
    change_telling.enter_moved(row, row.head, commit.oid)
    events.announce(Event.BRANCH_MOVED, branch=FOLDER + row.slug, old=row.head, new=commit.oid)
    return after


def _require_held(edits: Sequence[AnyEdit], *branches: str) -> None:
    """Raises RevisionNotFound where an edit began from what none of these branches ever held.

    A conflict shows the text there, and whoever asks may be let into one environment alone.
    """
    for edit in edits:
        if isinstance(edit.expect, AtCommit):
            commit = repository().store.resolve(edit.expect.commit)
            if not any(repository().has_held(branch, commit) for branch in branches):
                raise RevisionNotFound(edit.expect.commit, branches[0])


def update(
    number: int, head: str, choices: Choices = UNDECIDED, seen: str | None = None
) -> ChangeRequest:
    """Merges its base into a change request. Raises as `change_merging.update`."""
    row = editable(number)
    with repository().store.locked():
        commit = change_merging.update(
            repository(), row.slug, row.base, head, caller().author, choices, seen
        )
        after = _moved(row, commit.oid, Kind.RESOLVED if choices else Kind.UPDATED)
    change_telling.enter_moved(row, head, commit.oid)
    events.announce(Event.BRANCH_MOVED, branch=FOLDER + row.slug, old=head, new=commit.oid)
    return after


def comment(number: int, text: str, path: str = "", line: int | None = None) -> ChangeEntry:
    """Says something about a change request, or about a line of a document in it."""
    row, words = found(number), check_text(text)
    if not words:
        raise InvalidReason("there is nothing in this comment")
    entry = change_records.say(
        records(), row, Who.of(caller()), Kind.COMMENTED, words, path[:200], line
    )
    change_telling.enter(row, comment=entry.id, on=path[:200], line=line)
    return entry


def review(number: int, kind: Kind, head: str, text: str = "") -> ChangeEntry:
    """Approves what stands at a head, or asks for changes; raises ChangeMoved, OwnChange."""
    row, words = _open(number), check_text(text)
    changes.require_head(repository(), row.slug, head)
    if row.head != head:
        raise ChangeMoved(FOLDER + row.slug, row.head)
    who = Who.of(caller())
    if kind is Kind.APPROVED and contributed(change_records.contributions(records(), row), who):
        raise OwnChange
    if kind is Kind.OBJECTED and not words:
        raise InvalidReason("say what should be changed")
    verdict, before = VERDICTS[kind], _verdict_of(row, who)
    told = Happened(
        Event.CHANGE_REVIEWED, who.actor, {**change_telling.facts_of(row), "verdict": verdict}, True
    )
    entry = change_records.say(
        records(), row, who, kind, words, also=lambda session, _: note_within(session, told)
    )
    change_telling.enter(row, commit=head, verdict=verdict, before=before, after=verdict)
    events.tell(told)
    return entry


def _verdict_of(row: ChangeRequest, who: Who) -> str:
    """What somebody's newest review of a change request came to; empty before the first."""
    said = change_records.entries(records(), row.number)
    mine = (Kind(each.kind) for each in reversed(said) if each.kind in REVIEWS and who.did(each))
    return next((VERDICTS[kind] for kind in mine), "")


def merge(number: int, head: str) -> Merged:
    """Merges what was reviewed; a hotfix's rest in staging becomes a change request too.

    Raises NotReviewed, NotAllowed, and as `change_merging.merge`.
    """
    row = _open(number)
    if row.base == PRODUCTION and not caller().may(Scope.PROMOTE):
        raise NotAllowed("a hotfix goes live at once, so merging it needs the right to promote")
    with repository().store.locked():
        changes.require_head(repository(), row.slug, head)
        row = _compared(refreshed(row))
        reviews = reviews_of(row)
        _require_reviews(reviews)
        order = Order(row.slug, head, row.base, number, row.title, row.text, reviews.reviewers)
        done = change_merging.merge(repository(), order, caller().author)
        who = Who.of(caller())
        change_records.turn(
            records(),
            number,
            who,
            State.MERGED,
            base_head=done.before,
            merge_commit=done.commit.oid,
        )
    change_telling.enter(row)
    change_telling.announce_merged(row, done.commit)
    if done.left is not None:
        _open_rest(row, done)
    return done


def close(number: int, text: str = "") -> ChangeRequest:
    """Gives a change request up; its branch stays."""
    editable(number)
    who = Who.of(caller())
    row = change_records.turn(records(), number, who, State.CLOSED, check_text(text))
    change_telling.enter_turn(row, State.OPEN)
    return row


def reopen(number: int) -> ChangeRequest:
    """Takes a closed change request up again; raises ChangeState where its branch is gone."""
    row = found(number)
    _require_own(row)
    if repository().store.head(branch_of(row.slug)) is None:
        raise ChangeState(f"its branch changes/{row.slug} is gone")
    row = change_records.turn(records(), number, Who.of(caller()), State.OPEN)
    change_telling.enter_turn(row, State.CLOSED)
    return refreshed(row)


def settle(number: int, ident: int, *, settled: bool) -> ChangeEntry:
    """Marks a comment as settled, or takes that back."""
    row = found(number)
    entry = change_records.settle(records(), number, ident, Who.of(caller()), settled=settled)
    words = ("open", "settled") if settled else ("settled", "open")
    change_telling.enter(row, comment=entry.id, before=words[0], after=words[1])
    return entry


def found(number: int) -> ChangeRequest:
    """A change request as Git has it now; raises ChangeNotFound, NotAllowed."""
    row = change_records.found(records(), number)
    require_environment(row.base)
    return refreshed(row)


def editable(number: int) -> ChangeRequest:
    """An open one that the caller may add to: their own, or any for who may write."""
    row = _open(number)
    _require_own(row)
    return row


def may_edit(row: ChangeRequest) -> bool:
    """Whether the caller may add to it, close it and take it up again."""
    return caller().may(Scope.WRITE) or Who.of(caller()).did(row)


def reviews_of(row: ChangeRequest) -> Standing:
    """What all reviews come to."""
    said = change_records.entries(records(), row.number)
    own = change_records.contributions(records(), row)
    required = protection.approvals(settings(), row.base)
    return standing(said, own, row.fingerprint, required, shut_out(said))


def shut_out(said: Sequence[ChangeEntry]) -> frozenset[int]:
    """The accounts among those who reviewed that may no longer review."""
    return people.without(records(), Scope.REVIEW, reviewers_of(said))


def refreshed(row: ChangeRequest, who: Who = change_records.GIT) -> ChangeRequest:
    """A change request brought up to what Git says: pushes, plain merges, branches gone."""
    if row.state != State.OPEN:
        return row
    head = repository().store.head(branch_of(row.slug))
    if head == row.head and not repository().has_held(row.base, head):
        return row
    with repository().store.locked():  # our own steps enter what they did before they let go
        row = change_records.found(records(), row.number)
        head = repository().store.head(branch_of(row.slug))
        if row.state != State.OPEN:
            return row
        if who is change_records.GIT and head is not None:
            who = who_moved(repository().store, records(), branch_of(row.slug), head)
        if head is None:
            return change_records.turn(
                records(), row.number, who, State.CLOSED, "The branch was deleted."
            )
        if repository().has_held(row.base, head):
            return change_records.turn(records(), row.number, who, State.MERGED)
        seen = _seen(repository(), row.base, head)
        return change_records.moved(records(), row.number, who, seen)


def open_count() -> int:
    """How many are open, for the rail."""
    return change_lists.count_open(records())


def branch_moved(happened: Happened) -> None:
    """Listens to branches that move: opens, refreshes or ends change requests about them."""
    branch = str(happened.facts["branch"])
    who = Who.of(caller())
    if branch in ENVIRONMENTS:
        for row in change_records.open_into(records(), branch):
            refreshed(row, who)
    elif branch.startswith(FOLDER):
        _pushed(branch.removeprefix(FOLDER), happened.facts.get("new"), who)


def _pushed(slug: str, head: str | None, who: Who) -> None:
    row = change_records.open_on(records(), slug)
    if row is not None:
        newest = head == repository().store.head(branch_of(slug))
        row = refreshed(row, who if newest else change_records.GIT)
        if head is not None and row.state == State.OPEN:
            change_records.name_pusher(records(), row.number, head, who)
        return
    if head is None:
        return
    base = base_of(slug)
    if repository().has_held(base, head):
        return  # a branch without a commit of its own proposes nothing yet
    title, text = _told(repository().store.header(head).reason)
    seen = _seen(repository(), base, head)
    change_telling.announce_opened(_entered(who, slug, base, title or slug, text, seen))


def base_of(slug: str) -> str:
    """Where a change request goes whose branch a push makes: a slug may say that it is a hotfix."""
    return PRODUCTION if slug.startswith(HOTFIX) else STAGING


def _told(message: str) -> tuple[str, str]:
    """Title and text out of a commit's message, without what can't be kept."""
    clean = CONTROL.sub("", message.replace("\r\n", "\n"))
    lines = [line for line in clean.split("\n") if not SERVERS_LINE.match(line)]
    title, _, text = "\n".join(lines).strip().partition("\n")
    return " ".join(title.split())[: changes.TITLE_LENGTH], text.strip()[: changes.TEXT_LENGTH]


def _open(number: int) -> ChangeRequest:
    row = found(number)
    if row.state != State.OPEN:
        raise ChangeState(f"change request {number} is {row.state}")
    return _compared(row)


def _compared(row: ChangeRequest) -> ChangeRequest:
    """With what it proposes to its base as that is now: who reviews and merges means that.

    The base may have taken some of it in meanwhile, and then the rest is another proposal.
    """
    if row.state != State.OPEN or repository().head(row.base) == row.base_head:
        return row
    return change_records.compared(records(), row.number, _seen(repository(), row.base, row.head))


def _require_own(row: ChangeRequest) -> None:
    if not may_edit(row):
        raise NotAllowed("this change request is somebody else's; comment on it instead")


def _require_reviews(reviews: Standing) -> None:
    if reviews.objected:
        names = ", ".join(each.name for each in reviews.objected)
        raise NotReviewed(f"{names} asked for changes")
    if reviews.missing:
        more = "approval is" if reviews.missing == 1 else "approvals are"
        raise NotReviewed(f"{reviews.missing} more {more} needed")


def _seen(found_in: Repository, base: str, head: str) -> Seen:
    base_head = found_in.head(base)
    return Seen(head, base_head, compare(found_in, base_head, head).fingerprint)


def _moved(row: ChangeRequest, head: str, kind: Kind) -> ChangeRequest:
    seen = _seen(repository(), row.base, head)
    return change_records.moved(records(), row.number, Who.of(caller()), seen, kind)


def _open_rest(row: ChangeRequest, done: Merged) -> None:
    assert done.left is not None
    seen = _seen(repository(), STAGING, repository().head(FOLDER + done.left))
    text = (
        f"Change request {row.number} went live, and staging has another text of "
        f"{', '.join(done.left_paths[:10])}. Decide what shall stand there."
    )
    title = f"Hotfix {row.number} in staging: {row.title}"[: changes.TITLE_LENGTH]
    who = Who(row.actor, row.account_id, row.name, row.email)
    change_telling.announce_opened(_entered(who, done.left, STAGING, title, text, seen))


def _entered(who: Who, slug: str, base: str, title: str, text: str, seen: Seen) -> ChangeRequest:
    """A new change request in the records, and in the outbox of webhooks."""
    return change_records.create(
        records(), who, slug, base, title, text, seen,
        also=lambda session, row: note_within(session, change_telling.opened(row)),
    )  # fmt: skip
