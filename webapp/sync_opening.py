"""What everybody opens who carries out a sync or a part of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sync.keyed import Key
from sync.mapping import Mapping
from sync.rules import Rules
from webapp import syncs
from webapp.config import Settings
from webapp.records import Records
from webapp.records.staging_models import Sync
from webapp.staging_secrets import mapping_of

LOOKS = 0.5  # seconds between two looks at whether somebody wants a run to stop


@contextmanager
def opened(database: Any) -> Iterator[Any]:
    """A database that is closed in the end."""
    try:
        yield database
    finally:
        database.close()


@contextmanager
def recording(settings: Settings, key: Key, wanted: Rules, sync: Sync) -> Iterator[Any]:
    """What takes down which fake stands for which original; nothing for a dry run."""
    mapping: Mapping | None = None if sync.dry_run else mapping_of(settings, key)
    if mapping is None:
        yield None
        return
    try:
        yield mapping.recorder(wanted, sync.sync_id)
    finally:
        mapping.close()


def asked_to_stop(records: Records, sync: Sync) -> Callable[[], bool]:
    """Tells whether this attempt of a sync is to stop; asks the records now and then."""
    looked, said = 0.0, False

    def asked() -> bool:
        nonlocal looked, said
        if time.monotonic() - looked > LOOKS:
            looked = time.monotonic()
            said = syncs.is_cancelled(records, sync.id, sync.attempts)
        return said

    return asked
