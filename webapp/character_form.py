"""The form of a character's settings: what was typed, and where it clashes with others' edits."""

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from prompt_repo import documents
from prompt_repo.model import Character
from webapp.editor import tags_of

EMPTY_PAIRS = 2  # rows offered for new variables; without JavaScript there is no "add one"
FIELDS = ("name", "description", "tags", "variables")


@dataclass(frozen=True)
class Clash:
    """A field that somebody changed since this edit began."""

    field: str
    base: str
    theirs: str


@dataclass(frozen=True)
class CharacterForm:
    """The fields as they stand in the form; `variables` holds empty pairs for new ones."""

    id: str
    name: str
    description: str
    tags: str
    variables: tuple[tuple[str, str], ...]
    reason: str = ""

    @classmethod
    def of(cls, who: Character) -> "CharacterForm":
        """What stands now, ready to be edited."""
        pairs = (*who.variables.items(), *_empty())
        return cls(who.id, who.name, who.description, ", ".join(who.tags), pairs)

    @classmethod
    def typed(cls, form: MultiDict[str, str], ident: str | None = None) -> "CharacterForm":
        """What a request brought; `ident` is the id where it is not the form's to choose."""
        names, values = form.getlist("variable_name"), form.getlist("variable_value")
        pairs = zip(names, values, strict=False)
        kept = [(name.strip(), documents.normalise(value)) for name, value in pairs if name.strip()]
        return cls(
            id=form.get("id", "").strip() if ident is None else ident,
            name=form.get("name", "").strip(),
            description=documents.normalise(form.get("description", "")).strip(),
            tags=form.get("tags", ""),
            variables=(*kept, *_empty()),
            reason=form.get("reason", ""),
        )

    def character(self, archived: bool = False) -> Character:
        """The character the form describes."""
        return Character(
            id=self.id,
            name=self.name,
            description=self.description,
            variables={name: value for name, value in self.variables if name},
            tags=tags_of(self.tags),
            archived=archived,
        )


def clashes(base: Character, now: Character) -> list[Clash]:
    """What others changed in a character between two commits."""
    return [
        Clash(field, _shown(getattr(base, field)), _shown(getattr(now, field)))
        for field in FIELDS
        if getattr(base, field) != getattr(now, field)
    ]


def _empty() -> Sequence[tuple[str, str]]:
    return (("", ""),) * EMPTY_PAIRS


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return ", ".join(value)
    assert isinstance(value, dict)
    return "; ".join(f"{name}: {text}" for name, text in value.items())
