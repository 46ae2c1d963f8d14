"""Every prompt at one commit, overrides over defaults; immutable, and shared between commits."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from prompt_repo import variables
from prompt_repo.errors import (
    CharacterNotFound,
    InvalidDocument,
    Problem,
    PromptNotFound,
    UnknownEmotion,
)
from prompt_repo.layout import CONFIGURATION, Kind, Place, character_path, place_of
from prompt_repo.model import (
    Character,
    Configuration,
    Held,
    Prompt,
    PromptKey,
    Resolved,
    Source,
    Stored,
)
from prompt_repo.parsed import Document, Parsed

Found = tuple[Held, Parsed]
Spot = tuple[str, str]
"""Where a document stands in the tables: its folder, and its name in it."""
Expected = TypeVar("Expected", bound=Document)


@dataclass(frozen=True, slots=True)
class Tables:
    """What stands at a commit, by folder; removed files are kept apart from standing ones.

    The folder of the defaults is "" and the emotion of `character.yaml` is "".
    """

    configuration: Found | None = None
    folders: Mapping[str, Mapping[str, Found]] = field(default_factory=dict)
    removed: Mapping[str, Mapping[str, Held]] = field(default_factory=dict)


class Catalogue:
    """All documents at one commit.

    Made with `tables`, it answers from memory. Made without, it looks single files up by `find`
    and calls `load` only when asked for a list, so that reading one old prompt stays cheap.
    In `kept` a reader may keep what it made of the catalogue; it goes when the catalogue goes.
    """

    def __init__(
        self,
        commit: str,
        *,
        tables: Tables | None = None,
        find: Callable[[str], Found | None] | None = None,
        load: Callable[[], Tables] | None = None,
        moved: tuple[str, Set[Spot]] | None = None,
    ) -> None:
        self.commit = commit
        self.moved = moved
        """The commit this was made from, and where documents moved since, if it was."""
        self._find, self._load = find, load
        self._resolved: dict[tuple[str, str], Resolved] = {}
        self.kept: dict[Any, Any] = {}
        if tables is not None:
            self.tables = tables

    @cached_property
    def tables(self) -> Tables:
        """Everything at this commit, read at first use."""
        if self._load is None:
            raise LookupError(f"the catalogue at {self.commit} was made without a way to load it")
        return self._load()

    @cached_property
    def configuration(self) -> Configuration:
        """What `prompts.yaml` says here; raises InvalidDocument, also where it is missing."""
        found = self._file(None, None, CONFIGURATION)
        if found is None:
            message = (
                "is missing, and without its list of emotions nothing can be read; put it back"
            )
            raise InvalidDocument([Problem(CONFIGURATION, message)])
        return _expect(Configuration, found[1])

    @cached_property
    def problems(self) -> tuple[InvalidDocument, ...]:
        """What is wrong with documents at this commit; such documents raise it when read."""
        files = (found for folder in self.tables.folders.values() for found in folder.values())
        return tuple(value for _, value in files if isinstance(value, InvalidDocument))

    @cached_property
    def _ids(self) -> Sequence[str]:
        return sorted(name for name, files in self.tables.folders.items() if name and "" in files)

    def character_ids(self) -> Sequence[str]:
        """All characters' ids in order, archived ones included."""
        return self._ids

    def character(self, character: str) -> Character:
        """Who has this id; raises CharacterNotFound, InvalidDocument for a broken file."""
        return _expect(Character, self._who(character)[1])

    def character_held(self, character: str) -> Held:
        """Which version of `character.yaml` stands here; raises CharacterNotFound."""
        return self._who(character)[0]

    def stored(self, key: PromptKey) -> Stored | None:
        """Exactly this file, without falling back; None where it doesn't stand."""
        found = self._file(key.character, key.emotion, key.path)
        if found is None:
            return None
        return Stored(key, _expect(Prompt, found[1]), found[0])

    def source(self, character: str, emotion: str) -> Source:
        """Where the prompt of a character and an emotion comes from.

        Raises UnknownEmotion and CharacterNotFound.
        """
        self._check(character, emotion)
        if self._file(character, emotion, PromptKey(character, emotion).path) is not None:
            return Source.CHARACTER
        if self._file(None, emotion, PromptKey(None, emotion).path) is not None:
            return Source.GLOBAL
        return Source.MISSING

    def lookup(self, key: PromptKey) -> Stored | None:
        """What a reader of `key` gets: the override, else the default, else None.

        Raises UnknownEmotion and CharacterNotFound.
        """
        self._check(key.character, key.emotion)
        found = self.stored(key)
        if found is None and key.character is not None:
            found = self.stored(PromptKey(None, key.emotion))
        return found

    def standing(self, key: PromptKey) -> tuple[PromptKey, Held] | None:
        """Which file a reader of `key` gets, be it a valid document or not; None where neither
        an override nor a default stands.

        Raises UnknownEmotion and CharacterNotFound.
        """
        self._check(key.character, key.emotion)
        for each in (key, PromptKey(None, key.emotion)):
            found = self._file(each.character, each.emotion, each.path)
            if found is not None:
                return each, found[0]
        return None

    def broken(self, key: PromptKey) -> InvalidDocument | None:
        """What is wrong with exactly this file, without falling back; None where nothing is."""
        found = self._file(key.character, key.emotion, key.path)
        return found[1] if found is not None and isinstance(found[1], InvalidDocument) else None

    def resolve(self, character: str, emotion: str) -> Resolved:
        """The text for a character and an emotion with its variables filled in.

        Raises UnknownEmotion, CharacterNotFound, and PromptNotFound where neither an override
        nor a default exists.
        """
        known = self._resolved.get((character, emotion))
        if known is None:
            known = self._resolve(character, emotion)
            self._resolved[character, emotion] = known
        return known

    def variables(self, key: PromptKey) -> dict[str, str]:
        """The variables a prompt can use, with their values."""
        who = self.character(key.character) if key.character is not None else None
        emotion = self.configuration.by_id[key.emotion]
        return variables.known(who, emotion, self.configuration.variables)

    def etag(self, key: PromptKey) -> str | None:
        """A validator of all that a reading of `key` is built from; None where nothing stands.

        It is made of the version's commit and of the variables, so that a text that goes
        from A to B and back to A has three different ones, and a broken file has one too.
        """
        standing = self.standing(key)
        return None if standing is None else _etag(key, *standing, self.variables(key))

    def character_etag(self, character: str) -> str:
        """A validator of `character.yaml`; raises CharacterNotFound."""
        return _digest(character, self.character_held(character).commit)

    def overrides(self, character: str) -> Mapping[str, Stored]:
        """A character's own prompts by emotion, in the repository's order.

        Those of emotions that left the list come last. Raises CharacterNotFound.
        """
        self.character(character)
        return self._prompts(character)

    def defaults(self) -> Mapping[str, Stored]:
        """The global defaults by emotion, in the repository's order."""
        return self._prompts("")

    def removed(self, character: str | None) -> Mapping[str, Held]:
        """Prompts that once stood and were removed, by emotion: a character's, or the defaults."""
        folder = self.tables.removed.get(character or "", {})
        return {emotion: folder[emotion] for emotion in sorted(folder) if emotion}

    def coverage(self, character: str) -> dict[str, Source]:
        """Where each emotion's prompt comes from, in the repository's order."""
        own = self.tables.folders.get(character, {})
        shared = self.tables.folders.get("", {})
        return {
            emotion: Source.CHARACTER
            if emotion in own
            else Source.GLOBAL
            if emotion in shared
            else Source.MISSING
            for emotion in self.configuration.emotion_ids
        }

    def _resolve(self, character: str, emotion: str) -> Resolved:
        key = PromptKey(character, emotion)
        stored = self.lookup(key)
        if stored is None:
            raise PromptNotFound(key.path)
        values = self.variables(key)
        return Resolved(
            character=character,
            emotion=emotion,
            text=variables.fill(stored.prompt.text, values),
            source=Source.GLOBAL if stored.key.character is None else Source.CHARACTER,
            held=stored.held,
            etag=_etag(key, stored.key, stored.held, values),
            commit=self.commit,
            variables=values,
            unknown_variables=variables.unknown(stored.prompt.text, values),
        )

    def _prompts(self, folder: str) -> Mapping[str, Stored]:
        files = self.tables.folders.get(folder, {})
        order = self.configuration.by_id
        names = [emotion for emotion in order if emotion in files]
        names += sorted(name for name in files if name and name not in order)
        return {
            emotion: Stored(PromptKey(folder or None, emotion), value, held)
            for emotion in names
            for held, value in [files[emotion]]
            if isinstance(value, Prompt)
        }

    def _check(self, character: str | None, emotion: str) -> None:
        if emotion not in self.configuration.by_id:
            raise UnknownEmotion(emotion, self.configuration.emotion_ids)
        if character is not None:
            self.character(character)

    def _who(self, character: str) -> Found:
        found = self._file(character, "", character_path(character))
        if found is None:
            raise CharacterNotFound(character)
        return found

    def _file(self, folder: str | None, emotion: str | None, path: str) -> Found | None:
        if "tables" not in self.__dict__ and self._find is not None:
            return self._find(path)
        if emotion is None:
            return self.tables.configuration
        return self.tables.folders.get(folder or "", {}).get(emotion)


