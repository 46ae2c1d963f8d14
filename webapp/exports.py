"""Exports into storage: small ones at once, large ones by a worker; each link expires."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from flask import Response
from werkzeug.wrappers import Response as AnyResponse

from prompt_repo import transfer
from prompt_repo.errors import PromptRepoError
from prompt_repo.git_bundle import bundle
from prompt_repo.model import Source
from prompt_repo.progress import Warn
from prompt_repo.repository import Repository
from prompt_repo.transfer import Form
from prompt_repo.transfer_documents import Selection
from prompt_repo.transfer_json import Origin
from webapp import audit, clock, transfers
from webapp.access import Caller
from webapp.config import Settings
from webapp.job_progress import Reporter
from webapp.queue import UPKEEP, Jobs, NoQueue
from webapp.records import Records
from webapp.records.transfer_models import AT_WORK, Kind, Status, Transfer
from webapp.storage import NotStored, StorageFailed, StorageMisconfigured, storage
from webapp.transfer_errors import TransferError, TransferGone, TransferState

log = structlog.get_logger(__name__)
AT_ONCE = 1_500  # documents that are exported while one waits; the rest takes a worker
WITH_VERSIONS = 300  # the same, where each brings its history
SECONDS = 3_600  # that a job may take
LINK = 300  # seconds that a storage's own address is good for
BUNDLE = "bundle"
DOWNLOADED = "export.downloaded"
TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    BUNDLE: "application/x-git-bundle",
}


@dataclass(frozen=True)
class Wanted:
    """What is to be exported; `form` is json, csv or bundle (all of Git's history)."""

    environment: str
    commit: str
    form: str
    selection: Selection
    bom: bool = False

    def options(self) -> dict[str, object]:
        """The same as the records keep it."""
        chosen = self.selection
        return {
            "form": self.form,
            "versions": chosen.versions,
            "bom": self.bom,
            "characters": sorted(chosen.characters) if chosen.characters is not None else None,
            "emotions": sorted(chosen.emotions) if chosen.emotions is not None else None,
            "sources": sorted(chosen.sources),
        }


def ask(
    records: Records,
    settings: Settings,
    repository: Repository,
    jobs: Jobs,
    who: Caller,
    wanted: Wanted,
) -> Transfer:
    """A new export: completed already where it is small, else queued.

    Raises TooManyTransfers, NoQueue, CharacterNotFound, UnknownEmotion, StorageFailed.
    """
    wanted.selection.check(repository, wanted.commit)
    name = _name(wanted)
    made = transfers.begin(
        records,
        settings,
        who,
        Kind.EXPORT,
        wanted.environment,
        wanted.commit,
        name,
        wanted.options(),
    )
    if _is_small(repository, wanted):
        make(records, settings, repository, made.id)
        return transfers.find(records, made.id, Kind.EXPORT)
    try:
        jobs.enqueue(UPKEEP, "make_export", made.id, ident=job_of(made.id), seconds=SECONDS)
    except Exception:
        transfers.move(records, made.id, AT_WORK, status=Status.FAILED, error="it was not queued")
        raise
    return made


def job_of(ident: str) -> str:
    """The id of the job that makes an export."""
    return f"export-{ident}"


def make(
    records: Records,
    settings: Settings,
    repository: Repository,
    ident: str,
    reporter: Reporter | None = None,
) -> None:
    """Writes an export's file into the storage, unless somebody else does."""
    started = {"status": Status.PROCESSING, "started_at": clock.now()}
    if not transfers.move(records, ident, (Status.PENDING,), **started):
        return
    found = transfers.find(records, ident, Kind.EXPORT)
    heard: list[str] = []
    try:
        size = _stored(settings, repository, found, reporter, heard.append)
    except (PromptRepoError, StorageFailed, StorageMisconfigured, OSError) as error:
        log.warning("an export failed", export=ident, exc_info=error)
        over = {"status": Status.FAILED, "error": str(error)[:4000], "completed_at": clock.now()}
        transfers.move(records, ident, AT_WORK, **over)
        return
    facts = {"warnings": transfers.few(heard)}
    over = {"status": Status.COMPLETED, "file": file_of(found), "size": size, "facts": facts}
    if not transfers.move(records, ident, AT_WORK, **over, completed_at=clock.now()):
        storage(settings, found.environment).delete(file_of(found))  # cancelled in the last moment


def standing(records: Records, jobs: Jobs, found: Transfer) -> Transfer:
    """An export as it is; one whose worker died is failed, with the reason."""
    if not found.at_work or found.created_at > clock.now() - transfers.LIFE / 1440:
        return found
    job = jobs.find(job_of(found.id))
    if job is not None and (job.waits or job.runs):
        return found
    why = "the worker that made it died; export again"
    if job is not None and job.failure:
        log.warning("an export's job failed", export=found.id, failure=job.failure)
    transfers.move(records, found.id, AT_WORK, status=Status.FAILED, error=why)
    return transfers.find(records, found.id, Kind.EXPORT)


def cancel(records: Records, jobs: Jobs, found: Transfer) -> Transfer:
    """Calls an export off, and kills its job; raises TransferState where it is over."""
    over = {"status": Status.CANCELLED, "completed_at": clock.now()}
    if not transfers.move(records, found.id, AT_WORK, **over):
        found = transfers.find(records, found.id, Kind.EXPORT)
        raise TransferState(f"there is nothing to cancel: this export is {found.status}")
    try:
        jobs.cancel(job_of(found.id))
    except NoQueue as error:  # its file goes when the worker is done with it
        log.warning("a cancelled export's job stays in the queue", id=found.id, exc_info=error)
    return transfers.find(records, found.id, Kind.EXPORT)


def download(settings: Settings, found: Transfer, *, link: bool) -> AnyResponse:
    """The file, or with `link` where the storage gives it out; the audit log hears of it.

    Raises TransferGone, TransferState, StorageFailed, StorageMisconfigured.
    """
    facts = {"export": found.id}
    try:
        answer = _file(settings, found, link=link)
    except (TransferError, StorageFailed, StorageMisconfigured) as error:
        audit.note(DOWNLOADED, found.name, outcome="failed", **facts, why=str(error))
        raise
    audit.note(DOWNLOADED, found.name, **facts)
    return answer


def _file(settings: Settings, found: Transfer, *, link: bool) -> AnyResponse:
    check(found, clock.now())
    home = storage(settings, found.environment)
    if link:
        left = min(LINK, int((found.expires_at - clock.now()).total_seconds()))
        address = home.link(found.file, left, found.name)
        if address is not None and left > 0:
            response = Response("", 302, {"Location": address, "Cache-Control": "no-store"})
            response.content_length = 0
            return response
    try:
        size = home.size(found.file)
        body = home.read(found.file, 0, size)
    except NotStored:
        raise TransferGone from None
    response = Response(body, mimetype=TYPES[str(found.options["form"])])
    response.content_length = size
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return response


def check(found: Transfer, now: datetime) -> None:
    """Raises what stands in the way of a download: TransferGone, TransferState."""
    if found.at_work:
        raise TransferState("this export is still being written; ask again in a moment")
    if found.status == Status.FAILED:
        raise TransferState(f"this export failed: {found.error}")
    if found.status == Status.CANCELLED:
        raise TransferState("this export was cancelled; export again")
    if now >= found.expires_at or found.cleaned_at is not None:
        raise TransferGone


def is_there(found: Transfer) -> bool:
    """Whether there is a file to download, at this moment."""
    return found.status == Status.COMPLETED and clock.now() < found.expires_at


def file_of(found: Transfer) -> str:
    """What an export is called in the storage."""
    return f"{found.id}.{found.options['form']}"


def import_folder(settings: Settings, ident: str) -> Path:
    """Where an import's plan waits to be carried out."""
    return settings.data / "imports" / ident


def clean_up(records: Records, settings: Settings) -> int:
    """Deletes what expired; gives how many that was. The records stay."""
    found = transfers.expired(records)
    for each in found:
        try:
            if each.kind == Kind.EXPORT:  # also what a killed worker put there and never told
                storage(settings, each.environment).delete(file_of(each))
            if each.kind == Kind.IMPORT:
                shutil.rmtree(import_folder(settings, each.id), ignore_errors=True)
        except (StorageFailed, StorageMisconfigured) as error:
            log.warning("an export was not deleted", export=each.id, exc_info=error)
            continue
        transfers.move(records, each.id, tuple(Status), cleaned_at=clock.now())
    return len(found)


def selection_of(found: Transfer) -> Selection:
    """What an export was asked to hold."""
    told = found.options
    return Selection(
        frozenset(told["characters"]) if told["characters"] is not None else None,
        frozenset(told["emotions"]) if told["emotions"] is not None else None,
        frozenset(Source(each) for each in told["sources"]),
        bool(told["versions"]),
    )


def _name(wanted: Wanted) -> str:
    if wanted.form == BUNDLE:
        return f"prompts-{wanted.commit[:9]}.bundle"
    origin = Origin(wanted.environment, wanted.commit, clock.now())
    return transfer.file_name(origin, Form(wanted.form), versions=wanted.selection.versions)


def _is_small(repository: Repository, wanted: Wanted) -> bool:
    most = WITH_VERSIONS if wanted.selection.versions or wanted.form == BUNDLE else AT_ONCE
    repository.history.ensure(wanted.commit)
    walk, left = repository.history.walk(wanted.commit), most
    chosen = wanted.selection.characters
    folders = ["characters/"] if chosen is None else [f"characters/{each}/" for each in chosen]
    for folder in folders[:most]:
        stretch = walk.stretch(folder, "", left)
        left -= len(stretch.held)
        if left <= 0 or stretch.last is not None:
            return False
    return len(folders) < most


def _stored(
    settings: Settings,
    repository: Repository,
    found: Transfer,
    reporter: Reporter | None,
    warn: Warn,
) -> int:
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        target = Path(folder) / "export"
        if found.options["form"] == BUNDLE:
            bundle(repository.store, target)
        else:
            with target.open("wb") as file:
                file.writelines(_pieces(repository, found, reporter, warn))
        return storage(settings, found.environment).put(file_of(found), target)


def _pieces(
    repository: Repository, found: Transfer, reporter: Reporter | None, warn: Warn
) -> Iterator[bytes]:
    origin = Origin(found.environment, found.commit, clock.now())
    total = max(1, len(repository.history.state(found.commit))) if reporter else 1

    def told(what: str, done: int, of: int | None) -> None:
        if reporter is not None:
            reporter.at(done / total, f"{done:,} of {total:,} documents")

    return transfer.export(
        repository,
        origin,
        selection_of(found),
        Form(str(found.options["form"])),
        told,
        bom=bool(found.options["bom"]),
        warn=warn,
    )
