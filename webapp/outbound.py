"""Requests from this server to addresses that people type: only where it is safe to go.

The name is looked up once, every address it has is checked, and the one that was checked is
connected to, so that a name that answers differently the next time leads nowhere else. Redirects
are answers like any other, and an answer that does not end is cut off.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from webapp.config import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LONGEST_URL = 2000
EXCERPT = 2000  # bytes of an answer that are read
SECONDS = 10.0  # for connecting, and for each wait
WHOLE = 20.0  # seconds for all of it
NAT64 = ipaddress.ip_network("64:ff9b::/96")
GLOBAL = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is on the open internet; what lies outside may be translated to anything."""


class Unreachable(Exception):
    """A request can't be made or gave no answer; says why in words for an admin."""


class Forbidden(Unreachable):
    """The address is one that this server must not be made to ask."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, and the beginning of the body."""

    status: int
    excerpt: str


def check(url: str, allowed: Sequence[Network] = ()) -> SplitResult:
    """The parts of a URL that may be asked; raises Forbidden, Unreachable where it has no host."""
    parts = _split(url)
    _resolved(parts, allowed)
    return parts


def post(
    url: str, body: bytes, headers: Mapping[str, str], allowed: Sequence[Network] = ()
) -> Answer:
    """Sends a body; private addresses are reached in `allowed` networks alone.

    Raises Forbidden, Unreachable.
    """
    parts = _split(url)
    addresses, port = _resolved(parts, allowed)
    try:
        with _connected(parts, addresses, port) as connection:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            excerpt = answer.read(EXCERPT).decode(errors="replace")
            return Answer(answer.status, excerpt)
    except ssl.SSLError as error:
        raise Unreachable(f"no safe connection: {error.reason or error}") from error
    except TimeoutError as error:
        raise Unreachable("no answer in time") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(str(error) or type(error).__name__) from error


def _split(url: str) -> SplitResult:
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise Forbidden("an address is ASCII without blanks, and no longer than 2,000 characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Forbidden(f"this is no address: {error}") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise Forbidden("an address begins with https:// and names a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Forbidden("an address has no user name, password or fragment here")
    return parts


def _resolved(parts: SplitResult, allowed: Sequence[Network]) -> tuple[list[str], int]:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} has no address: {error}") from error
    addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    inside = [any(each in network for network in allowed) for each in addresses]
    for address, own in zip(addresses, inside, strict=True):
        if not own and not _is_public(address):
            raise Forbidden(
                f"{host} is at {address}, which is no public address; "
                "PROMPT_REPO_WEBHOOK_NETWORKS can allow its network"
            )
    if parts.scheme == "http" and not all(inside):
        raise Forbidden("outside of allowed networks an address begins with https://")
    return [str(each) for each in dict.fromkeys(addresses)], port


def _is_public(address: Address) -> bool:
    """Whether an address, and one that stands inside it, is on the open internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo is not None or (inner is not None and not _is_public(inner)):
            return False
        if address not in GLOBAL:
            return inner is not None  # which is public, then
    return address.is_global and not address.is_multicast


@contextmanager
def _connected(
    parts: SplitResult, addresses: Sequence[str], port: int
) -> Iterator[http.client.HTTPConnection]:
    """A connection to an address that was checked, cut off when its time is over."""
    live = [_first(addresses, port)]
    timer = threading.Timer(WHOLE, _cut, [live])
    timer.daemon = True
    timer.start()
    try:
        connection = http.client.HTTPConnection(parts.hostname or "", port, timeout=SECONDS)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            live[0] = context.wrap_socket(live[0], server_hostname=parts.hostname)
            connection.default_port = 443  # the Host header leaves out the usual one
        connection.sock = live[0]
        yield connection
        connection.close()
    finally:
        timer.cancel()
        live[0].close()


def _first(addresses: Sequence[str], port: int) -> socket.socket:
    """A connection to the first of the addresses that takes one."""
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), SECONDS)
    return socket.create_connection((addresses[-1], port), SECONDS)


def _cut(live: list[socket.socket]) -> None:
    with suppress(OSError):  # it ended by itself just now
        live[0].shutdown(socket.SHUT_RDWR)
