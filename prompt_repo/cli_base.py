"""What the command line's verbs share: which repository, names of prompts, refusals."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from prompt_repo.cli_output import printable
from prompt_repo.errors import (
    CharacterNotFound,
    GitMissing,
    InvalidDocument,
    InvalidId,
    PromptNotFound,
    PromptRepoError,
    RepositoryExists,
    RepositoryNotFound,
    RevisionNotFound,
    StorageFailed,
    UnknownEmotion,
    VersionNotFound,
)
from prompt_repo.layout import place_of, prompt_key
from prompt_repo.model import Author, PromptKey
from prompt_repo.repository import STAGING, Repository

FOUND_WRONG, USED_WRONG = 1, 2
MISUSES = (
    CharacterNotFound,
    GitMissing,
    InvalidId,
    PromptNotFound,
    RepositoryExists,
    RepositoryNotFound,
    RevisionNotFound,
    UnknownEmotion,
    VersionNotFound,
)
"""Refusals of what was asked; any other says that something is wrong with what is there."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which repository the verbs are about: `repository`, else the one in the folder `data`."""

    data: Path
    repository: Path | None = None

    @property
    def path(self) -> Path:
        """The bare folder, or a clone's work tree."""
        return self.repository or self.data / "prompts.git"

    def open(self) -> Repository:
        """The repository; raises RepositoryNotFound."""
        return Repository.open(self.path)

    def open_whole(self) -> Repository:
        """The repository, for verbs that name versions: a shallow clone is told that it is one."""
        repository = self.open()
        if repository.store.is_shallow:
            click.echo(
                "This clone is shallow: versions are counted from where it ends. "
                "`git fetch --unshallow` brings the rest.",
                err=True,
            )
        return repository


def commit_at(repository: Repository, branch: str, when: str | None) -> str:
    """The commit of a branch that `when` means, now where it is None.

    Besides what `Repository.commit_at` takes, also what git takes, such as the nine digits that
    `log` shows. Raises RevisionNotFound.
    """
    if when is None:
        return repository.head(branch)
    try:
        return repository.commit_at(branch, when)
    except RevisionNotFound as unknown:
        try:
            commit = repository.store.named(when)
        except RevisionNotFound:
            raise unknown from None
        if not repository.has_held(branch, commit):
            raise RevisionNotFound(when, branch) from None
        return commit


def author_named(text: str) -> Author:
    """The person that `Name <name@example.com>` means; raises BadParameter."""
    name, _, rest = text.partition("<")
    email = rest.removesuffix(">").strip()
    if not name.strip() or not rest.endswith(">") or not text.isprintable() or set("<>") & {*email}:
        raise click.BadParameter("write it as: Name <name@example.com>", param_hint="--author")
    return Author(name.strip(), email)


class Refused(click.ClickException):
    """A domain error as sentences on standard error, and exit code 1."""

    exit_code = FOUND_WRONG

    def __init__(self, error: PromptRepoError, *more: str) -> None:
        said = error.problems if isinstance(error, InvalidDocument) else [error]
        super().__init__("\n".join(printable(str(each)) for each in (*said, *more)))


class Misused(Refused):
    """A refusal of what was asked."""

    exit_code = USED_WRONG


def _said(error: OSError) -> PromptRepoError:
    """What the system refused; it names no file where it is our own output."""
    if error.filename is None:
        return PromptRepoError(f"this can't go on: {error.strerror or error}")
    return StorageFailed.of(error, "")


class Verbs(click.Group):
    """A group whose verbs may raise the domain's errors."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the verb; what is refused, by us or by the system, becomes Refused or Misused."""
        try:
            return super().invoke(ctx)
        except PromptRepoError as error:
            raise (Misused if isinstance(error, MISUSES) else Refused)(error) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read what we print has had enough
                raise
            raise Refused(_said(error)) from error


class PromptName(click.ParamType[PromptKey]):
    """`aria/angry` (an override), `defaults/angry`, or the path of such a file."""

    name = "prompt"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> PromptKey:
        """The key that a name means."""
        if isinstance(value, PromptKey):
            return value
        place = place_of(value)
        if place is not None and place.key is not None:
            return place.key
        folder, slash, emotion = value.partition("/")
        if not slash:
            self.fail("name it as aria/angry or defaults/angry", param, ctx)
        try:
            return prompt_key(None if folder == "defaults" else folder, emotion)
        except InvalidId as wrong:
            self.fail(str(wrong), param, ctx)


PROMPT = PromptName()

Decorator = Callable[[Callable[..., None]], Callable[..., None]]
json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for a program."
)
environment_option: Decorator = click.option(
    "--environment",
    metavar="NAME",
    default=STAGING,
    show_default=True,
    help="staging, production, or a change request's branch (changes/…).",
)
at_option: Decorator = click.option(
    "--at", "when", metavar="WHEN", help="A commit, a tag or a time such as 2026-11-23T09:00Z."
)
