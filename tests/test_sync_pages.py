"""Syncs on their pages: tried, run, paused by conflicts, decided, resumed, cancelled, lost."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select

from sync import demo
from tests.servers import Postgres
from tests.staging_world import USERS, Staging, staging_world
from tests.sync.databases import ask, carry_out
from webapp import clock, staging_config, sync_conflicts, sync_rules, sync_watch, syncs
from webapp.records.models import AuditEntry
from webapp.records.staging_models import Sync, SyncStatus


@pytest.fixture
def world(tmp_path: Path, redis_url: str) -> Iterator[Staging]:
    with staging_world(tmp_path, redis_url) as made:
        yield made


def test_a_sync_brings_people_over_as_fakes(world: Staging) -> None:
    """Started on the page and carried out by a worker: as many people, and none of their emails."""
    made = world.run()

    originals = {row[0].lower() for row in world.in_production("SELECT email FROM users")}
    copied = {row[0].lower() for row in world.in_staging("SELECT email FROM users")}
    assert (SyncStatus.COMPLETED, "") == (made.status, made.error_message)
    assert (USERS, set()) == (len(copied), copied & originals)
    assert made.counts["users"]["inserted"] == USERS
    assert made.records_synced == sum(each["seen"] for each in made.counts.values())
    assert made.initiated_by.startswith("person:admin")
    assert ("success", True) == (
        world.config.last_sync_status,
        world.config.last_sync_at is not None,
    )


def test_a_folder_that_is_not_there_is_told(world: Staging) -> None:
    """By the environment's health, and by the sync that fails of it; the folder isn't made."""
    folder = world.staging.parent / "stagin"
    world.configure(database_url=f"sqlite:///{folder}/app.sqlite3")

    page = world.here.admin.get("/staging").text
    made = world.run()

    assert f"There is no folder {folder}" in page
    assert f"there is no folder {folder}" in made.error_message
    assert (SyncStatus.FAILED, False) == (made.status, folder.exists())


def test_a_second_sync_writes_nothing(world: Staging) -> None:
    """Nothing moved, so every row is the same."""
    world.run()

    again = world.run()

    assert 0 == sum(each["inserted"] + each["updated"] for each in again.counts.values())


def test_a_try_writes_nothing_and_shows_originals_covered(world: Staging) -> None:
    """Ten rows a table, before and after; what is personal is covered before, made up after."""
    made = world.run(dry_run="1")

    page = world.here.admin.get(f"/staging/syncs/{made.id}").text
    first = world.in_production("SELECT first_name, email FROM users LIMIT 1")[0]
    users = next(each for each in made.samples if each["table"] == "users")
    assert not world.staging.exists() or not world.in_staging("SELECT name FROM sqlite_master")
    assert 10 == len(users["rows"])
    assert "•" in page
    assert [] == [value for value in first if value in page]
    assert (0, False) == (made.records_synced, made.resumable)


def test_chosen_tables_alone_are_synced(world: Staging) -> None:
    """Others stay empty."""
    made = world.run(which="some", table="teams")

    assert ["teams"] == list(made.counts)
    assert [(0,)] == world.in_staging("SELECT count(*) FROM users")


def test_how_it_goes_about_is_chosen(world: Staging) -> None:
    """By all workers unless it is said; one worker's processes count where it is alone."""
    usual = world.run()
    chosen = world.run(share="no", processes="3", indexes_last="1")
    shared = world.run(share="yes", processes="3")

    assert (True, 1, False) == (usual.share, usual.processes, usual.indexes_last)
    assert (False, 3, True) == (chosen.share, chosen.processes, chosen.indexes_last)
    assert (True, 1) == (shared.share, shared.processes)
    assert {SyncStatus.COMPLETED} == {usual.status, chosen.status, shared.status}


@pytest.mark.parametrize("number", ["0", "65", "-1", "many", "9" * 30])
def test_a_number_of_processes_that_can_not_be_is_refused(world: Staging, number: str) -> None:
    """It says what may be, and nothing is recorded."""
    answer = world.here.admin.post("/staging/syncs", share="no", processes=number)

    assert 422 == answer.status_code
    assert "1 to 64 processes" in answer.text
    assert [] == syncs.listed(world.here.records)


def test_ticking_no_table_is_told(world: Staging) -> None:
    """Nothing is started."""
    answer = world.here.admin.post("/staging/syncs", which="some")

    assert (422, []) == (answer.status_code, syncs.listed(world.here.records))
    assert "Tick the tables" in answer.text


