"""What a walk through one table is told, and what comes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync.anonymise import Anonymiser
from sync.comparing import Conflict
from sync.digests import Digest
from sync.model import Row, Table
from sync.progress import Counts
from sync.tables import Selection

Record = Callable[[Table, list[Row], list[Row]], None]
ColumnFakes = Callable[[Sequence[Any]], list[Any]]


@dataclass(frozen=True, slots=True)
class Work:
    """What a walk through one table needs to know."""

    table: Table
    fake: Anonymiser
    selection: Selection
    sorted_anew: bool
    tag: Callable[[Row], bytes] | None = None
    """Tells a row of production's from all others; None where fakes are not remembered."""
    columns: ColumnFakes | None = None
    """Makes whole columns into fakes; None where the databases are none that give columns."""
    hashed: Digest | None = None
    """Makes the hash of a row of production's into what only the key's owner could make."""
    watermark: str = ""
    """A column of production's that moves on whenever its row changes."""
    made: str = ""
    """Tells one key, set of rules and watermark from others."""
    folded: tuple[str, ...] = ()
    """Unique columns of emails, where two spellings of one can't both be."""
    inserts_only: bool = False
    """The first of two walks, where foreign keys lead in a circle: the second does the rest."""
    nulled: tuple[int, ...] = ()
    """Places of foreign keys that may lead to rows not there yet: filled by the second walk."""


@dataclass(slots=True)
class Outcome:
    """What came of a walk: counts, conflicts, a few originals to search for, a few to show."""

    counts: Counts = field(default_factory=Counts)
    same_links: int = 0
    """Rows updated whose foreign keys stayed as they were: they lead where they led."""
    gone: int = 0
    """Rows to be deleted once all tables are filled."""
    blocked: int = 0
    """Rows that wait until others are gone: for another walk."""
    put_off: int = 0
    """Rows put in without some of their links, which the second walk writes."""
    conflicts: list[Conflict] = field(default_factory=list)
    originals: list[Row] = field(default_factory=list)
    shown: list[tuple[Row, Row]] = field(default_factory=list)

    def put_in(self) -> Counts:
        """What the first of two walks adds to the second's counts: links are no change."""
        return Counts(inserted=self.counts.inserted, updated=-self.put_off)
