"""When versions were in production."""

from pathlib import Path

import pytest

from prompt_repo.deployments import Deployment, deployments
from prompt_repo.promotion import Order, promote
from prompt_repo.releases import Did
from prompt_repo.repository import Repository
from prompt_repo.rolling_back import roll_back
from tests.factories import KIM, key, make_repository, put

PATH = key("aria/angry").path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Aria's first angry text, in production."""
    made = make_repository(tmp_path, ("aria",))
    put(made, {"aria/angry": "One.", "aria/happy": "Glad."})
    promote(made, Order(), KIM, "Go live")
    return made


def told(repository: Repository) -> list[tuple[int, Did, Did | None]]:
    """Each stay: the version, what brought it, and what took it away."""
    return [(each.version.number, each.began_by, each.ended_by) for each in found(repository)]


def found(repository: Repository) -> tuple[Deployment, ...]:
    """The stays of Aria's angry prompt."""
    return deployments(repository, PATH)


def test_a_version_is_in_production_from_its_promotion_on(repository: Repository) -> None:
    """Versions that were skipped never were."""
    put(repository, {"aria/angry": "Two."})
    put(repository, {"aria/angry": "Three."})
    promote(repository, Order(), KIM, "All")

    assert [(3, Did.PROMOTED, None), (1, Did.PROMOTED, Did.PROMOTED)] == told(repository)
    now, before = found(repository)
    assert now.until is None
    assert before.until == now.since


def test_promotions_of_others_are_no_stay_of_this_one(repository: Repository) -> None:
    """Production moved, this prompt did not."""
    put(repository, {"aria/happy": "Glee."})
    promote(repository, Order(), KIM, "All")

    assert [(1, Did.PROMOTED, None)] == told(repository)


def test_a_roll_back_ends_one_stay_and_begins_another(repository: Repository) -> None:
    """The earlier version is in production once more."""
    put(repository, {"aria/angry": "Two."})
    release = promote(repository, Order(), KIM, "Louder").commit.oid
    roll_back(repository, release, KIM, "Too loud")

    assert [
        (1, Did.ROLLED_BACK, None),
        (2, Did.PROMOTED, Did.ROLLED_BACK),
        (1, Did.PROMOTED, Did.PROMOTED),
    ] == told(repository)


def test_promoting_some_names_the_version_as_staging_does(repository: Repository) -> None:
    """The very same version, by its commit."""
    commit = put(repository, {"aria/angry": "Two."})
    put(repository, {"aria/happy": "Glee."})
    promote(repository, Order(paths=frozenset({PATH})), KIM, "This one")

    assert commit == found(repository)[0].version.commit


def test_what_never_went_live_has_no_stay(repository: Repository) -> None:
    """Nor has what was never written."""
    put(repository, {"aria/idle": "Waits."})

    assert () == deployments(repository, key("aria/idle").path)
    assert () == deployments(repository, key("aria/sad").path)
