"""Objects on disk, durably: loose ones as Git writes them, many at once as one pack."""

import errno
import os
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import ShaFile
from dulwich.pack import full_unpacked_object, write_pack_data, write_pack_index_v2

PACK_FROM = 50  # objects; that many and more go into one pack
SELDOM_PACK_FROM = 6  # the same for what is written seldom: packs slow reads, syncs slow writes
TRIES = 100  # to have a folder that git takes away as long as it is empty
PLAIN_FROM = 65_536  # bytes; larger trees are hashes, which hardly compress: 4 ms for a quarter
BEGINS_WRITING: int | None = getattr(os, "POSIX_FADV_DONTNEED", None)
"""Has Linux begin to write what a file holds, without waiting for it; elsewhere None."""
# Git ignores and prunes what begins so; only a holder of the writers' lock makes these names.
LOOSE = "tmp_obj_prompt-repo_"
PACK = "tmp_pack_prompt-repo_"
INDEX = "tmp_idx_prompt-repo_"


def add(
    objects: Path, made: Sequence[ShaFile], *, seldom: bool = False, along: Iterable[Path] = ()
) -> None:
    """Writes objects into the folder `objects`; when this returns they survive a power cut.

    Call it under the writers' lock. An object that is there already is synced once more,
    for nobody knows whether its writer was, and made young, so that no prune takes it. What is
    written `seldom`, mostly trees, is not compressed. Files of the caller's are synced `along`
    with them: many at once take little longer than one.
    """
    if len(made) < (SELDOM_PACK_FROM if seldom else PACK_FROM):
        _add_loose(objects, made, along)
    else:
        _add_pack(objects / "pack", made, along, level=0 if seldom else 1)


def adopt(incoming: Path, objects: Path) -> None:
    """Moves synced objects from another folder on the same disk here, durably.

    Call it under the writers' lock. What is here already is left, and made young.
    """
    folders = {objects}
    for file in incoming.glob("[0-9a-f][0-9a-f]/*"):
        target = objects / file.parent.name / file.name
        if not _freshened(target):
            _put_in_place(file, target)
        folders.add(target.parent)
    make_folder(objects / "pack")
    # The index last: with it the pack counts as there.
    for ending in (".pack", ".rev", ".idx"):
        for file in (incoming / "pack").glob(f"pack-*{ending}"):
            if not (objects / "pack" / file.name).exists():
                file.replace(objects / "pack" / file.name)
            folders.add(objects / "pack")
    for folder in sorted(folders, reverse=True):
        with suppress(FileNotFoundError):  # git has packed its objects meanwhile
            sync_folder(folder)


def clear(objects: Path) -> None:
    """Takes away what a writer that died left half done; call it under the writers' lock."""
    for stale in objects.glob(f"{LOOSE}*"):
        stale.unlink(missing_ok=True)
    for index in (objects / "pack").glob(f"{INDEX}*"):
        name = index.name.removeprefix(INDEX)
        whole = objects / "pack" / f"{name}.idx"
        # A pack takes its place only when its index is synced too: finish what was begun.
        if whole.with_suffix(".pack").exists() and not whole.exists():
            index.replace(whole)
        else:
            index.unlink()
    for stale in (objects / "pack").glob(f"{PACK}*"):
        stale.unlink(missing_ok=True)


def sync_files(files: Iterable[Path]) -> None:
    """Makes what files hold durable; the disk takes all of it before the first is waited for."""
    opened: list[int] = []
    try:
        for file in files:
            opened.append(os.open(file, os.O_RDONLY | os.O_CLOEXEC))
            if BEGINS_WRITING is not None:
                os.posix_fadvise(opened[-1], 0, 0, BEGINS_WRITING)
        for fd in opened:
            os.fsync(fd)
    finally:
        for fd in opened:
            os.close(fd)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, durably."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_all(folder: Path) -> None:
    """Makes every file and folder below `folder`, and its own name, durable."""
    for path in folder.rglob("*"):
        if path.is_file():
            sync_files([path])
        else:
            sync_folder(path)
    sync_folder(folder)
    sync_folder(folder.parent)


