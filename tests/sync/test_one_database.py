"""One database for both sides is known whatever address, role or right leads to it."""

import socket
from collections.abc import Iterator

import pytest

from sync.errors import NotIsolated
from sync.tables import open_source
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


MARK = "ALTER DATABASE postgres SET prompt_repo.environment = 'staging'"


def refused(*pair: str) -> bool:
    """Whether a sync takes both for the same database."""
    try:
        sync(*pair, RULES)
    except NotIsolated as error:
        assert "the same database" in str(error)
        return True
    return False


def test_a_physical_copy_is_another_database_once_it_is_marked() -> None:
    """The mark tells the copy from its original, and no database from itself."""
    with servers.postgres() as original, servers.physical_copy(original) as copy:
        live, staging = original.url(), copy.url()

        before = refused(live, staging)
        carry_out(staging, MARK)
        after = [refused(live, staging), refused(staging, staging + "&"), refused(live, live + "&")]
        carry_out(live, MARK)
        both = refused(live, staging)

    assert (True, [False, True, True], True) == (before, after, both)


def test_a_standby_is_never_another_database() -> None:
    """Its rows are its primary's, whether the mark came to it already, or is away again."""
    with servers.postgres() as primary, servers.physical_copy(primary, standby=True) as standby:
        source, target = standby.url(), primary.url()

        without = refused(source, target)
        carry_out(source, "SELECT pg_wal_replay_pause()")
        carry_out(target, MARK)
        late = refused(source, target)
        carry_out(source, "SELECT pg_wal_replay_resume()")
        carry_out(target, "ALTER DATABASE postgres RESET prompt_repo.environment")
        again = refused(source, target)

    assert [True] * 3 == [without, late, again]


def test_a_mark_of_one_role_is_none(ways: tuple[str, str]) -> None:
    """What a connection is set to does not count, but what the catalogue has for everybody."""
    owner, plain = ways[0], ways[1].replace("HOST", "localhost")
    carry_out(owner, "ALTER ROLE plain SET prompt_repo.environment = 'staging'",
              "ALTER ROLE plain IN DATABASE postgres SET prompt_repo.environment = 'staging'",
              "GRANT EXECUTE ON FUNCTION pg_control_system() TO plain")  # fmt: skip
    asked = plain + "?options=-c%20prompt_repo.environment%3Dstaging"
    sides = []
    for url in (owner, plain, asked):
        database = open_source(url)
        sides.append(database.identity())
        database.close()

    assert sides[0] == sides[1] == sides[2]
    assert 2 == len(sides[0])
