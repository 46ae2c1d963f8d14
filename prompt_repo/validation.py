"""What is wrong with a whole tree of documents: schema, emotions, characters, variables."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from prompt_repo import documents, variables, yaml_tree
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.hidden_characters import hidden, position
from prompt_repo.layout import CONFIGURATION, Kind, Place, character_path, place_of
from prompt_repo.model import Character, Configuration, Emotion, Prompt
from prompt_repo.placing import emotions_at, foreign, placed
from prompt_repo.yaml_tree import Mark

NO_VARIABLE = "is no variable here"
UNSEEN = "is read, but nobody sees it"
SHOWN = 3  # characters named in one warning


class Severity(StrEnum):
    """Whether a finding keeps a tree from being accepted."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check of a tree found, and how bad it is."""

    problem: Problem
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class _File:
    place: Place
    raw: bytes
    value: Prompt


@dataclass(frozen=True, slots=True)
class _Tree:
    """The documents of a tree that could be read, and the characters who have a file at all."""

    configuration: Configuration | None
    listed: str  # where `prompts.yaml` lists the emotions
    characters: Mapping[str, Character]
    described: set[str]
    prompts: Mapping[str, _File]


def check_tree(files: Iterable[tuple[str, bytes]], *, strict: bool = False) -> list[Finding]:
    """Everything wrong with a tree given as (path, bytes), ordered by place.

    Errors: what is no document, breaks the schema or the limits, names an emotion that isn't in
    the list, or overrides a prompt of a character without `character.yaml`. Unknown variables
    and characters that nobody sees are warnings, or errors where `strict`.
    """
    errors: list[Problem] = []
    tree = _read(files, errors)
    about = [*_about_prompts(tree), *_without_character(tree)]
    errors += (placed(each, tree.prompts[each.path].raw, tree.listed) for each in about)
    findings = [Finding(problem) for problem in errors]
    severity = Severity.ERROR if strict else Severity.WARNING
    findings += [Finding(problem, severity) for problem in _unknown_variables(tree)]
    findings += [Finding(problem, severity) for problem in _hidden_characters(tree)]
    return sorted(findings, key=order)


def order(finding: Finding) -> tuple[str, int, int, str]:
    """By place: what findings are sorted by."""
    problem = finding.problem
    return problem.path, problem.line or 0, problem.column or 0, problem.message


def _read(files: Iterable[tuple[str, bytes]], errors: list[Problem]) -> _Tree:
    """The tree; problems of single files go to `errors`."""
    configuration: Configuration | None = None
    characters: dict[str, Character] = {}
    described: set[str] = set()
    prompts: dict[str, _File] = {}
    configured, listed = False, ""
    for path, raw in files:
        place = place_of(path)
        if place is None:
            errors.append(foreign(path))
            continue
        configured = configured or place.kind is Kind.CONFIGURATION
        if place.kind is Kind.CHARACTER:
            described.add(place.character or "")
        try:
            value = documents.parse(raw, path)
        except InvalidDocument as invalid:
            errors += invalid.problems
            continue
        if isinstance(value, Configuration):
            configuration, listed = value, emotions_at(raw)
        elif isinstance(value, Character):
            characters[value.id] = value
        else:
            prompts[path] = _File(place, raw, value)
    if not configured:
        errors.append(Problem(CONFIGURATION, "is missing; `prompt-repo init` shows what it holds"))
    return _Tree(configuration, listed, characters, described, prompts)


def _about_prompts(tree: _Tree) -> Iterator[Problem]:
    """Emotions that aren't in the list, and what is over the limits."""
    if tree.configuration is None:
        return  # its own problem says so; without it nothing can be held against the prompts
    valid = tree.configuration.emotion_ids
    for path, file in tree.prompts.items():
        emotion = file.place.emotion or ""
        if emotion not in tree.configuration.by_id:
            message = f"{emotion!r} is not an emotion here; valid are {', '.join(valid)}"
            yield Problem(path, message, valid=valid)
        yield from documents.check_prompt(file.value, tree.configuration.limits, path)


