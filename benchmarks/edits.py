"""One edit end to end, beside dulwich's own bare commit of one changed file."""

import os
import random
import time
from functools import partial
from itertools import count as counter
from pathlib import Path

from dulwich.object_store import commit_tree_changes
from dulwich.objects import Blob, Commit
from dulwich.repo import Repo

from benchmarks.measuring import Row, Scale, interleaved, ratio
from benchmarks.repositories import Repositories, keys, text
from prompt_repo import documents
from prompt_repo.editing import Edit, save
from prompt_repo.model import Author, Prompt, PromptKey
from prompt_repo.repository import STAGING, Repository

TITLE = "One edit end to end"
SAM = Author("Sam Byrne", "sam@studio.example")
BRANCH = b"refs/heads/changes/bare"
SEEDS = counter(1_000_000)
EDITS = 4  # a round


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of time: ours by dulwich's at each size, and ours at the largest by the smallest."""
    sizes = [scale.of(1_200, 120, 12), scale.of(12_000, 600, 24), scale.of(120_000, 1_200, 36)]
    contestants = {}
    for size in sizes:
        path = repositories.with_prompts(size)
        known = keys(size)
        contestants[f"ours {size}"] = partial(_edits, Repository.open(path), known)
        contestants[f"bare {size}"] = partial(_bare_edits, _Bare(path), known)
    interleaved(contestants, 1)  # the first edit loads the catalogue
    times = interleaved(contestants, scale.of(25, 7, 1))
    rows = [
        ratio(
            f"edit ÷ bare commit_tree_changes, {size:,} prompts",
            times,
            f"ours {size}",
            f"bare {size}",
            at_most=1.5,
        )
        for size in sizes
    ]
    least, most = f"ours {sizes[0]}", f"ours {sizes[-1]}"
    what = f"edit at {sizes[-1]:,} prompts ÷ at {sizes[0]:,}"
    return [*rows, ratio(what, times, most, least, at_most=5)]


def _edits(repository: Repository, known: list[PromptKey]) -> None:
    for key in random.choices(known, k=EDITS):
        edit = Edit(key, text(next(SEEDS)))
        assert save(repository, STAGING, [edit], SAM, "A better take").commit is not None


def _bare_edits(bare: "_Bare", known: list[PromptKey]) -> None:
    for key in random.choices(known, k=EDITS):
        bare.commit(key.path, documents.dump(Prompt(text(next(SEEDS)))))


class _Bare:
    """What dulwich alone does for one changed file, as durably: files, folders, the ref."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._repo = Repo(str(path))
        self._repo.object_store.fsync_object_files = True
        self._repo.refs[BRANCH] = self._repo.refs[b"refs/heads/staging"]

    def commit(self, path: str, raw: bytes) -> None:
        """One commit of one file."""
        store, refs = self._repo.object_store, self._repo.refs
        head = refs[BRANCH]
        blob = Blob.from_string(raw)
        store.add_object(blob)
        commit = Commit()
        before = store[head].tree
        commit.tree = commit_tree_changes(store, before, [(path.encode(), 0o100644, blob.id)])
        commit.parents = [head]
        commit.author = commit.committer = str(SAM).encode()
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = b"A better take\n"
        store.add_object(commit)
        self._sync_objects(path, [blob.id, commit.tree, commit.id])
        assert refs.set_if_equals(BRANCH, head, commit.id)
        _sync(self._path / "refs" / "heads" / "changes")

    def _sync_objects(self, path: str, ids: list[bytes]) -> None:
        """The folders of the new objects: those named, and the trees down to the file."""
        store = self._repo.object_store
        tree = store[ids[1]]
        for name in path.encode().split(b"/")[:-1]:
            ids = [*ids, tree[name][1]]
            tree = store[ids[-1]]
        for folder in sorted({oid[:2].decode() for oid in ids}):
            _sync(self._path / "objects" / folder)
        _sync(self._path / "objects")


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
