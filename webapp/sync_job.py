"""One sync carried out, from its record to its record: what a worker does."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import redis
import structlog
from rq.timeouts import JobTimeoutException

from sync import rules
from sync.errors import Cancelled, Leaked, SyncError
from sync.rules import Rules
from sync.run import PAUSED, Options, Result, run
from sync.state import State
from sync.tables import Target, open_source, open_target
from sync.tables_failures import FAILURES
from webapp import (
    audit,
    audit_entries,
    audit_log,
    staging_config,
    sync_conflicts,
    sync_parts,
    sync_rules,
    sync_sample,
    syncs,
)
from webapp.config import InvalidSetting, Settings
from webapp.queue import Jobs
from webapp.records import Records
from webapp.records.staging_models import Sync, SyncStatus
from webapp.staging_config import NotSetUp
from webapp.staging_secrets import key_of
from webapp.sync_faults import fault
from webapp.sync_opening import asked_to_stop, opened, recording
from webapp.sync_progress import Teller, so_far
from webapp.sync_rules import NoRules

log = structlog.get_logger(__name__)
REFUSALS = (SyncError, NotSetUp, NoRules, InvalidSetting)
STOPPED = "cancelled; what was finished stays, and resuming goes on from there"
TOO_LONG = "it took longer than PROMPT_REPO_SYNC_TIME_LIMIT allows; resuming goes on from there"


def carry_out(records: Records, settings: Settings, client: "redis.Redis", ident: str) -> None:
    """Carries a sync out unless another worker has it; its record says how it ended."""
    sync = syncs.begin(records, ident)
    if sync is None:
        return
    teller = Teller(client, ident)
    if not sync.dry_run:
        staging_config.note_run(records, settings, "pending")
    try:
        result = _run(records, settings, sync, teller, Jobs(client))
    except Cancelled:
        _end(
            records, settings, sync, SyncStatus.CANCELLED, STOPPED, **so_far(sync, teller.counts())
        )
    except JobTimeoutException:
        _end(records, settings, sync, SyncStatus.FAILED, TOO_LONG, **so_far(sync, teller.counts()))
    except REFUSALS as error:
        leaks = len(error.leaks) if isinstance(error, Leaked) else 0
        told = so_far(sync, teller.counts(), leaks)
        _end(records, settings, sync, SyncStatus.FAILED, str(error), **told)
    except Exception as error:  # noqa: BLE001 - told without its words, which may quote an original
        said = f"the program failed ({type(error).__name__}); its log says where"
        _end(records, settings, sync, SyncStatus.FAILED, said, **so_far(sync, teller.counts()))
        found = fault(error)
        log.error("a sync failed", sync=ident, why=str(found))  # noqa: TRY400 - likewise
        raise found from None
    else:
        _conclude(records, settings, sync, result)


def _run(records: Records, settings: Settings, sync: Sync, teller: Teller, jobs: Jobs) -> Result:
    config = staging_config.current(records, settings)
    staging_config.allow_sync(config)
    wanted = rules.parse(sync_rules.version(records, sync.rules_version).text, "rules.yaml")
    key = key_of(settings)
    where = staging_config.addresses(config, settings)
    with (
        opened(open_source(where.production)) as production,
        opened(open_target(where.staging)) as staging,
        recording(settings, key, wanted, sync) as record,
    ):
        expected = {
            name: table.rows
            for name, table in production.schema().tables.items()
            if (not sync.tables or name in sync.tables) and not _skipped(wanted, name)
        }
        teller.expect(expected)
        if not sync.dry_run:
            _hand_over_decisions(records, sync, staging)
        options = Options(
            tables=tuple(sync.tables),
            dry_run=sync.dry_run,
            reset=sync.reset,
            restart=sync.restart,
            progress=teller,
            cancelled=asked_to_stop(records, sync),
            record=record,
            indexes_last=sync.indexes_last,
            processes=sync.processes,
            others=sync_parts.others(jobs) if sync.share else 0,
            call=sync_parts.caller(settings, jobs, sync),
        )
        try:
            return run(production, staging, wanted, key, options)
        except SyncError:
            if teller.standing.done and not sync.dry_run:  # else the latest run is an earlier one
                teller.left = _left(staging, teller.standing.tables)
            raise


def _left(staging: Target, tables: Iterable[str]) -> dict[str, dict[str, int]]:
    """What a run that did not come to its end did to each table, as it noted itself."""
    with suppress(*FAILURES):  # the database may be just what failed
        staging.rollback()
        state = State(staging)
        if state.there and (latest := state.runs(1)):
            found: dict[str, dict[str, int]] = json.loads(str(latest[0][5]))
            for table in tables:  # the one that it was at has its latest checkpoint
                begun = next(iter(state.attempts(table)), None)
                if table not in found and begun is not None and begun.run == latest[0][0]:
                    found |= {table: begun.counts.as_dict()} if begun.seen else {}
            return found
    return {}


def _skipped(wanted: Rules, name: str) -> bool:
    found = wanted.tables.get(name)
    return found is not None and found.skip


def _hand_over_decisions(records: Records, sync: Sync, staging: Target) -> None:
    """What people decided about conflicts, told to the run that carries it out."""
    sync_conflicts.take_over(records, sync)
    decided = {
        (row.table, row.row_key): {"action": row.decision, "columns": row.take}
        for row in sync_conflicts.conflicts(records, sync.id, most=sync_conflicts.MOST_CONFLICTS)
        if row.decision
    }
    state = State(staging)
    if decided and state.there:
        for conflict, _ in state.conflicts():
            decision = decided.get((conflict.table, sync_conflicts.key_text(conflict.key)))
            if decision is not None:
                state.record_decision(conflict, decision)
        staging.commit()


def _conclude(records: Records, settings: Settings, sync: Sync, result: Result) -> None:
    total = result.total
    found = [(each, result.columns[each.table]) for each in result.conflicts]
    sync_conflicts.note_conflicts(records, sync.id, found)
    paused = result.status == PAUSED
    status = SyncStatus.PAUSED if paused else SyncStatus.COMPLETED
    open_ = len(result.conflicts)
    values = {
        "counts": {name: counts.as_dict() for name, counts in result.tables.items()},
        "warnings": list(result.warnings),
        "records_synced": max(0, total.seen - open_ - total.failed),
        "records_failed": open_ + total.failed if not sync.dry_run else 0,
        "samples": sync_sample.of(records, sync, result) if sync.dry_run else [],
    }
    if sync.dry_run:
        values["records_synced"] = 0
    said = "rows moved on both sides; decide about them, then resume" if paused else ""
    _end(records, settings, sync, status, said, **values)


def _end(
    records: Records, settings: Settings, sync: Sync, status: SyncStatus, said: str, **values: Any
) -> None:
    if not syncs.end(records, sync.id, status, error_message=said[:8000], **values):
        return
    if not sync.dry_run:
        word = {SyncStatus.COMPLETED: "success", SyncStatus.PAUSED: "pending"}
        staging_config.note_run(records, settings, word.get(status, "failed"))
    outcome = "failed" if status == SyncStatus.FAILED else "done"
    subject = f"sync {sync.sync_id}"
    entry = audit.unasked(
        sync.initiated_by, "sync", subject, outcome, before=str(sync.status), after=status.value,
        said=said, rules=sync.rules_version, dry_run=sync.dry_run,
    )  # fmt: skip
    asked = audit_log.origin(records, "subject", subject)
    entry.address, entry.request_id = asked if any(asked) else (entry.address, "")
    audit_entries.write(records, entry)