def test_there_are_never_two(world: Staging) -> None:
    """While one waits or runs, another is refused, and said so; it has no count of rows yet."""
    world.start()
    for page in ("/staging/syncs", "/staging"):
        assert "0 rows</span>" not in (shown := world.here.admin.get(page).text)
        assert "<dt>Rows</dt>" not in shown

    answer = world.here.admin.post("/staging/syncs")

    assert 422 == answer.status_code
    assert "never two at once" in answer.text
    assert 1 == len(syncs.listed(world.here.records))


SWITCHES = [
    ("anonymization_enabled", "nonymisation is switched off"),
    ("data_sync_enabled", "ata sync is switched off"),
]


@pytest.mark.parametrize(("switch", "said"), SWITCHES)
def test_what_is_switched_off_lets_no_sync_begin(world: Staging, switch: str, said: str) -> None:
    """None, be it tried only; nor are people copied as they are. The page says where to go."""
    world.configure(**{switch: False})

    answers = [world.here.admin.post("/staging/syncs", **form) for form in ({}, {"dry_run": "1"})]

    assert [422, 422] == [each.status_code for each in answers]
    assert all(said in each.text for each in answers)
    assert [] == syncs.listed(world.here.records)
    assert said in world.here.admin.get("/staging/syncs").text


@pytest.mark.parametrize(("switch", "said"), SWITCHES)
def test_what_is_switched_off_meanwhile_stops_what_waits(
    world: Staging, switch: str, said: str
) -> None:
    """A sync in the queue fails before a row is read, and does not go on until it is on again."""
    made = world.start()
    world.configure(**{switch: False})
    world.here.work(("syncs",))
    failed = world.sync(made.id)
    assert (SyncStatus.FAILED, {}) == (failed.status, failed.counts)
    assert said in failed.error_message

    world.here.admin.post(f"/staging/syncs/{made.id}/resume")
    assert SyncStatus.FAILED == world.sync(made.id).status
    world.configure(**{switch: True})
    world.here.admin.post(f"/staging/syncs/{made.id}/resume")
    world.here.work(("syncs",))

    assert SyncStatus.COMPLETED == world.sync(made.id).status


def test_a_schedule_that_is_switched_off_is_neither_begun_nor_missed(world: Staging) -> None:
    """Nobody wants it, so there is nothing to report; switched on again it comes anew."""
    due = world.configure(sync_schedule="0 * * * *").next_run_at
    world.configure(data_sync_enabled=False)
    assert due is not None
    with clock.stopped_at(due + timedelta(hours=3)):
        sync_watch.look(world.here.records, world.here.settings, world.here.jobs)
        again = world.configure(data_sync_enabled=True).next_run_at

    assert [] == syncs.listed(world.here.records)
    assert due + timedelta(hours=4) == again


def test_conflicts_pause_a_sync_until_they_are_decided(world: Staging) -> None:
    """One row takes production's, one keeps staging's, one is merged by column; then it resumes."""
    made = world.clash(1, 2, 3)
    assert (SyncStatus.PAUSED, 3) == (made.status, made.records_failed)
    address = f"/staging/syncs/{made.id}/conflicts"
    rows = {row.row_key: row.id for row in sync_conflicts.conflicts(world.here.records, made.id)}
    assert "moved on both sides" in world.here.admin.get(address).text

    for key, action in (("[1]", "overwrite"), ("[2]", "skip"), ("[3]", "merge")):
        form = {"one": f"{rows[key]}:{action}", f"take.{rows[key]}.role": "production"}
        assert 303 == world.here.admin.post(address, **form).status_code
    world.here.admin.post(f"/staging/syncs/{made.id}/resume")
    world.here.work(("syncs",))

    assert SyncStatus.COMPLETED == world.sync(made.id).status
    found = world.in_staging("SELECT role, bio = 'QA' FROM users WHERE id < 4 ORDER BY id")
    assert ["lead", "tester", "lead"] == [role for role, _ in found]
    assert [0, 1, 1] == [int(own or 0) for _, own in found]
    assert 0 == sync_conflicts.standing(world.here.records, made.id).open


