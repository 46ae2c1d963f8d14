"""Change requests as branches: proposing, comparing, updating, merging, hotfixes."""

import pytest

from prompt_repo import documents
from prompt_repo.change_checks import Check, Grade, checks
from prompt_repo.change_effects import effects
from prompt_repo.change_merging import Order, merge, update
from prompt_repo.changes import (
    Opened,
    add,
    check_title,
    compare,
    propose,
    result,
    slug_of,
    verdict,
)
from prompt_repo.changes import commits as commits_of
from prompt_repo.document_merging import Side
from prompt_repo.drift import State
from prompt_repo.drift import compare as drift
from prompt_repo.editing import Edit, save
from prompt_repo.errors import (
    ChangeMoved,
    EditConflict,
    InvalidDocument,
    InvalidReason,
    MergeConflicts,
    NothingProposed,
    ProtectedBranch,
    ReviewRequired,
    UpdateNeeded,
)
from prompt_repo.expectations import AtCommit
from prompt_repo.model import Prompt
from prompt_repo.promotion import Order as Promoting
from prompt_repo.promotion import promote
from prompt_repo.releases import Did, releases
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from tests.factories import KIM, SAM, key, put

LINES = "One.\nTwo.\nThree.\nFour.\nFive.\n"


def edit(name: str, text: str | None, seen: str | None = None) -> Edit:
    return Edit(key(name), text, expect=AtCommit(seen)) if seen else Edit(key(name), text)


def text(repository: Repository, branch: str, name: str) -> str | None:
    """What a prompt says on a branch."""
    raw = repository.store.read(repository.head(branch), key(name).path)
    value = documents.parse(raw, key(name).path) if raw is not None else None
    return value.text if isinstance(value, Prompt) else None


def order(repository: Repository, slug: str, base: str = STAGING, number: int = 7) -> Order:
    """Merging what stands on a change request's branch now."""
    head = repository.head(f"changes/{slug}")
    return Order(slug, head, base, number, "Softer", "Because.", [KIM])


@pytest.fixture
def begun(repository: Repository) -> Repository:
    """A repository with an override and two defaults, all of it in production too."""
    put(repository, {"aria/angry": LINES, "defaults/angry": "Fumes.", "defaults/idle": "Waits."})
    promote(repository, Promoting(), SAM, "Go live")
    return repository


def test_proposing_leaves_the_environment_alone(begun: Repository) -> None:
    """The edit stands on a branch of its own; its author is who proposed it."""
    before = begun.head(STAGING)

    opened = propose(begun, STAGING, "softer", [edit("aria/angry", "Soft.")], KIM, "Softer")

    assert begun.head(STAGING) == before == opened.fork
    assert text(begun, f"changes/{opened.slug}", "aria/angry") == "Soft."
    assert begun.store.commit(opened.head).author == KIM


def test_a_taken_slug_gets_a_number(begun: Repository) -> None:
    """Two requests of one title stand side by side."""
    slugs = [
        propose(begun, STAGING, "softer", [edit("aria/angry", each)], SAM).slug for each in "ab"
    ]

    assert slugs == ["softer", "softer-2"]


def test_what_changes_nothing_opens_nothing(begun: Repository) -> None:
    """No branch is left behind, also where an edit is refused."""
    with pytest.raises(NothingProposed):
        propose(begun, STAGING, "same", [edit("aria/angry", LINES)], SAM)
    with pytest.raises(InvalidDocument):
        propose(begun, STAGING, "blank", [edit("aria/angry", " ")], SAM)

    assert not [name for name in begun.store.branches() if name.startswith("changes/")]


def test_a_prompt_that_moved_is_a_conflict_of_the_request(begun: Repository) -> None:
    """Proposing asks nothing; what both changed is decided in the request."""
    seen = begun.head(STAGING)
    put(begun, {"aria/angry": "Theirs."})

    opened = propose(begun, STAGING, "mine", [edit("aria/angry", "Mine.", seen)], KIM)

    found = verdict(begun, compare(begun, begun.head(STAGING), opened.head))
    (conflict,) = found.conflicts
    assert opened.fork == seen
    assert (conflict.field, conflict.ours, conflict.theirs) == ("prompt", "Theirs.", "Mine.")


