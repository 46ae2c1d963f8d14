"""Three-way merge of documents, field by field, where git's merge of lines found no way.

Git sees lines of YAML: two people who each set `notes`, or who each add a tag, conflict there and
do not here. What is merged is what the documents say, so that the result is always a document.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from prompt_repo import documents
from prompt_repo.errors import InvalidDocument
from prompt_repo.merging import merge_texts
from prompt_repo.model import Character, Configuration, Emotion, Limits, Prompt

T = TypeVar("T")
Value = Prompt | Character | Configuration


class Side(StrEnum):
    """Whose value of a field stands."""

    OURS = "ours"
    THEIRS = "theirs"


Choice = Side | str
"""A side, or (any other string) the text that a person made of both."""
Choices = Mapping[tuple[str, str], Choice]
"""What was decided about conflicts, by path and field."""
UNDECIDED: Choices = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """One field that two sides changed differently; `field` is "" for the whole document.

    The sides are texts as a person would read them; None where a side has nothing there.
    """

    path: str
    field: str
    base: str | None
    ours: str | None
    theirs: str | None


@dataclass(frozen=True, slots=True)
class DocumentMerge:
    """The merged file; with conflicts it holds our side of the fields they are about."""

    raw: bytes | None
    conflicts: tuple[FieldConflict, ...]


def merge_documents(
    path: str,
    base: bytes | None,
    ours: bytes | None,
    theirs: bytes | None,
    choices: Choices = UNDECIDED,
) -> DocumentMerge:
    """Joins two edits of a document; None is a side where the file doesn't stand.

    What `choices` decide is no conflict any more.
    """
    if ours == theirs or theirs == base:
        return DocumentMerge(ours, ())
    if ours == base:
        return DocumentMerge(theirs, ())
    left, right = _parsed(path, ours), _parsed(path, theirs)
    if left is None or right is None:
        whole = choices.get((path, ""))
        if whole is not None:
            return DocumentMerge(theirs if whole is Side.THEIRS else ours, ())
        return DocumentMerge(ours, (_whole(path, base, ours, theirs),))
    fields = _Fields(path, choices)
    merged = fields.merge(_parsed(path, base), left, right)
    raw = documents.edit(ours, path, merged)
    return DocumentMerge(raw, tuple(fields.conflicts))


def _parsed(path: str, raw: bytes | None) -> Value | None:
    """What a file says; None where there is none, or none that can be read."""
    if raw is None:
        return None
    try:
        return documents.parse(raw, path)
    except InvalidDocument:
        return None  # a base with git's own markers, or a side that a check refuses by its name


def _whole(
    path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None
) -> FieldConflict:
    texts = (None if raw is None else raw.decode(errors="replace") for raw in (base, ours, theirs))
    return FieldConflict(path, "", *texts)


class _Fields:
    """Merges the fields of one document and notes those that conflict."""

    def __init__(self, path: str, choices: Choices) -> None:
        self._path, self._choices = path, choices
        self.conflicts: list[FieldConflict] = []

    def merge(self, base: Value | None, ours: Value, theirs: Value) -> Value:
        """The merged document; where fields conflict it holds ours."""
        if isinstance(ours, Prompt) and isinstance(theirs, Prompt):
            return self._prompt(base if isinstance(base, Prompt) else Prompt(""), ours, theirs)
        if isinstance(ours, Character) and isinstance(theirs, Character):
            empty = Character(ours.id, "")
            return self._character(base if isinstance(base, Character) else empty, ours, theirs)
        if isinstance(ours, Configuration) and isinstance(theirs, Configuration):
            begun = base if isinstance(base, Configuration) else Configuration(())
            return self._configuration(begun, ours, theirs)
        raise TypeError(f"{self._path} holds a {type(ours).__name__}")

    def _prompt(self, base: Prompt, ours: Prompt, theirs: Prompt) -> Prompt:
        return Prompt(
            self._lines("prompt", base.text, ours.text, theirs.text),
            self._lines("notes", base.notes, ours.notes, theirs.notes),
            _joined(base.tags, ours.tags, theirs.tags),
        )

    def _character(self, base: Character, ours: Character, theirs: Character) -> Character:
        return replace(
            ours,
            name=self._one("name", base.name, ours.name, theirs.name),
            description=self._lines(
                "description", base.description, ours.description, theirs.description
            ),
            variables=self._map("variables", base.variables, ours.variables, theirs.variables),
            tags=_joined(base.tags, ours.tags, theirs.tags),
            archived=self._one("archived", base.archived, ours.archived, theirs.archived),
        )

    def _configuration(
        self, base: Configuration, ours: Configuration, theirs: Configuration
    ) -> Configuration:
        emotions = self._map("emotions", base.by_id, ours.by_id, theirs.by_id, _emotion)
        order = _joined(base.emotion_ids, ours.emotion_ids, theirs.emotion_ids)
        limits = {
            name: self._one(
                f"limits.{name}", *(getattr(s.limits, name) for s in (base, ours, theirs))
            )
            for name in Limits.__slots__
        }
        return replace(
            ours,
            emotions=tuple(emotions[ident] for ident in order if ident in emotions),
            variables=self._map("variables", base.variables, ours.variables, theirs.variables),
            limits=Limits(**limits),
        )

    def _lines(self, field: str, base: str, ours: str, theirs: str) -> str:
        """A text, merged by its lines."""
        merged = merge_texts(base, theirs, ours).text
        if merged is not None:
            return merged
        choice = self._choices.get((self._path, field))
        if choice is None:
            self.conflicts.append(FieldConflict(self._path, field, base or None, ours, theirs))
        elif not isinstance(choice, Side):
            return documents.normalise(choice)
        return theirs if choice is Side.THEIRS else ours

    def _one(self, field: str, base: T, ours: T, theirs: T, said: Callable[[T], str] = str) -> T:
        """A value that is one thing: whoever changed it has it."""
        if ours == theirs or theirs == base:
            return ours
        if ours == base:
            return theirs
        choice = self._choices.get((self._path, field))
        if choice is None:
            texts = (None if side is None else said(side) for side in (base, ours, theirs))
            self.conflicts.append(FieldConflict(self._path, field, *texts))
        return theirs if choice is Side.THEIRS else ours

    def _map(
        self,
        field: str,
        base: Mapping[str, T],
        ours: Mapping[str, T],
        theirs: Mapping[str, T],
        said: Callable[[Any], str] = str,
    ) -> dict[str, T]:
        """Values by name, each merged by itself; ours come first."""
        found = {}
        for name in dict.fromkeys([*ours, *theirs]):
            sides = (base.get(name), ours.get(name), theirs.get(name))
            value = self._one(f"{field}.{name}", *sides, said=said)
            if value is not None:
                found[name] = value
        return found


def _emotion(emotion: Emotion) -> str:
    return f"{emotion.label} {emotion.colour}"


def _joined(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    """A list of different words: what either side added, without what either took away.

    Where only one side changed the order, that order is taken, else ours comes first.
    """
    if tuple(ours) == tuple(base):
        return tuple(theirs)
    gone = set(base) - set(theirs)
    added = [word for word in theirs if word not in ours and word not in base]
    return (*(word for word in ours if word not in gone), *added)
