"""A table's rows made into fakes, column by column, by its rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sync.arrays import each_element
from sync.contacts import Contacts
from sync.documents import Documents
from sync.keyed import Key
from sync.model import Cell, Column, Row, Table
from sync.names import Names
from sync.people import Beside
from sync.places import Places
from sync.pools import Pools, locale_of_country
from sync.rules import Rule, Rules
from sync.scrubbing import Scrubber
from sync.values import NUMBER, Values, of_number

Columns = Sequence[Sequence[Cell]]
Maker = Callable[[Sequence[Cell], Columns], Sequence[Cell]]
Fake = Callable[[str], str]
MOST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
"""The largest numbers of PostgreSQL's types."""
ENDLESS = (float("inf"), -float("inf"))


ALGORITHM = 1
"""Which way of making fakes this is. To be raised by hand with every change by which an original
gets another fake under the same key, rules and pools: such a run is another run, and says so.
"""


class Fakes:
    """Every kind of fake of one installation: one key, one set of pools.

    What needs the key waits for it once it is wanted: its slow hash is made beside other things.
    """

    def __init__(self, key: Key, pools: Pools, locale: str) -> None:
        self.key, self.pools, self.locale = key, pools, locale
        self._names: dict[str | None, Names] = {}

    @property
    def made_by(self) -> str:
        """What stays the same for as long as one key and one set of rules give the same fakes."""
        return f"{ALGORITHM} {self.pools.digest}"

    @cached_property
    def contacts(self) -> Contacts:
        """Fakes of what reaches people."""
        return Contacts(self.key, self.pools)

    @cached_property
    def values(self) -> Values:
        """Fakes of single values."""
        return Values(self.key, self.pools)

    def names(self, locale: str | None = None) -> Names:
        """Fakes of names; of one locale where it is told."""
        if locale not in self._names:
            self._names[locale] = Names(self.key, self.pools, locale)
        return self._names[locale]

    def places(self, locale: str | None = None) -> Places:
        """Fakes of places; those of a country that is told come from there."""
        return Places(self.key, self.pools, locale or self.locale)

    def simple(self, rule: Rule, length: int | None = None) -> Fake:
        """The fake of a kind that looks at nothing but the value."""
        return self._makers(rule, length)[rule.kind]

    def _makers(self, rule: Rule, length: int | None) -> dict[str, Fake]:
        locale = rule.options.get("locale")
        names, places = self.names(locale), self.places(locale)
        contacts, values = self.contacts, self.values
        days = rule.options.get("days", 365)
        return {
            "keep": lambda text: text,
            "full_name": names.full, "first_name": names.first, "last_name": names.last,
            "company": names.company, "username": names.username,
            "email": lambda text: contacts.email(text, length=length),
            "phone": contacts.distinct_phone if rule.options.get("distinct") else contacts.phone,
            "ip": contacts.ip, "url": contacts.url, "uuid": contacts.uuid,
            "street": places.street, "city": places.city, "state": places.state,
            "postcode": places.postcode, "country": places.country, "address": places.address,
            "digits": values.digits, "text": values.text, "scrub": values.text,
            "hash": lambda text: values.hash(text, length),
            "date_shift": lambda text: values.date(text, days),
        }  # fmt: skip


Beheld = tuple[tuple[int, int, int], ...]
"""Where names stand beside an email: places of (first, last, full), to be looked at in turn."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one column's fakes are made; `alone` where nothing but the cell itself decides."""

    place: int
    make: Maker
    rule: Rule
    length: int | None
    alone: bool
    names: Beheld = ()


@dataclass(frozen=True, slots=True)
class Anonymiser:
    """What makes a table's rows into fakes; `extras` columns are read beside and left away."""

    table: Table
    ways: tuple[Way, ...]

    def __call__(self, rows: Sequence[Row]) -> list[Row]:
        """The fakes of some rows, in the same order."""
        width = len(self.table.columns)
        if not (self.ways and rows):
            return [row[:width] for row in rows] if rows and len(rows[0]) > width else list(rows)
        columns: list[Sequence[Cell]] = list(zip(*rows, strict=True))
        made = columns[:width]
        for way in self.ways:
            made[way.place] = way.make(columns[way.place], columns)
        return list(zip(*made, strict=True))


