"""A believable production database to try a sync on: a studio's app, in SQLite or PostgreSQL.

Everybody in it is made up, by the same pools as the fakes; the addresses end in `.test`.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from sync import pools
from sync.errors import UnusableDatabase
from sync.folding import ascii_word
from sync.model import Cell, Row
from sync.tables import dialect_of, open_target

USERS, ASSIGNMENTS = 20_000, 60_000
COUNTRIES = {
    "United States": "en_US", "United Kingdom": "en_GB", "Germany": "de_DE", "France": "fr_FR",
    "Spain": "es_ES", "Italy": "it_IT", "Brazil": "pt_BR", "Netherlands": "nl_NL",
    "Poland": "pl_PL", "Sweden": "sv_SE",
}  # fmt: skip
EMOTIONS = ("idle", "excited", "sad", "angry", "confused", "happy", "surprised")
CODES = {"United States": "1", "United Kingdom": "44", "Germany": "49", "France": "33",
         "Spain": "34", "Italy": "39", "Brazil": "55", "Netherlands": "31", "Poland": "48",
         "Sweden": "46"}  # fmt: skip

TABLES = """
CREATE TABLE teams (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL, lead_id INTEGER);
CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  first_name VARCHAR(60) NOT NULL, last_name VARCHAR(60) NOT NULL,
  email VARCHAR(120) NOT NULL UNIQUE, username VARCHAR(60) NOT NULL UNIQUE, phone VARCHAR(30),
  street VARCHAR(120), postal_code VARCHAR(12), city VARCHAR(60), country VARCHAR(40) NOT NULL,
  birth_date DATE, role VARCHAR(20) NOT NULL, team_id INTEGER REFERENCES teams,
  manager_id INTEGER REFERENCES users, last_ip VARCHAR(45), bio TEXT, created_at TIMESTAMP NOT NULL
);
CREATE TABLE characters (id VARCHAR(64) PRIMARY KEY, name VARCHAR(60) NOT NULL,
  status VARCHAR(20) NOT NULL);
CREATE TABLE assignments (
  id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users,
  character_id VARCHAR(64) NOT NULL REFERENCES characters, emotion VARCHAR(20) NOT NULL,
  status VARCHAR(20) NOT NULL, note TEXT, due_on DATE, created_at TIMESTAMP NOT NULL
);
CREATE INDEX assignments_user ON assignments (user_id);
CREATE TABLE comments (id INTEGER PRIMARY KEY,
  assignment_id INTEGER NOT NULL REFERENCES assignments,
  author_id INTEGER NOT NULL REFERENCES users, body TEXT NOT NULL, created_at TIMESTAMP NOT NULL);
