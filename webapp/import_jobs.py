"""Imports that take a worker: asked for, and looked after (`webapp/import_work.py` does them)."""

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis
from flask import request

from prompt_repo.transfer_apply import Choices
from prompt_repo.transfer_plan import Strategy
from webapp import audit, clock, exports, job_progress, transfers
from webapp.access import Caller, Role, Scope, caller
from webapp.job_progress import Standing
from webapp.queue import UPKEEP, Jobs
from webapp.records import Records
from webapp.records.transfer_models import Kind, Status, Transfer
from webapp.security import request_id
from webapp.services import jobs, records, settings

AT_ONCE = 1_000_000  # bytes of a file that is read while one waits, some 2,000 prompts
PICTURE = b"\x89PNG\r\n\x1a\n"  # holds one character, however large it is
SENT = "sent"  # the file, in the folder of its import
SECONDS = 3_600  # that a job may take
GRACE = timedelta(minutes=1)  # until a job that the queue doesn't know is missed
AT_WORK = (Status.PENDING, Status.PROCESSING, Status.IMPORTING)
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
    options = {**found.options, "asked": _asked(), "wanted": _told(decided)}
    transfers.move(records(), found.id, (Status.IMPORTING,), options=options)
    try:
        _enqueue("carry_out_import", found.id, CARRYING)
    except Exception:
        transfers.move(records(), found.id, (Status.IMPORTING,), status=Status.PREVIEWED)
        raise
    audit.describe(found.name, environment=found.environment, import_id=found.id, queued=True)
    return transfers.find(records(), found.id, Kind.IMPORT)


def standing(kept: Records, queues: Jobs, found: Transfer) -> Transfer:
    """An import as it is; one whose worker died is over, or waits again as it did before."""
    if not at_work(found) or (found.started_at or found.created_at) > clock.now() - GRACE:
        return found
    if found.status == Status.IMPORTING and not found.options.get("large"):
        return found
    known = [queues.find(job_of(found.id, step)) for step in (READING, CARRYING)]
    if any(job is not None and (job.waits or job.runs) for job in known):
        return found
    if found.status == Status.IMPORTING:
        again = f"{DIED}; look at the plan and import again"
        transfers.move(kept, found.id, AT_WORK, status=Status.PREVIEWED, error=again)
    else:
        fail(kept, found.id, f"{DIED}; send the file again")
    return transfers.find(kept, found.id, Kind.IMPORT)


def at_work(found: Transfer) -> bool:
    """Whether an import may still change by itself."""
    return found.status in AT_WORK


def progress_of(client: "redis.Redis | None", found: Transfer) -> Standing:
    """How far a worker is with an import."""
    step = CARRYING if found.status == Status.IMPORTING else READING
    return job_progress.read(client if at_work(found) else None, job_of(found.id, step))


def job_of(ident: str, step: str) -> str:
    """The id of the job that does a step of an import."""
    return f"import-{ident}-{step}"


def _enqueue(function: str, ident: str, step: str) -> None:
    jobs().enqueue(UPKEEP, function, ident, ident=job_of(ident, step), seconds=SECONDS)


def fail(kept: Records, ident: str, why: str) -> None:
    """An import whose file was never read to its end is over."""
    waiting = (Status.PENDING, Status.PROCESSING)
    over = {"status": Status.FAILED, "error": why[:4000], "completed_at": clock.now()}
    transfers.move(kept, ident, waiting, **over)


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
