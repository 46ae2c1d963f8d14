"""What of staging's records has had its time."""

from datetime import timedelta

from sqlalchemy import delete

from sync.errors import SyncError
from webapp import clock
from webapp.config import InvalidSetting, Settings
from webapp.records import Records
from webapp.records.staging_models import AccessAttempt
from webapp.staging_secrets import key_of, mapping_of

ATTEMPTS_KEPT = timedelta(days=180)


def clean_up(records: Records, settings: Settings) -> dict[str, int]:
    """Takes away mappings whose days are over and attempts of half a year ago; tells how many."""
    with records.writing() as session:
        old = AccessAttempt.last_at < clock.now() - ATTEMPTS_KEPT
        done = session.execute(delete(AccessAttempt).where(old))
    return {"attempts": int(done.rowcount), "mappings": _expire(settings)}  # type: ignore[attr-defined]


def _expire(settings: Settings) -> int:
    try:
        mapping = mapping_of(settings, key_of(settings))
    except (SyncError, InvalidSetting):
        return 0  # there is no key, so there is no mapping
    if mapping is None:
        return 0
    try:
        return mapping.expire()
    finally:
        mapping.close()
