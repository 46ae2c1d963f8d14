"""Files at commits on branches: what GitStore writes, git reads, and the other way round."""

import os
import random
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from prompt_repo.errors import (
    RefMoved,
    RepositoryDamaged,
    RepositoryExists,
    RepositoryNotFound,
    RevisionNotFound,
    StorageFailed,
)
from prompt_repo.git_store import GitStore
from prompt_repo.model import Author, Commit, FileChange

Git = Callable[..., str]
SAM = Author("Sam Byrne", "sam@studio.example")
KIM = Author("Kim Osei", "kim@studio.example")
IDLE, HAPPY = "defaults/idle.yaml", "characters/aria/happy.yaml"
NO_COMMIT = "0123456789" * 4


@pytest.fixture
def store(tmp_path: Path) -> GitStore:
    """An empty repository."""
    return GitStore.create(tmp_path / "prompts.git")


def put(store: GitStore, files: dict[str, bytes | None], branch: str = "staging") -> Commit:
    """A commit on whatever the branch holds now."""
    return store.write(branch, store.head(branch), files, author=SAM, message="Edit")


def contents(store: GitStore, commit: str) -> dict[str, bytes]:
    """All files at a commit."""
    files = dict(store.files(commit))
    texts = dict(store.blobs(files.values()))
    return {path: texts[blob] for path, blob in files.items()}


def test_a_new_repository_is_one_git_understands(store: GitStore, git: Git) -> None:
    """It is bare, its HEAD is staging, and its settings keep history safe."""
    settings = git(store.path, "config", "--list", "--local").lower().splitlines()

    assert "true\n" == git(store.path, "rev-parse", "--is-bare-repository")
    assert "refs/heads/staging\n" == git(store.path, "symbolic-ref", "HEAD")
    assert {
        "core.fsync=all",
        "core.logallrefupdates=always",
        "gc.auto=0",
        "gc.pruneexpire=2.weeks.ago",
        "gc.reflogexpire=never",
        "receive.denynonfastforwards=true",
        "receive.denydeletes=true",
        "transfer.fsckobjects=true",
    } <= set(settings)
    assert store.head("staging") is None
    assert {} == store.branches()


def test_git_says_nothing_on_its_standard_error(store: GitStore) -> None:
    """No setting of ours makes git print a warning at each command."""
    put(store, {IDLE: b"one\n"})

    done = subprocess.run(["git", "-C", store.path, "log"], capture_output=True, check=True)

    assert b"" == done.stderr


def test_a_folder_in_use_is_refused(tmp_path: Path, store: GitStore) -> None:
    """A repository is made in an empty place only."""
    (tmp_path / "file").write_text("")

    for taken in (store.path, tmp_path, tmp_path / "file"):
        with pytest.raises(RepositoryExists):
            GitStore.create(taken)


