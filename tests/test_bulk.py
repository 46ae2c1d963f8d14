"""Many prompts in one go: each operation's plan, what is skipped and why, patterns, undoing."""

import pytest

from prompt_repo.bulk import MOST, CopyFrom, Effect, Operation, Plan, Remove, SetText, Tag, plan
from prompt_repo.editing import Edit, archive_character, save
from prompt_repo.errors import CharacterNotFound, EditConflict, InvalidEdit, UnknownEmotion
from prompt_repo.model import PromptKey
from prompt_repo.patterns import Replacement, replacer
from prompt_repo.repository import STAGING, Repository
from prompt_repo.undoing import UndoConflict, look, undo
from tests.factories import KIM, SAM, make_repository, put

ANGRY, HAPPY = PromptKey("aria", "angry"), PromptKey("aria", "happy")
BEN, DEFAULT = PromptKey("ben", "angry"), PromptKey(None, "angry")
SLOW = Replacement(r"^(a|aa)+$", "x", is_pattern=True)


@pytest.fixture
def repository(tmp_path) -> Repository:  # type: ignore[no-untyped-def]
    made = make_repository(tmp_path, ("aria", "ben"))
    texts = {"aria/angry": "Aria fumes.\nSlow push-in.", "aria/happy": "Aria beams."}
    put(made, {**texts, "defaults/angry": "Anger."})
    return made


def planned(repository: Repository, operation: Operation, *keys: PromptKey) -> Plan:
    return plan(repository.current(STAGING), keys or (ANGRY, HAPPY, BEN, DEFAULT), operation)


def effects(repository: Repository, operation: Operation, *keys: PromptKey) -> list[str]:
    return [each.effect.value for each in planned(repository, operation, *keys).items]


def text(repository: Repository, key: PromptKey) -> str | None:
    stored = repository.current(STAGING).stored(key)
    return stored.prompt.text if stored else None


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (SetText("Anger."), ["update", "update", "create", "unchanged"]),
        (Replacement("Aria", "She"), ["update", "update", "skipped", "unchanged"]),
        (Replacement("aria", "She"), ["unchanged", "unchanged", "skipped", "unchanged"]),
        (
            Replacement("aria", "She", ignore_case=True),
            ["update", "update", "skipped", "unchanged"],
        ),
        (CopyFrom(None), ["update", "skipped", "create", "skipped"]),
        (CopyFrom("aria"), ["skipped", "skipped", "create", "update"]),
        (CopyFrom("nobody"), ["skipped", "skipped", "skipped", "skipped"]),
        (Remove(), ["remove", "remove", "skipped", "skipped"]),
        (Tag(add=("night",)), ["update", "update", "skipped", "update"]),
        (Tag(remove=("night",)), ["unchanged", "unchanged", "skipped", "unchanged"]),
        (SetText("   "), ["skipped", "skipped", "skipped", "skipped"]),
        (SetText("a\x00b"), ["skipped", "skipped", "skipped", "skipped"]),
    ],
)
def test_each_operation_says_what_becomes_of_each_prompt(
    repository: Repository, operation: Operation, expected: list[str]
) -> None:
    """An override twice, a cell that falls back to the default, and the default itself."""
    assert expected == effects(repository, operation)


def test_what_is_skipped_says_why(repository: Repository) -> None:
    """In words that tell what to do."""
    archive_character(repository, STAGING, "ben", SAM, "Away")

    found = {each.key: each.why for each in planned(repository, Remove()).items}

    assert "the character is archived" == found[BEN]
    assert "remove it on its own page" in found[DEFAULT]


def test_a_plan_is_carried_out_in_one_commit(repository: Repository) -> None:
    """All that changes, notes and tags kept, the rest untouched."""
    save(repository, STAGING, [Edit(ANGRY, text(repository, ANGRY), "Loud", ("night",))], SAM, "n")
    found = planned(repository, Replacement(r"(\w+)\.$", r"\1!", is_pattern=True))

    done = save(repository, STAGING, found.edits(), KIM, "More energy")

    assert done.commit is not None
    assert sorted([ANGRY.path, HAPPY.path, DEFAULT.path]) == sorted(done.changed)
    assert ("Aria fumes!\nSlow push-in!", "Aria beams!") == (
        text(repository, ANGRY), text(repository, HAPPY),
    )  # fmt: skip
    stored = repository.current(STAGING).stored(ANGRY)
    assert stored is not None
    assert ("Loud", ("night",)) == (stored.prompt.notes, stored.prompt.tags)


def test_some_can_be_left_out(repository: Repository) -> None:
    """Each prompt of a plan may stay as it is."""
    edits = planned(repository, Remove()).edits({ANGRY})

    assert [HAPPY] == [each.key for each in edits]


def test_a_plan_does_not_overwrite_what_moved_since(repository: Repository) -> None:
    """It was made on a commit; whoever changed one of its prompts since is not overwritten."""
    found = planned(repository, SetText("Same."))
    put(repository, {"aria/angry": "Somebody else."})

    with pytest.raises(EditConflict):
        save(repository, STAGING, found.edits(), SAM, "")

    assert "Somebody else." == text(repository, ANGRY)
    assert "Aria beams." == text(repository, HAPPY)