def test_adding_to_a_request_keeps_what_is_there(begun: Repository) -> None:
    """A second edit lands beside the first; one that saw another text conflicts."""
    seen = begun.head(STAGING)
    slug = propose(begun, STAGING, "mine", [edit("aria/angry", "Mine.")], KIM).slug

    add(begun, slug, [edit("defaults/idle", "Paces.", seen)], KIM)
    with pytest.raises(EditConflict) as refused:
        add(begun, slug, [edit("aria/angry", "Other.", seen)], SAM)

    assert refused.value.conflicts[0].theirs == "Mine."
    found = compare(begun, begun.head(STAGING), begun.head(f"changes/{slug}"))
    assert found.paths == ("characters/aria/angry.yaml", "defaults/idle.yaml")
    assert [each.reason for each in commits_of(begun, found)] == [
        "Edit defaults/idle",
        "Edit characters/aria/angry",
    ]


def test_what_the_base_did_since_is_not_the_requests_doing(begun: Repository) -> None:
    """The comparison is with the fork; how far the base went on is told apart from it."""
    opened = propose(begun, STAGING, "mine", [edit("aria/angry", "Mine.")], KIM)
    put(begun, {"defaults/idle": "Paces."})

    found = compare(begun, begun.head(STAGING), opened.head)

    assert found.paths == ("characters/aria/angry.yaml",)
    assert verdict(begun, found).behind == 1


def test_a_default_reaches_every_character_who_falls_back_to_it(begun: Repository) -> None:
    """Aria has a text of her own for angry; bolt hasn't."""
    opened = propose(begun, STAGING, "x", [edit("defaults/angry", "{character_name} boils.")], KIM)
    found = compare(begun, begun.head(STAGING), opened.head)
    before, after = begun.current(STAGING), result(begun, found)

    (effect,) = effects(before, after, "defaults/angry.yaml")

    assert (effect.character, effect.before, effect.after) == ("bolt", "Fumes.", "Bolt boils.")


def test_a_merge_is_a_commit_with_trailers_and_the_proposers_version(begun: Repository) -> None:
    """Two parents, who reviewed and which request; the version is still the proposer's."""
    opened = propose(begun, STAGING, "softer", [edit("aria/angry", "Soft.")], KIM, "Softer")
    before = begun.head(STAGING)

    merged = merge(begun, order(begun, opened.slug), SAM)

    assert merged.commit.parents == (before, opened.head)
    assert merged.commit.trailers == (("Change-Request", "7"), ("Reviewed-by", str(KIM)))
    held = begun.history.held(merged.commit.oid, "characters/aria/angry.yaml")
    assert held is not None
    version = begun.history.version(held.row)
    assert (version.number, version.author, version.reason) == (2, KIM, "Softer")
    assert text(begun, STAGING, "aria/angry") == "Soft."
    assert begun.check() == []


def test_a_merge_takes_only_the_head_that_was_looked_at(begun: Repository) -> None:
    """A commit that came after is never merged unseen."""
    slug = propose(begun, STAGING, "softer", [edit("aria/angry", "Soft.")], KIM).slug
    seen = order(begun, slug)
    add(begun, slug, [edit("aria/angry", "Hard.")], KIM)

    with pytest.raises(ChangeMoved):
        merge(begun, seen, SAM)

    assert text(begun, STAGING, "aria/angry") == LINES


def test_texts_that_would_be_joined_are_looked_at_first(begun: Repository) -> None:
    """Edits of different lines are refused until the request was updated from its base."""
    slug = propose(begun, STAGING, "x", [edit("aria/angry", LINES.replace("Two", "2"))], KIM).slug
    put(begun, {"aria/angry": LINES.replace("Five", "5")})
    with pytest.raises(UpdateNeeded):
        merge(begun, order(begun, slug), SAM)

    before = compare(begun, begun.head(STAGING), begun.head(f"changes/{slug}"))
    update(begun, slug, STAGING, before.head, SAM)
    after = compare(begun, begun.head(STAGING), begun.head(f"changes/{slug}"))
    merge(begun, order(begun, slug), SAM)

    assert before.fingerprint != after.fingerprint
    joined = LINES.replace("Two", "2").replace("Five", "5")
    assert text(begun, STAGING, "aria/angry") == joined


