"""What a clip's job asks the records, asked once before: its own process has none to compile."""

from functools import partial

from webapp import audit_log, clock, previews
from webapp.records import Records
from webapp.records.preview_models import Preview


def clips(records: Records) -> None:
    """Goes through the making of a preview that isn't there."""
    previews.begin(records, "")
    previews.complete(records, "", "", 0, {}, [], 0.0)
    for transaction in (records.reading, partial(records.writing, lasting=False)):
        with transaction() as session:
            session.get(Preview, "")
            previews.alive(session, "", clock.now())
    audit_log.rehearse(records)
