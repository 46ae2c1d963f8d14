"""A sync beside the floor: the server's own binary COPY of the same tables with the same keys."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
from faker import Faker

from benchmarks.measuring import Row, Scale, interleaved, ratio
from benchmarks.repositories import Repositories
from sync import rules
from sync.anonymise import Fakes
from sync.keyed import Key
from sync.pools import load
from sync.run import Options, Result
from sync.run import run as carry_out
from sync.tables import open_source, open_target
from tests import servers

TITLE = "Sync of users and assignments (PostgreSQL)"
KEY = "a secret of this benchmark, of 32"
SCHEMA = """
CREATE TABLE users (id bigint PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL,
  email text NOT NULL UNIQUE, phone text, city text, created_at timestamptz NOT NULL);
CREATE TABLE assignments (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users,
  title text NOT NULL, state text NOT NULL, due date);
CREATE INDEX assignments_user ON assignments (user_id);
"""
ROWS = """
INSERT INTO users SELECT n, 'First' || n % 3000, 'Last' || n % 9000, 'user' || n || '@corp.test',
  '+1 (212) ' || 200 + n % 700 || '-' || lpad((n % 10000)::text, 4, '0'), 'City ' || n % 500,
  '2026-01-01'::timestamptz + n * interval '1 second' FROM generate_series(1, {0}) n;
INSERT INTO assignments
  SELECT n, 1 + n % {0}, 'Assignment ' || n, (ARRAY['open', 'done'])[1 + n % 2],
  '2026-01-01'::date + (n % 365)::int FROM generate_series(1, 2 * {0}) n;
ANALYZE;
"""
RULES = """
version: 1
tables:
  users: {columns: {id: keep, first_name: first_name, last_name: last_name, email: email,
    phone: phone, city: city, created_at: keep}}
  assignments: {columns: {id: keep, user_id: keep, title: keep, state: keep, due: keep}}
"""
MOVE = "UPDATE users SET city = 'Moved {}' WHERE id % 100 = 1"
EMPTY = "TRUNCATE users, assignments"


def run(_: Repositories, scale: Scale) -> list[Row]:
    """Ratios of the floor's time by a full sync's, a second one's, and one with 1 % changed."""
    users = scale.of(500_000, 50_000, 300)
    rounds = scale.of(3, 3, 1)
    with servers.postgres() as server:
        source, floor, staging = server.create(), server.create(), server.create()
        for url in (source, floor, staging):
            _do(url, SCHEMA)
        _do(source, ROWS.format(users))
        times: dict[str, list[float]] = {}
        for number in range(rounds):
            _do(floor, EMPTY)
            _do(staging, f"{EMPTY}; DROP SCHEMA IF EXISTS prompt_repo_sync CASCADE")
            ways: dict[str, Callable[[], Any]] = {
                "floor": partial(_floor, source, floor),
                "full": partial(_sync, source, staging, 3 * users),
            }
            _add(times, interleaved(ways, 1))
            _add(times, interleaved({"again": partial(_sync, source, staging, 0)}, 1))
            _do(source, MOVE.format(number))
            changed = (users + 99) // 100
            _add(times, interleaved({"changed": partial(_sync, source, staging, changed)}, 1))
        cells = _cells(scale.of(20_000, 5_000, 50), rounds)
    what = f"{users:,} users, {2 * users:,} assignments"
    return [
        ratio(f"floor ÷ full sync, {what}", times, "floor", "full", at_least=0.75),
        ratio("floor ÷ nothing changed, 0 rows written", times, "floor", "again", at_least=1.2),
        ratio("floor ÷ 1 % of users changed", times, "floor", "changed", at_least=4.5),
        ratio("Faker ÷ ours, a name and an email each", cells, "faker", "ours", at_least=20),
    ]


def _add(times: dict[str, list[float]], more: Any) -> None:
    for name, seconds in more.items():
        times.setdefault(name, []).extend(seconds)


def _do(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())


def _floor(source: str, target: str) -> None:
    """Server to server, in PostgreSQL's binary form."""
    with psycopg.connect(source) as out, psycopg.connect(target) as into:
        for table in ("users", "assignments"):
            reading = out.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)".encode())
            writing = into.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)".encode())
            with reading as read, writing as write:
                for block in read:
                    write.write(block)


def _sync(source: str, target: str, written: int, **how: Any) -> Result:
    production, staging = open_source(source), open_target(target)
    try:
        result = carry_out(production, staging, rules.parse(RULES), Key(KEY), Options(**how))
    finally:
        production.close()
        staging.close()
    assert result.status == "completed"
    assert result.total.written == written
    return result


def _cells(number: int, rounds: int) -> Any:
    fakes, fake = Fakes(Key(KEY), load(), "en_US"), Faker("en_US")
    chosen = random.Random(1)
    originals = [f"{chosen.random()}" for _ in range(number)]

    def ours() -> None:
        name, email = fakes.names().first, fakes.contacts.email
        for original in originals:
            name(original)
            email(original)

    def theirs() -> None:
        for _ in originals:
            fake.name()
            fake.email()

    return interleaved({"ours": ours, "faker": theirs}, rounds)
