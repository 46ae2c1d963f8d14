"""What tells one PostgreSQL database from all others, whatever address or role leads to it.

A server says when it began, to the microsecond and to every role: connections to one server that
are open at the same time never differ in that. But a standby is another server with the same rows,
so beside it stands the number of the cluster, which a standby shares with its primary.

So does a staging that was made as a physical copy and went ways of its own since. It is told from
its original by a mark in its catalogue, which the original has not got: one database can't both
have it and not have it. Only a standby's catalogue may be late, so it counts as both.
"""

from typing import Any

import psycopg
from psycopg import errors

MARK = "prompt_repo.environment=staging"
"""How `ALTER DATABASE … SET prompt_repo.environment = 'staging'` stands in the catalogue."""
CLUSTER = (
    "SAVEPOINT s; SELECT system_identifier::text, pg_is_in_recovery(), EXISTS ("
    "SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase "
    f"WHERE d.datname = current_database() AND s.setrole = 0 AND '{MARK}' = ANY (s.setconfig)) "
    "FROM pg_control_system()"
)
"""One statement, for a pool may send the next one to another server."""
SERVER = (
    "SELECT oid::text, pg_postmaster_start_time()::text, current_setting('port') "
    "FROM pg_database WHERE datname = current_database()"
)


def identity_of(connection: psycopg.Connection[tuple[Any, ...]]) -> frozenset[str]:
    """Two of the same database have one of these in common.

    Beside the cluster there is when its server began, for roles may see the one and not the other.
    """
    with connection.cursor() as cursor:
        try:
            cursor.execute(CLUSTER)
            found = cursor.nextset() and cursor.fetchone()
        except errors.InsufficientPrivilege:
            cursor.execute("ROLLBACK TO s")
            found = None
        cursor.execute("RELEASE s")
        cursor.execute(SERVER)
        own, *began = cursor.fetchone() or ("", "")
    told = [" ".join(began), *(_clusters(*found) if found else ())]
    return frozenset(f"postgresql {each} {own}" for each in told)


def _clusters(number: str, recovers: bool, marked: bool) -> list[str]:
    """Who a database is, as original, as copy, or as either."""
    original, copied = number, f"{number} copied"
    if recovers:
        return [original, copied]
    return [copied if marked else original]
