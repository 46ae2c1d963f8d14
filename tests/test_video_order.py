"""Lines whose words run both ways stand as Unicode's bidirectional algorithm has them."""

from dataclasses import dataclass

import pytest
from PIL import Image, ImageDraw

from tests.test_video_letters import needs_fribidi
from webapp import video_letters, video_order, video_type
from webapp.video_type import Line, Run, Style

STYLE = Style(30)


@dataclass(frozen=True)
class Part:
    """Some words and how deep they are."""

    text: str
    level: int


def line(text: str) -> Line:
    """A text that is one line."""
    (found,) = video_type.lines(text, STYLE, 2000)
    return found


def sight(text: str) -> list[str]:
    """What one sees from left to right; words that run leftward in the order of reading."""
    seen, before = list[str](), None
    for run in line(text).runs:
        if seen and run.direction == before == "rtl":
            seen[-1] = run.text + seen[-1]
        elif seen and run.level == before:
            seen[-1] += run.text
        else:
            seen.append(run.text)
        before = run.direction or run.level
    return [each.strip() for each in seen]


def picture(row: Line) -> Image.Image:
    made = Image.new("L", (200, 60))
    video_type.draw(ImageDraw.Draw(made), (20, 40), row, STYLE, "white")
    return made


@needs_fribidi
@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("שלום (abc) עולם 123-456!", ["!", "123-456", ") עולם", "abc", "שלום ("]),
        ("هي (جدا) 25% ثم 12:30.", [".", "12:30", "% ثم", "25", "هي (جدا)"]),
        ("He said שלום (12) עולם, ok", ["He said", ") עולם", "12", "שלום (", ", ok"]),
        ("abc (שלום) def", ["abc (", "שלום", ") def"]),
        ("(שלום) abc", ["abc", "(שלום)"]),
        ("plain (text) 12", ["plain (text) 12"]),
    ],
)
def test_words_and_numbers_stand_where_one_reads_them(text: str, seen: list[str]) -> None:
    """However many fonts a line is of."""
    assert seen == sight(text)


@needs_fribidi
def test_brackets_open_towards_what_they_hold() -> None:
    """An opening one among words that run leftward looks as a closing one does elsewhere."""
    (opening,) = (run for run in line("(שלום").runs if "(" in run.text)
    alone = Line((opening,), leftward=False)

    assert picture(alone) == picture(line(")"))
    assert picture(alone) != picture(line("("))


@needs_fribidi
def test_each_line_of_a_paragraph_runs_as_its_first_letter_does() -> None:
    """Also one that has only words of another script."""
    found = video_type.lines("שלום " + "words of another script " * 9, STYLE, 300)

    assert len(found) > 4
    assert {True} == {each.leftward for each in found}
    assert not any(each.leftward for each in video_type.lines("abc שלום\nabc", STYLE, 300))


def test_marks_for_turning_turn_nothing() -> None:
    """Words stand as the service reads them, whatever a text is strewn with."""
    turned = "\u2067\u2066one\u2069 \u2066two\u2069\u2069 \u202bthree, four.\u202c \u202efive"

    assert line("one two three, four. five") == line(turned)


@pytest.mark.parametrize(
    ("levels", "seen"),
    [((0, 0), "ab"), ((1, 1), "ba"), ((0, 1, 2, 1, 0), "adcbe"), ((1, 2, 2, 1), "dbca"), ((), "")],
)
def test_deeper_words_are_turned_more_often(levels: tuple[int, ...], seen: str) -> None:
    """Rule L2 of UAX #9."""
    parts = [Part("abcde"[at], level) for at, level in enumerate(levels)]

    assert seen == "".join(part.text for part in video_order.in_sight(parts))


def test_without_fribidi_a_line_runs_rightward(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its boxes then stand in the order of reading, and what was lost is named."""
    monkeypatch.setattr(video_order, "_library", lambda: None)

    assert (False, bytes(4)) == (
        video_order.order("שלום").leftward,
        bytes(video_order.order("שלום").levels),
    )
    video_letters.can_shape.cache_clear()
    assert not video_letters.can_shape()
    video_letters.can_shape.cache_clear()


def test_a_run_holds_letters_of_one_font_and_way() -> None:
    """So that Pillow sets each right by itself."""
    assert (Run("abc", video_letters.LATIN),) == line("abc").runs
