"""The kinds of rules: what each puts in a value's place, and what of it stays."""

from dataclasses import dataclass
from enum import StrEnum


class Keeps(StrEnum):
    """What of a column's values a kind lets be told apart."""

    ALL = "the value itself"
    DISTINCT = "distinct values stay distinct"
    FOLDED = "spellings of one value fold together, other values stay distinct"
    REPEATS = "distinct values may get the same fake"
    NOTHING = "every value becomes the same"


TEXT, NUMBER, WHEN = ("text",), ("text", "integer", "decimal"), ("text", "date", "timestamp")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rule: for which shapes of columns, with which options, and what it keeps."""

    name: str
    says: str
    keeps: Keeps
    domain: str = ""
    shapes: tuple[str, ...] = TEXT
    options: tuple[str, ...] = ()
    personal: bool = True
    """Whether originals are worth a search in staging after a run."""


LOCALE = ("locale",)

KINDS = {
    kind.name: kind
    for kind in (
        Kind("keep", "the value as it is", Keeps.ALL, shapes=("*",), personal=False),
        Kind("full_name", "a made-up name of as many words", Keeps.REPEATS, "name", options=LOCALE),
        Kind("first_name", "a made-up first name", Keeps.REPEATS, "first name", options=LOCALE),
        Kind("last_name", "a made-up last name", Keeps.REPEATS, "last name", options=LOCALE),
        Kind(
            "email", "a made-up name at a reserved domain; case and blanks are folded first",
            Keeps.FOLDED, "email",
        ),
        Kind(
            "phone", "a number of the same format from a fictional or unassigned range; "
            "`distinct: true` gives every number its own, beginning with +999, which nobody has",
            Keeps.REPEATS, "phone", NUMBER, ("distinct",),
        ),
        Kind("street", "a made-up street and number", Keeps.REPEATS, "street", options=LOCALE),
        Kind("city", "another town", Keeps.REPEATS, "city", options=LOCALE),
        Kind("state", "another state or region", Keeps.REPEATS, "state", options=LOCALE),
        Kind("postcode", "other digits and letters in the same places", Keeps.REPEATS, "postcode"),
        Kind("country", "another country", Keeps.REPEATS, "country"),
        Kind("address", "a made-up address of as many lines", Keeps.REPEATS, "address",
             options=LOCALE),
        Kind("company", "a made-up company", Keeps.REPEATS, "company"),
        Kind("username", "a made-up account name", Keeps.DISTINCT, "username"),
        Kind("ip", "an address of the ranges for documentation or tests", Keeps.REPEATS, "ip",
             ("text", "inet")),
        Kind("url", "a made-up address at example.com", Keeps.DISTINCT, "url"),
        Kind("uuid", "another UUID", Keeps.DISTINCT, "uuid", ("text", "uuid")),
        Kind("digits", "other digits and letters in the same places, such as for an account "
             "number", Keeps.DISTINCT, "digits", NUMBER),
        Kind("date_shift", "a date some days off; `days` is how far at most, `by` names the column "
             "whose value decides how far, so that a person's dates keep their distance",
             Keeps.REPEATS, "date", WHEN, ("days", "by")),
        Kind("text", "made-up words of about the same length", Keeps.REPEATS, "text",
             ("text", "json")),
        Kind("scrub", "the text without the names, emails and phones of its row's people and "
             "without what looks like one; weaker than `text`", Keeps.REPEATS, "scrub"),
        Kind("json", "each path by a rule of its own; what no path names is made up", Keeps.REPEATS,
             "json", ("text", "json"), ("*",)),
        Kind("hash", "letters and digits that tell nothing", Keeps.DISTINCT, "hash"),
        Kind("constant", "the same value everywhere", Keeps.NOTHING, shapes=("*",),
             options=("value",)),
        Kind("null", "nothing", Keeps.NOTHING, shapes=("*",)),
    )
}  # fmt: skip

SEARCHED = ("full_name", "email", "phone", "street", "address")
"""Kinds whose originals must not be found anywhere in staging; others not on their own row."""
