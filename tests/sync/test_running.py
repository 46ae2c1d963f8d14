"""Runs that follow one another: changes, deletions, conflicts, what staging did by itself."""

from collections.abc import Iterator

import pytest

from sync import rules, settling
from sync.errors import (
    AnotherRun,
    Cancelled,
    InvalidRules,
    Leaked,
    RunInProgress,
    SchemasDiffer,
    UnknownConflict,
    Unsupported,
)
from sync.model import Row
from sync.run import Options
from sync.state import State
from sync.tables import open_source, open_target
from tests import servers
from tests.sync.databases import KEY, ask, carry_out, checksum, decide, sync

TABLES = """
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL, email varchar(80) NOT NULL UNIQUE,
  city text, boss integer REFERENCES users);
CREATE TABLE orders (id integer PRIMARY KEY,
  buyer integer NOT NULL REFERENCES users ON DELETE CASCADE, total numeric(10,2) NOT NULL);
"""
ROWS = """
INSERT INTO users VALUES (1, 'Ada Byron', 'ada@old.test', 'London', NULL),
  (2, 'Alan Turing', 'alan@old.test', 'London', 1), (3, 'Grace Hopper', 'grace@old.test', NULL, 2);
INSERT INTO orders VALUES (10, 1, 5.00), (11, 2, 7.50), (12, 3, 1.25);
"""
RULES = """
version: 1
tables:
  users: {columns: {id: keep, name: full_name, email: email, city: city, boss: keep}}
  orders: {columns: {id: keep, buyer: keep, total: keep}}
"""


@pytest.fixture(params=["postgresql", "sqlite"])
def pair(
    request: pytest.FixtureRequest, tmp_path: object, postgres: servers.Postgres
) -> Iterator[tuple[str, str]]:
    """Production with three people, and an empty staging, of either kind."""
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path}/production", f"sqlite:///{tmp_path}/staging"
    else:
        made = postgres.create(), postgres.create()
    carry_out(made[0], TABLES, ROWS)
    yield made
    if request.param == "postgresql":
        postgres.drop(made[0])
        postgres.drop(made[1])


Pair = tuple[str, str]


def user(url: str, number: int) -> Row:
    """A row of users."""
    return ask(url, f"SELECT name, email, city FROM users WHERE id = {number}")[0]


def test_changes_and_deletions_follow(pair: Pair) -> None:
    """What production changed, added and deleted reaches staging, and nothing else is written."""
    sync(*pair, RULES)
    carry_out(
        pair[0],
        "UPDATE users SET city = 'Paris' WHERE id = 1",
        "DELETE FROM orders WHERE buyer = 3",
        "DELETE FROM users WHERE id = 3",
        "INSERT INTO users VALUES (4, 'Barbara Liskov', 'barbara@new.test', 'Boston', 2)",
    )

    total = sync(*pair, RULES).total

    assert (1, 1, 2, 3) == (total.inserted, total.updated, total.deleted, total.unchanged)
    assert [(1,), (2,), (4,)] == ask(pair[1], "SELECT id FROM users ORDER BY 1")
    assert [(10,), (11,)] == ask(pair[1], "SELECT id FROM orders ORDER BY 1")


def test_the_same_value_is_the_same_fake_in_every_run(pair: Pair) -> None:
    """Staging emptied and filled again is what it was."""
    sync(*pair, RULES)
    before = checksum(pair[1])
    carry_out(pair[1], "DELETE FROM orders", "DELETE FROM users")

    sync(*pair, RULES, reset=True)

    assert before == checksum(pair[1])


def test_unique_values_may_move_between_rows(pair: Pair) -> None:
    """An email that one account gave up and another took."""
    sync(*pair, RULES)
    carry_out(
        pair[0],
        "UPDATE users SET email = 'free@old.test' WHERE id = 1",
        "UPDATE users SET email = 'ada@old.test' WHERE id = 2",
    )
    before = user(pair[1], 1)[1]

    total = sync(*pair, RULES).total

    assert 2 == total.updated
    assert before.rpartition(".")[0].rpartition(".")[2] in user(pair[1], 2)[1]


