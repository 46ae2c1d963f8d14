"""Stagings that were set up in their own way, or fail in the middle: exact, or told plainly."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from sync import tables_binary, tables_postgres_writers
from sync.errors import Cancelled, DatabaseFailed, SyncError, Unsupported, UnusableDatabase
from sync.tables_postgres_text import connect
from sync.tables_writing import ColumnWriter, CopyWriter
from tests import servers
from tests.sync.databases import ask, carry_out, checksum, sync

USERS = "CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL, badge text, boss integer);"
PEOPLE = 30_000
BADGES = (
    "INSERT INTO users SELECT n, 'Ada Nr ' || n, 'badge ' || n, nullif(n - 1, 0) "
    f"FROM generate_series(1, {PEOPLE}) n"
)
RULES = """
{version: 1, tables: {users: {columns: {id: keep, name: full_name, badge: keep, boss: keep}}}}
"""
BOTH = "UPDATE users SET badge = 'both' WHERE id IN (1, 20000)"

ELDERS = """
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.id > 1 AND NOT EXISTS (SELECT 1 FROM public.users WHERE id = NEW.id - 1) THEN
    RAISE '% came before its elder', NEW.id;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER look BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION look();
"""
BOSSES = """
ALTER TABLE users ADD FOREIGN KEY (boss) REFERENCES users;
DO $$ DECLARE one text; BEGIN
  FOR one IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'users'::regclass LOOP
    EXECUTE format('ALTER TABLE users ENABLE ALWAYS TRIGGER %I', one);
  END LOOP;
END $$;
"""
LATE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE 'nobody is called that' USING ERRCODE = 'check_violation';
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.id = 20000) EXECUTE FUNCTION refuse();
ALTER TABLE users ENABLE ALWAYS TRIGGER late;
"""


@pytest.fixture
def source(postgres: servers.Postgres) -> str:
    """Production."""
    url = postgres.create()
    carry_out(url, USERS, BADGES)
    return url


@pytest.fixture
def target(postgres: servers.Postgres) -> Iterator[str]:
    """Staging; whoever did something there is gone in the end, and so are the threads for it."""
    before = {*threading.enumerate()}
    url = postgres.create()
    carry_out(url, USERS)
    yield url
    assert before >= {*threading.enumerate()}


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[ColumnWriter]:
    """Those that put columns in, by pgpq or as texts, piece by piece."""
    found = list[ColumnWriter]()
    put = CopyWriter.put

    def noted(self: CopyWriter, *given: Any) -> None:
        found.append(self)
        put(self, *given)

    monkeypatch.setattr(CopyWriter, "put", noted)
    return found


def name_of(url: str) -> str:
    """A database's name."""
    return url.split("/")[3].partition("?")[0]


@pytest.mark.parametrize("isolation", ["serializable", "repeatable read"])
def test_two_write_where_transactions_are_isolated_by_default(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch, isolation: str
) -> None:
    """Else the second would end in an error for each piece that the first noted."""
    carry_out(
        target, f"ALTER DATABASE {name_of(target)} SET default_transaction_isolation='{isolation}'"
    )
    writers, second, put = list[ColumnWriter](), threading.Event(), CopyWriter.put

    def overlapping(self: CopyWriter, *given: Any) -> None:
        writers.append(self)
        number = len(writers)
        put(self, *given)
        if number == 2:
            second.set()
        assert second.wait(60)

    monkeypatch.setattr(CopyWriter, "put", overlapping)

    sync(source, target, RULES)

    assert {tables_binary.BinaryWriter} == {type(each) for each in writers}
    assert 2 == len({*writers})
    assert checksum(target)["public.users"] != checksum(source)["public.users"]
    assert [(PEOPLE,)] == ask(target, "SELECT count(*) FROM users")
    assert 0 == sync(source, target, RULES).total.written


def test_nobody_is_sent_away_for_waiting(target: str) -> None:
    """The run's own connection waits while others write."""
    carry_out(target, f"ALTER DATABASE {name_of(target)} SET idle_session_timeout = '1s'")

    with connect(target) as connection:
        found = connection.execute("SHOW idle_session_timeout").fetchone()

    assert ("0",) == found


