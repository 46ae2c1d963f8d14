"""Rows are put in by the order of a costly index, and all of them."""

from unittest import mock

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sync import arrow_blocks, arrow_order

TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=60)


@given(texts=TEXTS)
def test_all_rows_stay_and_go_by_the_beginning_of_their_texts(texts: list[str | None]) -> None:
    """By its first sixteen bytes; each row keeps its cells together."""
    beside = pa.array(range(len(texts)), pa.int64())
    arrow_order.LEAST, least = 0, arrow_order.LEAST
    try:
        column, numbers = arrow_order.by_index([pa.array(texts, pa.string()), beside], 0)
    finally:
        arrow_order.LEAST = least

    assert [texts[number] for number in numbers.to_pylist()] == column.to_pylist()
    assert [*range(len(texts))] == sorted(numbers.to_pylist())
    begins = [(text or "").encode()[:16].ljust(16, b"\0") for text in column.to_pylist()]
    assert sorted(begins) == begins


def test_few_rows_stay_as_they_are() -> None:
    """They are not worth the while."""
    column = pa.array(["b", "a"])

    assert [column] == arrow_order.by_index([column], 0)


@given(sizes=st.lists(st.integers(1, 9), max_size=20), most=st.integers(1, 5))
def test_batches_grow_up_to_a_number_and_lose_nothing(sizes: list[int], most: int) -> None:
    """A little of the first one goes before all else, so that nobody waits for it."""
    batches = [[pa.array([place] * size)] for place, size in enumerate(sizes)]

    with mock.patch.object(arrow_blocks, "FIRST_ROWS", 3):
        made = [batch[0].to_pylist() for batch in arrow_blocks.grown(iter(batches), most)]

    assert [cell for part in made for cell in part] == [
        place for place, size in enumerate(sizes) for _ in range(size)
    ]
    assert not sizes or made[0] == [0] * min(3, sizes[0])
    assert all(len({*part}) <= most for part in made)


def test_batches_of_large_cells_are_not_joined() -> None:
    """Several of them are under way at once."""
    batches = [[pa.array(["x" * 20])] for _ in range(8)]

    with mock.patch.object(arrow_blocks, "FEW_BYTES", 50):
        made = [len(batch[0]) for batch in arrow_blocks.grown(iter(batches), 8)]

    assert [1, 2, 3, 2] == made
