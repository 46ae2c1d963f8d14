"""The repository's own verbs, as a click group that needs no web front end."""

from collections.abc import Callable
from pathlib import Path

import click

from prompt_repo import cli_output, git_cli
from prompt_repo.cli_base import FOUND_WRONG, Verbs, Where, author_named, json_option
from prompt_repo.cli_export import export_verb
from prompt_repo.cli_import import import_verb
from prompt_repo.cli_merge_driver import merge_driver
from prompt_repo.cli_promotion import promote_verb, rollback_verb
from prompt_repo.cli_reading import diff, log, show
from prompt_repo.cli_validate import read_commit, validate
from prompt_repo.errors import PromptRepoError
from prompt_repo.presets import PRESETS
from prompt_repo.progress import Progress, counted
from prompt_repo.repository import STAGING, Repository
from prompt_repo.validation import Severity, check_tree

HELP = """Prompts for emotional video clips, kept in Git.

\b
Example:
  prompt-repo --data var log aria/angry
"""


def make_group(name: str = "prompt-repo", kind: type[Verbs] = Verbs) -> Verbs:
    """A group of the repository's verbs with the options that say which repository.

    Its context's `obj` is a Where. More verbs can be added with `add_command`, or by `kind`.
    """
    options: list[click.Parameter] = [
        click.Option(
            ["--data"],
            type=click.Path(file_okay=False, readable=False, path_type=Path),
            default=Path("var"),
            show_default=True,
            help="The data folder, which holds prompts.git.",
        ),
        click.Option(
            ["--repository"],
            type=click.Path(path_type=Path),
            help="A bare repository or a clone, instead of a data folder.",
        ),
    ]
    group = kind(name, list(VERBS), params=options, callback=_remember, help=HELP)
    version: Callable[[Verbs], Verbs] = click.version_option(
        package_name="prompt-repo", message="%(prog)s %(version)s"
    )
    return version(group)


@click.pass_context
def _remember(context: click.Context, data: Path, repository: Path | None) -> None:
    context.obj = Where(data, repository)


@click.command()
@click.option(
    "--preset",
    type=click.Choice(sorted(PRESETS)),
    default="basic",
    show_default=True,
    help="The emotions to begin with: seven, or the 28 of GoEmotions.",
)
@click.option(
    "--author",
    metavar="'NAME <EMAIL>'",
    default="prompt-repo <prompt-repo@localhost>",
    show_default=True,
    help="Who begins it.",
)
@json_option
@click.pass_obj
def init(where: Where, preset: str, author: str, as_json: bool) -> None:
    """Make a repository with a list of emotions and no prompts.

    \b
    Example:
      prompt-repo --data var init --preset goemotions
    """
    repository = Repository.create(where.path, PRESETS[preset], author_named(author))
    emotions = PRESETS[preset].emotion_ids
    if as_json:
        made = {"repository": str(where.path), "commit": repository.head(STAGING)}
        cli_output.echo_json({**made, "emotions": emotions})
    else:
        click.echo(f"Made {where.path} with {len(emotions)} emotions: {', '.join(emotions)}")


@click.command(short_help="Make the history index anew from Git.")
@json_option
@click.pass_obj
def reindex(where: Where, as_json: bool) -> None:
    """Make the history index anew from Git, and all else that is kept. Nothing is lost by it.

    \b
    Example:
      prompt-repo --data var reindex
    """
    with cli_output.progress_bars() as progress:
        commits = where.open().rebuild(progress)
    if as_json:
        cli_output.echo_json({"commits": commits})
    else:
        click.echo(f"Indexed {commits:,} commits.")


@click.command(short_help="Check Git's objects, what is derived, every document.")
@json_option
@click.pass_obj
def fsck(where: Where, as_json: bool) -> None:
    """Check the repository: Git's objects, the history index, and every branch's documents.

    Exits 1 where something is wrong.

    \b
    Example:
      prompt-repo --data var fsck
    """
    with cli_output.progress_bars() as progress:
        problems = check_repository(where.open(), progress)
    if as_json:
        cli_output.echo_json({"sound": not problems, "problems": problems})
    elif problems:
        for problem in problems:
            click.echo(cli_output.printable(problem))
    else:
        click.echo("Sound: objects, index and documents.")
    if problems:
        raise click.exceptions.Exit(FOUND_WRONG)


def check_repository(repository: Repository, progress: Progress) -> list[str]:
    """What is wrong with a repository, a sentence each; raises GitMissing.

    Where Git's own objects are broken, the rest can't be read and isn't.
    """
    progress("Checking Git's objects", 0, None)
    problems = [f"git: {line}" for line in git_cli.fsck(repository.store.path)]
    if problems:
        return problems
    if repository.store.head(STAGING) is None:
        problems.append(f"there is no branch {STAGING!r}, so this is no prompt repository yet")
    try:
        problems += [f"index: {line}" for line in repository.check(progress)]
        for branch, commit in repository.store.branches().items():
            files, findings = read_commit(repository, commit)
            told = counted(files.items(), f"Checking {branch}", len(files), progress)
            for finding in (*findings, *check_tree(told)):
                if finding.severity is Severity.ERROR:
                    problems.append(f"{branch}: {finding.problem}")
    except PromptRepoError as error:
        problems.append(str(error))
    return problems


VERBS = (
    *(init, validate, log, diff, show, export_verb, import_verb, promote_verb, rollback_verb),
    *(merge_driver, reindex, fsck),
)
main = make_group()
"""The verbs alone; the `prompt-repo` command adds those of the web front end."""

if __name__ == "__main__":
    main(prog_name="prompt-repo")