@pytest.mark.parametrize(
    "odd",
    [
        ELDERS + "ALTER TABLE users ENABLE ALWAYS TRIGGER look",
        ELDERS + "ALTER TABLE users ENABLE REPLICA TRIGGER look",
        BOSSES,
    ],
    ids=["always", "replica", "foreign key"],
)
def test_one_writes_what_triggers_look_at(
    source: str, target: str, writers: list[ColumnWriter], odd: str
) -> None:
    """Such as fire for a replica, too: they see nothing of what another holds."""
    carry_out(target, odd)

    assert PEOPLE == sync(source, target, RULES).total.inserted

    assert 1 == len({*writers})
    assert isinstance(writers[0], tables_binary.BinaryWriter)
    assert 0 == sync(source, target, RULES).total.written


def test_one_writes_where_a_partition_has_a_trigger(
    postgres: servers.Postgres, source: str, writers: list[ColumnWriter]
) -> None:
    """Of its own, which the table as a whole does not tell of."""
    target = postgres.create()
    carry_out(
        target, USERS.replace(");", ") PARTITION BY RANGE (id);"),
        "CREATE TABLE low PARTITION OF users FOR VALUES FROM (0) TO (20000)",
        "CREATE TABLE high PARTITION OF users FOR VALUES FROM (20000) TO (90000)",
        ELDERS.replace("ON users", "ON low") + "ALTER TABLE low ENABLE ALWAYS TRIGGER look",
    )  # fmt: skip

    assert PEOPLE == sync(source, target, RULES).total.inserted

    assert 1 == len({*writers})