def test_a_new_sync_takes_over_what_was_decided_in_a_paused_one(world: Staging) -> None:
    """Starting anew in place of resuming loses no decision; what is open still pauses the new."""
    paused = world.clash(1, 2)
    address = f"/staging/syncs/{paused.id}/conflicts"
    first, second = sync_conflicts.conflicts(world.here.records, paused.id)
    world.here.admin.post(address, one=f"{first.id}:skip")

    anew = world.run()

    left = sync_conflicts.conflicts(world.here.records, anew.id)
    assert (SyncStatus.PAUSED, [second.row_key]) == (anew.status, [row.row_key for row in left])
    given_up = world.sync(paused.id)
    assert SyncStatus.CANCELLED == given_up.status
    assert anew.sync_id in given_up.error_message
    assert 1 == anew.records_failed
    assert [("tester",)] == world.in_staging("SELECT role FROM users WHERE id = 1")


def test_rows_found_to_hold_originals_have_failed(world: Staging) -> None:
    """The sync does not succeed, says so, and counts them."""
    standing = sync_rules.latest(world.here.records)
    assert standing is not None
    kept = re.sub(r"(?m)^(      bio:).*$", r"\1 keep", standing.text)
    sync_rules.save(world.here.records, kept, {}, "person:ada", "Wrong", standing.version)
    world.in_production("UPDATE users SET bio = 'write to ' || email WHERE id < 4")

    made = world.run()

    assert (SyncStatus.FAILED, 3) == (made.status, made.records_failed)
    assert "users.bio" in made.error_message


def test_a_decision_is_entered_as_it_was_made(world: Staging) -> None:
    """By its own button or for many: what, about which, whose values; also one that is refused."""
    made = world.clash(1, 2)
    address = f"/staging/syncs/{made.id}/conflicts"
    first, second = sync_conflicts.conflicts(world.here.records, made.id)
    bar = {"action": "overwrite", "scope": "ticked", "prefer": "staging", "shown": "users"}

    world.here.admin.post(address, **bar)
    one = {"one": f"{first.id}:merge", f"take.{first.id}.role": "staging"}
    world.here.admin.post(address, **(bar | one))
    world.here.admin.post(address, **(bar | {"conflict": str(second.id)}))
    world.here.admin.post(address, **(bar | {"scope": "table", "action": "merge"}))

    with world.here.records.reading() as session:
        query = select(AuditEntry).where(AuditEntry.action == "syncs.decide")
        found = list(session.scalars(query.order_by(AuditEntry.id)))
    assert ["failed", "done", "done", "done"] == [each.outcome for each in found]
    assert {f"sync {made.sync_id}"} == {each.subject for each in found}
    told = [{k: v for k, v in each.detail.items() if k != "method"} for each in found[1:]]
    assert [
        {
            "scope": "one",
            "action": "merge",
            "numbers": [first.id],
            "take": {"role": "staging"},
            "decided": 1,
        },
        {
            "scope": "ticked",
            "action": "overwrite",
            "numbers": [second.id],
            "take": {},
            "decided": 1,
        },
        {
            "scope": "table",
            "action": "merge",
            "table": "users",
            "take": {"*": "staging"},
            "decided": 2,
        },
    ] == told


def test_merging_is_offered_where_it_can_do_something(world: Staging) -> None:
    """To pick sides where both moved a column, to keep both changes elsewhere; not of one row."""
    offers = {"Merge as picked", "Keep both changes", "where both moved", 'value="merge"'}

    def offered(production: str, staging: str) -> tuple[Sync, set[str]]:
        world.in_production(f"UPDATE users SET {production} WHERE id = 1")
        world.in_staging(f"{staging} WHERE id = 1")
        made = world.run()
        page = world.here.admin.get(f"/staging/syncs/{made.id}/conflicts").text
        assert SyncStatus.PAUSED == made.status
        return made, {each for each in offers if each in page}

    assert SyncStatus.COMPLETED == world.run().status
    made, elsewhere = offered("role = 'lead'", "UPDATE users SET bio = 'QA'")
    answer = world.here.admin.post(
        f"/staging/syncs/{made.id}/conflicts", one=_one(world, made, "merge")
    )
    world.here.admin.post(f"/staging/syncs/{made.id}/resume")
    world.here.work(("syncs",))
    kept = world.in_staging("SELECT role, bio FROM users WHERE id = 1")
    made, same = offered("role = 'boss'", "UPDATE users SET role = 'tester'")
    world.here.admin.post(f"/staging/syncs/{made.id}/conflicts", one=_one(world, made, "skip"))
    world.here.admin.post(f"/staging/syncs/{made.id}/resume")
    world.here.work(("syncs",))
    _, gone = offered("role = 'chief'", "DELETE FROM users")

    assert (303, [("lead", "QA")]) == (answer.status_code, kept)
    assert {"Keep both changes", 'value="merge"'} == elsewhere
    assert {"Merge as picked", "where both moved", 'value="merge"'} == same
    assert set() == gone