def compiled(
    table: Table,
    rules: Rules,
    fakes: Fakes,
    around: Beside,
    lengths: dict[str, int | None],
    constants: dict[str, Cell],
) -> Anonymiser:
    """The anonymiser of a table. `lengths` is how much fits each column and those joined to it."""
    mine = rules.tables[table.name].columns
    ways = []
    for place, column in enumerate(table.columns):
        rule = mine[column.name]
        if rule.kind != "keep":
            sizing = column, lengths.get(column.name, column.length)
            maker = _maker(table, rule, sizing, fakes, around, constants)
            names = around.names.get(column.name, ()) if rule.kind == "email" else ()
            ways.append(Way(place, maker, rule, sizing[1], _alone(table, rule, column), names))
    return Anonymiser(table, tuple(ways))


def _alone(table: Table, rule: Rule, column: Column) -> bool:
    """Whether a column's fakes depend on nothing but its own cells."""
    if rule.kind in ("null", "constant", "json") or column.shape == "json":
        return True
    if rule.kind == "scrub" or "by" in rule.options:
        return False
    if rule.kind in ("street", "city", "state"):
        return column.array or _country_column(table, column) is None
    return rule.kind != "email" or column.array


def _maker(
    table: Table,
    rule: Rule,
    sizing: tuple[Column, int | None],
    fakes: Fakes,
    around: Beside,
    constants: dict[str, Cell],
) -> Maker:
    column, length = sizing
    if rule.kind == "null":
        return lambda cells, _: [None] * len(cells)
    if rule.kind == "constant":
        value = constants[column.name]
        return lambda cells, _: [value] * len(cells)
    if rule.kind == "json" or column.shape == "json":
        documents = Documents(rule, fakes.simple, canonical=column.type == "jsonb")
        return _each(column, documents.fake, None)
    if rule.kind == "email" and not column.array:
        return _email(column, length, fakes, around.names.get(column.name, ()))
    if rule.kind == "scrub":
        return _scrub(column, length, Scrubber(fakes), around)
    if rule.kind in ("street", "city", "state"):
        return _place(table, column, length, fakes, rule)
    if rule.kind == "date_shift" and "by" in rule.options:
        return _date(table, column, fakes, rule)
    if rule.kind in ("digits", "phone") and column.shape in ("integer", "decimal"):
        return _numbers(column, fakes, rule)
    return _each(column, fakes.simple(rule, length), length)


def _numbers(column: Column, fakes: Fakes, rule: Rule) -> Maker:
    """Fakes that are numbers again, and no larger than what holds them."""
    fake = fakes.simple(rule)

    def at_most(most: int | None) -> Fake:
        if rule.kind == "digits":
            return lambda text: of_number(fake, text, most)
        return lambda text: fakes.contacts.fitting(fake(text), most)

    whole = column.shape == "integer"
    typed = _each(
        column, at_most(MOST.get(column.type.removesuffix("[]")) if whole else None), None
    )
    wide = _each(column, at_most(MOST["bigint"] if whole else None), None)

    def of(cells: Sequence[Cell], columns: Columns) -> Sequence[Cell]:
        texts = all(cell is None or isinstance(cell, str) for cell in cells)
        return (typed if texts else wide)(cells, columns)  # SQLite's own are all of one size

    return of


def _each(column: Column, fake: Fake, length: int | None) -> Maker:
    finish = _finisher(column, length)
    if column.array:
        inner = each_element(lambda text: finish(text, fake(text)))
        return lambda cells, _: [None if cell is None else inner(str(cell)) for cell in cells]

    def of(cells: Sequence[Cell], _: Columns) -> Sequence[Cell]:
        return [
            cell if cell is None or cell == "" else finish(cell, fake(_text(cell)))
            for cell in cells
        ]

    return of


