"""What production will hold once staging's versions at some paths go on there, told beforehand."""

from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType

from prompt_repo.catalogue import Found, Spot, Tables, path_of
from prompt_repo.layout import CHARACTERS, CONFIGURATION
from prompt_repo.model import Graft, Held

NOTHING: Mapping[str, Held] = {}


@dataclass(frozen=True, slots=True)
class Carried:
    """The tables after a commit, the versions that go on at all the paths it changes, and where."""

    tables: Tables
    versions: Mapping[str, Held]
    spots: Set[Spot]


def carried(
    production: Tables,
    staging: Tables,
    versions: Mapping[str, Held],
    names: Mapping[str, Collection[str]],
    apart: Mapping[str, int] = MappingProxyType({}),
) -> Carried:
    """Production's tables with what stands in staging's at the paths of these versions.

    `names` are their paths', by `names_of`. Nothing is read or parsed; a folder that becomes
    staging's is one object with it. Who knows in how many files folders are `apart` saves looking
    into those that go as a whole.
    """
    folders: dict[str, Mapping[str, Found]] = {}
    gone: dict[str, Mapping[str, Held]] = {}
    for folder, own in names.items():
        theirs = staging.folders.get(folder, {})
        removed = staging.removed.get(folder) or production.removed.get(folder)
        if len(own) == apart.get(folder) and not removed:
            folders[folder] = theirs
        else:
            files = dict(production.folders.get(folder, {}))
            gone[folder] = _taken(folder, own, files, production, staging)
            folders[folder] = theirs if theirs and files == theirs else files
    tables = Tables(
        (staging if CONFIGURATION in versions else production).configuration,
        {**production.folders, **folders},
        {**production.removed, **gone},
    )
    spots = {(folder, name) for folder, own in names.items() for name in own}
    return Carried(tables, versions, spots)


def _taken(
    folder: str,
    names: Collection[str],
    files: dict[str, Found],
    production: Tables,
    staging: Tables,
) -> Mapping[str, Held]:
    """Puts what staging has under some names into `files`; gives what is removed there then."""
    gone = dict(production.removed.get(folder, NOTHING))
    for name in names:
        found = staging.folders.get(folder, {}).get(name)
        if found is not None:
            files[name] = found
            gone.pop(name, None)
        else:
            files.pop(name, None)
            gone[name] = staging.removed[folder][name]
    return gone


def whole(source: str, names: Mapping[str, Collection[str]], apart: Mapping[str, int]) -> Graft:
    """The characters all of whose documents that differ go: their folders, as a whole."""
    folders = {folder for folder, own in names.items() if len(own) == apart.get(folder)}
    return Graft(source, CHARACTERS, folders - {""})


def single(
    graft: Graft, names: Mapping[str, Collection[str]], paths: Collection[str]
) -> Iterator[str]:
    """Those of the paths that go by themselves."""
    for folder in names.keys() - graft.names:
        yield from (path_of(folder, name) for name in names[folder])
    if CONFIGURATION in paths:
        yield CONFIGURATION
