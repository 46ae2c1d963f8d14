"""Commits into the history index, by the rule of versions.

* A commit whose blob at a path equals a parent's is no new version: it continues that parent's
  chain, the one with the highest number if several.
* Otherwise it is a new version, numbered one more than the highest among its parents. Removing
  is a version too, without a blob.
* A trailer Promoted-From, Rolled-Back-To or Hotfix-From with a full commit id counts as one more
  parent for the paths that have a version there whose blob is equal (both removed is equal too).
"""

import gc
import heapq
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain

from prompt_repo.history_rows import At, Edge, Row, Rows
from prompt_repo.model import Commit
from prompt_repo.trailers import PARENTS

OID = re.compile(r"[0-9a-f]{40}")

Part = tuple[Commit, bool]
"""A commit with some of its changes, and whether a part with further ones follows."""
Moved = list[tuple[int, Row | None]]
"""Paths with the version that now stands there, None for none."""


def trailer_parents(commit: Commit) -> list[str]:
    """The commits that a commit's trailers name as further parents."""
    if not commit.trailers:
        return []
    return [
        value for key, value in commit.trailers if key.lower() in PARENTS and OID.fullmatch(value)
    ]


def parents_first(found: Mapping[str, Commit]) -> Iterator[Commit]:
    """The commits in an order where parents, also those that trailers name, come first.

    Quickest where they come as git lists them, newest first.
    """
    done: set[str] = set()
    for newest in reversed(list(found)):
        waiting = [newest]
        while waiting:
            commit = found[waiting[-1]]
            parents = [*commit.parents, *trailer_parents(commit)]
            before = [oid for oid in parents if oid not in done and oid in found]
            if before:
                waiting.extend(before)
                continue
            waiting.pop()
            if commit.oid not in done:
                done.add(commit.oid)
                yield commit


