"""The repository's verbs, called as a person or a program calls them."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from prompt_repo import cli_output
from prompt_repo.cli import VERBS, main
from prompt_repo.editing import Edit, save
from prompt_repo.errors import Problem
from prompt_repo.model import PromptKey
from prompt_repo.repository import STAGING, Repository
from prompt_repo.validation import Finding, Severity
from tests.factories import SAM, make_repository, put
from webapp.cli import main as program

FOUND_WRONG, USED_WRONG = 1, 2


@dataclass
class Shell:
    """Runs verbs on one data folder."""

    folder: Path

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        """What a verb printed; it must end with `code`."""
        result = CliRunner().invoke(main, ["--data", str(self.folder), *arguments])
        assert code == result.exit_code, result.output + repr(result.exception)
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a verb printed for a program."""
        return json.loads(self(*arguments, code=code).stdout)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in an empty data folder."""
    return Shell(tmp_path)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `stocked` is a copy of."""
    repository = make_repository(tmp_path_factory.mktemp("stock"), ("aria", "bolt"), light="dusk")
    put(repository, {"aria/angry": "One, {light}.\n", "defaults/idle": "Waits."}, "Begin")
    put(repository, {"aria/angry": "Two, {light}.\n"}, "Colder")
    put(repository, {"aria/angry": "Three, {light}.\n"}, "Warmer again\n\nFor the pilot.")
    return repository.store.path


@pytest.fixture
def stocked(shell: Shell, stock: Path) -> Repository:
    """Aria with three versions of angry, a default of idle; bolt with nothing."""
    return Repository.open(shutil.copytree(stock, shell.folder / "prompts.git"))


@pytest.fixture
def work_tree(stocked: Repository, tmp_path: Path, git: Callable[..., str]) -> Path:
    """A clone of the stocked repository, where people edit by hand."""
    git(tmp_path, "clone", "-q", "--branch", "staging", str(stocked.store.path), "clone")
    return tmp_path / "clone"


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: str(verb.name))
def test_every_verb_explains_itself_by_an_example(verb: click.Command) -> None:
    """`--help` shows a command line that names the verb."""
    result = CliRunner().invoke(main, [str(verb.name), "--help"])

    assert 0 == result.exit_code
    assert "Example:\n    prompt-repo " in result.output
    assert f" {verb.name}" in result.output.partition("Example:")[2]


@pytest.mark.parametrize(
    "verb",
    [verb for verb in VERBS if verb.name != "merge-driver"],  # git calls it, by its exit code
    ids=lambda verb: str(verb.name),
)
def test_every_verb_speaks_to_programs(verb: click.Command) -> None:
    """By `--json`, or `--format json`."""
    options = {name for parameter in verb.params for name in parameter.opts}

    assert options & {"--json", "--format"}


@pytest.mark.parametrize(
    "arguments", [["log"], ["show", "aria/idle"], ["validate"], ["reindex"], ["fsck"], ["diff"]]
)
def test_an_empty_folder_is_a_misuse(shell: Shell, arguments: list[str]) -> None:
    """The message names the verb that makes a repository."""
    result = shell(*arguments, code=USED_WRONG)

    assert "prompt-repo init" in result.stderr
    assert "" == result.stdout


@pytest.mark.parametrize(("preset", "count"), [("basic", 7), ("goemotions", 28)])
def test_init_begins_with_a_list_of_emotions(shell: Shell, preset: str, count: int) -> None:
    """Seven of them, or the GoEmotions labels; what it makes is sound."""
    made = shell.json("init", "--preset", preset, "--json")

    assert count == len(made["emotions"])
    assert made["commit"] == Repository.open(shell.folder / "prompts.git").head(STAGING)
    assert shell.json("fsck", "--json")["sound"]


def test_init_names_who_began(shell: Shell) -> None:
    """The author of the first commit."""
    shell("init", "--author", "Kim Osei <kim@studio.example>")

    assert "Kim Osei" == shell.json("log", "--json")[0]["author"]["name"]


@pytest.mark.parametrize("author", ["Kim", "<kim@x>", "Kim <kim@x", "K\n <k@x>", "K <k<@x>"])
def test_init_refuses_an_author_git_could_not_name(shell: Shell, author: str) -> None:
    """Before anything is made."""
    shell("init", "--author", author, code=USED_WRONG)

    assert not (shell.folder / "prompts.git").exists()


