"""The verbs of a sync, called as an operator calls them, on SQLite."""

import json
import os
import pty
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import select

from sync.errors import NotIsolated
from tests import servers
from tests.sync.databases import KEY, ask, carry_out, sync
from webapp.cli import main
from webapp.config import Settings
from webapp.records import Records
from webapp.records.models import AuditEntry

PRODUCTION = """
CREATE TABLE users (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT NOT NULL UNIQUE);
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users, note TEXT);
INSERT INTO users VALUES (1, 'Ada Lovelace', 'ada@royal.test'),
  (2, 'Alan Turing', 'alan@bletchley.test');
INSERT INTO orders VALUES (10, 1, 'Call Ada on 020 7946 0001'), (11, 2, NULL);
"""


class Shell:
    """Runs the verbs of a sync between two files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = f"sqlite:///{folder / 'production.sqlite3'}"
        self.target = f"sqlite:///{folder / 'staging.sqlite3'}"
        self.rules = folder / "rules.yaml"
        carry_out(self.source, PRODUCTION)

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        """What a verb printed; it must end with `code`."""
        result = CliRunner().invoke(main, ["sync", *arguments], prog_name="prompt-repo")
        assert code == result.exit_code, result.output + repr(result.exception)
        return result

    def run(self, *arguments: str, code: int = 0) -> Any:
        """`sync run`, and what it says for a program."""
        ways = ["--source", self.source, "--target", self.target, "--rules", str(self.rules)]
        result = self("run", *ways, "--json", *arguments, code=code)
        return json.loads(result.stdout) if result.stdout.startswith("{") else result.output


def entries(folder: Path) -> list[AuditEntry]:
    """What the audit log of a data folder has; an empty one is made where there is none."""
    records = Records(Settings(data=folder).records_address)
    records.migrate()
    with records.reading() as session:
        found = session.scalars(select(AuditEntry)).all()
    records.close()
    return list(found)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell beside a small production database, with the rules drafted."""
    monkeypatch.setenv("PROMPT_REPO_ANONYMIZATION_KEY", KEY)
    made = Shell(tmp_path)
    made("plan", "--source", made.source, "-o", str(made.rules))
    return made


def test_plan_and_run_make_a_staging_database(shell: Shell) -> None:
    """Two commands, and staging has everyone, and nobody by name."""
    result = shell.run()

    assert "completed" == result["status"]
    assert 4 == result["total"]["inserted"]
    staging = str(
        ask(shell.target, "SELECT * FROM users") + ask(shell.target, "SELECT * FROM orders")
    )
    assert [] == [word for word in ("Ada", "Alan", "royal", "bletchley", "7946") if word in staging]


def test_a_plan_goes_to_the_terminal(shell: Shell) -> None:
    """Without a file the rules are printed, and nothing else."""
    result = shell("plan", "--source", shell.source)

    assert shell.rules.read_text() == result.stdout


def test_a_dry_run_writes_nothing(shell: Shell) -> None:
    """It tells what would come, and staging stays empty."""
    result = shell.run("--dry-run")

    assert ("dry run", 4) == (result["status"], result["total"]["inserted"])
    assert [] == [
        name for (name,) in ask(shell.target, "SELECT name FROM sqlite_master") if name == "users"
    ]


def test_status_tells_of_runs(shell: Shell) -> None:
    """Each run with its counts; none before the first."""
    carry_out(shell.target, "PRAGMA user_version = 1")
    before = shell("status", "--target", shell.target)
    shell.run()
    after = json.loads(shell("status", "--target", shell.target, "--json").stdout)

    assert "No sync has run yet.\n" == before.stdout
    assert ["completed"] == [each["status"] for each in after["runs"]]
    assert 2 == after["runs"][0]["tables"]["users"]["inserted"]


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_mistyped_folder_is_refused(shell: Shell, side: str) -> None:
    """It is named, and nothing is made: neither the folder nor a file."""
    wrong = shell.folder / "stagin" / "deep" / "app.sqlite3"
    setattr(shell, side, f"sqlite:///{wrong}")
    before = sorted(shell.folder.rglob("*"))

    said = shell.run(code=2)

    assert f"there is no folder {wrong.parent} for a SQLite database" in said
    assert before == sorted(shell.folder.rglob("*"))


@pytest.mark.parametrize("verb", [["status"], ["resolve", "skip"]])
def test_a_mistyped_file_is_refused_by_verbs_that_fill_none(shell: Shell, verb: list[str]) -> None:
    """Nothing is made there, and it isn't told as a staging in which nothing has happened."""
    wrong = shell.folder / "stagin.sqlite3"

    result = shell(*verb, "--target", f"sqlite:///{wrong}", code=2)

    assert f"there is no SQLite database at {wrong}" in result.output
    assert not wrong.exists()