def _add_loose(objects: Path, made: Iterable[ShaFile], along: Iterable[Path]) -> None:
    new: dict[Path, Path] = {}
    folders = set()
    try:
        for each in made:
            oid = each.id.decode()
            target = objects / oid[:2] / oid[2:]
            folders.add(target.parent)
            if not _freshened(target):
                new[target] = _written(objects, _loose(each))
        sync_files([*new.values(), *along])
        for target, temporary in new.items():
            _put_in_place(temporary, target)
    finally:
        for temporary in new.values():
            temporary.unlink(missing_ok=True)
    for folder in sorted(folders):
        try:
            sync_folder(folder)
        except FileNotFoundError:  # git has packed its objects meanwhile, and synced the pack
            sync_folder(objects / "pack")
    # The folder above too: one found there may be new, from a writer that died before its sync.
    sync_folder(objects)


def _put_in_place(temporary: Path, target: Path) -> None:
    """Renames a file; git takes empty folders away, so that ours may go before it is used."""
    for _ in range(TRIES):
        # Not by `exist_ok`, which looks again at what is there, and by then it may be gone.
        with suppress(FileExistsError):
            target.parent.mkdir()
        try:
            temporary.replace(target)
            return
        except FileNotFoundError:
            continue
    raise FileNotFoundError(errno.ENOENT, "its folder is taken away again and again", str(target))


def _loose(each: ShaFile) -> bytes:
    raw = each.as_raw_string()
    level = 0 if each.type_name == b"tree" and len(raw) >= PLAIN_FROM else 1
    return zlib.compress(b"%b %d\0%b" % (each.type_name, len(raw), raw), level)


def _freshened(file: Path) -> bool:
    try:
        os.utime(file)
        sync_files([file])
    except FileNotFoundError:
        return False
    except PermissionError:
        return False  # another account's, with an old time: write our own over it
    return True


def _written(folder: Path, raw: bytes) -> Path:
    fd, name = tempfile.mkstemp(prefix=LOOSE, dir=folder)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(raw)
            os.fchmod(fd, 0o444)
    except BaseException:  # the disk is full, or Ctrl-C
        Path(name).unlink()
        raise
    return Path(name)


def _add_pack(folder: Path, made: Sequence[ShaFile], along: Iterable[Path], level: int) -> None:
    """One pack and its index, both synced under names of ours, then put in place."""
    unique = {each.id: each for each in made}
    make_folder(folder)
    fd, temporary = tempfile.mkstemp(prefix=PACK, dir=folder)
    unfinished = [pack := Path(temporary)]
    try:
        with os.fdopen(fd, "wb") as file:
            entries, checksum = _write_pack(file, list(unique.values()), level)
        name = f"pack-{checksum.hex()}"
        unfinished.append(index := folder / f"{INDEX}{name}")
        with index.open("wb") as file:
            write_pack_index_v2(file, entries, checksum)
            os.fchmod(file.fileno(), 0o444)
        sync_files([pack, index, *along])
        pack.replace(folder / f"{name}.pack")
        index.replace(folder / f"{name}.idx")
    finally:
        for each in unfinished:
            each.unlink(missing_ok=True)
    sync_folder(folder)


def _write_pack(
    file: BinaryIO, made: Sequence[ShaFile], level: int
) -> tuple[list[tuple[bytes, int, int | None]], bytes]:
    places, checksum = write_pack_data(
        file,
        (full_unpacked_object(each) for each in made),
        DEFAULT_OBJECT_FORMAT,
        num_records=len(made),
        compression_level=level,
    )
    os.fchmod(file.fileno(), 0o444)
    return sorted((oid, offset, crc) for oid, (offset, crc) in places.items()), checksum
