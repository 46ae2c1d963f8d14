"""A sync beside the floor: the server's own binary COPY of the same tables with the same keys.

What changed is brought over as it is by who uses it: both tables in one run, which pays once for
its connections, both catalogues, the checks, and reads one table while it writes another. The
budgets of those ways are one figure, and are held by that run: the floor of both tables by its
time. Each table in a run of its own is shown beside it.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
from faker import Faker

from benchmarks.measuring import Row, Scale, interleaved, ratio
from benchmarks.repositories import Repositories
from sync import rules, shards
from sync.anonymise import Fakes
from sync.filling import Shard
from sync.keyed import Key
from sync.mapping import Mapping
from sync.pools import load
from sync.run import Options, Result
from sync.run import run as carry_out
from sync.tables import open_source, open_target
from sync.tables_postgres import PostgresSource
from sync.tables_postgres_target import PostgresTarget
from tests import servers

TITLE = "Sync of users and assignments (PostgreSQL)"
KEY = "a secret of this benchmark, of 32"
SCHEMA = """
CREATE TABLE users (id bigint PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL,
  email text NOT NULL UNIQUE, phone text, city text, created_at timestamptz NOT NULL,
  moved_at timestamptz NOT NULL DEFAULT '2026-01-01');
CREATE TABLE assignments (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users,
  title text NOT NULL, state text NOT NULL, due date,
  moved_at timestamptz NOT NULL DEFAULT '2026-01-01');
CREATE INDEX assignments_user ON assignments (user_id);
"""
# People's addresses are made of their names, and so stand in no order of their ids: neither in
# production nor among the fakes, so that the index of both targets is met at random.
ROWS = """
INSERT INTO users SELECT n, 'First' || n % 3000, 'Last' || n % 9000,
  'first' || n * 7919::bigint % 3000 || '.last' || n * 104729::bigint % 9000 || '.' || n
    || '@corp.test',
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
    phone: phone, city: city, created_at: keep, moved_at: keep}}
  assignments: {columns: {id: keep, user_id: keep, title: keep, state: keep, due: keep,
    moved_at: keep}}
"""
MARKED = RULES.replace("users: {", "users: {watermark: moved_at, ").replace(
    "assignments: {", "assignments: {watermark: moved_at, "
)
TABLES = ("users", "assignments")
MOVE = "UPDATE {0} SET {1}, moved_at = '2026-02-01'::timestamptz + {2} * interval '1 day' "
WHICH = "WHERE id % 100 = 1"
NOTES = """
CREATE TABLE notes (id bigint PRIMARY KEY, said text NOT NULL);
"""
NOTED = """
INSERT INTO notes SELECT n, repeat('Ada met Grace Nr ' || n || ' about her order. ', 6)
  FROM generate_series(1, {}) n;
ANALYZE notes;
"""
NOTE_RULES = """
version: 1
tables: {users: skip, assignments: skip, notes: {columns: {id: keep, said: text}}}
"""
CITY, STATE = "city = 'Moved {}'", "state = 'moved {}'"
EMPTY = "TRUNCATE users, assignments"
ANEW = f"{EMPTY}; DROP SCHEMA IF EXISTS prompt_repo_sync CASCADE"
ALONE = ("max_wal_size=4GB", "checkpoint_timeout=1h", "autovacuum=off")
"""So that servers do nothing else meanwhile, for which the next to be measured would pay."""
ONE_FIGURE = {"changed": 4.5, "marked": 12, "scan": 4}
"""Ways whose budget is one figure: that of both tables in one run; each table alone is shown."""
MEMORY = 512 * 2**20


@dataclass
class Pair:
    """Production, staging, and the floor's own target."""

    source: str
    staging: str
    floor: str
    users: int
    times: dict[str, list[float]] = field(default_factory=dict)
    after: dict[str, list[int]] = field(default_factory=dict)
    """How many floors had been measured before each way was."""

    def measure(self, **ways: Callable[[], Any]) -> None:
        """Times some ways once each, side by side."""
        for name, seconds in interleaved(ways, 1).items():
            self.times.setdefault(name, []).extend(seconds)
            self.after.setdefault(name, []).append(len(self.times.get("floor", [])))

    def floors(self) -> None:
        """The floor of each table, and so of both."""
        _do(self.floor, EMPTY)
        self.measure(floor_users=partial(_floor, self.source, self.floor, TABLES[:1]))
        self.measure(floor_assignments=partial(_floor, self.source, self.floor, TABLES[1:]))
        both = self.times["floor_users"][-1] + self.times["floor_assignments"][-1]
        self.times.setdefault("floor", []).append(both)

    def full(self, name: str, alone: bool = False, **how: Any) -> None:
        """A full sync into empty tables, one table after the other; in a process `alone`."""
        _do(self.staging, ANEW)
        for table, rows in zip(TABLES, (self.users, 2 * self.users), strict=True):
            wanted = partial(self.sync, rows, tables=(table,), **how)
            self.measure(**{f"{name}_{table}": partial(_in_child, wanted) if alone else wanted})

    def sync(self, written: int, text: str = RULES, **how: Any) -> Result:
        """One run, which must write so many rows."""
        return _sync(self.source, self.staging, written, text, **how)