def test_conflicts_pause_are_decided_and_resumed(shell: Shell) -> None:
    """Exit code 1 while they are open; the next run carries the decision out."""
    shell.run()
    carry_out(shell.source, "UPDATE users SET full_name = 'Ada King' WHERE id = 1")
    carry_out(shell.target, "UPDATE users SET full_name = 'Test Person' WHERE id = 1")

    paused = shell.run(code=1)
    shell("resolve", "--target", shell.target, "skip", "--table", "users", "--key", "1")
    done = shell.run()

    assert ("paused", "changed in both") == (paused["status"], paused["conflicts"][0]["kind"])
    assert ("completed", []) == (done["status"], done["conflicts"])
    assert [("Test Person",)] == ask(shell.target, "SELECT full_name FROM users WHERE id = 1")


def test_the_audit_log_counts_conflicts_and_holds_no_rows(shell: Shell, tmp_path: Path) -> None:
    """What moved on both sides is in staging, and on the terminal that asked."""
    data = tmp_path / "data"
    data.mkdir()
    entries(data)
    ways = ["--source", shell.source, "--target", shell.target, "--rules", str(shell.rules)]
    shell.run()
    carry_out(shell.source, "UPDATE users SET full_name = 'Ada King' WHERE id = 1")
    carry_out(shell.target, "UPDATE users SET full_name = 'Test Person' WHERE id = 1")

    CliRunner().invoke(main, ["--data", str(data), "sync", "run", *ways], catch_exceptions=False)

    (entry,) = entries(data)
    assert ("paused", 1) == (entry.detail["run"]["status"], entry.detail["run"]["conflicts"])
    assert "Test Person" not in str(entry.detail)


def test_the_key_may_stand_in_the_environment_by_another_name(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for server and workers: the same key, so nothing is written anew."""
    shell.run()
    monkeypatch.setenv("STUDIO_KEY", KEY)
    monkeypatch.setenv("PROMPT_REPO_ANONYMIZATION_KEY", "env:STUDIO_KEY")

    again = shell.run()

    assert [] == again["warnings"]
    assert 0 == again["total"]["inserted"] + again["total"]["updated"]


def test_addresses_may_stand_in_the_environment(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every verb takes env:NAME, so that no password needs to stand in the list of processes."""
    monkeypatch.setenv("LIVE", shell.source)
    monkeypatch.setenv("COPY", shell.target)
    shell.source, shell.target = "env:LIVE", "env:COPY"

    planned = shell("plan", "--source", "env:LIVE").stdout
    done = shell.run()
    status = json.loads(shell("status", "--target", "env:COPY", "--json").stdout)

    assert planned == shell.rules.read_text()
    assert ["completed", "completed"] == [done["status"], status["runs"][0]["status"]]
    assert "conflict" in shell("resolve", "--target", "env:COPY", "skip", code=1).output


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("env:NOBODY_SET_THIS", "has no NOBODY_SET_THIS"),
        ("env:not a name", "the name of a variable"),
        ("env:TOKEN", "this is no address"),
    ],
)
def test_a_variable_that_holds_no_address_is_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, written: str, said: str
) -> None:
    """By its name, as used wrongly; what stands in it is not repeated."""
    monkeypatch.setenv("TOKEN", "hunter2hunter2")

    result = shell("plan", "--source", written, code=2)

    assert said in " ".join(result.output.split())
    assert "hunter2" not in result.output


def test_a_password_on_the_command_line_is_noted(shell: Shell) -> None:
    """It would be used; whoever wrote it is told who else can read it, without it."""
    result = CliRunner().invoke(
        main, ["sync", "plan", "--source", "postgresql://ada:hunter2@127.0.0.1:1/app"]
    )

    assert "the password in --source stands in the list of processes" in result.stderr
    assert "hunter2" not in result.output