def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    """Nothing is made where nothing is."""
    (tmp_path / "file").write_text("")

    for missing in (tmp_path, tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(RepositoryNotFound):
            GitStore.open(missing)


@pytest.mark.parametrize(
    "extension", ["refStorage = reftable", "objectFormat = sha256", "partialClone = origin"]
)
def test_a_repository_of_another_kind_is_refused(store: GitStore, extension: str) -> None:
    """Refs or ids in a form that isn't read here are an error that names the form."""
    with (store.path / "config").open("a") as config:
        config.write(f"[core]\nrepositoryformatversion = 1\n[extensions]\n{extension}\n")

    with pytest.raises(RepositoryNotFound, match=f"(?i){extension.split()[0]}"):
        GitStore.open(store.path)


def test_a_clone_and_its_work_trees_are_opened_by_their_folder(
    tmp_path: Path, store: GitStore, git: Git
) -> None:
    """`--repository PATH` may name a clone or a linked work tree; both see the same refs."""
    commit = put(store, {IDLE: b"one\n"})
    git(tmp_path, "clone", "-q", str(store.path), "clone")
    git(tmp_path / "clone", "worktree", "add", "-q", "--detach", "../linked")

    clone, linked = GitStore.open(tmp_path / "clone"), GitStore.open(tmp_path / "linked")
    later = put(linked, {IDLE: b"two\n"})

    assert (tmp_path / "clone" / ".git").resolve() == clone.path == linked.path
    assert b"one\n" == clone.read(commit.oid, IDLE)
    assert later.oid == clone.head("staging")


def test_a_shallow_clone_ends_where_it_was_cut(tmp_path: Path, store: GitStore, git: Git) -> None:
    """A commit whose parents were not fetched counts as a first one, as git has it."""
    put(store, {IDLE: b"one\n"})
    second = put(store, {HAPPY: b"two\n"})
    git(tmp_path, "clone", "-q", "--depth=1", store.path.as_uri(), "clone")

    commit = GitStore.open(tmp_path / "clone").commit(second.oid)

    assert () == commit.parents
    assert [HAPPY, IDLE] == [change.path for change in commit.changes]


def test_what_is_written_is_what_git_shows(store: GitStore, git: Git) -> None:
    """A commit's files, author, committer, time, message and parent are git's to read."""
    at = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
    first = store.write("staging", None, {IDLE: b"one\n"}, author=SAM, message="Begin", at=at)

    second = store.write(
        "staging",
        first.oid,
        {HAPPY: "zwölf 🌊\n".encode()},
        author=SAM,
        committer=KIM,
        message="Add happy\n\nPromoted-From: abc\n\n",
        at=at + timedelta(hours=1),
    )

    shown = git(store.path, "log", "-1", "--format=%H|%P|%an|%ae|%cn|%ce|%aI|%B", "staging")
    who = "Sam Byrne|sam@studio.example|Kim Osei|kim@studio.example"
    words = "2026-03-01T13:30:15+00:00|Add happy\n\nPromoted-From: abc\n\n"
    assert f"{second.oid}|{first.oid}|{who}|{words}" == shown
    assert "zwölf 🌊\n" == git(store.path, "show", f"staging:{HAPPY}")
    assert store.commit(second.oid) == second
    assert (("Promoted-From", "abc"),) == second.trailers
    assert (FileChange(HAPPY, None, store.changed(None, second.oid)[0].new),) == second.changes


def test_any_files_in_any_order_leave_a_clean_repository(store: GitStore, git: Git) -> None:
    """After many random edits each commit holds what a dictionary holds, and git finds no fault."""
    chance = random.Random(2)
    files: dict[str, bytes] = {}
    paths = [f"characters/c{one}/e{two}.yaml" for one in range(6) for two in range(4)] + [IDLE]
    history = []

    for number in range(60):
        chosen = chance.sample(paths, chance.randint(1, 4))
        edits = {path: chance.choice([None, b"%d\n" % number, b"same\n"]) for path in chosen}
        files = {path: raw for path, raw in (files | edits).items() if raw is not None}
        history.append((put(store, edits), dict(files)))

    assert [contents(store, commit.oid) for commit, _ in history] == [held for _, held in history]
    assert [store.commit(commit.oid) for commit, _ in history] == [each for each, _ in history]
    assert "" == git(store.path, "fsck", "--strict", "--no-dangling")


def test_a_folder_goes_with_its_last_file(store: GitStore, git: Git) -> None:
    """Taking the last file away leaves no empty folder in the tree."""
    put(store, {HAPPY: b"one\n", IDLE: b"one\n"})

    commit = put(store, {HAPPY: None})
    empty = put(store, {IDLE: None})

    assert "defaults\n" == git(store.path, "ls-tree", "--name-only", commit.oid)
    assert "" == git(store.path, "ls-tree", empty.oid)
    assert "" == git(store.path, "fsck", "--strict")


def test_many_files_are_one_pack(store: GitStore, git: Git) -> None:
    """A bulk write makes one pack, with no loose object beside it."""
    files: dict[str, bytes | None] = {
        f"characters/c{number}/idle.yaml": b"%d\n" % number for number in range(60)
    }

    commit = put(store, files)

    counts = dict(line.split(": ") for line in git(store.path, "count-objects", "-v").splitlines())
    assert ("0", "1", "0") == (counts["count"], counts["packs"], counts["garbage"])
    assert files == contents(store, commit.oid)
    assert "" == git(store.path, "fsck", "--strict")


def test_a_write_names_what_it_saw(store: GitStore) -> None:
    """A branch that is elsewhere, or exists, or doesn't, refuses the write and stays."""
    first = put(store, {IDLE: b"one\n"})
    second = put(store, {IDLE: b"two\n"})

    for branch, seen in (("staging", first.oid), ("staging", None), ("production", first.oid)):
        with pytest.raises(RefMoved):
            store.write(branch, seen, {IDLE: b"three\n"}, author=SAM, message="Late")

    assert {"staging": second.oid} == store.branches()


def test_a_merge_names_its_other_parents(store: GitStore) -> None:
    """Extra parents follow the first; one that isn't here is refused before anything moves."""
    first = put(store, {IDLE: b"one\n"})
    side = put(store, {HAPPY: b"side\n"}, "changes/side")

    merged = store.write(
        "staging", first.oid, {HAPPY: b"side\n"}, author=SAM, message="M", extra_parents=[side.oid]
    )

    assert (first.oid, side.oid) == merged.parents == store.parents(merged.oid)
    with pytest.raises(RevisionNotFound):
        store.write("staging", merged.oid, {}, author=SAM, message="M", extra_parents=[NO_COMMIT])
    assert merged.oid == store.head("staging")


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", ".git/config", "a/.GIT/x", "a\0b"]
)
def test_a_path_git_refuses_is_refused(store: GitStore, path: str) -> None:
    """No tree is made that git would not check out."""
    with pytest.raises(ValueError, match="can't hold"):
        put(store, {path: b"hostile\n"})

    assert store.head("staging") is None


