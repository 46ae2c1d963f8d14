"""The verbs that read: log, show, diff."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from prompt_repo import cli_output, diffing, documents, variables
from prompt_repo.catalogue import Catalogue
from prompt_repo.cli_base import (
    PROMPT,
    Where,
    at_option,
    commit_at,
    environment_option,
    json_option,
)
from prompt_repo.errors import (
    CharacterNotFound,
    InvalidCursor,
    PromptNotFound,
    PromptRepoError,
    RevisionNotFound,
    UnknownEmotion,
)
from prompt_repo.model import Commit, Prompt, PromptKey, Source, Version
from prompt_repo.releases import release, releases
from prompt_repo.repository import PRODUCTION, STAGING, Repository

COMMIT_DIGITS = 40


@click.command(short_help="List a prompt's versions, or an environment's commits.")
@click.argument("prompt", required=False, type=PROMPT)
@environment_option
@at_option
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@json_option
@click.pass_obj
def log(
    where: Where,
    prompt: PromptKey | None,
    environment: str,
    when: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List a prompt's versions, newest first; without PROMPT, an environment's commits.

    \b
    Example:
      prompt-repo log aria/angry
      prompt-repo log --environment production --limit 5
    """
    repository = where.open_whole()
    commit = commit_at(repository, environment, when)
    if prompt is None and environment == PRODUCTION:
        _log_releases(repository, commit, limit, as_json)
        return
    if prompt is None:
        commits = list(_first_parents(repository, commit, limit))
        if as_json:
            cli_output.echo_json([cli_output.commit_json(each) for each in commits])
        else:
            cli_output.echo_rows(cli_output.commit_row(each) for each in commits)
        return
    repository.history.ensure(commit)
    versions = repository.history.page(commit, prompt.path, limit=limit).versions
    if not versions:
        raise _absent(repository.catalogue(commit), prompt)
    if as_json:
        cli_output.echo_json([cli_output.version_json(each) for each in versions])
    else:
        cli_output.echo_rows(cli_output.version_row(each) for each in versions)


def _log_releases(repository: Repository, commit: str, limit: int, as_json: bool) -> None:
    """What went live: each commit of production's line with what it did, and its tag."""
    try:
        found = releases(repository, commit, limit).items
    except InvalidCursor:  # a commit that production took from staging
        line = _first_parents(repository, commit, limit)
        found = tuple(release(repository, each.oid) for each in line)
    if as_json:
        cli_output.echo_json(
            [
                {
                    **cli_output.commit_json(each.commit),
                    "did": str(each.did),
                    "tag": each.tag,
                    "source": each.source,
                }
                for each in found
            ]
        )
        return
    cli_output.echo_rows(
        {"did": str(each.did), **cli_output.commit_row(each.commit), "tag": each.tag or ""}
        for each in found
    )


def _first_parents(repository: Repository, commit: str, limit: int) -> Iterator[Commit]:
    for _ in range(limit):
        found = repository.store.commit(commit)
        yield found
        if not found.parents:
            return
        commit = found.parents[0]


@click.command(short_help="Print a prompt's text.")
@click.argument("prompt", type=PROMPT)
@environment_option
@at_option
@click.option("--version", "number", type=click.IntRange(1), help="A version by its number.")
@click.option("--resolved", is_flag=True, help="With the variables filled in.")
@json_option
@click.pass_obj
def show(
    where: Where,
    prompt: PromptKey,
    environment: str,
    when: str | None,
    number: int | None,
    resolved: bool,
    as_json: bool,
) -> None:
    """Print a prompt's text, the default's where a character has none of its own.

    \b
    Example:
      prompt-repo show aria/angry --resolved
      prompt-repo show aria/angry --version 3 --json
    """
    repository = where.open_whole()
    catalogue = repository.catalogue(commit_at(repository, environment, when))
    if number is None:
        found = catalogue.lookup(prompt)
        if found is None:
            raise _absent(catalogue, prompt)
        key, document = found.key, found.prompt
        version = repository.history.version(found.held.row)
    else:
        version = repository.history.numbered(catalogue.commit, prompt.path, number)
        key, document = prompt, _said(repository, version)
    listed = prompt.emotion in catalogue.configuration.by_id
    values = catalogue.variables(prompt) if listed else {}
    if as_json:
        cli_output.echo_json(_shown(prompt, key, document, version, values))
        return
    if key != prompt:
        click.echo(f"{prompt.character} has no {prompt.emotion} of its own: the default", err=True)
    cli_output.echo_text(variables.fill(document.text, values) if resolved else document.text)


def _absent(catalogue: Catalogue, prompt: PromptKey) -> PromptRepoError:
    """What to say of a prompt that isn't there: the first of its ids that nobody knows."""
    if prompt.emotion not in catalogue.configuration.by_id:
        return UnknownEmotion(prompt.emotion, catalogue.configuration.emotion_ids)
    if prompt.character is not None and prompt.character not in catalogue.tables.folders:
        return CharacterNotFound(prompt.character)
    return PromptNotFound(prompt.path)


