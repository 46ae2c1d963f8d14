"""Import & export: what to export, the file to import, and what was carried lately."""

import re
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from prompt_repo.errors import PromptRepoError
from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.model import Source
from prompt_repo.repository import STAGING
from prompt_repo.transfer_documents import Selection
from webapp import audit, clock, exports, job_progress, transfers
from webapp.access import Scope, access, caller
from webapp.errors import status_of
from webapp.exports import BUNDLE, Wanted
from webapp.kept_form import keeps_forms
from webapp.queue import NoQueue
from webapp.records.transfer_models import Kind, Transfer
from webapp.services import jobs, records, repository, services, settings
from webapp.transfer_errors import TransferError, TransferGone, TransferState

blueprint = Blueprint("transfers", __name__, url_prefix="/transfers")
keeps_forms(blueprint)
ONE = "/exports/<uuid:transfer>"
FORMS = ("json", "csv", BUNDLE)
SOURCES = {
    "": frozenset({Source.CHARACTER, Source.GLOBAL}),
    "character": frozenset({Source.CHARACTER}),
    "global": frozenset({Source.GLOBAL}),
}
REFUSALS = (PromptRepoError, TransferError, NoQueue)


def init_app(app: Flask) -> None:
    """Gives templates what an export's part of a page shows."""
    app.add_template_global(export_view)


@blueprint.get("")
@access(Scope.ADMIN)
def index() -> str:
    """What can be exported and imported, and what was."""
    return page()


@blueprint.post("/export")
@access(Scope.ADMIN)
def export() -> Any:
    """Begins an export; its page tells how far it is."""
    form = request.form
    environment = form.get("environment", "")
    environment = environment if environment in ENVIRONMENTS else STAGING
    try:
        commit = repository().at(environment, form.get("at", "").strip() or None).commit
        kind = form.get("form", "")
        wanted = Wanted(
            environment,
            commit,
            kind if kind in FORMS else "json",
            _selection(),
            bom="bom" in form,
        )
        found = exports.ask(records(), settings(), repository(), jobs(), caller(), wanted)
    except REFUSALS as error:
        audit.describe(f"export of {environment}", environment=environment, why=str(error))
        return page(export_refusal=str(error)), status_of(error)
    audit.describe(
        found.name, environment=environment, commit=commit, export=found.id, **found.options
    )
    return redirect(url_for("transfers.show", transfer=found.id), 303)


@blueprint.get(ONE)
@access(Scope.ADMIN)
def show(transfer: Any) -> str:
    """One export; its part alone where the page asks for news of it."""
    found = exports.standing(records(), jobs(), _found(transfer))
    part = "_export" if request.headers.get("HX-Request") else "export"
    return render_template(f"transfers/{part}.html", transfer=found)


@blueprint.post(f"{ONE}/cancel")
@access(Scope.ADMIN)
def cancel(transfer: Any) -> Response:
    """Calls it off; one that ended meanwhile is shown as it is."""
    found = _found(transfer)
    try:
        after = exports.cancel(records(), jobs(), found)
        audit.describe(found.name, export=found.id, before=found.status, after=after.status)
    except TransferState as error:
        audit.describe(found.name, export=found.id)
        audit.failed(str(error))
        flash(f"Not cancelled: {error}.", "bad")
    return redirect(url_for("transfers.show", transfer=found.id), 303)


@blueprint.get(f"{ONE}/file")
@access(Scope.ADMIN)
def file(transfer: Any) -> Any:
    """The file itself; the export's page where there is none any more, or not yet."""
    found = _found(transfer)
    try:
        return exports.download(settings(), found, link=False)
    except (TransferGone, TransferState) as error:
        return render_template("transfers/export.html", transfer=found), status_of(error)


def page(**more: Any) -> str:
    """The page, with what was refused of a form beside it."""
    configuration = repository().current(STAGING).configuration
    return render_template(
        "transfers/index.html",
        emotions_offered=configuration.emotions,
        recent=transfers.listed(records()),
        now=clock.now(),
        form=request.form,
        most=settings().max_import_bytes,
        **more,
    )


def export_view(transfer: Transfer) -> dict[str, Any]:
    """How far an export is, and its file while it is there."""
    redis = services().redis if transfer.at_work else None
    return {
        "standing": job_progress.read(redis, transfer.id),
        "there": exports.is_there(transfer),
    }


def _selection() -> Selection:
    form = request.form
    characters = frozenset(
        each for each in re.split(r"[\s,;]+", form.get("characters", "")) if each
    )
    emotions = frozenset(form.getlist("emotion"))
    return Selection(
        characters or None,
        emotions or None,
        SOURCES.get(form.get("source", ""), SOURCES[""]),
        "versions" in form,
    )


def _found(transfer: Any) -> Transfer:
    return transfers.find(records(), str(transfer), Kind.EXPORT)