def advanced(
    tables: Tables, moved: Mapping[str, Held | None], values: Mapping[str, Parsed]
) -> Tables:
    """The tables after `moved` paths took new versions; what did not move is shared.

    `values` holds the documents of the moved paths' blobs.
    """
    configuration = tables.configuration
    folders = dict(tables.folders)
    removed = dict(tables.removed)
    fresh: dict[str, tuple[dict[str, Found], dict[str, Held]]] = {}
    for path, held in moved.items():
        place = place_of(path)
        if place is None:
            continue
        value = placed(values[held.blob], path) if held and held.blob else None
        if place.kind is Kind.CONFIGURATION:
            configuration = (held, value) if held and value is not None else None
            continue
        folder, name = place.character or "", place.emotion or ""
        if folder not in fresh:
            fresh[folder] = dict(folders.get(folder, {})), dict(removed.get(folder, {}))
            folders[folder], removed[folder] = fresh[folder]
        _put(*fresh[folder], name, held, value)
    return Tables(configuration, folders, removed)


def placed(value: Parsed, path: str) -> Parsed:
    """A blob's value as it stands at `path`: the same bytes may stand at several."""
    if isinstance(value, Character):
        place = place_of(path)
        ident = place.character if place and place.character else value.id
        return value if value.id == ident else replace(value, id=ident)
    if isinstance(value, InvalidDocument) and value.problems[0].path != path:
        return value.at(path)
    return value


