"""What database drivers raise, and what it means in a sentence."""

import adbc_driver_manager.dbapi as adbc
import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

FAILURES = (psycopg.Error, SQLAlchemyError, adbc.Error)


def told(error: BaseException) -> str:
    """What the database said, in one line, without the statement and its values."""
    why = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(why, psycopg.Error) and why.diag.message_primary:
        place = ".".join(part for part in (why.diag.table_name, why.diag.column_name) if part)
        rule = f" ({why.diag.constraint_name})" if why.diag.constraint_name else ""
        return f"{place + ': ' if place else ''}{why.diag.message_primary}{rule}"
    return str(why).strip().split("\n")[0]
