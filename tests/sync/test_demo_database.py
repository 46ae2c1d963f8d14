"""The demo's production database: believable, and ready for a sync."""

from pathlib import Path

import pytest

from sync import demo
from sync.errors import UnusableDatabase
from tests.sync.databases import ask, dump, sync


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_demo_can_be_synced_by_a_drafted_plan(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Made, planned and synced; nobody's address or number is left, whoever wrote it in a note."""
    source = f"sqlite:///{tmp_path}/production"
    target = f"sqlite:///{tmp_path}/staging"
    if kind == "postgresql":
        server = request.getfixturevalue("postgres")
        source, target = server.create(), server.create()
    demo.create(source, users=400, assignments=1200)

    result = sync(source, target)

    staging = "\n".join(text for _, text in dump(target))
    people = ask(source, "SELECT email, phone FROM users")
    assert ("completed", []) == (result.status, result.warnings)
    assert (400, 1200) == (result.tables["users"].inserted, result.tables["assignments"].inserted)
    assert [] == [value for row in people for value in row if value in staging]


def test_the_demo_is_the_same_each_time(tmp_path: Path) -> None:
    """One seed, one database."""
    one, other = f"sqlite:///{tmp_path}/one", f"sqlite:///{tmp_path}/other"
    for url in (one, other):
        demo.create(url, users=50, assignments=100)

    assert list(dump(one)) == list(dump(other))


def test_the_demo_wants_an_empty_database(tmp_path: Path) -> None:
    """It writes over nothing."""
    demo.create(f"sqlite:///{tmp_path}/one", users=20, assignments=20)

    with pytest.raises(UnusableDatabase, match="needs an empty database"):
        demo.create(f"sqlite:///{tmp_path}/one")
