"""Whether two environments really are two."""

from sync.errors import NotIsolated
from sync.tables import Source, Target, dialect_of

COPIES = (
    ". A physical copy of production's server counts as the same until it is marked as staging: "
    "docs/anonymisation.md says how"
)


def check_urls(production: str, staging: str) -> None:
    """Refuses two addresses that are one, or of two kinds of database."""
    if dialect_of(production) != dialect_of(staging):
        raise NotIsolated(
            f"production is {dialect_of(production)} and staging is {dialect_of(staging)}; a sync "
            "copies between databases of one kind"
        )
    if production.strip() == staging.strip():
        raise NotIsolated("production and staging have the same address; staging needs its own")


def check_databases(source: Source, target: Target) -> None:
    """Refuses one database that has two addresses, by what it says of itself."""
    if source.identity() & target.identity():
        hint = COPIES if source.dialect == "postgresql" else ""
        raise NotIsolated(
            "production's and staging's addresses lead to the same database; staging needs its own"
            + hint
        )
