"""A sync that is killed at any of its checkpoints, and gone on with, ends as one that was not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sync.tables import open_target
from sync.telling import latest_runs
from tests import servers
from tests.sync.databases import KEY, ask, carry_out, checksum, sync
from webapp.cli import main

MANY = 10_001
SQL = {
    "postgresql": f"""
CREATE TABLE users (id integer PRIMARY KEY, name text, email text UNIQUE);
CREATE TABLE mails (email text PRIMARY KEY, born date);
INSERT INTO users
  SELECT n, 'Ada Nr ' || n, 'ada' || n || '@old.test' FROM generate_series(1, {MANY}) n;
INSERT INTO mails SELECT 'ada' || n || '@old.test', '2000-01-01' FROM generate_series(1, 6000) n;
""",
    "sqlite": f"""
CREATE TABLE users (id integer PRIMARY KEY, name text, email text UNIQUE);
CREATE TABLE mails (email text PRIMARY KEY, born date);
WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {MANY})
INSERT INTO users SELECT n, 'Ada Nr ' || n, 'ada' || n || '@old.test' FROM s;
INSERT INTO mails SELECT email, '2000-01-01' FROM users WHERE id <= 6000;
""",
}
MOVED = (
    "UPDATE users SET name = 'Grace ' || id WHERE id % 7 = 0",
    "DELETE FROM users WHERE id % 1000 = 5",
    "INSERT INTO users VALUES (20000, 'Late', 'late@new.test')",
)
RULES = """
version: 1
tables:
  users: {columns: {id: keep, name: full_name, email: email}}
  mails: {columns: {email: email, born: date_shift}}
"""
ROOT = Path(__file__).parent.parent.parent


def killed(source: str, target: str, rules: Path, number: int, when: str, *how: str) -> bool:
    """Whether a run in a process of its own was killed; False where it had fewer commits."""
    command = [sys.executable, "-m", "tests.sync.dying_sync", source, target, str(rules), KEY]
    done = subprocess.run(
        [*command, str(number), when, *how], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
@pytest.mark.parametrize("move", [False, True], ids=["still", "moved"])
def test_killed_and_gone_on_with_is_as_never_killed(
    postgres: servers.Postgres, tmp_path: Path, kind: str, move: bool
) -> None:
    """Killed before or behind every second commit, one run after the other; production may move."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    source, target, whole = _databases(postgres, tmp_path, kind)
    carry_out(source, SQL[kind])
    deaths, number = 0, 1
    while killed(source, target, rules, number, "before" if number % 4 == 1 else "behind"):
        deaths += 1
        number += 2
        if move and deaths == 3:
            carry_out(source, *MOVED)

    last = sync(source, target, RULES)
    sync(source, whole, RULES)

    assert deaths >= 4
    assert "completed" == last.status
    assert checksum(whole) == checksum(target)
    assert ask(source, "SELECT count(*) FROM users") == ask(target, "SELECT count(*) FROM users")
    assert 0 == sync(source, target, RULES).total.written
    if kind == "postgresql":
        for url in (source, target, whole):
            postgres.drop(url)


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_a_killed_run_is_told_as_interrupted(
    postgres: servers.Postgres, tmp_path: Path, kind: str
) -> None:
    """Not as running, and with the way to go on; while somebody holds staging it is running."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    source, target, _ = _databases(postgres, tmp_path, kind)
    carry_out(source, SQL[kind])
    assert killed(source, target, rules, 3, "behind")

    status = CliRunner().invoke(main, ["sync", "status", "--target", target])
    as_json = CliRunner().invoke(main, ["sync", "status", "--target", target, "--json"])
    holder = open_target(target)
    assert holder.lock()
    held = _newest(target)
    holder.close()
    sync(source, target, RULES)

    assert "  interrupted  " in status.output
    assert "`sync run` with the same rules and key goes on from there" in status.output
    assert "interrupted" == json.loads(as_json.output)["runs"][0]["status"]
    assert ("running", "completed") == (held, _newest(target))


def test_a_run_that_was_given_up_is_told_so(tmp_path: Path) -> None:
    """A killed run stands as running for ever where a later one took its place."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    source, target = (f"sqlite:///{tmp_path / name}.sqlite3" for name in ("one", "two"))
    carry_out(source, SQL["sqlite"])
    assert killed(source, target, rules, 3, "behind")
    sync(source, target, RULES.replace("full_name", "text"), restart=True)

    staging = open_target(target)
    told = [row[3] for row in latest_runs(staging)]
    staging.close()

    assert ["completed", "given up"] == told


def _databases(postgres: servers.Postgres, folder: Path, kind: str) -> list[str]:
    if kind == "sqlite":
        return [f"sqlite:///{folder}/{name}" for name in ("p", "s", "w")]
    return [postgres.create() for _ in range(3)]


def _newest(target: str) -> str:
    staging = open_target(target)
    try:
        return str(latest_runs(staging)[0][3])
    finally:
        staging.close()