def _one(world: Staging, made: Sync, action: str) -> str:
    """The button of a sync's one conflict that decides so."""
    (row,) = sync_conflicts.conflicts(world.here.records, made.id)
    return f"{row.id}:{action}"


def test_conflicts_are_listed_as_people_count(world: Staging) -> None:
    """Nine comes before ten, and a decision leads back to its row on the same page of the list."""
    made = world.clash(*range(1, 24))
    address = f"/staging/syncs/{made.id}/conflicts"
    rows = sync_conflicts.conflicts(world.here.records, made.id)
    assert [f"[{number}]" for number in range(1, 24)] == [row.row_key for row in rows]
    last, before = rows[-1], rows[19]
    page = world.here.admin.get(f"{address}?after={before.id}").text
    assert f'name="after" value="{before.id}"' in page

    answer = world.here.admin.post(address, one=f"{last.id}:skip", after=str(before.id))

    assert answer.headers["Location"].endswith(f"?after={before.id}#conflict-{last.id}")


def test_which_rules_a_resumed_sync_goes_by_is_said(world: Staging) -> None:
    """It goes on as it began; with newer rules there, who wants those starts a new one."""
    world.in_production("ALTER TABLE users ADD COLUMN tax_id TEXT")
    made = world.run()
    before = world.here.admin.get(f"/staging/syncs/{made.id}").text
    world.draft()

    pages = [world.here.admin.get(f"/staging/syncs{each}").text for each in ("", f"/{made.id}")]

    assert "as it began" not in before
    assert all("goes by version 2" in each for each in pages)
    assert SyncStatus.COMPLETED == world.run().status


def test_what_was_chosen_stays_chosen(world: Staging) -> None:
    """Tables were to be ticked and none was: the page still asks for them."""
    answer = world.here.admin.post("/staging/syncs", which="some")

    assert 422 == answer.status_code
    assert re.search(r'value="some" checked', answer.text)
    assert re.search(r'<fieldset class="ticked">.*?name="table" value="users">', answer.text, re.S)


@pytest.mark.parametrize("scope", ["rest", "rest of table"])
def test_the_rest_is_decided_and_what_was_decided_stays(world: Staging, scope: str) -> None:
    """Whoever looked at a few rows closely decides about all others at once."""
    made = world.clash(1, 2, 3)
    address = f"/staging/syncs/{made.id}/conflicts"
    first, *_ = sync_conflicts.conflicts(world.here.records, made.id)
    untouched = world.here.admin.get(f"{address}?table=users").text
    world.here.admin.post(address, one=f"{first.id}:skip", shown="users")

    page = world.here.admin.get(f"{address}?table=users").text
    answer = world.here.admin.post(address, scope=scope, shown="users", action="overwrite")

    rows = sync_conflicts.conflicts(world.here.records, made.id)
    assert 303 == answer.status_code
    assert ["skip", "overwrite", "overwrite"] == [row.decision for row in rows]
    assert "not decided yet" not in untouched
    assert "all 2 not decided yet" in page
    assert "all of users not decided yet" in page


def test_all_conflicts_may_be_decided_at_once(world: Staging) -> None:
    """Merging all takes one side where both moved, and what only one side changed from that one."""
    made = world.clash(1, 2)
    address = f"/staging/syncs/{made.id}/conflicts"

    answer = world.here.admin.post(address, scope="all", action="merge", prefer="staging")
    world.here.admin.post(f"/staging/syncs/{made.id}/resume")
    world.here.work(("syncs",))

    assert 303 == answer.status_code
    assert [("tester", "QA")] * 2 == world.in_staging("SELECT role, bio FROM users WHERE id < 3")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"scope": "ticked", "action": "skip"}, "tick the rows"),
        ({"scope": "all", "action": "burn"}, "is no decision"),
        ({"scope": "all", "action": "merge", "prefer": "mine"}, "from `production` or"),
        ({"one": "999999:skip"}, "no such open conflict"),
        ({"one": "x:skip"}, "no such open conflict"),
    ],
)
def test_a_decision_that_says_too_little_decides_nothing(
    world: Staging, form: dict[str, str], said: str
) -> None:
    """The page says what is missing, and every conflict stays open."""
    made = world.clash()

    answer = world.here.admin.post(f"/staging/syncs/{made.id}/conflicts", **form)

    assert 422 == answer.status_code
    assert said.lower() in answer.text.lower()
    assert 0 == sync_conflicts.standing(world.here.records, made.id).decided


