"""Promotion: everything, some, held back, diverged, rolled back; and the plan before it."""

from dataclasses import replace
from pathlib import Path

import pytest

from prompt_repo.drift import State, compare
from prompt_repo.editing import Edit, change_character, create_character, save
from prompt_repo.errors import (
    InvalidDocument,
    InvalidEdit,
    NothingToPromote,
    NotInPlan,
    PlanMoved,
    RevisionNotFound,
    RolledBackMoved,
    Undecided,
)
from prompt_repo.model import Character
from prompt_repo.promotion import Order, Pinned, Side, promote
from prompt_repo.releases import Did, releases
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.rolling_back import roll_back
from prompt_repo.tagging import Promotion
from tests.factories import KIM, SAM, key, make_repository, put
from tests.gitrepo import git

ANGRY, HAPPY, IDLE = "aria/angry", "aria/happy", "defaults/idle"


def path(name: str) -> str:
    """The file of a prompt."""
    return key(name).path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Aria with three prompts, all of them in production."""
    made = make_repository(tmp_path, ("aria",))
    put(made, {ANGRY: "One.", HAPPY: "Glad.", IDLE: "Still."}, "Begin")
    promote(made, Order(), KIM, "Go live")
    return made


def text(repository: Repository, name: str, branch: str = PRODUCTION) -> str | None:
    """What stands, exactly there."""
    found = repository.current(branch).stored(key(name))
    return found.prompt.text if found else None


def number(repository: Repository, name: str, branch: str = PRODUCTION) -> int | None:
    """The version's number there."""
    found = repository.current(branch).stored(key(name))
    return found.held.number if found else None


def states(repository: Repository) -> dict[str, State]:
    """What differs, and how."""
    return {item.path: item.state for item in compare(repository).items}


def hotfix(repository: Repository, name: str, words: str) -> None:
    """A commit on production by plain means, as a merged hotfix is."""
    head = repository.head(PRODUCTION)
    raw = f"prompt: |-\n  {words}\n".encode()
    commit = repository.store.write(
        PRODUCTION, head, {path(name): raw}, author=SAM, message=f"Fix {name}"
    )
    repository.written(PRODUCTION, commit)


def everything(repository: Repository, **more: object) -> Promotion:
    return promote(repository, Order(**more), KIM)  # type: ignore[arg-type]


def test_after_promoting_everything_nothing_differs(repository: Repository) -> None:
    """Production holds staging's texts at staging's numbers, by a merge commit."""
    put(repository, {ANGRY: "Two.", HAPPY: None})
    assert set(states(repository).values()) == {State.AHEAD}

    done = everything(repository)

    assert states(repository) == {}
    assert text(repository, ANGRY) == "Two."
    assert text(repository, HAPPY) is None
    assert number(repository, ANGRY) == number(repository, ANGRY, STAGING) == 2
    assert len(done.commit.parents) == 2


def test_promoting_some_leaves_the_rest(repository: Repository) -> None:
    """A plain commit takes what was named, at staging's number, and says from where."""
    put(repository, {ANGRY: "Two."})
    put(repository, {ANGRY: "Three.", HAPPY: "Gladder."})
    staging = repository.head(STAGING)

    done = promote(repository, Order(paths=[path(ANGRY)]), KIM, "Just this")

    assert states(repository) == {path(HAPPY): State.AHEAD}
    assert number(repository, ANGRY) == 3
    assert text(repository, HAPPY) == "Glad."
    assert done.commit.trailers == (("Promoted-From", staging),)
    assert done.commit.author == KIM


def test_a_promotion_is_tagged_with_its_notes(repository: Repository) -> None:
    """An annotated tag carries the reasons of what went live."""
    put(repository, {ANGRY: "Two."}, "Softer voice")

    done = everything(repository)

    assert done.tag.startswith("production/")
    assert done.tag.endswith(".2")
    message = git(repository.store.path, "tag", "-l", "--format=%(contents)", done.tag)
    assert "aria/angry: 1 → 2" in message
    assert "Softer voice (Sam Byrne)" in message
    assert repository.store.tags()[done.tag] == done.commit.oid