def test_an_update_that_touches_nothing_proposed_keeps_the_fingerprint(begun: Repository) -> None:
    """What was reviewed is the same, so reviews stand."""
    opened = propose(begun, STAGING, "x", [edit("aria/angry", "Mine.")], KIM)
    put(begun, {"defaults/idle": "Paces."})
    before = compare(begun, begun.head(STAGING), opened.head)

    head = update(begun, opened.slug, STAGING, opened.head, SAM).oid

    after = compare(begun, begun.head(STAGING), head)
    assert before.fingerprint == after.fingerprint
    assert verdict(begun, after).behind == 0
    with pytest.raises(NothingProposed):
        update(begun, opened.slug, STAGING, head, SAM)


@pytest.mark.parametrize(
    ("choice", "stands"), [(Side.OURS, "Mine."), (Side.THEIRS, "Theirs."), ("Both.", "Both.")]
)
def test_a_conflict_is_decided_in_place(begun: Repository, choice: str, stands: str) -> None:
    """One side, the other, or a text of both; without a decision nothing is written."""
    opened = propose(begun, STAGING, "x", [edit("aria/angry", "Mine.")], KIM)
    put(begun, {"aria/angry": "Theirs."})
    with pytest.raises(MergeConflicts):
        merge(begun, order(begun, opened.slug), SAM)
    with pytest.raises(MergeConflicts):
        update(begun, opened.slug, STAGING, opened.head, SAM)

    choices = {("characters/aria/angry.yaml", "prompt"): choice}
    update(begun, opened.slug, STAGING, opened.head, SAM, choices, begun.head(STAGING))

    assert text(begun, f"changes/{opened.slug}", "aria/angry") == stands
    if stands != "Theirs.":
        merge(begun, order(begun, opened.slug), SAM)
        assert text(begun, STAGING, "aria/angry") == stands
    assert begun.check() == []


def test_a_decision_on_an_older_base_or_a_blank_text_is_refused(begun: Repository) -> None:
    """Choices count for the two commits they were made on."""
    opened = propose(begun, STAGING, "x", [edit("aria/angry", "Mine.")], KIM)
    seen = begun.head(STAGING)
    put(begun, {"aria/angry": "Theirs."})
    path = ("characters/aria/angry.yaml", "prompt")

    with pytest.raises(ChangeMoved):
        update(begun, opened.slug, STAGING, opened.head, SAM, {path: "Both."}, seen)
    with pytest.raises(InvalidDocument):
        update(begun, opened.slug, STAGING, opened.head, SAM, {path: " "})


def checked_by_name(begun: Repository, opened: Opened) -> dict[str, Check]:
    found = compare(begun, begun.head(STAGING), opened.head)
    made = checks(begun, found, verdict(begun, found), result(begun, found))
    return {each.name: each for each in made}


def test_checks_name_what_is_wrong(begun: Repository) -> None:
    """A prompt of an emotion that left the list meanwhile, and a name that is no variable."""
    opened = propose(begun, STAGING, "x", [edit("defaults/happy", "{nonsense} smiles.")], KIM)

    by_name = checked_by_name(begun, opened)

    assert by_name["Documents"].grade is Grade.PASSED
    assert by_name["Variables"].grade is Grade.WARNED
    assert by_name["Variables"].details == ("defaults/happy.yaml: {nonsense} is no variable here",)


def test_checks_tell_of_what_a_reviewer_can_not_see(begun: Repository) -> None:
    """A text that turns the direction of its line reads otherwise than it is."""
    opened = propose(begun, STAGING, "x", [edit("defaults/happy", "Smiles.\nNo\u202ehtap.")], KIM)

    by_name = checked_by_name(begun, opened)

    assert by_name["Hidden characters"].grade is Grade.WARNED
    assert by_name["Hidden characters"].details == (
        "defaults/happy.yaml: line 2, column 3 of the text: U+202E (right-to-left override)",
    )


def test_what_would_break_the_base_is_not_merged(begun: Repository) -> None:
    """The base lost the emotion that the request has a prompt for."""
    opened = propose(begun, STAGING, "x", [edit("defaults/happy", "Smiles.")], KIM)
    configuration = begun.current(STAGING).configuration
    fewer = documents.dump(
        type(configuration)(tuple(e for e in configuration.emotions if e.id != "happy"))
    )
    commit = begun.store.write(
        STAGING, begun.head(STAGING), {"prompts.yaml": fewer}, author=SAM, message="Fewer"
    )
    begun.written(STAGING, commit)

    with pytest.raises(InvalidDocument, match="happy"):
        merge(begun, order(begun, opened.slug), SAM)