@pytest.mark.parametrize(
    "branch",
    ["", "main", "../config", "changes/../staging", "changes/a.lock", "-staging", "changes/a/b"],
)
def test_only_known_branches_are_read_or_written(store: GitStore, branch: str) -> None:
    """A branch name is never a way to another file."""
    commit = put(store, {IDLE: b"one\n"})

    assert store.head(branch) is None
    assert [] == store.moves(branch)
    with pytest.raises(RevisionNotFound):
        store.write(branch, None, {IDLE: b"two\n"}, author=SAM, message="x")
    with pytest.raises(RevisionNotFound):
        store.create_branch(branch, commit.oid)


def test_people_and_messages_can_not_break_a_commit(store: GitStore, git: Git) -> None:
    """Line ends, brackets, NULs and lone surrogates in names and reasons come out harmless."""
    hostile = Author("Eve\nauthor <x> 0 +0000\0", "eve@<studio>\n.example ")

    commit = store.write("staging", None, {}, author=hostile, message="a\0b \ud800 c\n\n")
    nobody = store.write("staging", commit.oid, {}, author=Author("", ""), message="")

    assert "Eve author  x  0 +0000|eve@studio.example\n" == git(
        store.path, "log", "-1", "--format=%an|%ae", commit.oid
    )
    assert "ab ? c" == store.commit(commit.oid).message
    assert Author("Unknown", "") == store.commit(nobody.oid).author
    assert "" == git(store.path, "fsck", "--strict")


def test_commits_by_others_are_read_whatever_they_hold(store: GitStore, git: Git) -> None:
    """Another encoding, an absurd time and bytes that are no text don't stop a reader."""
    tree = git(store.path, "mktree", text="").strip()
    raw = b"tree %b\nauthor J\xf6rg <j> %d +0000\ncommitter J\xf6rg <j> 1 +0000\n%b\nGr\xfc\xdfe\n"
    made = []
    for seconds, encoding in ((99999999999999, b"encoding ISO-8859-1\n"), (5, b"")):
        body = raw % (tree.encode(), seconds, encoding)
        command = ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
        done = subprocess.run(command, cwd=store.path, input=body, capture_output=True, check=True)
        made.append(store.commit(done.stdout.decode().strip()))

    assert ["Grüße", "Gr��e"] == [commit.message for commit in made]
    assert ["Jörg", "J�rg"] == [commit.author.name for commit in made]
    assert [9999, 1970] == [commit.authored_at.year for commit in made]


