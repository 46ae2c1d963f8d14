"""Fakes of whole columns are, cell by cell, those that are made row by row."""

from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.anonymise import Anonymiser, compiled
from sync.arrow_fakes import ArrowFakes
from sync.arrow_text import text_of, typed
from sync.model import Cell, Column, Table
from sync.people import Beside
from sync.rules import Rule, Rules, TableRules
from sync.tables import Selection
from tests.properties.test_anonymise import FAKES, SIMPLE, TEXTS

PHONES = st.one_of(
    *(
        st.from_regex(form, fullmatch=True)
        for form in (
            r"\+1 \([2-9][0-9]{2}\) [0-9]{3}-[0-9]{4}", r"\+44 20 [0-9]{4} [0-9]{4}",
            r"\+358 [0-9]{2} [0-9]{6}", r"00[1-9][0-9]{3} [0-9]{5}", r"[2-9][0-9]{9}",
            r"1[0-9]{10}", r"0[0-9]{2} [0-9]{5,7}( ext [0-9]{2})?", r"[0-9]{3,6}", r"\+[0-9]{1,4}",
            r"7[0-9]{9}", r"[0-9]{20} cell",
        )
    )
)  # fmt: skip
MANY = st.lists(st.one_of(st.none(), st.just(""), TEXTS, PHONES), max_size=12)
MANY_ALIKE = st.integers(0, 8).flatmap(
    lambda n: st.lists(
        st.from_regex(
            (r"\+1 \([2-9][0-9]{2}\) 55[0-9]-[0-9]{4}", r"\+44 20 [0-9]{4} [0-9]{4}",
             r"\+3[0-9]{2} 40 [0-9]{6}", r"00[1-9][0-9]{3} [0-9]{5}", r"[2-9][0-9]{9}",
             r"1[0-9]{10}", r"0[0-9]{9}", r"[0-9]{5}", r"\+[0-9]{11}x")[n], fullmatch=True),
        min_size=8, max_size=12,
    )
)  # fmt: skip
ODD = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
NAMES = st.one_of(st.none(), st.just(""), st.sampled_from(["Ada", "Dr", "Mr Müller", "李"]),
                  st.text(ODD, max_size=12))  # fmt: skip


def anonymiser(columns: dict[str, Rule], length: int | None = None, **beside: object) -> Anonymiser:
    """What fakes the rows of a table of texts."""
    shaped = tuple(Column(name, "text", "text", length=length) for name in columns)
    table = Table("people", "public", "people", shaped, ("id",))
    rules = Rules({"people": TableRules("people", columns=columns)}, "en_US")
    around = Beside(Selection(), beside.get("names", {}), ())  # type: ignore[arg-type]
    return compiled(table, rules, FAKES, around, dict.fromkeys(columns, length), {})


def in_columns(made: Anonymiser, rows: Sequence[Sequence[Cell]]) -> list[tuple[Cell, ...]]:
    """The fakes of some rows by way of Arrow."""
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    faked = ArrowFakes(made, FAKES)(columns)
    return list(zip(*(column.to_pylist() for column in faked), strict=True))


@pytest.mark.parametrize("rule", SIMPLE, ids=str)
@given(texts=st.one_of(MANY, MANY_ALIKE))
def test_every_kind_is_the_same_in_columns(rule: Rule, texts: list[str | None]) -> None:
    """Nulls and empty texts among them, odd letters, many of one format or each of its own."""
    made = anonymiser({"value": rule})
    rows = [(text,) for text in texts if text is None or "\x00" not in text] or [(None,)]

    assert made(rows) == in_columns(made, rows)


@given(
    rows=st.lists(st.tuples(st.one_of(st.none(), TEXTS), NAMES, NAMES, NAMES), min_size=1),
    length=st.sampled_from([None, 24, 30, 60]),
    names=st.sampled_from([((1, 2, -1),), ((1, 2, 3),), ((-1, -1, 3), (1, -1, -1)), ((1, -1, 3),)]),
)
def test_an_email_in_columns_has_the_names_beside_it(
    rows: list[tuple[str | None, ...]], length: int | None, names: tuple[tuple[int, int, int], ...]
) -> None:
    """In whichever columns they stand, in full or in parts, and however little room is left."""
    columns = {"email": Rule("email"), **{name: Rule("keep") for name in ("a", "b", "c")}}
    made = anonymiser(columns, length, names={"email": names})
    plain = [tuple(cell and cell.replace("\x00", "") for cell in row) for row in rows]

    assert made(plain) == in_columns(made, plain)


@pytest.mark.parametrize(
    ("type_", "cells"),
    [
        (pa.int64(), ["1", "-5", None]),
        (pa.bool_(), ["t", "f", None]),
        (pa.date32(), ["2026-01-31", "0001-01-01", "9999-12-31", None]),
        (pa.timestamp("us"), ["2026-01-31 10:20:30", "1969-12-31 23:59:59.1", None]),
        (pa.timestamp("us", "UTC"), ["2026-01-31 10:20:30.000001+00", None]),
        (pa.binary(), ["\\x", "\\xdeadbeef", None]),
        (pa.uuid(), ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None]),
        (pa.json_(), ['{"a": 1}', None]),
    ],
    ids=str,
)
def test_cells_read_and_written_are_the_same(type_: object, cells: list[str | None]) -> None:
    """As PostgreSQL spells them."""
    assert cells == text_of(typed(pa.array(cells, pa.string()), type_)).to_pylist()
