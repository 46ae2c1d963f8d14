"""What an edit of a character makes of its file."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from prompt_repo import documents
from prompt_repo.catalogue import Catalogue
from prompt_repo.errors import InvalidDocument
from prompt_repo.expectations import ANYTHING, Document, Expectation, check
from prompt_repo.layout import character_path
from prompt_repo.model import Character
from prompt_repo.repository import Repository


@dataclass(frozen=True, slots=True)
class CharacterEdit:
    """What a character's file shall say; whether they are archived stays as it is."""

    who: Character
    expect: Expectation = ANYTHING

    @property
    def path(self) -> str:
        """The file it is about."""
        return character_path(self.who.id)


def character_file(
    repository: Repository,
    branch: str,
    now: Catalogue,
    ident: str,
    change: Callable[[Character], Character],
    expect: Expectation,
) -> bytes:
    """A character's file after a change; raises as `editing.change_character`."""
    path = character_path(ident)
    raw = repository.store.blob(now.character_held(ident).blob or "")
    after = documents.edit(raw, path, replace(change(_said_of(now, ident)), id=ident))
    if after != raw:
        document = Document(path, lambda: now.character_etag(ident), _text)
        check(repository, branch, now, document, expect, after.decode())
    return after


def edited_file(repository: Repository, branch: str, now: Catalogue, edit: CharacterEdit) -> bytes:
    """A character's file as an edit wants it; raises as `editing.change_character`."""

    def change(before: Character) -> Character:
        return replace(edit.who, archived=before.archived)

    return character_file(repository, branch, now, edit.who.id, change, edit.expect)


def _said_of(now: Catalogue, character: str) -> Character:
    try:
        return now.character(character)
    except InvalidDocument:
        return Character(character, "")


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
