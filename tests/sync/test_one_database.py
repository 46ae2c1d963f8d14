"""One database for both sides is known whatever address, role or right leads to it."""

import socket
from collections.abc import Iterator

import pytest

from sync.errors import NotIsolated
from tests import servers
from tests.sync.databases import carry_out, sync

RULES = "version: 1\ntables: {}\n"


@pytest.fixture(scope="module")
def ways() -> Iterator[tuple[str, str]]:
    """By the socket as its owner, and by the network as a role with fewer rights."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with servers.postgres("listen_addresses=localhost", f"port={port}") as found:
        owner = f"{found.url()}&port={port}"
        carry_out(
            owner,
            "CREATE ROLE plain LOGIN",
            "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
        )
        yield owner, f"postgresql://plain@HOST:{port}/postgres"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST"])
def test_one_database_is_refused_by_any_address_and_role(ways: tuple[str, str], host: str) -> None:
    """Also where one role may read what the server says of itself, and the other may not."""
    owner, plain = ways[0], ways[1].replace("HOST", host)

    for pair in ((owner, plain), (plain, owner), (plain, plain.replace(host, "127.0.0.1") + "?")):
        with pytest.raises(NotIsolated, match="the same database"):
            sync(*pair, RULES)
