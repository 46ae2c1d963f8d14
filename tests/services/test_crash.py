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

from prompt_repo import documents, git_store
from prompt_repo.git_store import GitStore
from prompt_repo.model import Author
from prompt_repo.repository import Repository
from tests.factories import configuration
from tests.services.dying_writer import BEGUN, ENDED, die_when_told, write_until_killed

Git = Callable[..., str]
Dies = Callable[[int, int], list[str]]
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
    files["prompts.yaml"] = documents.dump(configuration())
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
            "staging", store.head("staging"), {"notes.yaml": b"x\n"}, author=SAM, message="Next"
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


@pytest.fixture
def dies(store: GitStore, processes: ForkServerContext) -> Iterator[Dies]:
    """Has a writer of some files die at a step; gives what it had said."""
    told, orders = processes.Pipe(duplex=False)
    hear, said = processes.Pipe(duplex=False)
    target = (store.path, told, said)
    process = processes.Process(target=die_when_told, args=target, daemon=True)
    process.start()
    said.close()

    def die(files: int, step: int) -> list[str]:
        orders.send((files, step))
        return list(iter(hear.recv, ENDED))

    yield die
    process.kill()
    process.join()


@pytest.mark.parametrize(
    ("files", "stride"), [(1, 1), (MANY, 5), (0, 1)], ids=["edit", "pack", "tagged"]
)
def test_a_kill_at_each_step_loses_nothing(
    store: GitStore, git: Git, dies: Dies, files: int, stride: int
) -> None:
    """Step by step from the first object to the answer, until a writer gets through.

    A step is a call of the operating system or of SQLite. One edit dies at each of them, in the
    storage as in the index; a commit of many files, of whose steps most are alike, at every fifth.
    A commit that is to have a tag has it, or is not there.
    """
    acknowledged: list[str] = []
    step = kills = 0
    while not acknowledged:
        step += stride
        words = dies(files, step)
        assert BEGUN == words.pop(0)
        acknowledged += words
        kills += not words

        go_on(store, git, acknowledged, check=kills % 50 == 0)

    made = git(store.path, "log", "--format=%H", "--author=Dying", "staging").split()
    assert files or sorted(made) == sorted(store.tags().values())
    assert kills >= KILLS
    assert [] == Repository(store).history.check()
