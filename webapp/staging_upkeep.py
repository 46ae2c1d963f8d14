"""What of staging's records has had its time."""

from datetime import timedelta

from sqlalchemy import delete

from webapp import clock
from webapp.config import Settings
from webapp.records import Records
from webapp.records.staging_models import AccessAttempt
from webapp.staging_secrets import expire_mapping

ATTEMPTS_KEPT = timedelta(days=180)


def clean_up(records: Records, settings: Settings) -> dict[str, int]:
    """Takes away mappings whose days are over and attempts of half a year ago; tells how many."""
    with records.writing() as session:
        old = AccessAttempt.last_at < clock.now() - ATTEMPTS_KEPT
        done = session.execute(delete(AccessAttempt).where(old))
    return {"attempts": int(done.rowcount), "mappings": expire_mapping(settings)}  # type: ignore[attr-defined]