def test_two_unique_values_may_be_swapped(pair: Pair) -> None:
    """Neither can go first, and yet both arrive."""
    hashed = RULES.replace("email: email", "email: hash")
    sync(*pair, hashed)
    before = [user(pair[1], 1)[1], user(pair[1], 2)[1]]
    carry_out(
        pair[0],
        "UPDATE users SET email = 'x' WHERE id = 1",
        "UPDATE users SET email = 'ada@old.test' WHERE id = 2",
        "UPDATE users SET email = 'alan@old.test' WHERE id = 1",
    )

    assert 2 == sync(*pair, hashed).total.updated
    assert 0 == sync(*pair, hashed).total.written
    assert before == [user(pair[1], 2)[1], user(pair[1], 1)[1]]


def test_an_address_may_return_with_another_account(pair: Pair) -> None:
    """The account that had it is gone, and it is unique in staging, too."""
    sync(*pair, RULES)
    carry_out(
        pair[0],
        "DELETE FROM orders WHERE buyer = 3",
        "DELETE FROM users WHERE id = 3",
        "INSERT INTO users VALUES (9, 'Grace Hopper', 'grace@old.test', NULL, NULL)",
    )

    result = sync(*pair, RULES)

    assert "completed" == result.status
    assert [(1,), (2,), (9,)] == ask(pair[1], "SELECT id FROM users ORDER BY 1")


def test_what_staging_changed_alone_is_kept(pair: Pair) -> None:
    """An edit, a row of its own, and a deletion survive runs; counted as kept."""
    sync(*pair, RULES)
    carry_out(
        pair[1],
        "UPDATE users SET city = 'Testville' WHERE id = 1",
        "INSERT INTO users VALUES (77, 'Tess Ter', 'tess@example.com', NULL, NULL)",
        "DELETE FROM orders WHERE id = 12",
    )
    before = checksum(pair[1])

    totals = [sync(*pair, RULES).total for _ in range(2)]

    assert [(0, 3), (0, 3)] == [(total.written, total.kept) for total in totals]
    assert before == checksum(pair[1])


def test_a_reset_discards_what_staging_changed(pair: Pair) -> None:
    """Afterwards staging is as after a first sync."""
    sync(*pair, RULES)
    before = checksum(pair[1])
    carry_out(
        pair[1],
        "UPDATE users SET city = 'Testville' WHERE id = 1",
        "INSERT INTO users VALUES (77, 'Tess Ter', 'tess@example.com', NULL, NULL)",
        "DELETE FROM orders WHERE id = 12",
    )

    result = sync(*pair, RULES, reset=True)

    assert (1, 1, 1) == (result.total.inserted, result.total.updated, result.total.deleted)
    assert before == checksum(pair[1])


def conflicting(pair: Pair) -> None:
    """User 1 moves on both sides, in the city on both, in the name in production alone."""
    sync(*pair, RULES)
    carry_out(pair[0], "UPDATE users SET name = 'Ada King', city = 'Paris' WHERE id = 1",
              "INSERT INTO orders VALUES (13, 1, 9.99)")  # fmt: skip
    carry_out(pair[1], "UPDATE users SET city = 'Testville' WHERE id = 1")


