"""A role that owns staging and may not switch foreign keys off: what it has to do twice."""

import secrets

import pytest

from sync import walking
from sync.filling import Shard
from sync.ordering import backward, in_order, led_to
from sync.tables import open_source
from tests import servers
from tests.sync.databases import ask, carry_out, checksum, sync

TABLES = """
CREATE TABLE towns (id integer PRIMARY KEY, name text);
CREATE TABLE teams (id integer PRIMARY KEY, lead integer);
CREATE TABLE users (id integer PRIMARY KEY, name text, team integer NOT NULL REFERENCES teams,
  town integer REFERENCES towns, boss integer REFERENCES users);
ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES users;
CREATE TABLE visits (id integer PRIMARY KEY, who integer NOT NULL REFERENCES users, said text);
CREATE TABLE words (id integer PRIMARY KEY, word text);
INSERT INTO towns SELECT n, 'Town ' || n FROM generate_series(1, 5) n;
INSERT INTO teams SELECT n, NULL FROM generate_series(1, 9) n;
INSERT INTO users SELECT n, 'Ada Nr ' || n, 1 + n % 9, 1 + n % 5, 400 - n
  FROM generate_series(1, 399) n;
UPDATE teams SET lead = 40 * id;
INSERT INTO visits SELECT n, 1 + n % 399, 'visit ' || n FROM generate_series(1, 900) n;
INSERT INTO words SELECT n, 'word ' || n FROM generate_series(1, 700) n;
ANALYZE;
"""
RULES = """
version: 1
tables:
  towns: {columns: {id: keep, name: keep}}
  teams: {columns: {id: keep, lead: keep}}
  users: {columns: {id: keep, name: full_name, team: keep, town: keep, boss: keep}}
  visits: {columns: {id: keep, who: keep, said: text}}
  words: {columns: {id: keep, word: text}}
"""


@pytest.fixture
def production(postgres: servers.Postgres) -> str:
    """Teams are led by users, who are in teams; visits and words are in no circle."""
    url = postgres.create()
    carry_out(url, TABLES)
    return url


def _owned(postgres: servers.Postgres) -> str:
    """An empty staging, by a role that owns it and nothing more."""
    target, role = postgres.create(), f"r_{secrets.token_hex(4)}"
    database = target.split("/")[3].partition("?")[0]
    carry_out(target, f"CREATE ROLE {role} LOGIN", f"ALTER DATABASE {database} OWNER TO {role}",
              f"ALTER SCHEMA public OWNER TO {role}")  # fmt: skip
    return target.replace("postgres@", f"{role}@")


def test_what_leads_in_a_circle_goes_first_with_all_it_needs(production: str) -> None:
    """The circle, and what it refers to; nothing that only refers to it."""
    source = open_source(production)
    ordered = in_order(source.schema().tables)
    source.close()

    found = [table.name for table in led_to(ordered, backward(ordered))]

    assert {"towns", "teams", "users"} == set(found)
    assert found.index("towns") < found.index("users")


def test_tables_in_no_circle_are_filled_once_and_in_parts(
    production: str, postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the circle is gone through twice; what stands in the end is the same."""
    monkeypatch.setattr(walking, "LARGE", 500)
    whole, owner = postgres.create(), _owned(postgres)
    sync(production, whole, RULES)
    asked: list[Shard] = []

    first = sync(production, owner, RULES, others=1, call=lambda parts, _: asked.extend(parts))
    again = sync(production, owner, RULES).total

    assert {"visits", "words"} == {part.table for part in asked}
    assert (2013, 2013, 0) == (first.total.seen, first.total.inserted, first.total.updated)
    assert checksum(whole) == checksum(owner)
    assert (0, 2013) == (again.written, again.unchanged)


def test_a_link_to_somebody_new_is_made_when_they_are_there(
    production: str, postgres: servers.Postgres
) -> None:
    """Links that move to rows of the same run hold, and rows that are needed no more go."""
    owner = _owned(postgres)
    sync(production, owner, RULES)
    carry_out(
        production,
        "INSERT INTO towns VALUES (6, 'Town 6')",
        "INSERT INTO users VALUES (1000, 'Grace', 1, 6, NULL)",
        "UPDATE teams SET lead = 1000 WHERE id = 9",
        "UPDATE users SET boss = 1000 WHERE id = 1",
        "INSERT INTO visits VALUES (1000, 1000, 'hello')",
        "DELETE FROM visits WHERE who = 360",
        "UPDATE users SET boss = NULL WHERE boss = 360",
        "DELETE FROM users WHERE id = 360",
    )

    moved = sync(production, owner, RULES).total

    assert (0, 0) == (moved.failed, moved.conflicts)
    for query in (
        "SELECT id, lead FROM teams ORDER BY 1",
        "SELECT id, team, town, boss FROM users ORDER BY 1",
        "SELECT id, who FROM visits ORDER BY 1",
    ):
        assert ask(production, query) == ask(owner, query)
