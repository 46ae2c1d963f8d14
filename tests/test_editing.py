"""Edits: what lands, what conflicts, what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from prompt_repo.editing import (
    Edit,
    archive_character,
    change_character,
    create_character,
    restore,
    restore_character,
    revert,
    save,
)
from prompt_repo.errors import (
    CharacterArchived,
    CharacterExists,
    CharacterNotFound,
    EditConflict,
    InvalidDocument,
    InvalidEdit,
    InvalidId,
    InvalidReason,
    PreconditionFailed,
    PromptNotFound,
    PromptRepoError,
    ProtectedBranch,
    RevisionNotFound,
    UnknownEmotion,
    VersionNotFound,
)
from prompt_repo.expectations import Absent, AtCommit, Matches
from prompt_repo.model import Character
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import KIM, SAM, key, make_repository, put

ARIA = key("aria/angry")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Aria and Bo, a default for angry, and Aria's own."""
    made = make_repository(tmp_path, ("aria", "bo"))
    put(made, {"defaults/angry": "Anyone fumes.\n", "aria/angry": "One.\nTwo.\nThree.\n"})
    return made


def text(repository: Repository, name: str) -> str | None:
    """What stands at a name such as `aria/angry`, without falling back."""
    stored = repository.current(STAGING).stored(key(name))
    return stored.prompt.text if stored else None


def test_a_saved_text_is_a_version_with_author_and_reason(repository: Repository) -> None:
    """The commit carries the real person, and the reason is its message."""
    outcome = save(repository, STAGING, [Edit(ARIA, "New.")], KIM, "Softer")

    stored = outcome.catalogue.stored(ARIA)
    assert stored is not None
    version = repository.history.version(stored.held.row)
    assert (2, KIM, "Softer", False) == (
        version.number,
        version.author,
        version.reason,
        version.removed,
    )


def test_saving_what_stands_makes_no_commit(repository: Repository) -> None:
    """And the outcome says so."""
    head = repository.head(STAGING)

    outcome = save(repository, STAGING, [Edit(ARIA, "One.\r\nTwo.\r\nThree.\r\n")], KIM, "Again")

    assert (None, ("characters/aria/angry.yaml",)) == (outcome.commit, outcome.unchanged)
    assert head == repository.head(STAGING)


def test_notes_and_tags_stay_unless_named(repository: Repository) -> None:
    """An edit of the text alone keeps what people noted beside it."""
    save(repository, STAGING, [Edit(ARIA, "A", notes="Keep me", tags=("close-up",))], SAM, "")

    save(repository, STAGING, [Edit(ARIA, "B")], SAM, "")

    stored = repository.current(STAGING).stored(ARIA)
    assert stored is not None
    assert ("B", "Keep me", ("close-up",)) == (
        stored.prompt.text,
        stored.prompt.notes,
        stored.prompt.tags,
    )


def test_unrelated_edits_do_not_conflict(repository: Repository) -> None:
    """Two edits of different prompts that began at the same commit both land."""
    base = AtCommit(repository.head(STAGING))

    save(repository, STAGING, [Edit(ARIA, "first", expect=base)], SAM, "")
    save(repository, STAGING, [Edit(key("bo/angry"), "second", expect=base)], KIM, "")

    assert ["first", "second"] == [text(repository, "aria/angry"), text(repository, "bo/angry")]


def test_an_edit_of_a_moved_prompt_conflicts_with_all_four_texts(repository: Repository) -> None:
    """Base, theirs, yours, and the merge where the sides don't overlap."""
    base = AtCommit(repository.head(STAGING))
    put(repository, {"aria/angry": "ONE.\nTwo.\nThree.\n"})

    with pytest.raises(EditConflict) as caught:
        save(repository, STAGING, [Edit(ARIA, "One.\nTwo.\nTHREE.\n", expect=base)], KIM, "")

    conflict = caught.value.conflicts[0]
    assert (
        "One.\nTwo.\nThree.\n",
        "ONE.\nTwo.\nThree.\n",
        "One.\nTwo.\nTHREE.\n",
        "ONE.\nTwo.\nTHREE.\n",
    ) == (conflict.base, conflict.theirs, conflict.yours, conflict.merged)
    assert repository.head(STAGING) == caught.value.head


def test_overlapping_edits_have_no_merge(repository: Repository) -> None:
    """Both changed one line: a person decides, with the overlap marked."""
    base = AtCommit(repository.head(STAGING))
    put(repository, {"aria/angry": "1.\nTwo.\nThree.\n"})

    with pytest.raises(EditConflict) as caught:
        save(repository, STAGING, [Edit(ARIA, "I.\nTwo.\nThree.\n", expect=base)], KIM, "")

    conflict = caught.value.conflicts[0]
    assert conflict.merged is None
    assert "1." in conflict.merged_with_markers
    assert "I." in conflict.merged_with_markers


