"""Who may write to a PostgreSQL staging now: one run, and who fills parts for it.

All locks go with the connection: of a process that was killed none is left.
"""

import time
from typing import Any

import psycopg

LOCK, PARTS = 7_211_046_530, 7_211_046_531
PATIENCE, PAUSE = 5.0, 0.1
"""Seconds for those who still fill parts of a run that ended to find that out."""
HELD = (
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND classid = %s AND objid = %s AND mode = 'ExclusiveLock' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Locks:
    """The locks of one connection; each is taken in a transaction that is over at once."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def run(self) -> bool:
        """Takes staging for one run; False where another has it, or somebody fills parts."""
        if not self._try("pg_try_advisory_lock", LOCK):
            return False
        until = time.monotonic() + PATIENCE
        while not (free := self._try("pg_try_advisory_lock", PARTS)):
            if time.monotonic() > until:
                break
            time.sleep(PAUSE)
        self._try("pg_advisory_unlock", PARTS if free else LOCK)
        return free

    def is_run(self) -> bool:
        """Whether a run has staging now; takes no lock to find out."""
        found = self._connection.execute(HELD, [LOCK >> 32, LOCK % 2**32]).fetchone()
        self._connection.commit()
        return found is not None

    def part(self) -> bool:
        """Says that parts are being filled; False where a run begins."""
        return self._try("pg_try_advisory_lock_shared", PARTS)

    def claim(self, attempt: int, number: int) -> bool:
        """Takes one part; False where another has it."""
        return self._try("pg_try_advisory_lock", _part(attempt, number))

    def let_go(self, attempt: int, number: int) -> None:
        """Gives a part free that was claimed."""
        self._try("pg_advisory_unlock", _part(attempt, number))

    def _try(self, function: str, lock: int) -> bool:
        row = self._connection.execute(f"SELECT {function}(%s)".encode(), [lock]).fetchone()
        self._connection.commit()
        return row == (True,)


def _part(attempt: int, number: int) -> int:
    return (LOCK << 28) + (attempt % 2**14 << 14) + number % 2**14
