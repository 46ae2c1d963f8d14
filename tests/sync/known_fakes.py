"""Fakes as they are known to be: of every kind, and of rows whose columns go together.

`python -m tests.sync.known_fakes` notes those of an algorithm, or of pools, that are new.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from sync import pools
from sync.anonymise import ALGORITHM, Fakes
from sync.keyed import Key
from sync.kinds import KINDS
from sync.rules import Rule
from tests import servers
from tests.sync.databases import KEY, ask, carry_out, checksum, sync
from tests.sync.every_type import ROWS, RULES, SCHEMA

FILE = Path(__file__).parent / "known_fakes.json"
ORIGINALS = (
    "Ada Lovelace", "Dr. Jürgen Müller", "Наталья Иванова", "田中 花子", "ada.lovelace@Royal.test ",
    "+44 20 7946 0001", "(202) 555-8731", "10 Downing Street, London\nSW1A 2AA", "192.168.3.4",
    "2001:67c::1", "https://ada.test/home?x=1", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "1815-12-10", "2026-03-01 10:20:30", "Germany", "GB82 WEST 1234 5698 7654 32", "0012", "",
    "Ada met Charles in London, and wrote to ada@royal.test about it.",
)  # fmt: skip
PEOPLE = """
CREATE TABLE people (id INTEGER PRIMARY KEY, first TEXT, last TEXT, name TEXT, email TEXT UNIQUE,
  phone TEXT UNIQUE, street TEXT, city TEXT, state TEXT, postcode TEXT, country TEXT, address TEXT,
  born TEXT, hired TEXT, note TEXT, about TEXT);
INSERT INTO people VALUES
  (1, 'Ada', 'Lovelace', 'Ada Lovelace', 'ada@royal.test', '+44 20 7946 0001', '12 St James Square',
   'London', 'England', 'SW1Y 4JH', 'United Kingdom', '12 St James Square' || char(10) || 'London',
   '1815-12-10', '1833-06-05', 'Ada Lovelace has +44 20 7946 0001, or ada@royal.test.',
   '{"nick": "Ada", "mails": ["ada@royal.test"], "age": 36}'),
  (2, 'Jürgen', 'Müller', 'Jürgen Müller', 'j.mueller@bahn.test', '030 1234567', 'Hauptstraße 5',
   'Berlin', 'Berlin', '10115', 'Germany', NULL, '1970-01-01', '2000-02-29', 'Müller rief an.',
   '{"nick": null, "rest": [1, "zwei"]}'),
  (3, 'Наталья', 'Иванова', 'Наталья Иванова', 'natalia@x.test', NULL, NULL, 'Москва', NULL,
   NULL, 'Russia', NULL, NULL, NULL, '', NULL),
  (4, '花子', '田中', '田中 花子', 'hanako@x.test', '03-1234-5678', NULL, '東京', NULL, '100-0001',
   'Japan', NULL, '1999-12-31', '2020-04-01', NULL, '[]');
"""
IN_UTC = """
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET TimeZone = %L', current_database(), 'UTC');
END $$
"""
PEOPLE_RULES = """
version: 1
tables:
  people:
    columns:
      id: keep
      first: first_name
      last: last_name
      name: full_name
      email: email
      phone: {phone: {distinct: true}}
      street: street
      city: city
      state: state
      postcode: postcode
      country: country
      address: address
      born: {date_shift: {days: 90, by: id}}
      hired: {date_shift: {days: 90, by: id}}
      note: scrub
      about: {json: {"$.nick": first_name, "$.mails[*]": email, "$.age": keep}}
"""


def made_by() -> str:
    """What fakes are known under."""
    return f"algorithm {ALGORITHM}, pools {pools.load().digest}"


def known() -> dict[str, Any]:
    """The fakes that were noted, by what made them."""
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


def made(folder: Path, postgres: servers.Postgres) -> dict[str, Any]:
    """The same of this code: of single values, of people in SQLite, of every type in PostgreSQL."""
    fakes = Fakes(Key(KEY), pools.load(), "en_US")
    rules = [Rule(name) for name in KINDS if name not in ("null", "constant", "json")]
    rules += [Rule("phone", {"distinct": True}), Rule("date_shift", {"days": 3})]
    singly = {
        str(rule): [fakes.simple(rule)(text) for text in ORIGINALS if _fits(rule, text)]
        for rule in rules
    }
    people = [f"sqlite:///{folder / name}" for name in ("production", "staging")]
    carry_out(people[0], PEOPLE)
    sync(*people, PEOPLE_RULES)
    every = postgres.create(), postgres.create()
    carry_out(every[0], SCHEMA, ROWS)
    sync(*every, RULES)
    carry_out(every[1], IN_UTC)
    found = {
        "single values": singly,
        "people": ask(people[1], "SELECT * FROM people ORDER BY id"),
        "every type": checksum(every[1]),
    }
    return dict(json.loads(json.dumps(found)))


def _fits(rule: Rule, text: str) -> bool:
    """Whether a kind takes a text; some take values of their own form alone."""
    form = {"ip": ("192.", "2001"), "uuid": ("a0ee",), "date_shift": ("1815", "2026")}
    return text.startswith(form.get(rule.kind, ("",)))


def main() -> None:
    """Notes the fakes of what made them, once for all."""
    with tempfile.TemporaryDirectory() as folder, servers.postgres() as postgres:
        found = made(Path(folder), postgres)
    noted = known() if FILE.exists() else {}
    if noted.setdefault(made_by(), found) != found:
        raise SystemExit(f"{made_by()}: other fakes are known; raise sync.anonymise.ALGORITHM")
    FILE.write_text(json.dumps(noted, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
