"""What a reader gets at one commit."""

from pathlib import Path

import pytest

from prompt_repo.editing import Edit, change_character, save
from prompt_repo.errors import (
    CharacterNotFound,
    InvalidDocument,
    PromptNotFound,
    UnknownEmotion,
)
from prompt_repo.model import Character, PromptKey, Source
from prompt_repo.repository import STAGING, Repository
from tests.factories import SAM, key, make_repository, put


def test_an_override_wins_over_the_default(tmp_path: Path) -> None:
    """Where both exist, the character's own prompt is what a service gets."""
    repository = make_repository(tmp_path, ("aria",))
    put(repository, {"defaults/angry": "Anyone fumes.", "aria/angry": "Aria fumes."})

    resolved = repository.current(STAGING).resolve("aria", "angry")

    assert ("Aria fumes.", Source.CHARACTER) == (resolved.text, resolved.source)


def test_a_character_without_an_override_gets_the_default(tmp_path: Path) -> None:
    """The answer says that it fell back, and carries the default's version."""
    repository = make_repository(tmp_path, ("aria",))
    commit = put(repository, {"defaults/angry": "{character_name} fumes."})

    resolved = repository.current(STAGING).resolve("aria", "angry")

    assert ("Aria fumes.", Source.GLOBAL) == (resolved.text, resolved.source)
    assert (1, commit) == (resolved.held.number, resolved.held.commit)


def test_neither_is_missing(tmp_path: Path) -> None:
    """Without override and default there is nothing to resolve, and lists say `missing`."""
    catalogue = make_repository(tmp_path, ("aria",)).current(STAGING)

    with pytest.raises(PromptNotFound):
        catalogue.resolve("aria", "idle")
    assert Source.MISSING is catalogue.source("aria", "idle")
    assert {Source.MISSING} == set(catalogue.coverage("aria").values())


def test_an_unknown_emotion_carries_the_valid_ones(tmp_path: Path) -> None:
    """So that whoever asked can choose."""
    catalogue = make_repository(tmp_path, ("aria",)).current(STAGING)

    with pytest.raises(UnknownEmotion) as caught:
        catalogue.resolve("aria", "melancholic")
    assert ("idle", "happy", "angry") == caught.value.valid


def test_an_unknown_character_is_not_found(tmp_path: Path) -> None:
    """Falling back to defaults is for characters that exist."""
    repository = make_repository(tmp_path)
    put(repository, {"defaults/angry": "Anyone fumes."})

    with pytest.raises(CharacterNotFound):
        repository.current(STAGING).resolve("nobody", "angry")


def test_a_characters_variables_win_over_shared_ones(tmp_path: Path) -> None:
    """Shared variables are there for everybody until a character has its own."""
    repository = make_repository(tmp_path, ("aria", "bo"), lens="35 mm")
    put(repository, {"defaults/idle": "{character_name}, {lens}."})
    change_character(
        repository,
        STAGING,
        "aria",
        lambda who: Character(who.id, who.name, variables={"lens": "85 mm"}),
        SAM,
        "A longer lens",
    )

    catalogue = repository.current(STAGING)

    assert "Aria, 85 mm." == catalogue.resolve("aria", "idle").text
    assert "Bo, 35 mm." == catalogue.resolve("bo", "idle").text


def test_an_etag_differs_after_going_back(tmp_path: Path) -> None:
    """A text that goes from A to B and back to A has three ETags."""
    repository = make_repository(tmp_path, ("aria",))
    etags = []
    for text in ("A", "B", "A"):
        put(repository, {"aria/idle": text})
        etags.append(repository.current(STAGING).etag(key("aria/idle")))

    assert 3 == len(set(etags))


def test_an_etag_outlives_edits_of_other_prompts(tmp_path: Path) -> None:
    """So that caches stay warm while colleagues work."""
    repository = make_repository(tmp_path, ("aria", "bo"))
    put(repository, {"aria/idle": "A"})
    before = repository.current(STAGING).etag(key("aria/idle"))

    put(repository, {"bo/idle": "B", "defaults/idle": "C"})

    assert before == repository.current(STAGING).etag(key("aria/idle"))


def test_an_etag_follows_the_name(tmp_path: Path) -> None:
    """Renaming a character changes what its prompts resolve to."""
    repository = make_repository(tmp_path, ("aria",))
    put(repository, {"defaults/idle": "{character_name} waits."})
    before = repository.current(STAGING).etag(key("aria/idle"))

    change_character(
        repository, STAGING, "aria", lambda who: Character(who.id, "Aria Vale"), SAM, "Rename"
    )

    assert before != repository.current(STAGING).etag(key("aria/idle"))


def test_one_broken_file_hides_no_other(tmp_path: Path) -> None:
    """A file that plain git put there and no schema allows is an error only where it is read."""
    repository = make_repository(tmp_path, ("aria",))
    put(repository, {"aria/idle": "Fine."})
    repository.store.write(
        STAGING,
        repository.head(STAGING),
        {"characters/aria/angry.yaml": b"prompt: [1]\n"},
        author=SAM,
        message="By hand",
    )

    catalogue = repository.current(STAGING)

    assert "Fine." == catalogue.resolve("aria", "idle").text
    with pytest.raises(InvalidDocument):
        catalogue.resolve("aria", "angry")
    assert ["characters/aria/angry.yaml"] == [
        problem.path for invalid in catalogue.problems for problem in invalid.problems
    ]


def test_removed_prompts_are_listed(tmp_path: Path) -> None:
    """A removal is a version too, and the list of removed prompts names it."""
    repository = make_repository(tmp_path, ("aria",))
    put(repository, {"aria/idle": "A"})
    commit = put(repository, {"aria/idle": None})

    removed = repository.current(STAGING).removed("aria")

    assert {"idle": (2, commit)} == {
        emotion: (held.number, held.commit) for emotion, held in removed.items()
    }
    assert {} == repository.current(STAGING).overrides("aria")


def test_another_process_sees_an_edit_at_its_next_read(tmp_path: Path) -> None:
    """Two repositories opened on one folder stand for two processes."""
    writer = make_repository(tmp_path, ("aria",))
    reader = Repository.open(writer.store.path)
    reader.current(STAGING)

    save(writer, STAGING, [Edit(PromptKey("aria", "idle"), "New.")], SAM, "")

    assert "New." == reader.current(STAGING).resolve("aria", "idle").text
