"""Trees as raw bytes, held to dictionaries and to dulwich."""

from collections.abc import Mapping

from dulwich.object_store import MemoryObjectStore, iter_tree_contents
from dulwich.objects import Blob, ObjectID, ShaFile, Tree
from hypothesis import given
from hypothesis import strategies as st

from prompt_repo import git_trees

NAMES = st.sampled_from(["a", "a.yaml", "aa", "b", "b-c", "b.yaml", "100644 a", "40000 b"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TEXTS = st.sampled_from(["one", "two", "three"])
Files = dict[str, str]


def fits(files: Files) -> bool:
    """Whether no path is both a file and a folder."""
    return not any(other.startswith(f"{path}/") for path in files for other in files)


FILES = st.dictionaries(PATHS, TEXTS, max_size=12).filter(fits)


class Trees:
    """Trees in memory, written by the code under test."""

    def __init__(self) -> None:
        self.store = MemoryObjectStore()

    def read(self, oid: bytes) -> bytes:
        """The raw bytes of a tree."""
        return self.store.get_raw(ObjectID(oid))[1]

    def add(self, tree: bytes | None, changes: Mapping[str, str | None]) -> bytes | None:
        """A tree with some files set or taken away."""
        ids: dict[tuple[bytes, ...], bytes | None] = {}
        objects: list[ShaFile] = []
        for path, text in changes.items():
            blob = Blob.from_string(text.encode()) if text is not None else None
            objects += [blob] if blob is not None else []
            ids[tuple(path.encode().split(b"/"))] = blob.id if blob is not None else None
        oid, made = git_trees.updated(tree, ids, self.read)
        for each in [*objects, *made]:
            self.store.add_object(each)
        return oid

    def files(self, tree: bytes | None) -> Files:
        """Everything in a tree, as dulwich reads it."""
        found = {}
        for entry in iter_tree_contents(self.store, ObjectID(tree)) if tree is not None else ():
            assert entry.path is not None
            assert entry.sha is not None
            found[entry.path.decode()] = self.store[entry.sha].as_raw_string().decode()
        return found


def steps(before: Files, after: Files) -> dict[str, str | None]:
    """What leads from one set of files to another."""
    gone: dict[str, str | None] = dict.fromkeys(before.keys() - after.keys())
    return gone | {path: text for path, text in after.items() if before.get(path) != text}


@given(FILES, FILES)
def test_a_tree_becomes_what_the_changes_say(before: Files, after: Files) -> None:
    """Any files can be set and taken away; no empty folder stays; the bytes are git's own form."""
    trees = Trees()
    old = trees.add(None, before)

    new = trees.add(old, steps(before, after))

    assert before == trees.files(old)
    assert after == trees.files(new)
    assert new == trees.add(None, after)


@given(FILES, FILES)
def test_differences_are_those_of_the_files(before: Files, after: Files) -> None:
    """Two trees differ in exactly the paths whose text differs, each with both blobs."""
    trees = Trees()
    old, new = trees.add(None, before), trees.add(None, after)

    found = dict(git_trees.differences(old, new, trees.read))

    blobs = {text: Blob.from_string(text.encode()).id for text in ("one", "two", "three")}
    expected = {
        path.encode(): tuple(
            blobs[files[path]] if path in files else None for files in (before, after)
        )
        for path in steps(before, after)
    }
    assert expected == found


@given(FILES, PATHS)
def test_a_file_is_found_by_its_whole_path(files: Files, path: str) -> None:
    """A path is found if it is there, also among names made to look like another's entry."""
    trees = Trees()
    tree = trees.add(None, files)

    found = git_trees.find(tree, tuple(path.encode().split(b"/")), trees.read)

    expected = Blob.from_string(files[path].encode()).id if path in files else None
    assert expected == found


def test_a_name_that_imitates_an_entry_is_not_taken_for_it() -> None:
    """A hostile file name that ends like the head of another entry changes nothing."""
    trees = Trees()
    tree = trees.add(None, {"x100644 angry.yaml": "hostile"})

    after = trees.add(tree, {"angry.yaml": "mine"})

    assert tree is not None
    assert git_trees.child(trees.read(tree), git_trees.FILE, b"angry.yaml") is None
    assert {"x100644 angry.yaml": "hostile", "angry.yaml": "mine"} == trees.files(after)


def test_an_executable_file_is_found_and_becomes_an_ordinary_one() -> None:
    """What somebody pushed with the executable bit is a prompt like any other."""
    trees = Trees()
    tree = Tree()
    tree[b"angry.yaml"] = (0o100755, Blob.from_string(b"one").id)
    trees.store.add_object(tree)

    after = trees.add(tree.id, {"angry.yaml": "two"})

    one, two = (Blob.from_string(text).id for text in (b"one", b"two"))
    assert one == git_trees.child(trees.read(tree.id), git_trees.FILE, b"angry.yaml")
    assert after is not None
    assert [(b"angry.yaml", 0o100644, two)] == list(git_trees.entries(trees.read(after)))


def test_symlinks_and_submodules_are_no_files() -> None:
    """Only regular files are compared; a symlink that becomes a file is a new file."""
    trees = Trees()
    blob = Blob.from_string(b"aria")
    link, submodule, file = Tree(), Tree(), Tree()
    link[b"a"] = (0o120000, blob.id)
    submodule[b"a"] = (0o160000, blob.id)
    file[b"a"] = (0o100644, blob.id)
    for tree in (link, submodule, file):
        trees.store.add_object(tree)

    unseen = dict(git_trees.differences(link.id, submodule.id, trees.read))
    new = dict(git_trees.differences(link.id, file.id, trees.read))

    assert {} == unseen
    assert {b"a": (None, blob.id)} == new


def test_bytes_that_are_no_tree_end_the_reading() -> None:
    """A damaged tree gives what can be read of it, and never an endless loop."""
    whole = b"100644 a\0" + b"x" * 20

    found = list(git_trees.entries(whole + b"100644 b\0short"))
    trees = {b"1": whole, b"2": b"rubbish", b"3": b""}
    differences = dict(git_trees.differences(b"1", b"2", trees.__getitem__))

    assert [b"a"] == [name for name, _, _ in found]
    assert {b"a": ((b"x" * 20).hex().encode(), None)} == differences


def test_a_tree_cut_anywhere_ends_at_a_whole_entry() -> None:
    """Wherever the bytes are cut, the boundary is where the last whole entry ends."""
    entries = [b"40000 folder-%d\0" % number + bytes([number]) * 20 for number in range(4)]
    raw = b"".join(entries)
    ends = [sum(map(len, entries[:count])) for count in range(len(entries) + 1)]

    found = [git_trees._boundary(raw, 0, until) for until in range(len(raw) + 1)]

    assert found == [max(end for end in ends if end <= until) for until in range(len(raw) + 1)]
