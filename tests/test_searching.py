"""What a search finds, and in what order."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from prompt_repo.editing import archive_character, change_character, create_character
from prompt_repo.model import Character, PromptKey
from prompt_repo.repository import STAGING, Repository
from prompt_repo.searching import AUTHOR, PROMPT_TAG, TAG, Index
from tests.factories import KIM, SAM, make_repository, put


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Four characters of many alphabets, and some prompts."""
    made = make_repository(tmp_path)
    for who in (
        Character("aria", "Aria Vale", "Hosts a phone-in show.", tags=("radio", "night")),
        Character("zoe", "Zoë Ångström", "Paints at night.", tags=("museum",)),
        Character("straus", "Herr Strauß"),
        Character("mei", "李梅"),
    ):
        create_character(made, STAGING, who, SAM, f"Add {who.id}")
    put(
        made,
        {
            "defaults/idle": "Waits by the DOOR.",
            "aria/angry": "{character_name} slams the door.\nCafé light.",
            "aria/idle": "Listens to the storm.",
            "zoe/angry": "Breaks a brush; the storm outside.",
            "mei/idle": "她在厨房里等着。",
        },
    )
    return made


def index(repository: Repository) -> Index:
    """The index of staging as it stands."""
    return repository.indexes.of(repository.current(STAGING))


def characters(repository: Repository, query: str = "", tags: Iterable[str] = ()) -> list[str]:
    """Who is found in staging."""
    return list(index(repository).characters(query, tags))


def prompts(repository: Repository, query: str) -> list[str]:
    """Which prompts are found in staging."""
    found = index(repository).prompts(query)
    return [f"{key.character or 'defaults'}/{key.emotion}" for key in found]


def rename(repository: Repository, ident: str, name: str) -> None:
    """Gives a character another name."""
    change_character(
        repository, STAGING, ident, lambda who: replace(who, name=name), SAM, f"Call them {name}"
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ARIA", ["aria"]),
        ("vale aria", ["aria"]),
        ("al", ["aria"]),
        ("zoe angstrom", ["zoe"]),
        ("Zoë", ["zoe"]),
        ("strauss", ["straus"]),
        ("STRAUSS", ["straus"]),
        ("梅", ["mei"]),
        ("phone-in", ["aria"]),
        ("phone in", ["aria"]),
        ("night", ["aria", "zoe"]),
        ("night vale", ["aria"]),
        ("nobody", []),
        ("--", []),
        ("  ", ["aria", "straus", "zoe", "mei"]),
    ],
)
def test_characters_are_found_by_all_words(
    repository: Repository, query: str, found: list[str]
) -> None:
    """In name, id, tags or description; case, accents and punctuation do not count."""
    assert found == characters(repository, query)


def test_characters_are_found_by_tags(repository: Repository) -> None:
    """All of them must be theirs."""
    assert ["aria"] == characters(repository, "", ["radio", "night"])
    assert [] == characters(repository, "", ["radio", "museum"])
    assert [] == characters(repository, "", ["rad"])


def test_archived_characters_are_found_apart(repository: Repository) -> None:
    """The ordinary search is for those at work."""
    archive_character(repository, STAGING, "aria", SAM, "On leave")

    assert ["zoe"] == characters(repository, "night")
    assert ["aria"] == list(index(repository).characters("night", archived=True))
    assert ["aria", "zoe"] == list(index(repository).characters("night", archived=None))
    assert [] == prompts(repository, "slams")


def test_a_page_goes_on_after_an_id(repository: Repository) -> None:
    """In the order of names; an id that is gone begins anew."""
    found = index(repository).characters()

    assert 4 == len(found)
    assert ["aria", "straus"] == list(islice(found, 2))
    assert ["zoe", "mei"] == list(found.after("straus"))
    assert ["aria", "straus", "zoe", "mei"] == list(found.after("never-was"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("door", ["defaults/idle", "aria/angry"]),
        ("DOOR cafe", ["aria/angry"]),
        ("storm", ["aria/idle", "zoe/angry"]),
        ("aria storm", ["aria/idle"]),
        ("slams listens", []),
        ("aria vale", []),
        ("character_name", ["aria/angry"]),
        ("厨房", ["mei/idle"]),
        ("房", ["mei/idle"]),
        ("s", []),
        ("a storm", ["aria/idle", "zoe/angry"]),
        ("", []),
        ("{}", []),
    ],
)
def test_prompts_are_found_by_all_words(
    repository: Repository, query: str, found: list[str]
) -> None:
    """In one prompt's text, or its character's name beside it; the defaults come first."""
    assert found == prompts(repository, query)


def test_prompts_go_on_after_one(repository: Repository) -> None:
    """Each is found once, however the pages are cut."""
    whole = list(index(repository).prompts("the"))

    for at, key in enumerate(whole):
        assert whole[at + 1 :] == list(index(repository).prompts("the", after=key))
    assert PromptKey(None, "idle") == whole[0]


def test_the_index_follows_edits(repository: Repository) -> None:
    """What is said no longer is not found, and what was renamed stands elsewhere."""
    index(repository)
    put(repository, {"aria/idle": "Sleeps through the rain.", "zoe/angry": None})
    rename(repository, "aria", "Ylva")

    assert ["aria/idle"] == prompts(repository, "rain")
    assert [] == prompts(repository, "storm")
    assert [] == prompts(repository, "brush")
    assert [] == characters(repository, "vale")
    assert ["straus", "aria", "zoe", "mei"] == characters(repository)


def test_an_index_made_step_by_step_is_one_made_at_once(repository: Repository) -> None:
    """Whatever came and went in between."""
    for number in range(3):
        put(repository, {"aria/idle": f"Take {number}.", "defaults/angry": f"Fumes {number}."})
        index(repository)
        archive_character(repository, STAGING, ("zoe", "mei", "aria")[number], KIM, "Rest")
        index(repository)
    afresh = Repository.open(repository.store.path)

    ours, theirs = index(repository), index(afresh)

    assert set(ours.texts) == set(theirs.texts)
    assert set(ours.names) == set(theirs.names)
    assert ours.roll.order == theirs.roll.order
    for kind in (AUTHOR, TAG, PROMPT_TAG):
        assert ours.values(kind) == theirs.values(kind)
    for word in ("take", "0", "2", "fumes", "storm", "door"):
        assert list(ours.prompts(word)) == list(theirs.prompts(word))


def test_authors_and_tags_are_counted(repository: Repository) -> None:
    """The author of a prompt is whoever wrote the version that stands."""
    assert {"Sam Byrne": 4} == index(repository).values(AUTHOR)
    assert {"museum": 1, "night": 1, "radio": 1} == index(repository).values(TAG)


def test_broken_files_are_left_out(repository: Repository) -> None:
    """Plain git may bring what no schema allows; it hides no other."""
    files = {
        "characters/zoe/idle.yaml": b"prompt: [1]\n",
        "characters/ghost/idle.yaml": b"prompt: |-\n  A storm without a character.\n",
    }
    repository.store.write(STAGING, repository.head(STAGING), files, author=SAM, message="By hand")

    assert ["aria/idle", "zoe/angry"] == prompts(repository, "storm")
    assert 4 == len(index(repository).characters())
