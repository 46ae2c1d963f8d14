"""The plan of a promotion and a whole one, beside git's own merge of the same commits."""

import shutil
import subprocess
from functools import partial
from itertools import count as counter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import Row, Scale, interleaved, ratio
from benchmarks.repositories import Repositories, keys, prompt_file, text
from prompt_repo.drift import Drift, Plan, State, between, compare
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
            "small": partial(_plan, small),
            "large": partial(_plan, large),
        }
        interleaved(plans, 1)  # the first one loads the catalogues
        times = interleaved(plans, scale.of(25, 9, 1))
        whole = _whole(many, changed, scale.of(7, 3, 1))
        anew = _anew(many, scale.of(15, 5, 1))
    what = f"{changed:,} changed among {size:,} ÷ git merge-tree --write-tree"
    return [
        ratio(f"plan of {what}", anew, "plan", "git", at_most=1.5),
        ratio(f"promotion of {what}", whole, "promotion", "git", at_most=1.5),
        ratio(
            f"promotion of {changed:,} among {size:,} ÷ the same by git: merge, commit, ref, tag",
            whole,
            "promotion",
            "all of it by git",
            at_most=1.5,
        ),
        ratio(
            f"plan of {few} changed among {sizes[1]:,} ÷ among {sizes[0]:,}",
            times,
            "large",
            "small",
            at_most=3,
        ),
    ]


def _plan(repository: Repository) -> Plan:
    """The plan made anew: `compare` keeps it while neither branch moves."""
    return between(repository, repository.current(STAGING), repository.current(PRODUCTION))


def _moved(repositories: Repositories, folder: Path, size: int, changed: int) -> Repository:
    """A repository of its own whose staging is ahead by so many prompts.

    Production has a hotfix for every hundred of them, or git would only take staging's tree.
    """
    path = folder / f"{size}.git"
    shutil.copytree(repositories.with_prompts(size), path)
    repository = Repository.open(path)
    known = keys(size)
    step = max(1, len(known) // changed)
    _edit(repository, [*known[::step]][:changed])
    _fix(repository, [*known[1::step]][: max(1, changed // 100)])
    return repository


def _fix(repository: Repository, chosen: list) -> None:  # type: ignore[type-arg]
    """A hotfix of prompts that staging did not edit."""
    files = {key.path: prompt_file(next(SEEDS)) for key in chosen}
    head = repository.head(PRODUCTION)
    commit = repository.store.write(PRODUCTION, head, files, author=SAM, message="Mend")
    repository.written(PRODUCTION, commit)


def _edit(repository: Repository, chosen: list) -> None:  # type: ignore[type-arg]
    edits = [Edit(key, text(next(SEEDS))) for key in chosen]
    assert save(repository, STAGING, edits, SAM, "Better takes").commit is not None


def _whole(repository: Repository, changed: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of promotions and of git's merges of the same, in turns.

    What git has written goes before the next one's turn, which would find its trees there.
    """
    steps = {
        "git": partial(_merge_tree, repository),
        "all of it by git": partial(_merge, repository),
        "promotion": partial(promote, repository, Order(), SAM),
    }
    taken: dict[str, list[float]] = {name: [] for name in steps}
    chosen = [item.place.key for item in _ahead(repository)]
    for _ in range(rounds):
        for name, step in steps.items():  # the promotion last, for then there is nothing to merge
            before = _loose(repository)
            taken[name] += interleaved({name: step}, 1)[name]
            if name != "promotion":
                _forget(repository, before)
        _edit(repository, chosen)
    assert len(_ahead(repository)) == changed
    return taken


def _loose(repository: Repository) -> set[Path]:
    return set((repository.store.path / "objects").glob("[0-9a-f][0-9a-f]/*"))


def _forget(repository: Repository, before: set[Path]) -> None:
    """Takes away what a merge by git left: its refs, and all objects that were not there before."""
    for ref in ("refs/peers/production", "refs/tags/peers"):
        _git(repository, "update-ref", "-d", ref)
    for file in _loose(repository) - before:
        file.unlink()


def _anew(repository: Repository, rounds: int) -> dict[str, list[float]]:
    """Seconds of plans that nobody has made before, each of as many new edits, and of git's."""
    taken: dict[str, list[float]] = {"plan": [], "git": []}
    chosen = [item.place.key for item in _ahead(repository)]
    for _ in range(rounds):
        _edit(repository, chosen)
        for name, step in (("git", _merge_tree), ("plan", compare)):
            taken[name] += interleaved({name: partial(step, repository)}, 1)[name]
    return taken


def _ahead(repository: Repository) -> list[Drift]:
    return [item for item in compare(repository).items if item.state is State.AHEAD]


def _merge_tree(repository: Repository) -> str:
    ends = repository.head(PRODUCTION), repository.head(STAGING)
    return _git(repository, "merge-tree", "--write-tree", *ends)


def _merge(repository: Repository) -> None:
    """What a promotion leaves in Git, by git, as durably; under names that nobody reads."""
    ends = repository.head(PRODUCTION), repository.head(STAGING)
    parents = [word for end in ends for word in ("-p", end)]
    commit = _git(repository, "commit-tree", _merge_tree(repository), *parents, "-m", "Merge")
    _git(repository, "update-ref", "refs/peers/production", commit)
    _git(repository, "tag", "-m", "Merge", "peers", commit)


def _git(repository: Repository, *arguments: str) -> str:
    who = ("-c", "user.name=Sam", "-c", "user.email=sam@studio.example", "-c", "core.fsync=all")
    command = ["git", *who, "-C", str(repository.store.path), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