def test_what_was_rolled_back_is_held_back(repository: Repository) -> None:
    """Everything is promoted without it, until somebody picks it."""
    put(repository, {ANGRY: "Two."})
    first = everything(repository)
    roll_back(repository, first.commit.oid, KIM, "Too loud")
    put(repository, {HAPPY: "Gladder."})

    assert number(repository, ANGRY) == 1
    assert states(repository) == {path(ANGRY): State.HELD_BACK, path(HAPPY): State.AHEAD}

    everything(repository)
    assert text(repository, ANGRY) == "One."
    assert states(repository) == {path(ANGRY): State.HELD_BACK}

    put(repository, {ANGRY: "Two, mended."})
    assert states(repository) == {path(ANGRY): State.HELD_BACK}

    done = promote(repository, Order(picked=[path(ANGRY)]), KIM)
    assert text(repository, ANGRY) == "Two, mended."
    assert ("Promotes-Held-Back", path(ANGRY)) in done.commit.trailers
    assert states(repository) == {}


def test_a_roll_back_rolled_back_holds_nothing(repository: Repository) -> None:
    """What was put forward again goes on being promoted as before."""
    put(repository, {ANGRY: "Two."})
    first = everything(repository)
    back = roll_back(repository, first.tag, KIM)
    roll_back(repository, back.tag, KIM)

    put(repository, {ANGRY: "Three."})

    assert states(repository) == {path(ANGRY): State.AHEAD}
    assert text(repository, ANGRY) == "Two."


def test_a_hotfix_is_not_overwritten(repository: Repository) -> None:
    """What only production moved stays, and can't be promoted."""
    hotfix(repository, ANGRY, "Mended.")
    put(repository, {HAPPY: "Gladder."})
    assert states(repository) == {path(ANGRY): State.HOTFIXED, path(HAPPY): State.AHEAD}

    everything(repository)

    assert text(repository, ANGRY) == "Mended."
    with pytest.raises(InvalidEdit, match="only moved in production"):
        promote(repository, Order(paths=[path(ANGRY)]), KIM)


@pytest.mark.parametrize(
    ("decision", "there"),
    [(Side.STAGING, "Two."), (Side.PRODUCTION, "Mended."), ("Both.", "Both.")],
)
def test_a_decision_reaches_both_environments(
    repository: Repository, decision: Side | str, there: str
) -> None:
    """Whichever way a diverged prompt is decided, the next plan is clean and numbers agree."""
    put(repository, {ANGRY: "Two.", HAPPY: "Gladder."})
    hotfix(repository, ANGRY, "Mended.")
    assert states(repository)[path(ANGRY)] is State.DIVERGED
    with pytest.raises(Undecided) as asked:
        everything(repository)
    assert asked.value.paths == (path(ANGRY),)

    everything(repository, decisions={path(ANGRY): decision})

    assert states(repository) == {}
    assert text(repository, ANGRY) == text(repository, ANGRY, STAGING) == there
    assert number(repository, ANGRY) == number(repository, ANGRY, STAGING)
    assert text(repository, HAPPY) == "Gladder."


def test_a_plan_that_moved_is_refused(repository: Repository) -> None:
    """A promotion decided on other commits than these does nothing."""
    put(repository, {ANGRY: "Two."})
    plan = compare(repository)
    put(repository, {HAPPY: "Gladder."})
    before = repository.head(PRODUCTION)

    with pytest.raises(PlanMoved):
        promote(repository, Order(), KIM, pinned=Pinned(plan.staging, plan.production))

    assert repository.head(PRODUCTION) == before


def test_nothing_to_promote_is_said(repository: Repository) -> None:
    """No commit is made where nothing differs."""
    before = repository.head(PRODUCTION)

    with pytest.raises(NothingToPromote):
        everything(repository)
    with pytest.raises(NotInPlan):
        promote(repository, Order(paths=["characters/nobody/angry.yaml"]), KIM)

    assert repository.head(PRODUCTION) == before


def test_a_new_characters_prompt_takes_the_character_along(repository: Repository) -> None:
    """A prompt brings `character.yaml` where production does not know who that is."""
    create_character(repository, STAGING, Character("bo", "Bo"), SAM, "Add Bo")
    put(repository, {"bo/angry": "Grr.", "bo/happy": "Ha."})

    promote(repository, Order(paths=[path("bo/angry")]), KIM)

    assert repository.current(PRODUCTION).character("bo").name == "Bo"
    assert states(repository) == {path("bo/happy"): State.AHEAD}


