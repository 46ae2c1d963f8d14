"""What a server runs now and then to keep its repository small and quick; safe beside writers."""

from collections.abc import Sequence
from pathlib import Path

from prompt_repo import git_cli
from prompt_repo.errors import GitFailed

REPACK = ("repack", "-d", "-q", "--geometric=2")
COLLECT = ("gc", "-q")


def repack(path: Path) -> None:
    """Packs loose objects and joins small packs; safe beside writers (nothing is thrown away).

    Each pack left has twice the objects of the next smaller one: they stay few, and an object
    is copied seldom (`git help repack`, --geometric).
    """
    _run(path, REPACK)


def collect(path: Path) -> None:
    """Packs everything anew, refs too, and throws away what nothing has reached for two weeks.

    Safe beside writers by that grace; `--prune=now` would not be.
    """
    _run(path, COLLECT)


def _run(path: Path, arguments: Sequence[str]) -> None:
    done = git_cli.completed(path, arguments)
    if done.returncode != 0:
        raise GitFailed(arguments[0], done.stderr.decode(errors="replace"))