def test_a_waiting_sync_is_cancelled_at_once(world: Staging) -> None:
    """Its job is taken away, and it can be resumed."""
    made = world.start()

    world.here.admin.post(f"/staging/syncs/{made.id}/cancel")
    world.here.work(("syncs",))

    assert SyncStatus.CANCELLED == world.sync(made.id).status
    assert not world.staging.exists()


def test_a_sync_whose_worker_died_fails_and_resumes(world: Staging) -> None:
    """The watch finds it; what was finished stays, and resuming completes it."""
    made = world.start()
    syncs.begin(world.here.records, made.id)  # a worker took it, and is gone with its job
    world.here.jobs.cancel(syncs.job_of(made))
    sync_watch.look(world.here.records, world.here.settings, world.here.jobs)
    lost = world.sync(made.id)

    world.here.admin.post(f"/staging/syncs/{made.id}/resume")
    world.here.work(("syncs",))

    assert SyncStatus.FAILED == lost.status
    assert "the worker that ran this sync ended" in lost.error_message
    assert (SyncStatus.COMPLETED, 2) == (world.sync(made.id).status, world.sync(made.id).attempts)


def test_an_older_sync_can_not_be_resumed(world: Staging) -> None:
    """Only the newest goes on: a later one brought staging further."""
    made = world.start()
    world.here.admin.post(f"/staging/syncs/{made.id}/cancel")
    world.run()

    with pytest.raises(syncs.SyncOver, match="only the newest"):
        syncs.resume(world.here.records, made.id)


def test_a_failure_says_why(world: Staging) -> None:
    """A column that came since the rules were saved stops the sync before a row is read."""
    world.run()
    world.in_production("ALTER TABLE users ADD COLUMN tax_id TEXT")

    made = world.run()

    assert SyncStatus.FAILED == made.status
    assert "users.tax_id" in made.error_message
    assert "no rule covers" in made.error_message
    assert ("failed", {}) == (world.config.last_sync_status, made.counts)


def test_the_schedule_begins_a_sync_for_who_saved_it(world: Staging) -> None:
    """At its time one is queued, once, whoever looks how often; it is entered under their name."""
    config = world.configure(data_sync_enabled=True, sync_schedule="0 * * * *")
    assert config.next_run_at is not None
    with clock.stopped_at(config.next_run_at + timedelta(seconds=3)):
        for _ in range(2):
            sync_watch.look(world.here.records, world.here.settings, world.here.jobs)

    found = syncs.listed(world.here.records)
    assert [(True, "person:ada", "pending")] == [
        (each.scheduled, each.initiated_by, each.status) for each in found
    ]
    assert world.config.next_run_at == config.next_run_at + timedelta(hours=1)


def test_missed_runs_are_reported(world: Staging) -> None:
    """Nobody was there for some hours: each run that never began is told, and none begins late."""
    config = world.configure(data_sync_enabled=True, sync_schedule="0 * * * *")
    assert config.next_run_at is not None
    with clock.stopped_at(config.next_run_at + timedelta(hours=2, minutes=30)):
        sync_watch.look(world.here.records, world.here.settings, world.here.jobs)

    found = syncs.listed(world.here.records)
    assert 3 == len(found)
    assert all(each.missed and "no worker was there" in each.error_message for each in found)
    assert "missed" in world.here.admin.get("/staging/syncs").text


def test_runs_that_one_stands_for_are_reported(world: Staging) -> None:
    """The clock comes three runs late: the latest of them begins, the two before it are told."""
    config = world.configure(data_sync_enabled=True, sync_schedule="* * * * *")
    assert config.next_run_at is not None
    with clock.stopped_at(config.next_run_at + timedelta(minutes=2, seconds=3)):
        sync_watch.look(world.here.records, world.here.settings, world.here.jobs)

    found = syncs.listed(world.here.records)
    assert [False, True, True] == sorted(each.missed for each in found)
    slots = {f"{config.next_run_at + timedelta(minutes=each):%H:%M}" for each in (0, 1)}
    assert slots == {each.error_message[-9:-4] for each in found if each.missed}
    assert ["pending"] == [each.status for each in found if not each.missed]


