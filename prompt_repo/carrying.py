"""What production will hold once staging's versions at some paths go on there, told beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass

from prompt_repo.catalogue import Found, Spot, Tables, spots_of
from prompt_repo.layout import CONFIGURATION
from prompt_repo.model import Held

NOTHING: Mapping[str, Held] = {}


@dataclass(frozen=True, slots=True)
class Carried:
    """The tables after a commit, and the versions that go on at all the paths it changes."""

    tables: Tables
    versions: Mapping[str, Held]


def carried(production: Tables, staging: Tables, versions: Mapping[str, Held]) -> Carried:
    """Production's tables with what stands in staging's at the paths of these versions.

    Nothing is read or parsed; a folder that becomes staging's is one object with it.
    """
    fresh: dict[str, dict[str, Found]] = {}
    gone: dict[str, dict[str, Held]] = {}
    for spot in spots_of(versions):
        folder = spot[0]
        if folder not in fresh:
            fresh[folder] = dict(production.folders.get(folder, {}))
            gone[folder] = dict(production.removed.get(folder, NOTHING))
        _take(spot, fresh[folder], gone[folder], staging)
    folders = {folder: _one_object(files, staging, folder) for folder, files in fresh.items()}
    tables = Tables(
        (staging if CONFIGURATION in versions else production).configuration,
        {**production.folders, **folders},
        {**production.removed, **gone},
    )
    return Carried(tables, versions)


def _take(spot: Spot, files: dict[str, Found], gone: dict[str, Held], staging: Tables) -> None:
    folder, name = spot
    found = staging.folders.get(folder, {}).get(name)
    if found is not None:
        files[name] = found
        gone.pop(name, None)
    else:
        files.pop(name, None)
        gone[name] = staging.removed[folder][name]


def _one_object(files: dict[str, Found], staging: Tables, folder: str) -> Mapping[str, Found]:
    theirs = staging.folders.get(folder)
    return theirs if theirs is not None and files == theirs else files
