"""Two history indexes compared, and one with the trees that Git holds."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prompt_repo.layout import place_of
from prompt_repo.model import Held


class Fact(NamedTuple):
    """One thing an index says of a commit, and of a path there."""

    kind: str
    path: str
    oid: bytes


FACTS = (
    (
        "commit",
        "SELECT '', c.oid, hex(f.oid), c.name, c.email, c.at, c.committed, c.reason"
        " FROM commits c JOIN lanes l ON l.id = c.lane LEFT JOIN commits f"
        " ON f.lane = CASE c.position WHEN 0 THEN l.from_lane ELSE c.lane END"
        " AND f.position = CASE c.position WHEN 0 THEN l.from_position ELSE c.position - 1 END",
    ),
    (
        "version",
        "SELECT p.path, c.oid, v.number, hex(v.blob), hex(pc.oid), hex(jc.oid), hex(oc.oid)"
        " FROM versions v JOIN paths p ON p.id = v.path JOIN commits c ON c.id = v.commit_id"
        " LEFT JOIN versions pv ON pv.id = v.parent LEFT JOIN commits pc ON pc.id = pv.commit_id"
        " LEFT JOIN versions jv ON jv.id = v.joined LEFT JOIN commits jc ON jc.id = jv.commit_id"
        " LEFT JOIN versions ov ON ov.id = v.origin LEFT JOIN commits oc ON oc.id = ov.commit_id",
    ),
    (
        "standing version",
        "SELECT p.path, c.oid, v.number, hex(vc.oid) FROM states s JOIN paths p ON p.id = s.path"
        " JOIN commits c ON c.lane = s.lane AND c.position = s.position"
        " LEFT JOIN versions v ON v.id = s.version LEFT JOIN commits vc ON vc.id = v.commit_id",
    ),
)
"""What an index says in terms of paths and commits: two of them may number lanes differently."""


def differences(kept: sqlite3.Connection, fresh: sqlite3.Connection) -> list[str]:
    """How an index differs from one made afresh, a line each.

    It may know more commits than the fresh one: of branches that are gone since.
    """
    indexed = {oid for (oid,) in fresh.execute("SELECT oid FROM commits")}
    found = []
    for kind, query in FACTS:
        mine = {fact: rest for fact, rest in _facts(kept, kind, query) if fact.oid in indexed}
        theirs = dict(_facts(fresh, kind, query))
        for fact in sorted({*mine, *theirs}):
            if mine.get(fact) != theirs.get(fact):
                where = f"{fact.path} at {fact.oid.hex()[:12]}".strip()
                found.append(
                    f"{where}: the index holds the {kind} {_said(mine.get(fact))}, "
                    f"made afresh it is {_said(theirs.get(fact))}"
                )
    return found


def against_tree(
    tip: str, state: Mapping[str, Held], files: Iterable[tuple[str, str]]
) -> list[str]:
    """How the blobs that an index holds at a commit differ from those in its tree, a line each."""
    index = {path: held.blob for path, held in state.items() if held.blob is not None}
    git = {path: blob for path, blob in files if place_of(path) is not None}
    return [
        f"{path} at {tip[:12]}: the index holds {index.get(path, 'none')}, "
        f"Git {git.get(path, 'none')}"
        for path in sorted({*index, *git})
        if index.get(path) != git.get(path)
    ]


def _facts(
    connection: sqlite3.Connection, kind: str, query: str
) -> Iterable[tuple[Fact, tuple[object, ...]]]:
    for path, oid, *rest in connection.execute(query):
        yield Fact(kind, path, oid), tuple(rest)


def _said(rest: tuple[object, ...] | None) -> str:
    return (
        "none" if rest is None else " ".join(str(part) for part in rest if part not in (None, ""))
    )
