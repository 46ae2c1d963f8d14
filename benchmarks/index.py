"""The history index from nothing, beside `git log --raw` of the same commits."""

import subprocess
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import Row, Scale, interleaved, ratio
from benchmarks.repositories import Repositories
from prompt_repo.git_store import GitStore
from prompt_repo.history import History

TITLE = "Index from nothing"


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of time: ours by git's, over few prompts (git's best case) and over many."""
    count = scale.of(10_000, 2_000, 50)
    rows = []
    for versions in (50, 8):
        store = GitStore.open(repositories.with_commits(count, versions))
        contestants = {"ours": partial(_index, store), "git": partial(_log, store.path)}
        times = interleaved(contestants, scale.of(9, 5, 1))
        what = f"{count:,} commits of {count // versions:,} prompts ÷ git log --raw"
        rows.append(ratio(what, times, "ours", "git", at_most=3))
    return rows


def _index(store: GitStore) -> None:
    head = store.head("staging")
    assert head is not None
    with TemporaryDirectory() as folder:
        History(store, Path(folder) / "history.sqlite3").ensure(head)


def _log(path: Path) -> None:
    command = ["git", "-C", str(path), "log", "--raw", "--no-abbrev", "staging"]
    subprocess.run(command, check=True, stdout=subprocess.PIPE)
