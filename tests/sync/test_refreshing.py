"""Looking only at rows that moved comes to the same as looking at all of them."""

import random

import pytest

from sync.errors import InvalidRules
from tests import servers
from tests.sync.databases import ask, carry_out, checksum, decide, sync

TABLES = """
CREATE TABLE numbers (id integer PRIMARY KEY, name text, born date, moved timestamp);
CREATE TABLE codes (code char(6) PRIMARY KEY, email text UNIQUE);
CREATE TABLE pairs (on_ boolean, what text, amount numeric, PRIMARY KEY (on_, what));
"""
ROWS = """
INSERT INTO numbers SELECT n, 'Ada Nr ' || n, '2000-01-01', '2026-01-01'
  FROM generate_series(1, 400) n;
INSERT INTO codes SELECT 'c' || n, 'ada' || n || '@old.test' FROM generate_series(1, 300) n;
INSERT INTO pairs SELECT n % 2 = 0, 'x"\\é' || n, n FROM generate_series(1, 300) n;
"""
RULES = """
version: 1
tables:
  numbers: {columns: {id: keep, name: full_name, born: date_shift, moved: keep}}
  codes: {columns: {code: keep, email: email}}
  pairs: {columns: {on_: keep, what: keep, amount: digits}}
"""
MARKED = RULES.replace("numbers: {", "numbers: {watermark: moved, ")
MOVES = (
    "UPDATE numbers SET name = 'Grace ' || {0}, moved = '2026-02-1{1}' WHERE id = {0}",
    "DELETE FROM numbers WHERE id = {0}",
    "INSERT INTO numbers VALUES ({0}, 'New', NULL, NULL) ON CONFLICT DO NOTHING",
    "UPDATE codes SET email = 'moved{0}.{1}@new.test' WHERE code = 'c{0}'",
    "DELETE FROM codes WHERE code = 'c{0}'",
    "INSERT INTO codes VALUES ('c{0}', '{0}.{1}@late.test') ON CONFLICT DO NOTHING",
    "UPDATE pairs SET amount = {1}.50 WHERE what LIKE '%{0}'",
    "DELETE FROM pairs WHERE what LIKE '%{0}'",
    "INSERT INTO pairs VALUES (true, '{0} new', {1}) ON CONFLICT DO NOTHING",
)


@pytest.mark.parametrize("rules", [RULES, MARKED], ids=["hashes", "watermark"])
def test_after_many_moves_staging_is_as_if_made_anew(
    postgres: servers.Postgres, rules: str
) -> None:
    """Rows come, go, move and come again, over many runs, with keys of every kind."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, TABLES, ROWS)
    sync(source, target, rules)
    chosen = random.Random(7)

    for number in range(6):
        for move in chosen.choices(MOVES, k=60):
            carry_out(source, move.format(chosen.randint(1, 450), number))
        total = sync(source, target, rules).total
        assert 0 < total.written <= 200

        sync(source, anew := postgres.create(), rules)
        assert checksum(anew) == checksum(target)
        assert 0 == sync(source, target, rules).total.written
        postgres.drop(anew)


def test_staging_s_own_moves_stay_over_many_runs(postgres: servers.Postgres) -> None:
    """Edits, deletions and rows of its own, in tables that production moves in, too."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, TABLES, ROWS)
    sync(source, target, RULES)
    carry_out(
        target,
        "UPDATE numbers SET name = 'Tess' WHERE id IN (1, 2)",
        "DELETE FROM codes WHERE code = 'c5'",
        "INSERT INTO pairs VALUES (true, 'own', 1)",
    )

    totals = []
    for number in range(3):
        carry_out(source, f"UPDATE numbers SET born = '2001-01-0{number + 1}' WHERE id > 390")
        totals.append(sync(source, target, RULES).total)

    assert [(10, 4, 0)] * 3 == [(each.updated, each.kept, each.conflicts) for each in totals]
    assert [("Tess",)] * 2 == ask(target, "SELECT name FROM numbers WHERE id < 3")
    assert [] == ask(target, "SELECT 1 FROM codes WHERE code = 'c5'")
    carry_out(
        source,
        "UPDATE numbers SET name = 'Other' WHERE id = 2",
        "DELETE FROM codes WHERE code = 'c5'",
    )
    assert 1 == sync(source, target, RULES).total.conflicts
    reset = sync(source, target, RULES, reset=True, restart=True)
    sync(source, anew := postgres.create(), RULES)
    assert ("completed", checksum(anew)) == (reset.status, checksum(target))


