"""Characters that nobody sees: found, told of, shown, and kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_repo import documents
from prompt_repo.hidden_characters import hidden, is_seen, position
from prompt_repo.model import Prompt
from prompt_repo.validation import Severity, check_tree
from tests.test_validation import only, tree
from webapp.formatting import seen

OVERRIDE, ZERO_WIDTH, TAG = "\u202e", "\u200b", "\U000e0041"


@pytest.mark.parametrize(
    ("letter", "code", "name"),
    [
        (OVERRIDE, "U+202E", "right-to-left override"),
        ("\u2066", "U+2066", "left-to-right isolate"),
        (ZERO_WIDTH, "U+200B", "zero width space"),
        (TAG, "U+E0041", "tag latin capital letter a"),
        ("\ufeff", "U+FEFF", "zero width no-break space"),
    ],
)
def test_each_is_told_by_unicodes_code_and_name(letter: str, code: str, name: str) -> None:
    """And where it stands."""
    (found,) = hidden(f"Ari{letter}a")

    assert (3, code, name) == (found.start, found.code, found.name)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "👩\u200d🎤 sings",  # a joiner makes one picture of two
        "می\u200cخواهم",  # Persian spells with a non-joiner
        "שלום\u200f!",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland's flag
        "naïve 表情",
    ],
)
def test_what_scripts_and_emoji_need_is_no_finding(text: str) -> None:
    """Joiners, direction marks, and the tags of a flag."""
    assert hidden(text) == []


def test_tags_after_a_flag_that_has_ended_are_found() -> None:
    """A flag is no cover for a sentence."""
    scotland = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"

    assert [each.letter for each in hidden(scotland + TAG)] == [TAG]


def test_validate_warns_of_each_kind_once_with_its_place() -> None:
    """In the file's lines and columns; `strict` makes it an error."""
    raw = documents.dump(Prompt(f"One.\nTwo{OVERRIDE} and{OVERRIDE} three.")).decode()
    files = tree(defaults__idle=raw)

    problem = only(files).problem
    (strict,) = check_tree(files.items(), strict=True)

    assert (3, 6) == (problem.line, problem.column)
    assert "U+202E (right-to-left override) is read, but nobody sees it" == problem.message
    assert strict.severity is Severity.ERROR


def test_a_page_shows_the_code_and_keeps_the_character() -> None:
    """Markup of a prompt stays a text beside it."""
    shown = str(seen(f"<b>{OVERRIDE}</b>"))

    assert shown == (
        '&lt;b&gt;<span class="unseen-letter" title="right-to-left override" '
        f'data-code="U+202E">{OVERRIDE}</span>&lt;/b&gt;'
    )


@given(st.text(st.sampled_from(["a", "\n", "é", "<", OVERRIDE, ZERO_WIDTH, TAG, "🏴"])))
def test_every_one_is_at_the_place_that_is_told(text: str) -> None:
    """Read again from its line and column."""
    for each in hidden(text):
        line, column = position(text, each.start)
        assert text.split("\n")[line - 1][column - 1] == each.letter


@pytest.mark.parametrize(
    "text", ["", " \n\t\u3000", "\u200b\u200d\ufeff", "\ufe0f\u3164\u2800", TAG]
)
def test_a_text_of_hidden_characters_and_blanks_has_nothing_to_see(text: str) -> None:
    """However many there are."""
    assert not is_seen(text * 3)
    assert is_seen(f"{text}.")


@pytest.mark.parametrize("text", ["a", "\u06dd", "\u0301", "👩\u200d🎤", "\u200bא"])
def test_one_letter_that_is_seen_is_enough(text: str) -> None:
    """A mark is seen, too."""
    assert is_seen(text)
