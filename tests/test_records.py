"""The records on SQLite and on PostgreSQL: schema, transactions, times, the audit log."""

import multiprocessing
import pkgutil
import stat
import threading
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError

import webapp.records
from webapp import audit_entries, people
from webapp.access import Role
from webapp.people import PeopleError
from webapp.records import Records, migrating
from webapp.records.models import Account, AuditEntry, Base, Login


def entry(subject: str) -> AuditEntry:
    return AuditEntry(
        at=datetime.now(UTC),
        actor="person:sam",
        action="test",
        subject=subject,
        outcome="done",
        status=200,
        address="::1",
        request_id="abc",
        detail={"text": "ü"},
    )


def account(name: str) -> Account:
    return Account(
        name=name,
        display_name=name,
        email="",
        role="viewer",
        password="",
        created_at=datetime.now(UTC),
    )


def migrate(url: str) -> None:
    records = Records(url)
    records.migrate()
    records.close()


@pytest.fixture(autouse=True)
def _by_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each schema here is made by the migrations, and not copied from one that was."""
    monkeypatch.setattr(webapp.records, "migrate", migrating.migrate)


def test_the_migrations_make_what_the_models_say(records: Records) -> None:
    """Nobody changed a model and forgot the migration."""
    for each in pkgutil.iter_modules(webapp.records.__path__, "webapp.records."):
        if each.name.endswith("models"):
            import_module(each.name)
    with records.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)

    assert [] == found


def test_many_processes_may_start_at_once(records_url: str) -> None:
    """Each finds the schema whole, whoever made it."""
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=migrate, args=(records_url,)) for _ in range(4)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()

    assert [0] * 4 == [each.exitcode for each in processes]
    records = Records(records_url)
    assert 0 == people.count(records)
    records.close()


def test_migrating_again_keeps_what_is_there(records: Records) -> None:
    """A second start changes nothing."""
    people.add(records, "sam", "long enough", Role.ADMIN)

    records.migrate()

    assert ["sam"] == [each.name for each in people.listed(records)]


def test_a_transaction_that_raises_leaves_nothing(records: Records) -> None:
    """All of a block, or none of it."""

    def write() -> None:
        with records.writing() as session:
            session.add(account("first"))
            session.flush()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write()

    with records.reading() as session:
        assert 0 == session.scalar(select(func.count()).select_from(Account))


def test_a_failed_migration_leaves_nothing(records_url: str) -> None:
    """A schema is never half there."""
    records = Records(records_url)
    with records.engine.begin() as connection:
        connection.execute(text("create table audit (id integer)"))

    with pytest.raises(DBAPIError):
        records.migrate()

    with records.engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("select * from accounts"))
    records.close()


def test_many_writers_all_get_through(records: Records) -> None:
    """Nobody is turned away because another writes."""
    failures: list[Exception] = []

    def work(name: str) -> None:
        try:
            for step in range(10):
                with records.writing() as session:
                    session.scalar(select(func.count()).select_from(Account))
                    session.add(account(f"{name}{step}"))
        except DBAPIError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdef"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert [] == failures
    with records.reading() as session:
        assert 60 == session.scalar(select(func.count()).select_from(Account))


@pytest.mark.parametrize("statement", [update(AuditEntry).values(outcome="x"), delete(AuditEntry)])
def test_the_audit_log_is_append_only(records: Records, statement: object) -> None:
    """The database itself refuses to change what it says."""
    audit_entries.write(records, entry("kept"))

    with pytest.raises(DBAPIError, match="append-only"), records.writing() as session:
        session.execute(statement)  # type: ignore[call-overload]


def test_times_keep_their_zone(records: Records) -> None:
    """They come back in UTC, whichever zone they went in with; without one they are refused."""
    noon = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=2)))
    one = entry("time")
    one.at = noon
    audit_entries.write(records, one)
    with records.reading() as session:
        found = session.scalars(select(AuditEntry.at)).one()

    assert (noon, UTC) == (found, found.tzinfo)
    bare = entry("naive")
    bare.at = noon.replace(tzinfo=None)
    with pytest.raises(StatementError, match="zone"):
        audit_entries.write(records, bare)


def test_names_are_taken_once(records: Records) -> None:
    """Two people can't share a name, however they write it."""
    people.add(records, "sam", "long enough", Role.VIEWER)

    with pytest.raises(PeopleError, match="already"):
        people.add(records, " SAM", "long enough", Role.VIEWER)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("", {}),
        ("-sam", {}),
        ("s" * 65, {}),
        ("sam\n", {"display_name": "<script>"}),
        ("sam", {"display_name": "a\x00b"}),
        ("sam", {"email": "sam@x> <evil@x"}),
        ("sam", {"email": "no address"}),
    ],
)
def test_what_would_spoil_a_commit_is_no_account(
    records: Records, name: str, more: dict[str, str]
) -> None:
    """Names and addresses go into commits, where < and > and line ends mean something."""
    with pytest.raises(PeopleError):
        people.add(records, name, "long enough", Role.VIEWER, **more)


def test_deleting_an_account_ends_its_log_ins(records: Records) -> None:
    """Foreign keys hold on SQLite too."""
    account = people.add(records, "sam", "long enough", Role.VIEWER)
    people.begin_login(records, account, timedelta(hours=1))
    with records.writing() as session:
        session.execute(delete(Account))

    with records.reading() as session:
        assert 0 == session.scalar(select(func.count()).select_from(Login))


def test_secrets_are_not_stored_as_they_are(records: Records) -> None:
    """Whoever reads the tables can't log in with what stands there."""
    account = people.add(records, "sam", "long enough", Role.VIEWER)
    key = people.begin_login(records, account, timedelta(hours=1))
    with records.reading() as session:
        stored = session.scalars(select(Login.key)).one()

    assert account.password.startswith("$argon2id$")
    assert key.encode() not in stored
    assert people.logged_in(records, key)


def test_sqlite_is_the_owners_to_read(tmp_path: Path) -> None:
    """Hashes of passwords are nobody else's business on a shared machine."""
    path = tmp_path / "records.sqlite3"
    migrate(f"sqlite:///{path}")

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
