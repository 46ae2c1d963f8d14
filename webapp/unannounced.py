"""Up to where each environment's branch was told of, and the moves that nobody was told of.

A branch moves first and is announced then. A process that dies in between, a promotion from the
command line and a push by a path on the disk leave a move that no listener heard of. Git's own log
has it, and the records say how far was told; what lies between, `webapp/announcer.py` tells.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, select, update
from sqlalchemy.exc import IntegrityError

from prompt_repo.git_store import GitStore
from prompt_repo.model import RefMove
from webapp.records import Records
from webapp.records.webhook_models import Announced

log = structlog.get_logger(__name__)
GRACE = timedelta(seconds=10)
"""How long whoever moved a branch has to tell of it."""


def told(records: Records, branch: str, old: str | None, new: str) -> bool:
    """Notes that a move was told of; not where an earlier one wasn't, for that is found by it."""
    moved = update(Announced).where(Announced.branch == branch, Announced.commit == old)
    with records.writing() as session:
        done = cast("CursorResult[Any]", session.execute(moved.values(commit=new)))
        return done.rowcount == 1


def missing(store: GitStore, branch: str, since: str) -> list[RefMove]:
    """The moves of a branch since a commit, oldest first; one for all where the log is cut off."""
    moves = store.moves(branch)
    begins = [place for place, move in enumerate(moves) if move.old == since]
    if begins:
        return moves[begins[-1] :]
    head = store.head(branch)
    at = moves[-1].at if moves else datetime.now(UTC) - GRACE
    return [RefMove(since, head, at)] if head not in (None, since) else []


def known(records: Records) -> dict[str, str]:
    """The commit up to which each branch was told of."""
    return {
        row.branch: row.commit for row in records.rows(select(Announced.branch, Announced.commit))
    }


def begin(records: Records, branch: str, head: str) -> None:
    """Tells of a branch from here on."""
    try:
        with records.writing() as session:
            session.add(Announced(branch=branch, commit=head))
    except IntegrityError:
        log.debug("another process began to tell of a branch", branch=branch)
