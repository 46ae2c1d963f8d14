"""The history index: versions, pages of them, catching up, healing, and many at once."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prompt_repo.errors import InvalidCursor, RevisionNotFound, StorageFailed, VersionNotFound
from prompt_repo.git_store import GitStore
from prompt_repo.history import History
from prompt_repo.history_taking import NEAR
from prompt_repo.model import Author, Commit, Held
from tests.gitrepo import Graph, git

PATH = "characters/aria/idle.yaml"
OTHER = "characters/aria/angry.yaml"
FOLDER = Path(__file__).parent.parent
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
TESS = Author("Tess", "tess@studio.example")


@pytest.fixture
def store(tmp_path: Path) -> GitStore:
    return GitStore.create(tmp_path / "prompts.git")


@pytest.fixture
def history(store: GitStore) -> History:
    return History(store)


@pytest.fixture
def graph(store: GitStore) -> Graph:
    return Graph(store.path)


class Line:
    """Commits on staging, one after the other, a minute apart."""

    def __init__(self, store: GitStore) -> None:
        self.store = store
        self.made: list[Commit] = []

    def put(self, text: str | None, path: str = PATH, message: str = "Why") -> Commit:
        commit = self.store.write(
            "staging",
            self.store.head("staging"),
            {path: text.encode() if text is not None else None},
            author=TESS,
            message=message,
            at=START + timedelta(minutes=len(self.made)),
        )
        self.made.append(commit)
        return commit


@pytest.fixture
def line(store: GitStore) -> Line:
    return Line(store)


def numbers(history: History, commit: str, path: str = PATH) -> list[int]:
    return [version.number for version in history.page(commit, path).versions]


def stands(history: History, commit: str, path: str = PATH) -> Held:
    history.ensure(commit)
    held = history.held(commit, path)
    assert held is not None
    return held


def test_a_commit_that_does_not_touch_a_prompt_makes_no_version(
    history: History, line: Line
) -> None:
    """A version is a commit seen from the prompt it changed."""
    first = line.put("one")
    line.put("elsewhere", OTHER)
    third = line.put("two")

    held = stands(history, third.oid)

    assert (2, third.oid) == (held.number, held.commit)
    assert [third.oid, first.oid] == [v.commit for v in history.page(third.oid, PATH).versions]


def test_removing_is_a_version_and_restoring_the_next(history: History, line: Line) -> None:
    """The held version of a removed prompt has no blob; its history goes on."""
    line.put("one")
    removed = line.put(None)
    restored = line.put("one")

    assert (2, None) == (stands(history, removed.oid).number, stands(history, removed.oid).blob)
    assert [2, 1] == numbers(history, removed.oid)
    history.ensure(restored.oid)
    assert [3, 2, 1] == numbers(history, restored.oid)
    assert [False, True, False] == [
        version.removed for version in history.page(restored.oid, PATH).versions
    ]


def test_going_back_to_an_old_text_is_a_new_version(history: History, line: Line) -> None:
    """A to B to A are three versions, the third with the first one's blob."""
    first, _, third = line.put("a"), line.put("b"), line.put("a")

    assert 3 == stands(history, third.oid).number
    assert stands(history, first.oid).blob == stands(history, third.oid).blob


def test_a_version_tells_who_when_and_why(history: History, line: Line) -> None:
    """The reason is the message without its trailers."""
    made = line.put("one", message="Softer\n\nAfter the March reviews.\n\nReviewed-By: Kim")

    version = history.version(stands(history, made.oid).row)

    assert (TESS, START) == (version.author, version.created_at)
    assert "Softer\n\nAfter the March reviews." == version.reason
    assert (PATH, made.oid, None) == (version.path, version.commit, version.joined)


def test_the_first_version_tells_who_made_the_prompt(history: History, line: Line) -> None:
    """Also long after, from any later version."""
    first = line.put("one")
    line.put(None)
    last = line.put("three")

    assert first.oid == history.first(stands(history, last.oid).row).commit


def test_what_never_existed_is_not_held(history: History, line: Line) -> None:
    """Neither a path of ours without a document, nor a path that is none of ours."""
    made = line.put("x", "README.md")
    history.ensure(made.oid)

    assert history.held(made.oid, PATH) is None
    assert history.held(made.oid, "README.md") is None
    assert {} == history.state(made.oid)
    assert () == history.page(made.oid, PATH).versions


