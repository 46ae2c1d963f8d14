"""How a repository is made, and which forms of one can be read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dulwich.config import ConfigFile
from dulwich.errors import NotGitRepository
from dulwich.repo import Repo, UnsupportedExtension, UnsupportedVersion

from prompt_repo import git_objects
from prompt_repo.errors import RepositoryNotFound, StorageFailed

SETTINGS = {
    # What plain git writes here is synced too; reads at a time go by the log of ref moves.
    # core.fsyncObjectFiles isn't set: git_objects syncs whatever is set, and git prints a
    # warning at each command where it is.
    "core": {"fsync": "all", "logAllRefUpdates": "always"},
    "gc": {
        "auto": "0",
        "pruneExpire": "2.weeks.ago",
        "reflogExpire": "never",
        "reflogExpireUnreachable": "never",
    },
    "receive": {"denyNonFastForwards": "true", "denyDeletes": "true"},
    "transfer": {"fsckObjects": "true"},
}
ORDINARY = {b"refstorage": b"files", b"objectformat": b"sha1"}  # extensions we read in this form


@contextmanager
def storage(folder: Path) -> Iterator[None]:
    """What the system refuses within becomes StorageFailed."""
    try:
        yield
    except OSError as error:
        raise StorageFailed.of(error, folder) from error


def make(path: Path) -> None:
    """Makes a bare repository without a commit, durably."""
    path.mkdir(parents=True, exist_ok=True)
    with Repo.init_bare(str(path), default_branch=b"staging") as repo:
        _write(repo.get_config(), _settings())
    git_objects.sync_all(path)


def guard(path: Path) -> list[str]:
    """Sets what a repository's own configuration leaves unsaid, and gives the names of it."""
    with Repo(str(path)) as repo:
        config = repo.get_config()
        unsaid = [each for each in _settings() if not _says(config, *each[:2])]
        if unsaid:
            _write(config, unsaid)
    return [f"{section.decode()}.{name.decode()}" for section, name, _ in unsaid]


def folders(path: Path) -> tuple[Path, Path | None]:
    """The folder of objects and refs, and of a clone's work tree the one where HEAD is.

    Raises RepositoryNotFound, also for a form of repository that can't be read here.
    """
    try:
        with Repo(str(path)) as repo:
            common = Path(os.fsdecode(repo.commondir())).resolve()
            clone = None if repo.bare else Path(os.fsdecode(repo.controldir())).resolve()
            extensions = list(repo.get_config().items((b"extensions",)))
    except (NotGitRepository, NotADirectoryError, FileNotFoundError) as missing:
        raise RepositoryNotFound(str(path)) from missing
    except (UnsupportedExtension, UnsupportedVersion, ValueError) as refused:
        raise RepositoryNotFound(str(path), str(refused)) from refused
    for name, value in extensions:
        if ORDINARY.get(name.lower(), value) != value:
            raise RepositoryNotFound(str(path), os.fsdecode(name + b" = " + value))
    return common, clone


def _settings() -> list[tuple[bytes, bytes, bytes]]:
    return [
        (section.encode(), name.encode(), value.encode())
        for section, values in SETTINGS.items()
        for name, value in values.items()
    ]


def _says(config: ConfigFile, section: bytes, name: bytes) -> bool:
    try:
        config.get((section,), name)
    except KeyError:
        return False
    return True


def _write(config: ConfigFile, settings: list[tuple[bytes, bytes, bytes]]) -> None:
    for section, name, value in settings:
        config.set((section,), name, value)
    config.write_to_path()
