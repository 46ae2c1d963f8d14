"""Whatever goes in: the same fake each time, distinct where promised, nulls null, forms kept."""

import json
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sync import pools
from sync.anonymise import Fakes
from sync.arrays import each_element
from sync.check import keeps
from sync.folding import folded, folded_email
from sync.keyed import Key
from sync.kinds import KINDS, Keeps
from sync.rules import Rule

POOLS = pools.load()
FAKES = Fakes(Key("a key of these properties"), POOLS, "en_US")
AGAIN = Fakes(Key("a key of these properties"), POOLS, "en_US")
OTHER = Fakes(Key("another key of these properties"), POOLS, "en_US")
SIMPLE = [
    Rule(name) for name in KINDS if name not in ("null", "constant", "json", "keep")
] + [Rule("phone", {"distinct": True})]  # fmt: skip
NAMES = {str(rule): rule for rule in SIMPLE}
TEXTS = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"[a-z]{1,8}\.?[a-z]{1,8}@[a-z]{2,8}\.[a-z]{2}", fullmatch=True),
    st.from_regex(r"\+?[1-9][0-9]{0,3}[ -]?\(?[0-9]{2,4}\)?[ -]?[0-9]{3,6}", fullmatch=True),
    st.from_regex(r"[A-Z][a-z]{1,9} [A-Z][a-z]{1,9}", fullmatch=True),
)
APART = {
    name: rule
    for name, rule in NAMES.items()
    if keeps(rule) in (Keeps.DISTINCT, Keeps.FOLDED) and name != "uuid"  # of UUIDs alone
}
RULES = pytest.mark.parametrize("rule", NAMES.values(), ids=NAMES)


@RULES
@given(text=TEXTS)
def test_a_fake_is_always_the_same_one(rule: Rule, text: str) -> None:
    """By whichever object of one key, in whichever order."""
    assert FAKES.simple(rule)(text) == AGAIN.simple(rule)(text)


@pytest.mark.parametrize("rule", APART.values(), ids=APART)
@given(one=TEXTS, other=TEXTS)
def test_distinct_values_stay_distinct_where_that_is_promised(
    rule: Rule, one: str, other: str
) -> None:
    """Two originals of such a kind never share a fake."""
    spelled = folded_email if keeps(rule) is Keeps.FOLDED else str
    assume(spelled(one) != spelled(other))

    assert FAKES.simple(rule)(one) != FAKES.simple(rule)(other)


@given(
    digits=st.from_regex(r"[0-9]{1,14}", fullmatch=True),
    other=st.from_regex(r"[0-9]{1,14}", fullmatch=True),
)
def test_digits_are_permuted(digits: str, other: str) -> None:
    """As many, without a clash, with the zeros in front where they were."""
    fake, another = (FAKES.values.digits(each) for each in (digits, other))

    assert len(digits) == len(fake)
    assert len(digits) - len(digits.lstrip("0")) == len(fake) - len(fake.lstrip("0"))
    assert (digits == other) == (fake == another)


@given(
    phone=st.from_regex(
        r"\+[1-9][0-9]{0,2} [(]?[0-9]{2,4}[)]? [0-9]{3,4}-[0-9]{3,4}", fullmatch=True
    )
)
def test_a_phone_keeps_its_format_and_reaches_nobody(phone: str) -> None:
    """Digits where digits were, and a code that no country has, or 555-01."""
    fake = FAKES.contacts.phone(phone)
    digits = re.sub(r"\D", "", fake)

    assert re.sub(r"\d", "0", phone) == re.sub(r"\d", "0", fake)
    assert digits.startswith(("0", "28", "999")) or re.fullmatch(r"1\d{3}55501\d\d", digits)


@given(first=st.text(min_size=1, max_size=20), last=st.text(min_size=1, max_size=20), email=TEXTS)
def test_an_email_is_an_email(first: str, last: str, email: str) -> None:
    """At a reserved domain, however odd the names; and as short as it must be."""
    fake = FAKES.contacts.email(email, first, last)
    short = FAKES.contacts.email(email, first, last, 26)

    assert re.fullmatch(r"[a-z.]+\.[a-z0-9]{12}@example\.(com|org|net)", fake)
    assert len(short) <= 26
    assert short.endswith(fake[fake.rindex("@") - 12 :])


@given(name=st.from_regex(r"[A-Z][a-z]{2,9}( [A-Z][a-z]{2,9}){0,3}", fullmatch=True))
def test_a_name_is_another_one_of_as_many_words(name: str) -> None:
    """Word by word none is its own fake, and parts agree with columns of first and last names."""
    fake = FAKES.names().full(name)

    assert folded(fake) != folded(name)
    if " " in name:
        first, last = FAKES.names().first(name.split()[0]), FAKES.names().last(name.split()[-1])
        assert fake.startswith(first)
        assert fake.endswith(last)


@given(text=st.text(max_size=200))
def test_made_up_text_is_about_as_long(text: str) -> None:
    """And has as many lines."""
    fake = FAKES.values.text(text)

    assert len(fake) <= len(text)
    assert text.count("\n") == fake.count("\n")


@given(elements=st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=5))
def test_an_array_read_and_written_is_the_same(elements: list[str | None]) -> None:
    """Whatever its elements hold, once it is in PostgreSQL's own spelling."""
    inner = ",".join(
        "NULL" if each is None else json.dumps(each, ensure_ascii=False) for each in elements
    )
    assume(not re.search(r"\\[^\"\\]", inner))
    as_is = each_element(lambda text: text)

    once = as_is("{" + inner + "}")

    assert once == as_is(once)
    assert inner.count("NULL") <= once.count("NULL")


@given(text=TEXTS)
def test_another_key_gives_other_fakes(text: str) -> None:
    """Of a kind with enough room for that."""
    assume(text)

    assert FAKES.simple(Rule("hash"))(text) != OTHER.simple(Rule("hash"))(text)


@pytest.mark.parametrize("locale", ["en_US", "de_DE"])
def test_a_street_is_another_one_also_where_the_original_is_of_the_pool(locale: str) -> None:
    """Every street with every house, of which chance would give some dozens themselves."""
    fakes = Fakes(Key("a key of these properties"), POOLS, locale).simple(Rule("street"))
    spelled = "{1} {0}" if locale == "en_US" else "{0} {1}"
    streets = POOLS.locales[locale].streets
    originals = [spelled.format(street, house) for street in streets for house in range(1, 200)] + [
        "12 Elm Street Apt 12",
        "Elm Street",
        "12",
    ]

    assert [] == [each for each in originals if fakes(each) == each]
