"""Which rule a column might want, by its name, its type and a few of its values: to be safe,
not sorry. What can't be told is replaced.
"""

import re
from collections.abc import Sequence

from sync.emptiness import empty_value
from sync.folding import digits_of
from sync.model import Cell, Column, Table
from sync.rules import Rule

PEOPLE = re.compile(
    r"user|customer|client|employee|staff|person|people|contact|patient|member|author|artist|"
    r"account|lead|student|teacher|guest|passenger|driver|owner|subscriber|profile|applicant|"
    r"candidate|participant|recipient|sender|manager|agent|reporter|guardian|citizen|resident"
)
BY_NAME = (
    (r"e_?mail|mailto|mail_?addr\w*", "email"),
    (r"(first|given|fore|christian)_?name|fname|vorname|prenom|nombre", "first_name"),
    (r"middle_?(name|initial)", "first_name"),
    (r"(last|sur|family|maiden)_?name|lname|nachname|apellidos?", "last_name"),
    (r"user_?name|login|nick(_?name)?|handle|screen_?name", "username"),
    (r"phones?|mobile|cell(phone)?|fax(es)?|tel|telephone|msisdn|whatsapp|(phone|fax|mobile|tel)_?\w*",
     "phone"),
    (r"company|employer|organi[sz]ation|business(_?name)?|firm|company_?name", "company"),
    (r"ip|ip_?addr(ess)?|remote_?addr|client_?ip|last_?ip|\w+_ip", "ip"),
    (r"street\w*|address|addr|address_?(line)?_?\d?|line_?\d|strasse", "street"),
    (r"(full|postal|home|mailing|shipping|billing)_?address", "street"),
    (r"city|town|locality|municipality|suburb|ort", "city"),
    (r"state|province|region|county|district", "state"),
    (r"post_?code|zip(_?code)?|postal_?code|plz|postal", "postcode"),
    (r"ssn|sin|nin|tax_?(id|no|number)|vat(_?(id|no|number))?|passport\w*|iban|bic|account_?(no|number)|"
     r"card_?(no|number)?|cc_?(no|number)|national_?id|licen[cs]e_?(no|number|plate)|plate|imei|"
     r"insurance_?(no|number)|bank_?account|routing_?number|pin|social_?security\w*", "digits"),
    (r"birth_?(date|day)|dob|date_?of_?birth|born(_?(on|at))?|geburtsdatum|death_?date",
     "date_shift"),
    (r"pass(word|wd|phrase)?(_?(hash|digest))?|pw|salt|secret|otp\w*|recovery\w*|(api|private)_?key|"
     r"\w*token|session_?(id|key)?|cookie\w*|refresh\w*|signature", "hash"),
    (r"url|website|homepage|web|link|avatar\w*|photo\w*|picture\w*|image_?url|linkedin|twitter|"
     r"facebook|instagram", "url"),
    (r"lat(itude)?|lng|lon(gitude)?|geo\w*|coordinates?", "null"),
    (r"bio|about|notes?|comments?|message|body|description|remarks?|summary|content|text|feedback|"
     r"subject|memo", "text"),
    (r"composer|contact|contact_?name|display_?name|full_?name|real_?name|customer_?name|author|owner|"
     r"sender|recipient|(created|updated|approved|signed)_?by_?name|spouse|mother|father|doctor|"
     r"(\w+_)?(contact|person|holder|recipient|owner|author|customer|client|employee)_?name",
     "full_name"),
)  # fmt: skip
CATEGORY = re.compile(
    r"(\w+_)?(status|state|type|kind|code|currency|locale|lang(uage)?|level|tier|plan|role|slug|"
    r"category|gender|unit|mime_?type|format|priority|time_?zone|tz|country(_code)?|visibility|"
    r"emotion|environment|scope|channel|source|stage)"
)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]{2,}")
PHONE = re.compile(r"\+?[\d ()./-]{7,20}")
WORD = re.compile(r"[a-z][a-z_-]*|[A-Z][A-Z_-]*")
DATES = ("date", "timestamp")
FEW = 20


def guess(table: Table, column: Column, sample: Sequence[Cell]) -> tuple[Rule, str]:
    """A rule for a column and the reason; `sample` holds a few of its values."""
    if column.shape in ("enum", "boolean"):
        article = "an" if column.shape == "enum" else "a"
        return Rule("keep"), f"{article} {column.shape} names nobody"
    by_name = _by_name(table, column)
    if by_name is not None:
        return by_name
    if column.shape == "json" and column.array:
        return Rule("text"), "whatever stands in it is made up"
    if column.shape == "json":
        return Rule("json"), "whatever stands in it is made up, path by path"
    if column.shape == "text":
        return _text(column, [str(each) for each in sample if each not in (None, "")], table)
    if column.type.startswith("interval"):
        return Rule("keep"), "a length of time names nobody"
    if column.shape in ("bytes", "other"):
        return _nothing(column, f"what stands in {column.type} can't be told")
    if column.shape == "inet":
        return Rule("ip"), "its type is a network address"
    if column.shape == "uuid":
        return Rule("keep"), "an id without meaning"
    return _number(column, sample)


