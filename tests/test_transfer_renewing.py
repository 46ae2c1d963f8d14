"""Imports planned anew, because what they are about moved between preview and import."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from prompt_repo import documents
from prompt_repo.editing import change_character, create_character
from prompt_repo.model import Character, Configuration, PromptKey
from prompt_repo.repository import STAGING, Repository
from prompt_repo.transfer_apply import Choices, Order, apply, undecided
from prompt_repo.transfer_deciding import draft, settle
from prompt_repo.transfer_errors import ImportMoved, InvalidFile
from prompt_repo.transfer_plan import NO_BASE, Plan, State, Strategy, opened, plan
from prompt_repo.transfer_reading import read_path
from prompt_repo.transfer_renewing import Renewed, renew
from prompt_repo.transfer_staged import Staged
from tests.factories import KIM, SAM, make_repository, put
from tests.transfers import exported

ANGRY, IDLE = "characters/aria/angry.yaml", "characters/bolt/idle.yaml"
SHEET = "character,emotion,prompt_text\naria,angry,The file's.\nbolt,idle,The file's too.\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = make_repository(tmp_path, ("aria", "bolt"))
    put(found, {"aria/angry": "Ours.", "bolt/idle": "Ours too."}, "Begin")
    return found


class Waiting:
    """An import that waits to be carried out, as a server keeps one."""

    def __init__(self, folder: Path, repository: Repository, raw: str, **options: bool) -> None:
        folder.mkdir()
        source, self.file = folder / "sent", folder / "staged"
        source.write_text(raw)
        self.repository, self.options = repository, options
        staged = Staged.make(self.file, "sheet.csv")
        read_path(source, staged, repository.current(STAGING).configuration.emotions)
        plan(repository, STAGING, staged, **options)
        self._base = staged.base
        staged.keep()

    @contextmanager
    def look(self) -> Iterator[Plan]:
        """Its plan."""
        staged = Staged.open(self.file, "sheet.csv", self._base, (NO_BASE,))
        try:
            yield opened(STAGING, staged.commit, staged)
        except BaseException:
            staged.close()
            raise
        staged.keep()

    def states(self) -> Mapping[str, State]:
        with self.look() as found:
            return {each.path: each.state for each in found.entries()}

    @contextmanager
    def renewed(self) -> Iterator[Renewed]:
        """Its plan made anew."""
        with self.look() as found:
            yield renew(self.repository, found, **self.options)

    def carry_out(self, choices: Choices) -> None:
        with self.look() as found:
            apply(self.repository, found, Order(KIM, "", choices))


@pytest.fixture
def waiting(tmp_path: Path, repository: Repository) -> Waiting:
    return Waiting(tmp_path / "import", repository, SHEET)


def write(repository: Repository, files: Mapping[str, bytes | None]) -> None:
    """A commit as a push brings one."""
    head = repository.head(STAGING)
    commit = repository.store.write(STAGING, head, files, author=SAM, message="By hand")
    repository.written(STAGING, commit)


def text(repository: Repository, name: str) -> str | None:
    who, _, emotion = name.partition("/")
    stored = repository.current(STAGING).stored(PromptKey(who, emotion))
    return stored.prompt.text if stored else None


def test_a_new_plan_is_of_what_stands_now(waiting: Waiting, repository: Repository) -> None:
    """It names what moved, and can be carried out, also where all moves twice."""
    every = Choices(Strategy.OVERWRITE)
    for words in ("Meanwhile.", "And again."):
        put(repository, {"aria/angry": words})
        with pytest.raises(ImportMoved) as refused:
            waiting.carry_out(every)
        assert (ANGRY,) == refused.value.paths

        with waiting.renewed() as found:
            assert (ANGRY,) == found.moved
            assert repository.head(STAGING) == found.plan.commit

    waiting.carry_out(every)
    assert "The file's." == text(repository, "aria/angry")


def test_choices_of_what_moved_are_made_again(waiting: Waiting, repository: Repository) -> None:
    """Those of documents that stand as they stood are kept, and so is what holds for all."""
    before = Choices(None, {ANGRY: Strategy.OVERWRITE, IDLE: Strategy.SKIP})
    put(repository, {"aria/angry": "Meanwhile."})

    with waiting.renewed() as found:
        after = found.choices(before)
        assert {IDLE: Strategy.SKIP} == after.each
        assert [ANGRY] == undecided(found.plan, after)
        assert Strategy.MERGE is found.choices(Choices(Strategy.MERGE)).default


def test_what_became_the_same_needs_no_choice(waiting: Waiting, repository: Repository) -> None:
    """Somebody wrote just what the file says."""
    put(repository, {"aria/angry": "The file's."})

    with waiting.renewed() as found:
        assert {} == found.choices(Choices(None, {ANGRY: Strategy.OVERWRITE})).each

    assert State.UNCHANGED is waiting.states()[ANGRY]


def test_texts_written_by_hand_are_kept(waiting: Waiting, repository: Repository) -> None:
    """They stand where the conflict is the same; elsewhere they wait for somebody's word."""
    with waiting.look() as found:
        assert settle(repository, found, ANGRY, "Both.")
        assert settle(repository, found, IDLE, "Both too.")
    put(repository, {"aria/angry": "Meanwhile."})

    with waiting.renewed() as renewed:
        assert [ANGRY] == undecided(renewed.plan, Choices(Strategy.MERGE))

    with waiting.look() as found:
        angry, idle = (found.entry(path) for path in (ANGRY, IDLE))
        assert angry is not None
        assert idle is not None
        assert "Both." == draft(repository, found, angry)
        assert "Both too." == draft(repository, found, idle)
        assert not settle(repository, found, ANGRY, "Both.")
        assert settle(repository, found, ANGRY, "Both.", chosen=True)
    waiting.carry_out(Choices(Strategy.MERGE))
    assert ("Both.", "Both too.") == (text(repository, "aria/angry"), text(repository, "bolt/idle"))


