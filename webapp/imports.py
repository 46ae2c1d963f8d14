"""Imports as they are carried out: a plan that waits, then one move, or a proposal.

Small files are read while one waits; larger ones take a worker, which does the same as whoever
asked for it (`webapp/import_jobs.py`).
"""

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from prompt_repo import transfer_apply, transfer_deciding
from prompt_repo.changes import Opened
from prompt_repo.errors import RevisionNotFound
from prompt_repo.model import Author
from prompt_repo.progress import Progress, silent
from prompt_repo.repository import PRODUCTION, Repository
from prompt_repo.transfer_apply import Choices, Imported, Order
from prompt_repo.transfer_errors import ImportMoved, InvalidFile
from prompt_repo.transfer_plan import Plan, Strategy, opened, plan
from prompt_repo.transfer_reading import read_path
from prompt_repo.transfer_staged import Staged
from webapp import (
    audit,
    audit_entries,
    change_requests,
    clock,
    exports,
    import_jobs,
    import_renewing,
    transfers,
)
from webapp.access import Caller, caller, require_environment
from webapp.change_requests import Draft
from webapp.config import Settings
from webapp.formatting import counted
from webapp.import_jobs import Decided
from webapp.records import Records
from webapp.records.change_models import ChangeRequest
from webapp.records.transfer_models import Kind, Status, Transfer
from webapp.services import records, repository, settings
from webapp.transfer_errors import ImportGone, TransferCancelled, TransferState

STAGED = "staged.sqlite3"
UNDER_WAY = (Status.IMPORTING, Status.LANDING)


@dataclass(frozen=True)
class Given:
    """A file that was sent, and what was said of it."""

    environment: str
    source: Path
    name: str
    base: str | None = None
    create_characters: bool = False


def preview(given: Given, wanted: Decided | None = None) -> Transfer:
    """Reads a file whole, and keeps the plan of its import for a day.

    A file with errors is kept as refused, with its problems. A large one is read by a worker,
    who carries it out as well where that is `wanted`. Raises TooManyTransfers, NoQueue.
    """
    require_environment(given.environment)
    if import_jobs.is_large(given.source):
        made = begin(records(), settings(), repository(), caller(), given)
        folder = exports.import_folder(settings(), made.id)
        shutil.move(given.source, folder / import_jobs.SENT)
        import_jobs.ask_plan(made, wanted)
    else:
        made = prepare(records(), settings(), repository(), caller(), given)
    audit.describe(given.name, environment=given.environment, import_id=made.id)
    if made.status == Status.REFUSED:
        audit.failed(f"the file has {counted(made.facts['count'], 'error')}")
    return made


def prepare(
    kept: Records, told: Settings, found: Repository, who: Caller, given: Given
) -> Transfer:
    """The same for whoever it is, outside of a request."""
    made = begin(kept, told, found, who, given)
    return read(kept, told, found, made, given)


def begin(kept: Records, told: Settings, found: Repository, who: Caller, given: Given) -> Transfer:
    """Enters an import, and makes its folder; raises TooManyTransfers."""
    options = {"base": given.base, "create_characters": given.create_characters}
    head = found.head(given.environment)
    made = transfers.begin(
        kept, told, who, Kind.IMPORT, given.environment, head, given.name, options
    )
    exports.import_folder(told, made.id).mkdir(parents=True, mode=0o700)
    return made


def read(
    kept: Records,
    told: Settings,
    found: Repository,
    made: Transfer,
    given: Given,
    progress: Progress = silent,
) -> Transfer:
    """Reads the file of an import, and keeps its plan, or what is wrong with it."""
    folder = exports.import_folder(told, made.id)
    staged = Staged.make(folder / STAGED, given.name)
    try:
        facts = _planned(found, staged, given, progress)
    except InvalidFile as invalid:
        staged.close()
        over = _refused(invalid)
    else:
        staged.keep()
        over = {"status": Status.PREVIEWED, "commit": facts.pop("commit"), "facts": facts}
    wanted = transfers.move(kept, made.id, import_jobs.UNREAD, **over)
    if not wanted or over["status"] == Status.REFUSED:  # or it was cancelled meanwhile
        shutil.rmtree(folder, ignore_errors=True)
    return transfers.find(kept, made.id, Kind.IMPORT)


