"""Diffs: lines that pair up, words that changed, folds, sizes, and what `patch` reads."""

from difflib import unified_diff
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_repo.diffing import Part, Row, inline, rows, size, unified, words
from tests.conftest import Git
from tests.strategies import TEXTS, real_prompts

LINE_TEXTS = st.lists(st.sampled_from(("a", "b", "c c", "c d", "", " ")), max_size=12).map(
    "\n".join
)
BOTH = st.tuples(LINE_TEXTS | TEXTS, LINE_TEXTS | TEXTS)


def text_of(parts: tuple[Part, ...]) -> str:
    """What a side's parts say together."""
    return "".join(text for _, text in parts)


def test_a_changed_word_is_marked() -> None:
    """A line with another word is one changed row whose sides mark that word alone."""
    (row,) = rows("She clenches her jaw.", "She clenches his jaw.")

    assert (
        Row(
            "changed",
            1,
            1,
            (("same", "She clenches "), ("del", "her"), ("same", " jaw.")),
            (("same", "She clenches "), ("ins", "his"), ("same", " jaw.")),
        )
        == row
    )


def test_words_are_never_cut() -> None:
    """Words that share letters are told whole."""
    old, new = words("a clear night", "a cloudy night")

    assert (("same", "a "), ("del", "clear"), ("same", " night")) == old
    assert (("same", "a "), ("ins", "cloudy"), ("same", " night")) == new


def test_lines_that_are_alike_stand_side_by_side() -> None:
    """A line added before a changed one does not push the changed one from its partner."""
    old = "one\nShe looks at the sea.\nend"
    new = "one\nRain.\nShe looks at the red sea.\nend"

    found = [(row.kind, row.old_number, row.new_number) for row in rows(old, new)]

    assert [("same", 1, 1), ("added", None, 2), ("changed", 2, 3), ("same", 3, 4)] == found


def test_what_is_far_from_changes_is_folded() -> None:
    """Unchanged lines beyond the context are one row that counts them and says where it begins."""
    old = "\n".join(f"line {number}" for number in range(20))

    found = rows(old, old.replace("line 10", "line x"), context=2)

    assert ["fold", "same", "same", "changed", "same", "same", "fold"] == [
        row.kind for row in found
    ]
    assert (1, 1, 8) == (found[0].old_number, found[0].new_number, found[0].folded)
    assert (14, 14, 7) == (found[-1].old_number, found[-1].new_number, found[-1].folded)


def test_a_single_line_is_not_folded() -> None:
    """A fold that would hide one line shows it."""
    found = rows("a\nb\nc\nd", "x\nb\nc\nd", context=2)

    assert ["changed", "same", "same", "same"] == [row.kind for row in found]


def test_one_column_tells_the_removed_lines_first() -> None:
    """For one column, lines that changed together are the removed ones, then the added ones."""
    found = inline(rows("a\nred one\nblue two\nz", "a\nred 1\nblue 2\nz"))

    assert [
        ("same", 1, 1),
        ("removed", 2, None),
        ("removed", 3, None),
        ("added", None, 2),
        ("added", None, 3),
        ("same", 4, 4),
    ] == [(row.kind, row.old_number, row.new_number) for row in found]


def test_a_lost_last_line_feed_shows() -> None:
    """A text that no longer ends with a line feed differs by an empty last line."""
    found = rows("a\n", "a")

    assert [("same", 1, 1), ("removed", 2, None)] == [
        (row.kind, row.old_number, row.new_number) for row in found
    ]
    assert "--- a\n+++ b\n@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n" == unified(
        "a\n", "a", "a", "b"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, "a\nb", (2, 0)),
        ("a\nb", None, (0, 2)),
        ("", "a", (1, 0)),
        ("a", "a", (0, 0)),
        ("a\nb\nc", "a\nx\nc", (1, 1)),
        (None, None, (0, 0)),
    ],
)
def test_the_size_counts_lines(old: str | None, new: str | None, expected: tuple[int, int]) -> None:
    """The size of a change is how many lines came and how many went."""
    assert expected == size(old, new)


def test_equal_texts_have_no_diff() -> None:
    """Equal texts give one fold, no size, and an empty diff."""
    assert [Row("fold", 1, 1, folded=2)] == list(rows("a\nb", "a\nb"))
    assert (0, 0) == size("a\nb", "a\nb")
    assert "" == unified("a\nb", "a\nb", "a", "b")