def _without_character(tree: _Tree) -> Iterator[Problem]:
    """Overrides of characters nobody described, told once a character."""
    told: set[str] = set()
    for path, file in sorted(tree.prompts.items()):
        character = file.place.character
        if character is not None and character not in tree.described | told:
            told.add(character)
            missing = character_path(character)
            yield Problem(path, f"overrides a prompt of {character!r}, but {missing} is missing")


def _unknown_variables(tree: _Tree) -> Iterator[Problem]:
    if tree.configuration is None:
        return
    overridden: dict[str, set[str]] = defaultdict(set)
    for file in tree.prompts.values():
        if file.place.character is not None:
            overridden[file.place.emotion or ""].add(file.place.character)
    for path, file in tree.prompts.items():
        emotion = tree.configuration.by_id.get(file.place.emotion or "")
        if "{" in file.value.text and emotion is not None:
            said = _unknown_words(tree, file, emotion, overridden[emotion.id])
            yield from _placed(path, file, said)


def _unknown_words(
    tree: _Tree, file: _File, emotion: Emotion, overridden: Collection[str]
) -> dict[str, str]:
    """The words of a prompt that are no variable, with what to say of each.

    A default may use a variable that every character has who falls back to it, which those in
    `overridden` do not.
    """
    shared = tree.configuration.variables if tree.configuration else {}
    character = file.place.character
    who = tree.characters.get(character) if character is not None else None
    names = variables.known(who, emotion, shared)
    said = dict.fromkeys(variables.unknown(file.value.text, names), NO_VARIABLE)
    if character is not None:
        return said
    active = [each for each in tree.characters.values() if not each.archived]
    # Where everyone has an override, a default is still for whoever comes to need it.
    readers = [each for each in active if each.id not in overridden] or active
    for name in list(said):
        without = sorted(each.id for each in readers if name not in each.variables)
        if readers and not without:
            del said[name]
        elif len(without) < len(readers):
            more = f" and {len(without) - SHOWN} more" if len(without) > SHOWN else ""
            said[name] = f"is no variable of {', '.join(without[:SHOWN])}{more}"
    return said


def _placed(path: str, file: _File, said: Mapping[str, str]) -> Iterator[Problem]:
    """A problem for each word, where it first stands."""
    left = dict(said)
    text = file.value.text
    for span in variables.spans(text, ()) if left else ():
        message = left.pop(span.name, None)
        if message is not None:
            at = _in_file(file, path, *position(text, span.start))
            yield Problem(path, f"{{{span.name}}} {message}", *at, field="prompt")


def _hidden_characters(tree: _Tree) -> Iterator[Problem]:
    """One problem for each kind of hidden character in a prompt, where it first stands."""
    for path, file in tree.prompts.items():
        first = {each.letter: each for each in reversed(hidden(file.value.text))}
        for each in sorted(first.values(), key=lambda found: found.start):
            at = _in_file(file, path, *position(file.value.text, each.start))
            yield Problem(path, f"{each.code} ({each.name}) {UNSEEN}", *at, field="prompt")


def _in_file(file: _File, path: str, line: int, column: int) -> Mark:
    """A place in a prompt's text as a place in its file.

    In a literal block each line of the text is a line of the file; in any other style the
    place is where the value begins.
    """
    node = yaml_tree.parse(file.raw, path).value["prompt"]
    if node.style == "|":
        row = yaml_tree.decode(file.raw, path).split("\n")[node.mark.line + line - 1]
        words = file.value.text.split("\n")[line - 1]
        indent = len(row.removesuffix("\r")) - len(words)
        if row.removesuffix("\r").endswith(words):
            return Mark(node.mark.line + line, indent + column)
    mark: Mark = node.mark
    return mark
