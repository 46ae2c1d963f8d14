"""What is checked of a change request before it may be merged, each with what was found."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from prompt_repo import variables
from prompt_repo.catalogue import Catalogue
from prompt_repo.changes import Comparison, Verdict, at
from prompt_repo.dependencies import check_result
from prompt_repo.errors import InvalidDocument, Problem, PromptRepoError
from prompt_repo.hidden_characters import hidden, position
from prompt_repo.layout import place_of
from prompt_repo.model import PromptKey
from prompt_repo.repository import Repository

SHOWN = 20  # details of one check
WITHOUT = 3  # characters named who lack a variable


class Grade(StrEnum):
    """How a check came out; what is `failed` keeps a change request from being merged."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it is about, how it came out, in a sentence, and the details."""

    name: str
    grade: Grade
    summary: str
    details: tuple[str, ...] = ()


def checks(
    repository: Repository, comparison: Comparison, verdict: Verdict, after: Catalogue
) -> tuple[Check, ...]:
    """All checks; `after` is the base with what is proposed put in."""
    return (
        _documents(problems(repository, comparison)),
        _variables(after, comparison),
        _hidden(after, comparison),
        _conflicts(verdict),
        _freshness(verdict),
    )


def problems(repository: Repository, comparison: Comparison) -> tuple[Problem, ...]:
    """What would be wrong with the base's documents after a merge."""
    foreign = [path for path in comparison.paths if place_of(path) is None]
    found = [Problem(path, "is no document of a prompt repository") for path in foreign]
    ours = [path for path in comparison.paths if place_of(path) is not None]
    try:
        check_result(repository, at(repository, comparison.base), comparison.head, ours)
    except InvalidDocument as invalid:
        found += invalid.problems
    return tuple(found)


def _documents(found: tuple[Problem, ...]) -> Check:
    if not found:
        return Check("Documents", Grade.PASSED, "Every document is valid")
    details = tuple(str(each) for each in found[:SHOWN])
    return Check("Documents", Grade.FAILED, _counted(len(found), "problem"), details)


def _keys(comparison: Comparison) -> list[PromptKey]:
    """The prompts that are proposed, without those it removes."""
    places = (place_of(change.path) for change in comparison.files if change.new is not None)
    return [place.key for place in places if place is not None and place.key is not None]


def _variables(after: Catalogue, comparison: Comparison) -> Check:
    found = [line for key in _keys(comparison) for line in _unknown(after, key)]
    if not found:
        return Check("Variables", Grade.PASSED, "Every variable has a value")
    summary = "A name in braces stays as it is"
    if len(found) > 1:
        summary = f"{len(found):,} names in braces stay as they are"
    return Check("Variables", Grade.WARNED, summary, tuple(found[:SHOWN]))


def _hidden(after: Catalogue, comparison: Comparison) -> Check:
    """What a reviewer can't see in the texts they are to approve."""
    found = [line for key in _keys(comparison) for line in _unseen(after, key)]
    if not found:
        return Check("Hidden characters", Grade.PASSED, "All that is read can be seen")
    summary = _counted(len(found), "character") + " that nobody sees"
    return Check("Hidden characters", Grade.WARNED, summary, tuple(found[:SHOWN]))


def _unseen(after: Catalogue, key: PromptKey) -> Iterator[str]:
    try:
        stored = after.stored(key)
    except (PromptRepoError, KeyError):
        return  # broken, or of no emotion: the check of documents says so
    text = stored.prompt.text if stored is not None else ""
    for each in hidden(text):
        line, column = position(text, each.start)
        yield f"{key.path}: line {line}, column {column} of the text: {each.code} ({each.name})"


def _unknown(after: Catalogue, key: PromptKey) -> Iterator[str]:
    try:
        stored = after.stored(key)
        known = after.variables(key)
    except (PromptRepoError, KeyError):
        return  # broken, or of no emotion: the check of documents says so
    if stored is None:
        return
    for name in variables.unknown(stored.prompt.text, known):
        said = "is no variable here" if key.character else _lacking(after, key.emotion, name)
        if said:
            yield f"{key.path}: {{{name}}} {said}"


def _lacking(after: Catalogue, emotion: str, name: str) -> str:
    """What to say of a name that a default uses: who of its readers has no such variable."""
    readers = []
    for ident in after.character_ids():
        if emotion in after.tables.folders[ident]:
            continue
        try:
            who = after.character(ident)
        except InvalidDocument:
            continue
        if not who.archived:
            readers.append(who)
    without = [who.id for who in readers if name not in who.variables]
    if readers and not without:
        return ""
    if len(without) == len(readers):
        return "is no variable here"
    more = f" and {len(without) - WITHOUT} more" if len(without) > WITHOUT else ""
    return f"is no variable of {', '.join(without[:WITHOUT])}{more}"


def _conflicts(verdict: Verdict) -> Check:
    if verdict.conflicts:
        details = tuple(f"{each.path}: {each.field or 'the whole'}" for each in verdict.conflicts)
        return Check(
            "Conflicts",
            Grade.FAILED,
            f"{_counted(len(details), 'field')} changed on both sides",
            details[:SHOWN],
        )
    if verdict.joined:
        summary = "Both sides changed different places; update to see the joined text"
        return Check("Conflicts", Grade.FAILED, summary, verdict.joined[:SHOWN])
    return Check("Conflicts", Grade.PASSED, "It fits what stands now")


def _freshness(verdict: Verdict) -> Check:
    if verdict.behind == 0:
        return Check("Freshness", Grade.PASSED, "It holds everything its base holds")
    return Check(
        "Freshness", Grade.PASSED, f"Its base is {_counted(verdict.behind, 'commit')} ahead"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