def test_markup_stays_raw() -> None:
    """Parts hold the text as it is; templates escape."""
    (row,) = rows("<b>x</b>", "<b>y</b>")

    assert "<b>y</b>" == text_of(row.new)


@given(BOTH, st.integers(0, 4))
def test_rows_hold_both_texts(both: tuple[str, str], context: int) -> None:
    """Every line of both sides stands in the rows once, in order, or is counted in a fold."""
    old, new = both
    lines = [text.split("\n") if text else [] for text in both]

    for found in (rows(old, new, context), inline(rows(old, new, context))):
        seen: list[list[str]] = [[], []]
        for row in found:
            if row.kind == "fold":
                assert len(seen[0]) + 1 == row.old_number
                seen[0] += lines[0][len(seen[0]) : len(seen[0]) + row.folded]
                seen[1] += lines[1][len(seen[1]) : len(seen[1]) + row.folded]
            for side, number, parts in ((0, row.old_number, row.old), (1, row.new_number, row.new)):
                if row.kind != "fold" and number is not None:
                    seen[side].append(text_of(parts))
                    assert len(seen[side]) == number
        assert lines == seen


@given(TEXTS, TEXTS)
def test_words_hold_both_lines(old: str, new: str) -> None:
    """The parts of each side make up that side, and what stayed is the same on both."""
    before, after = words(old, new)

    assert (old, new) == (text_of(before), text_of(after))
    same = [[text for kind, text in side if kind == "same"] for side in (before, after)]
    assert "".join(same[0]) == "".join(same[1])


NUMBERED = st.sets(st.integers(0, 40)).map(lambda each: [f"{line}\n" for line in sorted(each)])
"""Lines that can be matched in one way only."""


@given(NUMBERED, NUMBERED, st.integers(0, 4))
def test_unified_is_as_difflib_writes_it(old: list[str], new: list[str], context: int) -> None:
    """Hunks, their heads and the lines around them are difflib's own."""
    theirs = list(unified_diff(old, new, "a", "b", n=context))

    ours = unified("".join(old), "".join(new), "a", "b", context)

    assert theirs == ours.splitlines(keepends=True)


@pytest.mark.parametrize("seed", range(12))
def test_git_applies_our_diffs(seed: int, shared_data: Path, tmp_path: Path, git: Git) -> None:
    """`git apply` turns the old text into the new one, line feeds at the end included."""
    texts = sorted(real_prompts(shared_data).values(), key=len)
    old = texts[seed * 5].replace("\r", "")
    lines = old.split("\n")
    kept = [line for number, line in enumerate(lines) if (number + seed) % 7]
    new = "\n".join(["A new first line", *kept]) + ("\n" if seed % 2 else "")
    file = tmp_path / "prompt.txt"
    file.write_text(old, newline="")

    diff = unified(old, new, "a/prompt.txt", "b/prompt.txt")
    git(tmp_path, "apply", "--whitespace=nowarn", text=diff)

    assert new == file.read_text()


HARD = {
    "two lines, over and over": ("a\nb\n" * 30_000, "b\na\n" * 30_000),
    "runs that do not match": ("x\n" + "a\nb\n" * 30_000, "q\n" + "a\nb\na\n" * 20_000),
    "empty lines that fill up": ("\n" * 60_000, "x\n" * 60_000),
    "one long line": ("word " * 40_000, "words " * 40_000),
    "many long lines": (("long " * 300 + "\n") * 150, ("gnol " * 300 + "\n") * 150),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.timeout(30)
def test_hard_texts_come_to_an_end(name: str) -> None:
    """Texts that are hard on diffs are told, if with fewer words marked."""
    old, new = HARD[name]

    found = rows(old, new)

    assert size(old, new) == (
        sum(row.kind in ("added", "changed") for row in found),
        sum(row.kind in ("removed", "changed") for row in found),
    )


def test_the_longest_real_prompt_is_told_by_words(shared_data: Path) -> None:
    """One word changed in the longest real prompt is one changed row with that word marked."""
    old = max(real_prompts(shared_data).values(), key=len)
    line = max(old.split("\n")[100:200], key=len)
    word = max(line.split(), key=len)

    found = rows(old, old.replace(line, line.replace(word, "CHANGED", 1), 1))

    (changed,) = (row for row in found if row.kind not in ("same", "fold"))
    assert "changed" == changed.kind
    assert "CHANGED" in "".join(text for kind, text in changed.new if kind == "ins")
    assert 9 >= len(found)
