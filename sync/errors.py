"""What can go wrong in a sync.

* SyncError
  - InvalidRules       the file of rules can't be used (carries each problem with line and column)
  - Uncovered          columns no rule covers (carries a suggestion for each)
  - UnusableKey        the key is missing or too short
  - UnusableDatabase   an address can't be opened, or is of no kind we can copy
  - DatabaseFailed     a database refused something in mid-run (carries what it said)
  - NotIsolated        both environments are the same database, or share what they may not
  - SchemasDiffer      staging lacks what production has (carries each difference)
  - Unsupported        a table can't be copied as it is (carries which and why)
  - AnotherRun         an unfinished run was made by other rules, key or pools
  - RunInProgress      somebody else's run holds staging
  - Unfit              columns can't be copied as Arrow has them (never leaves the sync)
  - StagingMoved       rows of staging changed while a batch was being written
  - UnknownConflict    a decision names no open conflict, or decides too little of one
  - Leaked             originals were found in staging (carries where)
  - Cancelled          the run was asked to stop
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file of rules, and where it stands; lines and columns count from 1."""

    message: str
    line: int | None = None
    column: int | None = None
    path: str = "rules"

    def __str__(self) -> str:
        """`path:line:column: message`, as compilers write it."""
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A column no rule covers, the rule it might get, and why."""

    table: str
    column: str
    type: str
    rule: str
    why: str

    def __str__(self) -> str:
        """`table.column (type): rule, because why`."""
        return f"{self.table}.{self.column} ({self.type}): {self.rule}, because {self.why}"


@dataclass(frozen=True, slots=True)
class Leak:
    """An original that was found in staging; the original itself is not carried along."""

    table: str
    column: str
    key: str
    found_of: str

    def __str__(self) -> str:
        """Where it was found, and of which column of production it is."""
        return f"{self.table}.{self.column} at {self.key} holds an original of {self.found_of}"


class SyncError(Exception):
    """Anything the sync refuses, with a sentence a person can act on."""


class InvalidRules(SyncError):
    """The file of rules can't be used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Uncovered(SyncError):
    """Columns that no rule covers; nothing was read."""

    def __init__(self, suggestions: Sequence[Suggestion]) -> None:
        self.suggestions = tuple(suggestions)
        lines = "\n".join(f"  {each}" for each in self.suggestions)
        super().__init__(
            f"no rule covers {_count(len(self.suggestions), 'column')}, and nothing was copied; "
            f"suggested:\n{lines}"
        )


class UnusableKey(SyncError):
    """The key is missing or too short."""


class UnusableDatabase(SyncError):
    """An address can't be opened, or is of no kind we can copy."""


class DatabaseFailed(SyncError):
    """A database refused something in mid-run; what was committed stays."""

    def __init__(self, said: str) -> None:
        super().__init__(
            f"the database refused: {said}; what was finished stays, run again to go on"
        )


class NotIsolated(SyncError):
    """Both environments are the same database, or share what they may not."""


class SchemasDiffer(SyncError):
    """Staging lacks what production has, or has it in another form; nothing was copied."""

    def __init__(self, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        lines = "\n".join(f"  {each}" for each in self.differences)
        super().__init__(f"staging's tables are not production's, nothing was copied:\n{lines}")


class Unsupported(SyncError):
    """Tables that can't be copied as they are."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))


class AnotherRun(SyncError):
    """An unfinished run was made by other rules, another key or other pools."""


class RunInProgress(SyncError):
    """Another run holds staging at this moment."""


class StagingMoved(SyncError):
    """Rows of staging changed while a batch was being written; the batch is to be made again."""


class Unfit(SyncError):
    """Columns that can't be copied as Arrow has them; as text they can."""


class UnknownConflict(SyncError):
    """A decision names no open conflict, or decides too little of one."""


class Leaked(SyncError):
    """Originals were found in staging after a run."""

    def __init__(self, leaks: Sequence[Leak]) -> None:
        self.leaks = tuple(leaks)
        shown = "\n".join(f"  {leak}" for leak in self.leaks[:20])
        super().__init__(
            f"{_count(len(self.leaks), 'original')} of production found in staging; the run did "
            f"not succeed:\n{shown}"
        )


class Cancelled(SyncError):
    """The run was asked to stop; what it had finished stays, and it can be resumed."""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
