"""Git trees as raw bytes: look up, splice, compare; work grows with what changed."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from dulwich.objects import ObjectID, ShaFile, Tree, parse_tree

FILE = b"100644"
FOLDER = b"40000"
ID = 20
Read: TypeAlias = Callable[[bytes], bytes]
"""Gives the raw bytes of a tree by its hex id."""
Entries: TypeAlias = set[tuple[bytes, int, bytes]]


def child(raw: bytes, mode: bytes, name: bytes) -> bytes | None:
    """The hex id of one entry; None where the tree has none of that name and mode."""
    place = _place(raw, mode, name)
    if place is not None:
        return raw[place : place + ID].hex().encode()
    for entry, found, oid in parse_tree(raw, ID):
        if entry == name and _same_kind(found, mode):
            return bytes(oid)
    return None


def _same_kind(found: int, mode: bytes) -> bool:
    return (found & 0o170000) == (int(mode, 8) & 0o170000)


def _place(raw: bytes, mode: bytes, name: bytes) -> int | None:
    """Where an entry's id stands, if the bytes of its head occur exactly once.

    They could also occur within an id, by a chance of 2^-64 and less; a second occurrence
    sends the caller to the slow, exact way.
    """
    head = b"%s %s\0" % (mode, name)
    start = raw.find(head)
    if start < 0 or raw.find(head, start + 1) >= 0:
        return None
    return start + len(head)


def updated(
    tree: bytes | None, changes: Mapping[tuple[bytes, ...], bytes | None], read: Read
) -> tuple[bytes | None, list[ShaFile]]:
    """A tree with some files replaced: its hex id (None: empty) and the new tree objects.

    `changes` maps split paths to hex ids of blobs; None removes the file.
    """
    raw = read(tree) if tree is not None else b""
    files = {path[0]: blob for path, blob in changes.items() if len(path) == 1}
    folders: dict[bytes, dict[tuple[bytes, ...], bytes | None]] = {}
    for path, blob in changes.items():
        if len(path) > 1:
            folders.setdefault(path[0], {})[path[1:]] = blob
    made: list[ShaFile] = []
    entries = [(FILE, name, blob) for name, blob in files.items()]
    for name, below in folders.items():
        oid, objects = updated(child(raw, FOLDER, name) if raw else None, below, read)
        made += objects
        entries.append((FOLDER, name, oid))
    after = _spliced(raw, entries)
    new = Tree.from_string(after)
    if after:
        made.append(new)
    return (new.id if after else None), made


def _spliced(raw: bytes, entries: list[tuple[bytes, bytes, bytes | None]]) -> bytes:
    """The tree's bytes with some entries set or taken away.

    Replacing the ids in place keeps a folder of 10,000 characters cheap; anything else
    goes through dulwich.
    """
    slow = []
    for mode, name, oid in entries:
        place = _place(raw, mode, name) if oid is not None else None
        if place is None or oid is None:
            slow.append((mode, name, oid))
        else:
            raw = raw[:place] + bytes.fromhex(oid.decode()) + raw[place + ID :]
    if not slow:
        return raw
    tree = Tree.from_string(raw)
    for mode, name, oid in slow:
        if name in tree:
            del tree[name]
        if oid is not None:
            tree[name] = (int(mode, 8), ObjectID(oid))
    return tree.as_raw_string()


def differences(
    old: bytes | None, new: bytes | None, read: Read, prefix: bytes = b""
) -> dict[bytes, tuple[bytes | None, bytes | None]]:
    """Regular files whose blobs differ between two trees, by path: (old id, new id)."""
    if old == new:
        return {}
    before, after = _entries(old, read), _entries(new, read)
    found: dict[bytes, tuple[bytes | None, bytes | None]] = {}
    sides: dict[bytes, dict[int, tuple[int, bytes]]] = {}
    for side, entries in ((0, before - after), (1, after - before)):
        for name, mode, oid in entries:
            sides.setdefault(name, {})[side] = (mode, oid)
    for name, pair in sides.items():
        path = prefix + name
        trees = [_of_kind(pair.get(side), 0o040000) for side in (0, 1)]
        blobs = [_of_kind(pair.get(side), 0o100000) for side in (0, 1)]
        if any(trees):
            found.update(differences(trees[0], trees[1], read, path + b"/"))
        if blobs[0] != blobs[1]:
            found[path] = (blobs[0], blobs[1])
    return found


def _of_kind(entry: tuple[int, bytes] | None, kind: int) -> bytes | None:
    return entry[1] if entry is not None and entry[0] & 0o170000 == kind else None


def _entries(tree: bytes | None, read: Read) -> Entries:
    if tree is None:
        return set()
    return {(name, mode, bytes(oid)) for name, mode, oid in parse_tree(read(tree), ID)}
