"""Where clips and exports are kept until they expire: one interface, two homes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.repository import STAGING
from webapp import staging_values
from webapp.config import Settings

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}\.(mp4|json|csv|bundle)")
BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?<!-s3alias)(?<!--ol-s3)/?")
"""A bucket by its own name: an access point's is another name of one."""
ADDRESS = re.compile(r"\s*[a-z][a-z0-9+.-]*:", re.IGNORECASE)
CHUNK = 256 * 1024


class StorageFailed(Exception):
    """A file could not be kept or read; says where and why."""


class NotStored(Exception):
    """There is no such file."""


class StorageMisconfigured(Exception):
    """The settings of the storage can't be used; says which and why."""


class Storage(Protocol):
    """Files by name; a file is there whole, or not at all. Methods raise StorageFailed."""

    def put(self, name: str, source: Path) -> int:
        """Keeps a copy of a file, in place of one of this name; gives its size."""

    def size(self, name: str) -> int:
        """How many bytes a file has; raises NotStored."""

    def read(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """Part of a file, in pieces; raises NotStored before the first."""

    def delete(self, name: str) -> None:
        """Takes a file away, if it is there."""

    def names(self) -> Iterator[str]:
        """Every file."""

    def link(self, name: str, seconds: int, filename: str) -> str | None:
        """An address that gives the file to anybody for so long; None: it has none."""


def storage(settings: Settings, environment: str) -> Storage:
    """Where an environment's clips are; raises StorageMisconfigured."""
    where = _place(settings, environment)
    for other in ENVIRONMENTS:
        if other != environment and where.startswith("s3://") and where == _place(settings, other):
            raise StorageMisconfigured(
                f"PROMPT_REPO_PREVIEW_STORAGE gives {environment} and {other} the same bucket; "
                "write `staging=s3://…,production=s3://…` with two"
            )
    if not ADDRESS.match(where):
        from webapp.storage_folder import Folder

        return Folder(Path(where) / environment)
    from webapp.storage_s3 import Bucket

    found = BUCKET.fullmatch(where)
    if found is None:
        raise StorageMisconfigured(
            f"{where[:100]!r} names no bucket; write s3:// and the bucket’s own name, in small "
            "letters, without a path"
        )
    if environment == STAGING and settings.production_bucket.strip():
        _check_apart(found[1], settings.production_bucket)
    return Bucket(found[1], settings.s3_endpoint, settings.s3_region)


def is_ours(name: str) -> bool:
    """Whether a name is one that files are kept under here."""
    return NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """A name that stands for itself everywhere; raises ValueError for any other."""
    if not is_ours(name):
        raise ValueError(f"{name[:80]!r} is no file of ours")
    return name


def _place(settings: Settings, environment: str) -> str:
    told = settings.of_environment("preview_storage", environment).strip().rstrip("/")
    return told or str(settings.data.absolute() / "previews")


def _check_apart(staging: str, told: str) -> None:
    """Raises StorageMisconfigured where staging's bucket is, or may be, production's."""
    live = staging_values.bucket_in(told)
    if not BUCKET.fullmatch(f"s3://{live}"):
        raise StorageMisconfigured(
            f"whether {staging} is production’s bucket can’t be told: what "
            "PROMPT_REPO_PRODUCTION_BUCKET says is no bucket’s own name"
        )
    if staging == live:
        raise StorageMisconfigured(
            "PROMPT_REPO_PREVIEW_STORAGE gives staging the bucket that is production’s by "
            "PROMPT_REPO_PRODUCTION_BUCKET; staging needs its own"
        )