def _said(repository: Repository, version: Version) -> Prompt:
    """What a version said; a removal said nothing, so that is a misuse."""
    if version.blob is None:
        raise click.UsageError(f"version {version.number} of {version.path} is its removal")
    document = documents.parse(repository.store.blob(version.blob), version.path)
    assert isinstance(document, Prompt)
    return document


def _shown(
    asked: PromptKey, key: PromptKey, prompt: Prompt, version: Version, values: dict[str, str]
) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "path": key.path,
        "character": asked.character,
        "emotion": asked.emotion,
        "prompt_text": prompt.text,
        "resolved_text": variables.fill(prompt.text, values),
        "source": str(Source.GLOBAL if key.character is None else Source.CHARACTER),
        "is_default": key != asked,
        **cli_output.version_json(version),
        "notes": prompt.notes,
        "tags": prompt.tags,
        "variables": values,
        "unknown_variables": variables.unknown(prompt.text, values),
    }


@dataclass(frozen=True, slots=True)
class Compared:
    """One file on two sides; None where it does not stand."""

    path: str
    old: str | None
    new: str | None


@click.command(short_help="Compare two versions of a prompt, or two environments.")
@click.argument("prompt", required=False, type=PROMPT)
@click.option("--from", "before", metavar="SIDE", help="The older side.")
@click.option("--to", "after", metavar="SIDE", help="The newer side.")
@environment_option
@json_option
@click.pass_obj
def diff(
    where: Where,
    prompt: PromptKey | None,
    before: str | None,
    after: str | None,
    environment: str,
    as_json: bool,
) -> None:
    """Compare two versions of one prompt; without PROMPT, every file of two environments.

    A SIDE is an environment or another branch, or a commit, a tag or a time of --environment;
    of a prompt also a version's number. Without sides, a prompt's last version is compared with
    the one before, and staging with production.

    \b
    Example:
      prompt-repo diff aria/angry --from 3 --to 5
      prompt-repo diff aria/angry --from production --to staging
      prompt-repo diff
    """
    repository = where.open_whole()
    if prompt is None:
        names = before or PRODUCTION, after or STAGING
        commits = [_commit(repository, environment, name) for name in names]
        compared = list(_files(repository, *commits))
    else:
        versions = _versions(repository, environment, prompt, before, after)
        names, texts = _sides(repository, *versions)
        compared = [Compared(prompt.path, *texts)]
    if as_json:
        cli_output.echo_json(_diff_json(names, compared))
    else:
        for each in compared:
            cli_output.echo_diff(_unified(each, names))


def _commit(repository: Repository, environment: str, name: str) -> str:
    """The commit that a side means: a branch, what `commit_at` takes, or what git takes."""
    head = repository.store.head(name)
    if head is not None:
        return head
    try:
        return repository.commit_at(environment, name)
    except RevisionNotFound:
        return repository.store.named(name)


def _files(repository: Repository, old: str, new: str) -> Iterator[Compared]:
    def text(blob: str | None) -> str | None:
        return repository.store.blob(blob).decode(errors="replace") if blob else None

    for change in sorted(repository.store.changed(old, new), key=lambda each: each.path):
        yield Compared(change.path, text(change.old), text(change.new))


def _versions(
    repository: Repository,
    environment: str,
    prompt: PromptKey,
    before: str | None,
    after: str | None,
) -> tuple[Version | None, Version]:
    """The two versions meant; the older is None before the first."""
    new = _version(repository, environment, prompt, after)
    if before is not None:
        return _version(repository, environment, prompt, before), new
    if new.number == 1:
        return None, new
    page = repository.history.page(new.commit, prompt.path, limit=2)
    return page.versions[1], new


def _version(
    repository: Repository, environment: str, prompt: PromptKey, side: str | None
) -> Version:
    if side is not None and side.isdecimal() and len(side) < COMMIT_DIGITS:
        commit = repository.current(environment).commit
        return repository.history.numbered(commit, prompt.path, int(side))
    commit = _commit(repository, environment, side or environment)
    repository.history.ensure(commit)
    held = repository.history.held(commit, prompt.path)
    if held is None:
        raise PromptNotFound(prompt.path)
    return repository.history.version(held.row)


def _sides(
    repository: Repository, old: Version | None, new: Version
) -> tuple[tuple[str, str], tuple[str | None, str | None]]:
    """Names and texts of two versions."""

    def text(version: Version | None) -> str | None:
        if version is None or version.blob is None:
            return None
        return documents.readable(repository.store.blob(version.blob), version.path)

    names = (f"version {old.number}" if old else "nothing", f"version {new.number}")
    return names, (text(old), text(new))


def _unified(compared: Compared, names: tuple[str, str]) -> str:
    old, new = (f"{compared.path} ({name})" for name in names)
    return diffing.unified(compared.old, compared.new, old, new)


def _diff_json(names: tuple[str, str], compared: list[Compared]) -> dict[str, Any]:
    files = []
    for each in compared:
        added, removed = diffing.size(each.old, each.new)
        counts = {"lines_added": added, "lines_removed": removed}
        texts = {"old": each.old, "new": each.new, "diff": _unified(each, names)}
        files.append({"path": each.path, **counts, **texts})
    return {"from": names[0], "to": names[1], "files": files}
