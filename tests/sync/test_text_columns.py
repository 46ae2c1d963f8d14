"""Columns of texts, the way of types that Arrow can't hold: cell by cell as PostgreSQL has them."""

import pytest

from sync import arrow_blocks
from tests import servers
from tests.sync.databases import ask, carry_out, checksum, sync

ODD = r"""
CREATE TABLE odd (id integer PRIMARY KEY, who text, email text UNIQUE, said text, many text[],
  price numeric(12, 4), took interval, ip inet, raw bytea, seen timestamptz, flag boolean);
INSERT INTO odd VALUES
  (1, 'Ada Old', 'ada@old.test', E'a\tb\nc\\d\re', '{"x,y","q\"q",NULL,"\\\\"}', 1.5000,
   '1 day 02:03:04.5', '10.0.0.1/8', '\x00ff5c', 'infinity', true),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (3, '', 'b@old.test', '', '{}', 'NaN', '0', '::1', '', '-infinity', false),
  (4, '\N', 'c@old.test', '\N', '{"\\N"}', 12345678.0001, '-1 mons', '1.2.3.4', '\x0a',
   '0044-03-15 BC', NULL),
  (5, 'Łukasz "Q" Żak', 'd@old.test', E'\\.\n"quoted", ''single''', '{ü,😀}', -0.5, '5 years',
   'fe80::1', '\xdeadbeef', '2026-02-03 04:05:06.789+02', true);
"""
PLAIN = """
CREATE TABLE plain (id bigint PRIMARY KEY, name text, email text UNIQUE, phone text, said text,
  born date, active boolean, seen timestamptz);
INSERT INTO plain SELECT n, 'Ada Nr ' || n, 'ada' || n || '@old.test', '+1 212 555 ' || 1000 + n,
  E'met\\tAda\\n' || n, '2026-01-01'::date - n, n % 2 = 0,
  '2026-01-01'::timestamptz + n * '1 s'::interval
  FROM generate_series(1, 3000) n;
"""
RULES = """
version: 1
tables:
  odd: {columns: {id: keep, who: full_name, email: email, said: keep, many: keep, price: keep,
    took: keep, ip: keep, raw: keep, seen: keep, flag: keep}}
"""
PLAIN_RULES = """
version: 1
tables:
  plain: {columns: {id: keep, name: full_name, email: email, phone: phone, said: text,
    born: {date_shift: {days: 90}}, active: keep, seen: keep}}
"""
KEPT = (
    "SELECT id, said, many::text, price::text, took::text, ip::text, raw, seen::text, flag "
    "FROM odd ORDER BY id"
)


@pytest.fixture
def pair(postgres: servers.Postgres) -> tuple[str, str]:
    """Production with odd cells, and an empty staging."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, ODD, PLAIN)
    return source, target


def test_what_is_kept_is_kept_to_the_last_letter(pair: tuple[str, str]) -> None:
    """Tabs, line ends, backslashes, what looks like COPY's own marks, nulls beside empty texts."""
    result = sync(*pair, RULES + "  plain: skip\n")

    assert 5 == result.total.inserted
    assert ask(pair[0], KEPT) == ask(pair[1], KEPT)
    fakes = "SELECT id, who IS NULL, who = '', email IS NULL FROM odd ORDER BY id"
    assert ask(pair[0], fakes) == ask(pair[1], fakes)
    assert [] == ask(pair[1], "SELECT 1 FROM odd WHERE email LIKE '%old.test'")


def test_it_fills_in_columns_and_leaves_traces(pair: tuple[str, str]) -> None:
    """So the next run writes nothing, and one row that moved is all it looks at."""
    rules = RULES + "  plain: skip\n"
    sync(*pair, rules)
    content = ask(pair[1], "SELECT content FROM prompt_repo_sync.blocks")

    again = sync(*pair, rules).total.written
    carry_out(pair[0], "UPDATE odd SET price = 2 WHERE id = 3")
    moved = sync(*pair, rules).total

    assert bytes(content[0][0]).startswith(arrow_blocks.BEGINNING)
    assert (0, 1, 1) == (again, moved.updated, moved.written)
    assert ask(pair[0], KEPT) == ask(pair[1], KEPT)


def test_texts_and_arrow_give_the_same(pair: tuple[str, str], postgres: servers.Postgres) -> None:
    """The same fakes in the same rows, whichever way they go."""
    rules, other = PLAIN_RULES + "  odd: skip\n", postgres.create()

    by_arrow = sync(*pair, rules).total.inserted
    by_text = sync(pair[0], other, rules, by_columns=False).total.inserted

    assert (3000, 3000) == (by_arrow, by_text)
    assert checksum(pair[1]) == checksum(other)
