"""The stretch of a text that a search shows."""

import pytest

from webapp.finding import NEAR, SHOWN, excerpt

LONG = "Slow push-in, warm key light. " * 20


@pytest.mark.parametrize(
    ("text", "wanted", "shown"),
    [
        ("Goes still.", ("still",), [(False, "Goes "), (True, "still"), (False, ".")]),
        ("One.\nTwo falls", ("falls",), [(False, "…"), (False, "Two "), (True, "falls")]),
        ("Café noir", ("cafe", "noir"), [(True, "Café"), (False, " "), (True, "noir")]),
        ("No hit here", ("else",), [(False, "No hit here")]),
        ("", ("x",), []),
        ("aaa", ("aa", "a"), [(True, "aa"), (True, "a")]),
    ],
)
def test_what_was_asked_for_is_lit_up(
    text: str, wanted: tuple[str, ...], shown: list[tuple[bool, str]]
) -> None:
    """In the text as it was written, from the line in which it stands."""
    assert shown == excerpt(text, wanted)


@pytest.mark.parametrize("before", [LONG, "x" * 500, LONG.replace(" ", "\n"), "水" * 500])
def test_what_was_found_is_near_the_beginning(before: str) -> None:
    """However long its line is, with blanks or without; and what is cut is marked."""
    shown = excerpt(f"{before}lantern {LONG}", ("lantern",))
    lead = "".join(text for _, text in shown).partition("lantern")[0]

    assert (True, "lantern") in shown
    assert len(lead) <= NEAR + 1
    assert ("…", "…") == (shown[0][1], shown[-1][1])
    assert len("".join(text for _, text in shown)) <= SHOWN + 2
