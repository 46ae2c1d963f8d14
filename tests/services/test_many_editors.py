"""Two hundred edits from four processes at once."""

import subprocess
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from prompt_repo.editing import Edit, save
from prompt_repo.errors import EditConflict
from prompt_repo.expectations import AtCommit
from prompt_repo.model import Author
from prompt_repo.repository import STAGING, Repository
from tests.factories import key, make_repository, put

CHARACTERS = tuple(f"c{number}" for number in range(100))
CROWDED = tuple(f"c{number}/idle" for number in range(5))
Answer = tuple[str, str, str | None]
"""The prompt's name, the text, and the commit that was acknowledged (None: refused)."""


def edit_fifty(path: Path, base: str, process: int) -> list[Answer]:
    """One process: every other edit is of a crowded prompt, the rest are its own."""
    repository = Repository.open(path)
    author = Author(f"Process {process}", f"p{process}@studio.example")
    answers = []
    for number in range(50):
        own = f"c{process * 25 + number // 2}/happy"
        name = CROWDED[number // 2 % 5] if number % 2 else own
        words = f"Process {process}, edit {number}."
        start = base if number < 20 else repository.head(STAGING)
        try:
            edit = Edit(key(name), words, expect=AtCommit(start))
            outcome = save(repository, STAGING, [edit], author, words)
        except EditConflict as conflict:
            assert words == conflict.conflicts[0].yours
            assert conflict.conflicts[0].theirs
            answers.append((name, words, None))
        else:
            assert outcome.commit is not None
            answers.append((name, words, outcome.commit.oid))
    return answers


def test_every_edit_is_in_the_history_or_got_its_conflict(tmp_path: Path) -> None:
    """Nothing acknowledged is lost, nothing refused is half done, and Git finds no fault."""
    repository = make_repository(tmp_path, CHARACTERS)
    base = put(repository, dict.fromkeys(CROWDED, "Before."))
    path = repository.store.path

    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(edit_fifty, path, base, number) for number in range(4)]
        answers = [answer for each in running for answer in each.result()]

    landed = {oid: (name, words) for name, words, oid in answers if oid is not None}
    refused = [name for name, _, oid in answers if oid is None]
    seen = {}
    head = repository.current(STAGING).commit
    for name in {name for name, _, _ in answers}:
        for version in repository.history.page(head, key(name).path, limit=500).versions:
            seen[version.commit] = (name, version.reason)
    log = subprocess.run(
        ["git", "-C", str(path), "rev-list", "--count", f"{base}..staging"],
        capture_output=True,
        text=True,
        check=True,
    )
    fsck = subprocess.run(
        ["git", "-C", str(path), "fsck", "--strict"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 200 == len(answers)
    assert landed.items() <= seen.items()
    assert len(landed) == int(log.stdout)
    assert set(refused) <= set(CROWDED)
    assert refused
    assert 0 == fsck.returncode, fsck.stderr
    assert [] == repository.history.check()
