"""What production will hold once staging's versions at some paths go on there, told beforehand."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from prompt_repo.catalogue import Found, Tables
from prompt_repo.layout import CONFIGURATION, names_of
from prompt_repo.model import Held

NOTHING: Mapping[str, Held] = {}


@dataclass(frozen=True, slots=True)
class Carried:
    """The tables after a commit, and the versions that go on at all the paths it changes."""

    tables: Tables
    versions: Mapping[str, Held]


def carried(
    production: Tables,
    staging: Tables,
    versions: Mapping[str, Held],
    apart: Mapping[str, int] = MappingProxyType({}),
) -> Carried:
    """Production's tables with what stands in staging's at the paths of these versions.

    Nothing is read or parsed; a folder that becomes staging's is one object with it. Who knows
    in how many files folders are `apart` saves looking into those that go as a whole.
    """
    folders: dict[str, Mapping[str, Found]] = {}
    gone: dict[str, Mapping[str, Held]] = {}
    for folder, names in names_of(versions).items():
        theirs = staging.folders.get(folder, {})
        removed = staging.removed.get(folder) or production.removed.get(folder)
        if len(names) == apart.get(folder) and not removed:
            folders[folder] = theirs
        else:
            files = dict(production.folders.get(folder, {}))
            gone[folder] = _taken(folder, names, files, production, staging)
            folders[folder] = theirs if theirs and files == theirs else files
    tables = Tables(
        (staging if CONFIGURATION in versions else production).configuration,
        {**production.folders, **folders},
        {**production.removed, **gone},
    )
    return Carried(tables, versions)


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
