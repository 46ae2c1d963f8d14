"""The git program, called with nothing but what it was told."""

import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from prompt_repo import git_cli, git_log, git_upkeep
from prompt_repo.errors import GitFailed, GitMissing, RevisionNotFound
from prompt_repo.git_store import GitStore
from prompt_repo.model import Author
from tests.gitrepo import Graph

Git = Callable[..., str]
SAM = Author("Sam Byrne", "sam@studio.example")
IDLE, HAPPY = "defaults/idle.yaml", "characters/aria/happy.yaml"


@pytest.fixture
def store(tmp_path: Path) -> GitStore:
    """An empty repository."""
    return GitStore.create(tmp_path / "prompts.git")


def make_history(store: GitStore) -> dict[int, str]:
    """A line, a branch and three merges: of a side, of both sides, of three."""
    graph = Graph(store.path)
    first = graph.commit({IDLE: "1", "README.md": "x"}, message="First\n\nBody.\n\nSee: x\n")
    left = graph.commit({IDLE: "2", "README.md": "y"}, [first], message="")
    right = graph.commit({IDLE: "1", HAPPY: "h"}, [first], message=":100644 odd\n\x01 words")
    both = graph.commit({IDLE: "2", HAPPY: "h"}, [left, right])
    none = graph.commit({}, [both], message="Remove all")
    graph.commit({IDLE: "3"}, [none, right, left])
    graph.commit({IDLE: "9"})
    return graph.flush()


def test_the_log_is_what_the_store_reads_commit_by_commit(store: GitStore) -> None:
    """Every commit, merges, roots and those without a change too, with only our documents."""
    marks = make_history(store)

    found = {commit.oid: commit for commit in git_log.log_raw(store.path, marks.values())}

    assert set(marks.values()) == found.keys()
    for oid, commit in found.items():
        ours = tuple(each for each in store.commit(oid).changes if each.path != "README.md")
        expected = store.commit(oid)
        assert (expected.parents, expected.author) == (commit.parents, commit.author)
        assert (expected.message, expected.trailers) == (commit.message, commit.trailers)
        assert expected.committed_at == commit.committed_at
        assert ours == commit.changes


def test_the_log_leaves_out_what_is_known(store: GitStore) -> None:
    """What the excluded commits reach isn't read again; without tips there is nothing to read."""
    marks = make_history(store)

    found = {commit.oid for commit in git_log.log_raw(store.path, [marks[4]], [marks[2]])}

    assert {marks[3], marks[4]} == found
    assert [] == list(git_log.log_raw(store.path, []))


def test_commits_with_odd_bytes_are_read_alike(store: GitStore, git: Git) -> None:
    """Other encodings, no author's name, no time, colons and empty lines mix nothing up."""
    tree = git(store.path, "mktree", text="").strip().encode()
    bodies = [
        b"author J\xf6rg <j> 5 +0000\ncommitter C <c> 6 +0100\n"
        b"encoding ISO-8859-1\n\n\n\nGr\xfc\xdfe\n",
        b"author J\xf6rg <j> 99999999999999 +0000\ncommitter C <c> 7 +0000\n\nGr\xfc\xdfe",
        b"author  <> 8 +0000\ncommitter  <> 8 -0800\n\n:100644 100644 a b M\n\n\n:x\n",
    ]
    made = []
    for body in bodies:
        command = ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
        raw = b"tree %b\n%b" % (tree, body)
        done = subprocess.run(command, cwd=store.path, input=raw, capture_output=True, check=True)
        made.append(done.stdout.decode().strip())

    found = {commit.oid: commit for commit in git_log.log_raw(store.path, made)}

    assert {oid: store.commit(oid) for oid in made} == found


def test_a_symlink_is_no_document(store: GitStore, git: Git) -> None:
    """A file that becomes a symlink counts as removed."""
    first = store.write("staging", None, {IDLE: b"one\n"}, author=SAM, message="x")
    blob = dict(store.files(first.oid))[IDLE]
    inner = git(store.path, "mktree", text=f"120000 blob {blob}\tidle.yaml\n").strip()
    tree = git(store.path, "mktree", text=f"040000 tree {inner}\tdefaults\n").strip()
    linked = git(store.path, "commit-tree", tree, "-p", first.oid, "-m", "link").strip()

    changes = [c.changes for c in git_log.log_raw(store.path, [linked], [first.oid])]

    assert [((IDLE, blob, None),)] == [
        tuple((change.path, change.old, change.new) for change in each) for each in changes
    ]
    assert changes[0] == store.commit(linked).changes


def test_a_reader_may_stop_early(store: GitStore) -> None:
    """Git is stopped and waited for when nobody wants the rest."""
    marks = make_history(store)

    commits = git_log.log_raw(store.path, marks.values())
    first = next(commits)
    commits.close()  # type: ignore[attr-defined]

    assert first.oid in marks.values()