def _text(cell: Cell) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def _finisher(column: Column, length: int | None) -> Callable[[Any, str], Any]:
    """Brings a fake into its column's form: cut to length, padded, or a number again."""
    pad = column.length if column.type.startswith("character(") else None

    def finish(original: Cell, fake: str) -> Cell:
        if isinstance(original, int):
            return int(fake) if fake.lstrip("-").isdigit() else fake
        if isinstance(original, float):
            return float(fake) if NUMBER.fullmatch(fake) or original in ENDLESS else fake
        made = fake if length is None else fake[:length]
        return made if pad is None else made.ljust(pad)

    return finish


def _email(
    column: Column, length: int | None, fakes: Fakes, names: tuple[tuple[int, int, int], ...]
) -> Maker:
    maker, made = fakes.contacts.email, fakes.names()
    finish = _finisher(column, length)

    def name_of(row: int, columns: Columns) -> tuple[str, str]:
        for first, last, full in names:
            parts = [
                str(columns[place][row] or "") if place >= 0 else "" for place in (first, last)
            ]
            if any(parts):
                first_name, last_name = parts
                return (
                    made.first(first_name) if first_name else "",
                    made.last(last_name) if last_name else "",
                )
            whole = str(columns[full][row] or "") if full >= 0 else ""
            if any(ends := made.ends(whole)):
                return ends
        return "", ""

    def of(cells: Sequence[Cell], columns: Columns) -> Sequence[Cell]:
        return [
            cell if cell is None or cell == ""
            else finish(cell, maker(_text(cell), *name_of(row, columns), length))
            for row, cell in enumerate(cells)
        ]  # fmt: skip

    return of


def _scrub(column: Column, length: int | None, scrubber: Scrubber, around: Beside) -> Maker:
    finish = _finisher(column, length)

    def of(cells: Sequence[Cell], columns: Columns) -> Sequence[Cell]:
        made: list[Cell] = []
        for row, cell in enumerate(cells):
            if cell is None or cell == "":
                made.append(cell)
                continue
            known = [
                (str(columns[place][row]), kind)
                for place, kind in around.texts
                if columns[place][row] not in (None, "")
            ]
            made.append(finish(cell, scrubber.scrub(_text(cell), known)))
        return made

    return of


def _place(table: Table, column: Column, length: int | None, fakes: Fakes, rule: Rule) -> Maker:
    """Places of the country that stands beside them, whose column shares their beginning."""
    places = fakes.places(rule.options.get("locale"))
    maker = {"street": places.street, "city": places.city, "state": places.state}[rule.kind]
    finish = _finisher(column, length)
    country = _country_column(table, column)
    if country is None or column.array:
        return _each(column, maker, length)

    def of(cells: Sequence[Cell], columns: Columns) -> Sequence[Cell]:
        beside = columns[country]
        return [
            cell
            if cell is None or cell == ""
            else finish(cell, maker(_text(cell), str(land or "")))
            for cell, land in zip(cells, beside, strict=True)
        ]

    return of


def _country_column(table: Table, column: Column) -> int | None:
    found = [
        (place, each.name.lower())
        for place, each in enumerate(table.columns)
        if "country" in each.name.lower()
    ]
    begin = column.name.lower().split("_")[0]
    same = [place for place, name in found if name.split("_")[0] == begin]
    if same:
        return same[0]
    return found[0][0] if len(found) == 1 else None


def _date(table: Table, column: Column, fakes: Fakes, rule: Rule) -> Maker:
    (by,) = table.positions([rule.options["by"]])
    days = rule.options.get("days", 365)
    dates = fakes.values

    def of(cells: Sequence[Cell], columns: Columns) -> Sequence[Cell]:
        return [
            cell if cell is None or cell == "" else dates.date(_text(cell), days, _text(who))
            for cell, who in zip(cells, columns[by], strict=True)
        ]

    return of


__all__ = ["Anonymiser", "Fakes", "compiled", "locale_of_country"]
