"""Roll back: production's earlier prompts again, and a roll-back itself taken back."""

from collections.abc import Collection

from prompt_repo.dependencies import check_result
from prompt_repo.errors import (
    NothingToPromote,
    NotInPlan,
    PlanMoved,
    RevisionNotFound,
    RolledBackMoved,
)
from prompt_repo.layout import place_of
from prompt_repo.model import Author, Commit, FileChange
from prompt_repo.reasons import check_reason
from prompt_repo.releases import documents_counted
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.tagging import Promotion, tagged
from prompt_repo.trailers import PROMOTED_FROM, ROLLED_BACK_TO, with_trailers


def roll_back(
    repository: Repository,
    promotion: str,
    author: Author,
    reason: str = "",
    *,
    only: Collection[str] | None = None,
    anyway: Collection[str] = (),
    production: str | None = None,
) -> Promotion:
    """Puts back what a commit of production's line replaced; all of it, or `only` some paths.

    What moved in production since is put back where `anyway` names it. `production` pins the
    commit this was decided on. Raises RevisionNotFound where `promotion` is none of production's
    commits, RolledBackMoved, PlanMoved, NotInPlan, NothingToPromote, InvalidDocument.
    """
    words = check_reason(reason)
    with repository.store.locked():
        head = repository.head(PRODUCTION)
        if production is not None and production != head:
            raise PlanMoved(repository.head(STAGING), head)
        found = find(repository, promotion)
        before = found.parents[0]
        changes = _wanted(repository, head, found, only, anyway)
        blobs = {change.path: change.old for change in changes}
        check_result(repository, repository.catalogue(head), before, list(blobs))
        # Putting back what a roll-back replaced is a promotion again: nothing stays held back.
        again = any(key == ROLLED_BACK_TO for key, _ in found.trailers)
        count = documents_counted(len(blobs))
        said = f"Promote {count} again" if again else f"Roll back {count}"
        source = PROMOTED_FROM if again else ROLLED_BACK_TO, before
        commit = repository.store.write(
            PRODUCTION,
            head,
            {},
            existing=blobs,
            author=author,
            message=with_trailers(words or said, [source]),
        )
        repository.written(PRODUCTION, commit)
        return tagged(repository, head, commit)


def find(repository: Repository, name: str, *, changes: bool = True) -> Commit:
    """A promotion by its commit or its tag, with its changes against production before it.

    Raises RevisionNotFound where it isn't on production's own line, or is where that begins.
    """
    oid = repository.store.resolve(name)
    head = repository.head(PRODUCTION)
    repository.history.ensure(head)
    if not repository.history.follows(head, oid):
        raise RevisionNotFound(name, PRODUCTION)
    found = repository.store.commit(oid) if changes else repository.store.header(oid)
    if not found.parents:
        raise RevisionNotFound(name, PRODUCTION)
    return found


def _wanted(
    repository: Repository,
    head: str,
    promotion: Commit,
    only: Collection[str] | None,
    anyway: Collection[str],
) -> list[FileChange]:
    changes = {each.path: each for each in promotion.changes if place_of(each.path) is not None}
    for path in (*(only or ()), *anyway):
        if path not in changes:
            raise NotInPlan(path, "was changed by this commit")
    wanted = [each for path, each in changes.items() if only is None or path in only]
    now = {each.path: _blob(repository, head, each.path) for each in wanted}
    left = [each for each in wanted if now[each.path] != each.old]
    moved = {each.path for each in left if now[each.path] != each.new}
    undecided = sorted(moved - set(anyway))
    if undecided:
        raise RolledBackMoved(undecided)
    if not left:
        raise NothingToPromote
    return left


def _blob(repository: Repository, commit: str, path: str) -> str | None:
    held = repository.history.held(commit, path)
    return held.blob if held is not None else None
