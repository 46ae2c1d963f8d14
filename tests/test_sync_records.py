"""The records of syncs, on SQLite and on PostgreSQL: one at a time, and nothing decided twice."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from sync.comparing import Conflict
from webapp import clock, staging_config, sync_conflicts, sync_rules, syncs
from webapp.config import Settings
from webapp.records import Records, migrating
from webapp.records.staging_models import StagingConfig, Sync, SyncStatus
from webapp.syncs import Wanted

COLUMNS = ("id", "name", "city")


@pytest.fixture
def config(records: Records) -> StagingConfig:
    return staging_config.current(records, Settings())


def ask(records: Records, config: StagingConfig) -> Sync:
    return syncs.ask(records, config, Wanted(), 1, "person:ada")


def test_of_many_who_ask_at_once_one_is_served(records: Records, config: StagingConfig) -> None:
    """The database itself sees to it."""
    made: list[str] = []
    refused: list[str] = []
    gate = threading.Barrier(6)

    def one() -> None:
        gate.wait()
        try:
            made.append(ask(records, config).id)
        except syncs.SyncUnderWay as error:
            refused.append(error.ident)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert (1, 5) == (len(made), len(refused))


def test_a_sync_is_taken_by_one_worker(records: Records, config: StagingConfig) -> None:
    """Delivered twice it runs once; when it began stays through every attempt."""
    made = ask(records, config)

    first, second = syncs.begin(records, made.id), syncs.begin(records, made.id)
    syncs.end(records, made.id, SyncStatus.FAILED, error_message="lost")
    syncs.resume(records, made.id)
    third = syncs.begin(records, made.id)

    assert first is not None
    assert second is None
    assert third is not None
    assert (1, 2, first.started_at) == (first.attempts, third.attempts, third.started_at)


def test_decisions_stay_while_the_conflict_is_the_same(
    records: Records, config: StagingConfig
) -> None:
    """Found again as it was it keeps its decision; moved since, it is asked about anew."""
    made = ask(records, config)
    rows = [
        Conflict("users", (number,), (number, "a", "x"), (number, "b", "x"), (number, "c", "y"))
        for number in (1, 2, 3)
    ]
    _pause(records, made, rows)
    sync_conflicts.decide(records, made.id, "merge", "person:ada", take={"*": "staging"})
    moved = Conflict("users", (2,), (2, "a", "x"), (2, "z", "x"), (2, "c", "y"))
    _pause(records, made, [rows[0], moved])

    found = {row.row_key: row for row in sync_conflicts.conflicts(records, made.id)}
    assert {"[1]": "merge", "[2]": ""} == {key: row.decision for key, row in found.items()}
    assert {"name": "staging"} == found["[1]"].take
    assert ["name"] == found["[1]"].moved
    sums = sync_conflicts.standing(records, made.id)
    assert (2, 1, {"users": 2}) == (sums.open, sums.decided, sums.tables)


def _pause(records: Records, made: Sync, rows: list[Conflict]) -> None:
    sync_conflicts.note_conflicts(records, made.id, [(row, COLUMNS) for row in rows])
    syncs.end(records, made.id, SyncStatus.PAUSED)


def test_rules_are_versions_that_nobody_overwrites(records: Records) -> None:
    """Who did not see the newest is told; the same to the letter makes none."""
    first = sync_rules.save(records, "one", {"t": {"c": "why"}}, "person:ada", "", None)
    again = sync_rules.save(records, "one", {}, "person:bo", "", 1)
    with pytest.raises(sync_rules.RulesMoved):
        sync_rules.save(records, "two", {}, "person:bo", "", None)
    second = sync_rules.save(records, "two", {}, "person:bo", "Better", 1)

    assert (1, 1, 2) == (first.version, again.version, second.version)
    assert [2, 1] == [each.version for each in sync_rules.versions(records)]
    assert {"t": {"c": "why"}} == sync_rules.version(records, 1).why


@pytest.mark.parametrize("schedule", ["", "0 * * * *"])
def test_a_switch_of_the_schedule_alone_becomes_no_schedule(
    records_url: str, schedule: str
) -> None:
    """What was switched off before the switch spoke of every sync still lets people start one."""
    records = Records(records_url)
    migrating.migrate(records.engine, "0016")
    kept = staging_config.current(records, Settings())
    kept.data_sync_enabled, kept.sync_schedule = False, schedule
    with records.writing() as session:
        session.add(kept)

    migrating.migrate(records.engine)

    found = staging_config.current(records, Settings())
    assert (True, "", None) == (found.data_sync_enabled, found.sync_schedule, found.next_run_at)
    records.close()


def test_a_schedule_moves_on_once(records: Records) -> None:
    """Two clocks that see the same time do not both begin a sync."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with clock.stopped_at(now):
        given = {"data_sync_enabled": True, "sync_schedule": "0 * * * *"}
        saved, _ = staging_config.change(records, Settings(), given, "person:ada")

    later = now + timedelta(hours=1, seconds=2)
    got = [staging_config.move_on(records, saved, later) for _ in range(2)]

    assert [True, False] == got
    assert now + timedelta(hours=2) == staging_config.current(records, Settings()).next_run_at
