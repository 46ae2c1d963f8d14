"""The data folder: how we know it is ours, its secret key, and who runs on it."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARKER = ".prompt-repo"
OURS = (
    "prompts.git",
    "records.sqlite3",
    "records.sqlite3-shm",
    "records.sqlite3-wal",
    "records.lock",
    "secret_key",
    "token_endings",
    "logs",
    "metrics",
    "redis",
    "previews",
    "imports",
    "anonymization_key",
    "mapping.sqlite3",
    "demo",
)
"""What `set_aside` takes away; anything else in the folder stays."""
EARLIER = "earlier"


class FolderError(Exception):
    """The data folder can't be used; says why and what to do."""


def prepare(folder: Path) -> None:
    """Makes the data folder, or takes note that it is one of ours.

    Raises FolderError where a folder holds other people's files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not is_ours(folder) and any(folder.iterdir()):
            raise FolderError(
                f"{folder} is not empty and is no data folder of prompt-repo; name another one"
            )
        (folder / MARKER).touch(mode=0o600)
    except OSError as error:
        raise FolderError(f"{folder} can't be used as the data folder: {error.strerror}") from error


def is_ours(folder: Path) -> bool:
    """Whether this is a data folder that prompt-repo made or was given a repository in."""
    return any((folder / name).exists() for name in (MARKER, "prompts.git", "records.sqlite3"))


def require_marker(folder: Path) -> None:
    """Raises FolderError where a folder has something in it, but not our marker."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise FolderError(f"{folder} carries no {MARKER} marker, so nothing in it is taken away")


def set_aside(folder: Path) -> Path | None:
    """Moves what prompt-repo keeps in its folder into `earlier`; anything else stays there.

    What an earlier call put there is deleted. Gives where it is now, None where there was
    nothing; raises FolderError where the folder doesn't carry our marker.
    """
    require_marker(folder)
    found = [folder / name for name in OURS if (folder / name).exists()]
    if not found:
        return None
    earlier = folder / EARLIER
    remove(earlier)
    earlier.mkdir(mode=0o700)
    for path in found:
        path.rename(earlier / path.name)
    return earlier


def remove(path: Path) -> None:
    """Deletes a file or a folder; a link is deleted, not what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def secret_key(folder: Path) -> str:
    """The key that signs sessions, made at first use and readable by its owner alone."""
    return _secret(folder / "secret_key")


def anonymization_key(folder: Path) -> str:
    """The key that a sync's fakes are made with, made and kept the same way."""
    return _secret(folder / "anonymization_key")


def _secret(path: Path) -> str:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # of several processes that start, one makes it
        key = file.read().strip()
        if not key:
            key = secrets.token_hex(32)
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
    return key


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Holds the folder for one running program; raises FolderError where another has it."""
    with (folder / "running.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            process = file.read().strip() or "unknown"
            raise FolderError(
                f"prompt-repo is running on {folder} already (process {process}); "
                "stop it first, or name another folder with --data"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
