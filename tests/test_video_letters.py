"""Letters of clips: with their marks, from fonts that have them, or named as missing."""

from collections.abc import Iterator

import pytest
from PIL import Image, ImageDraw

from webapp import video_letters, video_type
from webapp.video_type import Style

STYLE = Style(40)
needs_fribidi = pytest.mark.skipif(
    not video_letters.can_shape(), reason="needs FriBidi: apt-get install libfribidi0"
)


def picture(text: str) -> Image.Image:
    """A text on one line."""
    made = Image.new("L", (600, 80))
    (line,) = video_type.lines(text, STYLE, 600)
    video_type.draw(ImageDraw.Draw(made), (10, 55), line, STYLE, "white", 580)
    return made


@pytest.fixture
def without_fribidi(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As it is on a machine where Pillow finds no FriBidi."""
    monkeypatch.setattr(video_letters, "can_shape", lambda: False)
    forget()
    yield
    forget()


def forget() -> None:
    video_letters.drawn.cache_clear()
    video_letters._fonts.cache_clear()


@needs_fribidi
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x\u20d0", ["Combining left harpoon above"]),
        ("a\u0f71", ["Tibetan"]),
        ("x\u1680y", ["Ogham"]),
        ("\u20d0", ["Combining left harpoon above"]),
        ("e\u0301 q\u0303\u0323 か\u3099 क्षि क\u1cd0 \u06ddx 👩🏽\u200d🚀 ❤\ufe0f", []),
    ],
)
def test_a_mark_that_no_font_has_with_its_letter_is_named(text: str, names: list[str]) -> None:
    """And stands as a box in the picture; those that a font has are not named."""
    assert names == video_letters.missing(text)
    (line,) = video_type.lines(text, STYLE, 600)
    assert bool(names) == any(video_letters.INSTEAD in run.text for run in line.runs)


@needs_fribidi
def test_a_letter_and_its_marks_come_from_one_font() -> None:
    """A keycap of an emoji is the emoji's, though letters have figures of their own."""
    for text in ("1\ufe0f\u20e3", "#\ufe0f\u20e3", "9\u20e3"):
        (line,) = video_type.lines(text, STYLE, 600)
        assert [video_letters.EMOJI] == [run.font for run in line.runs]
        assert [] == video_letters.missing(text)
    assert picture("1\u20e3") != picture("1□")


def test_a_word_is_broken_before_a_letter_never_before_its_marks() -> None:
    """Else the mark would stand alone on the next line."""
    found = video_type.lines("q\u0323\u0303" * 60, STYLE, 201)

    assert len(found) > 1
    assert all(line.runs[0].text[0] == "q" for line in found)


@pytest.mark.usefixtures("without_fribidi")
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ខ្ញុំ", "Khmer"),
        ("\ufb2a", "Hebrew"),
        ("\ufdfa", "Arabic"),
        ("\u1112\u1161\u11ab", "Hangul"),
        ("မြန်မာ", "Myanmar"),
        ("हिन्दी", "Devanagari"),
        ("ไทย", "Thai"),
        ("1\u20e3", "Combining enclosing keycap"),
    ],
)
def test_without_fribidi_scripts_that_join_are_named(text: str, name: str) -> None:
    """Whichever block of Unicode they are in."""
    assert [name] == video_letters.missing(text)


@pytest.mark.usefixtures("without_fribidi")
def test_without_fribidi_plain_scripts_are_drawn() -> None:
    """Letters beside letters; marks where one letter has them, or where they need no place."""
    assert [] == video_letters.missing(
        "Ärger e\u0301 q\u0303 Привет ქართული አማርኛ か\u3099 한국 日本 🙂"
    )
