"""The fakes of a release are those of the one before, or its runs say that they are not."""

from pathlib import Path

import pytest

from sync import manifest
from sync.errors import AnotherRun
from tests import servers
from tests.sync import known_fakes
from tests.sync.databases import carry_out, sync

TABLES = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, city TEXT)"
ROWS = "INSERT INTO users VALUES (1, 'Ada Byron', 'London'), (2, 'Alan Turing', 'Wilmslow')"
RULES = "version: 1\ntables: {users: {columns: {id: keep, name: full_name, city: city}}}\n"


def test_fakes_change_with_their_algorithm_s_number_alone(
    tmp_path: Path, postgres: servers.Postgres
) -> None:
    """If this fails: raise ALGORITHM in sync/anonymise.py, or change fakes no more than you meant.

    Then `python -m tests.sync.known_fakes` notes the fakes of the new number.
    """
    known, made = known_fakes.known(), known_fakes.made(tmp_path, postgres)

    assert known_fakes.made_by() in known, "note the fakes: python -m tests.sync.known_fakes"
    assert known[known_fakes.made_by()] == made


def test_each_number_stands_for_fakes_of_its_own() -> None:
    """One that was raised stands for others than the one before."""
    known = known_fakes.known()

    assert len(known) == len({str(each) for each in known.values()})


def test_another_algorithm_is_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unfinished run is not gone on with by it, and the next one says why all is new."""
    source, target = (f"sqlite:///{tmp_path / name}" for name in ("production", "staging"))
    carry_out(source, TABLES, ROWS)
    sync(source, target, RULES)
    monkeypatch.setattr(manifest, "ALGORITHM", 2)

    told = sync(source, target, RULES).warnings
    carry_out(source, "UPDATE users SET city = 'Rome' WHERE id = 1")
    carry_out(target, "UPDATE users SET city = 'Here' WHERE id = 1")
    assert "paused" == sync(source, target, RULES).status
    monkeypatch.setattr(manifest, "ALGORITHM", 3)

    assert ["the algorithm changed since the last run: every fake is new"] == told
    with pytest.raises(AnotherRun, match="made with other algorithm"):
        sync(source, target, RULES)


def test_runs_of_releases_without_a_number_are_of_the_first(tmp_path: Path) -> None:
    """They can be gone on with, and nothing is said to be new."""
    source, target = (f"sqlite:///{tmp_path / name}" for name in ("production", "staging"))
    carry_out(source, TABLES, ROWS)
    first = sync(source, target, RULES)
    carry_out(
        target,
        "UPDATE prompt_repo_sync_runs SET status = 'failed', "
        "manifest = json_remove(manifest, '$.algorithm')",
    )

    again = sync(source, target, RULES)

    assert ([], "completed", first.run) == (again.warnings, again.status, again.run)
