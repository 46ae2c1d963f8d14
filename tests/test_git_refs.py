"""Moving a branch: locks of others stay, locks of the dead go, the log is complete."""

import os
import time
from pathlib import Path

import pytest

from prompt_repo import git_refs
from prompt_repo.errors import RefMoved, RepositoryBusy
from prompt_repo.git_lock import WriterLock
from prompt_repo.git_refs import Refs, Swap

REF = "refs/heads/staging"
ONE, TWO, THREE = (digit * 40 for digit in "123")


class Writer:
    """A writer of refs in a folder that is laid out like a repository."""

    def __init__(self, git: Path) -> None:
        self.git = git
        self.lock = WriterLock(git / "prompt-repo" / "writer.lock", lambda entry: self.recover())
        self.refs = Refs(git, self.lock)
        self.recovered = 0

    def recover(self) -> None:
        """Does what a store does when it finds the journal open."""
        self.recovered += 1

    def move(self, old: str | None, new: str, ref: str = REF, timeout: float = 0) -> None:
        """One move under the lock."""
        with self.lock.held(0), self.lock.writing():
            self.refs.swap(Swap(ref, old, new, "Edit"), who=b"Sam <s@x>", timeout=timeout)


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    """A writer whose staging is at ONE."""
    made = Writer(tmp_path)
    made.move(None, ONE)
    return made


def left_over(git: Path) -> list[str]:
    """Locks and unfinished files anywhere in the repository."""
    names = (path.relative_to(git).as_posix() for path in git.rglob("*"))
    return sorted(name for name in names if name.endswith(".lock") or "next-ref" in name)


def test_a_move_leaves_nothing_behind(writer: Writer) -> None:
    """After a move there is the ref, its log, and the lock file alone."""
    writer.move(ONE, TWO)

    assert TWO == writer.refs.read(REF)
    assert [(None, ONE), (ONE, TWO)] == [(m.old, m.new) for m in writer.refs.moves("staging")]
    assert ["prompt-repo/writer.lock"] == left_over(writer.git)


def test_a_refused_move_leaves_nothing_behind(writer: Writer) -> None:
    """A branch that is elsewhere stays there, unlocked, with no line in its log."""
    for old in (TWO, None):
        with pytest.raises(RefMoved):
            writer.move(old, THREE)

    assert ONE == writer.refs.read(REF)
    assert 1 == len(writer.refs.moves("staging"))
    assert ["prompt-repo/writer.lock"] == left_over(writer.git)


def test_a_branch_that_is_packed_is_compared_too(writer: Writer) -> None:
    """A packed value counts where there is no loose one."""
    (writer.git / "packed-refs").write_text(f"# pack-refs with: peeled\n{TWO} {REF}\n^{ONE}\n")
    (writer.git / REF).unlink()

    with pytest.raises(RefMoved):
        writer.move(None, THREE)
    writer.move(TWO, THREE)

    assert THREE == writer.refs.read(REF)


def test_a_lock_of_another_program_stays(writer: Writer) -> None:
    """A push by plain git that is under way is waited for, then named, and never broken."""
    lock = writer.git / f"{REF}.lock"
    lock.write_text(f"{TWO}\n")

    with pytest.raises(RepositoryBusy, match=r"staging\.lock"):
        writer.move(ONE, THREE, timeout=0.05)

    assert f"{TWO}\n" == lock.read_text()
    assert ONE == writer.refs.read(REF)


