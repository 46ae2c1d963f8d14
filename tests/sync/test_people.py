"""One person's fakes fit together: over tables, over spellings, and inside free text."""

from pathlib import Path

import pytest

from sync.folding import ascii_word
from tests import servers
from tests.sync.databases import ask, carry_out, dump, sync

SQL = """
CREATE TABLE users (id integer PRIMARY KEY, first_name text, last_name text, email text UNIQUE,
  phone text, country text, city text);
CREATE TABLE letters (id integer PRIMARY KEY, mail text, sent text);
CREATE TABLE tickets (id integer PRIMARY KEY, user_id integer REFERENCES users, contact_name text,
  contact_email text, body text);
CREATE TABLE replies (id integer PRIMARY KEY, ticket integer REFERENCES tickets, body text);
INSERT INTO users VALUES
  (1, 'Zoltána', 'Őrszigethy', 'zori@old.test', '+36 30 555 1234', 'Hungary', 'Pécs'),
  (2, 'Anna', 'Schmidt', 'a.schmidt@old.test', '0151 23456789', 'Germany', 'Trier'),
  (3, 'Иван', 'Петров', 'ivan@old.test', NULL, 'Russia', 'Тверь'),
  (4, 'Anna', 'Jones', 'annaj@old.test', NULL, 'United Kingdom', 'Leeds');
INSERT INTO letters VALUES (1, 'ZORI@old.test ', 'x'), (2, 'a.schmidt@old.test', 'y'),
  (3, 'stranger@old.test', 'z');
INSERT INTO tickets VALUES
  (1, 1, 'Zoltána Őrszigethy', 'zori@old.test',
   'Zoltána asks: call me on +36305551234 or mail Zori@Old.test. Best, Z. Őrszigethy'),
  (2, 2, 'Someone Else', 'else@old.test', 'Frau Schmidt (0151/23456789) met Peter Miller in May.');
INSERT INTO replies VALUES (1, 1,
   'Dear Ms ŐRSZIGETHY, we wrote to zori@old.test; Zoltánas ticket is open.'),
  (2, 2, 'The server 10 returned 200 items on 2026-05-05.');
"""
RULES = """
version: 1
tables:
  users: {columns: {id: keep, first_name: first_name, last_name: last_name, email: email,
    phone: phone, country: keep, city: city}}
  letters: {columns: {id: keep, mail: email, sent: keep}}
  tickets: {columns: {id: keep, user_id: keep, contact_name: full_name, contact_email: email,
    body: scrub}}
  replies: {columns: {id: keep, ticket: keep, body: scrub}}
"""


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def target(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgres: servers.Postgres,
) -> str:
    """Staging after a sync, of either kind."""
    folder: Path = tmp_path_factory.mktemp("people")
    if request.param == "sqlite":
        source, made = f"sqlite:///{folder}/production", f"sqlite:///{folder}/staging"
    else:
        source, made = postgres.create(), postgres.create()
    carry_out(source, SQL)
    assert "completed" == sync(source, made, RULES).status
    assert 0 == sync(source, made, RULES).total.written
    return made


def test_an_email_has_one_fake_that_matches_its_person(target: str) -> None:
    """In the table with the names, in one without any, and however it is spelled."""
    (user,) = ask(target, "SELECT first_name, last_name, email FROM users WHERE id = 1")
    (letter,) = ask(target, "SELECT mail FROM letters WHERE id = 1")
    (ticket,) = ask(target, "SELECT contact_name, contact_email FROM tickets WHERE id = 1")

    assert user[2].startswith(f"{ascii_word(user[0])}.{ascii_word(user[1])}.")
    assert user[2] == letter[0] == ticket[1]
    assert ticket[0] == f"{user[0]} {user[1]}"


def test_the_same_name_is_the_same_fake(target: str) -> None:
    """Of two people who share a first name."""
    (two,), (four,) = (
        ask(target, f"SELECT first_name FROM users WHERE id = {number}") for number in (2, 4)
    )

    assert two == four


def test_names_are_of_their_own_script_and_towns_of_their_country(target: str) -> None:
    """A Russian name stays one in Cyrillic."""
    ((first, city),) = ask(target, "SELECT first_name, city FROM users WHERE id = 3")

    assert all("а" <= letter <= "я" or letter == "ё" for letter in first.lower())
    assert city != "Тверь"


def test_scrubbed_text_has_no_person_of_its_row_left(target: str) -> None:
    """Neither name nor address nor number, also of people that foreign keys lead to."""
    bodies = "\n".join(
        body
        for table in ("tickets", "replies")
        for (body,) in ask(target, f"SELECT body FROM {table}")
    )

    for original in ("Zoltána", "rszigethy", "RSZIGETHY", "Schmidt", "Peter", "Miller", "old.test",
                     "Old.test", "5551234", "23456789"):  # fmt: skip
        assert original not in bodies


def test_scrubbed_text_is_otherwise_the_same(target: str) -> None:
    """Words, dates and small numbers stay."""
    ((second,),) = ask(target, "SELECT body FROM replies WHERE id = 2")
    ((first,),) = ask(target, "SELECT body FROM tickets WHERE id = 1")

    assert "The server 10 returned 200 items on 2026-05-05." == second
    assert " asks: call me on +" in first


def test_nothing_else_holds_them(target: str) -> None:
    """Not one cell of staging, the sync's own among them."""
    staging = "\n".join(cell for _, cell in dump(target))

    assert [] == [name for name in ("Zoltána", "zori@", "Schmidt", "Петров") if name in staging]
