"""How the latest runs stand, told to people: those that nobody carries out any more as well."""

from sync.model import Row
from sync.options import GIVEN_UP, INTERRUPTED, PAUSED, RUNNING
from sync.state import State
from sync.tables import Target

STATUS, ERROR = 3, 6
HOW_TO_GO_ON = (
    "its process is gone; what it had finished stays, and `sync run` with the same rules and key "
    "goes on from there"
)
INSTEAD = "a later run began in its place"


def latest_runs(target: Target) -> list[Row]:
    """What `State.runs` tells, with what became of a run whose process could not note it.

    A run that was killed stands as running until it is gone on with. It is interrupted if it
    stood so before and after a moment at which nobody held staging.
    """
    state = State(target)
    before = {row[0] for row in state.runs() if row[STATUS] == RUNNING}
    target.rollback()
    held = target.is_locked()
    found = state.runs()
    target.rollback()
    return [
        _told(row, newest=place == 0, gone=not held and row[0] in before)
        for place, row in enumerate(found)
    ]


def _told(row: Row, newest: bool, gone: bool) -> Row:
    if not newest and row[STATUS] in (RUNNING, PAUSED):
        return _with(row, GIVEN_UP, INSTEAD)
    if gone and row[STATUS] == RUNNING:
        return _with(row, INTERRUPTED, HOW_TO_GO_ON)
    return row


def _with(row: Row, status: str, why: str) -> Row:
    told = list(row)
    told[STATUS], told[ERROR] = status, row[ERROR] or why
    return tuple(told)
