"""Parts of large tables as jobs of their own, so that all workers share one sync.

The worker that carries the sync out fills parts, too, and is done when all are filled: a part that
no other takes, or whose worker died, is its own. A job finds that out and does nothing. Originals
never go through Redis: a job is told ids, and leaves its rows in staging; what went wrong it tells
without the values that an error may quote.
"""

from collections.abc import Callable, Sequence

import structlog

from sync import rules, shards
from sync.errors import Cancelled, DatabaseFailed, RunInProgress, SyncError, Unfit
from sync.filling import Shard
from sync.sharing import Call
from sync.tables import open_source, open_target
from sync.tables_failures import FAILURES, told
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from webapp import staging_config, sync_rules, syncs
from webapp.config import Settings
from webapp.queue import SYNCS, Jobs, NoQueue
from webapp.records import Records
from webapp.records.staging_models import Sync, SyncStatus
from webapp.staging_secrets import key_of
from webapp.sync_faults import fault
from webapp.sync_opening import asked_to_stop, opened, recording

log = structlog.get_logger(__name__)


def others(jobs: Jobs) -> int:
    """How many workers there are beside the one that asks; none where that can't be told."""
    try:
        return max(0, jobs.hands(SYNCS) - 1)
    except NoQueue:
        return 0


def caller(settings: Settings, jobs: Jobs, sync: Sync) -> Call:
    """Queues a job for each part; where that fails, the sync's own worker fills them all."""

    def call(parts: Sequence[Shard], snapshot: str) -> None:
        for part in parts:
            ident = f"{syncs.job_of(sync)}-part-{part.attempt}-{part.number}"
            numbers = [str(each) for each in (sync.attempts, part.attempt, part.number)]
            try:
                jobs.enqueue(
                    SYNCS, "fill_sync_part", sync.id, part.table, *numbers, snapshot,
                    ident=ident, seconds=settings.sync_time_limit,
                )  # fmt: skip
            except NoQueue as error:
                log.warning("a part of a sync is not queued", job=ident, why=str(error))

    return call


def fill(
    records: Records, settings: Settings, ident: str, table: str, numbers: Sequence[int],
    snapshot: str,
) -> int:  # fmt: skip
    """Fills one part of the attempt that is under way, unless another has; tells its rows."""
    going, attempt, number = numbers
    sync = syncs.find(records, ident)
    if sync.status != SyncStatus.IN_PROGRESS or sync.attempts != going:
        return 0
    stop = asked_to_stop(records, sync)
    try:
        return _fill(
            records, settings, sync, Shard(table, attempt, number, None, None), snapshot, stop
        )
    except (Cancelled, RunInProgress, Unfit) as error:
        why = type(error).__name__
        log.info("a part of a sync is left to its own worker", sync=ident, why=why)
    except FAILURES as error:
        if not syncs.is_cancelled(records, ident, going):
            raise DatabaseFailed(told(error)) from None
        log.info("a part came too late for its sync", sync=ident, why=told(error))
    except SyncError:
        raise
    except Exception as error:  # noqa: BLE001 - told without its words, which may quote an original
        raise fault(error) from None
    return 0


def _fill(
    records: Records, settings: Settings, sync: Sync, part: Shard, snapshot: str,
    stop: Callable[[], bool],
) -> int:  # fmt: skip
    config = staging_config.current(records, settings)
    wanted = rules.parse(sync_rules.version(records, sync.rules_version).text, "rules.yaml")
    key, where = key_of(settings), staging_config.addresses(config, settings)
    with (
        opened(open_source(where.production, snapshot)) as production,
        opened(open_target(where.staging)) as staging,
        recording(settings, key, wanted, sync) as record,
    ):
        assert isinstance(production, PostgresSource)
        assert isinstance(staging, PostgresTarget)
        production.get_ready()
        staging.get_ready()
        work = shards.works(production, staging, wanted, key, tuple(sync.tables))[part.table]
        return shards.fill(production, staging, work, part, stop, record)
