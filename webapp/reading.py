"""What the pages of characters, defaults and prompts show, gathered from one catalogue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from flask import url_for

from prompt_repo import diffing, variables
from prompt_repo.catalogue import Catalogue
from prompt_repo.errors import UnknownEmotion
from prompt_repo.hidden_characters import hidden
from prompt_repo.model import (
    Character,
    Emotion,
    Held,
    PromptKey,
    Source,
    Stored,
    Version,
)
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from prompt_repo.searching import TAG, Index
from webapp.formatting import SOURCES, Piece, counted, first_lines, lit

PAGE = 100


@dataclass(frozen=True)
class CharacterRow:
    """A character in the list, with where each emotion's prompt comes from."""

    character: Character
    coverage: list[tuple[str, str]]
    summary: str


@dataclass(frozen=True)
class Listing:
    """One page of characters; `next_after` is the id to go on after."""

    rows: list[CharacterRow]
    total: int
    query: str
    tag: str
    archived: bool
    tags: Mapping[str, int]
    next_after: str | None
    limit: int = PAGE


@dataclass(frozen=True)
class EmotionRow:
    """One emotion of a character, or one default; `reach` is who reads a default."""

    emotion: Emotion
    source: Source
    version: Version | None
    first_lines: str
    reach: str = ""


@dataclass(frozen=True)
class RemovedRow:
    """A prompt that was removed, the version that did it, and what keeps it from coming back."""

    key: PromptKey
    title: str
    version: Version
    obstacle: str


@dataclass(frozen=True)
class Preview:
    """What a text becomes: resolved, in pieces, and what is to be said about it.

    `by_character` are the variables of a default that characters fill in, each in their own way.
    `against` is how it differs from the default it hides; nothing where it doesn't.
    `hidden` are the kinds of characters in it that nobody sees.
    """

    pieces: list[Piece]
    unknown: tuple[str, ...]
    variables: Mapping[str, str]
    characters: int
    lines: int
    by_character: tuple[str, ...] = ()
    against: tuple[diffing.Row, ...] = ()
    against_size: tuple[int, int] = (0, 0)
    hidden: tuple[str, ...] = ()

    @property
    def usable(self) -> list[str]:
        """The names that are no mistake in a text."""
        return sorted({*self.variables, *self.by_character, *variables.BUILT_IN})


class Subject:
    """The prompt a page is about, as it stands at one commit."""

    def __init__(
        self, repository: Repository, catalogue: Catalogue, environment: str, key: PromptKey
    ) -> None:
        if key.emotion not in catalogue.configuration.by_id:
            raise UnknownEmotion(key.emotion, catalogue.configuration.emotion_ids)
        self.catalogue, self.key, self._environment = catalogue, key, environment
        self._repository = repository
        self.emotion = catalogue.configuration.by_id[key.emotion]
        self.character = catalogue.character(key.character) if key.character else None
        default = PromptKey(None, key.emotion)
        self.own = _readable(catalogue, key)
        self.hidden_default = _readable(catalogue, default) if self.character else None
        found = catalogue.standing(key)
        self.file = found[0] if found else None
        self.broken = catalogue.broken(self.file) if self.file else None
        self.standing = None if self.broken else self.own or self.hidden_default

    @property
    def title(self) -> str:
        """What the prompt is called."""
        return title_of(self.catalogue, self.key)

    @property
    def archived(self) -> bool:
        """Whether the character is archived, so that nothing can be edited."""
        return self.character is not None and self.character.archived

    @property
    def removable(self) -> bool:
        """Whether there is something to remove."""
        return self.file == self.key and not self.archived

    @property
    def source(self) -> Source:
        """Where the prompt that stands comes from."""
        if self.file is None:
            return Source.MISSING
        return Source.CHARACTER if self.file.character else Source.GLOBAL

    @cached_property
    def version(self) -> Version | None:
        """The version at the prompt's own path, a removal included; None: never written."""
        held = self._repository.history.held(self.catalogue.commit, self.key.path)
        return self._repository.history.version(held.row) if held else None

    @cached_property
    def elsewhere(self) -> str:
        """What the other environment has at this path, in words; nothing where it is the same."""
        other = PRODUCTION if self._environment == STAGING else STAGING
        ours = self._file_at(self.catalogue.commit)
        theirs = self._file_at(self._repository.current(other).commit)
        if ours == theirs or (ours and theirs and ours.row == theirs.row):
            return ""
        what = "default" if self.character is None else "override"
        return f"{other} has v{theirs.number}" if theirs else f"no {what} in {other}"

    def _file_at(self, commit: str) -> Held | None:
        """What stands at the prompt's own path at a commit, whether or not it can be read."""
        held = self._repository.history.held(commit, self.key.path)
        return held if held and held.blob else None

    @cached_property
    def reach(self) -> str:
        """How many characters read this default."""
        return reach(self.catalogue, self.key.emotion)

    @property
    def crumbs(self) -> list[tuple[str, str | None]]:
        """Where the page stands."""
        env = self._environment
        if self.character is None:
            return [
                ("Defaults", url_for("defaults.index", environment=env)),
                (self.emotion.label, None),
            ]
        whose = url_for("characters.show", environment=env, character=self.character.id)
        return [
            ("Characters", url_for("characters.index", environment=env)),
            (self.character.name, whose),
            (self.emotion.label, None),
        ]

    def preview(self, text: str) -> Preview:
        """What `text` would resolve to here."""
        values = self.catalogue.variables(self.key)
        default = self.hidden_default.prompt.text if self.hidden_default else text
        differs = bool(text) and text != default
        theirs = () if self.character else characters_variables(self.catalogue)
        return Preview(
            pieces=lit(text, values),
            unknown=variables.unknown(text, {*values, *theirs}),
            variables=values,
            characters=len(text),
            lines=text.count("\n") + 1 if text else 0,
            by_character=tuple(name for name in theirs if name not in values),
            against=diffing.inline(diffing.rows(default, text)) if differs else (),
            against_size=diffing.size(default, text) if differs else (0, 0),
            hidden=tuple(dict.fromkeys(f"{each.code} ({each.name})" for each in hidden(text))),
        )


