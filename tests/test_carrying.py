"""What a promotion takes note of without looking is what looking finds."""

from pathlib import Path

import pytest

from prompt_repo import git_store
from prompt_repo.drift import compare
from prompt_repo.editing import Edit, create_character, save
from prompt_repo.errors import RepositoryBusy
from prompt_repo.model import Character
from prompt_repo.promotion import Order, Side, promote
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.rolling_back import roll_back
from tests.factories import KIM, SAM, key, make_repository, put


def check(repository: Repository, tmp_path: Path) -> None:
    """The catalogue, the index and the plan are those of somebody who opens the repository now."""
    fresh = Repository.open(tmp_path / "prompts.git")
    for branch in (STAGING, PRODUCTION):
        known, found = repository.current(branch).tables, fresh.current(branch).tables
        assert known.configuration == found.configuration
        assert known.folders == found.folders
        assert _full(known.removed) == _full(found.removed)
    assert compare(repository) == compare(fresh)
    assert repository.check() == []


def _full(removed: object) -> dict[object, object]:
    """Without folders that are empty, which say nothing."""
    assert isinstance(removed, dict)
    return {name: held for name, held in removed.items() if held}


def test_promotions_leave_the_catalogue_that_reading_finds(tmp_path: Path) -> None:
    """Of everything and of some, with removals and a new character, and after a roll-back."""
    repository = make_repository(tmp_path, ("aria", "bolt", "cleo"))
    promote(repository, Order(), KIM)
    put(repository, {"aria/angry": "One.", "bolt/angry": "Two.", "defaults/idle": "Still."})
    promote(repository, Order(), KIM)
    check(repository, tmp_path)

    save(repository, STAGING, [Edit(key("aria/angry"), None)], SAM, "")
    create_character(repository, STAGING, Character("dora", "Dora"), SAM, "")
    put(repository, {"dora/idle": "Waits.", "bolt/angry": "Three."})
    done = promote(repository, Order(paths=[key("bolt/angry").path]), KIM)
    check(repository, tmp_path)
    promote(repository, Order(), KIM)
    check(repository, tmp_path)
    roll_back(repository, done.tag, KIM)
    put(repository, {"cleo/idle": "Rests."})
    promote(repository, Order(), KIM)
    check(repository, tmp_path)


def test_what_a_merge_changes_beside_the_plan_is_taken_note_of(tmp_path: Path) -> None:
    """A prompt made and removed in staging, and one text at two numbers, are in no plan."""
    repository = make_repository(tmp_path, ("aria", "bolt"))
    put(repository, {"aria/angry": "One.", "aria/happy": "Glad."})
    promote(repository, Order(), KIM)
    put(repository, {"aria/angry": "Two."})
    put(repository, {"aria/angry": "One."})
    put(repository, {"bolt/happy": "Gone soon."})
    save(repository, STAGING, [Edit(key("bolt/happy"), None)], SAM, "")
    put(repository, {"aria/happy": "Gladder."})
    assert [item.path for item in compare(repository).items] == [key("aria/happy").path]

    promote(repository, Order(), KIM)

    check(repository, tmp_path)
    production = repository.current(PRODUCTION)
    assert production.stored(key("aria/angry")).held.number == 3  # type: ignore[union-attr]


def test_decisions_and_what_staging_never_had(tmp_path: Path) -> None:
    """Staging's side of a diverged prompt, and a hotfix that nothing in staging answers to."""
    repository = make_repository(tmp_path, ("aria",))
    put(repository, {"aria/angry": "One."})
    promote(repository, Order(), KIM)
    head = repository.head(PRODUCTION)
    files = {key(name).path: b"prompt: Fixed.\n" for name in ("aria/angry", "aria/idle")}
    fix = repository.store.write(PRODUCTION, head, files, author=SAM, message="Mend")
    repository.written(PRODUCTION, fix)
    put(repository, {"aria/angry": "Two.", "aria/happy": "Glad."})

    decisions = {key("aria/angry").path: Side.STAGING}
    promote(repository, Order(decisions=decisions), KIM)

    check(repository, tmp_path)


def test_a_promotion_that_came_to_nothing_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index knows its commit by then, which no branch got to; nobody sees it."""
    monkeypatch.setattr(git_store, "FOREIGN_LOCK_TIMEOUT", 0)
    repository = make_repository(tmp_path, ("aria", "bolt"))
    put(repository, {"aria/angry": "One.", "bolt/angry": "Two."})
    before = repository.head(PRODUCTION)
    lock = tmp_path / "prompts.git/refs/heads/production.lock"
    lock.touch()

    with pytest.raises(RepositoryBusy):
        promote(repository, Order(), KIM)
    assert (before, before) == (repository.head(PRODUCTION), repository.current(PRODUCTION).commit)
    assert [] == repository.store.tag_names()
    check(repository, tmp_path)

    lock.unlink()
    promote(repository, Order(), KIM)
    check(repository, tmp_path)
    assert 1 == len(repository.store.tag_names())
