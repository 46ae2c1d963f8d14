"""What a column that must not be null holds where nothing of production's value may stay."""

import re

from sync.model import Cell, Column

BY_TYPE = (
    (r"bit\((\d+)\)", lambda size: "0" * size),
    (r"vector\((\d+)\)|halfvec\((\d+)\)", lambda size: f"[{','.join('0' * size)}]"),
    (r"macaddr", lambda _: ":".join(["00"] * 6)),
    (r"macaddr8", lambda _: ":".join(["00"] * 8)),
    (r".*multirange", lambda _: "{}"),
    (r".*range", lambda _: "empty"),
    (r"point", lambda _: "(0,0)"),
    (r"box|lseg|path|polygon", lambda _: "((0,0),(0,0))"),
    (r"circle", lambda _: "<(0,0),0>"),
    (r"line", lambda _: "{1,0,0}"),
    (r"pg_lsn", lambda _: "0/0"),
    (r"jsonpath", lambda _: "$"),
)
"""How PostgreSQL spells next to nothing in types whose empty text is no value."""


def empty_value(column: Column) -> Cell:
    """The least that a column's type can hold."""
    if column.array:
        return "{}"
    if column.shape in ("integer", "decimal"):
        return 0
    if column.shape == "bytes":
        return r"\x"
    for pattern, made in BY_TYPE:
        found = re.fullmatch(pattern, column.type)
        if found:
            return made(int(next((each for each in found.groups() if each), "1")))
    return ""
