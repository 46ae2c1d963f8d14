"""What a document needs beside it, and whether a promotion's result would stand on its own."""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from contextlib import suppress

from prompt_repo import documents, variables
from prompt_repo.carrying import Carried, carried
from prompt_repo.catalogue import Catalogue, Tables, advanced, blobs_of, path_of
from prompt_repo.drift import Drift, Plan
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.layout import CONFIGURATION, Kind, character_path, names_of
from prompt_repo.model import Character, Configuration, Held, Prompt, PromptKey
from prompt_repo.parsed import Parsed
from prompt_repo.repository import Repository

Names = Mapping[str, Collection[str]]
"""Of each character the emotions, as `layout.names_of` gives them."""
GONE = "would be missing, and without its list of emotions nothing can be read; put it back"
CHARACTER_FILE = character_path("").removeprefix("characters/")
"""How the path of a character's own file ends."""


def with_dependencies(repository: Repository, plan: Plan, paths: Collection[str]) -> set[str]:
    """The paths, and those that differ and without which they would not work in production."""
    sides = repository.catalogue(plan.staging), repository.catalogue(plan.production)
    wanted = _prompts_at_home(sides[0].tables, sides[1].tables, plan, paths)
    waiting = [path for path in paths if path not in wanted] if len(wanted) < len(paths) else []
    while waiting:
        path = waiting.pop()
        if path in wanted:
            continue
        wanted.add(path)
        needed = _needed(*sides, plan.by_path[path], plan)
        waiting += [each for each in needed if each in plan.by_path]
    return wanted


def _prompts_at_home(
    staging: Tables, production: Tables, plan: Plan, paths: Collection[str]
) -> set[str]:
    """Those of the paths that are of prompts whose settings and character are alike on both sides.

    They lack nothing in production, and most are; so none of them is looked at.
    """
    if not _same_settings(staging, production):
        return set()
    apart = [item.path for item in plan.items if item.path.endswith(CHARACTER_FILE)]
    if not apart:
        return set(paths)
    folders = {path.removesuffix(CHARACTER_FILE) for path in apart}
    return {path for path in paths if path.rpartition("/")[0] not in folders}


def _needed(staging: Catalogue, production: Catalogue, item: Drift, plan: Plan) -> Iterator[str]:
    place = item.place
    if place.kind is Kind.CONFIGURATION:
        with suppress(InvalidDocument):  # the check of what would stand there says so
            gone = set(production.configuration.by_id) - set(staging.configuration.by_id)
            yield from [each.path for each in plan.items if each.place.emotion in gone]
    elif place.kind is Kind.CHARACTER:
        if item.blob is None:  # the overrides of one who goes must go too
            ours = (each for each in plan.items if each.place.character == place.character)
            yield from (each.path for each in ours)
    elif place.key is not None and item.blob is not None:
        with suppress(InvalidDocument):
            yield from [*_of_prompt(staging, production, place.key)]


def _of_prompt(staging: Catalogue, production: Catalogue, key: PromptKey) -> Iterator[str]:
    """`prompts.yaml` or `character.yaml`, where production's lacks what this prompt uses."""
    if _same_ground(staging.tables, production.tables, key.character or ""):
        return
    if key.emotion not in production.configuration.by_id:
        yield CONFIGURATION
    who = _character(staging, key.character)
    there = _character(production, key.character)
    if who is not None and there is None:
        yield character_path(who.id)
    stored = staging.stored(key)
    used = set(variables.words(stored.prompt.text)) if stored else set()
    if who is not None and used & who.variables.keys() - (there.variables if there else {}).keys():
        yield character_path(who.id)
    if used & (_shared(staging) - production.configuration.variables.keys()):
        yield CONFIGURATION


def _shared(staging: Catalogue) -> Set[str]:
    """The shared variables; of settings that can't be read none, so that the rest may go."""
    try:
        return staging.configuration.variables.keys()
    except InvalidDocument:
        return frozenset()


def _same_ground(one: Tables, other: Tables, folder: str) -> bool:
    """Whether settings and character are one object on both sides, so that nothing is lacking."""
    return _same_settings(one, other) and _same_character(one, other, folder)


def _same_settings(one: Tables, other: Tables) -> bool:
    return one.configuration is other.configuration or one.configuration == other.configuration