def test_a_watermark_tells_what_moved_and_deletions_are_swept(postgres: servers.Postgres) -> None:
    """A row that moves without it waits; rows that come, go or move with it are carried over."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, TABLES, ROWS)
    carry_out(source, "UPDATE numbers SET moved = '2026-02-02' WHERE id > 200")
    sync(source, target, MARKED)
    carry_out(
        source,
        "UPDATE numbers SET born = '1999-01-01' WHERE id = 1",
        "UPDATE numbers SET born = '1999-01-01', moved = '2026-03-03' WHERE id = 2",
        "DELETE FROM numbers WHERE id = 3",
        "INSERT INTO numbers VALUES (1000, 'Old News', NULL, '2025-01-01')",
    )

    total = sync(source, target, MARKED).total

    assert (1, 1, 1) == (total.inserted, total.updated, total.deleted)
    assert 1 == sync(source, target, RULES).total.updated


@pytest.mark.parametrize("column", ["nothing", "id", "born"])
def test_a_watermark_must_be_a_kept_time(postgres: servers.Postgres, column: str) -> None:
    """One that is not there, no time, or faked, is refused with those that would do."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, TABLES, ROWS)

    with pytest.raises(InvalidRules, match="there is moved"):
        sync(source, target, MARKED.replace("watermark: moved", f"watermark: {column}"))


@pytest.mark.parametrize("other", ["rules", "key"])
def test_a_watermark_counts_only_for_the_rules_and_key_it_was_noted_with(
    postgres: servers.Postgres, other: str
) -> None:
    """Under other rules, or another key, every row has another fake, wherever the watermark is."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, TABLES, ROWS, "UPDATE numbers SET moved = '2026-02-02' WHERE id > 390")
    first = MARKED.replace("name: full_name", "name: keep") if other == "rules" else MARKED
    sync(source, target, first)

    key = {"key": "another secret of this test, of 32"} if other == "key" else {}
    sync(source, target, MARKED, **key)

    sync(source, anew := postgres.create(), MARKED, **key)
    assert checksum(anew) == checksum(target)
    originals = "SELECT name FROM numbers WHERE name LIKE 'Ada Nr %'"
    assert [] == ask(target, originals)


def test_a_try_tells_of_deletions_and_shows_ten_rows(postgres: servers.Postgres) -> None:
    """Rows that moved come first; the others of the ten are rows that did not."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, TABLES, ROWS)
    sync(source, target, RULES)
    before = checksum(target)
    carry_out(
        source,
        "UPDATE numbers SET name = 'Grace' WHERE id = 400",
        "DELETE FROM codes WHERE code IN ('c5', 'c6')",
    )

    tried = sync(source, target, RULES, dry_run=True)

    assert (1, 2, 0) == (tried.total.updated, tried.total.deleted, tried.total.inserted)
    assert {"numbers": 10, "codes": 10, "pairs": 10} == {
        name: len(rows) for name, rows in tried.samples.items()
    }
    assert "400" == tried.samples["numbers"][0][0][0]
    assert before == checksum(target)
    assert 3 == sync(source, target, RULES).total.written


@pytest.mark.parametrize("rules", [RULES, MARKED], ids=["hashes", "watermark"])
@pytest.mark.parametrize("policy", ["pause", "overwrite"])
def test_a_conflict_settled_by_deleting_leaves_no_note(
    postgres: servers.Postgres, rules: str, policy: str
) -> None:
    """Neither of a row that a block holds nor of one that came later; it may come again."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, TABLES, ROWS)
    sync(source, target, rules)
    carry_out(source, "INSERT INTO numbers VALUES (500, 'Late', NULL, '2026-03-01')")
    sync(source, target, rules)
    carry_out(source, "DELETE FROM numbers WHERE id IN (7, 500)")
    carry_out(target, "UPDATE numbers SET name = 'Tess' WHERE id IN (7, 500)")

    found = sync(source, target, rules, on_conflict=policy)
    if policy == "pause":
        decide(target, "overwrite")
        assert 2 == sync(source, target, rules).total.deleted
    nothing = sync(source, target, rules).total
    notes = ask(target, "SELECT * FROM prompt_repo_sync.decided")

    assert (2, policy == "pause") == (found.total.conflicts, found.status == "paused")
    assert ([], 0, 0) == (notes, nothing.written, nothing.conflicts)
    assert [] == ask(target, "SELECT 1 FROM numbers WHERE id IN (7, 500)")
    carry_out(source, "INSERT INTO numbers VALUES (7, 'Back', NULL, '2026-04-01')")
    assert 1 == sync(source, target, rules).total.inserted
