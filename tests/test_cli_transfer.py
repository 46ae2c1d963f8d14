"""The verbs export and import, as a person or a program calls them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from prompt_repo import cli_import
from prompt_repo.cli import main
from prompt_repo.model import PromptKey
from prompt_repo.repository import STAGING, Repository
from tests.factories import make_repository, put


def run(folder: Path, *arguments: str, code: int = 0, stdin: bytes | None = None) -> Result:
    """What a verb printed on a data folder; it must end with `code`."""
    result = CliRunner().invoke(main, ["--data", str(folder), *arguments], input=stdin)
    assert code == result.exit_code, result.output + repr(result.exception)
    return result


def told(folder: Path, *arguments: str, code: int = 0) -> Any:
    """What a verb printed for a program."""
    return json.loads(run(folder, *arguments, "--json", code=code).stdout)


@pytest.fixture
def stocked(tmp_path: Path) -> Repository:
    """Aria with two versions of angry, a default of idle."""
    repository = make_repository(tmp_path, ("aria", "bolt"), light="dusk")
    put(repository, {"aria/angry": "One, {light}.\n", "defaults/idle": "Waits."}, "Begin")
    put(repository, {"aria/angry": "Two, {light}.\n"}, "Colder")
    return repository


def text(repository: Repository, name: str) -> str | None:
    who, _, emotion = name.partition("/")
    stored = repository.current(STAGING).stored(PromptKey(who, emotion))
    return stored.prompt.text if stored else None


def test_export_writes_to_a_file_or_to_standard_output(stocked: Repository, tmp_path: Path) -> None:
    """Both hold the same items; the file is whole or not there."""
    file = tmp_path / "out.json"

    run(tmp_path, "export", "--format", "json", "-o", str(file))
    printed = json.loads(run(tmp_path, "export", "--format", "json", "-o", "-").stdout)

    saved = json.loads(file.read_text())
    assert saved["items"] == printed["items"]
    assert stocked.head(STAGING) == saved["header"]["commit"]
    assert "staging" == saved["header"]["environment"]
    assert [file] == list(tmp_path.glob("*out*"))


def test_export_of_an_earlier_commit_and_of_some(stocked: Repository, tmp_path: Path) -> None:
    """What is chosen, as it was at a commit."""
    before = stocked.store.parents(stocked.head(STAGING))[0]
    chosen = ("--character", "aria", "--emotion", "angry", "--source", "character")

    found = json.loads(run(tmp_path, "export", "--at", before, *chosen).stdout)

    texts = [item["prompt_text"] for item in found["items"] if item["kind"] == "prompt"]
    assert ["One, {light}.\n"] == texts


@pytest.mark.parametrize(
    ("option", "name"), [("--character", "nobody"), ("--emotion", "nothing"), ("--at", "f" * 40)]
)
def test_export_refuses_what_is_not_there(
    stocked: Repository, tmp_path: Path, option: str, name: str
) -> None:
    """An unknown choice is told of, and nothing is written."""
    file = tmp_path / "out.json"

    result = run(tmp_path, "export", option, name, "-o", str(file), code=2)

    assert name in result.stderr
    assert [] == list(tmp_path.glob("*out*"))


def test_an_export_imports_again(stocked: Repository, tmp_path: Path) -> None:
    """With versions, into an empty repository: the same versions."""
    file = tmp_path / "all.json"
    run(tmp_path, "export", "--versions", "-o", str(file))
    other = tmp_path / "other"
    run(other, "init")

    found = told(other, "import", str(file))

    assert found["imported"]["documents"] == len(found["items"])
    repository = Repository.open(other / "prompts.git")
    now = repository.current(STAGING)
    stored = now.stored(PromptKey("aria", "angry"))
    assert stored is not None
    assert ("Two, {light}.\n", 2) == (stored.prompt.text, stored.held.number)
    assert "Nothing to import" in run(other, "import", str(file)).stdout


def test_a_dry_run_changes_nothing_and_shows_diffs(stocked: Repository, tmp_path: Path) -> None:
    """It says what would change, and the head stays."""
    head = stocked.head(STAGING)
    file = tmp_path / "edited.csv"
    file.write_text("character,emotion,prompt_text\naria,angry,Three\nbolt,idle,New\n")

    result = run(tmp_path, "import", str(file), "--base", head, "--dry-run", "--diff")

    assert "-Two, {light}.\n+Three" in result.stdout
    assert "1 create" in result.stdout
    assert "1 update" in result.stdout
    assert head == stocked.head(STAGING)


def test_conflicts_wait_for_a_strategy(stocked: Repository, tmp_path: Path) -> None:
    """Without one nothing is imported, not even what is new; with one, all of it."""
    head = stocked.head(STAGING)
    file = tmp_path / "sheet.csv"
    file.write_text("character,emotion,prompt_text\naria,angry,Three\nbolt,idle,New\n")

    waiting = told(tmp_path, "import", str(file), code=1)
    assert ["characters/aria/angry.yaml"] == waiting["undecided"]
    assert head == stocked.head(STAGING)

    decided = "characters/aria/angry.yaml=overwrite"
    done = told(tmp_path, "import", str(file), "--decide", decided)["imported"]
    assert (2, 1) == (done["documents"], done["commits"])


def test_a_wrong_file_is_told_with_its_places(stocked: Repository, tmp_path: Path) -> None:
    """Each error has line, column and field, for people and for programs; nothing is imported."""
    file = tmp_path / "wrong.csv"
    file.write_text("character;emotion;prompt_text\naria;angry;\nAria;sad;x\nbolt;bored;x\n")

    result = run(tmp_path, "import", str(file), code=1)
    found = told(tmp_path, "import", str(file), code=1)

    assert "wrong.csv:2:3: prompt_text: the text is empty" in result.stderr
    assert "wrong.csv:3:1: character: 'Aria' is no character's id" in result.stderr
    assert [(2, 3), (3, 1)] == [(each["line"], each["column"]) for each in found["problems"]]


def test_import_reads_standard_input(stocked: Repository, tmp_path: Path) -> None:
    """`-` is what another program sends."""
    sheet = b"character\temotion\tprompt_text\nbolt\tidle\tNew\n"

    result = run(tmp_path, "import", "-", stdin=sheet)

    assert "Imported 1 document in 1 commit" in result.stdout


def test_production_moves_by_promotion_only(stocked: Repository, tmp_path: Path) -> None:
    """An import onto production is refused with what to do instead."""
    file = tmp_path / "sheet.csv"
    file.write_text("character,emotion,prompt_text\n,idle,New\n")

    result = run(tmp_path, "import", str(file), "--environment", "production", code=1)

    assert "promot" in result.stderr


def test_a_bundle_is_what_git_clones(stocked: Repository, tmp_path: Path) -> None:
    """All of the history in one file; what chooses a part of it is refused."""
    file = tmp_path / "prompts.bundle"

    run(tmp_path, "export", "--format", "bundle", "-o", str(file))
    chosen = run(tmp_path, "export", "--format", "bundle", "--versions", code=2)

    assert "takes no choices" in chosen.output
    command = ["git", "clone", "-q", "--branch", "staging", str(file), str(tmp_path / "clone")]
    subprocess.run(command, check=True)
    head = ["git", "-C", str(tmp_path / "clone"), "rev-parse", "HEAD"]
    assert stocked.head(STAGING) == subprocess.check_output(head, text=True).strip()


def test_what_moves_meanwhile_is_planned_anew(
    stocked: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and does what was decided about what stands now."""
    base = stocked.head(STAGING)
    file = tmp_path / "sheet.csv"
    file.write_text("character,emotion,prompt_text\naria,angry,Sheet\n")
    carry_out, edits = cli_import.apply, ["Meanwhile"]

    def late(*given: Any) -> Any:
        if edits:
            put(stocked, {"aria/angry": edits.pop(0)})
        return carry_out(*given)

    monkeypatch.setattr(cli_import, "apply", late)
    stopped = run(tmp_path, "import", str(file), "--base", base, code=1)
    assert "staging moved meanwhile (characters/aria/angry.yaml); planning anew" in stopped.stderr
    assert "1 to decide first" in stopped.stdout
    assert "Meanwhile" == text(stocked, "aria/angry")

    edits.append("Once more")
    done = run(tmp_path, "import", str(file), "--base", base, "--strategy", "overwrite")
    assert "planning anew" in done.stderr
    assert "Sheet" == text(stocked, "aria/angry")


def test_an_import_may_be_held_to_the_commit_of_its_dry_run(
    stocked: Repository, tmp_path: Path
) -> None:
    """Where that moved, the new plan is shown, and nothing is imported."""
    file = tmp_path / "sheet.csv"
    file.write_text("character,emotion,prompt_text\naria,angry,Sheet\n")
    dry = told(tmp_path, "import", str(file), "--strategy", "overwrite", "--dry-run")
    put(stocked, {"aria/angry": "Meanwhile"})
    held = ("import", str(file), "--strategy", "overwrite", "--json", "--commit")

    moved = run(tmp_path, *held, dry["commit"], code=1)
    plan = json.loads(moved.stdout)

    assert plan["imported"] is None
    assert "staging moved since this import was planned" in moved.stderr
    assert "characters/aria/angry.yaml" in moved.stderr
    assert stocked.head(STAGING) == plan["commit"]
    run(tmp_path, *held, plan["commit"])
    assert "Sheet" == text(stocked, "aria/angry")
