"""Version numbers held to the rule, read slowly and independently, and to git's own count."""

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from prompt_repo.git_store import GitStore
from prompt_repo.history import History
from prompt_repo.model import HistoryPage
from tests.gitrepo import Graph, git

PATHS = ("defaults/idle.yaml", "characters/aria/idle.yaml", "prompts.yaml")
TRAILERS = ("Promoted-From", "Rolled-Back-To", "Hotfix-From")
Files = dict[str, str]


@dataclass
class Node:
    """A commit as the naive reading sees it: its whole tree, its parents, its trailers."""

    mark: int
    files: Files
    parents: list[int]
    trailers: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """A version as the naive reading tells it: `mark` is the commit that made it."""

    number: int
    mark: int
    parent: "Told | None" = None
    joined: int | None = None

    def chain(self) -> list["Told"]:
        """This version and those its number counts on from, newest first."""
        return [self, *(self.parent.chain() if self.parent else [])]


Standing = dict[str, Told]


@st.composite
def histories(draw: st.DrawFn, longest: int = 14) -> list[Node]:
    """Branches, merges of every kind, reverts, removals, and commits with trailers."""
    texts = st.sampled_from(["a", "b", "c"])
    paths = st.sets(st.sampled_from(PATHS))
    nodes: list[Node] = []
    for mark in range(1, draw(st.integers(1, longest)) + 1):
        recent = st.sampled_from([node.mark for node in nodes[-4:]] or [0])
        named = draw(st.lists(recent, max_size=1)) if nodes else []
        if not nodes or draw(st.integers(0, 9)) == 0:
            files = draw(st.dictionaries(st.sampled_from(PATHS), texts))
            nodes.append(Node(mark, files, [], named))
            continue
        others = draw(st.lists(recent, max_size=2)) if draw(st.booleans()) else []
        parents = list(dict.fromkeys([draw(recent), *others]))
        files = dict(nodes[parents[0] - 1].files)
        for other in (*parents[1:], *named):
            for path in draw(paths):
                _take(files, path, nodes[other - 1].files)
        for path in draw(st.sets(st.sampled_from(PATHS), max_size=2)):
            text = draw(st.none() | texts)
            _take(files, path, {path: text} if text is not None else {})
        nodes.append(Node(mark, files, parents, named))
    return nodes


@st.composite
def countable(draw: st.DrawFn) -> list[Node]:
    """Histories whose merges take one side's new text, so that git's count is the number."""
    nodes: list[Node] = []
    told: dict[int, dict[str, tuple[int, ...]]] = {}
    for mark in range(1, draw(st.integers(1, 20)) + 1):
        recent = st.sampled_from([node.mark for node in nodes[-4:]] or [0])
        parents = [draw(recent)] if nodes else []
        other = draw(recent) if nodes and draw(st.booleans()) else 0
        lines = told[parents[0]] if parents else {}
        files = dict(nodes[parents[0] - 1].files) if parents else {}
        if other and other not in parents and _clean(nodes, told, parents[0], other):
            parents.append(other)
            newer = [p for p, line in told[other].items() if len(line) > len(lines.get(p, ()))]
            for path in newer:
                _take(files, path, nodes[other - 1].files)
            lines = {**lines, **{path: told[other][path] for path in newer}}
        else:
            changes = draw(st.dictionaries(st.sampled_from(PATHS), st.booleans(), max_size=2))
            for path, kept in changes.items():
                if kept or path in files:
                    _take(files, path, {path: f"text {mark}"} if kept else {})
                    lines = {**lines, path: (*lines.get(path, ()), mark)}
        nodes.append(Node(mark, files, parents))
        told[mark] = lines
    return nodes


def _clean(
    nodes: Sequence[Node], told: Mapping[int, Mapping[str, tuple[int, ...]]], one: int, other: int
) -> bool:
    """Whether at each path one side only went on from the other, to another text."""
    for path in PATHS:
        short, long = sorted((told[at].get(path, ()) for at in (one, other)), key=len)
        same = nodes[one - 1].files.get(path) == nodes[other - 1].files.get(path)
        if long[: len(short)] != short or same != (long == short):
            return False
    return True


def _take(files: Files, path: str, theirs: Mapping[str, str]) -> None:
    files.pop(path, None)
    if path in theirs:
        files[path] = theirs[path]


def read_slowly(nodes: Sequence[Node]) -> dict[int, Standing]:
    """What stands at each commit and path, straight from the rule, a dictionary a commit."""
    standing: dict[int, Standing] = {}
    for node in nodes:
        told = {path: _read(node, path, nodes, standing) for path in PATHS}
        standing[node.mark] = {path: version for path, version in told.items() if version}
    return standing


