"""Numbers made into others: what their types can't hold, exponents, NaN, numbers in JSON."""

import json
from pathlib import Path

import pytest

from sync import pools
from sync.anonymise import Fakes
from sync.documents import Documents
from sync.keyed import Key
from sync.rules import Rule
from sync.values import of_number
from tests import servers
from tests.sync.databases import KEY, ask, carry_out, draft, filled, sync

TABLES = """
CREATE TABLE accounts (id integer PRIMARY KEY, badge integer UNIQUE, small smallint,
  handle_id_number bigint UNIQUE, salary double precision, wage numeric, phone integer,
  rooms integer[]);
"""
ROWS = """
INSERT INTO accounts SELECT n, 2147483647 - n, 32767 - n, 9223372036854775807 - n,
  n * 1e-7, n * 1.25, 2125550100 + n, ARRAY[2147483647 - n, NULL]
  FROM generate_series(1, 500) n;
INSERT INTO accounts VALUES (1000, -2147483648, -32768, -9223372036854775808, 'NaN', 'NaN'),
  (1001, 7, 7, 7, '-Infinity', 0), (1002, NULL, NULL, NULL, 1.7976931348623157e308, NULL);
"""
RULES = """
version: 1
tables:
  accounts:
    columns: {id: keep, badge: digits, small: digits, handle_id_number: digits, salary: digits,
      wage: digits, phone: phone, rooms: digits}
"""


def fakes() -> Fakes:
    return Fakes(Key(KEY), pools.load(), "en_US")


def test_a_fake_is_no_larger_than_its_column_holds(postgres: servers.Postgres) -> None:
    """Numbers near the end of each type come over, all other ones, and unique where they were."""
    source, target = filled(postgres, TABLES, ROWS, RULES)

    query = "SELECT count(*), count(badge), count(handle_id_number), count(phone) FROM accounts"
    assert ask(source, query) == ask(target, query)
    for name in ("badge", "small", "handle_id_number", "rooms", "salary"):
        same = "id < 1000 AND {0}::text = '{1}'"
        before = ask(source, f"SELECT id, {name}::text FROM accounts WHERE id <= 3 ORDER BY id")
        assert [] == [
            row for row in before
            if ask(target, f"SELECT 1 FROM accounts WHERE id = {row[0]} AND "
                           + same.format(name, row[1]))
        ]  # fmt: skip
    assert 0 == sync(source, target, RULES).total.written
    postgres.drop(source)
    postgres.drop(target)


def test_nan_and_infinities_stay(postgres: servers.Postgres) -> None:
    """As does what is so far that another digit might be too much; they name nobody."""
    source, target = filled(postgres, TABLES, ROWS, RULES)

    query = "SELECT salary::text, wage::text FROM accounts WHERE id >= 1000 ORDER BY id"
    assert ask(source, query) == ask(target, query)
    postgres.drop(source)
    postgres.drop(target)


def test_what_a_plan_drafts_for_long_numbers_runs(postgres: servers.Postgres) -> None:
    """Ids of other services have 19 digits, and with other ones they may be more than a bigint."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, "CREATE TABLE links (id serial PRIMARY KEY, snowflake bigint NOT NULL)")
    carry_out(
        source,
        "INSERT INTO links (snowflake) SELECT 1150000000000000000 + n * 7919 "
        "FROM generate_series(1, 400) n",
    )
    assert "snowflake: digits" in draft(source)

    assert "completed" == sync(source, target).status
    assert [(400,)] == ask(target, "SELECT count(DISTINCT snowflake) FROM links")
    postgres.drop(source)
    postgres.drop(target)


def test_sqlite_s_numbers_of_any_size_come_over(tmp_path: Path) -> None:
    """Small and large, with exponents and fractions, endless, and in columns that hold anything."""
    source, target = (f"sqlite:///{tmp_path / name}.sqlite3" for name in ("live", "copy"))
    carry_out(
        source,
        "CREATE TABLE pay (id INTEGER PRIMARY KEY, salary REAL, badge integer, anything);"
        "INSERT INTO pay VALUES (1, 1e-5, 9223372036854775807, 1.5), (2, 9e999, 3000000000, 'x'),"
        "(3, -9e999, -5, 7), (4, 12.5, NULL, NULL), (5, 1.5, 2.5, 1), (6, 1, '٩٩٩', 2);",
    )
    text = "version: 1\ntables: {pay: {columns: {id: keep, salary: digits, badge: digits, " \
        "anything: text}}}\n"  # fmt: skip

    assert "completed" == sync(source, target, text).status

    kinds = "SELECT typeof(salary), typeof(badge) FROM pay ORDER BY id"
    assert ask(source, kinds) == ask(target, kinds)
    assert 0 == sync(source, target, text).total.written


@pytest.mark.parametrize("most", [99, 32767, 2147483647])
def test_distinct_numbers_stay_distinct_below_a_limit(most: int) -> None:
    """Down to the lowest one, which is one further from zero."""
    near = [*range(most - 60, most + 1), *range(-most - 1, -most + 60)]
    digits = fakes().values.digits

    made = [int(of_number(digits, str(each), most)) for each in near]

    assert len(set(near)) == len(set(made))
    assert all(-most - 1 <= each <= most for each in made)


def test_numbers_in_json_stay_numbers() -> None:
    """With an exponent, a sign or a fraction, by a rule or none; half a letter is spelled."""
    text = '{"a": 1e5, "b": -12.75, "c": -3, "d": [0.001, 6.02E23], "e": "\\ud83d", "f": 5550123}'
    ruled = {"$.b": Rule("digits"), "$.e": Rule("keep"), "$.f": Rule("phone")}

    made = Documents(Rule("json", ruled), fakes().simple, canonical=False).fake(text)

    found = json.loads(made)
    assert [float, float, int] == [type(found[name]) for name in "abc"]
    assert [float, float] == [type(each) for each in found["d"]]
    assert "\ud83d" == found["e"]
    assert "\\ud83d" in made
    assert json.loads(text)["b"] != found["b"] < 0


def test_a_network_becomes_a_network(postgres: servers.Postgres) -> None:
    """The type `cidr`, whose bits behind the prefix must be none; addresses keep theirs."""
    source, target = filled(
        postgres,
        "CREATE TABLE nets (id integer PRIMARY KEY, net cidr, host inet)",
        "INSERT INTO nets VALUES (1, '192.168.7.0/24', '192.168.7.9/24'), "
        "(2, '10.0.0.0/8', '10.1.2.3'),"
        "(3, '2001:67c::/48', '2001:67c::1/64'), (4, '10.1.2.3', '10.1.2.0/23')",
        "version: 1\ntables: {nets: {columns: {id: keep, net: ip, host: ip}}}\n",
    )

    query = (
        "SELECT masklen(net), masklen(host), family(net), net = network(net) FROM nets ORDER BY id"
    )
    assert ask(source, query) == ask(target, query)
    same = "SELECT count(*) FROM nets WHERE net <<= '192.168.0.0/16' OR host <<= '10.0.0.0/8'"
    assert [(0,)] == ask(target, same)
    assert 0 == sync(source, target, "version: 1\ntables: {nets: {columns: {id: keep, net: ip, "
                     "host: ip}}}\n").total.written  # fmt: skip
    postgres.drop(source)
    postgres.drop(target)