def test_init_leaves_a_repository_alone(shell: Shell, stocked: Repository) -> None:
    """What stands there is not overwritten."""
    before = stocked.head(STAGING)
    shell("init", code=USED_WRONG)

    assert before == stocked.head(STAGING)


def test_log_lists_versions_newest_first(shell: Shell, stocked: Repository) -> None:
    """A line each, with tabs between, and the first line of the reason."""
    rows = [line.split("\t") for line in shell("log", "aria/angry").stdout.splitlines()]

    assert ["3", "2", "1"] == [row[0] for row in rows]
    assert ["Sam Byrne", "Warmer again"] == rows[0][3:]


@pytest.mark.parametrize(
    "name", ["aria/angry", "characters/aria/angry.yaml"], ids=["short", "path"]
)
def test_log_takes_a_name_or_a_path(shell: Shell, stocked: Repository, name: str) -> None:
    """Both mean the same prompt."""
    versions = shell.json("log", name, "--json", "--limit", "2")

    assert [3, 2] == [each["version"] for each in versions]
    assert stocked.head(STAGING) == versions[0]["commit"]


def test_log_of_an_environment_lists_commits(shell: Shell, stocked: Repository) -> None:
    """With the files each of them changed."""
    commits = shell.json("log", "--json")

    assert ["characters/aria/angry.yaml"] == commits[0]["paths"]
    assert "Begin the prompt repository" == commits[-1]["reason"]
    assert 1 == len(shell("log", "--environment", "production").stdout.splitlines())


def test_log_shows_removals(shell: Shell, stocked: Repository) -> None:
    """Removing is a version."""
    put(stocked, {"aria/angry": None}, "Gone")

    assert shell("log", "aria/angry").stdout.startswith("4 (removed)\t")


def test_a_reason_cannot_steer_a_terminal(shell: Shell, stocked: Repository) -> None:
    """Control characters from a push show as escapes."""
    stocked.store.write(
        STAGING, stocked.head(STAGING), {}, author=SAM, message="\x1b[2Jwiped \u202e reversed"
    )

    assert "\\x1b[2Jwiped \\u202e reversed" in shell("log", "--limit", "1").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "nobody/idle"], "no character 'nobody'"),
        (["show", "aria/bored"], "valid are idle, happy, angry"),
        (["show", "aria/happy"], "no prompt at characters/aria/happy.yaml"),
        (["show", "aria/angry", "--version", "9"], "no version 9"),
        (["show", "aria/angry", "--at", "v1"], "'v1' is no commit, tag or time"),
        (["show", "aria/angry", "--environment", "--help"], "--help"),
        (["show", "Aria/angry"], "no valid character id"),
        (["show", "aria"], "name it as aria/angry"),
        (["show"], "Missing argument"),
        (["log", "bolt/angry"], "no prompt at"),
        (["log", "--limit", "0"], "not in the range"),
        (["diff", "aria/angry", "--from", "9"], "no version 9"),
        (["diff", "bolt/angry"], "no prompt at"),
        (["diff", "--from", "nowhere"], "'nowhere' is no commit"),
        (["validate", "--ref", "-x"], "'-x' is no commit"),
        (["validate", "--format", "xml"], "not one of"),
        (["validate", "/nonexistent"], "does not exist"),
        (["validate", ".", "--ref", "staging"], "not both"),
        (["frobnicate"], "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse_ends_with_2_and_a_sentence(
    shell: Shell, stocked: Repository, arguments: list[str], said: str
) -> None:
    """On standard error, without a trace of where in the code it was found."""
    result = shell(*arguments, code=USED_WRONG)

    assert said in result.stderr
    assert "Traceback" not in result.output


def test_show_prints_the_text_exactly(shell: Shell, stocked: Repository) -> None:
    """Not a byte more, so that it can be piped."""
    assert "Three, {light}.\n" == shell("show", "aria/angry").stdout
    assert "Three, dusk.\n" == shell("show", "aria/angry", "--resolved").stdout
    assert "Waits." == shell("show", "defaults/idle").stdout


