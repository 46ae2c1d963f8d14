"""Whose names, emails and phones a row holds, and where names stand that go with an email."""

import re
from dataclasses import dataclass

from sync.model import ForeignKey, Table
from sync.rules import Rules, TableRules
from sync.tables import Selection

ABOUT = re.compile(
    r"e_?mail|mail|addr(ess)?|first|last|full|given|family|sur|middle|display|user|name|phone|mobile|"
    r"fax|_+|\d+"
)
FAR = 2
"""Over how many foreign keys a text's people are looked for."""


@dataclass(frozen=True, slots=True)
class Person:
    """Where the parts of one person's name stand, by column name."""

    stem: str
    first: str = ""
    last: str = ""
    full: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that are there."""
        return tuple(each for each in (self.first, self.last, self.full) if each)


def _stem(column: str) -> str:
    return ABOUT.sub("", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower())


def people_of(rules: TableRules) -> list[Person]:
    """The people whose names a table's columns hold, one for each beginning they share."""
    found: dict[str, dict[str, str]] = {}
    for column, rule in rules.columns.items():
        part = {"first_name": "first", "last_name": "last", "full_name": "full"}.get(rule.kind)
        if part:
            found.setdefault(_stem(column), {}).setdefault(part, column)
    return [Person(stem, **parts) for stem, parts in found.items()]


def person_of(email: str, people: list[Person]) -> Person | None:
    """The person an email column is of: who shares its beginning, or the only one there is."""
    same = [person for person in people if person.stem == _stem(email)]
    if same:
        return same[0]
    return people[0] if len(people) == 1 else None


def _emails(rules: TableRules) -> list[str]:
    return [column for column, rule in rules.columns.items() if rule.kind == "email"]


@dataclass(frozen=True, slots=True)
class Home:
    """A table where emails stand beside names: whose name an email gets wherever it stands."""

    table: Table
    email: str
    person: Person

    @property
    def unique(self) -> bool:
        """Whether each email stands there once."""
        return any(unique.columns == (self.email,) for unique in self.table.uniques)


def homes_of(tables: dict[str, Table], rules: Rules) -> list[Home]:
    """All of them, those first where emails are unique."""
    found = []
    for name, table in tables.items():
        mine = rules.tables[name]
        for email in _emails(mine):
            person = person_of(email, people_of(mine))
            if person and not table.column(email).array:
                found.append(Home(table, email, person))
    return sorted(found, key=lambda home: not home.unique)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is read beside a table's own columns, and what it is for.

    `names` gives for each email column the places of (first, last, full) to look at, in turn;
    `texts` the places of what a scrubbed text must lose, with the kind of each.
    """

    selection: Selection
    names: dict[str, tuple[tuple[int, int, int], ...]]
    texts: tuple[tuple[int, str], ...]


class _Reading:
    """Gathers joins and their columns; places count on behind the table's own."""

    def __init__(self, table: Table, dialect: str) -> None:
        self.joins: list[str] = []
        self.extras: list[str] = []
        self._own = {name: place for place, name in enumerate(table.names)}
        self._next = len(table.names)
        self._trim = "btrim" if dialect == "postgresql" else "trim"
        self._dialect = dialect

    def own(self, column: str) -> int:
        return self._own[column] if column else -1

    def read(self, alias: str, column: str) -> int:
        if not column:
            return -1
        self.extras.append(f"{alias}.{_q(column)}")
        self._next += 1
        return self._next - 1

    def folded(self, column: str) -> str:
        text = f"{column}::text" if self._dialect == "postgresql" else column
        return f"lower({self._trim}({text}))"

    def join_home(self, home: Home, email: str) -> tuple[int, int, int]:
        alias = f"h{len(self.joins)}"
        columns = ", ".join(_q(column) for column in home.person.columns)
        same = self.folded(_q(home.email))
        source = _full(home.table)
        order = ", ".join(_q(column) for column in home.table.key) or "1"
        first = _q(home.table.key[0]) if home.table.key else "1"
        if self._dialect == "postgresql":
            inner = (
                f"SELECT DISTINCT ON ({same}) {same} AS folded_, {columns} FROM {source} "
                f"ORDER BY {same}, {order}"
            )
        else:
            inner = f"SELECT {same} AS folded_, {columns}, min({first}) FROM {source} GROUP BY 1"
        mine = self.folded(f"t.{_q(email)}")
        self.joins.append(f"LEFT JOIN ({inner}) {alias} ON {alias}.folded_ = {mine}")
        person = home.person
        return (
            self.read(alias, person.first), self.read(alias, person.last),
            self.read(alias, person.full),
        )  # fmt: skip

    def join_parent(self, alias: str, key: ForeignKey, target: Table) -> str:
        name = f"p{len(self.joins)}"
        pairs = zip(key.columns, key.target_columns, strict=True)
        same = " AND ".join(f"{name}.{_q(theirs)} = {alias}.{_q(own)}" for own, theirs in pairs)
        self.joins.append(f"LEFT JOIN {_full(target)} {name} ON {same}")
        return name


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _full(table: Table) -> str:
    return f"{_q(table.schema)}.{_q(table.bare)}"


def beside(
    table: Table, tables: dict[str, Table], rules: Rules, homes: list[Home], dialect: str
) -> Beside:
    """What must be read beside a table's rows."""
    mine = rules.tables[table.name]
    reading = _Reading(table, dialect)
    names = {}
    for email in _emails(mine):
        if not table.column(email).array:
            names[email] = _names_for(email, table, mine, homes, reading)
    texts = []
    if any(rule.kind == "scrub" for rule in mine.columns.values()):
        texts = [
            (reading.own(column), rule.kind)
            for column, rule in mine.columns.items()
            if _tells(rule.kind)
        ]
        texts += _from_parents("t", table, tables, rules, reading, FAR)
    selection = Selection(joins=" ".join(reading.joins), extras=tuple(reading.extras))
    return Beside(selection, names, tuple(texts))


def _names_for(
    email: str, table: Table, mine: TableRules, homes: list[Home], reading: _Reading
) -> tuple[tuple[int, int, int], ...]:
    places = []
    person = person_of(email, people_of(mine))
    for home in homes:
        here = home.table.name == table.name and home.email == email
        if here and home.unique:
            break
        places.append(reading.join_home(home, email))
        if here:
            break
    if person:
        places.append(
            (reading.own(person.first), reading.own(person.last), reading.own(person.full))
        )
    return tuple(places)


def _tells(kind: str) -> bool:
    return kind in ("full_name", "first_name", "last_name", "email", "phone", "username")


def _from_parents(
    alias: str, table: Table, tables: dict[str, Table], rules: Rules, reading: _Reading, far: int
) -> list[tuple[int, str]]:
    found = []
    for key in table.foreign_keys:
        target = tables.get(key.target)
        if target is None or not far:
            continue
        name = reading.join_parent(alias, key, target)
        for column, rule in rules.tables[target.name].columns.items():
            if _tells(rule.kind) and column in target.names:
                found.append((reading.read(name, column), rule.kind))
        found += _from_parents(name, target, tables, rules, reading, far - 1)
    return found
