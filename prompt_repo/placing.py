"""Where in its file a problem begins that the checks found in a whole document.

As compilers do, what is wrong with all of a file is told at its beginning. A symbolic link and a
submodule are one line to git: what they name.
"""

from dataclasses import replace

from prompt_repo import yaml_tree
from prompt_repo.errors import Problem
from prompt_repo.layout import CONFIGURATION
from prompt_repo.yaml_tree import Mark

BEGINNING = Mark(1, 1)
FOREIGN = (
    f"no document of a prompt repository; here stand {CONFIGURATION}, defaults/<emotion>.yaml, "
    "characters/<id>/character.yaml and characters/<id>/<emotion>.yaml"
)


def foreign(path: str) -> Problem:
    """What is no document of ours, told of the whole file."""
    return Problem(path, FOREIGN, *BEGINNING)


def no_file(path: str, what: str, names: str = "") -> Problem:
    """What stands where only files may; `names` is a link's goal, or a submodule's commit."""
    to = f" to {names!r}" if names else ""
    return Problem(path, f"is {what}{to}; a prompt repository holds files alone", *BEGINNING)


def emotions_at(configuration: bytes | None) -> str:
    """Where `prompts.yaml` lists the emotions; empty where there is no such file."""
    if configuration is None:
        return ""
    return ":".join(map(str, (CONFIGURATION, *_key(configuration, CONFIGURATION, "emotions"))))


def placed(problem: Problem, raw: bytes | None, listed: str) -> Problem:
    """A problem with its line and column, where it has none: of its field, or of all the file.

    `raw` is the file it is about (None: it isn't there); `listed` is where the emotions are, told
    where one is unknown.
    """
    if problem.line is not None or raw is None:
        return problem
    message = problem.message
    if problem.valid and listed:
        message = f"{message} (listed at {listed})"
    line, column = _field(raw, problem.path, problem.field) if problem.field else BEGINNING
    return replace(problem, message=message, line=line, column=column)


def _field(raw: bytes, path: str, field: str) -> Mark:
    """Where a text begins, or the key of a list."""
    node = yaml_tree.parse(raw, path).value[field]
    return node.mark if isinstance(node.value, str) else _key(raw, path, field)


def _key(raw: bytes, path: str, key: str) -> Mark:
    keys = yaml_tree.parse(raw, path).keys or {}
    return keys.get(key, BEGINNING)
