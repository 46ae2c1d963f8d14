"""What is taken out of a text that keeps its words."""

import pytest

from sync import pools
from sync.anonymise import Fakes
from sync.keyed import Key
from sync.scrubbing import Scrubber
from tests.sync.databases import KEY

FAKES = Fakes(Key(KEY), pools.load(), "en_US")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("李 小龙", "李小龙打电话，小龙说好。李 is here"),
        ("김 건우", "오늘 김건우 님이 전화했습니다"),
        ("山田 太郎", "山田太郎さんと太郎"),
    ],
)
def test_names_are_found_where_nothing_parts_the_words(name: str, text: str) -> None:
    """Not a sign of a name stays, be it of one sign alone; the words around it do."""
    scrubbed = Scrubber(FAKES).scrub(text, [(name, "full_name")])

    last, first = name.split()
    assert [] == [part for part in (last, first) if part in scrubbed]
    assert scrubbed[-1] == text[-1] or name.endswith(text[-1])


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (("climaco80", "username"), "ping {0}, @{0}! or (CLIMACO80)"),
        (("ada_king.1815", "username"), "{0} asked; {0}."),
        (("4711", "username"), "by {0}"),
        (("R2D2 King", "full_name"), "met R2D2, r2d2 and King"),
    ],
)
def test_names_with_digits_and_signs_are_taken_out(known: tuple[str, str], text: str) -> None:
    """As accounts have them, in any case; the same account is the same fake as in its column."""
    name, kind = known
    scrubbed = Scrubber(FAKES).scrub(text.format(name), [known])

    assert [] == [word for word in name.lower().split() if word in scrubbed.lower()]
    assert kind != "username" or FAKES.names().username(name) in scrubbed


def test_what_only_holds_an_account_s_name_stays() -> None:
    """Other accounts, numbers and words that it is part of."""
    text = "see climaco801, xclimaco80 and 471100, and King, not Kingly"

    scrubbed = Scrubber(FAKES).scrub(text, [("climaco80", "username"), ("4711", "username")])

    assert scrubbed.startswith("see climaco801, xclimaco80 and 471100, and ")


def test_a_name_of_one_sign_is_no_initial() -> None:
    """李 becomes a name, where J. becomes another letter."""
    full = FAKES.names().full

    assert not full("李 小龙").isascii()
    assert 1 == len(full("J. Miller").split()[0].rstrip("."))


def test_no_pool_holds_what_is_no_name() -> None:
    """No number of a king, no comma, nothing in capitals."""
    names = {name for each in pools.load().locales.values() for name in each.first + each.last}

    assert [] == [
        name for name in names
        if "," in name or "˜" in name or (len(name) > 1 and name.isascii() and name.isupper())
    ]  # fmt: skip


def test_what_stands_around_a_name_stays_and_is_none() -> None:
    """Titles and small words between; an email takes the names that they stand around."""
    names = FAKES.names()
    made = names.full("Dr. José da Silva Jr.").split()

    assert ("Dr.", "da", "Jr.") == (made[0], made[2], made[4])
    assert (made[1], made[3]) == names.ends("Dr. José da Silva Jr.")
    assert made[3].lower() == names.full("jose SILVA").split()[1].lower()
    assert ("", "") == names.ends("Dr. ")
    assert "da" != names.full("Anna da").split()[1]
