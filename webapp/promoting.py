"""Promotions and roll-backs as the pages and the API carry them out: done, entered, announced."""

from collections.abc import Collection

from prompt_repo.promotion import Order, Pinned, promote
from prompt_repo.releases import what_did
from prompt_repo.rolling_back import roll_back
from prompt_repo.tagging import Promotion
from webapp import audit
from webapp.access import caller
from webapp.announcing import RELEASED, announce_release
from webapp.events import Event
from webapp.services import repository

NAMED = 50  # paths that the audit log names


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
    """Rolls back in the name of whoever asks; raises what `rolling_back.roll_back` raises."""
    done = roll_back(
        repository(),
        promotion,
        caller().author,
        reason,
        only=only,
        anyway=anyway,
        production=production,
    )
    _tell(RELEASED[what_did(done.commit)[0]], done)
    return done


def _tell(event: Event, done: Promotion) -> None:
    audit.describe(
        done.tag or done.commit.oid, commit=done.commit.oid, paths=list(done.paths[:NAMED])
    )
    announce_release(event, done.commit, done.tag, list(done.paths))