def _put(
    standing: dict[str, Found],
    removed: dict[str, Held],
    name: str,
    held: Held | None,
    value: Parsed | None,
) -> None:
    standing.pop(name, None)
    removed.pop(name, None)
    if held is not None and value is not None:
        standing[name] = (held, value)
    elif held is not None:
        removed[name] = held


def shared(tables: Tables, other: Tables, folders: Iterable[str]) -> Tables:
    """The tables with what `other` holds alike in the `folders` put in as one object.

    Two branches hold mostly the same; who compares them then need not look into folders that are
    one object, nor at files that are.
    """
    alike: dict[str, Mapping[str, Found]] = {}
    for name in folders:
        mine, theirs = tables.folders.get(name), other.folders.get(name)
        if mine is None or theirs is None or mine is theirs:
            continue
        same = {each: theirs[each] for each, found in mine.items() if theirs.get(each) == found}
        alike[name] = theirs if len(same) == len(mine) == len(theirs) else {**mine, **same}
    configuration = tables.configuration
    if configuration is not other.configuration and configuration == other.configuration:
        configuration = other.configuration
    if not alike and configuration is tables.configuration:
        return tables
    return replace(tables, configuration=configuration, folders={**tables.folders, **alike})


def found_at(tables: Tables, place: Place) -> Found | None:
    """What stands at a place; None where nothing does."""
    if place.kind is Kind.CONFIGURATION:
        return tables.configuration
    return tables.folders.get(place.character or "", {}).get(place.emotion or "")


def folders_of(paths: Iterable[str]) -> set[str]:
    """The folders of the tables in which documents at these paths stand."""
    places = (place_of(path) for path in paths)
    return {place.character or "" for place in places if place is not None}


def spots_of(paths: Iterable[str]) -> set[Spot]:
    """Where the documents at these paths stand in the tables, `prompts.yaml` aside."""
    places = (place_of(path) for path in paths)
    return {
        (place.character or "", place.emotion or "")
        for place in places
        if place is not None and place.kind is not Kind.CONFIGURATION
    }


def path_of(folder: str, name: str) -> str:
    """The path of the document that stands in a folder of the tables under a name."""
    if folder and name:  # quicker than by a key, for a plan asks for thousands
        return f"characters/{folder}/{name}.yaml"
    return PromptKey(None, name).path if name else character_path(folder)


def blobs_of(moved: Mapping[str, Held | None]) -> dict[str, str]:
    """Which blobs the paths hold, each with a path where it stands."""
    return {held.blob: path for path, held in moved.items() if held and held.blob}


def _expect(kind: type[Expected], value: Parsed) -> Expected:
    if isinstance(value, InvalidDocument):
        raise value.at(value.problems[0].path)
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, found {type(value).__name__}")
    return value


def _etag(key: PromptKey, stored: PromptKey, held: Held, values: Mapping[str, str]) -> str:
    return _digest(key.path, stored.path, held.commit, json.dumps(values, sort_keys=True))


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
