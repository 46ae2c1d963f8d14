"""What database drivers raise, and what it means in a sentence."""

import re
from collections.abc import Callable

import adbc_driver_manager.dbapi as adbc
import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

FAILURES = (psycopg.Error, SQLAlchemyError, adbc.Error)
QUOTED = re.compile('(?<=").*(?=")', re.DOTALL)
"""What PostgreSQL could not make sense of: a cell of production's, perhaps."""
DATA = "22"
"""The class of SQLSTATE in which it quotes values; elsewhere it quotes names."""
NO_TEXT = re.compile("(?<=with text ').*(?=')", re.DOTALL)
"""The same by Python's driver of SQLite, which quotes names otherwise."""


def told(error: BaseException) -> str:
    """What the database said, in one line, without the statement and its values.

    It goes into staging, records and logs, so no cell that it quotes stays.
    """
    why = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(why, psycopg.Error) and why.diag.message_primary:
        place = ".".join(part for part in (why.diag.table_name, why.diag.column_name) if part)
        rule = f" ({why.diag.constraint_name})" if why.diag.constraint_name else ""
        said = _without_values(why, why.diag.message_primary)
        return f"{place + ': ' if place else ''}{said}{rule}"
    said = _without_values(why, str(why)).strip().split("\n")[0]
    return said.partition("ERROR:")[2].strip() or said  # of what a driver puts before it


def _without_values(error: BaseException, said: str) -> str:
    if isinstance(error, psycopg.OperationalError):  # a connection's: addresses are quoted
        return said
    if isinstance(error, psycopg.Error | adbc.Error):
        about_data = str(error.sqlstate or DATA).startswith(DATA)
        return QUOTED.sub("…", said) if about_data else said
    return NO_TEXT.sub("…", said)


def refusal(ask: Callable[[str], object], query: str) -> str:
    """What a database says against a query; empty where it takes it."""
    try:
        ask(query)
    except FAILURES as error:
        return told(error)
    return ""
