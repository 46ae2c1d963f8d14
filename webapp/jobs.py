"""What workers run, by name: each takes ids, and finds everything else by the settings."""

import tempfile
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import redis
import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from prompt_repo import git_upkeep
from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.repository import Repository
from webapp import (
    audit_tending,
    demo_database,
    exports,
    preview_files,
    previews,
    rehearsing,
    staging_upkeep,
    sync_job,
    sync_parts,
    video,
)
from webapp.config import Settings
from webapp.job_progress import Reporter
from webapp.queue import PREVIEWS, Jobs
from webapp.records import Records
from webapp.records.preview_models import Preview
from webapp.storage import StorageFailed, StorageMisconfigured, storage
from webapp.video import Brief, Misconfigured, VideoAway, VideoFailed

log = structlog.get_logger(__name__)
PAUSES = (5, 20, 60, 180)
"""Seconds until a service that is away is asked again; after the last one the preview fails."""
LONGEST_PAUSE = 600


@dataclass(frozen=True)
class Bench:
    """What a job works with.

    Its connections are opened in the process of each job, where nothing is shared; the rest of it
    may have been made ready before.
    """

    settings: Settings

    @cached_property
    def records(self) -> Records:
        """The SQL database."""
        return Records(self.settings.records_address)

    @cached_property
    def redis(self) -> "redis.Redis":
        """Redis; raises ValueError where the settings name none."""
        return redis.Redis.from_url(self.settings.redis_url, socket_timeout=10)

    @cached_property
    def jobs(self) -> Jobs:
        """The queues."""
        return Jobs(self.redis)


_ready: Bench | None = None


def get_ready() -> None:
    """Does once, in a worker, what would be done anew in the process of each of its jobs."""
    global _ready
    bench = Bench(Settings.from_environment())
    try:
        video.get_ready(bench.settings)
        rehearsing.clips(bench.records)
    except (Misconfigured, SQLAlchemyError) as error:  # each job says it better
        log.info("a worker did not get ready", why=str(error))
    bench.records.close()  # what is open now would be shared by all jobs
    _ready = bench


def _bench() -> Bench:
    """What was made ready, where the settings are still those."""
    settings = Settings.from_environment()
    return _ready if _ready is not None and _ready.settings == settings else Bench(settings)


def make_preview(ident: str) -> None:
    """Makes one clip, unless another worker has it, or nobody wants it any more."""
    bench = _bench()
    preview = previews.begin(bench.records, ident)
    if preview is None:
        return
    teller = Teller(bench, ident)
    try:
        _make(bench, preview, teller)
    except VideoAway as error:
        _try_later(bench, preview, teller, error)
    except (VideoFailed, Misconfigured, StorageFailed, StorageMisconfigured) as error:
        teller.say(str(error))
        previews.fail(bench.records, ident, str(error), teller.lines)


def release_preview(ident: str) -> None:
    """Frees what a cancelled preview made: the file, and the clip on the service's side."""
    bench = _bench()
    preview = previews.find(bench.records, ident)
    preview_files.drop(bench.settings, preview.environment, file_of(ident))
    if preview.remote_id:
        try:
            video.service(bench.settings, preview.environment).give_up(preview.remote_id)
        except Misconfigured as error:
            log.warning("a clip can't be given up", preview=ident, exc_info=error)


def clean_up_previews() -> None:
    """Deletes the clips that expired, and files that no preview has; fails where it could not."""
    bench = _bench()
    count, swept = preview_files.clean_up(bench.records, bench.settings), 0
    troubles: list[Exception] = []
    for environment in ENVIRONMENTS:  # one whose storage is away holds up no other
        try:
            swept += preview_files.sweep(bench.records, bench.settings, environment)
        except (StorageFailed, StorageMisconfigured) as error:
            log.warning("previews can't be swept", environment=environment, why=str(error))
            troubles.append(error)
    log.info("previews cleaned up", expired=count, swept=swept)
    if troubles:
        raise troubles[0]


def run_sync(ident: str) -> None:
    """Carries one sync out, or goes on with it, unless another worker has it."""
    bench = _bench()
    sync_job.carry_out(bench.records, bench.settings, bench.redis, ident)


