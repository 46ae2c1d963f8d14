"""Colours and sizes come from the tokens of app.css, and nothing is styled anywhere else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent / "webapp"
SHEET = (ROOT / "static" / "app.css").read_text()
TOKENS, FACES = ":root", "@font-face"
"""Blocks in which values may stand as they are."""

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
STRING = re.compile(r'"[^"]*"')
LENGTH = re.compile(r"(?<![\w-])-?\d*\.?\d+(px|rem|em|ch|ex|pt|pc|cm|mm|in|ms|s)\b")
HEX = re.compile(r"#[0-9a-fA-F]{3,8}\b")
FUNCTION = re.compile(r"\b(rgba?|hsla?|hwb|lab|lch|oklab|oklch|color|color-mix|light-dark)\(")
NAMED = re.compile(
    r"(?<![\w-])(black|white|gr[ae]y|red|green|blue|yellow|orange|purple|pink|brown|navy|teal|silver)"
    r"(?![\w-])"
)
NUMBER = re.compile(r"(?<![\w.-])\d*\.?\d+(?![\w%.])")
BARE = {"line-height", "font-weight", "font-size", "font"}
"""Properties in which even a number without a unit is a size."""


@dataclass(frozen=True)
class Declaration:
    """One line of a rule, and the selectors and conditions around it."""

    where: str
    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.where} {{ {self.name}: {self.value} }}"


def declarations(sheet: str) -> Iterator[Declaration]:
    """Every declaration of a stylesheet, outermost rule first."""
    around: list[str] = []
    for piece in re.findall(r"[^{};]*[{};]", COMMENT.sub("", sheet)):
        text, end = piece[:-1].strip(), piece[-1]
        if end == "{":
            around.append(" ".join(text.split()))
            continue
        name, colon, value = text.partition(":")
        if colon and around:
            yield Declaration(" ".join(around), name.strip(), " ".join(value.split()))
        if end == "}":
            around.pop()


def ruled(sheet: str) -> Iterator[Declaration]:
    """The declarations that must use tokens."""
    for each in declarations(sheet):
        if not each.where.startswith((TOKENS, FACES)):
            yield each


def own_values(each: Declaration) -> list[str]:
    """The colours and sizes a declaration makes up by itself."""
    value = STRING.sub("", each.value)
    found = [match[0] for match in LENGTH.finditer(value)]
    for pattern in (HEX, FUNCTION, NAMED):
        found += [match[0] for match in pattern.finditer(value)]
    if each.name in BARE:
        found += [match[0] for match in NUMBER.finditer(value)]
    return found


def test_colours_and_sizes_are_tokens() -> None:
    """A rule names them; what they are stands in :root alone."""
    wrong = [f"{each}: {own_values(each)}" for each in ruled(SHEET) if own_values(each)]

    assert [] == wrong


def test_the_test_sees_what_it_looks_for() -> None:
    """Each kind of value made up in a rule is found, also within a condition."""
    sheet = """
    :root { --ink: #123456; --gap: 4px; }
    @media (max-width: 700px) { .a { padding: var(--gap) 3px; } }
    .b { color: #fff; background: rgb(1 2 3); border: 0 solid red; }
    .c { line-height: 1.3; font: 400 var(--text) / var(--line) var(--sans); }
    .d { margin: 0 auto; width: 50%; height: 100dvh; flex: 1 1 auto; content: "3px red"; }
    """

    found = [(each.name, own_values(each)) for each in ruled(sheet) if own_values(each)]

    assert found == [
        ("padding", ["3px"]),
        ("color", ["#fff"]),
        ("background", ["rgb("]),
        ("border", ["red"]),
        ("line-height", ["1.3"]),
        ("font", ["400"]),
    ]


def test_every_token_is_made_and_used() -> None:
    """None is used that isn't there, and none is there for nothing."""
    all_of_it = list(declarations(SHEET))
    made = {each.name for each in all_of_it if each.name.startswith("--")} | {"--hue"}
    used = {name for each in all_of_it for name in re.findall(r"var\((--[\w-]+)", each.value)}

    assert set() == used - made
    assert set() == made - used


def test_nothing_is_styled_in_templates() -> None:
    """The policy of every page refuses it: neither an attribute nor an element."""
    templates = sorted((ROOT / "templates").rglob("*.html"))
    assert templates

    styled = [
        str(each.relative_to(ROOT))
        for each in templates
        if re.search(r"\sstyle\s*=|<style\b|<font\b|\bbgcolor\b", each.read_text())
    ]

    assert [] == styled


def test_every_block_is_closed_and_none_stands_in_another() -> None:
    """A brace that is missing would hide all that follows in the condition before it."""
    around = 0
    plain = STRING.sub("", COMMENT.sub(lambda found: "\n" * found[0].count("\n"), SHEET))
    for number, line in enumerate(plain.split("\n"), 1):
        begins = line and not line[0].isspace() and line[0] != "}"
        assert not (around and begins), f"line {number} stands in an open block: {line}"
        around += line.count("{") - line.count("}")
        assert around >= 0, f"line {number} closes what is not open"

    assert 0 == around