def test_a_prompt_takes_along_the_variable_it_uses(repository: Repository) -> None:
    """A text with a variable that only staging's character has brings the character."""

    def change(who: Character) -> Character:
        return replace(who, variables={"coat": "a green coat"})

    change_character(repository, STAGING, "aria", change, SAM, "A coat")
    put(repository, {ANGRY: "In {coat}."})

    promote(repository, Order(paths=[path(ANGRY)]), KIM)

    assert repository.current(PRODUCTION).resolve("aria", "angry").text == "In a green coat."


def test_a_result_that_breaks_a_rule_is_refused(repository: Repository) -> None:
    """An emotion's removal can't go live while production has prompts for it."""
    raw = b"format: 1\nemotions:\n  - {id: idle, label: Idle, colour: '#64748b'}\n"
    commit = repository.store.write(
        STAGING, repository.head(STAGING), {"prompts.yaml": raw}, author=SAM, message="Fewer"
    )
    repository.written(STAGING, commit)

    with pytest.raises(InvalidDocument, match="would be no emotion"):
        everything(repository)


def test_rolling_back_what_moved_since_is_decided_by_somebody(repository: Repository) -> None:
    """A prompt that went on in production is put back only where that is said."""
    put(repository, {ANGRY: "Two.", HAPPY: "Gladder."})
    first = everything(repository)
    put(repository, {ANGRY: "Three."})
    everything(repository)

    with pytest.raises(RolledBackMoved) as asked:
        roll_back(repository, first.tag, KIM)
    assert asked.value.paths == (path(ANGRY),)

    roll_back(repository, first.tag, KIM, only=[path(HAPPY)])
    assert text(repository, HAPPY) == "Glad."
    assert text(repository, ANGRY) == "Three."

    roll_back(repository, first.tag, KIM, only=[path(ANGRY)], anyway=[path(ANGRY)])
    assert (text(repository, ANGRY), number(repository, ANGRY)) == ("One.", 1)


def test_what_stands_again_already_is_not_asked_about(repository: Repository) -> None:
    """Once one prompt was put back, all the rest of its promotion is put back without a word."""
    put(repository, {ANGRY: "Two.", HAPPY: "Gladder."})
    first = everything(repository)
    roll_back(repository, first.tag, KIM, only=[path(ANGRY)])

    done = roll_back(repository, first.tag, KIM)

    assert (path(HAPPY),) == done.paths
    assert ("One.", "Glad.") == (text(repository, ANGRY), text(repository, HAPPY))
    with pytest.raises(NothingToPromote):
        roll_back(repository, first.tag, KIM)


def test_only_productions_own_commits_can_be_rolled_back(repository: Repository) -> None:
    """A commit of staging is none of production's line, though it is its ancestor."""
    put(repository, {ANGRY: "Two."})
    staging = repository.head(STAGING)
    everything(repository)

    with pytest.raises(RevisionNotFound):
        roll_back(repository, staging, KIM)


def test_releases_tell_what_went_live_when(repository: Repository) -> None:
    """Newest first: what each did, from where, under which tag; page by page."""
    put(repository, {ANGRY: "Two."})
    first = everything(repository)
    back = roll_back(repository, first.tag, KIM, "Too loud")

    page = releases(repository, limit=2)
    rest = releases(repository, page.next_cursor)

    assert [(each.did, each.tag) for each in page.items] == [
        (Did.ROLLED_BACK, back.tag),
        (Did.PROMOTED, first.tag),
    ]
    assert page.items[1].source == first.commit.parents[1]
    assert rest.next_cursor is None
    assert rest.items[-1].did is Did.BEGAN


def test_plain_git_merges_count_as_promotions(repository: Repository, tmp_path: Path) -> None:
    """CI's merge and push gives the same numbers, and leaves nothing to promote."""
    put(repository, {ANGRY: "Two."})
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "-b", PRODUCTION, str(repository.store.path), str(clone))
    git(clone, "merge", "-q", "--no-ff", "-m", "Release", "origin/staging")
    git(clone, "push", "-q", "origin", PRODUCTION)

    assert states(repository) == {}
    assert number(repository, ANGRY) == 2
    assert releases(repository).items[0].did is Did.PROMOTED


def test_edits_after_a_promotion_count_on(repository: Repository) -> None:
    """Numbers go on from where staging is, whatever production did."""
    put(repository, {ANGRY: "Two."})
    first = everything(repository)
    roll_back(repository, first.tag, KIM)
    save(repository, STAGING, [Edit(key(ANGRY), "Three.")], SAM, "")

    assert number(repository, ANGRY, STAGING) == 3
    assert number(repository, ANGRY) == 1
