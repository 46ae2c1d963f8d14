"""Objects on disk: in git's own form, synced in the right order, tidy after a death."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from dulwich.objects import Blob, ShaFile, Tree

from prompt_repo import git_objects
from prompt_repo.errors import RefMoved, StorageFailed
from prompt_repo.git_store import GitStore
from prompt_repo.model import Author, Label

Git = Callable[..., str]
SAM = Author("Sam Byrne", "sam@studio.example")


@pytest.fixture
def store(tmp_path: Path) -> GitStore:
    """A repository with one commit."""
    made = GitStore.create(tmp_path / "prompts.git")
    made.write("staging", None, {"defaults/idle.yaml": b"one\n"}, author=SAM, message="Begin")
    return made


@dataclass
class Recorder:
    """What was synced and renamed, in order, by inode."""

    steps: list[tuple[str, int]] = field(default_factory=list)

    def at(self, kind: str, path: Path) -> int:
        """When the file that now stands at `path` had this done to it last; raises ValueError."""
        wanted = (kind, path.stat().st_ino)
        return len(self.steps) - 1 - self.steps[::-1].index(wanted)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Watches os.fsync and os.replace."""
    made = Recorder()
    fsync, replace = os.fsync, os.replace

    def watched_fsync(fd: int) -> None:
        fsync(fd)
        made.steps.append(("synced", os.fstat(fd).st_ino))

    def watched_replace(source: str | bytes | Path, target: str | bytes | Path) -> None:
        inode = Path(os.fsdecode(source)).stat().st_ino
        replace(source, target)
        made.steps.append(("named", inode))

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    yield made
    monkeypatch.undo()


def loose(store: GitStore) -> set[Path]:
    """The files of all loose objects."""
    return set(store.path.glob("objects/[0-9a-f][0-9a-f]/*"))


def test_a_power_cut_after_the_answer_loses_nothing(store: GitStore, recorder: Recorder) -> None:
    """Each object is synced, then named, its folder synced; then the ref named; then its folder."""
    before = loose(store)

    commit = store.write(
        "staging",
        store.head("staging"),
        {"characters/aria/happy.yaml": b"new\n"},
        author=SAM,
        message="Edit",
    )

    made = loose(store) - before
    ref = store.path / "refs/heads/staging"
    assert 5 == len(made)
    assert commit.oid in {f"{path.parent.name}{path.name}" for path in made}
    for path in made:
        synced, named = recorder.at("synced", path), recorder.at("named", path)
        assert synced < named < recorder.at("synced", path.parent) < recorder.at("named", ref)
    assert recorder.at("synced", store.path / "objects") < recorder.at("named", ref)
    assert recorder.at("synced", ref) < recorder.at("named", ref)
    assert recorder.at("named", ref) < recorder.at("synced", ref.parent)


def test_a_bulk_write_is_as_durable(store: GitStore, recorder: Recorder) -> None:
    """The pack and its index are synced before they are named, their folder before the ref."""
    files: dict[str, bytes | None] = {f"characters/c{n}/idle.yaml": b"%d" % n for n in range(60)}

    store.write("staging", store.head("staging"), files, author=SAM, message="Bulk")

    folder, ref = store.path / "objects/pack", store.path / "refs/heads/staging"
    (pack,), (index,) = folder.glob("*.pack"), folder.glob("*.idx")
    for path in (pack, index):
        assert recorder.at("synced", path) < recorder.at("named", path)
    assert recorder.at("synced", index) < recorder.at("named", pack) < recorder.at("named", index)
    assert recorder.at("named", index) < recorder.at("synced", folder) < recorder.at("named", ref)
    assert recorder.at("synced", ref) < recorder.at("named", ref)


def test_the_first_branch_of_a_folder_is_as_durable(store: GitStore, recorder: Recorder) -> None:
    """A new folder of refs is itself named durably before its first branch moves."""
    head = store.head("staging")
    assert head is not None

    store.create_branch("changes/side", head)

    ref = store.path / "refs/heads/changes/side"
    assert recorder.at("synced", ref.parent.parent) < recorder.at("named", ref)
    assert recorder.at("named", ref) < recorder.at("synced", ref.parent)


def test_a_new_repository_is_durable(tmp_path: Path, recorder: Recorder) -> None:
    """Its files and folders are synced before anything is said about it."""
    store = GitStore.create(tmp_path / "new" / "prompts.git")

    places = [store.path, *store.path.rglob("*"), store.path.parent]
    for path in places:
        assert recorder.at("synced", path) >= 0


