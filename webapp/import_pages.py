"""An import step by step: the file is sent, its plan looked at, then it goes in or is proposed."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from flask import Blueprint, Flask, Response, flash, redirect, render_template, request, url_for

from prompt_repo import diffing
from prompt_repo.errors import PromptRepoError, RevisionNotFound
from prompt_repo.layout import ENVIRONMENTS, Kind, place_of
from prompt_repo.model import PromptKey
from prompt_repo.repository import PRODUCTION, STAGING
from prompt_repo.transfer import sides, text_of
from prompt_repo.transfer_apply import undecided
from prompt_repo.transfer_deciding import draft
from prompt_repo.transfer_errors import ImportMoved
from prompt_repo.transfer_plan import MEANING, Entry, Plan, State, Strategy
from prompt_repo.transfer_staged import subject
from webapp import audit, import_jobs, imports, transfers, uploads
from webapp.access import Scope, access, caller
from webapp.appearance import may_save
from webapp.change_records import ChangeState
from webapp.errors import status_of
from webapp.formatting import capitalize_first
from webapp.import_jobs import Decided
from webapp.import_renewing import what_moved
from webapp.imports import Given
from webapp.job_progress import Standing
from webapp.queue import NoQueue
from webapp.records.transfer_models import Kind as TransferKind
from webapp.records.transfer_models import Status, Transfer
from webapp.services import jobs, records, repository, services
from webapp.transfer_errors import TransferError, TransferState
from webapp.transfer_pages import page

blueprint = Blueprint("imports", __name__, url_prefix="/imports")
ONE = "/<uuid:transfer>"
PAGE = 20
ORDER = (State.CONFLICT, State.UPDATE, State.CREATE, State.BEHIND)
REFUSALS = (PromptRepoError, TransferError, ChangeState, NoQueue)


@dataclass(frozen=True)
class Line:
    """One document of a plan as the page shows it."""

    entry: Entry
    title: str
    rows: Sequence[diffing.Row]
    size: tuple[int, int]
    joined: Sequence[diffing.Row]
    draft: str | None
    choice: Strategy | None
    waits: bool
    key: PromptKey | None


def init_app(app: Flask) -> None:
    """Gives templates what an import's part of a page shows while a worker has it."""
    app.add_template_global(import_standing)


def import_standing(transfer: Transfer) -> Standing:
    """How far a worker is with an import."""
    return import_jobs.progress_of(services().redis, transfer)


