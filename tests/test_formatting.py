"""What webapp.formatting says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_repo import variables
from prompt_repo.errors import Problem
from webapp.formatting import (
    ago,
    capitalize_first,
    counted,
    exact,
    first_lines,
    headline,
    initials,
    lit,
    plain_problem,
    readable,
    until,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
VALUES = {"character_name": "Aria", "mood": "{emotion}"}


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=5), "in 1 minute"),
        (timedelta(minutes=58, seconds=1), "in 59 minutes"),
        (timedelta(hours=1), "in 1 hour"),
        (timedelta(hours=23, minutes=59), "in 23 hours"),
        (timedelta(hours=23, minutes=59, seconds=57), "in 24 hours"),
    ],
)
def test_time_left_is_said_in_its_largest_unit(left: timedelta, said: str) -> None:
    """A begun minute counts: what lives for a day and was just made has 24 hours."""
    assert said == until(NOW + left, NOW)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=23), "23 hours ago"),
        (timedelta(hours=25), "yesterday"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=49), "on 5 Oct 2026"),
    ],
)
def test_times_are_told_by_their_distance(before: timedelta, said: str) -> None:
    """In the largest unit that fits, and as a date after a month."""
    assert said == ago(NOW - before, NOW)


def test_exact_times_are_in_utc() -> None:
    """For programs and for people."""
    assert "2026-11-23T12:00:00Z" == exact(NOW)
    assert "23 November 2026, 12:00:00 UTC" == readable(NOW)


def test_numbers_have_units() -> None:
    """One line, two lines, a thousand lines."""
    assert ["1 line", "2 lines", "1,000 lines"] == [counted(n, "line") for n in (1, 2, 1000)]


@pytest.mark.parametrize(
    ("name", "letters"), [("Sam Byrne", "SB"), ("kim", "K"), ("Ana de la Cruz", "AC"), (" ", "?")]
)
def test_initials_are_of_the_first_and_last_name(name: str, letters: str) -> None:
    """And a question mark where there is no name."""
    assert letters == initials(name)


def test_texts_are_shortened_by_lines() -> None:
    """Lists show the beginning; headlines the first line."""
    assert "one\ntwo" == first_lines("\none\ntwo\nthree")
    assert "one" == headline("one\n\ntwo")


def test_a_problem_is_told_without_its_path() -> None:
    """The reader is looking at the file's field already."""
    said = plain_problem(Problem("defaults/idle.yaml", "the text is empty", field="prompt"))

    assert "Text: the text is empty" == said
    assert "No field" == capitalize_first(plain_problem(Problem("", "no field")))
    assert "prompts.yaml:1:1 is wrong" == capitalize_first("prompts.yaml:1:1 is wrong")


def test_variables_are_told_apart_from_what_stands_around_them() -> None:
    """Filled ones show their value, unknown ones stay, and literals lose a brace."""
    pieces = lit("{character_name}, {who}: {{mood}} {mood}", VALUES)

    assert [
        ("filled", "Aria", "character_name"),
        ("text", ", ", ""),
        ("unknown", "{who}", "who"),
        ("text", ": {mood} ", ""),
        ("filled", "{emotion}", "mood"),
    ] == pieces


@given(st.lists(st.sampled_from([*"{}ab\n", "{mood}", "{{mood}}", "{x}"])).map("".join))
def test_pieces_joined_are_the_resolved_text(text: str) -> None:
    """What is lit up is exactly what a video service gets."""
    joined = "".join(piece for _, piece, _ in lit(text, VALUES))

    assert variables.fill(text, VALUES) == joined
