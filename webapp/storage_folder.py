"""Clips in a folder: written beside their place, then put there in one step."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from webapp.storage import CHUNK, NotStored, StorageFailed, check_name

PART = ".part"


class Folder:
    """A folder of one environment, made at first use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, name: str, source: Path) -> int:
        """Keeps a copy of a file, in place of one of this name; gives its size."""
        target = self._path / check_name(name)
        try:
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            return _put(source, target)
        except OSError as error:
            raise StorageFailed(f"{target} can't be written: {error.strerror}") from error

    def size(self, name: str) -> int:
        """How many bytes a file has; raises NotStored."""
        try:
            return (self._path / check_name(name)).stat().st_size
        except FileNotFoundError:
            raise NotStored(name) from None
        except OSError as error:
            raise StorageFailed(f"{name} can't be read: {error.strerror}") from error

    def read(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """Part of a file, in pieces; raises NotStored before the first."""
        try:
            file = (self._path / check_name(name)).open("rb")
        except FileNotFoundError:
            raise NotStored(name) from None
        except OSError as error:
            raise StorageFailed(f"{name} can't be read: {error.strerror}") from error
        return _pieces(file, start, length)

    def delete(self, name: str) -> None:
        """Takes a file away, if it is there."""
        try:
            (self._path / check_name(name)).unlink(missing_ok=True)
        except OSError as error:
            raise StorageFailed(f"{name} can't be deleted: {error.strerror}") from error

    def names(self) -> Iterator[str]:
        """Every file."""
        if self._path.is_dir():
            yield from sorted(each.name for each in self._path.iterdir() if each.suffix != PART)

    def link(self, name: str, seconds: int, filename: str) -> str | None:
        """A folder gives files to nobody by itself."""
        return None


def _put(source: Path, target: Path) -> int:
    descriptor, name = tempfile.mkstemp(dir=target.parent, suffix=PART)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file, source.open("rb") as original:
            shutil.copyfileobj(original, file)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return size


def _pieces(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while length > 0:
            piece = file.read(min(CHUNK, length))
            if not piece:
                return
            length -= len(piece)
            yield piece
