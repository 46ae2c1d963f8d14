"""The few words of Git's own protocol that a server speaks when it is pushed to.

Packet lines in and out, the orders at the head of a push, the report at its end. What is sent is
hostile until it was checked: lengths are bounded before anything is read.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prompt_repo.errors import InvalidPush

FLUSH = b"0000"
LONGEST = 65_520  # bytes of a packet line, its length included
BAND = 65_515  # bytes of text in one line of a side band
MOST_ORDERS = 200  # refs of one push
MOST_LINES = 2_000  # orders, and the ends of a shallow clone
NOWHERE = "0" * 40
ORDER = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\0\n]{1,1000})\n?")
SHALLOW = re.compile(rb"shallow [0-9a-f]{40}\n?")
CAPABILITIES = "report-status delete-refs side-band-64k quiet atomic ofs-delta object-format=sha1"
Read = Callable[[int], bytes]
"""Gives at most so many bytes of what is sent; fewer than one only at its end."""


@dataclass(frozen=True, slots=True)
class Order:
    """One ref that a push wants to move; None is a ref that isn't there, before or after."""

    ref: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Orders:
    """The head of a push: what shall move, and what the client understands."""

    orders: tuple[Order, ...]
    capabilities: frozenset[str]

    @property
    def side_band(self) -> bool:
        """Whether words for a person may go beside the report."""
        return "side-band-64k" in self.capabilities


def packet(text: str | bytes) -> bytes:
    """One packet line."""
    raw = text.encode() if isinstance(text, str) else text
    return b"%04x%b" % (len(raw) + 4, raw)


def advertised(refs: Mapping[str, str], agent: str) -> bytes:
    """What a client is told before it pushes: the refs, and what we understand."""
    told = f"\0{CAPABILITIES} agent={agent}\n"
    shown = dict(sorted(refs.items())) or {"capabilities^{}": NOWHERE}
    lines = [packet("# service=git-receive-pack\n"), FLUSH]
    for number, (ref, oid) in enumerate(shown.items()):
        lines.append(packet(f"{oid} {ref}{told if number == 0 else chr(10)}"))
    return b"".join([*lines, FLUSH])


def read_orders(read: Read) -> Orders:
    """The head of a push, up to its pack; raises InvalidPush."""
    orders: list[Order] = []
    capabilities: frozenset[str] = frozenset()
    for number, line in enumerate(_lines(read)):
        if number >= MOST_LINES or len(orders) > MOST_ORDERS:
            raise InvalidPush(f"a push moves at most {MOST_ORDERS} refs")
        if SHALLOW.fullmatch(line):
            continue  # what it lacks is here, or the check of what is reachable says so
        order, _, said = line.partition(b"\0")
        found = ORDER.fullmatch(order)
        if found is None:
            raise InvalidPush("its head makes no sense")
        if said:
            capabilities = frozenset(said.decode(errors="replace").split())
        old, new, ref = (part.decode(errors="backslashreplace") for part in found.groups())
        orders.append(Order(ref, None if old == NOWHERE else old, None if new == NOWHERE else new))
    if "push-options" in capabilities or "object-format=sha256" in capabilities:
        raise InvalidPush("it asks for what was not offered")
    if len({order.ref for order in orders}) < len(orders):
        raise InvalidPush("it names a ref twice")
    return Orders(tuple(orders), capabilities)


def _lines(read: Read) -> Iterator[bytes]:
    """Packet lines up to a flush; none where nothing is sent at all."""
    first = True
    while True:
        head = exactly(read, 4)
        if first and not head:
            return
        first = False
        try:
            length = int(head, 16) if re.fullmatch(rb"[0-9a-f]{4}", head) else -1
        except ValueError:
            length = -1
        if length == 0:
            return
        if not 4 < length <= LONGEST:
            raise InvalidPush("its head makes no sense")
        line = exactly(read, length - 4)
        if len(line) < length - 4:
            raise InvalidPush("it broke off")
        yield line


def exactly(read: Read, length: int) -> bytes:
    """So many bytes; fewer where it ends before."""
    parts = []
    while length > 0 and (part := read(length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def report(
    orders: Orders, unpacked: str, refused: Mapping[str, str], words: Sequence[str]
) -> bytes:
    """The answer to a push: words for a person, then what became of each ref.

    `unpacked` is `ok` or why the pack was not taken; `refused` has a short reason by ref.
    """
    lines = [packet(f"unpack {unpacked}\n")]
    for order in orders.orders:
        why = refused.get(order.ref)
        lines.append(packet(f"ng {order.ref} {why}\n" if why else f"ok {order.ref}\n"))
    told = b"".join([*lines, FLUSH])
    if "report-status" not in orders.capabilities:
        told = b""
    if not orders.side_band:
        return told
    spoken = "".join(f"{line}\n" for line in words).encode()
    return b"".join([*_banded(2, spoken), *_banded(1, told), FLUSH])


def _banded(band: int, raw: bytes) -> Iterable[bytes]:
    for start in range(0, len(raw), BAND):
        yield packet(bytes([band]) + raw[start : start + BAND])
