"""The audit log as a chain: what a tamperer leaves to be seen, seals and cuts, many writers."""

import multiprocessing
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.engine import Connection

from prompt_repo.editing import Edit, save
from prompt_repo.model import Author, PromptKey
from prompt_repo.repository import STAGING, Repository
from tests.factories import make_repository
from webapp import audit, audit_anchors, audit_entries, audit_tending
from webapp.audit_chain import GENESIS, digest
from webapp.audit_check import Report, check
from webapp.cli import main
from webapp.records import Records
from webapp.records.models import AuditEntry

SAM = Author("Sam", "sam@studio.example")
ENTRIES = 12


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path, ("aria",))


@pytest.fixture
def log(records: Records, repository: Repository) -> Records:
    """A log of ENTRIES entries and the anchor's own, kept by Git; then two more."""
    fill(records, ENTRIES)
    audit_anchors.anchor(records, repository.store.path)
    fill(records, 2)
    return records


def fill(records: Records, count: int, at: datetime | None = None) -> None:
    for number in range(count):
        entry = audit.unasked("person:sam", "test", f"subject {number}", "done", note="ü", n=1.5)
        entry.at = at or entry.at
        audit_entries.write(records, entry)


def fill_in_a_process(records_url: str, count: int) -> None:
    records = Records(records_url)
    fill(records, count)
    records.close()


def checked(records: Records, repository: Repository) -> Report:
    return check(records, audit_anchors.all_of(repository.store.path))


def tamper(records: Records, how: Callable[[Connection], None]) -> None:
    """Does to the table what its triggers refuse: whoever owns the database can."""
    sqlite = records.engine.dialect.name == "sqlite"
    with records.engine.begin() as connection:
        if sqlite:
            connection.execute(text("drop trigger audit_keeps_update"))
            connection.execute(text("drop trigger audit_keeps_delete"))
        else:
            connection.execute(text("alter table audit disable trigger user"))
        how(connection)


def chained_anew(connection: Connection, first: int) -> None:
    """Works the chain out again from an entry on, as a thorough forger would."""
    table = AuditEntry.__table__
    previous = GENESIS
    for row in connection.execute(table.select().order_by(table.c.id)).mappings().all():
        if row["id"] >= first:
            made = digest(previous, row)
            values = {"previous_hash": previous, "hash": made}
            connection.execute(table.update().where(table.c.id == row["id"]).values(values))
        previous = made if row["id"] >= first else row["hash"]


def edit_a_field(connection: Connection) -> None:
    connection.execute(text("update audit set actor = 'person:eve' where id = 5"))


def delete_one_in_the_middle(connection: Connection) -> None:
    connection.execute(text("delete from audit where id = 5"))


def delete_the_end(connection: Connection) -> None:
    connection.execute(text(f"delete from audit where id > {ENTRIES - 3}"))


def swap_two(connection: Connection) -> None:
    for old, new in ((5, 1000), (6, 5), (1000, 6)):
        connection.execute(text(f"update audit set id = {new} where id = {old}"))


def rewrite_the_chain(connection: Connection) -> None:
    edit_a_field(connection)
    chained_anew(connection, 5)


def edit_and_hash_one(connection: Connection) -> None:
    edit_a_field(connection)
    table = AuditEntry.__table__
    row = connection.execute(table.select().where(table.c.id == 5)).mappings().one()
    made = digest(row["previous_hash"], row)
    connection.execute(table.update().where(table.c.id == 5).values(hash=made))


def cut_the_beginning(connection: Connection) -> None:
    """With a seal of the forger's own, put into the table and the chain."""
    row = connection.execute(text("select hash from audit where id = 4")).one()
    now = datetime.now(UTC)
    seals = "insert into audit_seals values (4, :hash, 4, :now, :now, :now)"
    connection.execute(text(seals), {"hash": row[0], "now": now})
    connection.execute(text("delete from audit where id <= 4"))


TAMPERS: list[tuple[Callable[[Connection], None], int, str]] = [
    (edit_a_field, 5, "content isn't what its hash was made of"),
    (delete_one_in_the_middle, 6, "1 before it is missing"),
    (delete_the_end, ENTRIES + 1, "the end was cut off"),
    (swap_two, 5, "doesn't follow entry 4"),
    (rewrite_the_chain, ENTRIES + 1, "written anew"),
    (edit_and_hash_one, 6, "doesn't follow entry 5"),
    (cut_the_beginning, 5, "gone without a seal"),
]


def test_an_untouched_log_is_sound(log: Records, repository: Repository) -> None:
    """Every hash comes out again, and Git's anchor fits."""
    report = checked(log, repository)

    assert report.sound, report.breaks
    assert (ENTRIES + 3, 1, ENTRIES + 1) == (report.count, report.anchors, report.anchored)


@pytest.mark.parametrize(("how", "entry", "what"), TAMPERS)
def test_tampering_shows(
    log: Records,
    repository: Repository,
    how: Callable[[Connection], None],
    entry: int,
    what: str,
) -> None:
    """Whatever is done to the table, the check names the entry and what is wrong with it."""
    tamper(log, how)

    found = [(each.entry, each.what) for each in checked(log, repository).breaks]
    assert any(number == entry and what in said for number, said in found), found