@contextmanager
def plan_of(found: Transfer) -> Iterator[Plan]:
    """The plan that waits; raises ImportGone where it expired."""
    file = _file(found)
    if is_gone(found):
        raise ImportGone
    told = found.facts
    staged = Staged.open(file, found.name, told.get("base"), told.get("warnings", ()))
    try:
        yield opened(found.environment, staged.commit or found.commit, staged)
    except BaseException:
        staged.close()
        raise
    staged.keep()


def is_gone(found: Transfer) -> bool:
    """Whether the plan that waited expired."""
    over = found.cleaned_at is not None or clock.now() >= found.expires_at
    return over or not _file(found).exists()


def choices_of(found: Transfer) -> Choices:
    """What was decided about conflicts so far."""
    told = found.facts.get("choices", {})
    default = found.facts.get("strategy")
    each = {path: Strategy(word) for path, word in told.items()}
    return Choices(Strategy(default) if default else None, each)


def decisions_of(found: Transfer) -> dict[str, Any]:
    """The same as the records keep it: the strategy, and the words for single documents."""
    return {"strategy": found.facts.get("strategy"), **found.facts.get("choices", {})}


def waiting(found: Transfer, choices: Choices) -> list[str]:
    """The conflicts of an import that nobody has decided, or that a merge can't join."""
    with plan_of(found) as planned:
        return transfer_apply.undecided(planned, choices)


def decide(found: Transfer, strategy: Strategy | None, each: Mapping[str, Strategy]) -> Transfer:
    """Keeps decisions about conflicts beside those made before."""
    before = choices_of(found)
    told = import_renewing.words({**before.each, **each})
    facts = {**found.facts, "strategy": str(strategy) if strategy else None, "choices": told}
    transfers.move(records(), found.id, (Status.PREVIEWED,), facts=facts)
    return transfers.find(records(), found.id, Kind.IMPORT)


def write(found: Transfer, texts: Mapping[str, str], chosen: Collection[str]) -> list[str]:
    """Keeps texts that somebody wrote for conflicts; gives the paths of those that are new.

    Those that are `chosen` were asked for, however they read. Raises InvalidDocument, with nothing
    kept.
    """
    with plan_of(found) as planned:
        return [
            path
            for path, text in texts.items()
            if transfer_deciding.settle(repository(), planned, path, text, chosen=path in chosen)
        ]


def carry_out(found: Transfer, decided: Decided) -> Transfer:
    """Imports what was previewed, or proposes it; of production it is always proposed.

    Raises ImportConflicts, TransferState where it was carried out before, and what
    `transfer_apply` raises; then it waits as before. With ImportMoved it waits with a new plan;
    with InvalidFile it is refused, because the file doesn't fit any more.
    """
    require_environment(found.environment)
    facts = {name: value for name, value in found.facts.items() if name != "moved"}
    began = {"status": Status.IMPORTING, "started_at": clock.now(), "error": "", "facts": facts}
    if not transfers.move(records(), found.id, (Status.PREVIEWED,), **began):
        raise TransferState(f"this import is {found.status} already")
    found = transfers.find(records(), found.id, Kind.IMPORT)
    if found.options.get("large"):
        return import_jobs.ask_carrying_out(found, decided)
    return finish(found, decided)


def finish(found: Transfer, decided: Decided, progress: Progress = silent) -> Transfer:
    """Carries out an import that is marked as being carried out; raises as `carry_out`.

    Until its branch moves it may be cancelled; then it raises TransferCancelled.
    """
    over: dict[str, Any] = {"status": Status.PREVIEWED, "facts": found.facts}
    try:
        with plan_of(found) as planned:
            over = _carried_out(found, planned, decided, progress)
    except ImportMoved as moved:
        try:
            over |= import_renewing.renewed(found, _file(found), decided.choices, moved, progress)
        except InvalidFile as invalid:
            over = _refused(invalid)
            raise
        raise
    finally:
        if over["status"] != Status.PREVIEWED:
            over["completed_at"] = clock.now()
        transfers.move_begun(records(), found, UNDER_WAY, **over)
        if over["status"] == Status.REFUSED:
            shutil.rmtree(_file(found).parent, ignore_errors=True)
    return transfers.find(records(), found.id, Kind.IMPORT)