def _by_name(table: Table, column: Column) -> tuple[Rule, str] | None:
    name = _snake(column.name)
    if column.name in table.key and column.shape in ("integer", "uuid"):
        return Rule("keep"), "a key without meaning"
    for pattern, kind in BY_NAME:
        if re.fullmatch(rf"(\w+_)?({pattern})(_\d+)?", name) or re.fullmatch(pattern, name):
            rule = _fitting(table, column, kind)
            if rule is not None:
                return rule, f"called {column.name}"
    if re.fullmatch(r"(\w+_)?name", name) and column.shape == "text":
        person = PEOPLE.search(_snake(table.bare)) or PEOPLE.search(name)
        if person or _has_people(table):
            return Rule("full_name"), f"a name in {table.name}"
    return None


def _fitting(table: Table, column: Column, kind: str) -> Rule | None:
    """The kind as a rule if the column's type can hold it; what comes nearest for numbers."""
    shape = column.shape
    if kind == "date_shift":
        return Rule(kind) if shape in (*DATES, "text") else None
    if kind == "null":
        return _nothing(column, "")[0] if shape in ("decimal", "other", "text") else None
    if kind == "phone":
        distinct = any(column.name in unique.columns for unique in table.uniques)
        rule = Rule(kind, {"distinct": True} if distinct and shape == "text" else {})
        return rule if shape in ("text", "integer", "decimal") else None
    if kind == "digits":
        return Rule(kind) if shape in ("text", "integer", "decimal") else None
    if kind == "ip":
        return Rule(kind) if shape in ("text", "inet") else None
    if kind == "hash" and shape == "uuid":
        return Rule("uuid")
    if kind in ("state", "url") and shape != "text":
        return None
    if kind == "street" and "address" in _snake(column.name) and not _has_cities(table):
        return Rule("address") if shape == "text" else None
    if kind == "postcode" and shape in ("integer", "decimal"):
        return Rule("digits")
    return Rule(kind) if shape == "text" else None


def _has_cities(table: Table) -> bool:
    return any(re.search(r"city|town|zip|post", _snake(each.name)) for each in table.columns)


def _has_people(table: Table) -> bool:
    return any(
        re.search(r"e_?mail|phone|first_?name|last_?name|birth", _snake(each.name))
        for each in table.columns
    )


def _text(column: Column, sample: Sequence[str], table: Table) -> tuple[Rule, str]:
    if any(EMAIL.search(each) for each in sample):
        whole = all(EMAIL.fullmatch(each.strip()) for each in sample)
        return Rule("email" if whole else "text"), "its values hold email addresses"
    phones = [each for each in sample if PHONE.fullmatch(each) and len(digits_of(each)) >= 7]
    if phones and len(phones) * 2 >= len(sample):
        return Rule("phone"), "its values look like phone numbers"
    if re.fullmatch(r"country(_\w+)?|(\w+_)?country", _snake(column.name)):
        return Rule("keep"), "a country is too large to tell people apart"
    if CATEGORY.fullmatch(_snake(column.name)) and _are_categories(sample):
        return Rule("keep"), "few values, and called like a category"
    if any(column.name in unique.columns for unique in table.uniques) or column.name in table.key:
        return Rule("hash"), "it may name somebody, and is unique"
    return Rule("text"), "it may hold anything"


def _are_categories(sample: Sequence[str]) -> bool:
    """Few values that come again, or at least all look like words of a program."""
    few = len(set(sample)) <= FEW
    again = len(sample) >= FEW and len(set(sample)) * 2 <= len(sample)
    return few and (
        again or all(re.fullmatch(r"[a-z][a-z_-]*|[A-Z][A-Z_-]*", each) for each in sample)
    )


def _number(column: Column, sample: Sequence[Cell]) -> tuple[Rule, str]:
    name = _snake(column.name)
    if re.search(r"salary|income|wage|net_worth", name):
        return Rule("digits"), f"called {column.name}"
    if column.shape == "integer" and not re.search(r"(^|_)ids?$|_by$|_to$", name):
        long = [each for each in sample if re.search(r"\d{9}", str(each))]
        if long and not re.search(r"bytes|size|count|milli|time|_at$|number_of", name):
            return Rule("digits"), "its numbers are long enough to name somebody"
    return Rule("keep"), "a number, time or id that names nobody"


def _nothing(column: Column, why: str) -> tuple[Rule, str]:
    if column.nullable:
        return Rule("null"), why
    return Rule("constant", {"value": empty_value(column)}), why


def _snake(name: str) -> str:
    return re.sub(r"[\s-]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower()