def test_many_processes_make_one_chain(
    records: Records, records_url: str, repository: Repository
) -> None:
    """Entries of several writers at once are numbered without gaps, each on the one before."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=fill_in_a_process, args=(records_url, 15)) for _ in range(3)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()

    report = checked(records, repository)
    assert ([0, 0, 0], 45, True) == ([p.exitcode for p in processes], report.count, report.sound)


def test_old_entries_are_sealed_then_cut(records: Records, repository: Repository) -> None:
    """What is too old goes, the seal stands in the chain and in Git, and the rest is sound."""
    fill(records, 5, datetime.now(UTC) - timedelta(days=40))
    fill(records, 3)

    gone = audit_tending.seal(records, repository, 30)

    report = checked(records, repository)
    assert report.sound, report.breaks
    assert (5, 6, 5) == (gone, report.first, report.sealed)
    assert 0 == audit_tending.seal(records, repository, 30)


def test_a_clock_that_was_wrong_takes_nothing_along(
    records: Records, repository: Repository
) -> None:
    """Newer entries stay before one that looks old; one from the future holds nothing up."""
    fill(records, 2, datetime.now(UTC) - timedelta(days=40))
    fill(records, 1, datetime.now(UTC) + timedelta(days=400))
    fill(records, 2, datetime.now(UTC) - timedelta(days=35))
    fill(records, 3)
    fill(records, 1, datetime.now(UTC) - timedelta(days=9_000))

    gone = audit_tending.seal(records, repository, 30)

    report = checked(records, repository)
    assert (5, 6, True) == (gone, report.first, report.sound), report.breaks


def test_what_is_not_sealed_cannot_be_cut(records: Records, repository: Repository) -> None:
    """The database lets only sealed entries go."""
    fill(records, 5, datetime.now(UTC) - timedelta(days=40))
    fill(records, 3)
    audit_tending.seal(records, repository, 30)

    with pytest.raises(Exception, match="append-only"), records.engine.begin() as connection:
        connection.execute(text("delete from audit where id = 7"))


def test_a_second_cut_follows_the_first(records: Records, repository: Repository) -> None:
    """Each seal takes the place of the one before."""
    fill(records, 4, datetime.now(UTC) - timedelta(days=90))
    fill(records, 4, datetime.now(UTC) - timedelta(days=40))
    fill(records, 2)

    gone = [audit_tending.seal(records, repository, days) for days in (60, 30)]

    report = checked(records, repository)
    assert ([4, 4], 9, True) == (gone, report.first, report.sound), report.breaks


def test_an_anchor_is_set_once(log: Records, repository: Repository) -> None:
    """Where nothing was entered since, Git is left alone."""
    first = audit_anchors.anchor(log, repository.store.path)

    assert first is not None
    assert audit_anchors.anchor(log, repository.store.path) is None
    assert [first.entry, ENTRIES + 1] == [
        each.entry for each in audit_anchors.all_of(repository.store.path)
    ]


def test_commits_without_an_entry_are_entered(records: Records, repository: Repository) -> None:
    """What was committed past the web server is found in Git, once, with who, why and what."""
    audit_tending.catch_up(records, repository)
    edits = [Edit(PromptKey("aria", "angry"), "Clenches her jaw.")]
    done = save(repository, STAGING, edits, SAM, "Louder").commit
    assert done is not None

    counts = [audit_tending.catch_up(records, repository) for _ in range(2)]

    with records.reading() as session:
        found = session.query(AuditEntry).where(AuditEntry.commit == done.oid).all()
    assert ([1, 0], 1) == (counts, len(found))
    assert ("characters/aria/angry.yaml", "Louder", str(SAM)) == (
        found[0].path,
        found[0].detail["reason"],
        found[0].detail["author"],
    )


def test_entries_of_before_the_chain_are_chained(records_url: str, repository: Repository) -> None:
    """A log that was written before there were hashes gets them, its gaps closed."""
    records = Records(records_url)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "webapp/records/migrations")
    with records.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for number in (3, 4, 9):
            connection.execute(
                text(
                    "insert into audit (id, at, actor, action, subject, outcome, status, address,"
                    " request_id, detail) values (:id, :at, 'person:sam', 'x', 'y', 'done', 200,"
                    " '', '', '{\"commit\": \"abc\"}')"
                ),
                {"id": number, "at": "2026-11-01 10:00:00.000000"},
            )

    records.migrate()
    fill(records, 1)

    report = checked(records, repository)
    records.close()
    assert (4, 1, True) == (report.count, report.first, report.sound), report.breaks


def test_the_command_line_says_where_it_breaks(tmp_path: Path) -> None:
    """`audit verify` and `fsck` are 0 for a sound log, and 1 with the entry for another."""
    make_repository(tmp_path, ("aria",))
    records = Records(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    records.migrate()
    fill(records, ENTRIES)
    base = ["--data", str(tmp_path)]
    sound = [
        CliRunner().invoke(main, [*base, *each]).exit_code
        for each in (("audit", "anchor"), ("audit", "verify"), ("fsck",))
    ]

    tamper(records, edit_a_field)

    broken = [CliRunner().invoke(main, [*base, *each]) for each in (("audit", "verify"), ("fsck",))]
    records.close()
    assert [0, 0, 0] == sound
    assert [1, 1] == [each.exit_code for each in broken]
    assert all("audit: entry 5: its content" in each.output for each in broken)


def test_git_finds_nothing_wrong_with_anchors(log: Records, repository: Repository) -> None:
    """They are ordinary commits, in a mirrored clone too."""
    path = repository.store.path
    copy = path.parent / "copy.git"
    subprocess.run(["git", "clone", "-q", "--mirror", str(path), str(copy)], check=True)
    found = subprocess.run(
        ["git", "-C", str(copy), "fsck", "--strict"], check=True, capture_output=True, text=True
    )

    assert "error" not in found.stderr
    assert audit_anchors.newest(path) == audit_anchors.newest(copy)
