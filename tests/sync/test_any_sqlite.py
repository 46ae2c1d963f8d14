"""SQLite files as people have them: names in any case, keys that are null, dead references."""

from pathlib import Path

import pytest

from sync import rules
from sync.errors import InvalidRules, Unsupported
from tests.sync.databases import ask, carry_out, draft, sync


def _made(folder: Path, *statements: str) -> tuple[str, str]:
    """Production made by SQL, and where its staging will be."""
    source = f"sqlite:///{folder}/production.sqlite3"
    carry_out(source, "PRAGMA journal_mode=wal", *statements)
    return source, f"sqlite:///{folder}/staging.sqlite3"


def test_names_in_another_case_are_the_same_names(tmp_path: Path) -> None:
    """A foreign key finds its table, so that both have one rule; a trigger is its table's."""
    source, target = _made(
        tmp_path,
        "CREATE TABLE Users (Email TEXT PRIMARY KEY NOT NULL, Boss TEXT REFERENCES USERS)",
        "CREATE TABLE Notes (Id INTEGER PRIMARY KEY, Who TEXT REFERENCES users (EMAIL))",
        "CREATE TABLE Told (n INTEGER PRIMARY KEY, what TEXT)",
        "CREATE TRIGGER tell AFTER INSERT ON users BEGIN INSERT INTO told (what) VALUES ('x'); END",
        "INSERT INTO Users VALUES ('Ann@navy.test', NULL), ('bob@navy.test', 'Ann@navy.test')",
        "INSERT INTO Notes VALUES (1, 'bob@navy.test')",
        "DELETE FROM Told",
    )
    drafted = rules.parse(draft(source)).tables
    assert "completed" == sync(source, target).status

    assert "email" == drafted["Notes"].columns["Who"].kind == drafted["Users"].columns["Boss"].kind
    assert [(1,)] == ask(target, "SELECT count(*) FROM Notes JOIN Users ON Who = Email")
    assert [(0,)] == ask(target, "SELECT count(*) FROM Told")
    assert [("tell",)] == ask(target, "SELECT name FROM sqlite_master WHERE type = 'trigger'")


def test_references_to_tables_that_are_not_there_are_passed_over(tmp_path: Path) -> None:
    """As SQLite does itself, as long as nobody asks it to look after them."""
    source, target = _made(
        tmp_path,
        "CREATE TABLE tags (id INTEGER PRIMARY KEY, gone INTEGER REFERENCES nowhere (id), "
        "odd INTEGER REFERENCES tags (absent))",
        "INSERT INTO tags VALUES (1, NULL, NULL)",
    )

    assert 1 == sync(source, target).total.inserted


def test_rows_without_their_key_are_refused(tmp_path: Path) -> None:
    """SQLite lets primary keys be null, and rows that have none would become one."""
    source, target = _made(
        tmp_path,
        "CREATE TABLE odd (code TEXT PRIMARY KEY, v TEXT)",
        "INSERT INTO odd VALUES ('a', '1'), (NULL, '2'), (NULL, '3')",
    )

    with pytest.raises(Unsupported, match="odd has no primary key, or rows without one"):
        sync(source, target)


def test_a_column_called_rowid_is_no_number_of_rows(tmp_path: Path) -> None:
    """Rows of a table without a key are told apart by the number, however it has to be called."""
    source, target = _made(
        tmp_path,
        "CREATE TABLE odd (RowId TEXT, v TEXT)",
        "INSERT INTO odd VALUES ('same', '1'), ('same', '2')",
    )
    first = sync(source, target).total.inserted
    carry_out(source, "DELETE FROM odd WHERE v = '1'")

    assert 2 == first
    assert (1, 0) == (sync(source, target).total.deleted, sync(source, target).total.written)
    assert [(1,)] == ask(target, "SELECT count(*) FROM odd")


def test_a_condition_that_makes_no_sense_is_refused_before_a_row_is_written(
    tmp_path: Path,
) -> None:
    """With its line in the rules, though the table comes late."""
    source, target = _made(
        tmp_path,
        "CREATE TABLE a (id INTEGER PRIMARY KEY)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY)",
        "INSERT INTO a VALUES (1)",
    )
    chosen = draft(source).replace("  b:\n", '  b:\n    where: "t.absent = 1"\n')

    with pytest.raises(InvalidRules, match=r"rules:8: b: its condition .*no such column"):
        sync(source, target, chosen)

    assert [] == ask(target, "SELECT name FROM sqlite_master")
