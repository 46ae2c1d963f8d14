"""Promotions and roll-backs as the pages and the API carry them out: done, entered, announced."""

from collections.abc import Collection

from prompt_repo.promotion import Order, Pinned, Promotion, promote, roll_back
from webapp import audit, events
from webapp.access import caller
from webapp.events import Event
from webapp.services import repository

NAMED = 50  # paths that the audit log and webhooks name; of more the number is told


def carry_out(order: Order, reason: str, pinned: Pinned) -> Promotion:
    """Promotes in the name of whoever asks; raises what `promotion.promote` raises."""
    done = promote(repository(), order, caller().author, reason, pinned)
    if done.tag:
        _tell(Event.PROMOTED, done)
    return done


def put_back(
    promotion: str,
    reason: str,
    only: Collection[str] | None,
    anyway: Collection[str],
    production: str | None,
) -> Promotion:
    """Rolls back in the name of whoever asks; raises what `promotion.roll_back` raises."""
    done = roll_back(
        repository(),
        promotion,
        caller().author,
        reason,
        only=only,
        anyway=anyway,
        production=production,
    )
    _tell(Event.ROLLED_BACK, done)
    return done


def _tell(event: Event, done: Promotion) -> None:
    paths = list(done.paths[:NAMED])
    audit.describe(done.tag or done.commit.oid, commit=done.commit.oid, paths=paths)
    events.announce(
        event,
        environment="production",
        commit=done.commit.oid,
        tag=done.tag,
        reason=done.commit.reason,
        paths=paths,
        count=len(done.paths),
    )
