"""A first sync may build indexes and keys last; they come back as they were, whatever happens."""

from pathlib import Path

import pytest

from sync.errors import UnusableDatabase
from tests import servers
from tests.sync.databases import ask, carry_out, checksum, sync
from tests.sync.test_killed import killed

TABLES = """
CREATE TABLE "Odd Users" (id integer PRIMARY KEY, name text, email text UNIQUE, boss integer
  REFERENCES "Odd Users" ON DELETE SET NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, buyer integer NOT NULL REFERENCES "Odd Users",
  total numeric CHECK (total > 0), EXCLUDE USING btree (id WITH =));
CREATE INDEX by_buyer ON orders (buyer) WHERE total > 1;
CREATE UNIQUE INDEX by_name ON "Odd Users" (lower(name), id);
CREATE VIEW rich AS SELECT buyer FROM orders WHERE total > 100;
"""
ROWS = """
INSERT INTO "Odd Users" SELECT n, 'Ada Nr ' || n, 'ada' || n || '@old.test', nullif(n - 1, 0)
  FROM generate_series(1, 500) n;
INSERT INTO orders SELECT n, 1 + n % 500, n FROM generate_series(1, 900) n;
"""
RULES = """
version: 1
tables:
  Odd Users: {columns: {id: keep, name: full_name, email: email, boss: keep}}
  orders: {columns: {id: keep, buyer: keep, total: keep}}
"""
BUILT = """
SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid::regclass::text IN ('"Odd Users"', 'orders')
UNION ALL SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2
"""


@pytest.fixture
def pair(postgres: servers.Postgres) -> tuple[str, str]:
    """Production, and staging with the same tables, empty."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, TABLES, ROWS)
    carry_out(target, TABLES)
    return source, target


def test_all_that_was_taken_down_is_built_again(
    pair: tuple[str, str], postgres: servers.Postgres
) -> None:
    """Keys, checks, exclusions, partial and unique indexes; the rows are those of any other run."""
    before = ask(pair[1], BUILT)

    result = sync(*pair, RULES, indexes_last=True)

    sync(pair[0], other := postgres.create(), RULES)
    assert "completed" == result.status
    assert before == ask(pair[1], BUILT)
    assert checksum(other) == checksum(pair[1])
    assert 0 == sync(*pair, RULES, indexes_last=True).total.written


@pytest.mark.slow
def test_killed_in_any_state_it_goes_on(pair: tuple[str, str], tmp_path: Path) -> None:
    """Before and behind each commit; the next run puts up what it finds taken down."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    before, number, deaths = ask(pair[1], BUILT), 1, 0
    while killed(*pair, rules, number, ("before", "behind")[number % 2], "last"):
        number, deaths = number + 1, deaths + 1

    sync(*pair, RULES)

    assert deaths >= 8
    assert before == ask(pair[1], BUILT)
    assert [(500,)] == ask(pair[1], 'SELECT count(*) FROM "Odd Users"')
    assert [(900,)] == ask(pair[1], "SELECT count(*) FROM orders")


def test_what_cannot_be_built_is_said_and_tried_again(pair: tuple[str, str]) -> None:
    """Rows that break a key: staging's own table had a stricter one than production."""
    carry_out(pair[1], "CREATE UNIQUE INDEX stricter ON orders (buyer)")

    with pytest.raises(UnusableDatabase, match="it is tried again in the next run"):
        sync(*pair, RULES, indexes_last=True)

    carry_out(pair[1], "DELETE FROM prompt_repo_sync.rebuilding WHERE statement LIKE '%stricter%'")
    assert "completed" == sync(*pair, RULES).status
    assert 900 == ask(pair[1], "SELECT count(*) FROM orders")[0][0]