@blueprint.url_value_preprocessor
def take_file(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """A form with a file may be larger than others; it is read for those alone who may send it."""
    if endpoint == "imports.upload" and caller().may(Scope.ADMIN):
        uploads.take_form(request)


@blueprint.post("")
@access(Scope.ADMIN)
def upload() -> Any:
    """Reads the file that was sent; its page shows the plan, or what is wrong."""
    sent = request.files.get("file")
    environment = request.form.get("environment", STAGING)
    if sent is None or not sent.filename:
        return page(import_refusal="choose a file first"), 422
    if environment not in ENVIRONMENTS:
        return page(import_refusal="choose staging or production"), 422
    name = " ".join(Path(sent.filename.replace("\\", "/")).name.split())[:200] or "upload"
    with tempfile.TemporaryDirectory(prefix="import-") as folder:
        source = Path(folder) / "upload"
        uploads.kept(sent.stream, source)
        try:
            base = _base(environment, request.form.get("base", "").strip())
            creates = "create_characters" in request.form
            found = imports.preview(Given(environment, source, name, base, creates))
        except REFUSALS as error:
            audit.describe(name, why=str(error))
            return page(import_refusal=str(error)), status_of(error)
    return redirect(url_for("imports.show", transfer=found.id), 303)


@blueprint.get(ONE)
@access(Scope.ADMIN)
def show(transfer: Any) -> Any:
    """What an import would do, document by document, or what became of it.

    While a worker has it, its part of the page alone where the page asks for news of it.
    """
    found = import_jobs.standing(records(), jobs(), _found(transfer))
    if request.headers.get("HX-Request"):
        if import_jobs.at_work(found):
            return render_template("transfers/_working.html", transfer=found)
        return Response("", 200, {"HX-Redirect": _address(found)})
    return _page(found), 410 if _expired(found) else 200


@blueprint.post(ONE)
@access(Scope.ADMIN)
def decide(transfer: Any) -> Any:
    """Keeps the choices of this page; imports or proposes where that was pressed."""
    found = _found(transfer)
    audit.describe(found.name, import_id=found.id, environment=found.environment)
    if found.status != Status.PREVIEWED:
        over = TransferState(f"this import is {found.status} already")
        audit.describe(why=str(over))
        return _page(found, refusal=str(over)), status_of(over)
    form = request.form
    words = tuple(Strategy)
    each = {
        name.removeprefix("decide."): Strategy(value)
        for name, value in form.items()
        if name.startswith("decide.") and value in words
    }
    word = form.get("strategy", "")
    texts = {
        path: text
        for name, text in form.items()
        if name.startswith("text.")
        and each.get(path := name.removeprefix("text."), Strategy.MERGE) is Strategy.MERGE
    }
    seen = form.get("commit", found.commit)
    if seen != found.commit:
        moved = imports.moved_since(found, seen)
        audit.describe(why=str(moved))
        told = what_moved(moved, len(each))
        return _page(found, anew=True, moved=told, typed=texts), status_of(moved)
    try:
        each |= dict.fromkeys(imports.write(found, texts, each), Strategy.MERGE)
    except REFUSALS as error:
        audit.describe(why=str(error))
        return _page(found, refusal=str(error), typed=texts), status_of(error)
    before = imports.decisions_of(found)
    found = imports.decide(found, Strategy(word) if word in words else None, each)
    action = form.get("action", "keep")
    if action not in ("apply", "propose"):
        after = imports.decisions_of(found)
        audit.note("imports.keep", found.name, import_id=found.id, before=before, after=after)
        return redirect(_address(found, **_where()), 303)
    title = form.get("title", "").strip() or form.get("reason", "").strip() or None
    if action == "propose" and title is None:
        title = f"Import {found.name}"
    try:
        decided = Decided(
            imports.choices_of(found),
            form.get("reason", ""),
            title if action == "propose" else None,
        )
        done = imports.carry_out(found, decided)
    except REFUSALS as error:
        audit.describe(why=str(error))
        found = _found(transfer)
        if isinstance(error, ImportMoved):
            return _page(found, anew=True), status_of(error)
        return _page(found, refusal=str(error)), status_of(error)
    if done.status == Status.PROPOSED:
        flash("Proposed. Others can look at it, comment and approve now.", "good")
        return redirect(url_for("changes.show", number=done.facts["change"]), 303)
    return redirect(_address(done), 303)


@blueprint.post(f"{ONE}/cancel")
@access(Scope.ADMIN)
def cancel(transfer: Any) -> Any:
    """Calls off what a worker has; what ended or lands meanwhile is shown as it is, and why."""
    try:
        found = import_jobs.cancel(_found(transfer))
    except TransferState as error:
        audit.describe(_found(transfer).name, import_id=str(transfer))
        audit.failed(str(error))
        flash(f"Not cancelled: {error}.", "bad")
        return redirect(_address(_found(transfer)), 303)
    return redirect(_address(found), 303)


@blueprint.post(f"{ONE}/undo")
@access(Scope.ADMIN)
def undo(transfer: Any) -> Any:
    """Puts back what the import changed, in one commit."""
    found = _found(transfer)
    audit.describe(found.name, import_id=found.id, environment=found.environment)
    try:
        imports.undo(found, caller().author)
    except REFUSALS as error:
        audit.describe(why=str(error))
        return _page(found, refusal=str(error), undoing=True), status_of(error)
    flash("Undone: everything stands as it did before the import.", "good")
    return redirect(_address(found), 303)


def _page(
    found: Transfer,
    *,
    refusal: str = "",
    anew: bool = False,
    moved: dict[str, Any] | None = None,
    undoing: bool = False,
    typed: Mapping[str, str] = MappingProxyType({}),
) -> str:
    moved = moved or found.facts.get("moved")
    refusal = refusal or ("" if moved else found.error)
    told = {"transfer": found, "refusal": capitalize_first(refusal)}
    expired = _expired(found)
    if expired or found.status != Status.PREVIEWED:
        changed = _changed(found) if found.status in (Status.IMPORTED, Status.UNDONE) else ()
        told |= {"changed": changed, "undoing": undoing, "expired": expired}
        return render_template("transfers/result.html", **told)
    asked: Mapping[str, str] = {} if anew else request.args
    with imports.plan_of(found) as planned:
        choices = imports.choices_of(found)
        waiting = undecided(planned, choices)
        state = _state(planned, asked.get("state", ""))
        entries = planned.entries(state, asked.get("after", ""), PAGE + 1)
        lines = [
            _line(planned, each, choices.each.get(each.path), waiting, typed.get(each.path))
            for each in entries
        ]
        return render_template(
            "transfers/plan.html",
            **told,
            moved={**moved, "named": [_named(path) for path in moved["paths"]]} if moved else None,
            reason=request.form.get("reason", import_jobs.decided_by(found).reason),
            planned=planned,
            lines=lines[:PAGE],
            next_after=lines[PAGE - 1].entry.path if len(lines) > PAGE else None,
            state=state,
            states=[*ORDER, State.UNCHANGED],
            meaning=MEANING,
            choices=choices,
            waiting=len(waiting),
            direct=may_save(found.environment),
            hotfix=found.environment == PRODUCTION,
        )


def _line(
    planned: Plan,
    entry: Entry,
    choice: Strategy | None,
    waiting: Sequence[str],
    typed: str | None,
) -> Line:
    both = sides(repository(), planned, entry)
    joined: Sequence[diffing.Row] = ()
    if entry.state is State.CONFLICT and entry.merged is not None:
        joined = diffing.rows(both.here, text_of(entry.path, entry.merged))
    place = place_of(entry.path)
    same = entry.state is State.UNCHANGED or both.here == both.file
    return Line(
        entry,
        capitalize_first(subject(entry.path)),
        () if same else diffing.rows(both.here, both.file),
        diffing.size(both.here, both.file),
        joined,
        typed or draft(repository(), planned, entry),
        choice,
        entry.path in waiting,
        place.key if place else None,
    )


def _state(planned: Plan, asked: str) -> State:
    """Which documents are shown: those asked for, else the first kind that there is any of."""
    if asked in tuple(State):
        return State(asked)
    return next((each for each in ORDER if planned.counts[each]), State.UNCHANGED)


def _changed(found: Transfer) -> list[tuple[str, PromptKey | None]]:
    """The first documents that an import changed, by what people call them."""
    done = found.facts["done"]
    changed = repository().store.changed(done["before"], done["after"])[:PAGE]
    return [_named(each.path, stands=each.new is not None) for each in changed]


def _named(path: str, *, stands: bool = True) -> tuple[str, PromptKey | None]:
    """A document by what people call it; a prompt that stands also by its key."""
    place = place_of(path)
    key = place.key if place and stands and place.kind is not Kind.CHARACTER else None
    return capitalize_first(subject(path)), key


def _expired(found: Transfer) -> bool:
    return found.status == Status.PREVIEWED and imports.is_gone(found)


def _base(environment: str, word: str) -> str | None:
    if not word:
        return None
    try:
        return repository().commit_at(environment, word)
    except RevisionNotFound:
        return repository().store.resolve(word)


def _where() -> dict[str, str]:
    wanted = {name: request.args.get(name, "") for name in ("state", "after")}
    return {name: value for name, value in wanted.items() if value}


def _address(found: Transfer, **query: Any) -> str:
    return url_for("imports.show", transfer=found.id, **query)


def _found(transfer: Any) -> Transfer:
    return transfers.find(records(), str(transfer), TransferKind.IMPORT)
