"""Imports that take a worker: asked for, and looked after (`webapp/import_work.py` does them)."""

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis
import structlog
from flask import request

from prompt_repo.errors import RevisionNotFound
from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.transfer_apply import Choices
from prompt_repo.transfer_plan import Strategy
from webapp import audit, clock, exports, job_progress, transfers
from webapp.access import Caller, Role, Scope, caller
from webapp.job_progress import Standing
from webapp.queue import UPKEEP, Jobs, NoQueue
from webapp.records import Records
from webapp.records.transfer_models import Kind, Status, Transfer
from webapp.security import request_id
from webapp.services import jobs, records, repository, settings
from webapp.transfer_errors import TransferState

log = structlog.get_logger(__name__)
AT_ONCE = 1_000_000  # bytes of a file that is read while one waits, some 2,000 prompts
PICTURE = b"\x89PNG\r\n\x1a\n"  # holds one character, however large it is
SENT = "sent"  # the file, in the folder of its import
SECONDS = 3_600  # that a job may take
GRACE = timedelta(minutes=1)  # until a job that the queue doesn't know is missed
AT_MOST = timedelta(minutes=10)  # that a small import may take, which is no job
UNREAD = (Status.PENDING, Status.PROCESSING)
AT_WORK = (*UNREAD, Status.IMPORTING, Status.LANDING)
READING, CARRYING = "reading", "carrying"
DIED = "the worker that had it died, and nothing was imported"


@dataclass(frozen=True)
class Decided:
    """How an import shall be carried out; with a `title` it is proposed."""

    choices: Choices = field(default_factory=Choices)
    reason: str = ""
    title: str | None = None
    commit: str | None = None
    """Only if the plan is of this commit."""


def is_large(source: Path) -> bool:
    """Whether a file takes longer than people wait for a page."""
    if source.stat().st_size <= AT_ONCE:
        return False
    with source.open("rb") as file:
        return file.read(len(PICTURE)) != PICTURE


def ask_plan(made: Transfer, wanted: Decided | None) -> None:
    """Has a worker read a file, and carry it out where that is wanted; raises NoQueue."""
    options = {**made.options, "large": True, "asked": _asked()}
    if wanted is not None:
        options["wanted"] = _told(wanted)
    transfers.move(records(), made.id, (Status.PENDING,), options=options)
    made.options = options
    try:
        _enqueue("plan_import", made.id, READING)
    except Exception:
        fail(records(), made.id, "it was not queued")
        shutil.rmtree(exports.import_folder(settings(), made.id), ignore_errors=True)
        raise


def ask_carrying_out(found: Transfer, decided: Decided) -> Transfer:
    """Has a worker carry out what was read; raises NoQueue, and then it waits as before."""
    turn = found.options.get("turn", 0) + 1
    options = {**found.options, "asked": _asked(), "wanted": _told(decided), "turn": turn}
    transfers.move(records(), found.id, (Status.IMPORTING,), options=options)
    try:
        _enqueue("carry_out_import", found.id, CARRYING, turn)
    except Exception:
        transfers.move(records(), found.id, (Status.IMPORTING,), status=Status.PREVIEWED)
        raise
    audit.describe(found.name, environment=found.environment, import_id=found.id, queued=True)
    return transfers.find(records(), found.id, Kind.IMPORT)


def standing(kept: Records, queues: Jobs, found: Transfer) -> Transfer:
    """An import as it is; one whose worker died is over, or waits again as it did before."""
    grace = GRACE if found.options.get("large") else AT_MOST
    if not at_work(found) or (found.started_at or found.created_at) > clock.now() - grace:
        return found
    known = [queues.find(job) for job in jobs_of(found)]
    if any(job is not None and (job.waits or job.runs) for job in known):
        return found
    if found.status in UNREAD:
        fail(kept, found.id, f"{DIED}; send the file again")
    elif found.status == Status.LANDING and _has_landed(found):
        told = found.facts["landing"]
        done = {name: told[name] for name in ("before", "after", "documents", "commits")}
        over = {"status": Status.IMPORTED, "facts": {**found.facts, "done": done}}
        transfers.move_begun(kept, found, (Status.LANDING,), **over)
    else:
        again = f"{DIED}; look at the plan and import again"
        back = {"status": Status.PREVIEWED, "error": again}
        transfers.move_begun(kept, found, AT_WORK, **back)
    return transfers.find(kept, found.id, Kind.IMPORT)


def _has_landed(found: Transfer) -> bool:
    """Whether an environment holds what an import was about to bring when its worker died."""
    told, store = found.facts["landing"], repository().store
    head = store.head(told["branch"])
    try:
        return told["branch"] in ENVIRONMENTS and store.is_ancestor(told["after"], head or "")
    except RevisionNotFound:  # its objects never arrived
        return False


