"""How the environments differ now, worked out once for each pair of commits."""

import structlog

from prompt_repo.drift import Plan, State, between
from prompt_repo.errors import PromptRepoError
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from webapp.services import repository

log = structlog.get_logger(__name__)
WAITING = (State.AHEAD, State.DIVERGED)


def plan_now(repository: Repository) -> Plan:
    """The plan as it is now; kept with staging's catalogue while neither branch moves."""
    staging, production = repository.current(STAGING), repository.current(PRODUCTION)
    known: Plan | None = staging.kept.get(plan_now)
    if known is None or known.production != production.commit:
        known = staging.kept[plan_now] = between(repository, staging, production)
    return known


def waiting() -> int:
    """How many documents wait to be promoted, for the rail; 0 where nobody can tell.

    The rail stands on pages that need no prompts, which go on working where there are none.
    """
    try:
        plan = plan_now(repository())
    except PromptRepoError as error:
        log.warning("what waits to be promoted can't be counted", why=str(error))
        return 0
    return sum(item.state in WAITING for item in plan.items)
