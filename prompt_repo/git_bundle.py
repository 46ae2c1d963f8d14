"""All of Git's history that everybody may have, as one file that `git clone` takes."""

from pathlib import Path

from prompt_repo import git_cli
from prompt_repo.errors import GitFailed
from prompt_repo.git_commits import text_of
from prompt_repo.git_incoming import public_refs
from prompt_repo.git_store import GitStore


def bundle(store: GitStore, target: Path) -> None:
    """Writes the known branches and tags, with all they build on; raises GitFailed, GitMissing."""
    names = "".join(f"{ref}\n" for ref in sorted(public_refs(store)))
    order = ["bundle", "create", "-q", str(target), "--stdin"]
    done = git_cli.completed(store.path, order, names.encode())
    if done.returncode != 0:
        raise GitFailed("bundle", text_of(done.stderr))
