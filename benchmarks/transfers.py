"""Export and import, beside plain Python and `git fast-import` of the same, and their memory."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

import yaml

from benchmarks.measuring import Row, Scale, Times, interleaved, ratio
from benchmarks.repositories import EMOTIONS, Repositories, _configuration, _edited, _one_commit
from prompt_repo import git_cli, transfer
from prompt_repo.git_store import GitStore
from prompt_repo.model import Author
from prompt_repo.repository import STAGING, Repository
from prompt_repo.transfer import Form
from prompt_repo.transfer_apply import Order, apply
from prompt_repo.transfer_documents import Selection
from prompt_repo.transfer_json import Origin

TITLE = "Export and import"
SAM = Author("Sam Byrne", "sam@studio.example")
PEAK = """
import re, sys
from pathlib import Path
from benchmarks import transfers
getattr(transfers, sys.argv[1])(*map(Path, sys.argv[2:]))
print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""
"""Not ru_maxrss, which a child begins with as large as its parent was."""


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of time and of memory."""
    prompts = scale.of(12_000, 1_200, 120)
    rounds = scale.of(5, 3, 1)
    with tempfile.TemporaryDirectory(prefix="transfers-") as folder:
        return [
            *_exports(repositories, Path(folder), prompts, rounds),
            *_imports(repositories, Path(folder), prompts, rounds),
            *_versions(repositories, Path(folder), prompts, scale.of(88_000, 8_000, 200), rounds),
            *_memory(repositories, Path(folder), scale),
        ]


def export(path: Path, target: Path, versions: bool = False) -> None:
    """Writes a repository's export into a file."""
    repository = Repository.open(path)
    origin = Origin(STAGING, repository.head(STAGING), datetime.now(UTC))
    with target.open("wb") as file:
        file.writelines(
            transfer.export(repository, origin, Selection(versions=versions), Form.JSON)
        )


def bring_in(source: Path, target: Path) -> None:
    """Imports a file into an empty repository."""
    repository = Repository.create(target, _configuration(), SAM)
    with transfer.preview(repository, STAGING, source) as found:
        done = apply(repository, found, Order(SAM, "Import"))
    assert done.documents


def _exports(repositories: Repositories, folder: Path, prompts: int, rounds: int) -> Iterator[Row]:
    path = repositories.with_prompts(prompts)
    export(path, folder / "first.json")  # has the index made
    contestants = {
        "ours": partial(export, path, folder / "ours.json"),
        "plain": partial(_plainly, path, folder / "plain.json"),
    }
    times = interleaved(contestants, rounds)
    what = f"export of {prompts:,} ÷ plain Python reading and writing the same, no checks"
    yield ratio(what, times, "ours", "plain", at_most=2)


def _plainly(path: Path, target: Path) -> None:
    """Every file at once: git prints them, PyYAML reads them, json writes them."""
    git = ["git", "-C", str(path)]
    listing = subprocess.run(
        [*git, "ls-tree", "-r", "-z", STAGING], capture_output=True, check=True
    )
    rows = [row.split(b"\t") for row in listing.stdout.split(b"\0") if row]
    order = b"".join(row[0].split()[2] + b"\n" for row in rows)
    told = subprocess.run(
        [*git, "cat-file", "--batch"], input=order, capture_output=True, check=True
    )
    items, at = [], 0
    for _, name in rows:
        end = told.stdout.index(b"\n", at)
        size = int(told.stdout[at:end].split()[2])
        raw = told.stdout[end + 1 : end + 1 + size]
        items.append({"path": name.decode(), **yaml.load(raw, Loader=yaml.CSafeLoader)})
        at = end + size + 2
    with target.open("w") as file:
        json.dump({"items": items}, file)


def _imports(repositories: Repositories, folder: Path, prompts: int, rounds: int) -> Iterator[Row]:
    source = folder / "import.json"
    export(repositories.with_prompts(prompts), source)
    numbers = count()
    characters = max(1, prompts // len(EMOTIONS))
    contestants = {
        "ours": lambda: bring_in(source, folder / f"one-{next(numbers)}.git"),
        "git": lambda: _fast(folder / f"git-{next(numbers)}.git", _one_commit(characters)),
        "parse": lambda: json.loads(source.read_text()),
    }
    times = interleaved(contestants, rounds)
    allowed: Times = {
        "ours": times["ours"],
        "allowed": [3 * a + b for a, b in zip(times["git"], times["parse"], strict=True)],
    }
    what = f"import of {prompts:,} as one commit ÷ (3 × git fast-import of the same + the parse)"
    yield ratio(what, allowed, "ours", "allowed", at_most=1)


def _versions(
    repositories: Repositories, folder: Path, prompts: int, commits: int, rounds: int
) -> Iterator[Row]:
    source = folder / "versions.json"
    export(repositories.with_both(prompts, commits), source, versions=True)
    numbers = count()
    characters = max(1, prompts // len(EMOTIONS))
    contestants = {
        "ours": lambda: bring_in(source, folder / f"many-{next(numbers)}.git"),
        "git": lambda: _fast(folder / f"all-{next(numbers)}.git", _edited(characters, commits)),
    }
    times = interleaved(contestants, min(rounds, 3))
    what = (
        f"import of {prompts:,} with {prompts + commits:,} versions ÷ git fast-import of the same"
    )
    yield ratio(what, times, "ours", "git", at_most=4)


def _fast(path: Path, stream: Iterator[bytes]) -> None:
    GitStore.create(path)
    git_cli.fast_import(path, stream)


def _memory(repositories: Repositories, folder: Path, scale: Scale) -> Iterator[Row]:
    """Peaks of memory, over a hundred times as many prompts and over as many as before."""
    few, many = scale.of(1_200, 1_200, 120), scale.of(120_000, 12_000, 240)
    peaks: dict[str, list[float]] = {}
    for size in (few, many):
        path = repositories.with_prompts(size)
        file = folder / f"memory-{size}.json"
        export(path, file)
        peaks[f"export {size}"] = [_peak("export", path, folder / "out.json")]
        target = folder / f"memory-{size}.git"
        peaks[f"import {size}"] = [_peak("bring_in", file, target)]
    for what in ("export", "import"):
        label = f"memory of an {what} of {many:,} ÷ of {few:,}"
        most = 1.25 if what == "export" else 1.5
        yield ratio(label, peaks, f"{what} {many}", f"{what} {few}", at_most=most)


def _peak(function: str, *arguments: Path) -> float:
    command = [sys.executable, "-c", PEAK, function, *map(str, arguments)]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)
