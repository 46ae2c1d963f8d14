"""Rows that went from production, or from what is wanted of it, and came again as they were."""

from pathlib import Path

import pytest

from tests import servers
from tests.sync.databases import ask, carry_out, checksum, draft, sync

TABLES = {
    "numbers": "id integer PRIMARY KEY, state text, email text, moved date",
    "texts": "id text PRIMARY KEY, state text, email text, moved date",
    "in pairs": "id integer, state text, email text, moved date, PRIMARY KEY (id, state)",
    "fake keys": "id integer, state text, email text PRIMARY KEY, moved date",
    "without columns": "id integer PRIMARY KEY, state text, email text, moved date, at point",
}
RULES = """
version: 1
tables:
  people: {columns: {id: keep, state: keep, email: email, moved: keep}}
"""


def _comes_again(source: str, target: str, rules: str) -> None:
    rows = ", ".join(f"({n}, 'S{n % 3}', 'p{n}@navy.test', '2026-01-01')" for n in range(1, 40))
    again = "INSERT INTO people (id, state, email, moved) VALUES "
    carry_out(source, f"{again}{rows}")
    sync(source, target, rules)
    whole = checksum(target)

    carry_out(source, "DELETE FROM people WHERE email = 'p5@navy.test'")
    assert 1 == sync(source, target, rules).total.deleted
    carry_out(source, f"{again} (5, 'S2', 'p5@navy.test', '2026-01-01')")
    back = sync(source, target, rules).total
    assert (1, 0, whole) == (back.inserted, back.kept, checksum(target))
    assert 0 == sync(source, target, rules).total.written

    fewer = rules.replace("people: {", "people: {where: t.state = 'S1', ")
    assert (26, 26, 0) == (
        sync(source, target, fewer).total.deleted,
        sync(source, target, rules).total.inserted,
        sync(source, target, rules).total.written,
    )
    assert whole == checksum(target)


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("watermark", ["", "watermark: moved, "])
def test_what_comes_again_is_put_in_again(
    postgres: servers.Postgres, kind: str, watermark: str
) -> None:
    """It was the sync that took it away, and nobody in staging."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, f"CREATE TABLE people ({TABLES[kind]})")
    rules = RULES.replace("people: {", f"people: {{{watermark}")
    if "point" in TABLES[kind]:
        rules = rules.replace("moved: keep}", "moved: keep, at: keep}")

    _comes_again(source, target, rules)


@pytest.mark.parametrize("kind", ["numbers", "texts", "in pairs", "fake keys"])
def test_what_comes_again_is_put_in_again_in_sqlite(tmp_path: Path, kind: str) -> None:
    """There, too."""
    source = f"sqlite:///{tmp_path}/production.sqlite3"
    carry_out(source, "PRAGMA journal_mode=wal", f"CREATE TABLE people ({TABLES[kind]})")

    _comes_again(source, f"sqlite:///{tmp_path}/staging.sqlite3", RULES)


def test_what_staging_took_away_stays_away(postgres: servers.Postgres) -> None:
    """A row that somebody deleted in staging does not come again for as long as it rests."""
    source, target = postgres.create(), postgres.create()
    carry_out(
        source, "CREATE TABLE people (id integer PRIMARY KEY, email text)",
        "INSERT INTO people SELECT n, n || '@navy.test' FROM generate_series(1, 9) n",
    )  # fmt: skip
    sync(source, target)
    carry_out(target, "DELETE FROM people WHERE id = 4")

    assert [(1, 0), (1, 0)] == [
        (total.kept, total.written) for _ in range(2) for total in [sync(source, target).total]
    ]
    assert "completed" == sync(source, target, draft(source), reset=True).status
    assert [(9,)] == ask(target, "SELECT count(*) FROM people")
