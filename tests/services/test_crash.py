"""A writer killed at any point leaves a repository that everyone can go on with at once."""

import multiprocessing
import os
import random
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from prompt_repo import git_store
from prompt_repo.git_store import GitStore
from prompt_repo.model import Author
from tests.services.dying_writer import BEGUN, die_at, write_until_killed

Git = Callable[..., str]
SAM = Author("Sam Byrne", "sam@studio.example")
KILLS = 30
MOST_TRIES = 200
MANY = 60  # files: more than go into loose objects
LATEST = 0.25  # seconds after the first object, about as long as a slowed-down write takes


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Starts processes quickly, from one that has imported everything and has no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.services.dying_writer"])
    return context


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitStore]:
    """A repository whose writers wait for nobody's lock: a stale one would be an error."""
    monkeypatch.setattr(git_store, "FOREIGN_LOCK_TIMEOUT", 0)
    made = GitStore.create(tmp_path / "prompts.git")
    files = {f"characters/c{number}/idle.yaml": b"begin\n" for number in range(MANY)}
    made.write("staging", None, files, author=SAM, message="Begin")
    return made


def heard(said: Connection) -> list[str]:
    """Everything that a dead process had said."""
    words = []
    try:
        while said.poll():
            words.append(said.recv())
    except EOFError:
        pass
    return words


def go_on(store: GitStore, git: Git, acknowledged: list[str], check: bool) -> None:
    """Git reads the repository, the next writer writes at once, and nothing is missing or left."""
    before = git(store.path, "log", "--format=%H", "staging").split()

    with store.locked(timeout=0):
        ours = store.write(
            "staging", store.head("staging"), {"prompts.yaml": b"x\n"}, author=SAM, message="Next"
        )

    assert set(acknowledged) <= set(before)
    assert [ours.oid, *before] == git(store.path, "log", "--format=%H", "staging").split()
    assert [move.new for move in store.moves("staging")][::-1] == [ours.oid, *before]
    left = [path.name for path in store.path.rglob("*") if "prompt-repo_" in path.name]
    assert [] == left
    assert [] == list(store.path.glob("refs/**/*.lock"))
    assert [] == list(store.path.glob("objects/**/*.lock"))
    if check:
        assert "" == git(store.path, "fsck", "--strict", "--no-dangling", "--no-progress")


def test_kills_at_random_lose_nothing_acknowledged(
    store: GitStore, git: Git, processes: ForkServerContext
) -> None:
    """Thirty kills between a first object and its answer, from outside, at random."""
    chance = random.Random(11)
    acknowledged: list[str] = []
    counted = 0
    for number in range(MOST_TRIES):
        if counted == KILLS:
            break
        hear, said = processes.Pipe(duplex=False)
        files = MANY if number % 5 == 4 else 1
        process = processes.Process(
            target=write_until_killed, args=(store.path, files, number, said), daemon=True
        )
        process.start()
        said.close()
        words = [hear.recv()]
        process.join(chance.uniform(0, LATEST))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        words += heard(hear)
        acknowledged += [word for word in words if word != BEGUN]
        counted += words[-1] == BEGUN

        go_on(store, git, acknowledged, check=counted % 10 == 0)

    assert KILLS == counted


@pytest.mark.parametrize(("files", "stride"), [(1, 9)])
def test_a_kill_at_each_step_loses_nothing(
    store: GitStore, git: Git, processes: ForkServerContext, files: int, stride: int
) -> None:
    """Step by step through a write, from the first object to the answer, until it gets through."""
    acknowledged: list[str] = []
    step = kills = 0
    while not acknowledged:
        step += stride
        hear, said = processes.Pipe(duplex=False)
        process = processes.Process(
            target=die_at, args=(store.path, files, step, said), daemon=True
        )
        process.start()
        said.close()
        process.join()
        words = heard(hear)
        assert BEGUN == words.pop(0)
        acknowledged += words
        kills += not words

        go_on(store, git, acknowledged, check=step % 25 == 0)

    assert kills