@pytest.mark.parametrize("name", ["-x", "--all", "staging", "HEAD", "", "^" + "0" * 40, "0" * 41])
def test_only_full_ids_reach_a_command_line(store: GitStore, name: str) -> None:
    """What isn't forty hex digits is refused before git is started."""
    known = store.write("staging", None, {}, author=SAM, message="x").oid

    for tips, exclude in (([name], []), ([known], [name])):
        with pytest.raises(RevisionNotFound):
            list(git_log.log_raw(store.path, tips, exclude))
    with pytest.raises(RevisionNotFound):
        git_cli.is_ancestor(store.path, name, known)


def test_a_failure_says_what_git_said(store: GitStore, tmp_path: Path) -> None:
    """A missing commit, and a folder without a repository, are errors with git's own words."""
    with pytest.raises(GitFailed, match="bad object"):
        list(git_log.log_raw(store.path, ["0123456789" * 4]))
    with pytest.raises(GitFailed, match="not a git repository"):
        git_upkeep.repack(tmp_path)
    with pytest.raises(GitFailed, match="fatal"):
        git_cli.fast_import(store.path, [b"no such command\n"])


def test_no_repository_is_looked_for_in_the_folders_above(store: GitStore, git: Git) -> None:
    """A folder inside a repository isn't taken for that repository."""
    git(store.path, "init", "-q", "--bare", ".")
    inner = store.path / "inner"
    inner.mkdir()

    assert ["fatal: not a git repository"] == [line[:27] for line in git_cli.fsck(inner)]


def test_fsck_names_what_is_wrong(store: GitStore) -> None:
    """A sound repository has no problem; one without its blob has."""
    commit = store.write("staging", None, {IDLE: b"one\n"}, author=SAM, message="x")
    sound = git_cli.fsck(store.path)
    blob = dict(store.files(commit.oid))[IDLE]
    (store.path / "objects" / blob[:2] / blob[2:]).unlink()

    broken = git_cli.fsck(store.path)

    assert [] == sound
    assert any(blob in line for line in broken)


def test_packing_changes_nothing_but_the_form(store: GitStore) -> None:
    """After a repack everything is there, in a pack."""
    commit = store.write("staging", None, {IDLE: b"one\n"}, author=SAM, message="x")

    git_upkeep.repack(store.path)

    assert b"one\n" == store.read(commit.oid, IDLE)
    assert 1 == len(list((store.path / "objects/pack").glob("*.pack")))


def test_a_repository_can_not_make_git_run_a_program(store: GitStore, tmp_path: Path) -> None:
    """Hooks, monitors and signature checkers that a repository's configuration names stay idle."""
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "reference-transaction", "pre-auto-gc", "post-rewrite"):
        (hooks / name).symlink_to(program)
    commit = store.write("staging", None, {IDLE: b"one\n"}, author=SAM, message="x")
    blob = dict(store.files(commit.oid))[IDLE]
    with (store.path / "config").open("a") as config:
        config.write(
            f"[core]\nhooksPath = {hooks}\nfsmonitor = {program}\npager = {program}\n"
            f"alternateRefsCommand = {program}\n[log]\nshowSignature = true\n"
            f"[gpg]\nprogram = {program}\n[diff]\nexternal = {program}\n"
            f'[extensions]\npartialClone = evil\n[remote "evil"]\nurl = ext::{program}\n'
            f'uploadpack = {program}\n[protocol "ext"]\nallow = always\n'
        )

    list(git_log.log_raw(store.path, [commit.oid]))
    git_cli.is_ancestor(store.path, commit.oid, commit.oid)
    git_cli.fast_import(
        store.path, [b"reset refs/heads/production\nfrom %b\n" % commit.oid.encode()]
    )
    with suppress(GitFailed):  # git joins no packs of a partial clone, as this one says it is
        git_upkeep.repack(store.path)
    git_upkeep.collect(store.path)
    for pack in (store.path / "objects/pack").iterdir():
        pack.unlink()
    missing = git_cli.fsck(store.path)

    assert missing, blob
    assert not ran.exists()


def test_settings_around_us_are_not_inherited(
    store: GitStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither GIT_ variables nor a person's configuration reach git."""
    commit = store.write("staging", None, {}, author=SAM, message="x")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "absent"))
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")

    found = [each.oid for each in git_log.log_raw(store.path, [commit.oid])]

    assert [commit.oid] == found
    assert not {"GIT_DIR", "GIT_OBJECT_DIRECTORY"} & git_cli.environment().keys()


def test_git_says_nothing_but_its_answer(store: GitStore) -> None:
    """None of our settings makes git print a hint or a warning."""
    store.write("staging", None, {IDLE: b"one\n"}, author=SAM, message="x")

    done = subprocess.run(
        ["git", f"--git-dir={store.path}", "log", "staging"],
        env=git_cli.environment(),
        capture_output=True,
        check=True,
    )

    assert b"" == done.stderr


def test_a_machine_without_git_is_told_so(
    store: GitStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to install."""
    there = git_cli.version()
    monkeypatch.setenv("PATH", str(tmp_path))

    for ask in (git_cli.version, lambda: git_cli.fsck(store.path)):
        with pytest.raises(GitMissing, match="install git"):
            ask()
    assert there.startswith("git version")
