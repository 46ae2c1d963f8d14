"""The page of background jobs, for admins: queues, workers, what runs, what failed."""

import re
from collections.abc import Sequence
from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from webapp import audit, job_progress, staging_access, syncs
from webapp.access import Scope, access
from webapp.queue import Row
from webapp.services import jobs, services

blueprint = Blueprint("job_pages", __name__, url_prefix="/jobs")
ONE = "/<string(maxlength=200):job>"
PREVIEW = re.compile(r"make_preview\(([0-9a-f-]{36})\)")


@blueprint.get("")
@access(Scope.ADMIN)
def index() -> str:
    """Everything there is to see of jobs."""
    found = jobs().overview()
    if not staging_access.may_enter():
        found = replace(
            found, running=_not_staging_s(found.running), failed=_not_staging_s(found.failed)
        )
    redis = services().redis
    previews = {each.ident: _preview(each) for each in (*found.running, *found.failed)}
    standings = {
        each.ident: job_progress.read(redis, previews[each.ident] or each.ident)
        for each in found.running
    }
    return render_template("jobs/index.html", found=found, standings=standings, previews=previews)


@blueprint.post(f"{ONE}/again")
@access(Scope.ADMIN)
def again(job: str) -> Response:
    """Queues a failed job once more."""
    _check(job)
    done = jobs().run_again(job)
    _enter(job, done, "failed", "waiting")
    flash("Queued again." if done else "This job is no longer among those that failed.")
    return redirect(url_for("job_pages.index"), 303)


@blueprint.post(f"{ONE}/forget")
@access(Scope.ADMIN)
def forget(job: str) -> Response:
    """Takes a failed job off the list; what it was to do stays undone."""
    _check(job)
    done = jobs().forget(job)
    _enter(job, done, "failed", "forgotten")
    flash("Taken off the list." if done else "This job is no longer among those that failed.")
    return redirect(url_for("job_pages.index"), 303)


@blueprint.post(f"{ONE}/stop")
@access(Scope.ADMIN)
def stop(job: str) -> Response:
    """Ends a running job at once."""
    _check(job)
    found = jobs().find(job)
    jobs().cancel(job)
    under_way = found is not None and (found.runs or found.waits)
    _enter(job, under_way, "running" if found and found.runs else "waiting", "told to stop")
    flash("Told to stop." if under_way else "This job is over already.")
    return redirect(url_for("job_pages.index"), 303)


def _not_staging_s(rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(row for row in rows if not syncs.is_job(row.ident))


def _check(job: str) -> None:
    """Who may not enter staging stops no sync either; raises StagingRefused."""
    if syncs.is_job(job):
        staging_access.enter()


def _enter(job: str, done: bool, before: str, after: str) -> None:
    """Says what became of a job, for the audit log."""
    audit.describe(f"job {job}", **({"before": before, "after": after} if done else {}))
    if not done:
        audit.failed("it is over, or was taken off the list")


def _preview(row: Row) -> str:
    """The preview that a job makes, which has a page of its own; empty for other jobs."""
    found = PREVIEW.fullmatch(row.what)
    return found[1] if found else ""