def test_an_object_that_is_there_is_synced_and_made_young(
    store: GitStore, recorder: Recorder
) -> None:
    """Nobody knows whether its writer synced it, and an old unused one could be pruned."""
    blob = Blob.from_string(b"one\n")
    file = store.path / "objects" / blob.id.decode()[:2] / blob.id.decode()[2:]
    os.utime(file, (1, 1))
    inode = file.stat().st_ino

    git_objects.add(store.path / "objects", [blob])

    assert recorder.at("synced", file) < recorder.at("synced", file.parent)
    assert inode == file.stat().st_ino
    assert file.stat().st_mtime > 1


@pytest.mark.parametrize("count", [3, 80])
def test_git_reads_what_was_written(store: GitStore, git: Git, count: int) -> None:
    """Loose or packed, small or large, given once or twice: the bytes come back."""
    tree = Tree()
    for number in range(2500):
        tree[b"file%05d" % number] = (0o100644, Blob.from_string(b"%d" % number).id)
    blobs = [Blob.from_string(b"%d\n" % number * number) for number in range(count)]
    objects: list[ShaFile] = [*blobs, tree, *blobs[:2]]

    git_objects.add(store.path / "objects", objects)

    assert len(tree.as_raw_string()) > git_objects.PLAIN_FROM
    for number, blob in enumerate(blobs):
        assert f"{number}\n" * number == git(store.path, "cat-file", "blob", blob.id.decode())
    assert 2500 == len(git(store.path, "ls-tree", tree.id.decode()).splitlines())
    for path in store.path.glob("objects/[0-9a-f][0-9a-f]/*"):
        assert 0o444 == stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("count", [3, 80])
