"""The verbs of accounts and tokens, called as an operator calls them."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from prompt_repo.cli_base import FOUND_WRONG, USED_WRONG
from webapp.cli import main

PASSWORD = "correct horse battery"


class Shell:
    """Runs verbs on one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, code: int = 0, typed: str = "") -> Result:
        """What a verb printed; it must end with `code`."""
        result = CliRunner().invoke(
            main, ["--data", str(self.folder), *arguments], input=typed, prog_name="prompt-repo"
        )
        assert code == result.exit_code, result.output + repr(result.exception)
        return result

    def json(self, *arguments: str) -> Any:
        """What a verb printed for a program."""
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in an empty data folder."""
    return Shell(tmp_path / "data")


@pytest.fixture
def sam(shell: Shell) -> Shell:
    """A shell where sam has an account."""
    shell("user", "add", "Sam", "--password-stdin", typed=f"{PASSWORD}\n")
    return shell


def verbs(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names of all verbs, those below others too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        yield (*before, name)
        verb = group.get_command(context, name)
        if isinstance(verb, click.Group):
            yield from verbs(verb, (*before, name))


@pytest.mark.parametrize("verb", list(verbs(main)), ids=" ".join)
def test_every_verb_explains_itself_by_an_example(shell: Shell, verb: tuple[str, ...]) -> None:
    """`--help` shows a command line that names the verb, and none of its lines is too long."""
    said = shell(*verb, "--help").output

    assert "Example:\n    prompt-repo " in said
    assert " ".join(verb) in said.partition("Example:")[2]
    assert [] == [line for line in said.splitlines() if len(line) > 80]


def test_an_account_is_made_and_listed(sam: Shell) -> None:
    """As a viewer, where nothing else is said; the name is folded."""
    (found,) = sam.json("user", "list")

    assert ("sam", "viewer", False) == (found["name"], found["role"], found["disabled"])
    assert re.match(r"sam +viewer ", sam("user", "list").stdout)
    assert PASSWORD not in str(found)


def test_an_account_changes(sam: Shell) -> None:
    """Its role, its password, whether it may log in."""
    sam("user", "role", "sam", "reviewer")
    sam("user", "passwd", "sam", "--password-stdin", typed="another good one\n")
    sam("user", "disable", "sam")

    (found,) = sam.json("user", "list")
    sam("user", "enable", "sam")

    assert ("reviewer", True) == (found["role"], found["disabled"])
    assert not sam.json("user", "list")[0]["disabled"]


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (["user", "add", "sam", "--password-stdin"], f"{PASSWORD}\n", "an account 'sam' already"),
        (["user", "add", "kim", "--password-stdin"], "short\n", "8 to 1024 characters"),
        (["user", "add", "kim", "--password-stdin"], "", "8 to 1024 characters"),
        (["user", "add", "k m", "--password-stdin"], f"{PASSWORD}\n", "a log-in name has"),
        (["user", "add", "kim"], f"{PASSWORD}\n{PASSWORD}\n", "use --password-stdin"),
        (["user", "role", "kim", "admin"], "", "there is no account 'kim'"),
        (["user", "role", "sam", "king"], "", "'king' is not one of"),
        (["user", "disable", "kim"], "", "there is no account 'kim'"),
        (["token", "revoke", "7"], "", "there is no token 7"),
        (["token", "revoke", "9" * 30], "", "is not in the range"),
        (["token", "revoke", "x"], "", "is not a valid integer"),
        (["token", "create", "--name", "ci"], "", "Missing option '--scope'"),
        (["token", "create", "--name", "ci", "--scope", "all"], "", "'all' is not one of"),
    ],
)
def test_a_misuse_is_a_sentence(sam: Shell, arguments: list[str], typed: str, said: str) -> None:
    """With what would be right, and exit code 2."""
    assert said in sam(*arguments, code=USED_WRONG, typed=typed).stderr


@pytest.mark.parametrize("expires", ["0d", "soon", "2020-01-01", "-1d", "", "1w", "999999d"])
def test_a_life_that_is_none_is_refused(shell: Shell, expires: str) -> None:
    """Before a token is made."""
    create = ["token", "create", "--name", "ci", "--scope", "read", f"--expires={expires}"]

    assert "--expires" in shell(*create, code=USED_WRONG).stderr
    assert [] == shell.json("token", "list")


def test_a_token_is_printed_alone_and_once(shell: Shell) -> None:
    """So that a script can take it; the list knows it by number and name only."""
    create = ["token", "create", "--name", "ci", "--scope", "write", "--expires", "90d"]
    made = shell(*create)

    assert re.fullmatch(r"pr_[\w-]{40,}\n", made.stdout)
    assert "" == made.stderr
    (found,) = shell.json("token", "list")
    assert (1, "ci", ["write"]) == (found["id"], found["name"], found["scopes"])
    assert made.stdout.strip() not in shell("token", "list").stdout


def test_a_token_is_revoked(shell: Shell) -> None:
    """It stays in the list, with when."""
    shell("token", "create", "--name", "ci", "--scope", "read")

    assert "Revoked ci\n" == shell("token", "revoke", "1").stdout
    assert shell.json("token", "list")[0]["revoked_at"]
    assert "revoked 20" in shell("token", "list").stdout


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("nonsense:secret", USED_WRONG, "PROMPT_REPO_RECORDS_URL is no address we can use"),
        ("nosuch://me:secret@host/x", USED_WRONG, "PROMPT_REPO_RECORDS_URL is no address"),
        ("oracle://me:secret@host/x", FOUND_WRONG, "the records can't be used: No module"),
        ("sqlite:////nowhere/x.sqlite3", FOUND_WRONG, "/nowhere/x.lock can't be used: No"),
        ("postgresql+psycopg://me:secret@127.0.0.1:1/x", FOUND_WRONG, "connection"),
    ],
)
def test_records_that_can_not_be_used_are_said(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, address: str, code: int, said: str
) -> None:
    """Without what the address may hold."""
    monkeypatch.setenv("PROMPT_REPO_RECORDS_URL", address)

    found = shell("user", "list", code=code)

    assert said in found.stderr
    assert "secret" not in found.output


@pytest.mark.parametrize("number", ["x", "0", "-1", "1.5", "٣", "9" * 50])
def test_a_setting_that_is_no_number_is_a_misuse(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    """The setting is named, for every verb."""
    monkeypatch.setenv("PROMPT_REPO_WORKERS", number)

    said = CliRunner().invoke(main, ["log"]).stderr

    assert f"PROMPT_REPO_WORKERS={number!r}: write a whole number, at least 1" in said


def test_a_broken_file_of_records_is_said(sam: Shell) -> None:
    """It is not made anew: it is no derived thing."""
    file = sam.folder / "records.sqlite3"
    for each in sam.folder.glob("records.sqlite3*"):
        each.unlink()
    file.write_bytes(b"not a database" * 1000)

    assert "the records can't be used: file is not a database" in (
        sam("user", "list", code=FOUND_WRONG).stderr
    )
    assert b"not a database" == file.read_bytes()[:14]


def test_the_repositorys_verbs_start_without_the_web() -> None:
    """Git may call one for each file, and Flask takes five times as long to import as they do."""
    late = "{'flask', 'sqlalchemy', 'granian'}"
    code = f"import sys, webapp.cli; print(sorted({late} & {{*sys.modules}}))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout


def test_a_verb_nobody_knows_is_a_misuse(shell: Shell) -> None:
    """As by click, whatever is imported late."""
    assert "No such command 'bogus'" in shell("bogus", code=USED_WRONG).stderr