def test_emotions_of_both_sides_stay(tmp_path: Path) -> None:
    """The configuration is settled against what stands now, not against what stood."""
    source = make_repository(tmp_path / "one", ("aria",), light="dusk", lens="35 mm")
    target = make_repository(tmp_path / "two", ("aria",), light="dawn")
    put(target, {"aria/angry": "Ours."})
    waiting = Waiting(tmp_path / "import", target, exported(source).decode())
    ours = target.current(STAGING).configuration
    later = Configuration(ours.emotions, {"light": "noon"}, ours.limits)
    write(target, {"prompts.yaml": documents.dump(later, "prompts.yaml")})

    with waiting.renewed() as found:
        assert ("prompts.yaml",) == found.moved
    waiting.carry_out(Choices(Strategy.SKIP))

    now = target.current(STAGING).configuration.variables
    assert {"light": "noon", "lens": "35 mm"} == now


def test_a_character_who_came_meanwhile_is_not_created(
    tmp_path: Path, repository: Repository
) -> None:
    """The name they were given here stays."""
    raw = "character,emotion,prompt_text\ndana,idle,Hi.\n"
    waiting = Waiting(tmp_path / "import", repository, raw, create_characters=True)
    create_character(repository, STAGING, Character("dana", "Dana of Here"), SAM, "Dana")
    with pytest.raises(ImportMoved):
        waiting.carry_out(Choices())

    with waiting.renewed():
        pass
    waiting.carry_out(Choices())

    assert ["characters/dana/idle.yaml"] == list(waiting.states())
    found = repository.current(STAGING).character("dana")
    assert "Dana of Here" == found.name


def test_a_card_is_completed_again(tmp_path: Path, repository: Repository) -> None:
    """With the variables that the character has by now."""
    card = {"spec": "chara_card_v2", "data": {"name": "Aria", "description": "Sings."}}
    waiting = Waiting(tmp_path / "import", repository, json.dumps(card))
    coat = {"coat": "a red coat"}
    change_character(
        repository, STAGING, "aria", lambda who: replace(who, variables=coat), SAM, "Coat"
    )

    with waiting.renewed():
        pass
    waiting.carry_out(Choices(Strategy.OVERWRITE))

    found = repository.current(STAGING).character("aria")
    assert ("Sings.", coat) == (found.description, dict(found.variables))


def test_prompts_of_a_character_who_went_do_not_stay_behind(
    tmp_path: Path, repository: Repository
) -> None:
    """A plan to give one a prompt has moved too, and what doesn't fit any more says so."""
    raw = "character,emotion,prompt_text\naria,happy,New.\n"
    waiting = Waiting(tmp_path / "import", repository, raw)
    write(repository, {"characters/aria/character.yaml": None, ANGRY: None})

    with pytest.raises(ImportMoved):
        waiting.carry_out(Choices())
    with pytest.raises(InvalidFile) as refused, waiting.look() as found:
        renew(repository, found)

    assert (2, 1, "character") == (
        refused.value.problems[0].line,
        refused.value.problems[0].column,
        refused.value.problems[0].field,
    )


def test_other_prompts_may_move(waiting: Waiting, repository: Repository) -> None:
    """Those that the file says nothing of disturb nothing."""
    put(repository, {"aria/happy": "Else."})

    waiting.carry_out(Choices(Strategy.OVERWRITE))

    assert "The file's." == text(repository, "aria/angry")
