"""The values everything speaks in: emotions, characters, prompts, versions. All frozen."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from prompt_repo.trailers import split_trailers

FORMAT = 1
NAMESPACE = uuid.UUID("6f1c5f0e-5d0f-5c4e-9b3a-1d2f0a7e9c11")
"""The UUIDv5 namespace of prompt ids; a prompt's id is UUIDv5 of its path."""


class Source(StrEnum):
    """Where a resolved prompt came from."""

    CHARACTER = "character"
    GLOBAL = "global"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Author:
    """A person as Git names one."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True, slots=True)
class Emotion:
    """One state from the repository's own list; `colour` is `#rrggbb`."""

    id: str
    label: str
    colour: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How large things may get; `prompt_bytes` counts the UTF-8 of one prompt's text."""

    prompt_bytes: int = 262_144
    notes_bytes: int = 16_384
    tags: int = 32


@dataclass(frozen=True)
class Configuration:
    """What `prompts.yaml` says: the emotions in order, shared variables, limits."""

    emotions: tuple[Emotion, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    format: int = FORMAT

    @cached_property
    def emotion_ids(self) -> tuple[str, ...]:
        """The ids in the repository's order."""
        return tuple(emotion.id for emotion in self.emotions)

    @cached_property
    def by_id(self) -> Mapping[str, Emotion]:
        """The emotions by id."""
        return MappingProxyType({emotion.id: emotion for emotion in self.emotions})


@dataclass(frozen=True, slots=True)
class Character:
    """Who speaks: an id that never changes, a name that may, and variables of their own."""

    id: str
    name: str
    description: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one prompt file says: the text exactly, and what people noted beside it."""

    text: str
    notes: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class PromptKey:
    """Which prompt: the default of an emotion (`character` is None), or a character's override."""

    character: str | None
    emotion: str

    @property
    def path(self) -> str:
        """The file that holds this prompt."""
        if self.character is None:
            return f"defaults/{self.emotion}.yaml"
        return f"characters/{self.character}/{self.emotion}.yaml"

    @property
    def id(self) -> uuid.UUID:
        """The permanent id: UUIDv5 of the path."""
        return uuid.uuid5(NAMESPACE, self.path)


@dataclass(frozen=True, slots=True)
class Held:
    """Which version stands at a path: its number, its commit, its blob (None: removed).

    `row` is the version's place in the history index, good for `History.version`; `parent` that
    of the version that its number counts on from.
    """

    row: int
    number: int
    commit: str
    blob: str | None
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One recorded text of a prompt: who wrote it, when and why.

    `blob` is None where the version is a removal. `joined` is the commit of the other side
    where a merge joined two new texts.
    """

    number: int
    commit: str
    author: Author
    created_at: datetime
    reason: str
    blob: str | None
    path: str
    joined: str | None = None

    @property
    def removed(self) -> bool:
        """Whether this version took the prompt away."""
        return self.blob is None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some versions of one prompt, newest first; `next_cursor` is None on the last page."""

    versions: tuple[Version, ...]
    next_cursor: str | None


class FileChange(NamedTuple):
    """One path whose blob differs between two commits; None means absent there."""

    path: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Graft:
    """Folders below one parent that become, as a whole, what they are at a commit."""

    commit: str
    parent: str
    names: Collection[str]


@dataclass(frozen=True, slots=True)
class Label:
    """An annotated tag to be: its name, and what it says."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as the domain sees it; `changes` are against the first parent.

    `message` is whole; `trailers` are those of its last paragraph, in order.
    """

    oid: str
    parents: tuple[str, ...]
    author: Author
    authored_at: datetime
    committed_at: datetime
    message: str
    changes: tuple[FileChange, ...] = ()
    trailers: tuple[tuple[str, str], ...] = ()

    @property
    def reason(self) -> str:
        """The message without its trailers."""
        return split_trailers(self.message)[0]


@dataclass(frozen=True, slots=True)
class RefMove:
    """One move of a branch, from the log Git keeps of them: by whom, and by what."""

    old: str | None
    new: str
    at: datetime
    who: Author = Author("", "")
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A prompt as it stands at one commit: its key, what it says, and which version that is."""

    key: PromptKey
    prompt: Prompt
    held: Held


@dataclass(frozen=True)
class Resolved:
    """The text a video service gets, and what it was made of."""

    character: str
    emotion: str
    text: str
    source: Source
    held: Held
    etag: str
    commit: str
    variables: Mapping[str, str] = field(default_factory=dict)
    unknown_variables: tuple[str, ...] = ()
