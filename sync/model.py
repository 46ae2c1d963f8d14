"""What a sync speaks of: columns, tables and rows as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | int | float | bytes | None
"""A value as its database writes it: PostgreSQL's text, or SQLite's own storage classes."""
Row = tuple[Cell, ...]
Key = tuple[str | int | float | bytes, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its declared type, and the shape rules look at.

    The shape is one of text, integer, decimal, date, timestamp, time, uuid, json, inet, boolean,
    enum, bytes, other; `array` says that it holds many of them. `length` is how many characters
    fit, None where any number does.
    """

    name: str
    type: str
    shape: str
    nullable: bool = True
    length: int | None = None
    array: bool = False
    generated: bool = False
    identity: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns of a table that name a row of another one, or of itself."""

    name: str
    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns that are unique together; `expression` where they are more than bare columns."""

    name: str
    columns: tuple[str, ...]
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the sync sees it: named as in the rules, with generated columns left out."""

    name: str
    schema: str
    bare: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    uniques: tuple[Unique, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    triggers: tuple[str, ...] = ()
    rows: int = 0
    bytes: int = 0
    generated: tuple[str, ...] = ()
    partitioned: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that are copied."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """A column by its name; raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def positions(self, names: Sequence[str]) -> tuple[int, ...]:
        """Where columns stand in a row."""
        order = {name: place for place, name in enumerate(self.names)}
        return tuple(order[name] for name in names)


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a database by name; `left_out` names what is no table, and why."""

    tables: dict[str, Table] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