def _same_character(one: Tables, other: Tables, folder: str) -> bool:
    ours, theirs = one.folders.get(folder), other.folders.get(folder)
    return ours is not None and theirs is not None and ours.get("") is theirs.get("")


def _character(catalogue: Catalogue, ident: str | None) -> Character | None:
    files = catalogue.tables.folders.get(ident or "", {}) if ident else {}
    return catalogue.character(ident) if ident and "" in files else None


def check_result(
    repository: Repository, production: Catalogue, source: str, paths: Sequence[str]
) -> None:
    """Raises InvalidDocument where production with these paths as at `source` breaks a rule."""
    repository.history.ensure(source)  # a push may have brought it a moment ago
    held = {path: repository.history.held(source, path) for path in paths}
    check_standing(production, held, repository.parsed(blobs_of(held)))


def check_planned(
    repository: Repository, plan: Plan, paths: Collection[str], names: Names | None = None
) -> Carried | None:
    """The same for paths as staging has them in a plan; nothing is looked up again.

    Who knows the paths' `names_of` saves finding them out. Gives what production will hold; None
    where something goes that staging never had, for that begins a version of its own.
    """
    names = names_of(paths) if names is None else names
    production = repository.catalogue(plan.production).tables
    staging = repository.catalogue(plan.staging).tables
    held = {path: plan.by_path[path].staging for path in paths}
    standing = {path: version for path, version in held.items() if version is not None}
    going = names if len(standing) == len(held) else names_of(standing)
    after = carried(production, staging, standing, going, plan.apart)
    if going is names:
        _raise_problems(after.tables, paths, names)
        return after
    tables = advanced(after.tables, dict.fromkeys(held.keys() - standing.keys()), {})
    _raise_problems(tables, paths, names)
    return None


def check_standing(
    production: Catalogue, held: Mapping[str, Held | None], values: Mapping[str, Parsed]
) -> None:
    """Raises InvalidDocument where production breaks a rule once these versions stand there."""
    _raise_problems(advanced(production.tables, held, values), held.keys(), names_of(held))


def _raise_problems(tables: Tables, paths: Collection[str], names: Names) -> None:
    problems = list(problems_of(tables, paths, names))
    if problems:
        raise InvalidDocument(problems)


def problems_of(tables: Tables, paths: Collection[str], names: Names) -> Iterator[Problem]:
    """What is wrong in these tables now that documents at `paths` moved, across documents.

    `names` are the paths', by `names_of`.
    """
    configuration = tables.configuration[1] if tables.configuration else None
    if isinstance(configuration, InvalidDocument):
        yield from configuration.problems
    elif not isinstance(configuration, Configuration):
        yield Problem(CONFIGURATION, GONE)
    else:
        whole = tables.folders if CONFIGURATION in paths else None
        for folder, own in (whole or names).items():
            files = tables.folders.get(folder, {})
            moved = files if folder and "" in own else own  # a character concerns all overrides
            described = not folder or "" in files
            for name in moved:
                found = files.get(name)
                if found is not None and not (
                    described and _is_fine(configuration, name, found[1])
                ):
                    yield from _of_file(configuration, folder, name, files, found[1])


def _is_fine(configuration: Configuration, emotion: str, value: Parsed) -> bool:
    """Whether a prompt is plainly good where its character is: most are, of thousands."""
    return (
        type(value) is Prompt
        and emotion in configuration.by_id
        and documents.is_small(value, configuration.limits)
    )


def _of_file(
    configuration: Configuration,
    folder: str,
    emotion: str,
    files: Collection[str],
    value: Parsed,
) -> Iterator[Problem]:
    path = path_of(folder, emotion)
    if isinstance(value, InvalidDocument):
        yield from value.problems
        return
    if emotion and emotion not in configuration.by_id:
        valid = configuration.emotion_ids
        message = f"{emotion!r} would be no emotion there; valid are {', '.join(valid)}"
        yield Problem(path, message, valid=valid)
    if folder and "" not in files:
        yield Problem(path, f"would override a prompt of {folder!r}, who would have no file")
    if isinstance(value, Prompt):
        yield from documents.over_limits(value, configuration.limits, path)
