"""What is done about the audit log by the clock: enter what is missing, cut what is old, anchor.

A commit may have no entry: plain git on the server's disk, a promotion from the command line, or a
power cut that took an entry which did not wait for the disk. Git has all there is to know of it,
apart from where it came from.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import select

from prompt_repo.errors import GitFailed, PromptRepoError
from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.model import Commit
from prompt_repo.repository import Repository
from webapp import audit, audit_anchors, audit_entries, audit_log, clock
from webapp.audit_anchors import ACTOR
from webapp.records import Records
from webapp.records.models import AuditEntry

log = structlog.get_logger(__name__)
SEALED = "audit log"
CAUGHT_UP, FOUND = "audit.catch-up", "git.commit"
FOLLOWED = 10_000  # commits of one branch that are entered one by one
PUSHED = 100  # of one push; the rest are found when the log is tended
COMMITS = 500  # asked about at a time


def tend(records: Records, repository: Repository, days: int) -> None:
    """All of it; what can't be done is logged, and tried again the next time."""
    try:
        catch_up(records, repository)
        if days:
            seal(records, repository, days)
        audit_anchors.anchor(records, repository.store.path)
    except PromptRepoError as error:
        log.warning("the audit log can't be tended", exc_info=error)


def catch_up(records: Records, repository: Repository) -> int:
    """Enters the commits of both environments that no entry names; gives how many.

    The first time only says where the branches are: what was before is not for the log to tell.
    """
    heads = {name: head for name in ENVIRONMENTS if (head := repository.store.head(name))}
    before = _caught_up(records)
    if before == heads:
        return 0
    count = 0
    for branch, head in heads.items():
        if before and head != before.get(branch):
            count += _enter_missing(records, repository, branch, before.get(branch), head)
    audit.from_background(records, ACTOR, CAUGHT_UP, "branches", "done", heads=heads, found=count)
    return count


def brought(repository: Repository, old: str | None, new: str) -> Iterator[Commit]:
    """The commits of a branch's own line that moved it, oldest first; of many the newest."""
    newest = list(islice(_line(repository, old, new), PUSHED))
    return (repository.store.commit(oid) for oid in reversed(newest))


def told(commit: Commit) -> dict[str, Any]:
    """What an entry says of a commit that came by Git."""
    facts = audit_entries.changes_of(commit)
    author = f"{commit.author.name} <{commit.author.email}>"
    return {**facts, "author": author, "committed_at": commit.committed_at.isoformat()}


def seal(
    records: Records, repository: Repository, days: int, entry: AuditEntry | None = None
) -> int:
    """Seals what is older than so many days, has Git keep the seal, and cuts; gives how many.

    Raises GitFailed and GitMissing, with nothing cut. The `entry` says who did it, by the clock
    where there is none.
    """
    before = clock.now() - timedelta(days=days)
    entry = entry or audit.unasked(ACTOR, audit_log.SEALED, SEALED, "done")
    audit_log.seal(records, before, audit_entries.columns(entry))
    sealed = audit_log.last_seal(records)
    if sealed is None:
        return 0
    anchored = audit_anchors.newest(repository.store.path)
    if anchored is None or anchored.sealed != sealed.through:
        audit_anchors.anchor(records, repository.store.path)
        anchored = audit_anchors.newest(repository.store.path)
    if anchored is None or anchored.sealed_hash != sealed.hash:
        raise GitFailed("update-ref", "Git doesn't hold the seal, so nothing was cut")
    return audit_log.cut(records)


def _caught_up(records: Records) -> dict[str, str]:
    """Where the branches were when they were last looked at."""
    query = (
        select(AuditEntry.detail)
        .where(AuditEntry.action == CAUGHT_UP)
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    rows = records.rows(query)
    heads: dict[str, str] = rows[0][0].get("heads", {}) if rows else {}
    return heads


def _enter_missing(
    records: Records, repository: Repository, branch: str, old: str | None, new: str
) -> int:
    count, began = 0, None
    waiting = list(islice(_line(repository, old, new), FOLLOWED))
    for start in range(0, len(waiting), COMMITS):
        part = waiting[start : start + COMMITS]
        known = _entered(records, part)
        for oid in part:
            began = None if oid == began else began
            if oid in known:
                began = known[oid] or began
            if oid in known or began is not None:
                continue
            facts = told(repository.store.commit(oid))
            audit.from_background(records, ACTOR, FOUND, branch, "done", **facts)
            count += 1
    return count


def _line(repository: Repository, old: str | None, new: str) -> Iterator[str]:
    """The commits of a branch's own line since `old`, newest first."""
    at: str | None = new
    while at is not None and at != old:
        yield at
        at = next(iter(repository.store.parents(at)), None)


def _entered(records: Records, commits: list[str]) -> dict[str, str | None]:
    """Those of the commits that an entry says were written; others may only name them.

    Each with where the branch was, if its entry tells of more commits than this one.
    """
    query = select(AuditEntry.commit, AuditEntry.detail).where(AuditEntry.commit.in_(commits))
    wrote = (row for row in records.rows(query) if audit_entries.WROTE in row[1])
    return {commit: detail.get(audit_entries.SINCE) for commit, detail in wrote}
