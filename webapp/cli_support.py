"""What the program's own verbs share: their settings, and how they refuse."""

import sqlite3
from typing import Any

import click
from sqlalchemy.exc import ArgumentError, DBAPIError

from prompt_repo.cli_base import USED_WRONG
from webapp.config import InvalidSetting
from webapp.folder import FolderError
from webapp.people import PeopleError
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
