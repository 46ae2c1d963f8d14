"""The files of previews: deleted when the last preview that has them expires."""

from datetime import datetime

import structlog
from sqlalchemy import and_, select, update

from webapp import clock
from webapp.config import Settings
from webapp.records import Records
from webapp.records.preview_models import Preview, Status
from webapp.storage import StorageFailed, StorageMisconfigured, is_ours, storage

log = structlog.get_logger(__name__)
BATCH = 500


def clean_up(records: Records, settings: Settings, older_than: datetime | None = None) -> int:
    """Deletes the clips of previews that expired; gives how many previews that was.

    With `older_than`, those of previews asked for before it too. The records stay.
    """
    count = 0
    while True:
        expired = _expired(records, older_than)
        for preview in expired:
            _let_go(records, settings, preview)
        count += len(expired)
        if len(expired) < BATCH:
            return count


def _expired(records: Records, older_than: datetime | None) -> list[Preview]:
    over = Preview.expires_at <= clock.now()
    if older_than is not None:
        over |= Preview.created_at < older_than
    with records.reading() as session:
        return list(
            session.scalars(
                select(Preview)
                .where(Preview.cleaned_at.is_(None), over, Preview.completed_at.is_not(None))
                .order_by(Preview.expires_at)
                .limit(BATCH)
            )
        )


def _let_go(records: Records, settings: Settings, preview: Preview) -> None:
    """Ends one preview's life, and its file's where no other has it."""
    now = clock.now()
    with records.writing() as session:
        session.execute(
            update(Preview)
            .where(Preview.id == preview.id)
            .values(cleaned_at=now, expires_at=min(preview.expires_at, now))
        )
        wanted = session.scalar(
            select(Preview.id).where(
                Preview.file == preview.file,
                Preview.made_at.is_not(None),
                Preview.status == Status.COMPLETED,
                Preview.expires_at > now,
            ).limit(1)
        )  # fmt: skip
    # Not before writers may go on, for a storage can take its time. Nobody begins to reuse the file
    # meanwhile: that takes a preview that lives.
    if preview.file and wanted is None:
        drop(settings, preview.environment, preview.file)


def drop(settings: Settings, environment: str, file: str) -> None:
    """Deletes a file; a storage that is away is tried again by whoever sweeps what nobody has."""
    try:
        storage(settings, environment).delete(file)
    except (StorageFailed, StorageMisconfigured) as error:
        log.warning("a clip was not deleted", file=file, exc_info=error)


def lose(records: Records, file: str) -> None:
    """Ends the life of all previews that have a file which is not in the storage any more."""
    now = clock.now()
    has = and_(Preview.file == file, Preview.made_at.is_not(None), Preview.expires_at > now)
    with records.writing(lasting=False) as session:
        session.execute(update(Preview).where(has).values(expires_at=now))


def sweep(records: Records, settings: Settings, environment: str) -> int:
    """Deletes files that no living preview has: of workers killed in mid-work, say."""
    home = storage(settings, environment)
    count = 0
    for name in home.names():
        if not (is_ours(name) and name.endswith(".mp4")):
            continue
        has = and_(Preview.made_at.is_not(None), Preview.file == name)
        makes = Preview.id == name.removesuffix(".mp4")
        living = select(Preview.environment).where(has | makes, Preview.cleaned_at.is_(None))
        with records.reading() as session:
            wanted = environment in session.scalars(living)
        if not wanted:
            drop(settings, environment, name)
            count += 1
    return count