def test_a_branch_is_read_wherever_git_keeps_it(store: GitStore, git: Git) -> None:
    """Loose, packed, packed and then moved: the head is always the newest."""
    first = put(store, {IDLE: b"one\n"})
    git(store.path, "pack-refs", "--all", "--prune")
    packed = store.head("staging")
    second = put(store, {IDLE: b"two\n"})
    loose = store.head("staging")
    git(store.path, "pack-refs", "--all", "--prune")

    assert (first.oid, second.oid) == (packed, loose)
    assert second.oid == store.head("staging") == GitStore.open(store.path).head("staging")
    assert {"staging": second.oid} == store.branches()


@pytest.mark.parametrize("content", [b"", b"\0" * 41, b"ref: refs/heads/production\n", b"short\n"])
def test_a_damaged_branch_is_no_absent_branch(store: GitStore, content: bytes) -> None:
    """A ref that holds no commit is an error, never the beginning of another history."""
    put(store, {IDLE: b"one\n"})
    (store.path / "refs/heads/staging").write_bytes(content)

    with pytest.raises(RepositoryDamaged, match="refs/heads/staging"):
        store.head("staging")
    with pytest.raises(RepositoryDamaged):
        store.write("staging", None, {IDLE: b"two\n"}, author=SAM, message="Begin anew")

    assert content == (store.path / "refs/heads/staging").read_bytes()


def test_an_empty_folder_in_the_place_of_a_branch_is_no_branch(store: GitStore) -> None:
    """Git leaves folders of deleted branches behind; a branch can take such a place."""
    (store.path / "refs/heads/changes/side").mkdir(parents=True)
    before = store.head("changes/side")

    commit = put(store, {IDLE: b"one\n"}, "changes/side")

    assert before is None
    assert commit.oid == store.head("changes/side")


def test_tags_name_commits(store: GitStore, git: Git) -> None:
    """Plain and annotated tags, and tags of tags, resolve; a tag of a blob does not."""
    commit = put(store, {IDLE: b"one\n"})
    git(store.path, "tag", "plain", commit.oid)
    git(store.path, "tag", "-m", "noted", "production/2026-11-23.1", commit.oid)
    git(store.path, "tag", "-m", "again", "again", "production/2026-11-23.1")
    git(store.path, "tag", "blob", f"{commit.oid}:{IDLE}")
    git(store.path, "tag", "späte", commit.oid)
    names = ("again", "plain", "production/2026-11-23.1")

    loose = store.tags()
    git(store.path, "pack-refs", "--all", "--prune")

    assert dict.fromkeys(names, commit.oid) == loose == store.tags()
    assert {commit.oid} == {store.resolve(name) for name in names}
    with pytest.raises(RevisionNotFound):
        store.resolve("blob")


@pytest.mark.parametrize(
    "name",
    [
        *["", "-x", "--all", "staging", "HEAD", "../heads/staging", "a..b", "a.lock", "x" * 5000],
        *[NO_COMMIT, NO_COMMIT[:7], NO_COMMIT.upper(), "a\0b", "a/", "a\n", "v1^{tree}", "@"],
    ],
)
def test_nothing_else_is_a_revision(store: GitStore, name: str) -> None:
    """Only full commit ids and plain tag names are let in."""
    put(store, {IDLE: b"one\n"})

    with pytest.raises(RevisionNotFound):
        store.resolve(name)


def test_the_id_of_another_object_is_no_commit(store: GitStore) -> None:
    """Blobs are asked for as blobs, commits as commits."""
    commit = put(store, {IDLE: b"one\n"})
    blob = dict(store.files(commit.oid))[IDLE]

    for ask in (store.commit, store.resolve, store.parents, store.files):
        with pytest.raises(RevisionNotFound):
            ask(blob)
    with pytest.raises(RepositoryDamaged):
        store.blob(commit.oid)
    assert not store.exists(blob)
    assert store.exists(commit.oid)