def test_saving_the_same_text_twice_is_no_conflict(repository: Repository) -> None:
    """A save whose answer got lost may be sent again."""
    edit = Edit(ARIA, "New.", expect=AtCommit(repository.head(STAGING)))
    save(repository, STAGING, [edit], SAM, "")

    assert save(repository, STAGING, [edit], SAM, "").commit is None


def test_a_stale_etag_fails(repository: Repository) -> None:
    """The error carries the current one."""
    stale = repository.current(STAGING).etag(ARIA)
    put(repository, {"aria/angry": "Newer."})

    with pytest.raises(PreconditionFailed) as caught:
        save(repository, STAGING, [Edit(ARIA, "Mine.", expect=Matches(str(stale)))], KIM, "")
    assert repository.current(STAGING).etag(ARIA) == caught.value.etag


def test_the_etag_of_the_default_lets_an_override_begin(repository: Repository) -> None:
    """Whoever read the default may replace it for one character, as long as it still stands."""
    etag = str(repository.current(STAGING).etag(key("bo/angry")))

    save(repository, STAGING, [Edit(key("bo/angry"), "Bo's.", expect=Matches(etag))], SAM, "")

    assert "Bo's." == text(repository, "bo/angry")


def test_creating_wants_nothing_there(repository: Repository) -> None:
    """A default doesn't count: the override is what would be created."""
    save(repository, STAGING, [Edit(key("bo/angry"), "Bo's.", expect=Absent())], SAM, "")

    with pytest.raises(PreconditionFailed):
        save(repository, STAGING, [Edit(key("bo/angry"), "Again.", expect=Absent())], SAM, "")


def test_bulk_is_one_commit(repository: Repository) -> None:
    """All edits share a commit, and each prompt gets its version."""
    edits = [Edit(ARIA, "A"), Edit(key("bo/idle"), "B"), Edit(key("defaults/happy"), "C")]

    outcome = save(repository, STAGING, edits, SAM, "Season two")

    assert outcome.commit is not None
    assert 3 == len(outcome.commit.changes)


def test_bulk_is_all_or_nothing(repository: Repository) -> None:
    """One bad edit, and none lands; every bad one is named."""
    head = repository.head(STAGING)
    edits = [Edit(ARIA, "Fine."), Edit(key("bo/idle"), " \n\t"), Edit(key("bo/happy"), "\x00")]

    with pytest.raises(InvalidDocument) as caught:
        save(repository, STAGING, edits, SAM, "")

    assert {"characters/bo/idle.yaml", "characters/bo/happy.yaml"} == {
        problem.path for problem in caught.value.problems
    }
    assert head == repository.head(STAGING)


def test_one_prompt_twice_in_bulk_is_refused(repository: Repository) -> None:
    """It would be unclear which text was meant."""
    with pytest.raises(InvalidEdit, match="characters/aria/angry"):
        save(repository, STAGING, [Edit(ARIA, "A"), Edit(ARIA, "B")], SAM, "")


def test_a_removed_override_falls_back_and_comes_back(repository: Repository) -> None:
    """Removing is soft: history stays, and restoring is the next version."""
    save(repository, STAGING, [Edit(ARIA, None)], SAM, "Use the default")
    fallen = repository.current(STAGING).resolve("aria", "angry").text

    outcome = restore(repository, STAGING, ARIA, SAM, "We want it back")

    stored = outcome.catalogue.stored(ARIA)
    assert "Anyone fumes.\n" == fallen
    assert stored is not None
    assert ("One.\nTwo.\nThree.\n", 3) == (stored.prompt.text, stored.held.number)


def test_restoring_what_stands_changes_nothing(repository: Repository) -> None:
    """There is nothing to bring back."""
    assert restore(repository, STAGING, ARIA, SAM, "").commit is None


def test_removing_twice_changes_nothing(repository: Repository) -> None:
    """The second removal makes no commit."""
    save(repository, STAGING, [Edit(ARIA, None)], SAM, "")

    assert save(repository, STAGING, [Edit(ARIA, None)], SAM, "").commit is None


def test_revert_is_a_new_version_with_the_old_text(repository: Repository) -> None:
    """Nothing in the history is rewritten."""
    put(repository, {"aria/angry": "Second."})

    outcome = revert(repository, STAGING, ARIA, 1, KIM, "The first was better")

    stored = outcome.catalogue.stored(ARIA)
    page = repository.history.page(outcome.catalogue.commit, ARIA.path)
    assert stored is not None
    assert ("One.\nTwo.\nThree.\n", 3) == (stored.prompt.text, stored.held.number)
    assert [3, 2, 1] == [version.number for version in page.versions]


def test_reverting_to_a_removal_is_refused(repository: Repository) -> None:
    """A removal has no text to go back to."""
    put(repository, {"aria/angry": None})
    put(repository, {"aria/angry": "Back."})

    with pytest.raises(VersionNotFound):
        revert(repository, STAGING, ARIA, 2, SAM, "")


