"""Parsed documents are kept, and whatever becomes of their file, what is read stays right."""

import sqlite3
from pathlib import Path

import pytest

from prompt_repo import parsed
from prompt_repo.model import Prompt
from prompt_repo.parsed import ParsedDocuments
from prompt_repo.repository import STAGING, Repository
from tests.factories import key, make_repository, put

MANY = 130


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """More prompts than are parsed without the file."""
    repository = make_repository(tmp_path_factory.mktemp("kept"))
    for emotion in ("idle", "happy"):
        for number in range(MANY // 2):
            put(repository, {f"defaults/{emotion}": f"{emotion} {number}"})
    return repository


@pytest.fixture
def wanted(repository: Repository) -> dict[str, str]:
    """Blobs, each with where it stands."""
    found = {}
    for emotion in ("idle", "happy"):
        path = key(f"defaults/{emotion}").path
        head = repository.current(STAGING).commit
        for version in repository.history.page(head, path, limit=100).versions:
            found[version.blob or ""] = path
    assert MANY == len(found)
    return found


@pytest.fixture
def file(repository: Repository, wanted: dict[str, str]) -> Path:
    """The file of a repository that was read once."""
    ParsedDocuments(repository.store).forget()
    ParsedDocuments(repository.store).many(wanted)
    return repository.store.derived / "documents.sqlite3"


def texts(repository: Repository, wanted: dict[str, str]) -> set[str]:
    """What somebody reads who begins anew."""
    values = ParsedDocuments(repository.store).many(wanted).values()
    return {value.text for value in values if isinstance(value, Prompt)}


EXPECTED = {f"{emotion} {number}" for emotion in ("idle", "happy") for number in range(MANY // 2)}


def rows(file: Path) -> int:
    """How many values a file holds."""
    connection = sqlite3.connect(file)
    count = connection.execute("SELECT count(*) FROM documents").fetchone()[0]
    connection.close()
    return int(count)


def test_what_was_parsed_is_not_parsed_again(
    repository: Repository, wanted: dict[str, str], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has all of it."""
    monkeypatch.delattr(parsed, "_parse")

    assert EXPECTED == texts(repository, wanted)


@pytest.mark.parametrize("place", [0, 20, 100, 2000, 5000])
def test_a_broken_file_is_thrown_away(
    repository: Repository, wanted: dict[str, str], file: Path, place: int
) -> None:
    """Its head, its schema, a page in its midst."""
    raw = bytearray(file.read_bytes())
    raw[place : place + 3000] = b"\xff" * 3000
    file.write_bytes(raw)

    assert EXPECTED == texts(repository, wanted)
    assert EXPECTED == texts(repository, wanted)


@pytest.mark.parametrize("row", ["", "{", "[1]", '["x", "y"]', "null", "7"])
def test_a_row_that_makes_no_sense_is_parsed_again(
    repository: Repository, wanted: dict[str, str], file: Path, row: str
) -> None:
    """And written again."""
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE documents SET value = ?", (row,))
    connection.close()

    assert EXPECTED == texts(repository, wanted)
    assert [] == ParsedDocuments(repository.store).check(wanted)
    assert MANY == rows(file)


def test_a_wrong_value_is_found_by_a_check_and_forgotten(
    repository: Repository, wanted: dict[str, str], file: Path
) -> None:
    """Bits that turned within a row say another text; `fsck` sees it, `reindex` mends it."""
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE documents SET value = replace(value, 'idle 7', 'idle 8')")
    connection.close()

    wrong = ParsedDocuments(repository.store).check(wanted)
    ParsedDocuments(repository.store).forget()

    assert ["defaults/idle.yaml: the kept value of blob"] == [
        line[: len("defaults/idle.yaml: the kept value of blob")] for line in wrong
    ]
    assert EXPECTED == texts(repository, wanted)


def test_a_locked_file_is_done_without(
    repository: Repository, wanted: dict[str, str], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads go on, and the file is not thrown away."""
    monkeypatch.setattr(parsed, "WAIT", 0)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN EXCLUSIVE")

    found = texts(repository, wanted)
    other.execute("COMMIT")
    other.close()

    assert EXPECTED == found
    assert MANY == rows(file)


def test_a_file_of_another_shape_is_made_anew(
    repository: Repository, wanted: dict[str, str], file: Path
) -> None:
    """As after an update of the program, or back."""
    connection = sqlite3.connect(file)
    connection.executescript(
        "DROP TABLE documents; CREATE TABLE documents (other); PRAGMA user_version = 999"
    )
    connection.close()

    assert EXPECTED == texts(repository, wanted)
    assert MANY == rows(file)
