"""The first page of a prompt's history, beside `git log -- path`."""

import random
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.measuring import Row, Scale, Times, interleaved, ratio
from benchmarks.repositories import Repositories, keys
from prompt_repo.git_store import GitStore
from prompt_repo.history import PAGE, History

TITLE = "First page of a prompt's history"
READS = 200  # ours a round: one is too short to time


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of time: git's by ours, and ours at the largest size by ours at the smallest."""
    sizes = [
        scale.of(1_000, 500, 30),
        scale.of(10_000, 2_000, 60),
        scale.of(100_000, 10_000, 90),
    ]
    stores = [GitStore.open(repositories.with_commits(size)) for size in sizes]
    rows = []
    for size, store in zip(sizes, stores, strict=True):
        rows += _beside_git(size, store, scale)
    rows.append(_flatness(sizes, stores, scale))
    return rows


def _beside_git(size: int, store: GitStore, scale: Scale) -> list[Row]:
    paths, history, head = _ready(size, store)
    contestants = {
        "ours": partial(_pages, history, head, paths),
        "git": partial(_log, store.path, paths[0]),
    }
    rounds = scale.of(11, 5, 1)
    plain = _per_page(interleaved(contestants, rounds))
    command = ["git", "-C", str(store.path), "commit-graph", "write", "--reachable"]
    subprocess.run([*command, "--changed-paths", "--no-progress"], check=True)
    bloom = _per_page(interleaved(contestants, rounds))
    budget = 100 if size == scale.of(10_000, 2_000, 60) else None
    what = f"git log -- path ÷ first page, {size:,} commits"
    return [
        ratio(what, plain, "git", "ours", at_least=budget),
        ratio(f"{what}, Bloom filters", bloom, "git", "ours"),
    ]


def _flatness(sizes: Sequence[int], stores: Sequence[GitStore], scale: Scale) -> Row:
    contestants = {}
    for size, store in zip(sizes, stores, strict=True):
        paths, history, head = _ready(size, store)
        contestants[str(size)] = partial(_pages, history, head, paths)
    times = interleaved(contestants, scale.of(21, 5, 1))
    what = f"first page, {sizes[-1]:,} commits ÷ {sizes[0]:,}"
    return ratio(what, times, str(sizes[-1]), str(sizes[0]), at_most=2)


def _ready(size: int, store: GitStore) -> tuple[list[str], History, str]:
    """Paths to ask for, an index that holds all, and the commit to ask at."""
    head = store.head("staging")
    assert head is not None
    history = History(store)
    history.ensure(head)
    paths = [key.path for key in keys(max(12, size // PAGE))]
    return random.Random(size).choices(paths, k=READS), history, head


def _pages(history: History, head: str, paths: Sequence[str]) -> None:
    for path in paths:
        history.page(head, path)


def _log(path: Path, prompt: str) -> None:
    fields = "--format=%H%x00%an%x00%ae%x00%at%x00%s"
    command = ["git", "-C", str(path), "log", f"-{PAGE}", fields, "staging", "--", prompt]
    subprocess.run(command, check=True, stdout=subprocess.PIPE)


def _per_page(times: Times) -> Times:
    return {"git": times["git"], "ours": [each / READS for each in times["ours"]]}
