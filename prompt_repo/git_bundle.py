"""All of Git's history that everybody may have, as one file that `git clone` takes."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from prompt_repo import git_cli
from prompt_repo.errors import GitFailed
from prompt_repo.git_commits import text_of
from prompt_repo.git_incoming import public_refs
from prompt_repo.git_store import GitStore

PIECE = 1 << 20  # bytes


def bundled(store: GitStore) -> Iterator[bytes]:
    """The same, piece by piece."""
    with tempfile.TemporaryDirectory(prefix="prompt-repo-bundle-") as folder:
        target = Path(folder) / "bundle"
        bundle(store, target)
        with target.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


def bundle(store: GitStore, target: Path) -> None:
    """Writes the known branches and tags, with all they build on; raises GitFailed, GitMissing."""
    names = "".join(f"{ref}\n" for ref in sorted(public_refs(store)))
    order = ["bundle", "create", "-q", str(target), "--stdin"]
    done = git_cli.completed(store.path, order, names.encode())
    if done.returncode != 0:
        raise GitFailed("bundle", text_of(done.stderr))
