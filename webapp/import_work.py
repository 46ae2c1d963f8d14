"""What a worker does of an import, as whoever asked for it: reads the file, carries it out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog
from flask import Flask, g

from prompt_repo.errors import PromptRepoError
from prompt_repo.progress import Progress, silent
from prompt_repo.transfer_errors import ImportConflicts
from webapp import audit, audit_entries, clock, exports, import_jobs, imports, transfers
from webapp.change_records import ChangeState
from webapp.import_jobs import READING, SENT, Decided, caller_of, decided_of, job_of, jobs_of
from webapp.job_progress import Reporter
from webapp.records.transfer_models import Kind, Status, Transfer
from webapp.services import records, repository, services, settings
from webapp.transfer_errors import TransferCancelled, TransferError

log = structlog.get_logger(__name__)
SHARES = {"Reading": (0.0, 0.7), "Comparing": (0.7, 1.0), "Writing versions": (0.0, 0.8)}
"""Which part of a job's work each of its steps is."""
WORDS = {
    "Reading": "Reading the file",
    "Comparing": "Comparing it with what stands here",
    "Writing versions": "Writing versions",
}
REFUSALS = (PromptRepoError, TransferError, ChangeState, OSError)


def make_plan(app: Flask, ident: str) -> None:
    """Reads a file; and carries it out where that was wanted, and nothing is undecided."""
    with _job(app, ident, Status.PENDING, Status.PROCESSING) as found:
        if found is None:
            return
        source = exports.import_folder(settings(), ident) / SENT
        base, creates = found.options["base"], found.options["create_characters"]
        given = imports.Given(found.environment, source, found.name, base, creates)
        progress = _progress(job_of(ident, READING))
        found = imports.read(records(), settings(), repository(), found, given, progress)
        source.unlink(missing_ok=True)
        if "wanted" in found.options and found.status == Status.PREVIEWED:
            _carry_on(found, decided_of(found.options["wanted"]))


def carry_out(app: Flask, ident: str) -> None:
    """Carries out what was read before."""
    with _job(app, ident, Status.IMPORTING, Status.IMPORTING) as found:
        if found is not None:
            imports.finish(found, decided_of(found.options["wanted"]), _carrying(found))


def _carry_on(found: Transfer, decided: Decided) -> None:
    if decided.commit is not None and decided.commit != found.commit:
        raise imports.moved_since(found, decided.commit)
    waiting = imports.waiting(found, decided.choices)
    if waiting:
        raise ImportConflicts(waiting)
    began = {"status": Status.IMPORTING, "started_at": clock.now()}
    if transfers.move(records(), found.id, (Status.PREVIEWED,), **began):
        found = transfers.find(records(), found.id, Kind.IMPORT)
        imports.finish(found, decided, _carrying(found))


@contextmanager
def _job(app: Flask, ident: str, before: Status, during: Status) -> Iterator[Transfer | None]:
    """An import to work on, as whoever asked for it; None where another worker has it.

    What is refused is told to the person, and what came of it is in the audit log.
    """
    with app.app_context():
        began = {"status": during, "started_at": clock.now()}
        if not transfers.move(records(), ident, (before,), **began):
            yield None
            return
        found = transfers.find(records(), ident, Kind.IMPORT)
        g.caller = caller_of(found.options["asked"]["caller"])
        why = ""
        try:
            yield found
        except TransferCancelled as error:
            why = str(error)  # whoever cancelled it said where it goes from there
        except REFUSALS as error:
            log.info("an import was refused", id=ident, exc_info=error)
            why = str(error)
            import_jobs.fail(records(), ident, why)
            transfers.move(records(), ident, (Status.PREVIEWED,), error=why[:4000])
        _enter(transfers.find(records(), ident, Kind.IMPORT), why)


def _enter(found: Transfer, why: str) -> None:
    """The audit log's entry, which names the request that asked for this."""
    asked = found.options["asked"]
    outcome = "failed" if why or found.status == Status.REFUSED else "done"
    detail = {"import_id": found.id, "environment": found.environment, "state": str(found.status)}
    detail |= g.get("audit_detail", {}) | ({"why": why} if why else {})
    if found.status == Status.IMPORTED:
        detail |= _written(found.facts["done"])
    entry = audit.unasked(g.caller.actor, "imports.worker", found.name, outcome, **detail)
    entry.address, entry.request_id = asked["address"], asked["request_id"]
    audit_entries.write(records(), entry)


def _written(done: dict[str, Any]) -> dict[str, Any]:
    """What an import wrote; all its commits are its own, down to where the branch was."""
    store = repository().store
    tip = store.header(done["after"])
    commit = replace(tip, changes=tuple(store.changed(done["before"], done["after"])))
    return {**audit_entries.changes_of(commit), audit_entries.SINCE: done["before"]}


def _carrying(found: Transfer) -> Progress:
    return _progress(jobs_of(found)[1])


def _progress(ident: str) -> Progress:
    client = services().redis
    if client is None:
        return silent
    reporter = Reporter(client, ident)

    def told(what: str, done: int, of: int | None) -> None:
        begins, ends = SHARES.get(what, (0.0, 1.0))
        part = min(1.0, done / of) if of else 0.0
        count = "" if what == "Reading" else f": {done:,} of {of or done:,}"
        reporter.at(begins + part * (ends - begins), f"{WORDS.get(what, what)}{count}")

    return told
