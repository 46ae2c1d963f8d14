"""Asking for a sync, cancelling and resuming one: recorded and queued, both or neither."""

from flask import current_app

from webapp import audit, staging_config, sync_rules, sync_watch, syncs
from webapp.access import caller
from webapp.queue import NoQueue
from webapp.records.staging_models import Sync, SyncStatus
from webapp.services import jobs, records, settings
from webapp.staging_config import NotSetUp
from webapp.staging_secrets import key_of
from webapp.syncs import Wanted


def start(wanted: Wanted) -> Sync:
    """A new sync in the queue; raises NotSetUp, SyncUnderWay, UnusableKey, NoQueue."""
    config = staging_config.current(records(), settings())
    staging_config.allow_sync(config)
    staging_config.addresses(config, settings())
    standing = sync_rules.latest(records())
    if standing is None:
        raise NotSetUp("there are no rules yet; draft them under Rules, and read them")
    key_of(settings())
    made = syncs.ask(records(), config, wanted, standing.version, caller().actor)
    audit.describe(
        f"sync {made.sync_id}", tables=list(wanted.tables), dry_run=wanted.dry_run,
        reset=wanted.reset, rules=standing.version,
    )  # fmt: skip
    return _queue(made)


def resume(ident: str) -> Sync:
    """The same sync again in the queue.

    Raises SyncNotFound, NotSetUp, SyncOver, SyncUnderWay, NoQueue.
    """
    before = syncs.find(records(), ident)
    staging_config.allow_sync(staging_config.current(records(), settings()))
    found = syncs.resume(records(), ident)
    audit.describe(
        f"sync {found.sync_id}", attempt=found.attempts + 1, before=str(before.status),
        after=str(found.status),
    )  # fmt: skip
    return _queue(found)


def waiting() -> int:
    """1 while a sync is under way or waits for decisions, for the rail."""
    found = syncs.latest(records())
    return int(found is not None and (found.under_way or found.status == SyncStatus.PAUSED))


def _queue(sync: Sync) -> Sync:
    try:
        sync_watch.enqueue(settings(), jobs(), sync)
    except NoQueue:
        syncs.forget(records(), sync)
        raise
    return sync


def cancel(ident: str) -> Sync:
    """Has a sync end: at once where it waits, after its batch where it runs.

    Raises SyncNotFound, SyncOver. Without Redis the run finds out by itself.
    """
    before = syncs.find(records(), ident)
    found = syncs.cancel(records(), ident, caller().actor)
    after = found.status if found.status == SyncStatus.CANCELLED else "told to stop"
    audit.describe(f"sync {found.sync_id}", before=str(before.status), after=str(after))
    if found.status == SyncStatus.CANCELLED:
        try:
            jobs().cancel(syncs.job_of(before))
        except NoQueue as error:
            current_app.logger.warning("a cancelled sync's job stays in the queue: %s", error)
    return found