def _carried_out(
    found: Transfer, planned: Plan, decided: Decided, progress: Progress
) -> dict[str, Any]:
    order = Order(caller().author, decided.reason, decided.choices, partial(_land, found))
    if decided.title is not None or found.environment == PRODUCTION:
        row = _proposed(found, planned, order, decided.title or f"Import {found.name}")
        audit.describe(found.name, change=row.number)
        return {"status": Status.PROPOSED, "facts": {**found.facts, "change": row.number}}
    done = transfer_apply.apply(repository(), planned, order, progress)
    whole = {audit_entries.SINCE: done.before} if done.documents else {}
    audit.describe(found.name, commit=done.after, documents=done.documents, **whole)
    return {"status": Status.IMPORTED, "facts": {**found.facts, "done": _told(done)}}


def moved_since(found: Transfer, commit: str) -> ImportMoved:
    """What an import is about that moved since a commit that it shall be held to."""
    with plan_of(found) as planned, suppress(RevisionNotFound):
        paths = transfer_apply.moved(repository(), planned, commit, planned.commit)
        return ImportMoved(found.environment, commit, found.commit, paths)
    return ImportMoved(found.environment, commit, found.commit)


def _land(found: Transfer, done: Imported) -> None:
    """Notes what is about to move, where nobody called it off; a dead worker is judged by it."""
    facts = {**found.facts, "landing": {"branch": done.branch, **_told(done)}}
    landing = {"status": Status.LANDING, "facts": facts}
    if not transfers.move_begun(records(), found, UNDER_WAY, **landing):
        raise TransferCancelled


def undo(found: Transfer, author: Author) -> Transfer:
    """Puts back what an import changed; raises TransferState, ImportEdited."""
    require_environment(found.environment)
    done = found.facts.get("done")
    if found.status != Status.IMPORTED or not done or done["before"] == done["after"]:
        raise TransferState("there is nothing of this import to undo")
    imported = Imported(found.environment, **done)
    reason = f"Undo the import of {found.name}"
    undone = transfer_apply.undo(repository(), imported, author, reason)
    facts = {**found.facts, "undone": undone.after}
    transfers.move(records(), found.id, (Status.IMPORTED,), status=Status.UNDONE, facts=facts)
    audit.describe(found.name, commit=undone.after)
    return transfers.find(records(), found.id, Kind.IMPORT)


def _planned(kept: Repository, staged: Staged, given: Given, progress: Progress) -> dict[str, Any]:
    """Reads and compares; gives what is to be kept of it. Raises InvalidFile."""
    emotions = kept.current(given.environment).configuration.emotions
    read_path(given.source, staged, emotions, progress)
    found = plan(
        kept,
        given.environment,
        staged,
        base=given.base,
        create_characters=given.create_characters,
        progress=progress,
    )
    told = import_renewing.facts_of(found)
    told["warnings"] = transfers.few(found.warnings)
    return {**told, "base": given.base or staged.base, "commit": found.commit}


def _proposed(found: Transfer, planned: Plan, order: Order, title: str) -> ChangeRequest:
    def write(slug: str, kept_title: str) -> Opened:
        worded = replace(order, reason=order.reason or kept_title)
        return transfer_apply.propose(repository(), planned, slug, worded)

    return change_requests.propose_by(Draft(found.environment, title), write)


def _file(found: Transfer) -> Path:
    return exports.import_folder(settings(), found.id) / STAGED


def _refused(invalid: InvalidFile) -> dict[str, Any]:
    facts = {"problems": [_problem(each) for each in invalid.problems], "count": invalid.count}
    return {"status": Status.REFUSED, "facts": facts}


def _told(done: Imported) -> dict[str, Any]:
    return {
        "before": done.before,
        "after": done.after,
        "documents": done.documents,
        "commits": done.commits,
    }


def _problem(each: Any) -> dict[str, Any]:
    return {
        "path": each.path,
        "line": each.line,
        "column": each.column,
        "field": each.field,
        "message": each.message,
        "valid": list(each.valid),
    }
