"""Statements that nearly every request makes: compiled once, then sent by the driver itself.

To look up who is logged in takes SQLite 5 µs, and SQLAlchemy, which finds the compiled query in its
cache, keeps the transaction and makes rows of what comes, another 70; in the midst of a request,
where all of that has left the processor's cache, 300. What it knows of types is used here all the
same, and errors are its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Float, Insert, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.types import TypeEngine

Shape = TypeVar("Shape")
Processor = Callable[[Any], Any]


class Driver:
    """A connection, used without what stands between it and SQLAlchemy."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self._connection, self.dialect = connection, dialect
        self._wrong: Any = dialect.dbapi and dialect.dbapi.Error

    @property
    def is_sqlite(self) -> bool:
        return self.dialect.name == "sqlite"

    def do(self, sql: str, told: Any = ()) -> list[tuple[Any, ...]]:
        """Sends a statement as it is; gives what it answers."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql, told)
            return cursor.fetchall() if cursor.description else []
        except self._wrong as error:
            raise DBAPIError(sql, None, error) from error
        except (TypeError, ValueError) as error:  # a value that it can't write
            raise StatementError(str(error), sql, None, error) from error
        finally:
            cursor.close()

    def commit(self) -> None:
        """Ends the transaction that was begun."""
        try:
            self._connection.commit()
        except self._wrong as error:
            raise DBAPIError("commit", None, error) from error

    def close(self) -> None:
        """Gives the connection up; what was not committed is rolled back."""
        self._connection.close()


class Question(Generic[Shape]):
    """A query of columns, and what is made of each row's values."""

    def __init__(self, query: Select[*tuple[Any, ...]], shape: Callable[..., Shape]) -> None:
        self._query, self._shape = query, shape
        self._forms: dict[str, _Form] = {}

    def answers(self, driver: Driver, told: Mapping[str, object]) -> list[Shape]:
        """What the query finds, `told` what it asks about."""
        form = _form(self._forms, driver.dialect, self._query)
        return [self._shape(*form.read(row)) for row in driver.do(form.sql, form.values(told))]


class Addition:
    """A row that is added to a table, with a value for each of its columns."""

    def __init__(self, into: Insert, columns: tuple[str, ...]) -> None:
        self._into, self._columns = into.inline(), columns
        self._forms: dict[str, _Form] = {}

    def add(self, driver: Driver, row: Mapping[str, object]) -> None:
        """Adds one."""
        form = self._form(driver)
        driver.do(form.sql, form.values(row))

    def prepare(self, driver: Driver) -> None:
        """Compiles the statement, that a process started from this one needn't."""
        self._form(driver)

    def _form(self, driver: Driver) -> "_Form":
        return _form(self._forms, driver.dialect, self._into, column_keys=self._columns)


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement as one kind of database takes it."""

    sql: str
    order: Callable[[Mapping[str, Any]], Sequence[Any]] | None
    """Puts its parameters into their order; None where the driver takes them by name."""
    usual: Mapping[str, Any]
    """The values of parameters that nobody has to tell."""
    into: tuple[tuple[str, Processor], ...]
    out_of: tuple[Processor | None, ...]

    def values(self, told: Mapping[str, object]) -> Any:
        """The parameters as the driver takes them."""
        values = {**self.usual, **told}
        try:
            for name, made in self.into:
                values[name] = made(values[name])
        except (TypeError, ValueError) as error:
            raise StatementError(str(error), self.sql, None, error) from error
        return values if self.order is None else self.order(values)

    def read(self, row: tuple[Any, ...]) -> Iterator[Any]:
        """A row's values in the types that SQLAlchemy would give."""
        pairs = zip(self.out_of, row, strict=True)
        return (made(value) if made else value for made, value in pairs)


def _form(
    known: dict[str, _Form],
    dialect: Dialect,
    statement: Select[*tuple[Any, ...]] | Insert,
    **how: Any,
) -> _Form:
    form = known.get(dialect.name)
    if form is None:
        form = known[dialect.name] = _compiled(statement, dialect, how)
    return form


def _compiled(
    statement: Select[*tuple[Any, ...]] | Insert, dialect: Dialect, how: Mapping[str, Any]
) -> _Form:
    compiled: Any = statement.compile(dialect=dialect, **how)
    asked = {name: None for name, bind in compiled.binds.items() if bind.required}
    made = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect)
        for name, bind in compiled.binds.items()
    }
    columns = statement.selected_columns if isinstance(statement, Select) else ()
    return _Form(
        sql=str(compiled),
        order=_in_order(compiled.positiontup) if compiled.positional else None,
        usual=compiled.construct_params(asked),
        into=tuple((name, processor) for name, processor in made.items() if processor),
        out_of=tuple(_out_of(each.type, dialect) for each in columns),
    )


def _in_order(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


def _out_of(kind: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What a value becomes on its way out; floats come as they are from every driver."""
    if isinstance(kind, Float):
        return None
    return kind.dialect_impl(dialect).result_processor(dialect, None)