def test_symlinks_are_absent_and_modes_make_no_version(
    history: History, store: GitStore, tmp_path: Path
) -> None:
    """Only regular files hold prompts, executable or not."""
    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", str(store.path), str(work))
    file = work / PATH
    file.parent.mkdir(parents=True)
    file.write_text("one")
    commits = [_committed(work)]
    file.chmod(0o755)
    commits.append(_committed(work))
    file.unlink()
    file.symlink_to("elsewhere")
    commits.append(_committed(work))
    git(work, "push", "-q", "origin", "HEAD:staging")

    held = [stands(history, oid) for oid in commits]

    assert [1, 1, 2] == [each.number for each in held]
    assert held[2].blob is None


def _committed(work: Path) -> str:
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "x")
    return git(work, "rev-parse", "HEAD")


def test_after_a_full_promotion_production_is_at_stagings_numbers(
    history: History, graph: Graph
) -> None:
    """Also where production held the same text at a lower number."""
    start = graph.commit({PATH: "a", OTHER: "a"})
    away = graph.commit({PATH: "b", OTHER: "b"}, [start])
    back = graph.commit({PATH: "a", OTHER: "c"}, [away])
    merge = graph.commit({PATH: "a", OTHER: "c"}, [start, back])
    oids = graph.flush()

    held = {path: stands(history, oids[merge], path).number for path in (PATH, OTHER)}

    assert {PATH: 3, OTHER: 3} == held
    assert history.state(oids[back]) == history.state(oids[merge])


def test_a_merge_of_two_new_texts_names_the_side_it_joined(history: History, graph: Graph) -> None:
    """Its number counts on from the higher side, and its history follows that one."""
    start = graph.commit({PATH: "a"})
    ours = graph.commit({PATH: "b"}, [start])
    theirs = graph.commit({PATH: "d"}, [graph.commit({PATH: "c"}, [start])])
    merge = graph.commit({PATH: "b and d"}, [ours, theirs])
    oids = graph.flush()

    held = stands(history, oids[merge])

    assert 4 == held.number
    assert oids[ours] == history.version(held.row).joined
    assert oids[theirs] == history.numbered(oids[merge], PATH, 3).commit


def test_a_new_text_in_a_merge_joins_nothing_where_one_side_is_the_others_past(
    history: History, graph: Graph
) -> None:
    """Only new texts are joined."""
    start = graph.commit({PATH: "a"})
    later = graph.commit({PATH: "b"}, [start])
    merge = graph.commit({PATH: "c"}, [start, later])
    oids = graph.flush()

    version = history.version(stands(history, oids[merge]).row)

    assert (3, None) == (version.number, version.joined)


@pytest.mark.parametrize("trailer", ["Promoted-From", "Rolled-Back-To", "hotfix-from"])
def test_a_trailer_counts_as_a_parent_where_blobs_are_equal(
    history: History, graph: Graph, trailer: str
) -> None:
    """Promoting one prompt gives production staging's number for it, and for no other."""
    start = graph.commit({PATH: "a", OTHER: "a"})
    staging = graph.commit({PATH: "c", OTHER: "b"}, [graph.commit({PATH: "b"}, [start])])
    named = graph.flush()[staging]
    some = graph.commit({PATH: "c", OTHER: "mine"}, [start], f"Go\n\n{trailer}: {named}")
    oids = graph.flush()

    assert (3, named) == (stands(history, oids[some]).number, stands(history, oids[some]).commit)
    assert (2, oids[some]) == _number_and_commit(history, oids[some], OTHER)


def _number_and_commit(history: History, commit: str, path: str) -> tuple[int, str]:
    held = stands(history, commit, path)
    return held.number, held.commit


@pytest.mark.parametrize("named", ["f" * 40, "{short}", "{whole} and more", "staging"])
def test_a_trailer_without_a_full_id_of_a_commit_here_is_only_words(
    history: History, graph: Graph, named: str
) -> None:
    """Then the same text is a new version."""
    start = graph.commit({PATH: "a"})
    staging = graph.commit({PATH: "b"}, [start])
    oid = graph.flush()[staging]
    name = named.format(short=oid[:12], whole=oid)
    other = graph.commit({PATH: "b"}, [start], f"Go\n\nPromoted-From: {name}")

    commit = graph.flush()[other]

    assert (2, commit) == _number_and_commit(history, commit, PATH)


