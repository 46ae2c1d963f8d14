"""Every type and kind of constraint that the sync says it handles, in real PostgreSQL."""

import json
from collections.abc import Iterator

import pytest

from sync.errors import Unsupported
from tests import servers
from tests.sync.databases import ask, carry_out, checksum, draft, dump, sync
from tests.sync.every_type import ROWS, RULES, SCHEMA

ORIGINALS = (
    "Grace", "Hopper", "Linus", "Torvalds", "Margaret", "Hamilton", "grace", "hopper", "linus",
    "kernel.test", "navy.test", "home.test", "apollo.test", "else.test", "555-8731", "7946 0958",
    "1234567", "Arlington", "Navy Way", "1906-12-09", "10.11.12.13", "2001:67c", "a0eebc99",
    "deadbeef", "GH-1906", "12345698765432", "12345600000785", "amazing",
)  # fmt: skip


@pytest.fixture(scope="module")
def pair(postgres: servers.Postgres) -> Iterator[tuple[str, str]]:
    """Production, and staging after one sync."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, SCHEMA, ROWS)
    result = sync(source, target, RULES)
    assert ("completed", []) == (result.status, result.warnings)
    yield source, target
    postgres.drop(source)
    postgres.drop(target)


def test_no_original_is_left(pair: tuple[str, str]) -> None:
    """Not in a column, an array, JSON or a text; nor in what the sync keeps for itself."""
    staging = "\n".join(text for _, text in dump(pair[1]))

    assert [] == [original for original in ORIGINALS if original in staging]


def test_keys_that_are_emails_still_join(pair: tuple[str, str]) -> None:
    """Also to a boss in the same table, and where case and blanks differ."""
    query = (
        "SELECT count(*), count(b.email), count(v.who), count(n.address), count(c.no) "
        "FROM people p JOIN members m ON m.person = p.email LEFT JOIN people b ON p.boss = b.email "
        "LEFT JOIN visits v ON lower(trim(v.who)) = lower(p.email) "
        "LEFT JOIN newsletter n ON lower(trim(n.address)) = lower(p.email) "
        'LEFT JOIN crm."Contact Log" c ON c."Who" = p.email'
    )

    assert ask(pair[0], query) == ask(pair[1], query)
    assert [(4, 3, 3, 2, 3)] == ask(pair[1], query)


def test_nulls_stay_null(pair: tuple[str, str]) -> None:
    """And no value becomes one, but for the rule `null`."""
    kept = (
        "name nick mobile emails tags moods profile raw birthday seen ip token code iban motto boss"
    )
    query = f"SELECT {', '.join(f'count({name})' for name in kept.split())} FROM people"

    assert ask(pair[0], query) == ask(pair[1], query)
    assert [(0, 0)] == ask(pair[1], "SELECT count(photo), count(vector) FROM people")


def test_what_is_kept_is_kept_exactly(pair: tuple[str, str]) -> None:
    """Enums, arrays of them, NaN and infinities, intervals, booleans, partitions."""
    queries = [
        "SELECT mood::text, tags, moods::text, rate::text, pause::text, active::text FROM people "
        "ORDER BY 1",
        "SELECT * FROM teams ORDER BY 1",
        "SELECT tableoid::regclass::text, id, at FROM visits ORDER BY 2, 3",
    ]

    assert [ask(pair[0], query) for query in queries] == [ask(pair[1], query) for query in queries]


def test_types_lengths_and_checks_hold(pair: tuple[str, str]) -> None:
    """A char(8) stays one, a number a number, a generated column is made from the fake."""
    rows = ask(
        pair[1],
        "SELECT length(code), balance < 10000, initial = left(name, 1), pg_typeof(token)::text "
        "FROM people WHERE rtrim(code) LIKE '__-____'",
    )

    assert [(7, True, True, "uuid")] == rows
    assert [("infinity",)] == ask(pair[1], "SELECT seen::text FROM people WHERE seen > 'now'")


def test_json_follows_its_paths(pair: tuple[str, str]) -> None:
    """Paths get their rules, everything else is made up, its form stays."""
    ((profile,),) = ask(
        pair[1], "SELECT profile FROM people WHERE jsonb_typeof(profile) = 'object'"
    )
    ((name,),) = ask(pair[1], "SELECT name FROM people WHERE jsonb_typeof(profile) = 'object'")

    assert (85, name) == (profile["age"], profile["name"])
    assert profile["contacts"][0]["ok"] is True
    assert profile["contacts"][0]["mail"].partition("@")[2].startswith("example.")
    assert profile["home"]["lines"][1] is None
    assert len('{"note" : "met Grace Hopper"}') >= len(json.dumps(profile["home"])) // 4


def test_arrays_get_a_fake_for_each_element(pair: tuple[str, str]) -> None:
    """The element that is also a column's value has that column's fake; nulls stay."""
    ((key, emails),) = ask(
        pair[1], "SELECT email, emails FROM people WHERE cardinality(emails) = 3"
    )

    assert emails[2] is None
    assert (
        key.rpartition(".")[0].rpartition(".")[2] == emails[0].rpartition(".")[0].rpartition(".")[2]
    )


def test_unique_phones_are_like_no_real_one(pair: tuple[str, str]) -> None:
    """They begin with a country code that nobody has."""
    phones = [phone for (phone,) in ask(pair[1], "SELECT mobile FROM people") if phone]

    assert 2 == len(phones)
    assert all(phone.startswith("+999 ") for phone in phones)


def test_triggers_stay_silent_and_on(pair: tuple[str, str]) -> None:
    """The copy fires none; an edit in staging afterwards does."""
    assert [(0,)] == ask(pair[1], "SELECT count(*) FROM changes")

    carry_out(pair[1], "UPDATE members SET team = team WHERE id = 1")

    assert [("members",)] == ask(pair[1], "SELECT what FROM changes")


def test_sequences_go_on_behind_the_copied_rows(pair: tuple[str, str]) -> None:
    """Serial and identity columns give new ids."""
    assert [(4,)] == ask(pair[1], "SELECT nextval('members_id_seq')")
    assert [(3,)] == ask(pair[1], "SELECT nextval(pg_get_serial_sequence('teams', 'id'))")


def test_a_second_run_changes_nothing(pair: tuple[str, str]) -> None:
    """Whatever the type, what was written reads as the same again."""
    before = checksum(pair[1])

    result = sync(*pair, RULES)

    assert (0, 0) == (result.total.written, result.total.kept)
    assert before == checksum(pair[1])


def test_views_are_named_as_left_out(pair: tuple[str, str]) -> None:
    """A drafted file says so."""
    assert "# Left out: leads (view)\n" in draft(pair[0])


def test_drafted_rules_leak_nothing_either(pair: tuple[str, str], postgres_url: str) -> None:
    """The plan for this schema runs as it is drafted, and keeps no original."""
    try:
        result = sync(pair[0], postgres_url)
    except Unsupported as error:
        pytest.fail(str(error))
    staging = "\n".join(text for _, text in dump(postgres_url))

    assert "completed" == result.status
    assert [] == [original for original in ORIGINALS if original in staging]


def test_without_the_right_to_switch_triggers_off(
    pair: tuple[str, str], postgres: servers.Postgres
) -> None:
    """A role that merely owns staging's tables gets the same rows; circles are closed later."""
    target = postgres.create()
    name = target.split("/")[3].partition("?")[0]
    role = f"plain_{name}"
    carry_out(target, f"CREATE ROLE {role} LOGIN", f"ALTER DATABASE {name} OWNER TO {role}")
    plain = target.replace("postgres@", f"{role}@")

    result = sync(pair[0], plain, RULES)

    expected = checksum(pair[1])
    found = checksum(target)
    assert "completed" == result.status
    for table in ("people", "teams", "visits", "newsletter"):
        assert expected[f"public.{table}"] == found[f"public.{table}"]
    assert [(0,)] == ask(target, "SELECT count(*) FROM changes")
    postgres.drop(target)


def test_production_may_be_read_only(pair: tuple[str, str], postgres: servers.Postgres) -> None:
    """A role that may only SELECT is enough, and nothing in production moves."""
    source, target = pair[0], postgres.create()
    name = source.split("/")[3].partition("?")[0]
    carry_out(
        source, f"CREATE ROLE reader_{name} LOGIN", f"GRANT pg_read_all_data TO reader_{name}"
    )
    before = checksum(source)

    result = sync(source.replace("postgres@", f"reader_{name}@"), target, RULES)

    assert "completed" == result.status
    assert before == checksum(source)
    postgres.drop(target)
    carry_out(source, f"DROP OWNED BY reader_{name}; DROP ROLE reader_{name}")
