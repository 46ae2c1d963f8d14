"""What there is to say of a document that differs: its versions since, and where they parted."""

from itertools import takewhile

from prompt_repo.drift import Drift, Plan, State
from prompt_repo.model import Version
from prompt_repo.repository import Repository

FAR = 500  # versions of each side in which their common beginning is looked for


def since(
    repository: Repository, commit: str, path: str, number: int, limit: int
) -> tuple[Version, ...]:
    """The newest versions of a path at a commit, at most `limit`, down to after `number`."""
    page = repository.history.page(commit, path, limit=limit)
    return tuple(takewhile(lambda version: version.number > number, page.versions))


def parted(repository: Repository, plan: Plan, path: str) -> Version | None:
    """The newest version that both environments' chains of a path hold; None: there is none."""
    sides = [
        repository.history.page(commit, path, limit=FAR).versions
        for commit in (plan.staging, plan.production)
    ]
    known = {version.commit for version in sides[1]}
    return next((version for version in sides[0] if version.commit in known), None)


def news(
    repository: Repository, plan: Plan, item: Drift, limit: int
) -> tuple[tuple[Version, ...], tuple[Version, ...]]:
    """What staging has beyond production, and production beyond staging; newest first."""
    ours, theirs = item.staging, item.production
    if item.state is State.DIVERGED:
        base = parted(repository, plan, item.path)
        low = high = base.number if base is not None else 0
    else:
        low, high = theirs.number if theirs else 0, ours.number if ours else 0
    return (
        since(repository, plan.staging, item.path, low, limit) if ours else (),
        since(repository, plan.production, item.path, high, limit) if theirs else (),
    )