def test_rolling_back_what_was_added_is_a_removal(history: History, graph: Graph) -> None:
    """A trailer's commit that never had the prompt has no version to go on from."""
    before = graph.commit({OTHER: "a"})
    name = graph.flush()[before]
    added = graph.commit({OTHER: "a", PATH: "a"}, [before])
    undone = graph.commit({OTHER: "a"}, [added], f"Undo\n\nRolled-Back-To: {name}")
    commit = graph.flush()[undone]

    held = stands(history, commit)

    assert (2, None) == (held.number, held.blob)


def test_what_a_trailer_names_is_taken_in_too(history: History, graph: Graph) -> None:
    """Even where no parent leads to it."""
    staging = graph.commit({PATH: "b"}, [graph.commit({PATH: "a"})])
    name = graph.flush()[staging]
    alone = graph.commit({PATH: "b"}, [], f"Begin\n\nPromoted-From: {name}")
    commit = graph.flush()[alone]

    assert (2, name) == _number_and_commit(history, commit, PATH)


def test_recording_and_catching_up_say_the_same(store: GitStore, line: Line) -> None:
    """One process wrote the commits, another one finds them."""
    writer, reader = History(store), History(store, store.path / "reader.sqlite3")
    for text in ("a", None, "b", "c"):
        writer.record(line.put(text))
    last = line.made[-1].oid
    reader.ensure(last)

    assert writer.state(last) != {}
    assert _facts(writer, last) == _facts(reader, last)


def _facts(history: History, commit: str) -> dict[str, tuple[int, str, str | None]]:
    return {path: (h.number, h.commit, h.blob) for path, h in history.state(commit).items()}


def test_recording_a_commit_whose_parent_is_unknown_takes_in_both(
    history: History, line: Line
) -> None:
    """Somebody pushed between our last look and our write."""
    line.put("one")

    history.record(line.put("two"))

    assert [2, 1] == numbers(history, line.made[-1].oid)


def test_a_push_and_a_merge_by_plain_git_are_caught_up(
    history: History, store: GitStore, line: Line, tmp_path: Path
) -> None:
    """Both sides' prompts hold the numbers of their sides."""
    history.record(line.put("one"))
    work = tmp_path / "work"
    git(tmp_path, "clone", "-q", "-b", "staging", str(store.path), str(work))
    git(work, "checkout", "-q", "-b", "side")
    (work / OTHER).write_text("side")
    _committed(work)
    git(work, "checkout", "-q", "staging")
    (work / PATH).write_text("two")
    _committed(work)
    git(work, "merge", "-q", "--no-ff", "-m", "Join", "side")
    git(work, "push", "-q")
    head = store.head("staging") or ""

    assert 2 == stands(history, head).number
    assert 1 == stands(history, head, OTHER).number
    assert [] == history.check()