def test_a_hotfix_goes_live_and_reaches_staging(begun: Repository) -> None:
    """Its paths and no others; both environments count the same version, and nothing drifts."""
    put(begun, {"defaults/idle": "Not live yet."})
    opened = propose(begun, PRODUCTION, "fix", [edit("aria/angry", "Fixed.")], KIM, "Fix")
    with pytest.raises(ProtectedBranch):
        save(begun, PRODUCTION, [edit("aria/angry", "Fixed.")], KIM, "Fix")

    merged = merge(begun, order(begun, opened.slug, PRODUCTION), SAM)

    assert text(begun, PRODUCTION, "aria/angry") == text(begun, STAGING, "aria/angry") == "Fixed."
    assert text(begun, PRODUCTION, "defaults/idle") == "Waits."
    assert merged.staged is not None
    assert merged.staged.trailers == (("Hotfix-From", merged.commit.oid),)
    numbers = {
        begun.history.held(begun.head(each), "characters/aria/angry.yaml").number  # type: ignore[union-attr]
        for each in (STAGING, PRODUCTION)
    }
    assert numbers == {2}
    assert [each.path for each in drift(begun).items] == ["defaults/idle.yaml"]
    newest = releases(begun).items[0]
    assert (newest.did, newest.tag is not None) == (Did.HOTFIXED, True)
    assert begun.check() == []


def test_a_hotfix_of_what_moved_in_staging_opens_a_request(begun: Repository) -> None:
    """Staging keeps its text; the conflict waits, and once decided staging is ahead."""
    put(begun, {"aria/angry": "Staging's."})
    opened = propose(begun, PRODUCTION, "fix", [edit("aria/angry", "Fixed.")], KIM, "Fix")

    merged = merge(begun, order(begun, opened.slug, PRODUCTION), SAM)

    assert merged.left == "hotfix-7-in-staging"
    assert text(begun, STAGING, "aria/angry") == "Staging's."
    assert drift(begun).paths(State.DIVERGED) == ["characters/aria/angry.yaml"]
    head = begun.head(f"changes/{merged.left}")
    assert [
        each.field for each in verdict(begun, compare(begun, begun.head(STAGING), head)).conflicts
    ]
    update(begun, merged.left, STAGING, head, SAM, {(merged.left_paths[0], "prompt"): "Both."})
    merge(begun, order(begun, merged.left), SAM)
    assert text(begun, STAGING, "aria/angry") == "Both."
    assert drift(begun).paths(State.AHEAD) == ["characters/aria/angry.yaml"]
    assert begun.check() == []


def test_where_review_is_required_no_edit_is_saved_directly(begun: Repository) -> None:
    """Merging is the way."""
    begun.reviewed = frozenset({STAGING})

    with pytest.raises(ReviewRequired):
        save(begun, STAGING, [edit("aria/angry", "Direct.")], SAM, "")
    opened = propose(begun, STAGING, "x", [edit("aria/angry", "Proposed.")], KIM)
    merge(begun, order(begun, opened.slug), SAM)

    assert text(begun, STAGING, "aria/angry") == "Proposed."


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Softer Aria, after March", "softer-aria-after-march"),
        ("Éclair à la crème", "eclair-a-la-creme"),
        ("../../etc/passwd", "etc-passwd"),
        ("--upload-pack=x", "upload-pack-x"),
        ("静かに", "change"),
        ("x" * 200, "x" * 60),
        ("a.lock", "a-lock"),
    ],
)
def test_slugs_are_safe_whatever_the_title(title: str, slug: str) -> None:
    """Only a to z, digits and dashes, and never nothing."""
    assert slug_of(title) == slug


@pytest.mark.parametrize("title", ["", "  ", "x" * 201, "a\0b", "Reviewed-by: Me <me@x.example>"])
def test_titles_that_forge_or_break_are_refused(title: str) -> None:
    """Nobody writes the server's trailers, or what a terminal would obey."""
    with pytest.raises(InvalidReason):
        check_title(title)
