"""A database nobody here made, from its first plan to a second sync that has nothing to do."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync import rules
from tests import servers
from tests.sync.databases import ask, draft, dump, load_chinook, sync

PERSONAL = {
    "customer": {
        "first_name", "last_name", "company", "address", "city", "state", "postal_code", "phone",
        "fax", "email",
    },
    "employee": {
        "first_name", "last_name", "birth_date", "address", "city", "state", "postal_code", "phone",
        "fax", "email",
    },
    "invoice": {"billing_address", "billing_city", "billing_state", "billing_postal_code"},
    "artist": {"name"},
    "track": {"composer"},
}  # fmt: skip
ANYWHERE = {
    "customer": ("email", "phone", "fax", "address", "company"),
    "employee": ("email", "phone", "fax", "address"),
    "invoice": ("billing_address",),
}


@pytest.fixture(scope="module")
def pair(postgres: servers.Postgres, shared_data: Path) -> Iterator[tuple[str, str]]:
    """Chinook, and staging after a sync by the drafted rules."""
    source, target = postgres.create(), postgres.create()
    load_chinook(shared_data, source)
    assert "completed" == sync(source, target).status
    yield source, target
    postgres.drop(source)
    postgres.drop(target)


def test_a_plan_leaves_no_personal_column_out(pair: tuple[str, str]) -> None:
    """Names, emails, phones, faxes, addresses, birth dates and companies all get a fake."""
    drafted = rules.parse(draft(pair[0]))

    kept = {
        (table, column)
        for table, columns in PERSONAL.items()
        for column in columns
        if drafted.tables[table].columns[column].kind == "keep"
    }

    assert set() == kept


def test_no_original_is_found_anywhere_in_staging(pair: tuple[str, str]) -> None:
    """Not one email, phone, fax, address or company, in no table, the sync's own among them."""
    source, target = pair
    originals = {
        value
        for table, columns in ANYWHERE.items()
        for column in columns
        for (value,) in ask(source, f"SELECT DISTINCT {column} FROM {table}")
        if value
    }
    staging = "\n".join(text for _, text in dump(target))

    assert len(originals) > 200
    assert [] == [value for value in originals if value in staging]


@pytest.mark.parametrize("table", ["customer", "employee"])
def test_nobody_keeps_a_name(pair: tuple[str, str], table: str) -> None:
    """No row holds a name of the person it was made from, in whichever column."""
    source, target = pair
    people = {
        row[0]: row[1:]
        for row in ask(source, f"SELECT {table}_id, first_name, last_name FROM {table}")
    }
    staging = {
        row[0]: " ".join(map(str, row))
        for row in ask(target, f"SELECT t.{table}_id, t.* FROM {table} t")
    }

    found = [
        (key, name)
        for key, names in people.items()
        for name in names
        if name in staging[key].split()
    ]

    assert len(people) == len(staging)
    assert [] == found


def test_what_names_nobody_is_the_same(pair: tuple[str, str]) -> None:
    """Keys, amounts and times are production's."""
    source, target = pair
    queries = [
        "SELECT * FROM invoice_line ORDER BY 1",
        "SELECT invoice_id, customer_id, invoice_date, total FROM invoice ORDER BY 1",
        "SELECT employee_id, reports_to, hire_date FROM employee ORDER BY 1",
    ]

    assert [ask(source, query) for query in queries] == [ask(target, query) for query in queries]


def test_an_address_has_one_fake(pair: tuple[str, str]) -> None:
    """Customers find their own fake address on their invoices, wherever that was so."""
    query = (
        "SELECT c.customer_id FROM customer c JOIN invoice i ON i.customer_id = c.customer_id AND "
        "(c.address, c.city, c.postal_code) = (billing_address, billing_city, billing_postal_code) "
        "GROUP BY 1 ORDER BY 1"
    )
    source, target = pair

    assert len(ask(source, query)) > 50
    assert ask(source, query) == ask(target, query)


def test_emails_match_their_names(pair: tuple[str, str]) -> None:
    """A fake address begins with the fake name of its row, and ends in a reserved domain."""
    from sync.folding import ascii_word

    rows = ask(pair[1], "SELECT first_name, last_name, email FROM customer")
    wrong = [
        row for row in rows
        if not row[2].startswith(f"{ascii_word(row[0])}.{ascii_word(row[1])}.")
        or row[2].partition("@")[2] not in ("example.com", "example.org", "example.net")
    ]  # fmt: skip

    assert 59 == len(rows)
    assert [] == wrong


def counted(url: str) -> list[tuple[Any, ...]]:
    """What was put in, changed and deleted in each table, once all who did are gone.

    A connection's work is counted at its end at the latest, which comes a little after its close.
    """
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while ask(url, f"SELECT 1 {others} AND backend_type = 'client backend'"):
        time.sleep(0.01)
    return ask(
        url,
        "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables "
        "WHERE schemaname = 'public' ORDER BY 1",
    )


def test_a_second_run_writes_no_row(pair: tuple[str, str]) -> None:
    """PostgreSQL's own counters say so, for every table that is not the sync's."""
    source, target = pair
    before = counted(target)

    result = sync(source, target)

    assert 15607 == result.total.unchanged
    assert 0 == result.total.written
    assert before == counted(target)
    assert 15607 == sum(row[1] for row in before)
