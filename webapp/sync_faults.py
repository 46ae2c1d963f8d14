"""Faults of the program in a sync, told without their words: these may quote an original."""

import traceback
from pathlib import Path

DEPTH = 8


class SyncFault(Exception):
    """Of what type a fault was, and where in the program; what a job leaves in Redis."""


def fault(error: BaseException) -> SyncFault:
    """An error as logs and queues may have it, to be raised `from None`."""
    places = traceback.extract_tb(error.__traceback__)[-DEPTH:]
    where = ", ".join(f"{Path(each.filename).name}:{each.lineno}" for each in places)
    return SyncFault(f"{type(error).__name__} in {where}")
