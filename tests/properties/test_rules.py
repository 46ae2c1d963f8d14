"""Rules as files: whatever tables and columns are called, what was written is read."""

from hypothesis import given
from hypothesis import strategies as st

from sync import rules
from sync.rules import Rule, Rules, TableRules

NAMES = st.text(
    st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20
) | st.sampled_from(
    [
        "null",
        "yes",
        "0x1f",
        "1:1",
        "1e3",
        "skip",
        "&a",
        "*a",
        "# b",
        "- c",
        "a: b",
        " d ",
        "\x85",
        "\u2028",
    ]
)
KINDS = st.sampled_from(["keep", "email", "null"]).map(Rule) | NAMES.map(
    lambda value: Rule("constant", {"value": value})
)
CONDITIONS = NAMES.filter(
    lambda text: text.strip() == text and ";" not in text and "--" not in text
)


@given(
    found=st.dictionaries(
        NAMES, st.tuples(st.dictionaries(NAMES, KINDS, max_size=3), CONDITIONS, NAMES), max_size=3
    ),
    why=NAMES,
)
def test_what_is_written_is_read(
    found: dict[str, tuple[dict[str, Rule], str, str]], why: str
) -> None:
    """Also with characters that nobody sees, that end lines, or that YAML knows something by."""
    tables = {
        name: TableRules(name, columns, where=where, watermark=watermark)
        for name, (columns, where, watermark) in found.items()
    }
    remarks = {(name, column): why for name, each in tables.items() for column in each.columns}

    assert Rules(tables) == rules.parse(rules.dump(Rules(tables), remarks))
