"""What never leaves production or the key's side: in what a database quotes, and says of itself."""

from pathlib import Path

import pytest

from sync.errors import DatabaseFailed, InvalidRules, UnusableDatabase
from sync.keyed import Key
from sync.mapping import Mapping
from sync.tables import open_source
from tests import servers
from tests.sync.databases import KEY, ask, carry_out, filled, sync

SECRET = "hunter2"
PEOPLE = "CREATE TABLE people (id integer PRIMARY KEY, email text, born text)"
ADA = "INSERT INTO people VALUES (1, 'ada \"the\" first@secret.test', '1990-02-31')"
RULES = """
version: 1
tables: {{people: {{where: "{}", columns: {{id: keep, email: email, born: text}}}}}}
"""


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("born::date > '1980-01-01'", "date/time field value out of range"),
        ("email::integer > 3", "invalid input syntax for type integer"),
        ("email::inet IS NOT NULL", "invalid input syntax for type inet"),
    ],
)
def test_a_value_that_the_database_quotes_is_not_passed_on(
    postgres: servers.Postgres, condition: str, said: str
) -> None:
    """Neither in the error, which goes to records and logs, nor into the sync's own tables."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, PEOPLE, ADA)

    with pytest.raises(DatabaseFailed, match=said) as caught:
        sync(source, target, RULES.format(condition))

    ((status, noted),) = ask(target, "SELECT status, error FROM prompt_repo_sync.runs")
    assert "failed" == status
    assert said in noted
    for original in ("1990-02-31", "ada", "first", "secret"):
        assert original not in f"{caught.value} {noted}"


def test_names_are_passed_on(postgres: servers.Postgres) -> None:
    """A constraint that is quoted names nobody, and says what to look at."""
    source, target = filled(postgres, PEOPLE, ADA, RULES.format("id > 0"))
    carry_out(target, "ALTER TABLE people ADD CONSTRAINT small CHECK (id < 2)")
    carry_out(source, "INSERT INTO people VALUES (2, 'bob@secret.test', '1990-01-01')")

    with pytest.raises(DatabaseFailed, match='violates check constraint "small"'):
        sync(source, target, RULES.format("id > 0"))


def test_a_text_that_is_none_is_not_passed_on(tmp_path: Path) -> None:
    """Latin-1 in a SQLite file, which Python's driver quotes."""
    source, target = (f"sqlite:///{tmp_path / name}.sqlite3" for name in ("live", "copy"))
    carry_out(source, f"{PEOPLE}; INSERT INTO people VALUES (1, CAST(x'416461e9' AS TEXT), '')")

    with pytest.raises(DatabaseFailed, match="Could not decode to UTF-8 column 'email'") as caught:
        sync(source, target, RULES.format("id > 0"))

    assert "Ada" not in str(caught.value)


def test_a_slip_in_a_condition_is_passed_on(tmp_path: Path) -> None:
    """SQLite quotes where it stumbled, which is the rules' own text."""
    source, target = (f"sqlite:///{tmp_path / name}.sqlite3" for name in ("live", "copy"))
    carry_out(source, f"{PEOPLE};")

    with pytest.raises(InvalidRules, match='near "BETWIXT": syntax error'):
        sync(source, target, RULES.format("id BETWIXT 1 AND 2"))


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://owner:x%zz{SECRET}@h/db",
        f"postgresql://owner:{SECRET}/x@h/db",
        f"postgresql://owner:x@{SECRET}@h.invalid/db",
        f"postgresql://owner:{SECRET} x@h/db",
        f"postgresql://owner:{SECRET}@[::1/db",
        f"postgresql://owner@h:{SECRET}/db",
        f"postgresql:{SECRET}",
    ],
)
def test_an_address_that_cant_be_read_is_not_quoted(address: str) -> None:
    """Part of the password would be in the error; what to write instead is told."""
    with pytest.raises(UnusableDatabase, match="%40") as caught:
        open_source(address)

    assert SECRET not in str(caught.value)


def test_neither_is_that_of_the_mapping() -> None:
    """Nor what stands where its port should."""
    with pytest.raises(UnusableDatabase, match="can't be read") as caught:
        Mapping(f"postgresql://owner@h:{SECRET}/db", Key(KEY))

    assert SECRET not in str(caught.value)


def test_functions_called_like_the_server_s_own_are_not_called(postgres: servers.Postgres) -> None:
    """Whoever may make functions in staging's public schema does not act as the sync's role."""
    source, target = filled(postgres, PEOPLE, ADA, RULES.format("id > 0"))
    for head in (
        "to_regclass(text) RETURNS regclass",
        "hashtextextended(text, bigint) RETURNS bigint",
        "txid_current_snapshot() RETURNS txid_snapshot",
        "pg_current_xact_id() RETURNS xid8",
        "pg_try_advisory_lock(bigint) RETURNS boolean",
    ):
        body = "LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''called''; END'"
        for url in (source, target):
            carry_out(url, f"CREATE FUNCTION public.{head} {body}")
    carry_out(source, "INSERT INTO people VALUES (2, 'bob@secret.test', '1990-01-01')")

    assert 1 == sync(source, target, RULES.format("id > 0")).total.inserted
    assert 0 == sync(source, target, RULES.format("id > 0")).total.written
