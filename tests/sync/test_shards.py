"""A large table filled in parts, by processes or as jobs would, is as if filled by one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sync import rules as rules_of
from sync import shards
from sync.keyed import Key
from sync.run import Options, run
from sync.state import State
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from tests import servers
from tests.sync.databases import KEY, ask, carry_out, checksum, sync

ROOT = Path(__file__).parent.parent.parent
ROWS = """
CREATE TABLE users (id integer PRIMARY KEY, name text, email text UNIQUE);
CREATE TABLE notes (code text PRIMARY KEY, owner integer REFERENCES users, said text);
INSERT INTO users
  SELECT 3 * n, 'Ada Nr ' || n, 'ada' || n || '@old.test' FROM generate_series(1, 30000) n;
INSERT INTO notes SELECT 'n' || n, 3 * n, 'note ' || n FROM generate_series(1, 25000) n;
ANALYZE;
"""
RULES = """
version: 1
tables:
  users: {columns: {id: keep, name: full_name, email: email}}
  notes: {columns: {code: keep, owner: keep, said: text}}
"""


@pytest.fixture
def source(postgres: servers.Postgres) -> str:
    """Production, with two tables that are worth the while of several processes."""
    url = postgres.create()
    carry_out(url, ROWS)
    return url


def test_two_processes_do_what_one_does(source: str, postgres: servers.Postgres) -> None:
    """Row for row; and the next run finds nothing to do, by the traces that they left."""
    one, two = postgres.create(), postgres.create()
    sync(source, one, RULES)

    result = sync(source, two, RULES, processes=2)

    assert (55_000, 55_000) == (result.total.inserted, result.total.seen)
    assert checksum(one) == checksum(two)
    assert [] == ask(two, "SELECT 1 FROM prompt_repo_sync.shards")
    carry_out(source, "UPDATE users SET name = 'Other' WHERE id = 300")
    assert (1, 1) == ((total := sync(source, two, RULES).total).updated, total.written)


def test_parts_may_be_jobs_of_their_own(source: str, postgres: servers.Postgres) -> None:
    """Planned by one, filled by others that know the key and the snapshot, finished by one."""
    url = postgres.create()
    wanted, key = rules_of.parse(RULES), Key(KEY)
    production, staging = PostgresSource(source), PostgresTarget(url)
    staging.create_like(production)
    state = State(staging)
    state.prepare()
    staging.commit()
    todo = shards.works(production, staging, wanted, key)
    attempt = state.attempt("users", "a run", production.snapshot())
    staging.commit()
    parts = shards.plan(production, staging, todo["users"], attempt, 3)
    snapshot = production.shared()
    carry_out(source, "UPDATE users SET name = 'Too late' WHERE id = 3")

    filled = []
    for part in reversed(parts):
        theirs, ours = PostgresSource(source, snapshot), PostgresTarget(url)
        work = shards.works(theirs, ours, wanted, key)["users"]
        filled.append(shards.fill(theirs, ours, work, part, lambda: False))
        theirs.close()
        ours.close()
    shards.finish(staging, state, parts)
    production.close()
    staging.close()

    assert [10_000] * 3 == filled
    assert 1 == sync(source, url, RULES, tables=("users",)).total.updated
    assert [(30_000,)] == ask(url, "SELECT count(*) FROM users")


@pytest.mark.slow
@pytest.mark.parametrize("move", [False, True], ids=["still", "moved"])
@pytest.mark.parametrize("again", [1, 2])
def test_killed_in_mid_part_it_goes_on(
    source: str, postgres: servers.Postgres, move: bool, again: int
) -> None:
    """Whether the next run works in parts or not, and whether production moved meanwhile."""
    target, whole = postgres.create(), postgres.create()
    command = [sys.executable, "-m", "tests.sync.test_shards", source, target]
    process = subprocess.Popen(command, cwd=ROOT)
    while not _begun(target):
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1.5)  # its processes notice
    if move:
        carry_out(source, "UPDATE users SET name = 'Grace' WHERE id % 7 = 0",
                  "DELETE FROM notes WHERE owner % 100 = 0")  # fmt: skip

    result = sync(source, target, RULES, processes=again)

    sync(source, whole, RULES)
    assert "completed" == result.status
    assert checksum(whole) == checksum(target)
    assert 0 == sync(source, target, RULES).total.written


def _begun(target: str) -> bool:
    query = "SELECT to_regclass('prompt_repo_sync.shards') IS NOT NULL"
    if ask(target, query) != [(True,)]:
        return False
    return ask(target, "SELECT 1 FROM prompt_repo_sync.shards LIMIT 1") == [(1,)]


if __name__ == "__main__":
    run(
        PostgresSource(sys.argv[1]), PostgresTarget(sys.argv[2]), rules_of.parse(RULES), Key(KEY),
        Options(processes=2),
    )  # fmt: skip
