"""Variables: which names are known, what filling does, and what it never does."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_repo.model import Character, Emotion
from prompt_repo.variables import Span, fill, known, spans, unknown
from tests.strategies import NAMES, TEXTS, real_prompts

VERY_SAD = Emotion("very-sad", "Very sad", "#2563eb")
ARIA = Character("aria", "Aria Vale", variables={"lens": "50 mm", "coat": "green"})


def test_the_closest_value_wins() -> None:
    """A character's own variables win over shared ones, the built-in ones over both."""
    shared = {"lens": "35 mm", "frame": "9:16", "emotion": "x", "character_name": "x"}

    values = known(ARIA, VERY_SAD, shared)

    assert {
        "character_name": "Aria Vale",
        "character_id": "aria",
        "emotion": "very sad",
        "lens": "50 mm",
        "coat": "green",
        "frame": "9:16",
    } == values


def test_a_default_alone_has_no_character() -> None:
    """Read without a character, a default keeps `{character_name}` as it is."""
    values = known(None, VERY_SAD, {"frame": "9:16", "character_name": "nobody"})

    assert "{character_name}, very sad, 9:16" == fill(
        "{character_name}, {emotion}, {frame}", values
    )


FILLED = {
    "{a}": "1",
    "{a}{b}{a}": "121",
    "{{a}}": "{a}",
    "{{{a}}}": "{{a}}",
    "{{a}": "{1",
    "{a}}": "1}",
    "{ a }": "{ a }",
    "{A}": "{A}",
    "{a.b}": "{a.b}",
    "{a!r}": "{a!r}",
    "{a:>9}": "{a:>9}",
    "{a[0]}": "{a[0]}",
    "{a.__class__}": "{a.__class__}",
    "{c}": "{c}",
    "{{c}}": "{{c}}",
    "{}": "{}",
    "{{}}": "{{}}",
    "{": "{",
    "{a": "{a",
    "{0}": "{0}",
    "%(a)s $a ${a}": "%(a)s $a $1",
    '{"a": {b}}': '{"a": 2}',
    "{self}": "{b} {{a}}",
    "{long}": "\\1 \\g<0>\n",
}
VALUES = {"a": "1", "b": "2", "self": "{b} {{a}}", "long": "\\1 \\g<0>\n"}


@pytest.mark.parametrize("text", FILLED)
def test_filling_is_plain_replacement(text: str) -> None:
    """Known names are replaced once; everything else between braces stays."""
    filled = fill(text, VALUES)

    assert FILLED[text] == filled


def test_spans_tell_known_from_unknown() -> None:
    """Each `{word}` has its place and says whether it is a variable; a `{{word}}` is none."""
    text = "{a} {{a}} {x} {{x}} { a }"

    found = spans(text, {"a"})

    assert [Span(0, 3, "a", True), Span(10, 13, "x", False)] == found
    assert ["{a}", "{x}"] == [text[span.start : span.end] for span in found]


def test_unknown_words_are_told_once_in_order() -> None:
    """What no variable answers to is told once; built-in names and doubled braces never are."""
    text = "{y} {x} {a} {y} {{z}} {character_name} {Not a word} {emotion}"

    found = unknown(text, {"a"})

    assert ("y", "x") == found


def test_the_braces_of_real_prompts_stay(shared_data: Path) -> None:
    """Filling what real prompts hold, which know nothing of our names, changes none of them."""
    values = known(ARIA, VERY_SAD, {})
    texts = real_prompts(shared_data).values()

    filled = [fill(text, values) for text in texts]

    assert list(texts) == filled


BRACED = st.lists(
    TEXTS | NAMES.map("{{{}}}".format) | NAMES.map("{{{{{}}}}}".format), max_size=6
).map("".join)


@given(BRACED, st.dictionaries(NAMES, TEXTS))
def test_a_text_without_known_names_is_unchanged(text: str, values: dict[str, str]) -> None:
    """Where no known name stands in braces, filling gives the text itself."""
    others = {name: value for name, value in values.items() if f"{{{name}}}" not in text}

    filled = fill(text, others)

    assert text == filled


@given(BRACED, NAMES, st.text("{}ab_", max_size=12))
def test_a_value_is_never_read_again(text: str, name: str, value: str) -> None:
    """A value stands in the filled text as it is, whatever braces it holds."""
    marked = fill(text, {name: "\0"})

    filled = fill(text, {name: value})

    assert marked.replace("\0", value) == filled


@given(BRACED, st.dictionaries(NAMES, TEXTS))
def test_spans_and_filling_agree(text: str, values: dict[str, str]) -> None:
    """What is highlighted as known is what filling replaces."""
    plain = dict.fromkeys(values, "\0")

    replaced = fill(text, plain).count("\0") - text.count("\0")

    assert replaced == sum(span.known for span in spans(text, values))