def cancel(found: Transfer) -> Transfer:
    """Calls off what a worker has, or is to have; raises TransferState where that can't be.

    A file that is not read to its end is forgotten. What was being carried out waits again as it
    did before: the branch moves at the very end, and what is landing can't be called off.
    """
    over = {"status": Status.CANCELLED, "completed_at": clock.now()}
    back = {"status": Status.PREVIEWED, "error": f"it was cancelled by {caller().name}"}
    forgotten = transfers.move(records(), found.id, UNREAD, **over)
    if not forgotten and not transfers.move(records(), found.id, (Status.IMPORTING,), **back):
        found = transfers.find(records(), found.id, Kind.IMPORT)
        raise TransferState(_too_late(found))
    try:
        for job in jobs_of(found):
            jobs().cancel(job)
    except NoQueue as error:  # the worker finds out by itself, before it moves the branch
        log.warning("a cancelled import's job stays in the queue", id=found.id, exc_info=error)
    if forgotten:
        shutil.rmtree(exports.import_folder(settings(), found.id), ignore_errors=True)
    before, after = found.status, Status.CANCELLED if forgotten else Status.PREVIEWED
    audit.describe(found.name, import_id=found.id, before=str(before), after=str(after))
    return transfers.find(records(), found.id, Kind.IMPORT)


def _too_late(found: Transfer) -> str:
    if found.status == Status.LANDING:
        return "it is going in at this moment; when it is there, it can be undone"
    return f"there is nothing to cancel: this import is {found.status}"


def at_work(found: Transfer) -> bool:
    """Whether an import may still change by itself."""
    return found.status in AT_WORK


def progress_of(client: "redis.Redis | None", found: Transfer) -> Standing:
    """How far a worker is with an import."""
    job = jobs_of(found)[found.status not in UNREAD]
    return job_progress.read(client if at_work(found) else None, job)


def jobs_of(found: Transfer) -> tuple[str, str]:
    """The ids of the jobs that read an import's file, and carry it out this time."""
    turn = found.options.get("turn", 0)
    return job_of(found.id, READING), job_of(found.id, CARRYING, turn)


def job_of(ident: str, step: str, turn: int = 0) -> str:
    """The id of the job that does a step of an import; what was cancelled takes another turn."""
    return f"import-{ident}-{step}" + (f"-{turn}" if turn else "")


def _enqueue(function: str, ident: str, step: str, turn: int = 0) -> None:
    job = job_of(ident, step, turn)
    jobs().enqueue(UPKEEP, function, ident, ident=job, seconds=SECONDS)


def fail(kept: Records, ident: str, why: str) -> None:
    """An import whose file was never read to its end is over."""
    over = {"status": Status.FAILED, "error": why[:4000], "completed_at": clock.now()}
    transfers.move(kept, ident, UNREAD, **over)


def _asked() -> dict[str, Any]:
    return {
        "caller": _plain(caller()),
        "address": (request.remote_addr or "")[:64],
        "request_id": request_id(),
    }


def _told(decided: Decided) -> dict[str, Any]:
    default = decided.choices.default
    return {
        "strategy": str(default) if default else None,
        "each": {path: str(word) for path, word in decided.choices.each.items()},
        "reason": decided.reason,
        "title": decided.title,
        "commit": decided.commit,
    }


def decided_by(found: Transfer) -> Decided:
    """How an import shall be carried out, as far as it was said."""
    return decided_of(found.options["wanted"]) if "wanted" in found.options else Decided()


def decided_of(told: dict[str, Any]) -> Decided:
    """How an import shall be carried out, from its options."""
    default = Strategy(told["strategy"]) if told["strategy"] else None
    each = {path: Strategy(word) for path, word in told["each"].items()}
    return Decided(Choices(default, each), told["reason"], told["title"], told["commit"])


def _plain(who: Caller) -> dict[str, Any]:
    """Who asks, as JSON keeps it; the job has the rights that they had then."""
    return {
        "actor": who.actor,
        "name": who.name,
        "display_name": who.display_name,
        "email": who.email,
        "role": str(who.role) if who.role else None,
        "scopes": sorted(who.scopes),
        "environments": sorted(who.environments) if who.environments is not None else None,
        "account_id": who.account_id,
        "token_id": who.token_id,
        "made_by": who.made_by,
    }


def caller_of(told: dict[str, Any]) -> Caller:
    """Who asked, from the options of an import."""
    environments = told["environments"]
    return Caller(
        **{
            **told,
            "role": Role(told["role"]) if told["role"] else None,
            "scopes": frozenset(Scope(each) for each in told["scopes"]),
            "environments": frozenset(environments) if environments is not None else None,
        }
    )
