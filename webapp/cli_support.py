"""What the program's own verbs share: their settings, and how they refuse."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from sqlalchemy.exc import ArgumentError, DBAPIError

from prompt_repo.cli_base import USED_WRONG, Where
from webapp import audit, folder
from webapp.config import InvalidSetting, Settings
from webapp.folder import FolderError
from webapp.people import PeopleError
from webapp.records import Records
from webapp.running import StartError
from webapp.serving import HostRefused, PortTaken
from webapp.tokens import TokenError
from webapp.valkey import ValkeyError

REFUSALS = (FolderError, HostRefused, PortTaken, StartError, ValkeyError)
MISUSES = (PeopleError, TokenError)
"""Refusals of what was asked; the others say that something here stands in the way."""


class Misused(click.ClickException):
    """A refusal of what was asked."""

    exit_code = USED_WRONG


class Verb(click.Command):
    """A command that says in a sentence why it refuses."""

    def invoke(self, context: click.Context) -> Any:
        """Runs it; what is refused ends with exit code 1, or 2 where it was used wrongly."""
        try:
            return super().invoke(context)
        except InvalidSetting as error:
            raise click.UsageError(str(error)) from error
        except MISUSES as error:
            raise Misused(str(error)) from error
        except REFUSALS as error:
            raise click.ClickException(str(error)) from error
        except ModuleNotFoundError as error:  # the driver of some database
            raise click.ClickException(f"the records can't be used: {error}") from error
        except ArgumentError as error:
            raise click.UsageError("PROMPT_REPO_RECORDS_URL is no address we can use") from error
        except (DBAPIError, sqlite3.Error) as error:
            why = error.orig if isinstance(error, DBAPIError) else error
            raise click.ClickException(f"the records can't be used: {why}") from error


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
            audit.from_command_line(records, action, subject, **detail)


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
