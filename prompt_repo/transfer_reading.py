"""Any file that can be imported, told apart by its first bytes and put aside."""

from collections.abc import Sequence
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO

from prompt_repo.model import Emotion
from prompt_repo.progress import Progress, silent
from prompt_repo.transfer_archives import read_folder, read_zip
from prompt_repo.transfer_cards import PNG, read_png
from prompt_repo.transfer_read_csv import read_csv
from prompt_repo.transfer_read_json import read_json
from prompt_repo.transfer_staged import Place, Staged
from prompt_repo.transfer_text import Unreadable, encoding_of

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
BEGINNING = 1024  # bytes looked at
PIECE = 1 << 18  # bytes read at once


def read(file: BinaryIO, staged: Staged, emotions: Sequence[Emotion]) -> None:
    """Puts aside what a file holds, and every problem: JSON, CSV, a zip of YAML, a card.

    `file` can seek. Where it breaks off, or makes no sense from some place on, that is a problem
    too. `emotions` are those that a wide CSV may have columns for.
    """
    try:
        _read(file, staged, emotions)
    except Unreadable as wrong:
        staged.refuse(wrong.message, wrong.place)


def read_path(
    path: Path, staged: Staged, emotions: Sequence[Emotion], progress: Progress = silent
) -> None:
    """The same of a file or a folder on this machine; `progress` hears of the bytes of a file."""
    if path.is_dir():
        try:
            read_folder(path, staged)
        except Unreadable as wrong:
            staged.refuse(wrong.message, wrong.place)
        return
    with BufferedReader(_Watched(path, progress), PIECE) as file:
        read(file, staged, emotions)


class _Watched(FileIO):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, progress: Progress) -> None:
        super().__init__(path)
        self._progress, self._size, self._read = progress, path.stat().st_size, 0

    def readinto(self, buffer: Any) -> int:
        """The next bytes."""
        count = super().readinto(buffer)
        self._read = max(self._read, self.tell())
        self._progress("Reading", self._read, self._size)
        return count


def _read(file: BinaryIO, staged: Staged, emotions: Sequence[Emotion]) -> None:
    file.seek(0)
    beginning = file.read(BEGINNING)
    if beginning.startswith(PNG):
        read_png(file, staged)
    elif beginning.startswith(ZIP):
        read_zip(file, staged)
    elif not beginning.strip():
        raise Unreadable("the file is empty", Place(1, 1))
    else:
        text = beginning.decode(encoding_of(beginning), errors="replace")
        if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
            read_json(file, staged)
        else:
            read_csv(file, staged, emotions)