def _read(
    node: Node, path: str, nodes: Sequence[Node], standing: Mapping[int, Standing]
) -> Told | None:
    here = node.files.get(path)
    equal = [p for p in node.parents if nodes[p - 1].files.get(path) == here]
    for named in node.trailers:
        if path in standing[named] and nodes[named - 1].files.get(path) == here:
            equal.append(named)
    if equal:
        return max((standing[p].get(path) for p in equal), key=_number)
    if here is None and not node.parents:
        return None
    sides = [version for p in node.parents if (version := standing[p].get(path))]
    best = max(sides, key=_number, default=None)
    rest = [version for version in sides if best and version not in best.chain()]
    joined = max(rest, key=_number).mark if rest else None
    return Told(_number(best) + 1, node.mark, best, joined)


def _number(version: Told | None) -> int:
    return version.number if version else 0


@contextmanager
def built(nodes: Sequence[Node]) -> Iterator[tuple[GitStore, dict[int, str]]]:
    """The same history in a real repository, and each commit's id."""
    with tempfile.TemporaryDirectory() as folder:
        store = GitStore.create(Path(folder) / "prompts.git")
        graph = Graph(store.path)
        oids: dict[int, str] = {}
        for node in nodes:
            trailers = [f"{TRAILERS[named % 3]}: {oids[named]}" for named in node.trailers]
            graph.commit(node.files, node.parents, "\n".join(["Why", "", *trailers]))
            if any(node.mark in later.trailers for later in nodes):
                oids = graph.flush()
        yield store, graph.flush()


def standing_in(history: History, oid: str, marks: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """What the index says stands at a commit: number and commit."""
    return {path: (held.number, marks[held.commit]) for path, held in history.state(oid).items()}


def chain_of(page: HistoryPage, marks: Mapping[str, int]) -> list[tuple[int, int, int | None]]:
    """A page of history as numbers, commits, and commits of the joined sides."""
    return [
        (version.number, marks[version.commit], marks[version.joined] if version.joined else None)
        for version in page.versions
    ]


@contextmanager
def frugal() -> Iterator[None]:
    """Commits come in parts of one change, and next to nothing is kept of what was seen."""
    with (
        mock.patch("prompt_repo.git_log.CHANGES", 1),
        mock.patch("prompt_repo.history_rows.KEPT", 1),
    ):
        yield


@given(histories(), st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=70)
def test_the_index_follows_the_rule(nodes: list[Node], order: random.Random, step: int) -> None:
    """At every commit and path: taken in by one `git log`, or bit by bit in any order.

    Nor does it matter how little is kept in memory meanwhile.
    """
    told = read_slowly(nodes)
    with built(nodes) as (store, oids):
        marks = {oid: mark for mark, oid in oids.items()}
        once, bits, few = (History(store, store.path / f"{name}.sqlite3") for name in "abc")
        with mock.patch("prompt_repo.history_taking.NEAR", 0):
            once.rebuild()
            with frugal():
                few.rebuild()
        for mark in order.sample(list(oids), len(oids))[::step]:
            with frugal() if order.random() < 0.5 else nullcontext():
                if order.random() < 0.5:
                    bits.record(store.commit(oids[mark]))
                else:
                    bits.ensure(oids[mark])

        for mark, oid in oids.items():
            bits.ensure(oid)
            expected = {path: (v.number, v.mark) for path, v in told[mark].items()}
            assert expected == standing_in(once, oid, marks)
            assert expected == standing_in(bits, oid, marks)
            assert expected == standing_in(few, oid, marks)
            for path, version in told[mark].items():
                chain = [(v.number, v.mark, v.joined) for v in version.chain()]
                assert chain == chain_of(once.page(oid, path), marks)
        assert [] == once.check()
        assert [] == bits.check()
        assert [] == few.check()


@given(countable())
@settings(max_examples=40)
def test_numbers_are_gits_count_where_one_side_moved(nodes: list[Node]) -> None:
    """Along a line, and through merges that take one side's new text."""
    with built(nodes) as (store, oids):
        history = History(store)
        last = oids[len(nodes)]
        history.ensure(last)

        for path in PATHS:
            count = int(git(store.path, "rev-list", "--count", last, "--", path))
            held = history.held(last, path)
            assert count == (held.number if held else 0)


@given(histories())
@settings(max_examples=25)
def test_what_moved_is_what_differs(nodes: list[Node]) -> None:
    """`moved` applied to an old state gives the new one, wherever the new follows the old."""
    with built(nodes) as (store, oids):
        history = History(store)
        for oid in oids.values():
            history.ensure(oid)
        line: dict[int, list[int]] = {}
        for node in nodes:
            line[node.mark] = [*(line[node.parents[0]] if node.parents else []), node.mark]

        for mark in oids:
            for old in oids:
                moved = history.moved(oids[old], oids[mark])
                assert (moved is not None) == (old in line[mark])
                if moved is not None:
                    state = {**history.state(oids[old]), **moved}
                    standing = {path: held for path, held in state.items() if held is not None}
                    assert history.state(oids[mark]) == standing
