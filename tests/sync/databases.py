"""Databases of these tests: Chinook, and one of our own with every type that is handled."""

import re
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from sync import arrow_blocks, plan, rules, settling
from sync.keyed import Key
from sync.run import Options, Result, run
from sync.state import State
from sync.tables import open_source, open_target
from tests.servers import Postgres

KEY = "a secret of these tests, 32 chars"


def load_chinook(folder: Path, url: str) -> None:
    """Fills an empty database with Chinook."""
    text = (folder / "chinook.sql").read_text()
    text = re.sub(r"(?m)^(DROP DATABASE|CREATE DATABASE|\\c).*$", "", text)
    carry_out(url, text)


def carry_out(url: str, *statements: str) -> None:
    """Runs SQL on either kind of database."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as lite:
            for statement in statements:
                lite.executescript(statement)
        lite.close()
        return
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    if url.startswith("sqlite"):
        lite = sqlite3.connect(url.removeprefix("sqlite:///"))
        found = lite.execute(query).fetchall()
        lite.close()
        return found
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def draft(url: str) -> str:
    """The rules that a plan drafts."""
    source = open_source(url)
    try:
        return plan.draft_file(source.schema(), lambda table: source.sample(table, 200))
    finally:
        source.close()


def filled(postgres: Postgres, tables: str, rows: str, text: str) -> tuple[str, str]:
    """A new database of production, and a staging that has its rows by these rules."""
    source, target = postgres.create(), postgres.create()
    carry_out(source, tables, rows)
    sync(source, target, text)
    return source, target


def sync(source: str, target: str, text: str | None = None, key: str = KEY, **how: Any) -> Result:
    """One run; by drafted rules where none are given."""
    wanted = rules.parse(draft(source) if text is None else text)
    production, staging = open_source(source), open_target(target)
    try:
        return run(production, staging, wanted, Key(key), Options(**how))
    finally:
        production.close()
        staging.close()


def decide(target: str, action: str, **how: object) -> int:
    """A decision about open conflicts, as a front end would record it."""
    staging = open_target(target)
    try:
        state = State(staging)
        number = settling.decide(state, staging.schema().tables, action, **how)  # type: ignore[arg-type]
        staging.commit()
    finally:
        staging.close()
    return number


def tables_of(url: str) -> list[str]:
    """All tables there are, the sync's own among them."""
    if url.startswith("sqlite"):
        return [name for (name,) in ask(url, "SELECT name FROM sqlite_master WHERE type='table'")]
    query = (
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
        "WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema'"
    )
    return [name for (name,) in ask(url, query)]


def dump(url: str, own: bool = True) -> Iterator[tuple[str, str]]:
    """Every cell of every table as text, with the table's name; blocks of the sync unpacked."""
    for table in tables_of(url):
        mine = "prompt_repo_sync" in table
        if mine and not own:
            continue
        columns = "*" if mine or url.startswith("sqlite") else "t::text"
        for row in ask(url, f"SELECT {columns} FROM {table} t"):
            for cell in row:
                yield table, _unpacked(cell) if mine else str(cell)


def _unpacked(cell: Any) -> str:
    if isinstance(cell, bytes) and cell.startswith(arrow_blocks.BEGINNING):
        return repr(arrow_blocks.rows_of(arrow_blocks.unpack(cell)[1]))
    try:
        return zlib.decompress(cell).decode() if isinstance(cell, bytes) else str(cell)
    except zlib.error:  # tags
        return repr(cell)


def checksum(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables hold, without the sync's own."""
    columns = "*" if url.startswith("sqlite") else "t::text"
    return {
        table: sorted(ask(url, f"SELECT {columns} FROM {table} t"), key=repr)
        for table in tables_of(url)
        if "prompt_repo_sync" not in table
    }
