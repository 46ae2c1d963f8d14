"""Fake emails, phones and network addresses, out of ranges that nobody can have."""

import ipaddress
import re
import uuid

from sync.folding import ascii_word, digits_of, folded_email
from sync.keyed import Key, suffix
from sync.pools import FALLBACK, Pools

DOMAINS = ("example.com", "example.org", "example.net")
"""Reserved for examples by RFC 2606."""
SHORTEST_EMAIL = 1 + 12 + len("@example.com")

FREE_CODES = {1: "0", 2: "28", 3: "999"}
"""Beginnings of country codes that the ITU has given nobody, by length: 0, 28x, 999."""
ONE_DIGIT = ("1", "7")
TWO_DIGITS = frozenset(
    ("20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 "
     "65 66 81 82 84 86 90 91 92 93 94 95 98").split(" ")
)  # fmt: skip
MOST_DIGITS = 12  # with 999 before them they are the fifteen that a number may have


class Contacts:
    """Fakes of what reaches people."""

    def __init__(self, key: Key, pools: Pools) -> None:
        self._pools = pools
        self.email_digest, self._ip = key.digest("email"), key.digest("ip")
        self._url, self._uuid = key.digest("url"), key.digest("uuid")
        self.permuted, self.phone_digest = key.permutation("phone"), key.digest("phone")

    def email(self, text: str, first: str = "", last: str = "", length: int | None = None) -> str:
        """An address whose end is the original's alone, and whose name is the person's.

        `first` and `last` are the fakes of the row's name; without them the address has a name of
        its own. Where little room is left, the name is cut short.
        """
        number = self.email_digest(folded_email(text))
        pool = self._pools.locales[FALLBACK]
        if not (first or last):
            first = pool.first[(number >> 64) % len(pool.first)]
            last = pool.last[(number >> 80) % len(pool.last)]
        name = ".".join(part for part in (ascii_word(first), ascii_word(last)) if part) or "person"
        end = f"{suffix(number)}@{DOMAINS[(number >> 100) % 3]}"
        room = (length or 254) - len(end) - 1
        return f"{name[:room].rstrip('.')}.{end}" if room > 0 else end

    def phone(self, text: str) -> str:
        """A number of the same format that reaches nobody."""
        digits = digits_of(text)
        if not digits:
            return re.sub(r"\w", "0", text)
        return _in_format(text, self._unreachable(digits, text.lstrip().startswith("+")))

    def _unreachable(self, digits: str, international: bool) -> str:
        if international or digits.startswith("00"):
            zeros = "" if international else "00"
            return zeros + self._abroad(digits[len(zeros) :])
        if len(digits) == 11 and digits.startswith("1"):
            return "1" + self._american(digits[1:])
        if len(digits) == 10 and digits[0] not in "01":
            return self._american(digits)
        if len(digits) < 7:
            return self.permuted(digits, "extension")
        return "0028"[: len(digits)] + self.permuted(digits[4:], digits[:4])

    def _abroad(self, digits: str) -> str:
        """What follows the plus sign."""
        if digits.startswith("1") and len(digits) == 11:
            return "1" + self._american(digits[1:])
        size = 1 if digits[:1] in ONE_DIGIT else 2 if digits[:2] in TWO_DIGITS else 3
        free, rest = FREE_CODES[size], digits[size:]
        return free + self.permuted(rest, digits[:size]) if rest else free[: len(digits)]

    def _american(self, digits: str) -> str:
        """555-0100 to 555-0199 in some area: kept free for fiction."""
        number = self.phone_digest(digits)
        area = 200 + number % 800
        area += 1 if area % 100 == 11 else 0
        return f"{area}55501{(number >> 64) % 100:02d}"

    def fitting(self, phone: str, most: int | None) -> str:
        """The same number of an area that is not too large for a column of whole numbers."""
        if most is None or not phone.isdecimal() or int(phone) <= most:
            return phone
        return f"{200 + int(phone[:3]) % 11}{phone[3:]}"

    def distinct_phone(self, text: str) -> str:
        """A number of its own for every original, in the same format, after +999."""
        digits = digits_of(text)
        if not digits:
            return text and f"+999 {suffix(self.phone_digest(text))}"
        sign = "p" if text.lstrip().startswith("+") else "n"
        body = _in_format(
            text.strip().lstrip("+"), self.permuted(digits, f"distinct {len(digits)}")
        )
        return f"+999 {body}" if sign == "p" else f"+999{'' if body[:1] == ' ' else '-'}{body}"

    def ip(self, text: str) -> str:
        """An IPv4 of 198.18.0.0/15 (tests) or an IPv6 of 2001:db8::/32 (documentation)."""
        address, slash, prefix = text.strip().partition("/")
        number = self._ip(address.lower())
        try:
            version = ipaddress.ip_address(address).version
        except ValueError:
            version = 4
        fake: object
        if version == 4:
            fake = ipaddress.IPv4Address((198 << 24 | 18 << 16) | number % 2**17)
        else:
            fake = ipaddress.IPv6Address((0x20010DB8 << 96) | number % 2**96)
        made = f"{fake}{slash}{prefix}"
        return str(ipaddress.ip_network(made, strict=False)) if _is_network(text) else made

    def url(self, text: str) -> str:
        """An address at example.com with an end of its own."""
        return f"https://example.com/{suffix(self._url(text))}"

    def uuid(self, text: str) -> str:
        """A UUID of version 4 by its looks."""
        number = self._uuid(re.sub(r"[{}-]", "", text).lower())
        return str(uuid.UUID(int=number, version=4))


def _is_network(text: str) -> bool:
    """Whether all bits behind a prefix are none, as those of the type `cidr` must be."""
    try:
        return "/" in text and bool(ipaddress.ip_network(text.strip()))
    except ValueError:
        return False


def _in_format(text: str, digits: str) -> str:
    """The text with other digits in the places of its own; letters go."""
    coming = iter(digits)
    made = [next(coming) if each.isdecimal() else each for each in text]
    return "".join("0" if each.isalpha() and each.lower() not in "ext" else each for each in made)
