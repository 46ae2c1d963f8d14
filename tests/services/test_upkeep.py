"""Edits go on while git packs, prunes and receives pushes in the same repository."""

import subprocess
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from prompt_repo import git_upkeep
from prompt_repo.editing import Edit, save
from prompt_repo.model import Author, Prompt
from prompt_repo.repository import STAGING, Repository
from tests.factories import key, make_repository, put
from webapp import jobs, schedule

Git = Callable[..., str]
EDITS, PUSHES = 40, 12
UPKEEP = (
    list(git_upkeep.REPACK),
    ["repack", "-d", "-q"],
    ["pack-refs", "--all", "--prune"],
    ["maintenance", "run", "--quiet", "--task=loose-objects"],
    list(git_upkeep.COLLECT),
    ["repack", "-a", "-d", "-q"],
    ["prune", "--expire=2.weeks.ago"],
)
"""What a server's upkeep may run, as often as it likes, beside writers."""


def edit(path: Path, process: int) -> list[tuple[str, str]]:
    """Edits one prompt over and over; gives each commit with the text it was acknowledged for.

    After each edit everything is read, by somebody who has just come.
    """
    repository = Repository.open(path)
    author = Author(f"Process {process}", f"p{process}@studio.example")
    done = []
    for number in range(EDITS):
        words = f"Process {process}, edit {number}."
        outcome = save(repository, STAGING, [Edit(key(f"c{process}/idle"), words)], author, words)
        assert outcome.commit is not None
        done.append((outcome.commit.oid, words))
        assert words == read(Repository.open(path), f"c{process}/idle")
    return done


def read(repository: Repository, name: str) -> str | None:
    """What a prompt says now."""
    found = repository.current(STAGING).lookup(key(name))
    return found.prompt.text if found and isinstance(found.prompt, Prompt) else None


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two characters for two processes, and one for whoever pushes."""
    repository = make_repository(tmp_path, ("c0", "c1", "pushed"))
    put(repository, {f"{name}/idle": "Before." for name in ("c0", "c1", "pushed")})
    return repository


def acknowledged_is_kept(
    repository: Repository, git: Git, running: list["Future[list[tuple[str, str]]]"]
) -> None:
    """Every commit that was acknowledged is in the branch, whole, and in the index."""
    kept = set(git(repository.store.path, "rev-list", STAGING).split())
    for process, answers in enumerate(each.result() for each in running):
        commits = dict(answers)
        head = repository.current(STAGING).commit
        path = key(f"c{process}/idle").path
        versions = repository.history.page(head, path, limit=500).versions

        assert kept >= commits.keys()
        assert commits.items() <= {each.commit: each.reason for each in versions}.items()
    assert "" == git(repository.store.path, "fsck", "--strict", "--no-dangling", "--no-progress")
    assert [] == repository.check()


def test_upkeep_beside_writers_loses_nothing(repository: Repository, git: Git) -> None:
    """Packs come and go under readers and writers who have them open."""
    path = repository.store.path
    rounds = 0

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(edit, path, number) for number in range(2)]
        while rounds < len(UPKEEP) or not all(each.done() for each in running):
            git(path, *UPKEEP[rounds % len(UPKEEP)])
            rounds += 1

    acknowledged_is_kept(repository, git, running)


def test_pushes_beside_writers_lose_nothing(
    repository: Repository, git: Git, tmp_path: Path
) -> None:
    """Plain git knows nothing of our lock: either side sees that the branch moved, and goes on."""
    path = repository.store.path
    git(tmp_path, "clone", "-q", "--branch", STAGING, str(path), "clone")
    clone = tmp_path / "clone"
    file = clone / key("pushed/idle").path

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(edit, path, number) for number in range(2)]
        for number in range(PUSHES):
            file.write_text(f"prompt: Push {number}.\n")
            git(clone, "commit", "-q", "-a", "-m", f"Push {number}")
            while not pushed(clone):
                git(clone, "pull", "-q", "--rebase")

    pushes = repository.history.page(
        repository.current(STAGING).commit, key("pushed/idle").path, limit=100
    ).versions

    assert [f"Push {number}" for number in reversed(range(PUSHES))] == [
        each.reason for each in pushes[:PUSHES]
    ]
    assert f"Push {PUSHES - 1}." == read(repository, "pushed/idle")
    acknowledged_is_kept(repository, git, running)


def pushed(clone: Path) -> bool:
    """Whether a push went through; it is refused where the branch moved meanwhile."""
    done = subprocess.run(["git", "push", "-q"], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0 or "rejected" in done.stderr, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("job", [jobs.pack_repository, jobs.collect_garbage])
def test_the_clock_joins_what_edits_leave(
    repository: Repository, git: Git, monkeypatch: pytest.MonkeyPatch, job: Callable[[], None]
) -> None:
    """Loose objects and the packs of bulk edits become few; who has it open reads on."""
    path = repository.store.path
    monkeypatch.setenv("PROMPT_REPO_REPOSITORY", str(path))
    for number in range(12):
        put(repository, {f"{name}/idle": f"{name} {number}" for name in ("c0", "c1", "pushed")})
    before = len(list((path / "objects/pack").glob("*.pack")))
    assert before > 5 or len(list((path / "objects").glob("??/*"))) > 30

    job()

    assert len(list((path / "objects/pack").glob("*.pack"))) <= 2
    assert [] == list((path / "objects").glob("??/*"))
    assert "c1 11" == read(repository, "c1/idle")
    assert "" == git(path, "fsck", "--strict", "--no-dangling", "--no-progress")


def test_every_entry_of_the_clock_is_a_job() -> None:
    """What it queues by name is there."""
    assert all(callable(getattr(jobs, entry.function)) for entry in schedule.ENTRIES)