CREATE TABLE subscriptions (email VARCHAR(120) PRIMARY KEY, since DATE NOT NULL);
"""
NOTES = (
    "{first} wants the {emotion} take again by Friday.", "Ask {first} {last} about the pacing.",
    "Sent to {email} for a look.", "Call {phone} if the render fails.", "Second pass; fewer words.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Size:
    users: int
    assignments: int
    teams: int


def create(url: str, users: int = USERS, assignments: int = ASSIGNMENTS, seed: int = 1) -> None:
    """Fills the empty database at an address. Raises UnusableDatabase where it isn't empty."""
    database = open_target(url)
    try:
        if database.schema().tables:
            raise UnusableDatabase("the demo needs an empty database, and this one has tables")
        for statement in TABLES.split(";"):
            if statement.strip():
                database.run(statement)
        size = _Size(users, assignments, max(1, users // 400))
        for table, rows in _rows(size, random.Random(seed)):  # noqa: S311
            _insert(database, table, rows, dialect_of(url))
        database.commit()
    finally:
        database.close()


def _insert(database: object, table: str, rows: list[Row], dialect: str) -> None:
    """Rows by the hundred in one statement."""
    for begin in range(0, len(rows), 100):
        some = rows[begin : begin + 100]
        marks = ", ".join(f"({', '.join('?' for _ in row)})" for row in some)
        values = [cell for row in some for cell in row]
        database.run(f"INSERT INTO {table} VALUES {marks}", values)  # type: ignore[attr-defined] # noqa: S608


def _rows(size: _Size, chosen: random.Random) -> Iterator[tuple[str, list[Row]]]:
    teams: list[Row] = [
        (number, f"Team {number}", 1 + (number * 37) % size.users)
        for number in range(1, size.teams + 1)
    ]
    yield "teams", teams
    people = [_person(number, size, chosen) for number in range(1, size.users + 1)]
    yield "users", people
    names = ("aria", "bolt", "cleo", "dune", "echo", "fern", "gale", "hana")
    yield "characters", [(name, name.title(), "active") for name in names]
    yield (
        "assignments",
        [_assignment(number, people, names, chosen) for number in range(1, size.assignments + 1)],
    )
    yield (
        "comments",
        [_comment(number, size, people, chosen) for number in range(1, size.users // 2)],
    )
    yield (
        "subscriptions",
        [
            (str(person[3]).upper() if number % 9 == 0 else person[3], _day(chosen))
            for number, person in enumerate(people)
            if number % 3 == 0
        ],
    )


def _person(number: int, size: _Size, chosen: random.Random) -> Row:
    country = chosen.choice(list(COUNTRIES))
    pool = pools.load().locales[COUNTRIES[country]]
    first, last = chosen.choice(pool.first), chosen.choice(pool.last)
    email = f"{ascii_word(first)}.{ascii_word(last)}{number}@mail{number % 7}.test"
    phone = f"+{CODES[country]} {chosen.randint(200, 799)} {chosen.randint(1000000, 9999999)}"
    pattern = chosen.choice(pool.postcodes)
    code = "".join({"#": str(chosen.randint(1, 9)), "A": "K"}.get(each, each) for each in pattern)
    born = f"{chosen.randint(1950, 2005)}-{chosen.randint(1, 12):02d}-{chosen.randint(1, 28):02d}"
    street = f"{chosen.choice(pool.streets)} {chosen.randint(1, 180)}"
    ip = f"203.{chosen.randint(1, 200)}.{chosen.randint(0, 255)}.{chosen.randint(1, 254)}"
    return (
        number, first, last, email, f"{ascii_word(first)}{number}", phone, street, code,
        chosen.choice(pool.cities), country, born, "admin" if number % 500 == 1 else "artist",
        1 + number % size.teams, None if number < 20 else 1 + number % 19, ip,
        f"{first} {last} joined in {chosen.randint(2015, 2025)}." if number % 4 == 0 else None,
        _time(chosen),
    )  # fmt: skip


def _assignment(
    number: int, people: list[Row], names: tuple[str, ...], chosen: random.Random
) -> Row:
    person = chosen.choice(people)
    emotion = chosen.choice(EMOTIONS)
    note: Cell = None
    if number % 3 == 0:
        note = chosen.choice(NOTES).format(
            first=person[1], last=person[2], email=person[3], phone=person[5], emotion=emotion
        )
    state = chosen.choice(("open", "in_progress", "done"))
    return (
        number,
        person[0],
        chosen.choice(names),
        emotion,
        state,
        note,
        _day(chosen),
        _time(chosen),
    )


def _comment(number: int, size: _Size, people: list[Row], chosen: random.Random) -> Row:
    author = chosen.choice(people)
    body = f"Looks right to me. {author[1]!s}"
    return (number, chosen.randint(1, size.assignments), author[0], body, _time(chosen))


def _day(chosen: random.Random) -> str:
    return f"2026-{chosen.randint(1, 12):02d}-{chosen.randint(1, 28):02d}"


def _time(chosen: random.Random) -> str:
    clock = f"{chosen.randint(0, 23):02d}:{chosen.randint(0, 59):02d}:{chosen.randint(0, 59):02d}"
    return f"{_day(chosen)} {clock}"