@contextmanager
def uncollected() -> Iterator[None]:
    """Puts Python's search for cycles off: commits have none, and it walks all of them each time.

    It took a fifth of the time to index 10,000 commits. It goes on for the whole process, so
    the block's length bounds what others leave behind meanwhile.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def take_all(rows: Rows, commits: Iterable[Commit]) -> None:
    """Takes commits in, parents first; those that are in already are passed over."""
    take_parts(rows, ((commit, False) for commit in commits))


def take_parts(rows: Rows, parts: Iterator[Part]) -> None:
    """The same of commits that may come in parts, one right after the other."""
    for commit, more in parts:
        if rows.find(commit.oid) is None:
            _take(rows, commit, _rest(parts) if more else iter(()))
    rows.flush()


def _rest(parts: Iterator[Part]) -> Iterator[Commit]:
    for commit, more in parts:
        yield commit
        if not more:
            return


def _take(rows: Rows, commit: Commit, rest: Iterator[Commit]) -> None:
    parents = _places(rows, commit.parents)
    named = []
    if commit.trailers:
        named = [at for at in _places(rows, trailer_parents(commit)) if at not in parents]
    first = parents[0] if parents else None
    plain = len(parents) < 2 and not named
    second = next(rest, None)
    if second is not None and plain:
        _take_long(rows, chain([commit, second], rest), first)
        return
    if second is not None:
        changes = (each.changes for each in (commit, second, *rest))
        commit = replace(commit, changes=tuple(chain.from_iterable(changes)))
    ident = rows.next_id("commits")
    edges: list[Edge] = []
    if plain:
        moved = _plain(rows, commit, ident, first)
    else:
        moved, edges = _joining(rows, commit, ident, parents, named)
    rows.stand(rows.place(commit, ident, first), first, moved, edges)


def take_continuing(rows: Rows, commit: Commit, versions: Collection[int]) -> tuple[At, list[int]]:
    """Takes in a commit that changed only paths at which a further parent's version goes on.

    `versions` are those; nothing is asked about each. The other paths where that parent holds
    another version are looked at as ever. Gives where the commit stands now, and those of the
    other paths at which another version stands since.
    """
    parents = _places(rows, commit.parents)
    named = [at for at in _places(rows, trailer_parents(commit)) if at not in parents]
    ident = rows.next_id("commits")
    settled = rows.go_on(rows.next_place(ident, parents[0]), versions)
    moved, edges = _joined(rows, commit, ident, parents, named, settled)
    at = rows.place(commit, ident, parents[0])
    rows.stand(at, parents[0], moved, edges)
    rows.went_on(at)
    return at, [path for path, _ in moved]


def _places(rows: Rows, oids: Iterable[str]) -> list[At]:
    """Where those of the commits stand that are in, each once."""
    found = [at for oid in oids if (at := rows.find(oid)) is not None]
    return list(dict.fromkeys(found)) if len(found) > 1 else found


def _plain(rows: Rows, commit: Commit, ident: int, first: At | None) -> Moved:
    """A commit with one parent or none: every changed path is a new version."""
    moved: Moved = []
    for change in commit.changes:
        path = rows.path(change.path)
        if not path:
            continue
        before = rows.standing(first, path) if first else None
        blob = bytes.fromhex(change.new) if change.new else None
        if (before.blob if before else None) != blob:
            names = (path, change.path), (ident, commit.oid)
            moved.append((path, rows.version(*names, blob, before)))
    return moved


def _take_long(rows: Rows, parts: Iterator[Commit], first: At | None) -> None:
    """Takes in a commit without further parents, a part at a time."""
    at = None
    for part in parts:
        if at is None:
            at = rows.place(part, rows.next_id("commits"), first)
        changes = {path: each for each in part.changes if (path := rows.path(each.path))}
        rows.foresee(at, changes)
        moved: Moved = []
        for path, change in changes.items():
            # What stands there is the parent's still, but where a hostile tree has a name twice.
            before = rows.standing(at, path)
            blob = bytes.fromhex(change.new) if change.new else None
            seen = before is not None and before.id == rows.version_id(change.path, part.oid)
            if (before.blob if before else None) != blob and not seen:
                names = (path, change.path), (at.id, part.oid)
                moved.append((path, rows.version(*names, blob, before)))
        rows.stand(at, None, moved, [])
        rows.forget_edges(at)
        rows.forget()


def _joining(
    rows: Rows, commit: Commit, ident: int, parents: Sequence[At], named: Sequence[At]
) -> tuple[Moved, list[Edge]]:
    """A merge, or a commit whose trailers name further parents.

    Looked at are the paths that changed against the first parent, and those where the others
    hold another version, be it with the same blob.
    """
    return _joined(rows, commit, ident, parents, named, None)


def _joined(
    rows: Rows,
    commit: Commit,
    ident: int,
    parents: Sequence[At],
    named: Sequence[At],
    settled: Collection[int] | None,
) -> tuple[Moved, list[Edge]]:
    """The same; where it is `settled` what stands at all paths that changed, only the rest."""
    first = parents[0] if parents else None
    others = [*parents[1:], *named]
    changes = commit.changes if settled is None else ()
    changed = {rows.path(change.path): change for change in changes}
    paths = set(changed) - {0}
    for other in others:
        paths |= differing(rows, first, other) if first else rows.all_paths()
    paths.difference_update(settled or ())
    for at in (*parents, *named):
        rows.foresee(at, paths)
    moved: Moved = []
    edges: list[tuple[At, list[int]]] = [(other, []) for other in others]
    for path in sorted(paths):
        sides = [rows.standing(at, path) for at in parents]
        before = sides[0] if sides else None
        blob = before.blob if before else None
        if path in changed:
            new = changed[path].new
            blob = bytes.fromhex(new) if new else None
        elsewhere = [rows.standing(at, path) for at in named]
        row = _continued(blob, sides, elsewhere)
        if row is _NEW:
            names = (path, changed[path].path), (ident, commit.oid)
            row = rows.version(*names, blob, *_counted_on(rows, sides))
        if row != before:
            moved.append((path, row))
        for (_, apart), standing in zip(edges, [*sides[1:], *elsewhere], strict=True):
            if row != standing:
                apart.append(path)
    return moved, list(edges)


_NEW = Row(0, 0, None, 0)


def _continued(
    blob: bytes | None, sides: Sequence[Row | None], elsewhere: Sequence[Row | None]
) -> Row | None:
    """The version that a blob continues, or None where none stands on; _NEW where it is new."""
    equal = [row for row in sides if (row.blob if row else None) == blob]
    equal += [row for row in elsewhere if row and row.blob == blob]
    if not equal:
        return None if blob is None and not sides else _NEW
    return max(equal, key=_number)


def _counted_on(rows: Rows, sides: Sequence[Row | None]) -> tuple[Row | None, Row | None]:
    """What a new version's number counts on from, and the other side where it joins two."""
    standing = sorted((row for row in sides if row), key=_number, reverse=True)
    if not standing:
        return None, None
    best, *rest = standing
    apart = (row for row in rest if row.id != best.id and not rows.descends(best, row))
    return best, next(apart, None)


def differing(rows: Rows, one: At, other: At) -> set[int]:
    """Paths whose standing versions may differ between two commits.

    States differ only along the edges of any way from one commit to the other, so the cheapest
    way through a common ancestor is sought from both ends. A production that merges staging
    again and again is one edge away from what it last merged.
    """
    ways: tuple[dict[int, Edge | None], ...] = ({one.id: None}, {other.id: None})
    cost = ({one.id: 0}, {other.id: 0})
    settled: tuple[set[int], set[int]] = (set(), set())
    front = [(0, 0, one), (0, 1, other)]
    while front:
        spent, side, at = heapq.heappop(front)
        if at.id in settled[1 - side]:
            return _along(ways[0], at) | _along(ways[1], at)
        if at.id in settled[side]:
            continue
        settled[side].add(at.id)
        for parent, paths in rows.edges(at):
            total = spent + 1 + len(paths)
            if total < cost[side].get(parent.id, total + 1):
                cost[side][parent.id] = total
                ways[side][parent.id] = (at, paths)
                heapq.heappush(front, (total, side, parent))
    return rows.all_paths()


def _along(ways: Mapping[int, Edge | None], end: At) -> set[int]:
    """The paths on all edges back from `end` to where the search began."""
    paths: set[int] = set()
    step = ways[end.id]
    while step is not None:
        paths.update(step[1])
        step = ways[step[0].id]
    return paths


def _number(row: Row | None) -> int:
    return row.number if row else 0
