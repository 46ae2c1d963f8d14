"""Which environments change by reviewed change requests alone, for every way in.

Edits by the editor, the API and in bulk are refused where they are carried out, for the repository
knows `reviewed`; whoever moves a branch otherwise (a push) asks `require_direct` first.
"""

from prompt_repo.errors import ReviewRequired
from prompt_repo.repository import PRODUCTION, STAGING
from webapp.config import Settings


def approvals(settings: Settings, environment: str) -> int:
    """How many approvals a change request needs before it may be merged into an environment."""
    needed = {STAGING: settings.approvals_staging, PRODUCTION: settings.approvals_production}
    return needed[environment]


def reviewed(settings: Settings) -> frozenset[str]:
    """The environments that nobody edits directly, though they are no production."""
    return frozenset({STAGING} if settings.approvals_staging else ())


def require_direct(settings: Settings, branch: str) -> None:
    """Lets a branch be moved without a change request; raises ReviewRequired where it may not."""
    if branch in reviewed(settings):
        raise ReviewRequired(branch)
