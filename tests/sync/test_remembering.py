"""Fakes that an earlier run made are taken again, and never for a row that has changed."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest

from sync.anonymise import Anonymiser
from sync.model import Row
from sync.progress import Step
from tests import servers
from tests.sync.databases import KEY, carry_out, checksum, dump, sync
from tests.sync.test_running import ROWS, RULES, TABLES


@pytest.fixture
def pair(tmp_path: object) -> tuple[str, str]:
    """Production and staging after one sync."""
    made = f"sqlite:///{tmp_path}/production", f"sqlite:///{tmp_path}/staging"
    carry_out(made[0], TABLES, ROWS)
    sync(*made, RULES)
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rows that fakes are made for; the search for leaks at the end makes all of them."""
    made: list[str] = []
    real = Anonymiser.__call__

    def noted(self: Anonymiser, rows: Sequence[Row]) -> list[Row]:
        made.extend(f"{self.table.name} {row[0]}" for row in rows)
        return real(self, rows)

    monkeypatch.setattr(Anonymiser, "__call__", noted)
    return made


def test_only_changed_rows_are_made_again(pair: tuple[str, str], asked: list[str]) -> None:
    """One of three users; of the orders none."""
    carry_out(pair[0], "UPDATE users SET city = 'Oslo' WHERE id = 2")

    total = sync(*pair, RULES).total

    assert (1, 5) == (total.updated, total.unchanged)
    assert "users 2" == asked[0]
    assert ["users 1", "users 2", "users 3"] == sorted(asked[1:4])  # the search for leaks


def test_what_is_remembered_is_what_would_be_made(pair: tuple[str, str], tmp_path: object) -> None:
    """Staging after many runs is as after one."""
    carry_out(pair[0], "UPDATE users SET city = 'Oslo' WHERE id = 2",
              "INSERT INTO users VALUES (0, 'New One', 'new@old.test', 'Rome', NULL)")  # fmt: skip
    sync(*pair, RULES)
    carry_out(pair[0], "UPDATE users SET city = 'London' WHERE id = 2")
    sync(*pair, RULES)

    sync(pair[0], f"sqlite:///{tmp_path}/other", RULES)

    assert checksum(f"sqlite:///{tmp_path}/other") == checksum(pair[1])


@pytest.mark.parametrize(
    "other", [{"key": KEY[::-1]}, {"text": RULES.replace("city: city", "city: text")}]
)
def test_another_key_or_other_rules_remember_nothing(
    pair: tuple[str, str], asked: list[str], other: dict[str, str]
) -> None:
    """Everything is made anew."""
    sync(*pair, **({"text": RULES} | other))

    assert {"users 1", "users 2", "users 3", "orders 10", "orders 11", "orders 12"} == {*asked[:6]}


def test_staging_learns_nothing_by_the_tags(pair: tuple[str, str]) -> None:
    """They are there, and another key gives other ones."""
    tags = [
        text for table, text in dump(pair[1]) if table.endswith("blocks") and text.startswith("b'")
    ]

    assert [] == [text for text in tags if "Ada" in text or "old.test" in text]


def test_postgresql_tells_that_a_table_is_as_it_was(postgres: servers.Postgres) -> None:
    """Then no row is read; what changed on either side is, as long as it differs, and all of it
    with another key.
    """
    source, target = postgres.create(), postgres.create()
    carry_out(source, TABLES, ROWS)
    sync(source, target, RULES)

    def walked(**how: object) -> list[str]:
        steps: list[Step] = []
        result = sync(source, target, RULES, progress=steps.append, **how)
        assert 6 == result.total.seen
        return [step.table for step in steps if step.bytes]

    nothing = walked()
    carry_out(source, "UPDATE orders SET total = 8 WHERE id = 11")
    theirs = walked()
    carry_out(target, "UPDATE users SET city = 'Testville' WHERE id = 1")
    ours, again = walked(), walked()
    reset = walked(reset=True)
    other = walked(key=KEY[::-1])

    assert ([], ["orders"], ["users"], ["users"]) == (nothing, theirs, ours, again)
    assert (["users"], ["users", "orders"]) == (reset, other)


def test_a_staging_that_an_earlier_release_filled_goes_on(pair: tuple[str, str]) -> None:
    """What its tables lack is added, and what is remembered stays."""
    with closing(sqlite3.connect(pair[1].removeprefix("sqlite:///"))) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
        (attempts,) = [name for name in names if name.endswith("_attempts")]
        (blocks,) = [name for name in names if name.endswith("_blocks")]
        connection.execute(f"ALTER TABLE {attempts} DROP COLUMN watermark")
        for column in ("keys", "stamp", "stamps"):
            connection.execute(f"ALTER TABLE {blocks} DROP COLUMN {column}")
        connection.commit()

    total = sync(*pair, RULES).total

    assert (0, 0, 6) == (total.inserted, total.updated, total.unchanged)
