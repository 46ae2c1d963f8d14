"""Edits of change requests as the API takes them: prompts, and characters' settings."""

from dataclasses import replace

from prompt_repo.catalogue import Catalogue
from prompt_repo.character_files import CharacterEdit
from prompt_repo.editing import AnyEdit, Edit
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.expectations import Absent, Anything, AtCommit, Expectation, Matches
from prompt_repo.model import PromptKey
from webapp.api.change_bodies import CharacterSettings, ProposedEdits
from webapp.api.intake import BulkEdit
from webapp.services import repository


def proposed(given: ProposedEdits, before: Catalogue) -> list[AnyEdit]:
    """All that a body wants, of what stands before; raises InvalidDocument for one without any."""
    if not given.edits and not given.characters:
        raise InvalidDocument([Problem("body", "give edits or characters", field="edits")])
    settings = [_settings_of(each, before) for each in given.characters]
    return [*edits_of(given.edits, None), *settings]


def _settings_of(given: CharacterSettings, before: Catalogue) -> CharacterEdit:
    """A character's settings: what is left out stays as it was when the edit began."""
    if given.base is not None:
        before = repository().catalogue(given.base)
    who = before.character(given.character)
    told = given.model_dump(include={"name", "description", "variables"}, exclude_none=True)
    tags = tuple(given.tags) if given.tags is not None else who.tags
    wanted = replace(who, **told, tags=tags)
    expect = _expectation(given, None)
    return CharacterEdit(wanted, AtCommit(before.commit) if expect == Anything() else expect)


def edits_of(given: list[BulkEdit], base: str | None) -> list[Edit]:
    """Edits as they came in; what a proposal doesn't say it saw, reviewers see."""
    return [
        Edit(
            PromptKey(each.character, each.emotion),
            each.prompt_text,
            each.notes,
            tuple(each.tags) if each.tags is not None else None,
            _expectation(each, base),
        )
        for each in given
    ]


def _expectation(given: BulkEdit | CharacterSettings, base: str | None) -> Expectation:
    if isinstance(given, BulkEdit) and given.if_none_match:
        return Absent()
    if given.if_match is not None and given.if_match != "*":
        return Matches(given.if_match.strip('"'))
    commit = given.base or base
    return AtCommit(commit) if commit and given.if_match is None else Anything()