def test_reading_gives_the_file_or_nothing(store: GitStore) -> None:
    """A path that isn't there, or is a folder, or is no path at all, holds nothing."""
    commit = put(store, {HAPPY: b"one\n"})

    assert b"one\n" == store.read(commit.oid, HAPPY)
    for path in ("characters/aria", "characters", "", "/", "a/b/c", f"{HAPPY}/x", "\ud800"):
        assert store.read(commit.oid, path) is None
    with pytest.raises(RevisionNotFound):
        store.read(NO_COMMIT, HAPPY)


def test_changed_is_what_git_diff_says(store: GitStore, git: Git) -> None:
    """Two commits, near or far, in either direction, differ in the paths that git names."""
    chance = random.Random(7)
    commits = [
        put(store, {f"characters/c{chance.randrange(40)}/idle.yaml": b"%d\n" % number})
        for number in range(30)
    ]
    for old, new in (chance.sample(commits, 2) for _ in range(12)):
        listing = git(store.path, "diff-tree", "-r", "--name-only", old.oid, new.oid)

        assert listing.split() == [change.path for change in store.changed(old.oid, new.oid)]


def test_ancestry_goes_by_parents_not_dates(store: GitStore, git: Git) -> None:
    """Clocks that run backwards, merges and long lines change nothing about who descends."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    line: list[str] = []
    for number in range(90):
        at = start - timedelta(days=number)
        made = store.write(
            "staging", line[-1] if line else None, {}, author=SAM, message=f"{number}", at=at
        )
        line.append(made.oid)
    store.create_branch("production", line[10])
    side = put(store, {IDLE: b"side\n"}, "production").oid
    merge = store.write(
        "staging", line[-1], {}, author=SAM, message="Merge", extra_parents=[side]
    ).oid
    everything = [*line, side, merge]

    chance = random.Random(3)
    for one, two in [(line[0], merge), (side, merge)] + [
        (chance.choice(everything), chance.choice(everything)) for _ in range(40)
    ]:
        above = git(store.path, "rev-list", two).split()

        assert (one in above) == store.is_ancestor(one, two)
    for pair in ((NO_COMMIT, merge), (merge, NO_COMMIT)):
        with pytest.raises(RevisionNotFound):
            store.is_ancestor(*pair)


def test_every_move_of_a_branch_is_logged(store: GitStore, git: Git) -> None:
    """Our writes and git's are one unbroken line of moves that git reads too."""
    first = put(store, {IDLE: b"one\n"})
    second = store.write("staging", first.oid, {}, author=SAM, message="Why\tnot\n\nMore.")
    store.create_branch("production", first.oid)
    git(store.path, "update-ref", "-m", "push", "refs/heads/production", second.oid)

    staging, production = store.moves("staging"), store.moves("production")

    assert [(None, first.oid), (first.oid, second.oid)] == [(m.old, m.new) for m in staging]
    assert [(None, first.oid), (first.oid, second.oid)] == [(m.old, m.new) for m in production]
    shown = git(store.path, "log", "-g", "--format=%gs", "refs/heads/staging")
    assert ["Why not", "Edit"] == shown.splitlines()
    assert "" == git(store.path, "fsck", "--strict")


def test_a_torn_log_of_moves_is_read_as_far_as_it_goes(store: GitStore) -> None:
    """Zeros and half lines, which a power cut may leave in a log, hide no other move."""
    first = put(store, {IDLE: b"one\n"})
    with (store.path / "logs/refs/heads/staging").open("ab") as log:
        log.write(b"\0" * 100 + b"\n" + b"0" * 30 + b"\n")
    second = put(store, {IDLE: b"two\n"})

    assert [first.oid, second.oid] == [move.new for move in store.moves("staging")]


def test_a_long_name_and_reason_keep_the_log_readable(store: GitStore) -> None:
    """However long or wide a name or reason is, its move is found again."""
    wide = Author("🌊" * 3000, "é" * 3000 + "@studio.example")

    commit = store.write("staging", None, {}, author=wide, message="語" * 5000)

    assert [commit.oid] == [move.new for move in store.moves("staging")]
    assert wide == store.commit(commit.oid).author