def test_a_write_goes_on_when_the_other_program_is_done(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as the foreign lock goes, the branch is looked at again."""
    lock = writer.git / f"{REF}.lock"
    lock.write_text(f"{TWO}\n")
    monkeypatch.setattr(time, "sleep", lambda seconds: lock.replace(writer.git / REF))

    with pytest.raises(RefMoved) as moved:
        writer.move(ONE, THREE, timeout=60)

    assert TWO == moved.value.found


def test_a_lock_from_before_the_machine_started_goes(writer: Writer) -> None:
    """Nobody alive can hold it: a power cut in the middle of a push stops no writer."""
    lock = writer.git / f"{REF}.lock"
    lock.write_text("")
    os.utime(lock, (1, 1))

    writer.move(ONE, TWO)

    assert TWO == writer.refs.read(REF)


def entry_of(writer: Writer, new: str) -> dict[str, object]:
    """The journal's entry of a move to `new` that got as far as taking Git's lock."""
    next_ref = writer.git / "prompt-repo/next-ref"
    next_ref.write_text(f"{new}\n")
    lock = writer.git / f"{REF}.lock"
    lock.hardlink_to(next_ref)
    stat = lock.stat()
    line = f"{ONE} {new} Sam <s@x> {int(time.time())} +0000\tEdit"
    return {"ref": REF, "inode": stat.st_ino, "mtime": stat.st_mtime_ns, "line": line}


def test_the_lock_of_a_dead_writer_goes(writer: Writer) -> None:
    """A lock with the inode and time from the journal is ours; its move did not happen."""
    entry = entry_of(writer, TWO)

    writer.refs.recover(entry)

    assert ["prompt-repo/writer.lock"] == left_over(writer.git)
    assert ONE == writer.refs.read(REF)
    assert 1 == len(writer.refs.moves("staging"))


def test_a_lock_that_took_the_place_of_ours_stays(writer: Writer) -> None:
    """Another program's lock stays, even one whose file was given our inode's number."""
    entry = entry_of(writer, TWO)
    lock = writer.git / f"{REF}.lock"
    lock.unlink()
    lock.write_text(f"{THREE}\n")
    foreign = lock.stat()

    writer.refs.recover(entry)
    writer.refs.recover(entry | {"inode": foreign.st_ino})

    assert f"{THREE}\n" == lock.read_text()


def test_a_move_whose_writer_died_before_the_log_is_logged(writer: Writer) -> None:
    """The line is added once, however often the recovery runs."""
    entry = entry_of(writer, TWO)
    (writer.git / f"{REF}.lock").replace(writer.git / REF)

    writer.refs.recover(entry)
    writer.refs.recover(entry)

    assert [ONE, TWO] == [move.new for move in writer.refs.moves("staging")]
    assert ["prompt-repo/writer.lock"] == left_over(writer.git)


def test_a_damaged_branch_does_not_stop_the_recovery(writer: Writer) -> None:
    """Writers of other branches go on; whoever reads the damaged one is told."""
    entry = entry_of(writer, TWO)
    (writer.git / REF).write_text("")

    writer.refs.recover(entry)

    assert ["prompt-repo/writer.lock"] == left_over(writer.git)


def test_the_packed_refs_are_read_again_when_they_change(writer: Writer) -> None:
    """A cached look at the packed refs never outlives the file."""
    packed, ref = writer.git / "packed-refs", "refs/heads/production"
    seen = [writer.refs.read(ref)]
    for oid in (ONE, TWO):
        packed.with_suffix(".new").write_text(f"{oid} {ref}\n")
        packed.with_suffix(".new").replace(packed)
        seen.append(writer.refs.read(ref))
    packed.unlink()

    assert [None, ONE, TWO, None] == [*seen, writer.refs.read(ref)]


def test_uptime_that_can_not_be_read_proves_nothing(
    tmp_path: Path, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine doesn't say when it started, every foreign lock stays."""
    lock = writer.git / f"{REF}.lock"
    lock.write_text("")
    os.utime(lock, (1, 1))
    monkeypatch.setattr(git_refs, "UPTIME", tmp_path / "absent")

    with pytest.raises(RepositoryBusy):
        writer.move(ONE, TWO)


TAG = "refs/tags/production/2026-11-23.1"


def prepare_two(writer: Writer, taken: str | None = None) -> None:
    """Moves staging to TWO and makes a tag, under one lock; or tries to."""
    swaps = [Swap(REF, ONE, TWO, "Edit"), Swap(TAG, taken, THREE, "tag")]
    with writer.lock.held(0), writer.lock.writing(), writer.refs.prepared(swaps, b"S <s@x>") as two:
        writer.refs.carry_out(two, 0)


def test_two_refs_move_together(writer: Writer) -> None:
    """Both stand where they should, each with its line in a log, and nothing is left."""
    prepare_two(writer)

    assert (TWO, THREE) == (writer.refs.read(REF), writer.refs.read(TAG))
    assert (writer.git / "logs" / TAG).read_text().endswith("\ttag\n")
    assert TWO == writer.refs.moves("staging")[-1].new
    assert ["prompt-repo/writer.lock"] == left_over(writer.git)


def test_of_two_refs_none_moves_where_one_is_elsewhere(writer: Writer) -> None:
    """The first one could have moved; it stays for the second one's sake."""
    with pytest.raises(RefMoved):
        prepare_two(writer, taken=ONE)

    assert (ONE, None) == (writer.refs.read(REF), writer.refs.read(TAG))
    assert ["prompt-repo/writer.lock"] == left_over(writer.git)


@pytest.mark.parametrize("moved", [False, True], ids=["before", "between"])
def test_a_writer_that_died_at_two_refs_moved_both_or_none(writer: Writer, moved: bool) -> None:
    """Where the first one had moved, whoever comes next moves the second; once."""
    entry = entry_of(writer, TWO)
    line = f"{'0' * 40} {THREE} Sam <s@x> {int(time.time())} +0000\ttag"
    tag = {"ref": TAG, "inode": 0, "mtime": 0, "line": line}
    (writer.git / TAG).parent.mkdir(parents=True)
    if moved:
        (writer.git / f"{REF}.lock").replace(writer.git / REF)

    writer.refs.recover({"moves": [entry, tag]})
    writer.refs.recover({"moves": [entry, tag]})

    assert (TWO if moved else ONE) == writer.refs.read(REF)
    assert (THREE if moved else None) == writer.refs.read(TAG)
    assert moved == (writer.git / "logs" / TAG).exists()
    assert (2 if moved else 1) == len(writer.refs.moves("staging"))
    assert ["prompt-repo/writer.lock"] == left_over(writer.git)