def test_many_commits_at_once_are_read_like_few(
    store: GitStore, graph: Graph, history: History
) -> None:
    """More than are read one by one come out of one `git log`."""
    marks = [graph.commit({PATH: "0", OTHER: "0"})]
    for count in range(1, NEAR * 2):
        marks.append(graph.commit({PATH: str(count), OTHER: str(count // 7)}, [marks[-1]]))
    oids = graph.flush()
    slowly = History(store, store.path / "slowly.sqlite3")
    for mark in marks:
        slowly.ensure(oids[mark])
    last = oids[marks[-1]]
    history.ensure(last)

    assert NEAR * 2 == stands(history, last).number
    assert _facts(slowly, last) == _facts(history, last)


def test_a_shallow_clone_begins_where_it_was_cut_until_it_is_deepened(
    store: GitStore, line: Line, tmp_path: Path
) -> None:
    """A continuous integration job has the last commit only."""
    for text in "abc":
        line.put(text)
    clone = tmp_path / "clone"
    source = f"file://{store.path}"
    git(tmp_path, "clone", "-q", "--depth", "1", "-b", "staging", source, str(clone))
    last = line.made[-1].oid

    assert 1 == stands(History(GitStore.open(clone)), last).number

    git(clone, "fetch", "-q", "--unshallow")

    assert 3 == stands(History(GitStore.open(clone)), last).number


def test_pages_follow_on_without_gap_or_repeat(history: History, line: Line) -> None:
    """Newest first; the last page has no cursor."""
    for count in range(7):
        history.record(line.put(str(count)))
    head = line.made[-1].oid

    pages = list(_pages(history, head, 3))

    assert [[7, 6, 5], [4, 3, 2], [1]] == pages


def _pages(history: History, commit: str, limit: int) -> Iterator[list[int]]:
    cursor = None
    while True:
        page = history.page(commit, PATH, cursor, limit)
        yield [version.number for version in page.versions]
        cursor = page.next_cursor
        if cursor is None:
            return


def test_a_cursor_still_holds_after_the_next_edit(history: History, line: Line) -> None:
    """It names the version the next page begins with."""
    for count in range(4):
        history.record(line.put(str(count)))
    page = history.page(line.made[-1].oid, PATH, limit=2)
    history.record(line.put("later"))

    rest = history.page(line.made[-1].oid, PATH, page.next_cursor, 2)

    assert [2, 1] == [version.number for version in rest.versions]


@pytest.mark.parametrize("cursor", ["", "x", "1", "0" * 40, "É" * 40, " " * 40, "a" * 4000])
def test_a_cursor_we_never_gave_is_refused(history: History, line: Line, cursor: str) -> None:
    """Whatever it looks like."""
    history.record(line.put("one"))

    with pytest.raises(InvalidCursor):
        history.page(line.made[-1].oid, PATH, cursor)


def test_a_cursor_shows_nothing_outside_a_commits_past(history: History, graph: Graph) -> None:
    """Who may read production only can't page through staging."""
    production = graph.commit({PATH: "a", OTHER: "a"})
    staging = graph.commit({PATH: "b"}, [production])
    oids = graph.flush()
    history.ensure(oids[staging])

    for path in (PATH, OTHER):
        with pytest.raises(InvalidCursor):
            history.page(oids[production], path, oids[staging])


@pytest.mark.parametrize(("limit", "count"), [(-1, 1), (0, 1), (2, 2), (10**9, 3)])
def test_a_page_has_at_least_one_version_and_never_endless_ones(
    history: History, line: Line, limit: int, count: int
) -> None:
    """A limit from outside is kept within bounds."""
    for text in "abc":
        history.record(line.put(text))

    assert count == len(history.page(line.made[-1].oid, PATH, limit=limit).versions)


def test_versions_are_found_by_number(history: History, line: Line) -> None:
    """Along the chain of the commit that is asked about."""
    for text in "abc":
        history.record(line.put(text))
    head = line.made[-1].oid

    found = [history.numbered(head, PATH, number).commit for number in (1, 2, 3)]

    assert [commit.oid for commit in line.made] == found


@pytest.mark.parametrize("number", [-1, 0, 3, 2**70])
def test_a_number_that_is_none_is_not_found(history: History, line: Line, number: int) -> None:
    """However large it is."""
    for text in "ab":
        history.record(line.put(text))

    with pytest.raises(VersionNotFound):
        history.numbered(line.made[-1].oid, PATH, number)


@pytest.mark.parametrize("commit", ["", "staging", "0" * 39, "g" * 40, "0" * 40, "ab " * 20])
def test_a_commit_that_is_none_is_not_found(history: History, commit: str) -> None:
    """Neither by catching up nor by any read."""
    reads: list[Callable[[], object]] = [
        lambda: history.ensure(commit),
        lambda: history.held(commit, PATH),
        lambda: history.state(commit),
        lambda: history.moved(commit, commit),
        lambda: history.page(commit, PATH),
        lambda: history.numbered(commit, PATH, 1),
        lambda: history.before(commit, START),
    ]

    for read in reads:
        with pytest.raises(RevisionNotFound):
            read()


def test_a_version_row_that_is_none_is_an_error(history: History) -> None:
    """Rows come from the index itself."""
    for read in (history.version, history.first):
        with pytest.raises(LookupError):
            read(7)


def test_time_goes_back_along_first_parents(history: History, line: Line) -> None:
    """The commit that stood at a moment; None before the first."""
    for text in "abc":
        history.record(line.put(text))
    head = line.made[-1].oid
    moments = [START + timedelta(seconds=seconds) for seconds in (-1, 0, 61, 9999)]

    found = [history.before(head, moment) for moment in moments]

    assert [None, *(commit.oid for commit in line.made)] == found


def test_what_moved_costs_and_tells_only_what_changed(history: History, graph: Graph) -> None:
    """Along first parents, onto another lane too; anything else is unknown."""
    start = graph.commit({PATH: "a", OTHER: "a"})
    main = graph.commit({PATH: "b", OTHER: "a"}, [start])
    side = graph.commit({PATH: "a", OTHER: "b"}, [start])
    later = graph.commit({PATH: "a", OTHER: "c"}, [side])
    oids = graph.flush()
    for mark in (main, later):
        history.ensure(oids[mark])

    moved = history.moved(oids[start], oids[later])

    assert moved == {OTHER: history.held(oids[later], OTHER)}
    assert {} == history.moved(oids[main], oids[main])
    assert history.moved(oids[main], oids[later]) is None
    assert history.moved(oids[later], oids[start]) is None


def _garbage(file: Path) -> None:
    file.write_bytes(os.urandom(8192))


def _halved(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _holed(file: Path) -> None:
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xff" * (size - 4096))


def _older(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE edges")
        connection.execute("PRAGMA user_version = 1")
    connection.close()


def _settled(file: Path) -> None:
    """Brings all that was written into the file itself."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


@pytest.mark.parametrize("damage", [Path.unlink, _garbage, _halved, _holed, _older])
def test_a_broken_file_is_made_anew(
    store: GitStore, line: Line, damage: Callable[[Path], None]
) -> None:
    """It is derived: nobody needs to come and mend it, and rows keep their names."""
    first = History(store)
    for text in "abc":
        first.record(line.put(text))
    head = line.made[-1].oid
    held = first.held(head, PATH)
    first.tables.connection().close()
    _settled(first.tables.file)
    damage(first.tables.file)

    second = History(store)
    second.ensure(head)

    assert held == second.held(head, PATH)
    assert [3, 2, 1] == numbers(second, head)
    assert [] == second.check()


def test_a_file_that_breaks_while_it_is_read_is_made_anew(history: History, line: Line) -> None:
    """The read that found it broken gets its answer."""
    for text in "abc":
        history.record(line.put(text))
    head = line.made[-1].oid
    _settled(history.tables.file)
    _holed(history.tables.file)

    assert [3, 2, 1] == numbers(history, head)
    assert [] == history.check()


def test_only_the_broken_file_is_thrown_away(store: GitStore, line: Line) -> None:
    """A process that finds it broken late leaves alone what another one has made since."""
    line.put("a")
    head = line.made[-1].oid
    late, soon = History(store), History(store)
    late.ensure(head)
    soon.ensure(head)
    soon.tables.forget()
    soon.ensure(head)
    made = soon.tables.file.stat().st_ino
    late.tables.forget()
    late.ensure(head)

    assert made == late.tables.file.stat().st_ino
    assert soon.held(head, PATH) == late.held(head, PATH)


def test_rebuilding_counts_commits_and_keeps_rows(store: GitStore, line: Line) -> None:
    """What a catalogue in memory holds stays good, in other processes too."""
    history, other = History(store), History(store)
    for text in "abc":
        history.record(line.put(text))
    head = line.made[-1].oid
    before = other.state(head)

    assert 3 == history.rebuild()
    assert before == other.state(head)


def test_nobody_can_foresee_a_row(tmp_path: Path) -> None:
    """Two repositories with one history give it different rows, so clashes can't be prepared."""
    rows = set()
    for name in ("one.git", "two.git"):
        line = Line(GitStore.create(tmp_path / name))
        rows.add(stands(History(line.store), line.put("a").oid).row)

    assert 2 == len(rows)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE versions SET number = 9 WHERE number = 2",
        "UPDATE versions SET parent = NULL WHERE number = 3",
        "UPDATE versions SET origin = id WHERE number = 3",
        "UPDATE versions SET blob = x'00' WHERE number = 3",
        "UPDATE commits SET reason = 'Another' WHERE position = 1",
        "UPDATE commits SET name = 'Another' WHERE position = 1",
        "DELETE FROM states WHERE position = 2",
        "DELETE FROM versions WHERE number = 2",
    ],
)
def test_checking_finds_what_differs_from_git(history: History, line: Line, damage: str) -> None:
    """Whatever was tampered with."""
    for text in "abc":
        history.record(line.put(text))
    assert [] == history.check()
    history.tables.connection().execute(damage)

    found = history.check()

    assert found
    assert any(commit.oid[:12] in line_ for line_ in found for commit in line.made)


def test_checking_knows_commits_that_only_a_tag_reaches(
    history: History, graph: Graph, store: GitStore
) -> None:
    """They are part of what the index should hold."""
    mark = graph.commit({PATH: "a"})
    oid = graph.flush()[mark]
    git(store.path, "tag", "production/1", oid)
    git(store.path, "update-ref", "-d", f"refs/heads/changes/c{mark}")

    assert [] == history.check()
    assert 1 == stands(history, oid).number


PROGRAM = """
import sys
from pathlib import Path
from prompt_repo.git_store import GitStore
from prompt_repo.history import History
store = GitStore.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
history = History(store)
history.ensure(sys.argv[2])
print(sorted((path, held.row, held.number) for path, held in history.state(sys.argv[2]).items()))
"""


def test_processes_that_catch_up_at_once_agree(
    store: GitStore, graph: Graph, history: History
) -> None:
    """Each commit is taken in once, whoever comes first."""
    last = _long_line(graph)
    command = [sys.executable, "-c", PROGRAM, str(store.path), last]
    processes = [
        subprocess.Popen(
            command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    told = {process.communicate()[0] for process in processes}

    assert [0, 0, 0] == [process.returncode for process in processes]
    assert {f"{_rows(history.state(last))}\n"} == told
    assert [] == history.check()


def _long_line(graph: Graph) -> str:
    mark = graph.commit({PATH: "0"})
    for count in range(1, 300):
        mark = graph.commit({PATH: str(count), OTHER: str(count % 5)}, [mark])
    return graph.flush()[mark]


def _rows(state: Mapping[str, Held]) -> list[tuple[str, int, int]]:
    return sorted((path, held.row, held.number) for path, held in state.items())


def test_threads_that_catch_up_at_once_agree(
    store: GitStore, graph: Graph, history: History
) -> None:
    """Each has its own connection to the one file."""
    last = _long_line(graph)
    told: list[list[tuple[str, int, int]]] = []
    begin = threading.Barrier(6)

    def catch_up() -> None:
        begin.wait()
        history.ensure(last)
        told.append(_rows(history.state(last)))

    threads = [threading.Thread(target=catch_up) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [told[0]] * 6 == told
    assert [] == history.check()


def test_a_forked_child_reads_and_writes_for_itself(history: History, line: Line) -> None:
    """A job's process inherits the object, never the connection."""
    history.record(line.put("one"))
    second = line.put("two")
    child = os.fork()
    if child == 0:
        try:
            history.ensure(second.oid)
            os._exit(0 if numbers(history, second.oid) == [2, 1] else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)

    assert 0 == os.waitstatus_to_exitcode(status)
    assert [2, 1] == numbers(history, second.oid)
    assert [] == history.check()


def test_a_catch_up_that_fails_leaves_nothing_behind(
    history: History, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing, so that the next one begins where the last good one ended."""
    history.record(line.put("one"))
    second = line.put("two")

    def fail(*_: object) -> None:
        raise OSError("no room left")

    with monkeypatch.context() as patch:
        patch.setattr("prompt_repo.history_rows.Rows.stand", fail)
        with pytest.raises(StorageFailed, match="no room left"):
            history.ensure(second.oid)

    assert [2, 1] == (history.ensure(second.oid), numbers(history, second.oid))[1]


def test_a_first_commit_with_thousands_of_prompts_is_taken_in(
    history: History, graph: Graph
) -> None:
    """More rows than are written at a time."""
    files = {f"characters/c{count}/idle.yaml": "same" for count in range(25_000)}
    mark = graph.commit(files)
    oid = graph.flush()[mark]
    history.ensure(oid)

    assert set(files) == set(history.state(oid))
