"""Version numbers held to the rule, read slowly and independently, and to git's own count."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from prompt_repo.git_store import GitStore
from prompt_repo.history import History
from tests.gitrepo import Graph, git

PATHS = ("defaults/idle.yaml", "characters/aria/idle.yaml", "prompts.yaml")
Files = dict[str, str]
Number = tuple[int, str]
"""A version: its number, and the commit that made it."""


@dataclass
class Node:
    """A commit as the naive reading sees it."""

    mark: int
    files: Files
    parents: list[int]
    trailers: list[int] = field(default_factory=list)


@st.composite
def histories(draw: st.DrawFn, trailers: bool = True, merges: bool = True) -> list[Node]:
    """Branches, merges of every kind, reverts, removals, and commits with trailers."""
    texts = st.sampled_from(["a", "b", "c"])
    count = draw(st.integers(1, 14))
    nodes: list[Node] = []
    for mark in range(1, count + 1):
        if not nodes or draw(st.integers(0, 9)) == 0:
            nodes.append(Node(mark, draw(st.dictionaries(st.sampled_from(PATHS), texts)), []))
            continue
        recent = st.sampled_from([node.mark for node in nodes[-4:]])
        parents = [draw(recent)]
        if merges and draw(st.integers(0, 2)) == 0:
            others = draw(st.lists(recent, max_size=2, unique=True))
            parents += [other for other in others if other not in parents]
        files = dict(nodes[parents[0] - 1].files)
        for other in parents[1:]:
            for path in draw(st.sets(st.sampled_from(PATHS))):
                _take(files, path, nodes[other - 1].files)
        for path in draw(st.sets(st.sampled_from(PATHS), max_size=2)):
            text = draw(st.none() | texts)
            files.pop(path, None)
            if text is not None:
                files[path] = text
        named = draw(st.lists(recent, max_size=1)) if trailers else []
        for other in named:
            for path in draw(st.sets(st.sampled_from(PATHS))):
                _take(files, path, nodes[other - 1].files)
        nodes.append(Node(mark, files, parents, named))
    return nodes


def _take(files: Files, path: str, theirs: Mapping[str, str]) -> None:
    files.pop(path, None)
    if path in theirs:
        files[path] = theirs[path]


def read_slowly(nodes: list[Node]) -> dict[int, dict[str, Number]]:
    """What stands at each commit and path, straight from the rule, a dictionary a commit."""
    standing: dict[int, dict[str, Number]] = {}
    texts: dict[int, Files] = {node.mark: node.files for node in nodes}
    for node in nodes:
        here: dict[str, Number] = {}
        for path in PATHS:
            parents = [(p, standing[p].get(path)) for p in node.parents]
            equal = [v for p, v in parents if texts[p].get(path) == node.files.get(path)]
            for named in node.trailers:
                version = standing[named].get(path)
                if version and texts[named].get(path) == node.files.get(path):
                    equal.append(version)
            if equal:
                best = max(equal, key=lambda version: version[0] if version else 0)
                if best:
                    here[path] = best
                continue
            if path not in node.files and not parents:
                continue
            highest = max((v[0] for _, v in parents if v), default=0)
            here[path] = (highest + 1, str(node.mark))
        standing[node.mark] = here
    return standing


@contextmanager
def built(nodes: list[Node]) -> Iterator[tuple[GitStore, dict[int, str]]]:
    """The same history in a real repository."""
    with tempfile.TemporaryDirectory() as folder:
        store = GitStore.create(Path(folder) / "prompts.git")
        graph = Graph(store.path)
        oids: dict[int, str] = {}
        for node in nodes:
            lines = [f"Promoted-From: {oids[named]}" for named in node.trailers]
            message = "\n".join(["Why", "", *lines]) if lines else "Why"
            graph.commit(node.files, node.parents, message)
            if any(node.mark in later.trailers for later in nodes):
                oids = graph.flush()
        yield store, graph.flush()


def numbers(history: History, oid: str, marks: Mapping[str, str]) -> dict[str, Number]:
    """What the index says stands at a commit."""
    return {path: (held.number, marks[held.commit]) for path, held in history.state(oid).items()}


@given(histories(), st.randoms(use_true_random=False), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_the_index_follows_the_rule(nodes: list[Node], random: object, step: int) -> None:
    """At every commit and path, taken in at once or bit by bit, in any order."""
    expected = read_slowly(nodes)
    with built(nodes) as (store, oids):
        marks = {oid: str(mark) for mark, oid in oids.items()}
        once, bits = History(store), History(store, store.path / "bits.sqlite3")
        once.rebuild()
        order = list(oids)
        random.shuffle(order)  # type: ignore[attr-defined]
        for mark in order[::step]:
            bits.ensure(oids[mark])

        for mark in oids:
            bits.ensure(oids[mark])
            assert expected[mark] == numbers(once, oids[mark], marks)
            assert expected[mark] == numbers(bits, oids[mark], marks)
            for path, (number, _) in expected[mark].items():
                chain = once.page(oids[mark], path).versions
                assert list(range(number, 0, -1)) == [version.number for version in chain]
        assert [] == once.check()
        assert [] == bits.check()


@given(histories(trailers=False, merges=False))
@settings(deadline=None, max_examples=25)
def test_numbers_are_gits_count_along_a_line(nodes: list[Node]) -> None:
    """Without merges and trailers, a number is `git rev-list --count <commit> -- <path>`."""
    with built(nodes) as (store, oids):
        history = History(store)
        last = oids[len(nodes)]
        history.ensure(last)

        for path in PATHS:
            count = int(git(store.path, "rev-list", "--count", last, "--", path))
            held = history.held(last, path)
            assert count == (held.number if held else 0)


@given(histories())
@settings(deadline=None, max_examples=25)
def test_what_moved_is_what_differs(nodes: list[Node]) -> None:
    """From a commit to a later one on its line, `moved` applied to the old state gives the new."""
    with built(nodes) as (store, oids):
        history = History(store)
        for oid in oids.values():
            history.ensure(oid)

        for node in nodes:
            for old in node.parents[:1]:
                moved = history.moved(oids[old], oids[node.mark])
                assert moved is not None
                state = {**history.state(oids[old]), **moved}
                standing = {path: held for path, held in state.items() if held is not None}
                assert history.state(oids[node.mark]) == standing
