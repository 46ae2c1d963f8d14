"""Exports and imports over the API, for those who may do everything."""

from typing import Any
from uuid import UUID

from flask import Response, jsonify, url_for
from werkzeug.wrappers import Response as AnyResponse

from prompt_repo import transfer_schema
from prompt_repo.errors import Problem
from prompt_repo.model import Source
from prompt_repo.transfer_apply import Choices, undecided
from prompt_repo.transfer_documents import Selection
from prompt_repo.transfer_errors import ImportConflicts, ImportMoved, InvalidFile
from prompt_repo.transfer_plan import State
from webapp import audit, exports, import_jobs, imports, job_progress, transfers, uploads
from webapp.access import Scope, caller, public, require_environment
from webapp.api import asking, blueprint
from webapp.api.routing import Operation, route
from webapp.api.transfer_bodies import ExportFile, ExportOrder, Import, Importing, export_body
from webapp.errors import problem
from webapp.import_jobs import Decided
from webapp.imports import Given
from webapp.records.transfer_models import Kind, Status, Transfer
from webapp.services import jobs, records, repository, services, settings

BASE = "/v1/admin/prompts"
ONE = f"{BASE}/exports/<uuid:export>"
ITEMS = 1_000
TOO_OFTEN = {429: "A limit is reached; `Retry-After` says when to come back."}
OVER = {409: "It is over, or goes in at this moment."}
FILES = (
    *("application/json", "text/csv", "application/zip", "image/png"),
    "application/octet-stream",
)


@route(
    blueprint,
    "POST",
    f"{BASE}/export",
    Scope.ADMIN,
    "export_prompts",
    Operation(
        "Export prompts to a file",
        {200: ExportFile, 202: ExportFile},
        body=ExportOrder,
        writes=True,
        also=TOO_OFTEN,
    ),
)
def begin() -> Response:
    """A file in storage: there at once where it is small (200), else made by a worker (202).

    Follow it by its `Location`; its `download_url` is good for a day.
    """
    given = asking.body(ExportOrder)
    require_environment(given.environment)
    commit = repository().at(given.environment, given.at).commit
    sources = given.sources or (Source.CHARACTER, Source.GLOBAL)
    selection = Selection(
        frozenset(given.characters) if given.characters is not None else None,
        frozenset(given.emotions) if given.emotions is not None else None,
        frozenset(Source(each) for each in sources),
        given.versions,
    )
    wanted = exports.Wanted(given.environment, commit, given.format, selection, given.bom)
    found = exports.ask(records(), settings(), repository(), jobs(), caller(), wanted)
    audit.describe(
        found.name, environment=found.environment, commit=commit, export=found.id, **found.options
    )
    response = _answer(found)
    response.status_code = 202 if found.at_work else 200
    response.headers["Location"] = url_for("api.export_of_prompts", export=found.id)
    return response


@route(
    blueprint,
    "GET",
    ONE,
    Scope.ADMIN,
    "export_of_prompts",
    Operation("An export and how far it is", {200: ExportFile}),
)
def show(export: UUID) -> Response:
    """Its status: pending, processing, completed or failed."""
    return _answer(exports.standing(records(), jobs(), _found(export)))


@route(
    blueprint,
    "DELETE",
    ONE,
    Scope.ADMIN,
    "cancel_export",
    Operation("Cancel an export", {200: ExportFile}, writes=True, also=OVER),
)
def cancel(export: UUID) -> Response:
    """Whether it waits or is being written; nothing of its file is kept."""
    found = _found(export)
    over = exports.cancel(records(), jobs(), found)
    audit.describe(found.name, export=found.id, before=found.status, after=over.status)
    return _answer(over)


@route(
    blueprint,
    "GET",
    f"{ONE}/file",
    Scope.ADMIN,
    "export_file",
    Operation(
        "The file of a completed export",
        {200: ExportFile},
        media="application/octet-stream",
        also={
            302: "The storage's own address of it, signed for some minutes.",
            409: "It is still being written, or it failed.",
            410: "It expired.",
        },
    ),
)
def file(export: UUID) -> AnyResponse:
    """The bytes, or 302 to the storage's own signed address."""
    return exports.download(settings(), _found(export), link=True)


@route(
    blueprint,
    "POST",
    f"{BASE}/import",
    Scope.ADMIN,
    "import_prompts",
    Operation(
        "Import prompts from a file",
        {200: Import, 202: Import},
        query=Importing,
        takes=FILES,
        writes=True,
        also=TOO_OFTEN,
    ),
)
def take() -> Response:
    """The body is the file itself: our JSON or CSV, a zip of our YAML, a character card.

    Everything is checked first: 422 with every error's line and column. Then all of it goes in by
    one move of the branch, or nothing: 409 where a conflict isn't decided, or prompts moved, then
    with a fresh `plan`, to whose `commit` the next try may be held. A file above a megabyte takes
    a worker: 202, and its `Location` tells how far it is, and holds the fresh plan.
    """
    asked = asking.query(Importing)
    require_environment(asked.environment)
    name = " ".join((asked.name or "upload").split()) or "upload"
    with uploads.sent("upload") as source:
        created = asked.create_characters == "true"
        given = Given(asked.environment, source, name, asked.base, created)
        choices = Choices.told(asked.strategy, asked.decide)
        title = asked.propose if asked.propose and asked.propose.strip() else None
        decided = Decided(choices, asked.reason or "", title, asked.commit)
        found = imports.preview(given, decided if asked.mode == "apply" else None)
    if import_jobs.at_work(found):
        response = jsonify(_answer_of_import(found, choices))
        response.status_code = 202
        response.headers["Location"] = url_for("api.import_of_prompts", transfer=found.id)
        return response
    if found.status == Status.REFUSED:
        raise _invalid(found)
    if asked.commit is not None and asked.commit != found.commit:
        return _moved(imports.moved_since(found, asked.commit), found, choices)
    body = _planned(found, choices)
    if asked.mode == "apply":
        if body["undecided"]:
            raise ImportConflicts(body["undecided"])
        try:
            found = imports.carry_out(found, decided)
        except ImportMoved as moved:
            return _moved(moved, found, choices)
    return jsonify({**body, **_done(found)})


