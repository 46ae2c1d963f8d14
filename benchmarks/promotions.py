"""The plan of a promotion and a whole one, beside git's own merge of the same commits."""

import shutil
import subprocess
from functools import partial
from itertools import count as counter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import Row, Scale, interleaved, ratio
from benchmarks.repositories import Repositories, keys, text
from prompt_repo.drift import compare
from prompt_repo.editing import Edit, save
from prompt_repo.model import Author
from prompt_repo.promotion import Order, promote
from prompt_repo.repository import PRODUCTION, STAGING, Repository

TITLE = "Promotion"
SAM = Author("Sam Byrne", "sam@studio.example")
SEEDS = counter(3_000_000)


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of time: plan and promotion by `git merge-tree`, and a small plan at two sizes."""
    with TemporaryDirectory(prefix="prompt-repo-benchmarks-") as folder:
        size, changed = scale.of(12_000, 1_200, 24), scale.of(1_000, 100, 4)
        many = _moved(repositories, Path(folder), size, changed)
        few = scale.of(10, 10, 2)
        sizes = [scale.of(1_200, 240, 12), scale.of(120_000, 2_400, 36)]
        small, large = (_moved(repositories, Path(folder), each, few) for each in sizes)
        plans = {
            "plan": partial(compare, many),
            "git": partial(_merge_tree, many),
            "small": partial(compare, small),
            "large": partial(compare, large),
        }
        interleaved(plans, 1)  # the first one loads the catalogues
        times = interleaved(plans, scale.of(25, 9, 1))
        whole = _whole(many, changed, scale.of(7, 3, 1))
    what = f"{changed:,} changed among {size:,} ÷ git merge-tree --write-tree"
    return [
        ratio(f"plan of {what}", times, "plan", "git", at_most=1.5),
        ratio(f"promotion of {what}", whole, "promotion", "git", at_most=1.5),
        ratio(
            f"plan of {few} changed among {sizes[1]:,} ÷ among {sizes[0]:,}",
            times,
            "large",
            "small",
            at_most=3,
        ),
    ]


def _moved(repositories: Repositories, folder: Path, size: int, changed: int) -> Repository:
    """A repository of its own whose staging is ahead by so many prompts."""
    path = folder / f"{size}.git"
    shutil.copytree(repositories.with_prompts(size), path)
    repository = Repository.open(path)
    known = keys(size)
    _edit(repository, [*known[:: max(1, len(known) // changed)]][:changed])
    return repository


def _edit(repository: Repository, chosen: list) -> None:  # type: ignore[type-arg]
    edits = [Edit(key, text(next(SEEDS))) for key in chosen]
    assert save(repository, STAGING, edits, SAM, "Better takes").commit is not None


def _whole(repository: Repository, changed: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of promotions and of git's merges of the same, in turns."""
    taken: dict[str, list[float]] = {"promotion": [], "git": []}
    chosen = [item.place.key for item in compare(repository).items]
    for _ in range(rounds):
        taken["git"] += interleaved({"git": partial(_merge_tree, repository)}, 1)["git"]
        done = {"promotion": partial(promote, repository, Order(), SAM)}
        taken["promotion"] += interleaved(done, 1)["promotion"]
        _edit(repository, chosen)
    assert len(compare(repository).items) == changed
    return taken


def _merge_tree(repository: Repository) -> None:
    ends = repository.head(PRODUCTION), repository.head(STAGING)
    command = ["git", "-C", str(repository.store.path), "merge-tree", "--write-tree", *ends]
    subprocess.run(command, check=True, stdout=subprocess.PIPE)
