"""Documents that plain git broke: what stands around them can be read, and they can be mended."""

from dataclasses import replace
from pathlib import Path

import pytest

from prompt_repo.editing import Edit, change_character, restore, revert, save
from prompt_repo.errors import EditConflict, InvalidDocument, PreconditionFailed
from prompt_repo.expectations import AtCommit, Matches
from prompt_repo.repository import STAGING, Repository
from tests.factories import KIM, SAM, key, make_repository, put

ARIA = key("aria/angry")
BROKEN = b"prompt: |-\n  One.\n<<<<<<< HEAD\n  Two.\n=======\n  Three.\n>>>>>>> theirs\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Aria's prompt, whose second version is a merge that somebody committed with its markers."""
    made = make_repository(tmp_path, ("aria",))
    put(made, {"defaults/angry": "Anyone fumes.", "aria/angry": "One.\nTwo."})
    break_by_git(made, ARIA.path, BROKEN)
    return made


def break_by_git(repository: Repository, path: str, raw: bytes) -> str:
    """Commits a file as plain git would, unchecked."""
    head = repository.head(STAGING)
    return repository.store.write(STAGING, head, {path: raw}, author=SAM, message="By hand").oid


def text(repository: Repository) -> str | None:
    stored = repository.current(STAGING).stored(ARIA)
    return stored.prompt.text if stored else None


def test_a_broken_prompt_is_replaced_by_a_new_text(repository: Repository) -> None:
    """And nothing of the broken file is left in the new one."""
    outcome = save(repository, STAGING, [Edit(ARIA, "Four.")], KIM, "Mend it")

    assert outcome.commit is not None
    assert b"prompt: |-\n  Four.\n" == repository.store.blob(outcome.commit.changes[0].new or "")


def test_a_broken_prompt_is_no_empty_one(repository: Repository) -> None:
    """Saving no text over it is refused as anywhere."""
    with pytest.raises(InvalidDocument, match="empty"):
        save(repository, STAGING, [Edit(ARIA, "")], KIM, "Mend it")


def test_a_broken_prompt_is_reverted(repository: Repository) -> None:
    """To what it said before, as the next version."""
    outcome = revert(repository, STAGING, ARIA, 1, KIM, "Mend it")

    stored = outcome.catalogue.stored(ARIA)
    assert stored is not None
    assert ("One.\nTwo.", 3) == (stored.prompt.text, stored.held.number)


def test_a_broken_prompt_is_no_version_to_go_back_to(repository: Repository) -> None:
    """What is wrong with it is said; nothing is written."""
    revert(repository, STAGING, ARIA, 1, KIM, "Mend it")

    with pytest.raises(InvalidDocument, match="conflict markers"):
        revert(repository, STAGING, ARIA, 2, KIM, "Break it")
    assert "One.\nTwo." == text(repository)


def test_a_broken_prompt_is_removed_and_not_restored(repository: Repository) -> None:
    """Its removal makes the default stand; to restore it would break it again."""
    save(repository, STAGING, [Edit(ARIA, None)], KIM, "Take it out")

    assert "Anyone fumes." == repository.current(STAGING).resolve("aria", "angry").text
    with pytest.raises(InvalidDocument):
        restore(repository, STAGING, ARIA, KIM, "Back")


def test_a_broken_prompt_has_an_etag(repository: Repository) -> None:
    """So that who mends it can say what they saw."""
    etag = repository.current(STAGING).etag(ARIA)
    assert etag is not None

    with pytest.raises(PreconditionFailed):
        save(repository, STAGING, [Edit(ARIA, "Four.", expect=Matches("f" * 32))], KIM, "")
    save(repository, STAGING, [Edit(ARIA, "Four.", expect=Matches(etag))], KIM, "Mend it")

    assert "Four." == text(repository)


def test_a_conflict_shows_what_the_broken_file_holds(repository: Repository) -> None:
    """Whoever edited what stood before it was broken sees all of the file as theirs."""
    head = repository.current(STAGING).commit
    base = repository.history.page(head, ARIA.path).versions[1].commit
    edit = Edit(ARIA, "One.\nZwei.", expect=AtCommit(base))

    with pytest.raises(EditConflict) as caught:
        save(repository, STAGING, [edit], KIM, "Zwei")

    only = caught.value.conflicts[0]
    assert ("One.\nTwo.", BROKEN.decode(), None) == (only.base, only.theirs, only.merged)


def test_a_broken_character_is_mended_by_a_name(repository: Repository) -> None:
    """It says nothing that could be kept; without a name it stays as it is."""
    break_by_git(repository, "characters/aria/character.yaml", b"name: [\xff]\n")

    with pytest.raises(InvalidDocument, match="name"):
        change_character(repository, STAGING, "aria", lambda who: who, KIM, "Nothing")
    change_character(
        repository, STAGING, "aria", lambda who: replace(who, name="Aria"), KIM, "Mend it"
    )

    assert "Aria" == repository.current(STAGING).character("aria").name


def test_a_copied_character_is_its_own(repository: Repository) -> None:
    """`cp -r characters/aria characters/twin`: one blob at two places is two characters."""
    raw = repository.store.blob(repository.current(STAGING).character_held("aria").blob or "")
    break_by_git(repository, "characters/twin/character.yaml", raw)
    head = break_by_git(repository, "characters/twin/angry.yaml", b"prompt: '{character_id}'\n")

    now, then = repository.current(STAGING), repository.catalogue(head)

    assert ("aria", "twin") == (now.character("aria").id, now.character("twin").id)
    assert "twin" == now.resolve("twin", "angry").text
    assert "twin" == Repository.open(repository.store.path).catalogue(head).character("twin").id
    assert now.character("twin") == then.character("twin")


def test_a_copied_broken_prompt_is_named_by_its_own_place(repository: Repository) -> None:
    """The error of one blob at two places tells which file is read."""
    break_by_git(repository, "defaults/angry.yaml", BROKEN)

    with pytest.raises(InvalidDocument, match="defaults/angry"):
        repository.current(STAGING).lookup(key("defaults/angry"))
    with pytest.raises(InvalidDocument, match="characters/aria/angry"):
        repository.current(STAGING).lookup(ARIA)


def test_reading_a_broken_prompt_keeps_nothing(repository: Repository) -> None:
    """An error that is kept and raised again would grow with every reading."""
    now = repository.current(STAGING)
    depths = []
    for _ in range(3):
        with pytest.raises(InvalidDocument) as caught:
            now.lookup(ARIA)
        depths.append(len(caught.traceback))

    assert 1 == len(set(depths))


def test_a_missing_list_of_emotions_is_named(repository: Repository) -> None:
    """As a fault of the repository, not as a prompt nobody wrote."""
    head = repository.head(STAGING)
    repository.store.write(STAGING, head, {"prompts.yaml": None}, author=SAM, message="By hand")

    with pytest.raises(InvalidDocument, match=r"prompts\.yaml: is missing"):
        repository.current(STAGING).lookup(ARIA)