@pytest.mark.parametrize(
    "odd",
    ["CREATE UNIQUE INDEX alone ON users (badge)",
     "ALTER TABLE users ADD CONSTRAINT alone EXCLUDE USING hash (badge WITH =)"],
    ids=["unique", "exclusion"],
)  # fmt: skip
def test_what_staging_alone_refuses_is_told(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    """And all other rows are in; once the rule is gone, the last one is, too."""
    monkeypatch.setattr(tables_binary.BinaryWriter, "waits", 1)
    carry_out(source, BOTH)
    carry_out(target, odd)

    with pytest.raises(Unsupported, match="users has rows that can't be written"):
        sync(source, target, RULES)

    assert [(PEOPLE - 1,)] == ask(target, "SELECT count(*) FROM users")
    carry_out(target, "DROP INDEX alone" if "INDEX" in odd else
              "ALTER TABLE users DROP CONSTRAINT alone")  # fmt: skip
    sync(source, target, RULES)
    assert [(PEOPLE,)] == ask(target, "SELECT count(*) FROM users")


def test_what_is_refused_at_a_commit_is_told(source: str, target: str) -> None:
    """By what staging itself says of it; a later run goes on from there."""
    carry_out(target, LATE)

    with pytest.raises(DatabaseFailed, match="nobody is called that"):
        sync(source, target, RULES)

    ((stands, rows),) = ask(target, "SELECT (SELECT seen FROM prompt_repo_sync.attempts), count(*) "
                                    "FROM users")  # fmt: skip
    assert 0 < stands == rows < 20_000
    carry_out(target, "DROP TRIGGER late ON users")
    sync(source, target, RULES)
    assert [(PEOPLE,)] == ask(target, "SELECT count(*) FROM users")


@pytest.mark.parametrize("most", [2, 3])
@pytest.mark.parametrize("infinite", [False, True], ids=["unique", "infinite"])
def test_writers_make_room_for_other_connections(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch, most: int, infinite: bool
) -> None:
    """Of a role that may have few: what goes as texts, and what reads staging, needs one more."""
    monkeypatch.setattr(tables_binary.BinaryWriter, "waits", 1)
    role, rules = f"few_{name_of(target)}", RULES
    if infinite:
        rules = RULES.replace("boss: keep", "boss: keep, born: keep")
        for url in (source, target):
            carry_out(url, "ALTER TABLE users ADD born date DEFAULT '1936-08-17'")
        carry_out(source, "UPDATE users SET born = 'infinity' WHERE id = 20000")
    else:
        carry_out(source, BOTH)
        carry_out(target, "CREATE UNIQUE INDEX ON users (badge)")
    carry_out(
        target, f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {most}",
        f"GRANT SET ON PARAMETER session_replication_role TO {role}",
        f"ALTER DATABASE {name_of(target)} OWNER TO {role}", f"ALTER TABLE users OWNER TO {role}",
    )  # fmt: skip

    try:
        sync(source, target.replace("postgres@", f"{role}@"), rules)
    except Unsupported:
        assert not infinite

    assert [(PEOPLE - (not infinite),)] == ask(target, "SELECT count(*) FROM users")
    carry_out(target, f"REVOKE SET ON PARAMETER session_replication_role FROM {role}")


@pytest.mark.parametrize("cell", ["infinity", "0044-03-15 BC"])
@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
def test_dates_beyond_four_digits_stay(source: str, target: str, kind: str, cell: str) -> None:
    """Wherever they stand in a table; and a walk can read what a filling left of them."""
    rules = RULES.replace("boss: keep", "boss: keep, born: keep")
    for url in (source, target):
        carry_out(url, f"ALTER TABLE users ADD born {kind} DEFAULT '1936-08-17'")
    carry_out(source, f"UPDATE users SET born = '{cell}' WHERE id = 4001")
    carry_out(source, "DELETE FROM users WHERE id > 5000")

    assert 5000 == sync(source, target, rules).total.inserted

    born = "SELECT id, born::text FROM users WHERE born <> '1936-08-17'"
    assert ask(source, born) == ask(target, born)
    assert 0 == sync(source, target, rules).total.written
    carry_out(source, "UPDATE users SET badge = 'moved'")
    assert 5000 == sync(source, target, rules).total.updated


def test_two_that_are_both_refused_are_followed_by_one(
    source: str, target: str, writers: list[ColumnWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a role may have one more, and both ask for it at once."""
    opened, left = tables_postgres_writers.open_writer, [2]

    def refused(url: str, replica: bool) -> ColumnWriter:
        left[0] -= 1
        if left[0] >= 0:
            raise UnusableDatabase("too many connections")
        return opened(url, replica)

    monkeypatch.setattr(tables_postgres_writers, "open_writer", refused)

    assert PEOPLE == sync(source, target, RULES).total.inserted
    assert 1 == len({*writers})


def lost(url: str, which: str) -> None:
    """Ends the connections of a kind, as an administrator does."""
    carry_out(
        url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}",
    )  # fmt: skip


def at_the_third(monkeypatch: pytest.MonkeyPatch, do: Callable[[psycopg.pq.PGconn], None]) -> None:
    """Has something done right before the third piece is put in."""
    left, put = [3], CopyWriter.put

    def counting(self: CopyWriter, *given: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            do(self._connection.pgconn)
        put(self, *given)

    monkeypatch.setattr(CopyWriter, "put", counting)


@pytest.mark.parametrize("which", ["one", "every"])
def test_a_writer_that_is_lost_is_made_up_for(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """Its rows go by another connection; nothing is there twice."""

    def end(writer: psycopg.pq.PGconn) -> None:
        pid = writer.backend_pid
        lost(target, f"pid = {pid}" if which == "one" else "query ~ 'COPY|COMMIT|prompt_repo_sync'")

    at_the_third(monkeypatch, end)

    assert PEOPLE == sync(source, target, RULES).total.inserted

    whole = ask(target, "SELECT count(*), count(DISTINCT id) FROM users")
    assert [(PEOPLE, PEOPLE)] == whole
    assert 0 == sync(source, target, RULES).total.written


def test_a_staging_that_goes_down_is_told_and_gone_on_with(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what its server said, not by what could not be noted of it."""
    at_the_third(monkeypatch, lambda _: lost(target, "true"))

    with pytest.raises(SyncError, match="terminating connection due to administrator command"):
        sync(source, target, RULES)

    monkeypatch.undo()
    assert "completed" == sync(source, target, RULES).status
    assert [(PEOPLE,)] == ask(target, "SELECT count(*) FROM users")
    assert 0 == sync(source, target, RULES).total.written


@pytest.mark.parametrize("as_text", [False, True])
def test_a_run_is_cancelled_while_it_waits_for_a_lock(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch, as_text: bool
) -> None:
    """Of somebody who may hold it for ever; and it is gone on with."""
    monkeypatch.setattr(tables_binary.BinaryWriter, "waits", 600)

    with psycopg.connect(target) as holder:
        holder.execute("LOCK TABLE users IN SHARE MODE")
        with pytest.raises(Cancelled):
            sync(source, target, RULES, cancelled=lambda: blocked(target), by_columns=not as_text)
    assert [(0,)] == ask(target, "SELECT count(*) FROM users")

    assert PEOPLE == sync(source, target, RULES).total.inserted


def blocked(url: str) -> bool:
    """Whether somebody waits for a lock."""
    return ask(url, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted") == [(True,)]
