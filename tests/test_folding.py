"""Texts as a search compares them."""

import pytest

from prompt_repo.folding import WORDS, asked, fold, spans, words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Café NOIR", "cafe noir"),
        ("Straße", "strasse"),
        ("Łódź, Ørsted, Ærø", "lodz, orsted, aero"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
        ("Ἀθῆναι", "αθηναι"),
        ("İstanbul", "istanbul"),
    ],
)
def test_case_and_accents_do_not_count(text: str, folded: str) -> None:
    """Nor the width of a letter."""
    assert folded == fold(text)
    assert folded == fold(folded)


def test_words_are_parted_by_punctuation() -> None:
    """Signs and pictures are words, too."""
    assert {"slow", "push", "in", "35", "mm", "🙂", "厨房"} == words(
        "Slow push-in, 35 mm 🙂—厨房。"
    )


def test_a_query_is_bounded() -> None:
    """A pasted page asks for its first words."""
    assert ("a", "b") == asked("b? a!")[::-1]
    assert WORDS == len(asked(" ".join(map(str, range(100)))))


def test_places_are_those_of_the_text_as_written() -> None:
    """Also where folding makes a text longer or shorter."""
    text = "Die Straße zum Café, CAFÉ."

    found = [text[start:end] for start, end in spans(text, ("strasse", "cafe", "af"))]

    assert ["Straße", "Café", "CAFÉ"] == found
