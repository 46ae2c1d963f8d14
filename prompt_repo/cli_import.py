"""The verb import: prompts from a file, planned, shown, carried out."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from prompt_repo import cli_output, diffing, transfer
from prompt_repo.cli_base import (
    FOUND_WRONG,
    Where,
    author_named,
    commit_at,
    environment_option,
    json_option,
)
from prompt_repo.cli_export import SHOWN, STDOUT, show_warnings
from prompt_repo.progress import Progress
from prompt_repo.repository import Repository
from prompt_repo.transfer_apply import Choices, Imported, Order, apply, undecided
from prompt_repo.transfer_apply import moved as moved_between
from prompt_repo.transfer_errors import ImportMoved, InvalidFile
from prompt_repo.transfer_plan import MEANING, Entry, Plan, State, Strategy
from prompt_repo.transfer_renewing import renew

NAMED = 5  # documents named in a line
ATTEMPTS = 5  # until it is left to people, where prompts move all the time


@dataclass(frozen=True)
class _Asked:
    """How an import shall go; `pinned` is the one commit that its plan may be of."""

    base: str | None
    pinned: str | None
    create_characters: bool
    dry_run: bool


@click.command("import", short_help="Bring prompts in from a file or folder.")
@click.argument("file", type=click.Path(exists=True, path_type=Path, allow_dash=True))
@environment_option
@click.option(
    "--strategy",
    type=click.Choice([str(each) for each in Strategy]),
    help="What becomes of conflicts: the file's, ours, or both merged.  [default: none may be]",
)
@click.option(
    "--decide",
    "decided",
    multiple=True,
    metavar="PATH=STRATEGY",
    help="The same for one document; may be given again.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--diff", "with_diffs", is_flag=True, help="Show what would change in each text.")
@click.option(
    "--base", metavar="COMMIT", help="The commit that the file left from, if it names none."
)
@click.option(
    "--commit",
    "pinned",
    metavar="COMMIT",
    help="Only if the environment is still at this commit, which a dry run told.",
)
@click.option(
    "--create-characters", is_flag=True, help="Create characters that a CSV names and we lack."
)
@click.option(
    "--author",
    metavar="'NAME <EMAIL>'",
    default="prompt-repo <prompt-repo@localhost>",
    show_default=True,
    help="Whom the commit names.",
)
@click.option("--reason", default="", help="Why: the commit's message.")
@json_option
@click.pass_obj
def import_verb(
    where: Where,
    file: Path,
    environment: str,
    strategy: str | None,
    decided: tuple[str, ...],
    dry_run: bool,
    with_diffs: bool,
    base: str | None,
    pinned: str | None,
    create_characters: bool,
    author: str,
    reason: str,
    as_json: bool,
) -> None:
    """Bring in prompts from FILE: our JSON or CSV, a zip or folder of our YAML, a character card.

    Everything is checked first, then written in one go or not at all. Exits 1 where the file has
    errors, where documents that changed here and in the file are not decided, or where the
    environment has left the --commit. What moves while this runs is told, and planned anew.

    \b
    Example:
      prompt-repo import prompts.json --dry-run
      prompt-repo import prompts.csv --strategy merge --reason 'From the writers'
      prompt-repo import prompts.csv --decide characters/aria/angry.yaml=overwrite
    """
    repository = where.open()
    order = Order(author_named(author), reason, _choices(strategy, decided))
    asked = _Asked(
        commit_at(repository, environment, base) if base is not None else None,
        commit_at(repository, environment, pinned) if pinned is not None else None,
        create_characters,
        dry_run,
    )
    with cli_output.progress_bars() as progress, _source(file) as source:
        try:
            with transfer.preview(
                repository,
                environment,
                source,
                name=source.name if file != Path(STDOUT) else "standard input",
                base=asked.base,
                create_characters=create_characters,
                progress=progress,
            ) as found:
                found, done, moved = _carried_out(repository, found, order, asked, progress)
                open_ones = undecided(found, order.choices)
                if with_diffs:
                    _show_diffs(repository, found)
                _show(found, open_ones, done, as_json=as_json)
        except InvalidFile as invalid:
            _show_problems(invalid, as_json)
            raise click.exceptions.Exit(FOUND_WRONG) from invalid
    if moved is not None:
        raise moved
    if open_ones:
        raise click.exceptions.Exit(FOUND_WRONG)


def _choices(strategy: str | None, decided: Sequence[str]) -> Choices:
    try:
        return Choices.told(strategy, decided)
    except ValueError as wrong:
        raise click.BadParameter(
            f"{wrong}; write PATH=overwrite, PATH=skip or PATH=merge", param_hint="--decide"
        ) from wrong


def _carried_out(
    repository: Repository, found: Plan, order: Order, asked: _Asked, progress: Progress
) -> tuple[Plan, Imported | None, ImportMoved | None]:
    """Imports a plan where that was asked for and nothing of it is undecided.

    What moves meanwhile is told, and planned anew; a plan that was to be of one commit is left to
    be looked at then.
    """
    if asked.pinned is not None and found.commit != asked.pinned:
        paths = moved_between(repository, found, asked.pinned, found.commit)
        return found, None, ImportMoved(found.branch, asked.pinned, found.commit, paths)
    for left in reversed(range(ATTEMPTS)):
        if asked.dry_run or undecided(found, order.choices):
            break
        try:
            return found, apply(repository, found, order, progress), None
        except ImportMoved as moved:
            found = renew(
                repository,
                found,
                base=asked.base,
                create_characters=asked.create_characters,
                progress=progress,
            ).plan
            if asked.pinned is not None or not left:
                return found, None, moved
            told = ", ".join(moved.paths[:NAMED]) + (" and more" if moved.paths[NAMED:] else "")
            click.echo(f"{moved.branch} moved meanwhile ({told}); planning anew", err=True)
    return found, None, None


@contextmanager
def _source(file: Path) -> Iterator[Path]:
    """The file, or a copy of standard input, which can't be gone back in."""
    if file != Path(STDOUT):
        yield file
        return
    with tempfile.NamedTemporaryFile(prefix="prompt-repo-") as copy:
        stream = sys.stdin.buffer
        while piece := stream.read(1 << 20):
            copy.write(piece)
        copy.flush()
        yield Path(copy.name)