def test_show_falls_back_to_the_default_and_says_so(shell: Shell, stocked: Repository) -> None:
    """The remark goes to standard error."""
    result = shell("show", "bolt/idle")
    shown = shell.json("show", "bolt/idle", "--json")

    assert ("Waits.", True) == (result.stdout, "default" in result.stderr)
    assert ("global", True, "bolt") == (shown["source"], shown["is_default"], shown["character"])


def test_show_of_an_earlier_version(shell: Shell, stocked: Repository) -> None:
    """By its number, or by a commit at which it stood."""
    first = shell.json("log", "aria/angry", "--json")[-1]["commit"]

    assert "One, {light}.\n" == shell("show", "aria/angry", "--version", "1").stdout
    assert "One, {light}.\n" == shell("show", "aria/angry", "--at", first).stdout


def test_show_of_a_removal_has_no_text(shell: Shell, stocked: Repository) -> None:
    """The version exists; its text does not."""
    put(stocked, {"aria/angry": None}, "Gone")

    assert "removal" in shell("show", "aria/angry", "--version", "4", code=USED_WRONG).stderr


def test_show_tells_programs_all(shell: Shell, stocked: Repository) -> None:
    """Text, resolved text, version, author, variables."""
    save(stocked, STAGING, [Edit(PromptKey("aria", "idle"), "{emotion} {cote}")], SAM, "")
    shown = shell.json("show", "aria/idle", "--json")

    assert ("{emotion} {cote}", "idle {cote}") == (shown["prompt_text"], shown["resolved_text"])
    assert (1, "character", ["cote"]) == (
        shown["version"],
        shown["source"],
        shown["unknown_variables"],
    )
    assert {"name": "Sam Byrne", "email": "sam@studio.example"} == shown["created_by"]


def test_diff_compares_with_the_version_before(shell: Shell, stocked: Repository) -> None:
    """As a unified diff of the text."""
    lines = shell("diff", "aria/angry").stdout.splitlines()

    assert "--- characters/aria/angry.yaml (version 2)" == lines[0]
    assert {"-Two, {light}.", "+Three, {light}."} < set(lines)


def test_diff_between_numbers(shell: Shell, stocked: Repository) -> None:
    """And counts lines for programs."""
    (found,) = shell.json("diff", "aria/angry", "--from", "1", "--to", "2", "--json")["files"]

    assert ("One, {light}.\n", "Two, {light}.\n") == (found["old"], found["new"])
    assert (1, 1) == (found["lines_added"], found["lines_removed"])


def test_diff_of_a_broken_version_shows_what_its_file_holds(
    shell: Shell, stocked: Repository
) -> None:
    """So that who mends it sees what plain git did to it."""
    path, head = "characters/aria/angry.yaml", stocked.head(STAGING)
    stocked.store.write(STAGING, head, {path: b"prompt: 12\n"}, author=SAM, message="By hand")

    lines = shell("diff", "aria/angry").stdout.splitlines()

    assert "-Three, {light}." in lines
    assert "+prompt: 12" in lines


def test_diff_of_a_first_version_is_all_new(shell: Shell, stocked: Repository) -> None:
    """There is nothing before it."""
    (found,) = shell.json("diff", "defaults/idle", "--json")["files"]

    assert (None, "Waits.") == (found["old"], found["new"])


def test_diff_of_environments(shell: Shell, stocked: Repository) -> None:
    """Every file that differs between production and staging."""
    found = shell.json("diff", "--json")

    assert ("production", "staging") == (found["from"], found["to"])
    assert "characters/aria/angry.yaml" in [each["path"] for each in found["files"]]
    assert "+++ defaults/idle.yaml (staging)" in shell("diff").stdout


def test_reindex_counts_commits(shell: Shell, stocked: Repository) -> None:
    """The index is derived: after deleting it, the same versions are there."""
    before = shell.json("log", "aria/angry", "--json")
    (stocked.store.path / "prompt-repo" / "history.sqlite3").unlink()

    assert len(shell.json("log", "--json")) == shell.json("reindex", "--json")["commits"]
    assert before == shell.json("log", "aria/angry", "--json")