def test_what_can_not_be_is_refused(repository: Repository) -> None:
    """No prompt, too many, an emotion or a character that isn't there."""
    many = [PromptKey("aria", f"e{number}") for number in range(MOST + 1)]
    now = repository.current(STAGING)

    for keys, error in (
        ([], InvalidEdit),
        (many, InvalidEdit),
        ([PromptKey("aria", "bored")], UnknownEmotion),
        ([PromptKey("zoe", "angry")], CharacterNotFound),
    ):
        with pytest.raises(error):
            plan(now, keys, Remove())
    with pytest.raises(InvalidEdit, match="tags"):
        plan(now, [ANGRY], Tag())


def test_a_tag_that_can_not_be_kept_shows_in_the_plan(repository: Repository) -> None:
    """What carrying out would refuse, the plan skips, and says why."""
    found = planned(repository, Tag(("a\0b",)), ANGRY)

    assert Effect.SKIPPED is found.items[0].effect
    assert "U+0000" in found.items[0].why


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Replacement("(", "", is_pattern=True), "no pattern"),
        (Replacement("a" * 501, ""), "500 characters"),
        (Replacement("", "x"), "what to look for"),
        (Replacement("(a)", r"\2", is_pattern=True), "replacement"),
        (Replacement("(a)", "\\", is_pattern=True), "replacement"),
        (Replacement("", "x" * 1000, is_pattern=True), "what to look for"),
        (Replacement("(?V1)[[a-z]--[aei]]", "", is_pattern=True), "no pattern"),
        (Replacement("a", r"\UFFFFFFFF", is_pattern=True), "replacement"),
        (Replacement(".{2147483647}", "", is_pattern=True), "repeats"),
        (Replacement("[]a]{90000}", "", is_pattern=True), "repeats"),
        (Replacement("((a{100}b?){100}){100,}", "", is_pattern=True), "repeats"),
        (Replacement("a{99}{99}?{99}", "", is_pattern=True), "repeats"),
        (Replacement("(?R)?a", "", is_pattern=True), "call itself"),
        (Replacement("(a(?1)*b?)+", "", is_pattern=True), "call itself"),
        (Replacement("(?x)a #(", "", is_pattern=True), "the flag x"),
        (Replacement("(?=a|b)", "x" * 100_000, is_pattern=True), "grow beyond"),
    ],
)
def test_patterns_that_can_not_be_used(wanted: Replacement, said: str) -> None:
    """Each is refused in words."""
    with pytest.raises(InvalidEdit, match=said):
        replacer(wanted)("ab" * 20)


@pytest.mark.parametrize(
    "find",
    [
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r"(?P<x>[^]{}()]{1,200})(?:\({2}|\{90000})?",
        r"((?:\w{2,30}\s?){3,}){0,90000}",
    ],
)
def test_repeats_that_people_write_are_fine(find: str) -> None:
    """Only what regex would write out at great length is refused; an escape opens no group."""
    assert "." == replacer(Replacement(find, ".", is_pattern=True))(".")[-1]


def test_a_pattern_that_runs_away_is_stopped() -> None:
    """The time bound holds within one match, not only between matches."""
    replaced = replacer(SLOW, seconds=0.2)

    with pytest.raises(InvalidEdit, match="takes more than"):
        replaced("a" * 60 + "b")


def test_plain_words_are_no_pattern() -> None:
    """Neither in what is looked for nor in what takes its place."""
    assert r"\1 (x) {y}" == replacer(Replacement("a.c", r"\1"))("a.c (x) {y}")
    assert "abc" == replacer(Replacement("a.c", "z"))("abc")
    assert "z" == replacer(Replacement("(?R)a{90000}", "z"))("(?R)a{90000}")


def test_a_bulk_edit_is_undone_by_one_commit(repository: Repository) -> None:
    """Overrides that were made go, texts that were changed come back; the history stays."""
    before = {key: text(repository, key) for key in (ANGRY, HAPPY, BEN, DEFAULT)}
    done = save(repository, STAGING, planned(repository, SetText("Same.")).edits(), SAM, "Same")
    assert done.commit is not None

    back = undo(repository, STAGING, done.commit.oid, KIM, "Undo")

    assert back.commit is not None
    assert before == {key: text(repository, key) for key in before}
    assert (done.commit.oid,) == back.commit.parents


def test_what_moved_since_is_named_and_left(repository: Repository) -> None:
    """Undoing refuses with the paths; asked for the rest, it undoes the rest."""
    done = save(repository, STAGING, planned(repository, SetText("Same.")).edits(), SAM, "Same")
    assert done.commit is not None
    put(repository, {"aria/happy": "Newer."})

    with pytest.raises(UndoConflict) as refused:
        undo(repository, STAGING, done.commit.oid, KIM, "Undo")
    undo(repository, STAGING, done.commit.oid, KIM, "Undo", rest=True)

    assert (HAPPY.path,) == refused.value.paths
    assert ("Newer.", "Aria fumes.\nSlow push-in.") == (
        text(repository, HAPPY), text(repository, ANGRY),
    )  # fmt: skip


def test_undoing_twice_does_nothing(repository: Repository) -> None:
    """What is as before already needs no commit."""
    done = save(repository, STAGING, planned(repository, Remove()).edits(), SAM, "Away")
    assert done.commit is not None
    undo(repository, STAGING, done.commit.oid, KIM, "Undo")

    again = undo(repository, STAGING, done.commit.oid, KIM, "Undo")

    assert again.commit is None
    assert () == look(repository, STAGING, done.commit.oid).puts_back


def test_the_plan_counts(repository: Repository) -> None:
    """For the sentence over the preview."""
    assert {Effect.REMOVE: 2, Effect.SKIPPED: 2} == planned(repository, Remove()).counts