def test_a_branch_is_made_once(store: GitStore) -> None:
    """A second one of that name is refused, and so is one at a commit that isn't here."""
    first = put(store, {IDLE: b"one\n"})
    store.create_branch("production", first.oid)

    with pytest.raises(RefMoved):
        store.create_branch("production", first.oid)
    with pytest.raises(RevisionNotFound):
        store.create_branch("changes/side", NO_COMMIT)


def test_objects_that_git_packed_meanwhile_are_found(store: GitStore, git: Git) -> None:
    """A store that is open goes on reading when git moves everything into other packs."""
    reader = GitStore.open(store.path)
    commits = [put(store, {IDLE: b"%d\n" % number}) for number in range(5)]
    early = [reader.read(commit.oid, IDLE) for commit in commits]

    git(store.path, "repack", "-a", "-d", "-q")
    again = [reader.read(commit.oid, IDLE) for commit in commits]
    more = put(store, {HAPPY: b"more\n"})
    git(store.path, "repack", "-a", "-d", "-q")

    assert [b"%d\n" % number for number in range(5)] == early == again
    assert b"more\n" == reader.read(more.oid, HAPPY)


def test_a_child_process_reads_for_itself(store: GitStore) -> None:
    """After a fork nothing of dulwich's is shared."""
    commit = put(store, {IDLE: b"one\n"})
    child = os.fork()
    if child == 0:
        right = store.read(commit.oid, IDLE) == b"one\n"
        os._exit(0 if right and put(store, {IDLE: b"two\n"}) else 1)

    _, status = os.waitpid(child, 0)

    assert 0 == status
    head = store.head("staging")
    assert head is not None
    assert b"two\n" == store.read(head, IDLE)


def test_a_full_disk_is_said_and_leaves_nothing_half_done(store: GitStore, git: Git) -> None:
    """The edit is refused in a sentence; the next one, for which there is room, lands at once."""
    head = store.write("staging", None, {"a": b"a"}, author=SAM, message="a").oid
    noise = random.Random(3).randbytes(100_000)
    files = {f"f{number}": noise + b"%d" % number for number in range(60)}

    with at_most(10_000), pytest.raises(StorageFailed, match="File too large"):
        store.write("staging", head, {"b": noise}, author=SAM, message="b")
    with at_most(10_000), pytest.raises(StorageFailed, match="File too large"):
        store.write("staging", head, files, author=SAM, message="many")
    after = store.write("staging", head, {"b": noise}, author=SAM, message="b")

    assert (head,) == after.parents
    assert [] == [path for path in store.path.rglob("*") if path.name.startswith("tmp_")]
    assert "" == git(store.path, "fsck", "--strict", "--no-dangling", "--no-progress")


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """A disk on which no file may grow beyond some bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def anybody() -> Iterator[Path]:
    """A folder that everybody may read, and nobody's rights to do so, also where we are root."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def nobody() -> Iterator[None]:
    """Somebody else's rights, also for root."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if me == 0:
            os.seteuid(0)


def test_a_repository_we_may_only_read_is_read(anybody: Path) -> None:
    """What is derived from it goes to a temporary folder; writing is refused in a sentence."""
    path = anybody / "prompts.git"
    store = GitStore.create(path)
    head = store.write("staging", None, {"a": b"a"}, author=SAM, message="a").oid
    shutil.rmtree(path / "prompt-repo")
    for folder in (path, *path.rglob("*")):
        folder.chmod(0o555 if folder.is_dir() else 0o444)

    with nobody():
        other = GitStore.open(path)
        read = other.read(head, "a")
        derived = other.derived
        with pytest.raises(StorageFailed, match="Permission denied"):
            other.write("staging", head, {"b": b"b"}, author=SAM, message="b")

    assert b"a" == read
    assert path not in derived.parents
    assert derived.is_dir()
    assert not (path / "prompt-repo").exists()
    path.chmod(0o755)


def broken_pack(store: GitStore, git: Git) -> str:
    """Packs everything, then turns the bytes of one blob; gives its id."""
    git(store.path, "repack", "-adq")
    blob = dict(store.files(str(store.head("staging"))))["a"]
    index = next((store.path / "objects" / "pack").glob("*.idx"))
    places = git(store.path, "verify-pack", "-v", str(index)).splitlines()
    place = next(int(line.split()[4]) for line in places if line.startswith(blob))
    pack = index.with_suffix(".pack")
    pack.chmod(0o644)
    with pack.open("r+b") as file:
        file.seek(place + 2)
        file.write(b"\xff" * 20)
    return blob


def broken_file(store: GitStore, git: Git) -> str:
    """Turns the bytes of one loose blob; gives its id."""
    blob = dict(store.files(str(store.head("staging"))))["a"]
    file = store.path / "objects" / blob[:2] / blob[2:]
    file.chmod(0o644)
    file.write_bytes(b"\xff" * 40)
    return blob


def lost_file(store: GitStore, git: Git) -> str:
    """Takes one loose blob away; gives its id."""
    blob = dict(store.files(str(store.head("staging"))))["a"]
    (store.path / "objects" / blob[:2] / blob[2:]).unlink()
    return blob


@pytest.mark.parametrize("damage", [broken_pack, broken_file, lost_file])
def test_damage_is_named(store: GitStore, git: Git, damage: Callable[..., str]) -> None:
    """The object that can't be read; the others still can."""
    noise = random.Random(5).randbytes(200)
    files = {"a": noise, "b": b"b"}
    head = store.write("staging", None, files, author=SAM, message="a").oid
    blob = damage(store, git)
    other = GitStore.open(store.path)

    with pytest.raises(RepositoryDamaged, match=blob):
        other.read(head, "a")

    assert b"b" == other.read(head, "b")