def test_a_service_of_libpq_names_a_database(
    postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also for the connections that columns are read and written by."""
    source, target = postgres.create(), postgres.create()
    carry_out(
        source,
        "CREATE TABLE users (id integer PRIMARY KEY, email text)",
        "INSERT INTO users SELECT n, 'ada' || n || '@x.test' FROM generate_series(1, 2000) n",
    )
    parts = {"live": conninfo_to_dict(source), "copy": conninfo_to_dict(target)}
    lines = [f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in each.items())
             for name, each in parts.items()]  # fmt: skip
    (tmp_path / "services").write_text("\n".join(lines))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    text = "version: 1\ntables: {users: {columns: {id: keep, email: email}}}\n"

    done = sync("postgresql:///?service=live", "postgresql:///?service=copy", text)

    assert ("completed", 2000) == (done.status, done.total.inserted)
    assert [(2000,)] == ask(target, "SELECT count(*) FROM users")
    with pytest.raises(NotIsolated):
        sync("postgresql:///?service=live", source, text)


def test_a_missing_key_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says how to make one, and exits as used wrongly."""
    monkeypatch.delenv("PROMPT_REPO_ANONYMIZATION_KEY")

    said = shell.run(code=2)

    assert "must have at least 16 characters" in said


def test_the_same_database_is_refused(shell: Shell) -> None:
    """Also behind a link, under another name."""
    link = shell.folder / "elsewhere.sqlite3"
    link.symlink_to(shell.folder / "production.sqlite3")
    shell.target = f"sqlite:///{link}"

    said = shell.run(code=2)

    assert "the same database" in said


def test_an_uncovered_column_stops_everything(shell: Shell) -> None:
    """Exit code 1, a suggestion, and not a row copied."""
    carry_out(shell.source, "ALTER TABLE users ADD COLUMN mobile_phone TEXT")

    said = shell.run(code=1)

    assert "users.mobile_phone (TEXT): phone, because" in said
    assert [] == ask(shell.target, "SELECT name FROM sqlite_master WHERE name = 'users'")


def test_wrong_rules_are_told_with_their_place(shell: Shell) -> None:
    """File, line and column, and what would be valid."""
    shell.rules.write_text("version: 1\ntables:\n  users:\n    columns:\n      id: kep\n")

    said = shell.run(code=2)

    assert f"{shell.rules}:5:11: 'kep' is no kind of rule; known are keep, full_name" in said


def test_there_is_nothing_to_decide_where_no_sync_has_run(shell: Shell) -> None:
    """And nothing is left behind in the database that was named by mistake."""
    tables = "SELECT name FROM sqlite_master"
    before = ask(shell.source, tables)

    result = shell("resolve", "--target", shell.source, "skip", code=1)

    assert "no sync has run at this address" in result.output
    assert before == ask(shell.source, tables)


def test_the_place_of_the_key_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has no key yet is told how to make one, and where it is read from."""
    monkeypatch.delenv("PROMPT_REPO_ANONYMIZATION_KEY")
    monkeypatch.setenv("PROMPT_REPO_DATA", str(shell.folder / "nothing here"))

    said = shell.run(code=2)

    assert "make one with" in said
    assert "PROMPT_REPO_ANONYMIZATION_KEY" in said


def test_an_empty_database_has_no_plan(shell: Shell) -> None:
    """It is more likely that the address is wrong."""
    empty = f"sqlite:///{shell.folder / 'empty.sqlite3'}"
    carry_out(empty, "PRAGMA user_version = 1")

    result = shell("plan", "--source", empty, code=2)

    assert "there is no table at this address" in result.output


def test_a_role_that_may_not_read_is_told_so(
    postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a sentence with the table's name, whether rules are drafted or rows copied."""
    monkeypatch.setenv("PROMPT_REPO_ANONYMIZATION_KEY", KEY)
    source, target = postgres.create(), postgres.create()
    role = f"r_{secrets.token_hex(4)}"
    carry_out(source, "CREATE TABLE users (id integer PRIMARY KEY, email text)",
              f"CREATE ROLE {role} LOGIN")  # fmt: skip
    reader = source.replace("postgres@", f"{role}@")
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\ntables: {users: {columns: {id: keep, email: email}}}\n")
    ways = ["--source", reader, "--target", target, "--rules", str(rules)]

    said = [
        CliRunner().invoke(main, ["sync", *arguments], prog_name="prompt-repo")
        for arguments in (["plan", "--source", reader], ["run", *ways])
    ]

    assert [True, True] == ["permission denied for table users" in each.output for each in said]
    assert [False, False] == ["Traceback" in each.output for each in said]
    assert [2, 1] == [each.exit_code for each in said]


def test_progress_is_shown_on_a_terminal_alone(shell: Shell) -> None:
    """In rows and bytes, beside a bar; a pipe gets the table at the end and nothing else."""
    told, terminal = pty.openpty()
    ways = ["--source", shell.source, "--target", shell.target, "--rules", str(shell.rules)]
    command = [sys.executable, "-m", "webapp", "--data", str(shell.folder), "sync", "run", *ways]
    first = subprocess.run(command, stderr=terminal, stdout=subprocess.PIPE, check=True)
    second = subprocess.run(command, capture_output=True, check=True)
    os.close(terminal)
    shown = os.read(told, 100_000).decode()

    assert "of 4 rows" in shown
    assert "MB" in shown
    assert first.stdout.endswith(b"Completed: 4 rows.\n")
    assert b"" == second.stderr