def test_settling_reads_the_rows_of_conflicts_alone(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a decision costs does not grow with the table it is about."""
    conflicting(pair)
    sync(*pair, RULES)
    decide(pair[1], "overwrite")
    staging = open_target(pair[1])
    monkeypatch.delattr(type(staging), "rows")

    try:
        settling.settle(staging, State(staging), staging.schema().tables, "pause")
    finally:
        staging.close()

    monkeypatch.undo()
    assert user(pair[1], 1)[2] != "Testville"
    assert () == sync(*pair, RULES).conflicts


def test_a_decision_that_can_not_be_written_stays_open(pair: Pair) -> None:
    """A row of staging's own has the unique value: nothing is called settled that was not."""
    sync(*pair, RULES)
    carry_out(pair[0], "UPDATE users SET email = 'new@old.test', city = 'Paris' WHERE id = 1")
    carry_out(pair[1], "UPDATE users SET city = 'Testville' WHERE id = 1")
    (conflict,) = sync(*pair, RULES).conflicts
    email = (conflict.production or ())[2]
    carry_out(pair[1], f"INSERT INTO users VALUES (99, 'Own', '{email}', 'Here', NULL)")
    decide(pair[1], "overwrite")

    with pytest.raises(Unsupported, match="users"):
        sync(*pair, RULES)

    assert "Testville" == user(pair[1], 1)[2]
    carry_out(pair[1], "DELETE FROM users WHERE id = 99")
    assert "completed" == sync(*pair, RULES).status
    assert email == user(pair[1], 1)[1]


def test_a_conflict_pauses_with_everything_told(pair: Pair) -> None:
    """The row stays, the report holds all three sides, and later tables wait."""
    conflicting(pair)
    before = checksum(pair[1])

    result = sync(*pair, RULES)

    (conflict,) = result.conflicts
    assert ("paused", "changed in both") == (result.status, conflict.kind)
    assert ("users", "Testville") == (conflict.table, (conflict.staging or ())[3])
    assert ("city",) == conflict.columns(("id", "name", "email", "city", "boss"))
    assert before == checksum(pair[1])


@pytest.mark.parametrize(
    ("action", "columns", "city", "renamed"),
    [
        ("overwrite", {}, "production", True),
        ("skip", {}, "staging", False),
        ("merge", {"city": "staging"}, "staging", True),
        ("merge", {"city": "production"}, "production", True),
    ],
)
def test_a_decision_is_carried_out_once(
    pair: Pair, action: str, columns: dict[str, str], city: str, renamed: bool
) -> None:
    """Overwrite, skip or merge by column; the run goes on, and the conflict does not come again."""
    conflicting(pair)
    old = user(pair[1], 1)
    sync(*pair, RULES)

    decide(pair[1], action, columns=columns)
    result = sync(*pair, RULES)
    again = sync(*pair, RULES)

    name, _, town = user(pair[1], 1)
    assert ("completed", "completed") == (result.status, again.status)
    assert (city == "staging", renamed) == (town == "Testville", name != old[0])
    assert [(13,)] == ask(pair[1], "SELECT id FROM orders WHERE id = 13")
    assert (0, ()) == (again.total.written, again.conflicts)
    assert int(action != "skip") == result.tables["users"].updated


def test_a_merge_must_say_whose_value_to_take(pair: Pair) -> None:
    """A column that moved on both sides is named."""
    conflicting(pair)
    sync(*pair, RULES)

    with pytest.raises(UnknownConflict, match="users 1 moved on both sides in city"):
        decide(pair[1], "merge")


def test_one_of_several_conflicts_can_be_decided(pair: Pair) -> None:
    """The others stay open, and go on pausing."""
    conflicting(pair)
    carry_out(pair[0], "UPDATE users SET city = 'Rome' WHERE id = 2")
    carry_out(pair[1], "UPDATE users SET city = 'Elsewhere' WHERE id = 2")
    sync(*pair, RULES)
    key = (1,) if pair[0].startswith("sqlite") else ("1",)

    assert 1 == decide(pair[1], "skip", which=("users", key))
    result = sync(*pair, RULES)

    assert "paused" == result.status
    assert [("users", "2")] == [(each.table, str(each.key[0])) for each in result.conflicts]


def test_conflicts_of_all_tables_are_told_at_once(pair: Pair) -> None:
    """Also of tables behind the one that paused."""
    conflicting(pair)
    carry_out(pair[0], "UPDATE orders SET total = 1 WHERE id = 11")
    carry_out(pair[1], "UPDATE orders SET total = 2 WHERE id = 11")

    result = sync(*pair, RULES)

    assert ["orders", "users"] == sorted(each.table for each in result.conflicts)


@pytest.mark.parametrize(("policy", "towns"), [("overwrite", False), ("skip", True)])
def test_a_policy_decides_about_all_conflicts(pair: Pair, policy: str, towns: bool) -> None:
    """The run does not pause."""
    conflicting(pair)

    result = sync(*pair, RULES, on_conflict=policy)

    assert "completed" == result.status
    assert towns == (user(pair[1], 1)[2] == "Testville")
    assert (0 if towns else 1) == result.tables["users"].updated
    assert 0 == sync(*pair, RULES).total.written


def test_deleting_on_one_side_and_changing_on_the_other_is_a_conflict(pair: Pair) -> None:
    """Both ways round, each with its own words."""
    sync(*pair, RULES)
    carry_out(
        pair[0], "DELETE FROM orders WHERE id = 10", "UPDATE orders SET total = 3 WHERE id = 11"
    )
    carry_out(
        pair[1], "UPDATE orders SET total = 4 WHERE id = 10", "DELETE FROM orders WHERE id = 11"
    )

    paused = sync(*pair, RULES)
    decide(pair[1], "overwrite")
    done = sync(*pair, RULES)

    assert {
        "deleted in production, changed in staging", "changed in production, deleted in staging",
    } == {each.kind for each in paused.conflicts}  # fmt: skip
    assert "completed" == done.status
    assert [(11, "3.00"), (12, "1.25")] == [
        (number, f"{total:.2f}")
        for number, total in ask(pair[1], "SELECT id, total FROM orders ORDER BY 1")
    ]


def test_a_row_that_staging_needs_is_not_deleted(pair: Pair) -> None:
    """An order made in staging keeps its buyer there, who is gone from production."""
    sync(*pair, RULES)
    carry_out(pair[1], "INSERT INTO orders VALUES (99, 3, 1)")
    carry_out(pair[0], "DELETE FROM orders WHERE buyer = 3", "DELETE FROM users WHERE id = 3")

    result = sync(*pair, RULES)

    assert [(99,)] == ask(pair[1], "SELECT id FROM orders WHERE buyer = 3")
    assert [(3,)] == ask(pair[1], "SELECT id FROM users WHERE id = 3")
    assert "1 rows of users are gone from production and stay in staging" in result.warnings[0]


def test_a_condition_that_can_not_be_read_stops_the_run(pair: Pair) -> None:
    """Before a row is read; production's snapshot outlives the question."""
    wrong = RULES.replace("users: {columns", "users: {where: 'nowhere = 2', columns")

    with pytest.raises(InvalidRules, match=r"users: its condition can't be read.*nowhere"):
        sync(*pair, wrong)

    source = open_source(pair[0])
    users = source.schema().tables["users"]
    assert "" != source.refusal(users, "id <")
    assert "" == source.refusal(users, "id < 3")
    assert 3 <= len(source.sample(users, 5))
    source.close()


def test_a_cancelled_run_goes_on_where_it_stopped(pair: Pair) -> None:
    """What was written stays, and the next run finishes the same one."""
    answers = iter([False, True])

    with pytest.raises(Cancelled):
        sync(*pair, RULES, cancelled=lambda: next(answers))
    between = (
        ask(pair[1], "SELECT count(*) FROM users"),
        ask(pair[1], "SELECT count(*) FROM orders"),
    )
    result = sync(*pair, RULES)

    assert ([(3,)], [(0,)]) == between
    assert "completed" == result.status
    assert [(3,)] == ask(pair[1], "SELECT count(*) FROM orders")


def test_other_rules_do_not_go_on_with_an_unfinished_run(pair: Pair) -> None:
    """They are refused, unless the run is given up."""
    conflicting(pair)
    sync(*pair, RULES)
    other = RULES.replace("city: city", "city: text")

    with pytest.raises(AnotherRun, match="made with other rules"):
        sync(*pair, other)
    result = sync(*pair, other, restart=True, on_conflict="overwrite")

    assert "completed" == result.status


def test_another_key_is_told(pair: Pair) -> None:
    """Every fake is new then, and the run says so."""
    sync(*pair, RULES)
    before = user(pair[1], 1)

    result = sync(*pair, RULES, key=KEY[::-1])

    assert ["the key changed since the last run: every fake is new"] == result.warnings
    assert before != user(pair[1], 1)


def test_two_runs_at_once_are_refused(pair: Pair) -> None:
    """The second one says that staging is taken."""
    holder = open_target(pair[1])
    try:
        assert holder.lock()

        with pytest.raises(RunInProgress):
            sync(*pair, RULES)
    finally:
        holder.close()


def test_other_columns_are_told_before_a_row_is_copied(pair: Pair) -> None:
    """Each difference by name."""
    sync(*pair, RULES)
    carry_out(pair[0], "ALTER TABLE users ADD COLUMN shoe integer")
    carry_out(pair[1], "DROP TABLE orders")

    with pytest.raises(SchemasDiffer) as refused:
        sync(*pair, RULES.replace("boss: keep", "boss: keep, shoe: keep"))

    assert 2 == len(refused.value.differences)
    told = [each.lower() for each in refused.value.differences]
    assert "staging has no column users.shoe (integer)" in told
    assert "staging has no table orders" in refused.value.differences


def test_a_column_more_on_both_sides_is_no_conflict(pair: Pair) -> None:
    """The record of the last sync knows nothing of it, and takes it from staging."""
    sync(*pair, RULES)
    carry_out(pair[1], "ALTER TABLE users ADD COLUMN shoe integer",
              "UPDATE users SET city = 'Testville' WHERE id = 2")  # fmt: skip
    carry_out(
        pair[0],
        "ALTER TABLE users ADD COLUMN shoe integer",
        "UPDATE users SET shoe = 40 WHERE id = 1",
    )

    result = sync(*pair, RULES.replace("boss: keep", "boss: keep, shoe: keep"))

    assert ("completed", 1) == (result.status, result.total.updated)
    assert [(40,), (None,), (None,)] == ask(pair[1], "SELECT shoe FROM users ORDER BY id")
    assert "Testville" == user(pair[1], 2)[2]


def test_a_leak_fails_the_run(pair: Pair) -> None:
    """An original that a trick brought into staging is found, and not repeated in the message."""
    sync(*pair, RULES)
    carry_out(pair[1], "UPDATE users SET city = 'call ada@old.test' WHERE id = 1")

    with pytest.raises(Leaked) as found:
        sync(*pair, RULES)

    assert "users.city at 1 holds an original of users.email" in str(found.value)
    assert "ada@old.test" not in str(found.value)


def test_only_the_rows_asked_for_and_what_belongs_to_them(pair: Pair) -> None:
    """A condition on users leaves out the orders of the others as well."""
    some = RULES.replace("users: {columns", "users: {where: 'id <= 2', columns")

    result = sync(*pair, some)

    assert [] == result.warnings
    assert [(1,), (2,)] == ask(pair[1], "SELECT id FROM users ORDER BY 1")
    assert [(10,), (11,)] == ask(pair[1], "SELECT id FROM orders ORDER BY 1")


def test_progress_counts_rows_and_bytes(pair: Pair) -> None:
    """Up to all of them, table by table."""
    steps: list[object] = []

    sync(*pair, RULES, progress=steps.append)

    assert [("users", 3, 3), ("orders", 3, 6)] == [
        (step.table, step.done, step.all_done)
        for step in steps  # type: ignore[attr-defined]
    ]
    assert all(step.bytes > 0 for step in steps)  # type: ignore[attr-defined]


def test_options_have_a_usual_form() -> None:
    """A run with no options pauses at conflicts and writes."""
    assert ("pause", False, False) == (Options().on_conflict, Options().dry_run, Options().reset)
    assert rules.parse(RULES).tables["users"].where == ""
