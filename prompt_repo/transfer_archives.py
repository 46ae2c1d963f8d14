"""A folder or a zip of our own YAML files; what could reach outside of it is refused."""

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from prompt_repo import documents
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.layout import CONFIGURATION, place_of
from prompt_repo.transfer_staged import Place, Staged
from prompt_repo.transfer_text import Unreadable
from prompt_repo.yaml_tree import MAXIMUM

FILES = 250_000  # in one archive
UNPACKED = 1024 * 1024 * 1024  # bytes of all files together
RATIO = 200  # unpacked bytes a packed one; YAML of people's prompts packs to a tenth
NOT_BOMB = 1024 * 1024  # bytes that may come of little
FOLDERS = ("characters", "defaults")
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
BROKEN = zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError
"""All that zipfile raises of a file's bytes: RuntimeError for one under a password, ValueError for
offsets and times that can't be, NotImplementedError for a packing it doesn't know."""
WORKBOOKS = ("[Content_Types].xml", "content.xml")
"""What Excel's files hold, and LibreOffice's."""
NONE_OF_OURS = "holds none of our documents: prompts.yaml, defaults/…, characters/…"


def read_zip(file: BinaryIO, staged: Staged) -> None:
    """Puts the documents in a zip aside, with every problem; raises Unreadable for no zip."""
    file.seek(0)
    with _unpacking():
        archive = zipfile.ZipFile(file)
    with archive:
        members = archive.infolist()
        if len(members) > FILES:
            raise Unreadable(f"this zip has more than {FILES:,} files", Place())
        names = [each.filename for each in members]
        if any(name in WORKBOOKS for name in names):
            raise Unreadable("this is a workbook; save its sheet as CSV, and send that", Place())
        _bounded(members)
        below = _top(names)
        for member in members:
            if not member.is_dir():
                _member(archive, member, below, staged)
    _check_any(staged, "this zip")


def read_folder(folder: Path, staged: Staged) -> None:
    """Puts the documents below a folder aside; links aren't followed, Git's own folder is left."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted([*names, *folders]):
            file = Path(place, name)
            path = file.relative_to(folder).as_posix()
            if file.is_symlink():
                _refuse(staged, path, "is a link; an import takes files alone")
            elif file.is_file():
                with file.open("rb") as stream:
                    _take(path, stream.read(MAXIMUM + 1), staged)
    _check_any(staged, "this folder")


def _check_any(staged: Staged, what: str) -> None:
    if not len(staged) and not staged.count:
        raise Unreadable(f"{what} {NONE_OF_OURS}", Place())


def _bounded(members: list[zipfile.ZipInfo]) -> None:
    """Raises Unreadable for what would unpack to more than it may, before anything is unpacked."""
    whole = sum(each.file_size for each in members)
    packed = sum(each.compress_size for each in members)
    if whole > UNPACKED or (whole > NOT_BOMB and whole > RATIO * max(1, packed)):
        raise Unreadable(
            f"this zip would unpack to {whole:,} bytes from {packed:,}, which no export of "
            "prompts does",
            Place(),
        )


def _top(names: list[str]) -> str:
    """The one folder that everything lies in, where a zip has one above ours."""
    tops = {name.partition("/")[0] for name in names}
    if len(tops) != 1 or CONFIGURATION in names or tops & {*FOLDERS}:
        return ""
    return f"{tops.pop()}/"


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, below: str, staged: Staged) -> None:
    name = member.filename
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or ":" in parts[0] or {"..", "."} & {*parts}:
        _refuse(staged, name, "leads out of the archive; take it out")
        return
    if stat.S_ISLNK(member.external_attr >> 16):
        _refuse(staged, name, "is a link; an import takes files alone")
        return
    if member.flag_bits & 1:
        _refuse(staged, name, "is encrypted; pack it without a password")
        return
    if member.compress_type not in PACKED:
        _refuse(staged, name, "is packed in a way that isn't read here; pack it with Deflate")
        return
    with _unpacking(), archive.open(member) as stream:
        raw = stream.read(MAXIMUM + 1)
    _take(name.removeprefix(below), raw, staged)


@contextmanager
def _unpacking() -> Iterator[None]:
    """Tells what zipfile makes of bytes; what it hands out is read outside of this block.

    A ValueError of our own is a slip of ours, and no fault of the file that somebody sent.
    """
    try:
        yield
    except BROKEN as wrong:
        raise Unreadable(f"this zip can't be read: {str(wrong)[:200]}", Place()) from wrong


def _take(path: str, raw: bytes, staged: Staged) -> None:
    if place_of(path) is None:
        if len(staged.warnings) < FILES:
            staged.warnings.append(f"{path[:200]} is no document of ours and was left out")
        return
    try:
        staged.add(path, documents.parse(raw, path), raw, Place())
    except InvalidDocument as invalid:
        staged.refuse_all(invalid.problems)


def _refuse(staged: Staged, path: str, said: str) -> None:
    staged.refuse_all([Problem(path[:200], said)])