def test_fsck_finds_a_broken_document(shell: Shell, stocked: Repository) -> None:
    """One that got in past every check; the branch is named."""
    broken = {"defaults/happy.yaml": b"prompt: 5\n"}
    stocked.store.write(STAGING, stocked.head(STAGING), broken, author=SAM, message="x")

    found = shell.json("fsck", "--json", code=FOUND_WRONG)

    assert ["staging: defaults/happy.yaml:1:9: prompt"] == [
        each.rpartition(": ")[0] for each in found["problems"]
    ]


def test_fsck_finds_a_lost_object(shell: Shell, stocked: Repository) -> None:
    """Git's own check comes first."""
    blob = dict(stocked.store.files(stocked.head(STAGING)))["defaults/idle.yaml"]
    (stocked.store.path / "objects" / blob[:2] / blob[2:]).unlink()

    assert "git: " in shell("fsck", code=FOUND_WRONG).stdout


def test_validate_of_what_is_committed(shell: Shell, stocked: Repository) -> None:
    """Staging, where nothing else is named."""
    found = shell.json("validate", "--format", "json")

    assert (True, stocked.head(STAGING)) == (found["valid"], found["commit"])
    assert 0 == shell("validate", "--ref", "production").exit_code


def test_validate_of_a_work_tree(shell: Shell, work_tree: Path) -> None:
    """Edits that aren't committed count; Git's own folder does not."""
    (work_tree / "characters/aria/bored.yaml").write_text("prompt: x\n")
    (work_tree / "characters/aria/angry.yaml").write_text("prompt: |-\n  {cote}\n")

    lines = shell("validate", str(work_tree), code=FOUND_WRONG).stdout.splitlines()

    assert [
        f"{work_tree}/characters/aria/angry.yaml:2:3: warning: "
        "prompt: {cote} is no variable here",
        f"{work_tree}/characters/aria/bored.yaml:1:1: 'bored' is not an emotion here; "
        "valid are idle, happy, angry (listed at prompts.yaml:2:1)",
    ] == lines


def test_validate_strict(shell: Shell, stocked: Repository) -> None:
    """An unknown variable passes, unless asked not to."""
    put(stocked, {"aria/idle": "{cote}"})

    assert 1 == shell.json("validate", "--format", "json")["warnings"]
    assert 1 == shell.json("validate", "--format", "json", "--strict", code=1)["errors"]