def fill_sync_part(ident: str, table: str, *rest: str) -> int:
    """Fills one part of a large table for a sync that another worker carries out."""
    bench = _bench()
    *numbers, snapshot = rest
    return sync_parts.fill(
        bench.records, bench.settings, ident, table, [int(each) for each in numbers], snapshot
    )


def make_demo_database() -> None:
    """Makes the demo's production database, with rules to sync it by."""
    bench = _bench()
    demo_database.make(bench.records, bench.settings)


def clean_up_staging() -> None:
    """Takes away what of staging's records has had its time: mappings, attempts to enter."""
    bench = _bench()
    log.info("staging cleaned up", **staging_upkeep.clean_up(bench.records, bench.settings))


def tend_audit_log() -> None:
    """Enters what the audit log lacks, cuts what is too old, and anchors it in Git."""
    bench = _bench()
    repository = Repository.open(bench.settings.repository_path)
    audit_tending.tend(bench.records, repository, bench.settings.audit_days)


def pack_repository() -> None:
    """Packs what edits and pushes left lying about in Git."""
    git_upkeep.repack(Settings.from_environment().repository_path)


def collect_garbage() -> None:
    """Packs the whole repository anew, and drops what nothing reaches any more."""
    git_upkeep.collect(Settings.from_environment().repository_path)


def make_export(ident: str) -> None:
    """Writes one export's file, unless another worker has it."""
    bench = _bench()
    repository = Repository.open(bench.settings.repository_path)
    exports.make(bench.records, bench.settings, repository, ident, Reporter(bench.redis, ident))


def plan_import(ident: str) -> None:
    """Reads one import's file, unless another worker has it."""
    from webapp import import_work

    import_work.make_plan(_application(), ident)


def carry_out_import(ident: str) -> None:
    """Carries one import out, unless another worker has it."""
    from webapp import import_work

    import_work.carry_out(_application(), ident)


def _application() -> Flask:
    """The application, for what is done as somebody; the mirror is the web server's to tend."""
    from webapp.application import create_app

    return create_app(replace(Settings.from_environment(), mirror_url=""))


def clean_up_transfers() -> None:
    """Deletes files of exports and imports that expired."""
    bench = _bench()
    log.info("transfers cleaned up", count=exports.clean_up(bench.records, bench.settings))


def file_of(ident: str) -> str:
    """What the clip of a preview is called in the storage."""
    return f"{ident}.mp4"


class Teller(Reporter):
    """What a video service tells of one preview."""

    def __init__(self, bench: Bench, ident: str) -> None:
        super().__init__(bench.redis, ident)
        self._bench, self._ident = bench, ident

    def named(self, remote_id: str) -> None:
        """Keeps what the service calls this clip."""
        previews.name_remote(self._bench.records, self._ident, remote_id)


def _make(bench: Bench, preview: Preview, teller: Teller) -> None:
    service = video.service(bench.settings, preview.environment)
    brief = Brief(text=preview.resolved_text, emotion=preview.emotion, **preview.shown)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="preview-") as folder:
        target = Path(folder) / "clip.mp4"
        facts = service.make(brief, target, teller)
        name = file_of(preview.id)
        size = storage(bench.settings, preview.environment).put(name, target)
    seconds = round(time.monotonic() - began, 3)
    teller.at(1.0, "Done")
    wanted = previews.complete(bench.records, preview.id, name, size, facts, teller.lines, seconds)
    if not wanted:  # cancelled in the last moment
        preview_files.drop(bench.settings, preview.environment, name)


def _try_later(bench: Bench, preview: Preview, teller: Teller, error: VideoAway) -> None:
    """Queues the job again with a growing pause: nothing was begun on the service's side."""
    if preview.attempts > len(PAUSES):
        words = f"{error} (tried {preview.attempts} times)"
        previews.fail(bench.records, preview.id, words, teller.lines)
        return
    pause = min(error.seconds or PAUSES[preview.attempts - 1], LONGEST_PAUSE)
    teller.say(f"{error}; asking again in {pause:.0f} s")
    if previews.wait_again(bench.records, preview.id):
        bench.jobs.enqueue(
            PREVIEWS,
            "make_preview",
            preview.id,
            ident=previews.job_of(preview.id, preview.attempts + 1),
            seconds=bench.settings.preview_time_limit,
            delay=timedelta(seconds=pause),
        )
