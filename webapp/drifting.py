"""How much of what differs between the environments waits to be promoted."""

import structlog

from prompt_repo.drift import State, compare
from prompt_repo.errors import PromptRepoError
from webapp.services import repository

log = structlog.get_logger(__name__)
WAITING = (State.AHEAD, State.DIVERGED)


def waiting() -> int:
    """How many documents wait to be promoted, for the rail; 0 where nobody can tell.

    The rail stands on pages that need no prompts, which go on working where there are none.
    """
    try:
        plan = compare(repository())
    except PromptRepoError as error:
        log.warning("what waits to be promoted can't be counted", why=str(error))
        return 0
    return sum(item.state in WAITING for item in plan.items)
