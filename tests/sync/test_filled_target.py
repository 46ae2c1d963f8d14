"""A staging that somebody else had filled: nothing of it is lost unasked, and a reset is whole."""

import pytest

from tests import servers
from tests.sync.databases import ask, carry_out, checksum, sync

SCHEMA = """
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL, email text UNIQUE);
CREATE TABLE notes (id integer PRIMARY KEY, owner integer NOT NULL REFERENCES users, said text);
"""
PEOPLE = 9_000
ROWS = f"""
INSERT INTO users SELECT n, 'Ada Nr ' || n, 'ada' || n || '@old.test'
  FROM generate_series(1, {PEOPLE}) n;
INSERT INTO notes SELECT n, n, 'note' FROM generate_series(1, {PEOPLE}) n;
"""
OWN = f"""
INSERT INTO users SELECT n, 'Own', 'own' || n || '@here.test'
  FROM generate_series(1, {PEOPLE + 100}) n;
INSERT INTO notes SELECT n, n, 'own' FROM generate_series(1, {PEOPLE + 100}) n;
"""
RULES = """
version: 1
tables:
  users: {columns: {id: keep, name: full_name, email: email}}
  notes: {columns: {id: keep, owner: keep, said: keep}}
"""


@pytest.fixture
def pair(postgres: servers.Postgres) -> tuple[str, str]:
    """Production, and a staging whose every row is another, with some of its own."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, SCHEMA, ROWS)
    carry_out(target, SCHEMA, OWN)
    return source, target


def test_thousands_of_rows_in_conflict_pause_it(pair: tuple[str, str]) -> None:
    """However many there are: each is told, none is touched."""
    before = checksum(pair[1])

    result = sync(*pair, RULES)

    assert ("paused", 2 * PEOPLE) == (result.status, len(result.conflicts))
    assert before == checksum(pair[1])


@pytest.mark.parametrize("how", [{}, {"indexes_last": True}, {"processes": 2}], ids=str)
def test_a_reset_makes_it_production_s(
    pair: tuple[str, str], postgres: servers.Postgres, how: dict[str, int]
) -> None:
    """As if it had been empty, also after a run that paused; the next run finds nothing to do."""
    sync(*pair, RULES)

    result = sync(*pair, RULES, reset=True, restart=True, **how)

    fresh = postgres.create()
    sync(pair[0], fresh, RULES)
    assert ("completed", 200) == (result.status, result.total.deleted)
    assert checksum(fresh) == checksum(pair[1])
    assert 0 == sync(*pair, RULES, restart=True).total.written
    assert [] == ask(pair[1], "SELECT 1 FROM users WHERE name = 'Own'")
