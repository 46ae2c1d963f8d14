"""Shortcuts lead where the long way does."""

import sqlite3
import stat
from pathlib import Path

from argon2 import PasswordHasher, extract_parameters

import webapp.records
from tests.shortcuts import Migrated
from tests.web import make_app
from webapp import passwords
from webapp.records import Records, migrating


def told(file: Path) -> tuple[int, str, list[tuple[str, ...]], list[tuple[str, ...]]]:
    """All there is to a file of the records: its mode, journal, schema, revision; no rows."""
    with sqlite3.connect(file) as database:
        (journal,) = database.execute("pragma journal_mode").fetchone()
        schema = database.execute("select type, name, tbl_name, sql from sqlite_master").fetchall()
        tables = [each[1] for each in schema if each[0] == "table" and each[1] != "alembic_version"]
        rows = [database.execute(f'select count(*) from "{name}"').fetchone() for name in tables]
        revision = database.execute("select version_num from alembic_version").fetchall()
    database.close()
    assert {(0,)} == set(rows)
    return stat.S_IMODE(file.stat().st_mode), journal, sorted(map(str, schema)), revision


def test_a_copied_schema_is_the_one_that_migrations_make(tmp_path: Path) -> None:
    """Column for column, with its triggers; what is there already is brought up to date."""
    ways = {"migrated": migrating.migrate, "copied": Migrated(tmp_path / "pattern.sqlite3")}
    for name, way in ways.items():
        for _ in range(2):
            records = Records(f"sqlite:///{tmp_path / name}")
            way(records.engine)
            records.close()

    assert told(tmp_path / "migrated") == told(tmp_path / "copied")
    assert isinstance(vars(webapp.records)["migrate"], Migrated)


def test_hashes_differ_from_the_program_s_in_their_cost_alone() -> None:
    """Every test takes the same way through the same library."""
    quick, usual = (
        extract_parameters(each)
        for each in (passwords.hashed("abcdefgh"), PasswordHasher().hash(""))
    )

    assert (quick.type, quick.version, quick.hash_len) == (
        usual.type,
        usual.version,
        usual.hash_len,
    )
    assert quick.memory_cost < usual.memory_cost


def test_a_template_is_compiled_once_for_all_applications(tmp_path: Path) -> None:
    """And anew where its text is another."""
    one, other = make_app(tmp_path / "one"), make_app(tmp_path / "other")
    with one.test_request_context(), other.test_request_context():
        first, second = (
            each.jinja_env.get_template("auth/login.html").root_render_func for each in (one, other)
        )
    changed = other.jinja_env.from_string("{{ 1 + 1 }}")

    assert first.__code__ is second.__code__
    assert "2" == changed.render()
