"""The plan of a promotion is kept while neither branch moves, and never longer."""

from pathlib import Path

from prompt_repo.drift import compare
from prompt_repo.promotion import Order, promote
from prompt_repo.repository import Repository
from prompt_repo.rolling_back import roll_back
from tests.factories import KIM, make_repository, put


def afresh(tmp_path: Path) -> object:
    """The plan as somebody finds it who opens the repository now."""
    return compare(Repository.open(tmp_path / "prompts.git"))


def test_nothing_moved_is_the_same_plan(tmp_path: Path) -> None:
    """Asked twice, it is worked out once."""
    repository = make_repository(tmp_path, ("aria",))
    put(repository, {"aria/angry": "One."})

    assert compare(repository) is compare(repository)


def test_whatever_moves_makes_a_plan_anew(tmp_path: Path) -> None:
    """An edit, a promotion of everything, a roll-back: each is in the next plan."""
    repository = make_repository(tmp_path, ("aria", "bolt"))
    put(repository, {"aria/angry": "One.", "defaults/idle": "Still."})
    plans = [compare(repository)]
    put(repository, {"bolt/angry": "Two."})
    plans.append(compare(repository))
    done = promote(repository, Order(), KIM)
    plans.append(compare(repository))
    assert plans[-1] == afresh(tmp_path)
    assert plans[-1].items == ()

    roll_back(repository, done.tag, KIM)
    plans.append(compare(repository))
    assert plans[-1] == afresh(tmp_path)
    assert len({(each.staging, each.production) for each in plans}) == 4