def run(_: Repositories, scale: Scale) -> list[Row]:
    """Ratios of the floor's time by every way a sync can go, and the most memory it took."""
    users = scale.of(500_000, 50_000, 300)
    rounds = scale.of(5, 2, 1)
    load()
    with servers.postgres(*ALONE) as server:
        pair = Pair(server.create(), server.create(), server.create(), users)
        for url in (pair.source, pair.staging, pair.floor):
            _do(url, SCHEMA)
        _do(pair.source, ROWS.format(users))
        _do(pair.source, "ANALYZE")
        pair.floors()
        for number in range(rounds):
            _round(pair, number)
            pair.floors()
        cells = _cells(pair, scale.of(20_000, 5_000, 50), rounds)
        _pynonymized(pair, cells, scale)
        _mapped(pair)
        _workers(pair, scale.of(200_000, 50_000, 300), rounds)
        memory = [_memory(pair, part) for part in (users // 4, users)]
    return _rows(pair, cells, memory)


def _round(pair: Pair, number: int) -> None:
    changed = (pair.users + 99) // 100
    pair.full("text", by_columns=False)
    pair.full("two", alone=True, processes=2)
    _do(pair.staging, ANEW)
    pair.measure(last=partial(pair.sync, 3 * pair.users, indexes_last=True))
    pair.full("full")
    _do(pair.staging, "ANALYZE")
    pair.floors()
    for table in TABLES:
        pair.measure(**{f"again_{table}": partial(pair.sync, 0, tables=(table,))})
    pair.sync(0, restart=True)
    ways = (("changed", RULES, 0), ("marked", MARKED, 20))
    for way, text, day in ways:
        pair.sync(0, text)
        _move(pair, way, number + day)
        for table, rows in zip(TABLES, (changed, 2 * changed), strict=True):
            wanted = partial(pair.sync, rows, text, tables=(table,))
            pair.measure(**{f"{way}_{table}": wanted})
        _move(pair, f"{way} both", number + day + 10)
        pair.measure(**{f"{way}_both": partial(pair.sync, 3 * changed, text)})
    _move(pair, "there", number + 40)
    for table, sets in zip(TABLES, (CITY, STATE), strict=True):
        _do(pair.staging, f"UPDATE {table} SET {sets.format('here')} {WHICH}")
    for name, tables in (*((table, (table,)) for table in TABLES), ("both", ())):
        wanted = partial(pair.sync, 0, tables=tables, dry_run=True)
        pair.measure(**{f"scan_{name}": wanted})


def _move(pair: Pair, said: str, day: int) -> None:
    """One of a hundred rows of each table moves in production."""
    for table, sets in zip(TABLES, (CITY, STATE), strict=True):
        what = sets.format(f"{said} {day}")
        _do(pair.source, f"{MOVE.format(table, what, day)} {WHICH}")


def _rows(pair: Pair, cells: Any, memory: list[int]) -> list[Row]:
    what = f"{pair.users:,} users, {2 * pair.users:,} assignments"
    made = []
    for way, says, least in (
        ("full", "full sync", (0.95, 0.8)),
        ("two", "full sync, two processes", (None, 1.05)),
        ("text", "full sync, without Arrow", (0.6, 0.75)),
        ("again", "nothing changed, 0 rows written", (1.2, 1.6)),
        ("changed", "1 % changed, by row hashes", (None, None)),
        ("marked", "1 % changed, by a watermark", (None, None)),
        ("scan", "1 % changed on both sides: scan for conflicts", (None, None)),
    ):
        for table, budget in zip(TABLES, least, strict=True):
            floor, ours = f"floor_{table}", f"{way}_{table}"
            times = {floor: _fitting(pair, floor, ours), ours: pair.times[ours]}
            line = f"floor ÷ {says}: {table}"
            made.append(ratio(line, times, floor, ours, at_least=budget))
        if way in ONE_FIGURE:
            ours = f"{way}_both"
            times = {"floor": _fitting(pair, "floor", ours), ours: pair.times[ours]}
            line = f"floor ÷ {says}: both in one run"
            made.append(ratio(line, times, "floor", ours, at_least=ONE_FIGURE[way]))
    mapped = {"floor_users": _fitting(pair, "floor_users", "mapped"),
              "mapped": pair.times["mapped"]}  # fmt: skip
    made.append(ratio("floor ÷ full sync that notes a mapping: users", mapped, "floor_users",
                      "mapped"))  # fmt: skip
    last = {"floor": _fitting(pair, "floor", "last"), "last": pair.times["last"]}
    made.append(ratio(f"floor ÷ indexes last, {what}", last, "floor", "last", at_least=1.9))
    made.append(ratio("Faker ÷ a sync, the cells of users", cells, "faker_rows", "columns",
                      at_least=20))  # fmt: skip
    made.append(ratio("Faker ÷ ours one by one, name and email", cells, "faker", "ours"))
    made.append(ratio("pynonymizer's step ÷ full sync: users", cells, "pynonymizer", "full",
                      at_least=4))  # fmt: skip
    shared = {name: pair.times[name] for name in ("one_worker", "two_workers")}
    made.append(ratio("one worker ÷ two, a table of texts", shared, "one_worker", "two_workers",
                      at_least=1.6))  # fmt: skip
    share = memory[1] / MEMORY
    made.append(Row("most memory of a full sync ÷ 512 MiB", share, share, share, at_most=1))
    flat = memory[1] / memory[0]
    made.append(Row("most memory ÷ that of a quarter of the rows", flat, flat, flat, at_most=1.2))
    return made


def _fitting(pair: Pair, floor: str, ours: str) -> list[float]:
    """For each time that a way was measured, the mean of the floors before it and behind it."""
    floors = pair.times[floor]
    return [(floors[number - 1] + floors[number]) / 2 for number in pair.after[ours]]


def _in_child(do: Callable[[], Any]) -> None:
    """In a process with one thread, as that of the command line and of a worker's job have one.

    This one has another, which reads what the servers say; beside it no process is forked.
    """
    child = os.fork()
    if not child:
        ended = 1
        try:
            do()
            ended = 0
        finally:
            os._exit(ended)
    assert os.waitpid(child, 0)[1] == 0


def _do(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())


def _floor(source: str, target: str, tables: Sequence[str] = TABLES) -> None:
    """Server to server, in PostgreSQL's binary form."""
    with psycopg.connect(source) as out, psycopg.connect(target) as into:
        for table in tables:
            reading = out.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)".encode())
            writing = into.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)".encode())
            with reading as read, writing as write:
                for block in read:
                    write.write(block)


