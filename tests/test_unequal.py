"""What two branches hold differently, kept up as they move."""

from pathlib import Path

from prompt_repo.editing import create_character
from prompt_repo.model import Character
from prompt_repo.promotion import Order, promote
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.rolling_back import roll_back
from prompt_repo.unequal import keys_apart, spots_apart
from tests.factories import KIM, SAM, make_repository, put


def apart(repository: Repository) -> tuple[list[str], list[str]]:
    """What is told, and what looking at every folder says."""
    sides = repository.current(STAGING), repository.current(PRODUCTION)
    told = {folder for folder, *_ in spots_apart(repository, *sides)}
    return sorted(told), sorted(keys_apart(*(each.tables.folders for each in sides)))


def test_what_is_kept_up_is_what_looking_finds(tmp_path: Path) -> None:
    """After edits, a promotion of some, of all, a roll-back and a new character."""
    repository = make_repository(tmp_path, ("aria", "bolt", "cleo"))
    promote(repository, Order(), KIM)
    assert apart(repository) == ([], [])

    put(repository, {"aria/angry": "One.", "defaults/idle": "Still."})
    assert apart(repository) == (["", "aria"], ["", "aria"])
    put(repository, {"bolt/angry": "Two."})
    done = promote(repository, Order(paths=["characters/aria/angry.yaml"]), KIM)
    assert apart(repository) == (["", "bolt"], ["", "bolt"])
    roll_back(repository, done.tag, KIM)
    create_character(repository, STAGING, Character("dora", "Dora"), SAM, "")
    assert apart(repository) == (["", "aria", "bolt", "dora"],) * 2
    promote(repository, Order(picked=["characters/aria/angry.yaml"]), KIM)
    assert apart(repository) == ([], [])


def test_files_that_are_alike_are_one_object_in_both(tmp_path: Path) -> None:
    """Also in a folder that differs, so that comparing it costs what differs."""
    repository = make_repository(tmp_path, ("aria",))
    put(repository, {"aria/angry": "One.", "aria/happy": "Glad."})
    promote(repository, Order(), KIM)
    put(repository, {"aria/angry": "Two."})

    fresh = Repository.open(tmp_path / "prompts.git")
    for each in (repository, fresh):
        sides = [each.current(name).tables.folders["aria"] for name in (STAGING, PRODUCTION)]
        assert keys_apart(*sides) == ["angry"]