def test_a_sync_that_was_killed_as_cancelled_is_not_for_ever_pending(world: Staging) -> None:
    """The configuration tells that the last sync did not succeed."""
    made = world.start()
    syncs.begin(world.here.records, made.id)
    staging_config.note_run(world.here.records, world.here.settings, "pending")
    syncs.cancel(world.here.records, made.id, "person:ada")
    world.here.jobs.cancel(syncs.job_of(world.sync(made.id)))  # its worker died with it
    sync_watch.look(world.here.records, world.here.settings, world.here.jobs)

    assert SyncStatus.CANCELLED == world.sync(made.id).status
    assert "failed" == world.config.last_sync_status


def test_a_sync_whose_worker_is_gone_is_told_before_another_comes(world: Staging) -> None:
    """With no worker left nobody can end it in the records: the page tells, and what to do."""
    made = world.start()
    address = f"/staging/syncs/{made.id}"
    waiting = world.here.admin.get(address).text
    syncs.begin(world.here.records, made.id)

    alone = [world.here.admin.get(each).text for each in (address, "/staging/syncs")]
    queue = world.here.jobs.queues(("syncs",))
    worker = SimpleWorker(queue, connection=world.here.jobs.redis, serializer=JSONSerializer)
    worker.register_birth()
    watched = world.here.admin.get(address).text
    worker.register_death()

    assert "It waits: no worker takes syncs now" in waiting
    assert [True, True] == ["It was interrupted; what was finished stays" in page for page in alone]
    assert "no worker takes syncs now" not in watched


def test_another_name_of_the_environment_lets_no_second_one_in(world: Staging) -> None:
    """There are never two at once, whatever staging is called meanwhile."""
    world.start()
    world.configure(environment_name="qa")

    answer = world.here.admin.post("/staging/syncs")

    assert 422 == answer.status_code
    assert "never two at once" in answer.text
    assert 1 == len(syncs.listed(world.here.records))


def test_a_run_due_while_another_is_under_way_is_missed(world: Staging) -> None:
    """Never two at once, on schedule either; it says so."""
    config = world.configure(data_sync_enabled=True, sync_schedule="0 * * * *")
    assert config.next_run_at is not None
    running = world.start()
    syncs.begin(world.here.records, running.id)
    with clock.stopped_at(config.next_run_at + timedelta(seconds=3)):
        sync_watch.begin_due(world.here.records, world.here.settings, world.here.jobs)

    missed = [each for each in syncs.listed(world.here.records) if each.missed]
    assert 1 == len(missed)
    assert "never two at once" in missed[0].error_message


def test_without_redis_nothing_is_recorded(tmp_path: Path, redis_url: str) -> None:
    """What can't be queued is not accepted."""
    with staging_world(tmp_path, redis_url) as world:
        object.__setattr__(world.here.app.extensions["services"], "redis", None)

        answer = world.here.admin.post("/staging/syncs")

        assert 503 == answer.status_code
        assert "Background jobs need Redis" in answer.text
        assert [] == syncs.listed(world.here.records)


def test_postgresql_goes_the_same_way(world: Staging, postgres: Postgres) -> None:
    """Tried, run, paused by a conflict, decided, resumed; rules and fakes on the page as well."""
    live, copy = postgres.create(), postgres.create()
    demo.create(live, 40, 80)
    object.__setattr__(world.here.settings, "production_database_url", live)
    world.configure(database_url=copy)
    world.here.admin.post("/staging/rules/draft")
    tried, first = world.run(dry_run="1"), world.run()
    for url, role in ((live, "lead"), (copy, "tester")):
        carry_out(url, f"UPDATE users SET role = '{role}' WHERE id IN (1, 2, 10)")
    paused = world.run()
    rows = sync_conflicts.conflicts(world.here.records, paused.id)

    address = f"/staging/syncs/{paused.id}"
    world.here.admin.post(f"{address}/conflicts", scope="all", action="skip")
    world.here.admin.post(f"{address}/resume")
    world.here.work(("syncs",))

    assert ["completed", "completed", "paused"] == [tried.status, first.status, paused.status]
    assert "completed" == world.sync(paused.id).status
    assert ["users 1", "users 2", "users 10"] == [sync_conflicts.name_of(row) for row in rows]
    assert [("tester",)] == ask(copy, "SELECT role FROM users WHERE id = 1")
    assert "@example." in world.here.admin.get("/staging/rules").text
    assert "PostgreSQL" in world.here.admin.get("/staging").text
