"""The verb that git calls to merge one file, and that tells git of itself."""

import shlex
import sys
from pathlib import Path

import click

from prompt_repo import git_cli
from prompt_repo.cli_base import FOUND_WRONG, Where
from prompt_repo.cli_output import printable
from prompt_repo.errors import GitFailed
from prompt_repo.git_commits import text_of
from prompt_repo.merge_driver import merge_file

NAME = "prompt-repo"
ATTRIBUTES = f"*.yaml merge={NAME}"


@click.command("merge-driver", short_help="Merge a file as the server does; git calls it.")
@click.option("--install", is_flag=True, help="Have git in this clone call it from now on.")
@click.argument("base", required=False, type=click.Path(path_type=Path))
@click.argument("ours", required=False, type=click.Path(path_type=Path))
@click.argument("theirs", required=False, type=click.Path(path_type=Path))
@click.argument("path", required=False)
@click.pass_obj
def merge_driver(
    where: Where,
    install: bool,
    base: Path | None,
    ours: Path | None,
    theirs: Path | None,
    path: str | None,
) -> None:
    """Merge one file as the server does: by lines, then by field. Git calls it with %O %A %B %P,
    once a clone is told to by --install.

    Exits 1 where something is left to decide; it stands between markers then.

    \b
    Example:
      prompt-repo merge-driver --install
    """
    if install:
        _install(where.repository or Path())
        return
    if base is None or ours is None or theirs is None or path is None:
        raise click.UsageError("git calls this with %O %A %B %P; set it up with --install")
    sides = base.read_bytes(), ours.read_bytes(), theirs.read_bytes()
    merged, conflicts = merge_file(path, *sides)
    ours.write_bytes(merged)
    for conflict in conflicts:
        field = f": {conflict.field}" if conflict.field else ""
        click.echo(printable(f"CONFLICT {path}{field} was changed on both sides"), err=True)
    if conflicts:
        raise click.exceptions.Exit(FOUND_WRONG)


def _install(clone: Path) -> None:
    """Writes the clone's own configuration; nothing that a commit would hold."""
    # A work tree has its git folder elsewhere; git knows where.
    found = git_cli.completed(None, ["-C", str(clone), "rev-parse", "--git-common-dir"])
    if found.returncode != 0:
        raise GitFailed("rev-parse", text_of(found.stderr))
    folder = Path(clone, text_of(found.stdout).strip())
    program = [sys.executable, "-m", "prompt_repo.cli"]
    command = f"{shlex.join(program)} merge-driver %O %A %B %P"
    for key, value in (("name", "prompts, field by field"), ("driver", command)):
        done = git_cli.completed(folder, ["config", f"merge.{NAME}.{key}", value])
        if done.returncode != 0:
            raise GitFailed("config", text_of(done.stderr))
    attributes = folder / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    lines = attributes.read_text().splitlines() if attributes.exists() else []
    if ATTRIBUTES not in lines:
        attributes.write_text("\n".join([*lines, ATTRIBUTES, ""]))
    click.echo(f"Git in {folder.resolve()} merges prompts as the server does from now on.")