@pytest.mark.parametrize(
    "people", ["", "author x\ncommitter y\n", "author A <a@b>\ncommitter A <a@b>\n"]
)
def test_a_commit_that_lacks_people_is_read(store: GitStore, git: Git, people: str) -> None:
    """As git reads it: without names, at the beginning of time."""
    tree = store.write("staging", None, {"a": b"a"}, author=SAM, message="a").oid
    tree = git(store.path, "rev-parse", f"{tree}^{{tree}}").strip()
    text = f"tree {tree}\n{people}\nWords\n"
    oid = git(
        store.path, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", text=text
    ).strip()

    found = store.commit(oid)

    assert ("Words", 1970) == (found.message, found.authored_at.year)


def test_a_commit_that_makes_no_sense_is_damage(store: GitStore, git: Git) -> None:
    """It names no tree, so nothing can be read of it."""
    text = "parent\n\nWords\n"
    oid = git(
        store.path, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", text=text
    ).strip()

    with pytest.raises(RepositoryDamaged, match=oid):
        store.commit(oid)


def test_a_configuration_that_is_broken_is_said(store: GitStore) -> None:
    """With what is wrong in it."""
    with (store.path / "config").open("a") as file:
        file.write("[broken\n")

    with pytest.raises(RepositoryNotFound, match="expected trailing"):
        GitStore.open(store.path)


def test_a_restored_backup_is_guarded_again(tmp_path: Path, git: Callable[..., str]) -> None:
    """A mirror has lost what forbids forced pushes; what somebody set otherwise stays."""
    made = GitStore.create(tmp_path / "made.git")
    git(tmp_path, "clone", "-q", "--mirror", str(made.path), "back.git")
    git(tmp_path / "back.git", "config", "gc.auto", "50")
    store = GitStore.open(tmp_path / "back.git")

    first, again = store.guard(), store.guard()

    assert "receive.denyNonFastForwards" in first
    assert "gc.auto" not in first
    assert [] == again
    assert "true" == git(store.path, "config", "receive.denyNonFastForwards").strip()
    assert "50" == git(store.path, "config", "gc.auto").strip()


def test_a_clone_keeps_its_own_settings(tmp_path: Path, git: Callable[..., str]) -> None:
    """Whoever works in it decides what may be rewritten there."""
    git(tmp_path, "init", "-q", "clone")

    assert [] == GitStore.open(tmp_path / "clone").guard()
