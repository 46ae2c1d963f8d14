"""The catalogue in a fresh process, parsed documents kept, beside reading the blobs alone."""

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from dulwich.object_store import iter_tree_contents
from dulwich.repo import Repo

from benchmarks.measuring import Row, Scale, ratio
from benchmarks.repositories import Repositories
from prompt_repo.repository import STAGING, Repository

TITLE = "Cold start"


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of time in a process of its own, its imports not counted: ours by each reader's."""
    count = scale.of(12_000, 1_200, 24)
    path = repositories.with_prompts(count)
    Repository.open(path).current(STAGING)
    times: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for _ in range(scale.of(9, 5, 1)):
        for name, taken in times.items():
            taken.append(_apart(name, path))
    what = f"catalogue of {count:,} prompts ÷ reading their blobs"
    return [
        ratio(f"{what} by dulwich", times, "catalogue", "dulwich", at_most=2),
        ratio(f"{what} by git cat-file", times, "catalogue", "git"),
    ]


def _apart(name: str, path: Path) -> float:
    """Seconds that a contestant takes in a fresh process, as it says itself."""
    command = [sys.executable, "-m", "benchmarks.cold_start", name, str(path)]
    root = Path(__file__).parent.parent
    return float(subprocess.run(command, check=True, capture_output=True, cwd=root).stdout)


def _catalogue(path: Path) -> int:
    return len(Repository.open(path).current(STAGING).character_ids())


def _by_dulwich(path: Path) -> int:
    with Repo(str(path)) as repo:
        store = repo.object_store
        tree = repo[repo.refs[b"refs/heads/staging"]].tree
        return sum(len(store[e.sha].as_raw_string()) for e in iter_tree_contents(store, tree))


def _by_git(path: Path) -> int:
    git = partial(subprocess.run, check=True, stdout=subprocess.PIPE, cwd=path)
    listed = git(["git", "ls-tree", "-r", "--format=%(objectname)", "staging"]).stdout
    return len(git(["git", "cat-file", "--batch", "--buffer"], input=listed).stdout)


CONTESTANTS = {"catalogue": _catalogue, "dulwich": _by_dulwich, "git": _by_git}

if __name__ == "__main__":
    began = time.perf_counter()
    assert CONTESTANTS[sys.argv[1]](Path(sys.argv[2])) > 0
    print(time.perf_counter() - began)
