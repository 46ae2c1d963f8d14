"""The repository's verbs that carry prompts, with an entry in the audit log of a data folder.

They know nothing of the log themselves: where there is one, what became of a verb is entered after
it, beside what the environments hold now and held before.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from prompt_repo.cli_base import Where
from prompt_repo.errors import PromptRepoError
from prompt_repo.layout import ENVIRONMENTS
from prompt_repo.repository import Repository
from webapp import audit_entries
from webapp.cli_records import has_records, records_of
from webapp.folder import FolderError

SUBJECTS = {"export": "output", "import": "file", "promote": "target", "rollback": "promotion"}
"""The verbs, each with the parameter that says what it was about."""


@contextmanager
def entered(where: Where, verb: str, params: Mapping[str, Any]) -> Iterator[None]:
    """Enters a verb that is carried out meanwhile, whether it goes well or not."""
    if not has_records(where):
        yield
        return
    before = _heads(where)
    outcome, why = "failed", ""
    try:
        yield
        outcome = "done"
    except click.exceptions.Exit as over:
        why = f"exit code {over.exit_code}"
        raise
    except BaseException as error:
        why = str(error) or type(error).__name__
        raise
    finally:
        _enter(where, verb, params, before, outcome, why)


def _enter(
    where: Where,
    verb: str,
    params: Mapping[str, Any],
    before: Mapping[str, str],
    outcome: str,
    why: str,
) -> None:
    """The entry, and one more where a second branch moved, as a decided promotion does."""
    told = ((name, value) for name, value in params.items() if value not in (None, False, ()))
    asked = {name: _plain(value) for name, value in told}
    detail = {"asked": asked} | ({"why": why} if why else {})
    subject = str(params.get(SUBJECTS[verb]) or verb)
    moved = list(_moved(where, before)) or [{}]
    try:
        with records_of(where) as records:
            for facts in moved:
                audit_entries.from_command_line(
                    records, verb, subject, outcome=outcome, **detail, **facts
                )
    except (SQLAlchemyError, FolderError) as error:  # what was done is done
        click.echo(f"warning: this is not in the audit log: {error}", err=True)


def _moved(where: Where, before: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What each environment that moved holds now, and held before."""
    for branch, head in _heads(where).items():
        old = before.get(branch)
        if old is not None and head != old:
            store = Repository.open(where.path).store
            commit = replace(store.header(head), changes=tuple(store.changed(old, head)))
            yield {"branch": branch, **audit_entries.changes_of(commit), audit_entries.SINCE: old}


def _heads(where: Where) -> dict[str, str]:
    try:
        store = Repository.open(where.path).store
        return {name: head for name in ENVIRONMENTS if (head := store.head(name))}
    except PromptRepoError:  # the verb says it better
        return {}


def _plain(value: Any) -> Any:
    return [str(each) for each in value] if isinstance(value, tuple) else str(value)