def test_validate_here_names_files_from_here(
    shell: Shell, work_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a workflow in the checkout does; GitHub finds the file by its path."""
    (work_tree / "defaults/idle.yaml").write_text("prompt: 5\n")
    monkeypatch.chdir(work_tree)

    (line,) = shell("validate", ".", "--format", "github", code=1).stdout.splitlines()

    assert line.startswith("::error file=defaults/idle.yaml,line=1,col=9::prompt: ")


def test_validate_does_not_follow_links(shell: Shell, work_tree: Path, tmp_path: Path) -> None:
    """A link to a file outside is an error, and what it leads to is not read."""
    secret = tmp_path / "secret"
    secret.write_text("password")
    (work_tree / "defaults/idle.yaml").unlink()
    (work_tree / "defaults/idle.yaml").symlink_to(secret)
    (work_tree / "characters/out").symlink_to(tmp_path)

    result = shell("validate", str(work_tree), code=FOUND_WRONG)

    assert 2 == result.stdout.count("is a symbolic link")
    assert "password" not in result.output


def test_validate_prints_any_file_name(shell: Shell, work_tree: Path) -> None:
    """Bytes that are no text, and characters a terminal would obey, show as escapes."""
    name = (b"a\x1b[31m\nb\xff").decode(errors="surrogateescape")
    (work_tree / name).write_text("")

    assert "a\\x1b[31m\\nb\\udcff" in shell("validate", str(work_tree), code=1).stdout
    assert (
        name
        == shell.json("validate", str(work_tree), "--format", "json", code=1)["problems"][0]["path"]
    )


def test_validate_sees_what_is_no_file(
    shell: Shell, stocked: Repository, git: Callable[..., str]
) -> None:
    """A commit with a link, a submodule, a foreign file: each is named, in fsck too."""
    tree = git(stocked.store.path, "ls-tree", STAGING)
    blob = git(stocked.store.path, "hash-object", "-w", "--stdin", text="/etc/passwd").strip()
    tree += f"120000 blob {blob}\tlink.yaml\n160000 commit {'1' * 40}\tvendored\n"
    tree += f"100644 blob {blob}\tREADME\n"
    made = git(stocked.store.path, "mktree", "--missing", text=tree).strip()
    commit = git(stocked.store.path, "commit-tree", made, "-p", STAGING, "-m", "Odd things").strip()
    git(stocked.store.path, "update-ref", "refs/heads/staging", commit)

    found = shell.json("validate", "--format", "json", code=FOUND_WRONG)["problems"]

    assert ["README", "link.yaml", "vendored"] == [each["path"] for each in found]
    assert ["no document", "is a symbolic link", "is a submodule"] == [
        " ".join(each["message"].replace(";", "").split()[:count])
        for each, count in zip(found, (2, 4, 3), strict=True)
    ]
    assert 3 == len(shell.json("fsck", "--json", code=FOUND_WRONG)["problems"])


def test_validate_sees_pipes_and_the_like(shell: Shell, work_tree: Path) -> None:
    """What is neither file nor folder is named, and not waited for."""
    os.mkfifo(work_tree / "defaults/happy.yaml")

    lines = shell("validate", str(work_tree), code=FOUND_WRONG).stdout

    assert f"{work_tree}/defaults/happy.yaml:1:1: is neither file nor folder" in lines


@pytest.mark.parametrize(
    "name", ["HEAD", "staging~1", "origin/production", "refs/heads/staging", "changes/x", "v1"]
)
def test_validate_takes_the_names_git_takes(
    stocked: Repository, work_tree: Path, git: Callable[..., str], name: str
) -> None:
    """A commit by any name a clone has for it."""
    git(work_tree, "branch", "changes/x", "staging~1")
    git(work_tree, "tag", "-a", "-m", "First", "v1", "staging")

    result = validated(work_tree, name)

    assert 0 == result.exit_code, result.output
    assert git(work_tree, "rev-parse", f"{name}^{{commit}}").strip() in result.stdout


@pytest.mark.parametrize(
    "name",
    [
        "--upload-pack=x",
        "-x",
        "staging..production",
        "@{-1}",
        "@",
        "nowhere",
        ":/Begin",
        "staging:defaults",
        "../staging",
        "staging@{0}",
        "--",
        "a//b",
        "staging^{tree}",
        "staging.lock",
        "",
        "a\nb",
        "x" * 500,
        "café",
    ],
)
def test_validate_refuses_other_names(stocked: Repository, work_tree: Path, name: str) -> None:
    """Ranges, options, logs of refs and whatever nobody has heard of are a misuse."""
    result = validated(work_tree, name)

    assert USED_WRONG == result.exit_code, result.output
    assert "Traceback" not in result.output


def validated(work_tree: Path, name: str) -> Result:
    """What `validate --ref` says of a clone."""
    arguments = ["validate", f"--ref={name}", "--format", "json"]
    return CliRunner().invoke(main, ["--repository", str(work_tree), *arguments])


def test_a_clone_knows_the_branches_it_fetched(work_tree: Path) -> None:
    """A fresh clone has one branch of its own; the others stand as they are at origin."""
    clone = ["--repository", str(work_tree)]
    compared = CliRunner().invoke(main, [*clone, "diff", "--json"])
    logged = CliRunner().invoke(main, [*clone, "log", "--environment", "production", "--json"])

    assert ["characters/aria/angry.yaml", "characters/aria/character.yaml"] == [
        each["path"] for each in json.loads(compared.stdout)["files"]
    ][:2]
    assert ["Begin the prompt repository"] == [each["reason"] for each in json.loads(logged.stdout)]


def test_a_branch_begun_in_a_clone_follows_the_one_it_fetched(work_tree: Path) -> None:
    """A commit on it goes on where origin is, as git's own checkout does."""
    store = Repository.open(work_tree).store
    fetched = store.head("production")

    made = store.write("production", fetched, {"x": b""}, author=SAM, message="x")

    assert (fetched,) == made.parents
    assert made.oid == store.head("production")


def test_a_worktree_of_a_clone_has_its_own_head(
    stocked: Repository, work_tree: Path, tmp_path: Path, git: Callable[..., str]
) -> None:
    """HEAD is the one of the folder that was named."""
    git(work_tree, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "staging~2")

    result = validated(tmp_path / "linked", "HEAD")

    assert git(work_tree, "rev-parse", "staging~2").strip() in result.stdout


def test_what_log_shows_show_takes(shell: Shell, stocked: Repository) -> None:
    """The nine digits of a commit are enough, in `--at` as in `diff`."""
    rows = [line.split("\t") for line in shell("log", "aria/angry").stdout.splitlines()]
    short = rows[2][1]

    assert "One, {light}.\n" == shell("show", "aria/angry", "--at", short).stdout
    assert "+Three" in shell("diff", "aria/angry", "--from", short).stdout
    assert "version" in shell("log", "aria/angry", "--at", short, "--json").stdout
    shell("show", "aria/angry", "--at", "0" * 9, code=USED_WRONG)


def test_verbs_work_on_a_clone(work_tree: Path) -> None:
    """`--repository` names it instead of a data folder."""
    result = CliRunner().invoke(main, ["--repository", str(work_tree), "log", "aria/angry"])

    assert (0, 3) == (result.exit_code, len(result.stdout.splitlines()))


@pytest.mark.parametrize(
    "arguments", [["log", "aria/angry"], ["show", "aria/angry"], ["validate"], ["fsck"]]
)
def test_what_the_system_refuses_is_a_sentence(
    shell: Shell, stocked: Repository, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """A file that may not be read, a disk that is full: no traceback, and exit code 1."""
    refused = PermissionError(errno.EACCES, "Permission denied", "/srv/prompts.git/HEAD")
    monkeypatch.setattr("prompt_repo.repository.Repository.open", fails_with(refused))

    result = shell(*arguments, code=FOUND_WRONG)

    assert "Error: /srv/prompts.git/HEAD can't be used: Permission denied\n" == result.stderr


def fails_with(error: Exception) -> Callable[..., None]:
    """A function that does nothing but raise."""

    def fail(*_: object) -> None:
        raise error

    return fail


def test_an_index_another_holds_is_a_sentence(
    shell: Shell, stocked: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After waiting, the file is named; it is not thrown away."""
    monkeypatch.setattr("prompt_repo.history_tables.WAIT", 0)
    shell("log", "aria/angry")
    file = stocked.store.derived / "history.sqlite3"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    said = shell("reindex", code=FOUND_WRONG).stderr
    other.execute("ROLLBACK")
    other.close()

    assert f"Error: {file} can't be used: database is locked\n" == said
    shell("reindex")


@pytest.mark.parametrize("group", [main, program], ids=["repository", "program"])
def test_help_fits_a_terminal(group: click.Group) -> None:
    """Eighty columns hold every verb's summary, none of them cut short."""
    said = CliRunner().invoke(group, ["--help"], terminal_width=80).output

    assert [] == [line for line in said.splitlines()[1:] if line.endswith("...") or len(line) > 80]


def test_the_version_is_told() -> None:
    """That of the package."""
    said = CliRunner().invoke(main, ["--version"], prog_name="prompt-repo").output

    assert f"prompt-repo {metadata.version('prompt-repo')}\n" == said


@pytest.mark.parametrize("verb", ["log", "show"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("aria/bored", "'bored' is not an emotion here; valid are idle, happy, angry"),
        ("zed/happy", "there is no character 'zed'"),
        ("bolt/happy", "there is no prompt at characters/bolt/happy.yaml"),
        ("defaults/bored", "'bored' is not an emotion here"),
    ],
)
def test_a_prompt_that_is_not_there_is_said(
    shell: Shell, stocked: Repository, verb: str, name: str, said: str
) -> None:
    """Whichever part of its name nobody knows, with what would be valid."""
    assert said in shell(verb, name, code=USED_WRONG).stderr


def test_a_commit_of_another_environment_is_said(shell: Shell, stocked: Repository) -> None:
    """It is one, but not one that staging ever held; nor did it exist in the year 1."""
    other = stocked.store.write(
        "changes/x", None, {"x": b""}, author=SAM, message="x", extra_parents=()
    )

    assert "staging held nothing at" in shell("log", "--at", other.oid[:9], code=2).stderr
    assert "staging held nothing at" in shell("log", "--at", "0001-01-01", code=2).stderr


def test_a_repository_without_staging_is_not_sound(shell: Shell, git: Callable[..., str]) -> None:
    """An empty one, or somebody else's: the branch that is missing is named."""
    git(shell.folder, "init", "-q", "--bare", "prompts.git")

    assert ["there is no branch 'staging', so this is no prompt repository yet"] == (
        shell.json("fsck", "--json", code=FOUND_WRONG)["problems"]
    )
    assert "there is no branch 'staging' here" in shell("log", code=USED_WRONG).stderr
    assert (
        "there is no branch 'changes/x'"
        in shell("log", "--environment", "changes/x", code=USED_WRONG).stderr
    )


def test_a_shallow_clone_is_told_that_it_is_one(
    stocked: Repository, tmp_path: Path, git: Callable[..., str]
) -> None:
    """Its numbers begin where it was cut off; programs get them all the same."""
    url = f"file://{stocked.store.path}"
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "staging", url, "shallow")
    where = ["--repository", str(tmp_path / "shallow")]

    result = CliRunner().invoke(main, [*where, "log", "aria/angry", "--json"])

    assert [1] == [each["version"] for each in json.loads(result.stdout)]
    assert "git fetch --unshallow" in result.stderr
    assert "" == CliRunner().invoke(main, [*where, "fsck"]).stderr


def test_a_lost_parent_is_damage(
    shell: Shell, stocked: Repository, git: Callable[..., str]
) -> None:
    """Not a misuse: nobody asked for that commit."""
    text = git(stocked.store.path, "cat-file", "commit", STAGING)
    lost = text.replace(str(stocked.store.commit(stocked.head(STAGING)).parents[0]), "1" * 40)
    oid = git(stocked.store.path, "hash-object", "-t", "commit", "-w", "--stdin", text=lost)
    (stocked.store.path / "refs/heads/staging").write_text(oid)

    assert f"commit {'1' * 40} is missing" in shell("log", code=FOUND_WRONG).stderr
    assert f"commit {'1' * 40} is missing" in shell("log", "aria/angry", code=FOUND_WRONG).stderr
    shell("fsck", code=FOUND_WRONG)


def test_one_is_said_as_one(shell: Shell, stocked: Repository) -> None:
    """Not as `1 errors`."""
    broken = {"defaults/happy.yaml": b"prompt: 5\n"}
    stocked.store.write(STAGING, stocked.head(STAGING), broken, author=SAM, message="x")

    assert "6 files, 1 error, 0 warnings\n" == shell("validate", code=FOUND_WRONG).stderr


def test_an_annotation_escapes_what_ends_it() -> None:
    """Per cent, line ends, and in the properties colons and commas."""
    problem = Problem("a,b:c%.yaml", "100 %\r\nnext", 3, 4, "prompt")

    assert (
        "::warning file=a%2Cb%3Ac%25.yaml,line=3,col=4::prompt: 100 %25%0D%0Anext"
        == cli_output.annotation(Finding(problem, Severity.WARNING))
    )


def test_the_program_ends_quietly_when_nobody_reads(stocked: Repository) -> None:
    """`prompt-repo log | head -1` shows no trace of the code."""
    code = "from prompt_repo.cli import main; main(prog_name='prompt-repo')"
    where = ["--data", str(stocked.store.path.parent)]
    command = [sys.executable, "-c", code, *where, "show", "aria/angry"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        said = process.stderr.read() if process.stderr else None

    assert b"" == said


def test_a_terminal_gets_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a heading; square brackets in a reason are no markup."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    cli_output.echo_rows([{"version": "3", "reason": "[red]Warmer[/red]"}])

    heading, row = capsys.readouterr().out.splitlines()
    assert ["version", "reason"] == heading.split()
    assert ["3", "[red]Warmer[/red]"] == row.split()


def test_a_terminal_is_not_steered_by_a_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What reverses the direction of writing shows as an escape, and the last line ends."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    cli_output.echo_text("One.\n\u202eTwo.")

    assert "One.\n\\u202eTwo.\n" == capsys.readouterr().out
