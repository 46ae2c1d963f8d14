"""What database drivers raise, and what it means in a sentence."""

import re
from collections.abc import Callable

import adbc_driver_manager.dbapi as adbc
import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

FAILURES = (psycopg.Error, SQLAlchemyError, adbc.Error)
VALUE = re.compile(r"""(?<=").*(?=")|(?<=with text ').*(?=')""", re.DOTALL)
"""What a database could not make sense of, as it quotes it: a cell of production's, perhaps."""
DATA = "22"
"""The class of SQLSTATE in which names are not what is quoted."""


def told(error: BaseException) -> str:
    """What the database said, in one line, without the statement and its values.

    It goes into staging, records and logs, so no cell that it quotes stays.
    """
    why = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(why, psycopg.Error) and why.diag.message_primary:
        said, state = why.diag.message_primary, why.diag.sqlstate or ""
        place = ".".join(part for part in (why.diag.table_name, why.diag.column_name) if part)
        rule = f" ({why.diag.constraint_name})" if why.diag.constraint_name else ""
        said = _without_values(said) if state.startswith(DATA) else said
        return f"{place + ': ' if place else ''}{said}{rule}"
    state = getattr(why, "sqlstate", None) or DATA  # what tells no state may be about a value
    about_data = not isinstance(why, psycopg.OperationalError) and str(state).startswith(DATA)
    said = _without_values(str(why)) if about_data else str(why)
    said = said.strip().split("\n")[0]
    return said.partition("ERROR:")[2].strip() or said  # of what a driver puts before it


def _without_values(said: str) -> str:
    return VALUE.sub("…", said)


def refusal(ask: Callable[[str], object], query: str) -> str:
    """What a database says against a query; empty where it takes it."""
    try:
        ask(query)
    except FAILURES as error:
        return told(error)
    return ""