def _sync(source: str, target: str, written: int, text: str = RULES, **how: Any) -> Result:
    production, staging = open_source(source), open_target(target)
    try:
        result = carry_out(production, staging, rules.parse(text), Key(KEY), Options(**how))
    finally:
        production.close()
        staging.close()
    assert result.status in ("completed", "dry run")
    assert result.total.written == written or how.get("dry_run")
    return result


def _mapped(pair: Pair) -> None:
    """A full sync as the browser has it by default: each fake is noted beside a tag, in SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        mapping = Mapping(f"sqlite:///{folder}/mapping", Key(KEY))
        record = mapping.recorder(rules.parse(RULES), "one")
        _do(pair.staging, ANEW)
        pair.measure(mapped=partial(pair.sync, pair.users, tables=TABLES[:1], record=record))
        mapping.close()
    pair.floors()


def _workers(pair: Pair, notes: int, rounds: int) -> None:
    """A table whose texts are made up row by row: the workers are the limit, not the database."""
    for url in (pair.source, pair.staging):
        _do(url, NOTES)
    _do(pair.source, NOTED.format(notes))
    command = [sys.executable, "-m", "benchmarks.sync_worker"]
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **piped) as other:  # type: ignore[call-overload]
        assert other.stdout.readline() == "ready\n"

        def call(parts: Sequence[Shard], snapshot: str) -> None:
            told = {"source": pair.source, "staging": pair.staging, "snapshot": snapshot,
                    "text": NOTE_RULES, "key": KEY}  # fmt: skip
            for part in reversed(parts):
                which = [part.table, part.attempt, part.number]
                other.stdin.write(json.dumps({**told, "part": which}) + "\n")
            other.stdin.flush()

        for _ in range(rounds):
            for name, others in (("one_worker", 0), ("two_workers", 1)):
                _do(pair.staging, f"TRUNCATE notes; {ANEW}")
                how = {"others": others, "call": call, "restart": True}
                pair.measure(**{name: partial(pair.sync, notes, NOTE_RULES, **how)})
        other.stdin.close()
    for url in (pair.source, pair.staging):
        _do(url, "DROP TABLE notes")


def _memory(pair: Pair, users: int) -> int:
    """The most memory that a process takes for a full sync of some of the users.

    What `getrusage` tells would be the most of the process that starts it, where that had more.
    """
    _do(pair.staging, ANEW)
    where = RULES.replace("users: {", f"users: {{where: id <= {users}, ")
    program = (
        "from pathlib import Path; from benchmarks.syncs import _sync; "
        f"_sync({pair.source!r}, {pair.staging!r}, {users}, {where!r}, tables=('users',)); "
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return int(said.stdout) * 1024


def _pynonymized(pair: Pair, cells: dict[str, list[float]], scale: Scale) -> None:
    """What pynonymizer does to users: made-up values drawn for each row in place, by the server.

    It fills a table of 150 seeds by Faker, and sets each column to one of them at random.
    """
    fake, count = Faker("en_US"), scale.of(150, 150, 10)
    seeds = ", ".join(
        "(" + ", ".join(f"'{_sql(value)}'" for value in (
            fake.first_name(), fake.last_name(), fake.phone_number(), fake.city())) + ")"
        for _ in range(count)
    )  # fmt: skip
    step = (
        "UPDATE users SET "
        + ", ".join(
            f"{column} = (SELECT {column} FROM seeds WHERE users.id IS NOT NULL "
            "ORDER BY random() LIMIT 1)"
            for column in ("first_name", "last_name", "phone", "city")
        )
        + ", email = md5(random()::text || id) || '@' || md5(random()::text) || '.com'"
    )
    create = "DROP TABLE IF EXISTS seeds; CREATE TABLE seeds (first_name text, last_name text, "
    _do(pair.floor, f"{create} phone text, city text); INSERT INTO seeds VALUES {seeds}; ANALYZE")
    began = time.perf_counter()
    _do(pair.floor, step)
    cells["pynonymizer"] = [time.perf_counter() - began]
    cells["full"] = [statistics.median(pair.times["full_users"])]


def _sql(text: str) -> str:
    return text.replace("'", "''")


def _cells(pair: Pair, number: int, rounds: int) -> dict[str, list[float]]:
    """Fakes alone: of users as a sync makes them, in columns; and one by one."""
    fakes, fake = Fakes(Key(KEY), load(), "en_US"), Faker("en_US")
    chosen = random.Random(1)
    originals = [f"{chosen.random()}" for _ in range(number)]
    columns, make = _columns(pair, number)

    def ours() -> None:
        name, email = fakes.names().first, fakes.contacts.email
        for original in originals:
            name(original)
            email(original)

    def theirs() -> None:
        for _ in originals:
            fake.name()
            fake.email()

    def faker_rows() -> None:
        for _ in range(len(columns[0])):
            fake.first_name()
            fake.last_name()
            fake.email()
            fake.phone_number()
            fake.city()

    ways = {
        "ours": ours, "faker": theirs, "columns": lambda: make(columns), "faker_rows": faker_rows,
    }  # fmt: skip
    return {name: [*times] for name, times in interleaved(ways, rounds).items()}


def _columns(pair: Pair, number: int) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """Some of the users as a sync reads them, and what makes them into fakes."""
    with closing(PostgresSource(pair.source)) as source, closing(PostgresTarget(pair.floor)) as to:
        work = shards.works(source, to, rules.parse(RULES), Key(KEY))["users"]
        *read, _, _ = next(source.columns(work.table, work.selection))
    assert work.columns is not None
    return [column[:number] for column in read], work.columns