def test_characters_are_created_changed_archived_and_restored(repository: Repository) -> None:
    """The id stays whatever else changes."""
    create_character(repository, STAGING, Character("cleo", "Cleo"), SAM, "New")
    change_character(
        repository, STAGING, "cleo", lambda who: replace(who, name="Cleo Marsh"), SAM, "Rename"
    )
    archive_character(repository, STAGING, "cleo", SAM, "Left the show")
    archived = repository.current(STAGING).character("cleo")
    restore_character(repository, STAGING, "cleo", SAM, "Came back")

    assert Character("cleo", "Cleo Marsh", archived=True) == archived
    assert not repository.current(STAGING).character("cleo").archived


def test_an_archived_character_is_read_only(repository: Repository) -> None:
    """Its prompts stay readable."""
    archive_character(repository, STAGING, "aria", SAM, "")

    with pytest.raises(CharacterArchived):
        save(repository, STAGING, [Edit(ARIA, "New.")], SAM, "")
    assert repository.current(STAGING).resolve("aria", "angry").text


def test_two_changes_of_one_character_conflict(repository: Repository) -> None:
    """The texts of the conflict are the YAML of the file."""
    base = AtCommit(repository.head(STAGING))
    change_character(repository, STAGING, "bo", lambda who: replace(who, name="Bo A"), SAM, "")

    with pytest.raises(EditConflict) as caught:
        change_character(
            repository, STAGING, "bo", lambda who: replace(who, name="Bo B"), KIM, "", base
        )
    assert "Bo A" in str(caught.value.conflicts[0].theirs)


def test_a_hand_written_file_keeps_its_comments(repository: Repository) -> None:
    """The UI edits the text and leaves the rest of the file to its author."""
    raw = b"# Ask Kim before you change this.\nnotes: short\nprompt: Old words.\n"
    repository.store.write(
        STAGING, repository.head(STAGING), {ARIA.path: raw}, author=KIM, message="By hand"
    )

    save(repository, STAGING, [Edit(ARIA, "New words.")], SAM, "")

    after = repository.store.read(repository.head(STAGING), ARIA.path)
    assert after is not None
    assert after.startswith(b"# Ask Kim before you change this.\nnotes: short\nprompt: |-\n")


def create(ident: str) -> Callable[[Repository], object]:
    """Creating a character with this id."""
    return lambda repository: create_character(repository, STAGING, Character(ident, "X"), SAM, "")


def edit(name: str, words: str | None, branch: str = STAGING) -> Callable[[Repository], object]:
    """Saving one text."""
    return lambda repository: save(repository, branch, [Edit(key(name), words)], SAM, "")


@pytest.mark.parametrize(
    ("act", "refusal"),
    [
        (edit("aria/melancholic", "x"), UnknownEmotion),
        (edit("nobody/angry", "x"), CharacterNotFound),
        (edit("nobody/angry", None), CharacterNotFound),
        (edit("bo/angry", None), PromptNotFound),
        (edit("aria/angry", "x", PRODUCTION), ProtectedBranch),
        (edit("aria/angry", ""), InvalidDocument),
        (edit("aria/angry", "x" * 262_145), InvalidDocument),
        (edit("aria/angry", "a\x07b"), InvalidDocument),
        (create("aria"), CharacterExists),
        (create("Aria"), InvalidId),
        (create("../x"), InvalidId),
        (lambda repo: revert(repo, STAGING, ARIA, 99, SAM, ""), VersionNotFound),
        (lambda repo: restore(repo, STAGING, key("bo/idle"), SAM, ""), PromptNotFound),
        (
            lambda repo: save(repo, STAGING, [Edit(ARIA, "x", expect=AtCommit("0" * 40))], SAM, ""),
            RevisionNotFound,
        ),
    ],
)
def test_what_is_refused_leaves_the_branch_alone(
    repository: Repository,
    act: Callable[[Repository], object],
    refusal: type[PromptRepoError],
) -> None:
    """Each refusal has its own error, and no commit is made."""
    head = repository.head(STAGING)

    with pytest.raises(refusal):
        act(repository)
    assert head == repository.head(STAGING)


@pytest.mark.parametrize(
    "reason",
    [
        "x" * 2001,
        "bell\x07",
        "Fine\n\nPromoted-From: " + "0" * 40,
        "Fine\n\nrolled-back-to: " + "0" * 40,
    ],
)
def test_reasons_are_checked(repository: Repository, reason: str) -> None:
    """The trailers that versions go by are the server's to write."""
    with pytest.raises(InvalidReason):
        save(repository, STAGING, [Edit(ARIA, "New.")], SAM, reason)


def test_the_limit_comes_from_the_repository(repository: Repository) -> None:
    """A text of 231 KB is fine, one over the limit in prompts.yaml is not."""
    save(repository, STAGING, [Edit(ARIA, "wörter " * 29_000)], SAM, "")

    with pytest.raises(InvalidDocument, match="262,144"):
        save(repository, STAGING, [Edit(ARIA, "w" * 262_145)], SAM, "")
