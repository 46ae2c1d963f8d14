"""A change request looked at and merged: what it costs goes by what it changes."""

import shutil
from collections.abc import Callable
from functools import partial
from itertools import count as counter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import Row, Scale, interleaved, ratio
from benchmarks.repositories import Repositories, keys, text
from prompt_repo.change_checks import checks
from prompt_repo.change_merging import Order, merge
from prompt_repo.changes import compare, propose, result, verdict
from prompt_repo.editing import Edit
from prompt_repo.model import Author
from prompt_repo.repository import STAGING, Repository

TITLE = "Change requests"
SAM = Author("Sam Byrne", "sam@studio.example")
SEEDS = counter(7_000_000)


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of time: one of ten prompts in a large repository, by one in a small one."""
    few = scale.of(10, 10, 2)
    sizes = [scale.of(1_200, 240, 12), scale.of(120_000, 2_400, 36)]
    with TemporaryDirectory(prefix="prompt-repo-benchmarks-") as folder:
        small, large = (_copy(repositories, Path(folder), each) for each in sizes)
        rounds = scale.of(15, 5, 1)
        looked = {"small": _looking(small, few), "large": _looking(large, few)}
        interleaved(looked, 1)  # the first one loads the catalogues
        looks = interleaved(looked, rounds)
        whole = {
            "small": partial(_there_and_back, small, few),
            "large": partial(_there_and_back, large, few),
        }
        interleaved(whole, 1)
        merges = interleaved(whole, rounds)
    among = f"{few} prompts among {sizes[1]:,} ÷ among {sizes[0]:,}"
    return [
        ratio(f"differences, verdict and checks of {among}", looks, "large", "small", at_most=3),
        ratio(f"proposing and merging {among}", merges, "large", "small", at_most=6),
    ]


def _copy(repositories: Repositories, folder: Path, size: int) -> Repository:
    path = folder / f"{size}.git"
    shutil.copytree(repositories.with_prompts(size), path)
    repository = Repository.open(path)
    repository.current(STAGING)
    return repository


def _proposed(repository: Repository, few: int) -> str:
    """The slug of a new change request of so many prompts."""
    known = keys(12)[:few]
    edits = [Edit(key, text(next(SEEDS))) for key in known]
    return propose(repository, STAGING, "change", edits, SAM).slug


def _looking(repository: Repository, few: int) -> Callable[[], object]:
    return partial(_look, repository, repository.head(f"changes/{_proposed(repository, few)}"))


def _look(repository: Repository, head: str) -> object:
    found = compare(repository, repository.head(STAGING), head)
    return checks(repository, found, verdict(repository, found), result(repository, found))


def _there_and_back(repository: Repository, few: int) -> None:
    slug = _proposed(repository, few)
    head = repository.head(f"changes/{slug}")
    merge(repository, Order(slug, head, STAGING, 1, "Change"), SAM)