@route(
    blueprint,
    "GET",
    f"{BASE}/imports/<uuid:transfer>",
    Scope.ADMIN,
    "import_of_prompts",
    Operation("An import and how far it is", {200: Import}),
)
def show_import(transfer: UUID) -> Response:
    """Its status; a large file is read and carried out by a worker.

    Pending, processing, importing and landing (its branch moves just now) are under way; refused
    holds what is wrong with the file, failed and previewed say in `error` why nothing was imported.
    """
    found = transfers.find(records(), str(transfer), Kind.IMPORT)
    require_environment(found.environment)
    found = import_jobs.standing(records(), jobs(), found)
    return jsonify(_answer_of_import(found, import_jobs.decided_by(found).choices))


@route(
    blueprint,
    "DELETE",
    f"{BASE}/imports/<uuid:transfer>",
    Scope.ADMIN,
    "cancel_import",
    Operation("Cancel an import that a worker has", {200: Import}, writes=True, also=OVER),
)
def cancel_import(transfer: UUID) -> Response:
    """A file that is not read to its end is forgotten; what was carried out is a preview again.

    The branch moves at the very end, at once or not at all: 409 from then on.
    """
    found = transfers.find(records(), str(transfer), Kind.IMPORT)
    require_environment(found.environment)
    found = import_jobs.cancel(found)
    return jsonify(_answer_of_import(found, import_jobs.decided_by(found).choices))


@blueprint.get("/v1/export-schema.json")
@public
def schema() -> Response:
    """The JSON Schema of a JSON export."""
    return jsonify(transfer_schema.schema())


def _moved(moved: ImportMoved, found: Transfer, choices: Choices) -> Response:
    """409 with the plan of what stands now, which is also at its address."""
    found = transfers.find(records(), found.id, Kind.IMPORT)
    audit.describe(found.name, import_id=found.id, why=str(moved))
    return problem(
        409,
        "Conflict",
        str(moved),
        kind="urn:prompt-repo:import-moved",
        paths=list(moved.paths),
        plan=_answer_of_import(found, choices),
        import_url=url_for("api.import_of_prompts", transfer=found.id, _external=True),
    )


def _found(export: UUID) -> Transfer:
    found = transfers.find(records(), str(export), Kind.EXPORT)
    require_environment(found.environment)
    return found


def _answer(found: Transfer) -> Response:
    standing = job_progress.read(services().redis if found.at_work else None, found.id)
    percent = standing.percent if found.at_work else 100
    there = exports.is_there(found)
    link = url_for("api.export_file", export=found.id, _external=True) if there else None
    return jsonify(export_body(found, link, percent))


def _planned(found: Transfer, choices: Choices) -> dict[str, Any]:
    with imports.plan_of(found) as planned:
        items = [
            {
                "path": each.path,
                "state": str(each.state),
                "merges": each.merged is not None if each.state is State.CONFLICT else None,
            }
            for state in (State.CONFLICT, State.UPDATE, State.CREATE, State.BEHIND)
            for each in planned.entries(state, limit=ITEMS)
        ]
        waiting = undecided(planned, choices)
    return {
        "id": found.id,
        "environment": found.environment,
        "commit": found.commit,
        "counts": found.facts["counts"],
        "items": items[:ITEMS],
        "warnings": found.facts["warnings"],
        "undecided": waiting,
    }


def _answer_of_import(found: Transfer, choices: Choices) -> dict[str, Any]:
    """An import as it stands, whether its plan is there yet or not."""
    at_work = import_jobs.at_work(found)
    percent = import_jobs.progress_of(services().redis, found).percent if at_work else 100
    if found.status == Status.PREVIEWED:
        body = _planned(found, choices)
    else:
        body = {
            "id": found.id,
            "environment": found.environment,
            "commit": found.commit,
            "counts": found.facts.get("counts", {}),
            "items": [],
            "warnings": found.facts.get("warnings", []),
            "undecided": [],
        }
    problems = found.facts.get("problems", [])
    return {**body, **_done(found), "percent": percent, "errors": problems}


def _done(found: Transfer) -> dict[str, Any]:
    done = found.facts.get("done", {})
    return {
        "status": found.status,
        "error": found.error or None,
        "percent": 100,
        "errors": [],
        "result_commit": done.get("after"),
        "documents": done.get("documents"),
        "commits": done.get("commits"),
        "change": found.facts.get("change"),
    }


def _invalid(found: Transfer) -> InvalidFile:
    told = found.facts["problems"]
    problems = [Problem(**{**each, "valid": tuple(each["valid"])}) for each in told]
    return InvalidFile(problems, found.facts["count"])
