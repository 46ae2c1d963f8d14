"""Sees to it that no preview waits or runs for ever, whatever died in between."""

from datetime import timedelta

import structlog
from sqlalchemy import select, update

from webapp import clock, preview_errors, previews
from webapp.config import Settings
from webapp.queue import PREVIEWS, Found, Jobs
from webapp.records import Records
from webapp.records.preview_models import AT_WORK, Preview, Status

log = structlog.get_logger(__name__)
GRACE = timedelta(seconds=5)
"""How long a preview may be in the records before it is in the queue."""
MOST_AGAIN = 3  # times that a preview whose job vanished before it began is queued again
LOST = "the worker that made this clip ended before it was done; nothing of it is kept"


def look(records: Records, settings: Settings, jobs: Jobs) -> None:
    """Compares every preview that is not over with its job; raises NoQueue."""
    with records.reading() as session:
        at_work = list(session.scalars(select(Preview).where(Preview.status.in_(AT_WORK))))
    for preview in at_work:
        waits = preview.status == Status.PENDING
        attempt = preview.attempts + 1 if waits else preview.attempts
        found = jobs.find(previews.job_of(preview.id, attempt))
        if found is not None and (found.waits or found.runs):
            continue
        if waits:
            _queue_again(records, settings, jobs, preview, found)
        elif _still(records, preview):
            _fail(records, preview, _reason(found))


def _queue_again(
    records: Records, settings: Settings, jobs: Jobs, preview: Preview, found: Found | None
) -> None:
    if preview.created_at > clock.now() - GRACE or not _still(records, preview):
        return
    times = preview.facts.get("queued_again", 0)
    if times >= MOST_AGAIN:
        _fail(records, preview, f"{times + 1} workers ended before they began it; {_reason(found)}")
        return
    with records.writing() as session:
        session.execute(
            update(Preview)
            .where(Preview.id == preview.id, Preview.status == Status.PENDING)
            .values(facts={**preview.facts, "queued_again": times + 1})
        )
    log.warning("a preview was not in the queue", preview=preview.id)
    ident = previews.job_of(preview.id, preview.attempts + 1)
    seconds = settings.preview_time_limit
    jobs.enqueue(PREVIEWS, "make_preview", preview.id, ident=ident, seconds=seconds)


def _still(records: Records, preview: Preview) -> bool:
    """Whether it stands as it did when we looked: its job may have ended just before ours did."""
    try:
        now = previews.find(records, preview.id)
    except preview_errors.PreviewNotFound:
        return False
    return (now.status, now.attempts) == (preview.status, preview.attempts)


def _fail(records: Records, preview: Preview, reason: str) -> None:
    log.warning("a preview failed", preview=preview.id, reason=reason)
    previews.fail(records, preview.id, reason)


def _reason(found: Found | None) -> str:
    """Why a job is over, in words for the person who asked."""
    why = found.failure if found else ""
    if not why or "Abandoned" in why or "Work-horse" in why:
        signal = " (it was killed)" if "signal 9" in why or "Abandoned" in why else ""
        return LOST + signal
    if "Timeout" in why:
        return "making this clip took longer than PROMPT_REPO_PREVIEW_TIME_LIMIT allows"
    return f"the program failed: {why.splitlines()[-1]}"