def _show_diffs(repository: Repository, found: Plan) -> None:
    for state in (State.CREATE, State.UPDATE, State.CONFLICT):
        for entry in found.entries(state):
            both = transfer.sides(repository, found, entry)
            names = f"{entry.path} (here)", f"{entry.path} (file)"
            cli_output.echo_diff(diffing.unified(both.here, both.file, *names))


def _show(found: Plan, open_ones: Sequence[str], done: Imported | None, *, as_json: bool) -> None:
    if as_json:
        cli_output.echo_json(plan_json(found, open_ones, done))
        return
    show_warnings(found.warnings)
    for state in (State.CONFLICT, State.CREATE, State.UPDATE, State.BEHIND):
        entries = found.entries(state, limit=SHOWN)
        cli_output.echo_rows({"state": str(state), "document": each.path} for each in entries)
        if found.counts[state] > len(entries):
            click.echo(f"… and {found.counts[state] - len(entries):,} more to {state}")
    told = [
        f"{found.counts[state]:,} {state} ({meaning})"
        for state, meaning in MEANING.items()
        if found.counts[state]
    ]
    click.echo("; ".join(told) or "The file holds no document.")
    if open_ones:
        click.echo(
            f"{len(open_ones):,} to decide first, with --strategy or --decide; nothing was imported"
        )
    elif done is not None and done.before == done.after:
        click.echo("Nothing to import: everything stands so already.")
    elif done is not None:
        commits = f"{done.commits:,} commit{'s' if done.commits != 1 else ''}"
        noun = f"document{'s' if done.documents != 1 else ''}"
        click.echo(f"Imported {done.documents:,} {noun} in {commits}: {done.after[:9]}")


def plan_json(
    found: Plan, open_ones: Sequence[str], done: Imported | None = None
) -> dict[str, Any]:
    """An import as the value a program reads; documents that stay as they are aren't listed."""
    waiting = set(open_ones)
    changes = (each for each in found.entries() if each.state is not State.UNCHANGED)
    return {
        "branch": found.branch,
        "commit": found.commit,
        "counts": {str(state): found.counts[state] for state in State},
        "items": [_entry_json(each, waiting) for each in changes],
        "warnings": list(found.warnings),
        "undecided": list(open_ones),
        "imported": None
        if done is None
        else {
            "before": done.before,
            "after": done.after,
            "documents": done.documents,
            "commits": done.commits,
        },
    }


def _entry_json(entry: Entry, waiting: set[str]) -> dict[str, Any]:
    merges = entry.merged is not None if entry.state is State.CONFLICT else None
    return {
        "path": entry.path,
        "state": str(entry.state),
        "merges": merges,
        "undecided": entry.path in waiting,
    }


def _show_problems(invalid: InvalidFile, as_json: bool) -> None:
    if as_json:
        told = [cli_output.problem_json(each) for each in invalid.problems]
        cli_output.echo_json({"valid": False, "count": invalid.count, "problems": told})
        return
    for problem in invalid.problems:
        click.echo(cli_output.printable(str(problem)), err=True)
    more = invalid.count - len(invalid.problems)
    if more:
        click.echo(f"… and {more:,} more", err=True)
    noun = "problem" if invalid.count == 1 else "problems"
    click.echo(f"{invalid.count:,} {noun}; nothing was imported", err=True)
