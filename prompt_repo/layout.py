"""Which path holds which document, and which ids and paths are allowed at all."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from sys import intern

from prompt_repo.errors import InvalidId
from prompt_repo.model import PromptKey

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
CONFIGURATION = "prompts.yaml"
CHARACTERS = "characters"
ENVIRONMENTS = ("staging", "production")
CHANGE_BRANCH = re.compile(r"changes/[a-z0-9][a-z0-9._-]{0,99}")


class Kind(Enum):
    """The four documents of a repository."""

    CONFIGURATION = "configuration"
    CHARACTER = "character"
    DEFAULT = "default"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class Place:
    """What a path holds: the kind of document, and the ids in the path."""

    kind: Kind
    character: str | None = None
    emotion: str | None = None

    @property
    def key(self) -> PromptKey | None:
        """The prompt at this place; None for `prompts.yaml` and `character.yaml`."""
        return PromptKey(self.character, self.emotion) if self.emotion else None


def check_id(value: str, kind: str) -> str:
    """`value`, if it is a valid id; raises InvalidId otherwise. `kind` names it in the error."""
    if not ID.fullmatch(value) or (kind == "emotion" and value == "character"):
        raise InvalidId(value, kind)
    return value


def prompt_key(character: str | None, emotion: str) -> PromptKey:
    """The key of a prompt from ids that came from outside; raises InvalidId."""
    if character is not None:
        check_id(character, "character")
    return PromptKey(character, check_id(emotion, "emotion"))


def character_path(character: str) -> str:
    """The file that describes a character."""
    return f"characters/{character}/character.yaml"


@lru_cache(maxsize=16_384)  # the same paths come up at every commit
def place_of(path: str) -> Place | None:
    """What `path` holds, or None where no document of ours may stand there."""
    if path == CONFIGURATION:
        return Place(Kind.CONFIGURATION)
    folder, _, rest = path.partition("/")
    if not rest.endswith(".yaml"):
        return None
    parts = [intern(part) for part in rest.removesuffix(".yaml").split("/")]
    if not all(ID.fullmatch(part) for part in parts):
        return None
    if folder == "defaults" and len(parts) == 1 and parts[0] != "character":
        return Place(Kind.DEFAULT, emotion=parts[0])
    if folder == "characters" and len(parts) == 2:
        if parts[1] == "character":
            return Place(Kind.CHARACTER, character=parts[0])
        return Place(Kind.OVERRIDE, character=parts[0], emotion=parts[1])
    return None


def names_of(paths: Iterable[str]) -> dict[str, list[str]]:
    """The emotions of each character that paths name; "" for defaults, and for a character's file.

    `prompts.yaml` is left out.
    """
    found: dict[str, list[str]] = {}
    for path in paths:
        place = place_of(path)
        if place is not None and place.kind is not Kind.CONFIGURATION:
            found.setdefault(place.character or "", []).append(place.emotion or "")
    return found


def is_branch(name: str) -> bool:
    """Whether `name` is a branch this project knows: an environment or a change request's."""
    return name in ENVIRONMENTS or (
        CHANGE_BRANCH.fullmatch(name) is not None
        and ".." not in name
        and not name.endswith((".lock", "."))
    )
