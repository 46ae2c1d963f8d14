"""The settings and records that a command is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prompt_repo.cli_base import Where
from webapp import audit_entries, folder
from webapp.config import Settings
from webapp.records import Records


def settings_of(where: Where) -> Settings:
    """The settings for the data folder and repository that the command line names."""
    return Settings.from_environment(data=where.data, repository=where.repository)


def has_records(where: Where) -> bool:
    """Whether there are records already that belong to what the command line names."""
    if where.repository is not None:
        return False
    settings = settings_of(where)
    return bool(settings.records_url) or (settings.data / "records.sqlite3").exists()


def enter(where: Where, action: str, subject: str, **detail: Any) -> None:
    """Enters something in the audit log, where there is one."""
    if has_records(where):
        with records_of(where) as records:
            audit_entries.from_command_line(records, action, subject, **detail)


@contextmanager
def records_of(where: Where) -> Iterator[Records]:
    """The records of a data folder, made where there are none yet."""
    settings = settings_of(where)
    folder.prepare(settings.data)
    records = Records(settings.records_address)
    records.migrate()
    try:
        yield records
    finally:
        records.close()
