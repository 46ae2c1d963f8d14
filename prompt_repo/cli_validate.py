"""The verb that checks a tree, in a work tree's folder or at a commit."""

import os
from pathlib import Path

import click

from prompt_repo import cli_output
from prompt_repo.cli_base import FOUND_WRONG, Where
from prompt_repo.git_trees import EntryKind
from prompt_repo.layout import place_of
from prompt_repo.placing import no_file
from prompt_repo.progress import counted
from prompt_repo.repository import STAGING, Repository
from prompt_repo.validation import Finding, Severity, check_tree, order
from prompt_repo.yaml_tree import MAXIMUM


@click.command(short_help="Check every file of a folder or a commit.")
@click.argument(
    "path", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--ref",
    metavar="NAME",
    help="A branch, a tag or a commit, as git names it.  [default: staging, without PATH]",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Take warnings (unknown variables, hidden characters) for errors.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Lines for people, JSON, or annotations for a GitHub workflow.",
)
@click.pass_obj
def validate(where: Where, path: Path | None, ref: str | None, strict: bool, form: str) -> None:
    """Check every file of a tree: PATH, the folder that holds prompts.yaml, or a commit.

    Exits 1 where there is an error. Unknown variables are warnings, for real prompts are full
    of braces.

    \b
    Example:
      prompt-repo validate . --strict --format github
      prompt-repo --data var validate --ref production
    """
    if path is not None and ref is not None:
        raise click.UsageError("give PATH or --ref, not both")
    commit = None
    with cli_output.progress_bars() as progress:
        if path is not None:
            files, findings = read_folder(path)
        else:
            repository = where.open()
            commit = repository.store.named(STAGING if ref is None else ref)
            files, findings = read_commit(repository, commit)
        told = counted(files.items(), "Checking files", len(files), progress)
        findings = sorted([*findings, *check_tree(told, strict=strict)], key=order)
    _report(findings, len(files), form, path, commit)


def read_commit(repository: Repository, commit: str) -> tuple[dict[str, bytes], list[Finding]]:
    """The files at a commit, and what stands there that is none; raises RevisionNotFound.

    Of files that are no document only the paths are read.
    """
    files: dict[str, bytes] = {}
    findings = []
    for path, kind, blob in repository.store.entries(commit):
        if kind is not EntryKind.FILE:
            findings.append(_no_file(path, kind))
        else:
            files[path] = repository.store.blob(blob) if place_of(path) else b""
    return files, findings


def _no_file(path: str, kind: EntryKind) -> Finding:
    return Finding(no_file(path, kind.value))


def read_folder(folder: Path) -> tuple[dict[str, bytes], list[Finding]]:
    """The files below a work tree's folder, and what is there that can't be committed here.

    Git's own folder is left out, links aren't followed, and of files that are no document only
    the paths are read.
    """
    files: dict[str, bytes] = {}
    findings = []
    for place, folders, names in os.walk(folder):
        if Path(place) == folder:
            folders[:] = [name for name in folders if name != ".git"]
            names = [name for name in names if name != ".git"]  # of a linked work tree
        for name in (*names, *folders):
            file = Path(place, name)
            path = file.relative_to(folder).as_posix()
            if file.is_symlink():
                findings.append(_no_file(path, EntryKind.LINK))
            elif file.is_file():
                files[path] = _beginning(file) if place_of(path) else b""
            elif not file.is_dir():
                findings.append(_no_file(path, EntryKind.UNKNOWN))
    return files, findings


def _beginning(file: Path) -> bytes:
    """A file, or so much of it that a check refuses it for its size."""
    with file.open("rb") as stream:
        return stream.read(MAXIMUM + 1)


def _report(
    findings: list[Finding], files: int, form: str, path: Path | None, commit: str | None
) -> None:
    errors = sum(each.severity is Severity.ERROR for each in findings)
    counts = {"files": files, "errors": errors, "warnings": len(findings) - errors}
    if form == "json":
        problems = [cli_output.finding_json(each) for each in findings]
        found = {"valid": errors == 0, "commit": commit, **counts, "problems": problems}
        cli_output.echo_json(found)
    else:
        prefix = "" if path is None or path == Path() else f"{path.as_posix().rstrip('/')}/"
        cli_output.echo_findings(findings, form, prefix)
        said = ", ".join(
            f"{count:,} {name if count != 1 else name[:-1]}" for name, count in counts.items()
        )
        click.echo(said, err=True)
    if errors:
        raise click.exceptions.Exit(FOUND_WRONG)
