"""What runs wrote lies over an attempt's blocks: the latest counts, and it does not pile up."""

import pytest

from sync import arrow_overlaid
from tests import servers
from tests.sync.databases import ask, carry_out, filled, sync

TABLES = """
CREATE TABLE homes (id integer PRIMARY KEY, street text);
CREATE TABLE people (id integer PRIMARY KEY, name text, home integer REFERENCES homes);
"""
ROWS = """
INSERT INTO homes SELECT n, 'Old Street ' || n FROM generate_series(1, 50) n;
INSERT INTO people SELECT n, 'Ada Nr ' || n, n FROM generate_series(1, 50) n;
"""
RULES = """
version: 1
tables:
  homes: {columns: {id: keep, street: keep}}
  people: {columns: {id: keep, name: keep, home: keep}}
"""


@pytest.fixture
def pair(postgres: servers.Postgres) -> tuple[str, str]:
    """Production with some rows, and a staging that has them."""
    return filled(postgres, TABLES, ROWS, RULES)


def test_many_runs_over_the_same_rows_leave_few_pieces(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are packed anew, and the next conflict still tells what was written last."""
    source, target = pair
    monkeypatch.setattr(arrow_overlaid, "FEW", 0)
    carry_out(source, "DELETE FROM people WHERE id = 9")

    pieces = []
    for number in range(8):
        carry_out(source, f"UPDATE people SET name = 'Grace {number}' WHERE id < 9")
        assert 8 == sync(source, target, RULES).tables["people"].updated
        pieces += ask(target, "SELECT count(*) FROM prompt_repo_sync.overlays")

    assert max(pieces) <= (4,)  # what is gone, and three runs
    assert 0 == sync(source, target, RULES).total.written
    assert [] == ask(target, "SELECT 1 FROM people WHERE id = 9")
    carry_out(source, "UPDATE people SET name = 'Theirs' WHERE id = 3")
    carry_out(target, "UPDATE people SET name = 'Ours' WHERE id = 3")
    (conflict,) = sync(source, target, RULES).conflicts
    sides = (conflict.base, conflict.production, conflict.staging)
    assert ["Grace 7", "Theirs", "Ours"] == [row[1] for row in sides if row]


def test_what_an_earlier_release_left_row_by_row_is_still_known(pair: tuple[str, str]) -> None:
    """A row of its table counts like a piece that holds it."""
    source, target = pair
    carry_out(source, "UPDATE people SET name = 'Grace' WHERE id = 3")
    sync(source, target, RULES)
    carry_out(
        target,
        "INSERT INTO prompt_repo_sync.moved (attempt, row_key, key_cells, content, tag, stamp) "
        """SELECT o.attempt, '3', '["3"]', '["3","Grace","3"]', o.tags, p.xmin::text::bigint """
        "FROM prompt_repo_sync.overlays o, people p WHERE p.id = 3",
        "DELETE FROM prompt_repo_sync.overlays",
    )

    assert 0 == sync(source, target, RULES).total.written
    carry_out(source, "UPDATE people SET name = 'Theirs' WHERE id = 3")
    carry_out(target, "UPDATE people SET name = 'Ours' WHERE id = 3")
    (conflict,) = sync(source, target, RULES).conflicts
    assert ("3", "Grace", "3") == conflict.base


def test_rows_that_lead_nowhere_are_looked_for_where_links_moved(pair: tuple[str, str]) -> None:
    """A row whose link stays leads where it led; one that moves its own may lead nowhere."""
    source, target = pair
    carry_out(target, "SET session_replication_role = replica; DELETE FROM homes WHERE id = 7")
    carry_out(source, "UPDATE people SET name = 'Grace' WHERE id = 8")
    stayed = sync(source, target, RULES)
    carry_out(source, "UPDATE people SET home = 7 WHERE id = 8")

    moved = sync(source, target, RULES)

    assert [] == stayed.warnings
    assert ["people.home names 2 rows of homes that staging does not have"] == moved.warnings
