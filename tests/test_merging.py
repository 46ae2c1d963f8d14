"""Three-way merges: what joins by itself, what overlaps, and what markers never decide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_repo.merging import Merge, merge_texts
from tests.strategies import TEXTS

BASE = "one\ntwo\nthree\nfour\n"


def test_edits_of_different_lines_join() -> None:
    """Two edits of lines that don't touch give one text with both."""
    merge = merge_texts(BASE, BASE.replace("one", "ONE"), BASE.replace("four", "FOUR"))

    assert Merge("ONE\ntwo\nthree\nFOUR\n", "ONE\ntwo\nthree\nFOUR\n") == merge


def test_edits_of_one_line_overlap() -> None:
    """Two edits of one line give no text, and show both between markers."""
    merge = merge_texts("a\nb\nc", "a\nB\nc", "a\nbb\nc")

    assert None is merge.text
    assert "a\n<<<<<<< theirs\nB\n=======\nbb\n>>>>>>> yours\nc" == merge.with_markers


@pytest.mark.parametrize(
    ("base", "theirs", "yours", "text"),
    [
        ("a", "b", "a", "b"),
        ("a", "a", "b", "b"),
        ("a", "b", "b", "b"),
        (None, "a", "a", "a"),
        ("a", None, None, None),
        ("a", None, "a", None),
        ("a", "a", None, None),
        (None, None, "a", "a"),
    ],
)
def test_where_one_side_alone_moved_it_is_taken(
    base: str | None, theirs: str | None, yours: str | None, text: str | None
) -> None:
    """Equal sides, or one that stayed as it was, need no merge; None is a removed text."""
    assert Merge(text, text or "") == merge_texts(base, theirs, yours)


def test_a_removal_overlaps_a_change() -> None:
    """Where one side removed what the other changed, somebody has to decide."""
    merge = merge_texts("a", None, "b")

    assert Merge(None, "<<<<<<< theirs\n=======\nb\n>>>>>>> yours") == merge


def test_two_texts_without_a_base_overlap() -> None:
    """Both sides added a text where none was: nobody's is thrown away."""
    merge = merge_texts(None, "a", "b")

    assert Merge(None, "<<<<<<< theirs\na\n=======\nb\n>>>>>>> yours") == merge


def test_markers_in_a_text_decide_nothing() -> None:
    """A prompt that itself holds conflict markers merges like any other."""
    base = "one\n<<<<<<< theirs\na\n=======\nb\n>>>>>>> yours\nlast\n"

    merge = merge_texts(base, base.replace("one", "ONE"), base.replace("last", "LAST"))

    assert base.replace("one", "ONE").replace("last", "LAST") == merge.text


def test_a_last_line_without_line_feed_joins() -> None:
    """The line feed at the very end is merged like the text it ends."""
    merge = merge_texts("a\nb\nc\nd", "a\nb\nc\nd\n", "A\nb\nc\nd")

    assert "A\nb\nc\nd\n" == merge.text


def test_odd_blanks_end_no_line() -> None:
    """A no-break space, a tab or a form of blank that Python takes for a line end joins as text."""
    base = "a\u2003b\ntwo\nthree\x1cfour\n"

    merge = merge_texts(base, base.replace("a\u2003", "A\u2003"), base.replace("four", "FOUR"))

    assert base.replace("a\u2003", "A\u2003").replace("four", "FOUR") == merge.text


LINES = st.lists(st.sampled_from(("a\n", "b\n", "c\n", "<<<<<<< x\n", "=======\n")), max_size=8)
SIDES = LINES.map("".join) | TEXTS | st.none()


@given(SIDES, SIDES)
def test_a_side_that_stayed_never_overlaps(base: str | None, side: str | None) -> None:
    """Merging with what did not change gives the other side exactly."""
    assert side == merge_texts(base, side, base).text
    assert side == merge_texts(base, base, side).text
    assert side == merge_texts(base, side, side).text


@given(SIDES, SIDES, SIDES)
def test_sides_are_treated_alike(base: str | None, theirs: str | None, yours: str | None) -> None:
    """What joins by itself gives the same text whoever came first."""
    assert merge_texts(base, theirs, yours).text == merge_texts(base, yours, theirs).text


@given(st.lists(LINES.map("".join), min_size=3, max_size=3))
def test_no_line_of_either_side_is_lost(sides: list[str]) -> None:
    """Every line that a side added stands in the merge or between its markers."""
    base, theirs, yours = sides

    merge = merge_texts(base, theirs, yours)

    for side in (theirs, yours):
        for line in set(side.split("\n")) - set(base.split("\n")):
            assert line in merge.with_markers.split("\n")
