"""Repositories, characters and prompts for tests, made by the real code."""

from collections.abc import Mapping
from pathlib import Path

from prompt_repo.editing import Edit, create_character, save
from prompt_repo.model import Author, Character, Configuration, Emotion, PromptKey
from prompt_repo.repository import STAGING, Repository

SAM = Author("Sam Byrne", "sam@studio.example")
KIM = Author("Kim Osei", "kim@studio.example")

EMOTIONS = (
    Emotion("idle", "Idle", "#64748b"),
    Emotion("happy", "Happy", "#ca8a04"),
    Emotion("angry", "Angry", "#dc2626"),
)


def configuration(**variables: str) -> Configuration:
    """Three emotions, and whatever shared variables the test wants."""
    return Configuration(emotions=EMOTIONS, variables=variables)


def make_repository(folder: Path, characters: tuple[str, ...] = (), **shared: str) -> Repository:
    """A repository with the characters named, none of whom has a prompt yet."""
    repository = Repository.create(folder / "prompts.git", configuration(**shared), SAM)
    for ident in characters:
        who = Character(ident, ident.capitalize())
        create_character(repository, STAGING, who, SAM, f"Add {ident}")
    return repository


def put(repository: Repository, texts: Mapping[str, str | None], reason: str = "") -> str:
    """Sets texts by path such as `defaults/idle` or `aria/angry`; gives the commit."""
    edits = [Edit(key(name), text) for name, text in texts.items()]
    outcome = save(repository, STAGING, edits, SAM, reason)
    assert outcome.commit is not None
    return outcome.commit.oid


def key(name: str) -> PromptKey:
    """`aria/angry` is an override, `defaults/angry` a default."""
    folder, _, emotion = name.partition("/")
    return PromptKey(None if folder == "defaults" else folder, emotion)
