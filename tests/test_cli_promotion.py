"""The verbs between the environments, called as CI calls them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from prompt_repo.cli import main
from prompt_repo.repository import PRODUCTION, Repository
from tests.factories import make_repository, put

ANGRY = "characters/aria/angry.yaml"


class Shell:
    """Runs verbs on one repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = make_repository(folder, ("aria",))
        put(self.repository, {"aria/angry": "One.", "defaults/idle": "Still."}, "Begin")

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What a verb printed; it must end with `code`."""
        result = CliRunner().invoke(main, ["--data", str(self.folder), *arguments])
        assert code == result.exit_code, result.output + repr(result.exception)
        return result.output

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a verb printed for a program."""
        return json.loads(self(*arguments, "--json", code=code))

    def text(self) -> str:
        """Aria's angry prompt in production, as another process reads it."""
        fresh = Repository.open(self.folder / "prompts.git")
        return fresh.current(PRODUCTION).resolve("aria", "angry").text


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_dry_run_changes_nothing_and_names_its_plan(shell: Shell) -> None:
    """What would go is listed, and the plan it prints can be held to."""
    before = shell.repository.head(PRODUCTION)

    said = shell("promote", "--dry-run")

    assert "→\tcharacters/aria/angry.yaml\tahead\tnone\t1" in said
    assert shell.repository.head(PRODUCTION) == before
    plan = said.split("--plan ")[1].strip()
    put(shell.repository, {"aria/angry": "Two."})
    assert "out of date" in shell("promote", "--plan", plan, code=1)


def test_promote_and_roll_back(shell: Shell) -> None:
    """All that is ahead goes, by its tag it comes back, and then it is held back."""
    shell("promote")
    put(shell.repository, {"aria/angry": "Two."}, "Softer")
    done = shell.json("promote", "--only", "aria/angry", "--author", "CI <ci@studio.example>")
    assert shell.text() == "Two."
    assert done["author"] == {"name": "CI", "email": "ci@studio.example"}
    assert done["paths"] == [ANGRY]

    shell("rollback", done["promotion"], "--reason", "Too soft")

    assert shell.text() == "One."
    plan = shell.json("promote", "--dry-run", code=1)
    assert plan["counts"]["held back"] == 1
    assert plan["items"][0]["promoted"] is False
    shell("promote", "--held-back", "aria/angry")
    assert shell.text() == "Two."


def test_what_diverged_is_asked_about(shell: Shell) -> None:
    """The dry run marks it, the real one refuses, and a choice settles it."""
    shell("promote")
    head = shell.repository.head(PRODUCTION)
    raw = b"prompt: |-\n  Mended.\n"
    fix = shell.repository.store.write(
        PRODUCTION,
        head,
        {ANGRY: raw},
        author=shell.repository.store.commit(head).author,
        message="Fix",
    )
    shell.repository.written(PRODUCTION, fix)
    put(shell.repository, {"aria/angry": "Two."})

    assert f"?\t{ANGRY}\tdiverged" in shell("promote", "--dry-run", code=1)
    assert "decide first" in shell("promote", code=1)
    shell("promote", "--keep-production", "aria/angry", code=0)
    assert shell.text() == "Mended."
    assert "hold the same" in shell("promote", "--dry-run", code=1)


def test_wrong_names_are_told(shell: Shell) -> None:
    """A path that is no document is a misuse; one that doesn't differ is not there."""
    assert "name it as" in shell("promote", "--only", "../etc/passwd", code=2)
    assert "no document that differs" in shell("promote", "--only", "aria/idle", code=1)
    assert "no commit, tag" in shell("rollback", "--only", "aria/idle", "--", "-x", code=2)


def test_only_what_was_named_is_listed(shell: Shell) -> None:
    """A dry run of some shows those; a default is named as people call it."""
    said = shell("promote", "--only", "defaults/idle", "--dry-run")

    assert "→\tdefaults/idle.yaml\tahead\tnone\t1" in said
    assert "aria/angry" not in said
    assert "1 of 3 would be promoted" in said
    assert shell("promote", "--only", "defaults/idle").startswith("Promoted 1 document")


def test_the_log_of_production_tells_deployments(shell: Shell) -> None:
    """What each commit did, when, by whom, and its tag; also as JSON and from a commit on."""
    tag = shell.json("promote", "--reason", "Go live")["promotion"]
    back = shell.json("rollback", tag, "--only", "aria/angry", "--reason", "Too loud")["promotion"]

    rows = [line.split("\t") for line in shell("log", "--environment", "production").splitlines()]
    told = shell.json("log", "--environment", "production", "--limit", "2")

    assert [(row[0], row[5], row[6]) for row in rows[:2]] == [
        ("rolled back", "Too loud", back),
        ("promoted", "Go live", tag),
    ]
    assert rows[-1][0] == "began"
    assert [(each["did"], each["tag"]) for each in told] == [
        ("rolled back", back),
        ("promoted", tag),
    ]
    earlier = shell.json("log", "--environment", "production", "--at", tag)
    assert earlier[0]["tag"] == tag
    assert earlier[0]["source"]
    at_staging = shell.json("log", "--environment", "production", "--at", earlier[0]["source"])
    assert at_staging[0]["reason"] == "Begin"