def title_of(catalogue: Catalogue, key: PromptKey) -> str:
    """What the prompt of a key is called."""
    whose = catalogue.character(key.character).name if key.character else "Default"
    return f"{whose}, {catalogue.configuration.by_id[key.emotion].label.lower()}"


def characters_variables(catalogue: Catalogue) -> tuple[str, ...]:
    """The names of variables that some character has, found once for a catalogue."""
    known: tuple[str, ...] | None = catalogue.kept.get(characters_variables)
    if known is None:
        everyone = (catalogue.character(ident) for ident in catalogue.character_ids())
        known = tuple(sorted({name for who in everyone for name in who.variables}))
        catalogue.kept[characters_variables] = known
    return known


def listing(
    catalogue: Catalogue,
    index: Index,
    query: str = "",
    tag: str = "",
    after: str = "",
    archived: bool = False,
) -> Listing:
    """A page of the characters that a query and a tag are about, after the character `after`."""
    found = index.characters(query, [tag] if tag else [], archived=archived)
    page = list(islice(found.after(after), PAGE + 1))
    rows = [_character_row(catalogue, catalogue.character(ident)) for ident in page[:PAGE]]
    next_after = page[PAGE - 1] if len(page) > PAGE else None
    return Listing(rows, len(found), query, tag, archived, index.values(TAG), next_after)


def summary(catalogue: Catalogue, character: str) -> str:
    """How a character is covered, in words: `5 overrides, 1 default, 0 missing`."""
    own, inherited, missing = map(list(catalogue.coverage(character).values()).count, SOURCES)
    return f"{counted(own, 'override')}, {counted(inherited, 'default')}, {missing} missing"


def emotion_rows(repository: Repository, catalogue: Catalogue, character: str) -> list[EmotionRow]:
    """Every emotion of a character, in the repository's order."""
    return [
        _emotion_row(repository, catalogue, emotion, PromptKey(character, emotion.id))
        for emotion in catalogue.configuration.emotions
    ]


def default_rows(repository: Repository, catalogue: Catalogue) -> list[EmotionRow]:
    """Every default, in the repository's order."""
    return [
        _emotion_row(
            repository,
            catalogue,
            emotion,
            PromptKey(None, emotion.id),
            reach(catalogue, emotion.id),
        )
        for emotion in catalogue.configuration.emotions
    ]


def reach(catalogue: Catalogue, emotion: str) -> str:
    """How many characters at work have no override of an emotion, in words."""
    count = 0
    for ident in catalogue.character_ids():
        files = catalogue.tables.folders[ident]
        who = files[""][1]
        count += emotion not in files and isinstance(who, Character) and not who.archived
    return counted(count, "character")


def removed_rows(
    repository: Repository, catalogue: Catalogue, characters: Iterable[str | None]
) -> list[RemovedRow]:
    """The removed prompts of these characters; None stands for the defaults."""
    rows = []
    for ident in characters:
        for emotion, held in catalogue.removed(ident).items():
            rows.append(_removed_row(repository, catalogue, PromptKey(ident, emotion), held))
    return rows


def _character_row(catalogue: Catalogue, who: Character) -> CharacterRow:
    coverage = catalogue.coverage(who.id)
    emotions = catalogue.configuration.by_id
    labels: dict[Source, list[str]] = {}
    for emotion, source in coverage.items():
        labels.setdefault(source, []).append(emotions[emotion].label)
    named = [
        f"{word}: {', '.join(labels[each])}" for each, word in SOURCES.items() if each in labels
    ]
    pairs = [(emotion, source.value) for emotion, source in coverage.items()]
    return CharacterRow(who, pairs, "; ".join(named))


def _emotion_row(
    repository: Repository, catalogue: Catalogue, emotion: Emotion, key: PromptKey, reach: str = ""
) -> EmotionRow:
    standing = catalogue.standing(key)
    if standing is None:
        return EmotionRow(emotion, Source.MISSING, None, "", reach)
    file, held = standing
    source = Source.CHARACTER if file.character else Source.GLOBAL
    stored, broken = _readable(catalogue, file), catalogue.broken(file)
    words = first_lines(stored.prompt.text) if stored else f"The file can’t be read: {broken}"
    return EmotionRow(emotion, source, repository.history.version(held.row), words, reach)


def _readable(catalogue: Catalogue, key: PromptKey) -> Stored | None:
    """Exactly this prompt; None also where plain Git broke its file."""
    return None if catalogue.broken(key) else catalogue.stored(key)


def _removed_row(
    repository: Repository, catalogue: Catalogue, key: PromptKey, held: Held
) -> RemovedRow:
    emotion = catalogue.configuration.by_id.get(key.emotion)
    label = emotion.label if emotion else key.emotion
    archived = False
    title = label
    who = catalogue.tables.folders.get(key.character or "", {}).get("", (held, None))[1]
    if isinstance(who, Character):
        archived, title = who.archived, f"{who.name}, {label.lower()}"
    elif key.character is None:
        title = f"Default, {label.lower()}"
    version = repository.history.version(held.row)
    obstacle = "character archived" if archived else "" if emotion else "emotion not in the list"
    return RemovedRow(key, title, version, obstacle)