def test_a_full_disk_leaves_nothing_half_written(
    store: GitStore, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails is reported, takes its files away, and leaves the branch where it was."""
    before, head = sorted(store.path.rglob("*")), store.head("staging")
    files: dict[str, bytes | None] = {f"characters/c{n}/idle.yaml": b"%d" % n for n in range(count)}

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageFailed, match="No space"):
            store.write("staging", head, files, author=SAM, message="Bulk")

    left = [path for path in sorted(store.path.rglob("*")) if path not in before]
    assert [] == [path for path in left if path.is_file()]
    assert head == store.head("staging")
    store.write("staging", head, files, author=SAM, message="Bulk")


def test_what_a_dead_writer_left_goes_and_what_others_are_at_stays(
    store: GitStore, git: Git
) -> None:
    """Only files with our own names are cleared: git's and dulwich's may be in use."""
    objects = store.path / "objects"
    folder = next(objects.glob("[0-9a-f][0-9a-f]"))
    ours = [objects / f"{git_objects.LOOSE}x", objects / "pack" / f"{git_objects.PACK}x"]
    ours.append(objects / "pack" / f"{git_objects.INDEX}pack-{'1' * 40}")
    others = [folder / "tmp_obj_abc123", objects / "pack" / "tmp_pack_abc123"]
    others.append(folder / f"{'1' * 38}.lock")
    for path in [*ours, *others]:
        path.write_bytes(b"half")

    git_objects.clear(objects)

    assert [False] * 3 == [path.exists() for path in ours]
    assert [True] * 3 == [path.exists() for path in others]


def test_a_pack_whose_writer_died_before_its_index_is_finished(store: GitStore, git: Git) -> None:
    """The index was whole before the pack took its place, so it is put beside it."""
    objects = store.path / "objects"
    git_objects.add(objects, [Blob.from_string(b"%d" % number) for number in range(60)])
    (index,) = (objects / "pack").glob("*.idx")
    index.rename(objects / "pack" / f"{git_objects.INDEX}{index.stem}")

    git_objects.clear(objects)

    assert index.exists()
    assert "" == git(store.path, "verify-pack", str(index))
    assert sorted(path.suffix for path in (objects / "pack").iterdir()) == [".idx", ".pack"]


def test_a_half_written_index_never_replaces_a_whole_one(store: GitStore) -> None:
    """The same bulk write, repeated and killed, leaves the first one's index as it is."""
    objects = store.path / "objects"
    git_objects.add(objects, [Blob.from_string(b"%d" % number) for number in range(60)])
    (index,) = (objects / "pack").glob("*.idx")
    whole = index.read_bytes()
    (objects / "pack" / f"{git_objects.INDEX}{index.stem}").write_bytes(whole[:100])

    git_objects.clear(objects)

    assert whole == index.read_bytes()
    assert 2 == len(list((objects / "pack").iterdir()))


def test_a_folder_that_git_takes_away_is_made_again(
    store: GitStore, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its upkeep removes empty folders of objects, also between our making one and using it."""
    replace, taken = Path.replace, []

    def take_away(path: Path, target: Path) -> Path:
        if "objects" in target.parts and len(taken) < 7:
            taken.append(target)
            with suppress(OSError):  # one that isn't empty stays
                target.parent.rmdir()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", take_away)
    files: dict[str, bytes | None] = {f"f{number}": b"%d" % number for number in range(20)}
    made = store.write("staging", store.head("staging"), files, author=SAM, message="x")

    assert 7 == len(taken)
    assert b"19" == store.read(made.oid, "f19")
    assert "" == git(store.path, "fsck", "--strict", "--no-dangling", "--no-progress")


def test_a_folder_that_goes_as_it_is_made_is_made_again(
    store: GitStore, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was there, so that ours could not be made, and is gone at the next look."""
    mkdir, taken = os.mkdir, []

    def take_away(path: Path, *arguments: int) -> None:
        try:
            mkdir(path, *arguments)
        except FileExistsError:
            if "objects" in Path(path).parts and len(taken) < 7:
                with suppress(OSError):
                    Path(path).rmdir()
                    taken.append(path)
            raise

    monkeypatch.setattr(os, "mkdir", take_away)
    for number in range(256):
        (store.path / "objects" / f"{number:02x}").mkdir(exist_ok=True)
    files: dict[str, bytes | None] = {f"f{number}": b"%d" % number for number in range(20)}
    made = store.write("staging", store.head("staging"), files, author=SAM, message="x")

    assert 7 == len(taken)
    assert b"19" == store.read(made.oid, "f19")
    assert "" == git(store.path, "fsck", "--strict", "--no-dangling", "--no-progress")


def test_objects_that_git_packs_while_they_are_written_are_kept(
    store: GitStore, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packed and pruned before their folders are synced: they are in a pack then."""
    sync = git_objects.sync_folder

    def pack_first(folder: Path) -> None:
        git(store.path, "maintenance", "run", "--task=loose-objects")
        git(store.path, "prune-packed")
        sync(folder)

    monkeypatch.setattr(git_objects, "sync_folder", pack_first)
    made = store.write("staging", store.head("staging"), {"f": b"f"}, author=SAM, message="x")

    assert b"f" == store.read(made.oid, "f")
    assert [] == list((store.path / "objects").glob("??/*"))


def test_a_labelled_commit_is_as_durable(store: GitStore, recorder: Recorder, git: Git) -> None:
    """Both refs' contents and the objects are synced before either ref is named, and at once."""
    before = loose(store)

    commit = store.write(
        "staging",
        store.head("staging"),
        {"characters/aria/happy.yaml": b"new\n"},
        author=SAM,
        message="Release",
        label=Label("production/2026-11-23.1", "Notes"),
    )

    refs = [store.path / "refs/heads/staging", store.path / "refs/tags/production/2026-11-23.1"]
    for path in loose(store) - before:
        for ref in refs:
            assert recorder.at("synced", path.parent) < recorder.at("named", ref)
    for ref in refs:
        assert recorder.at("synced", ref) < recorder.at("named", ref)
        assert recorder.at("named", ref) < recorder.at("synced", ref.parent)
    tag = "production/2026-11-23.1"
    assert commit.oid == git(store.path, "rev-parse", f"{tag}^{{commit}}").strip()
    assert "Notes" in git(store.path, "cat-file", "tag", tag)


def test_a_taken_label_keeps_the_branch_where_it_is(store: GitStore) -> None:
    """A commit without its tag would be a release that nobody finds."""
    head = store.head("staging")
    assert head is not None
    store.tag("production/2026-11-23.1", head, who=SAM, message="First")

    with pytest.raises(RefMoved):
        store.write(
            "staging",
            head,
            {"characters/aria/happy.yaml": b"new\n"},
            author=SAM,
            message="Release",
            label=Label("production/2026-11-23.1", "Second"),
        )

    assert head == store.head("staging")
