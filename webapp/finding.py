"""What a search shows of what it finds: characters, prompts with the lines that hold, tags."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from prompt_repo.catalogue import Catalogue
from prompt_repo.folding import asked, fold, spans, words
from prompt_repo.model import Character, Emotion, PromptKey, Source
from prompt_repo.repository import Repository
from prompt_repo.searching import PROMPT_TAG, TAG, Index

NEAR = 40  # letters shown before the first word found, in its line
SHOWN = 240  # letters of a text shown in all
CHARACTERS, TAGS = 8, 8
Piece = tuple[bool, str]
"""A stretch of text, and whether it is what was asked for."""


@dataclass(frozen=True, slots=True)
class FoundPrompt:
    """A prompt, and the stretch of its text that was asked for."""

    key: PromptKey
    title: str
    emotion: Emotion
    source: Source
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class FoundTag:
    """A tag; where no character has it, it is one of prompts alone."""

    name: str
    count: int
    of_characters: bool


@dataclass(frozen=True)
class Found:
    """What a query found; `next_after` names the prompt to go on after."""

    query: str
    characters: list[Character]
    character_count: int
    places: list[FoundPrompt]
    prompts: list[FoundPrompt]
    tags: list[FoundTag]
    next_after: str | None

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.characters or self.places or self.prompts or self.tags)


def find(
    repository: Repository,
    environment: str,
    query: str,
    limit: int,
    after: PromptKey | None = None,
) -> Found:
    """The first characters and tags that a query is about, and `limit` prompts after `after`."""
    catalogue = repository.current(environment)
    index = repository.indexes.of(catalogue)
    wanted = asked(query)
    if not wanted:
        return Found(query, [], 0, [], [], [], None)
    people = index.characters(query)
    keys = list(islice(index.prompts(query, after), limit + 1))
    first = after is None
    page = [_prompt(catalogue, key, wanted) for key in keys[:limit]]
    return Found(
        query=query,
        characters=[catalogue.character(each) for each in islice(people, CHARACTERS * first)],
        character_count=len(people),
        places=list(_places(catalogue, index, wanted)) if first else [],
        prompts=[each for each in page if each is not None],
        tags=_tags(index, wanted) if first else [],
        next_after=_cursor(keys[limit - 1]) if len(keys) > limit else None,
    )


def _places(catalogue: Catalogue, index: Index, wanted: tuple[str, ...]) -> Iterator[FoundPrompt]:
    """Prompts that are named: some words begin an emotion, the others are in a name."""
    for emotion in catalogue.configuration.emotions:
        parts = words(f"{emotion.label} {emotion.id}")
        naming = [word for word in wanted if any(part.startswith(word) for part in parts)]
        others = [word for word in wanted if word not in naming]
        if not naming or not others:
            continue
        for ident in islice(index.characters(" ".join(others)), 2):
            key = PromptKey(ident, emotion.id)
            yield FoundPrompt(
                key, _title(catalogue, key), emotion, catalogue.source(ident, emotion.id), []
            )


def _prompt(catalogue: Catalogue, key: PromptKey, wanted: tuple[str, ...]) -> FoundPrompt | None:
    stored = catalogue.stored(key)
    if stored is None:
        return None
    known = catalogue.configuration.by_id.get(key.emotion)
    emotion = known or Emotion(key.emotion, key.emotion, "")
    parts = (stored.prompt.text, stored.prompt.notes, ", ".join(stored.prompt.tags))
    spoken = next((part for part in parts if any(word in fold(part) for word in wanted)), parts[0])
    source = Source.CHARACTER if key.character else Source.GLOBAL
    return FoundPrompt(key, _title(catalogue, key), emotion, source, excerpt(spoken, wanted))


def _title(catalogue: Catalogue, key: PromptKey) -> str:
    return catalogue.character(key.character).name if key.character else "Default"


def _tags(index: Index, wanted: tuple[str, ...]) -> list[FoundTag]:
    """The tags that hold all words, those of characters first."""
    found: dict[str, FoundTag] = {}
    for kind in (TAG, PROMPT_TAG):
        for name, count in index.values(kind).items():
            if name not in found and all(word in fold(name) for word in wanted):
                found[name] = FoundTag(name, count, kind == TAG)
    return list(found.values())[:TAGS]


def _cursor(key: PromptKey) -> str:
    return f"{key.character or ''}/{key.emotion}"


def excerpt(text: str, wanted: tuple[str, ...]) -> list[Piece]:
    """The stretch of a text around the first word asked for, in pieces to be lit up."""
    found = spans(text, wanted)
    first = found[0][0] if found else 0
    start = _start(text, first)
    end = min(len(text), start + SHOWN)
    pieces, at = [(False, "…")] if start else [], start
    for begin, stop in found:
        if begin >= end:
            break
        pieces += [(False, text[at:begin]), (True, text[begin : min(stop, end)])]
        at = min(stop, end)
    pieces += [(False, text[at:end]), (False, "…" if end < len(text) else "")]
    return [piece for piece in pieces if piece[1]]


def _start(text: str, first: int) -> int:
    """Where to begin, so that what was found stands in the first line or two that are shown."""
    line = text.rfind("\n", 0, first) + 1
    if first - line <= NEAR:
        return line
    word = text.find(" ", first - NEAR) + 1
    return word if 0 < word <= first else first
