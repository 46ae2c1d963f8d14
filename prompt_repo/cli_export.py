"""The verb export: prompts into a file."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from prompt_repo import cli_output, transfer
from prompt_repo.cli_base import (
    Where,
    at_option,
    commit_at,
    environment_option,
)
from prompt_repo.git_bundle import bundled
from prompt_repo.model import Source
from prompt_repo.transfer import Form
from prompt_repo.transfer_documents import Selection
from prompt_repo.transfer_json import Origin

STDOUT = "-"
SHOWN = 50  # documents listed for a person
BUNDLE = "bundle"
SOURCES = {"character": Source.CHARACTER, "global": Source.GLOBAL}


@click.command("export", short_help="Write prompts to a JSON or CSV file.")
@click.option("--format", "form", type=click.Choice(["json", "csv", BUNDLE]), default="json")
@click.option("--versions", is_flag=True, help="With all versions: texts, people, reasons.")
@environment_option
@at_option
@click.option("--character", "characters", multiple=True, metavar="ID", help="Only this one's.")
@click.option("--emotion", "emotions", multiple=True, metavar="ID", help="Only this one.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Choice(sorted(SOURCES)),
    help="Only characters' own prompts, or only the global defaults.",
)
@click.option("--bom", is_flag=True, help="Begin a CSV with a BOM, which tells Excel it is UTF-8.")
@click.option(
    "-o", "--output", default=STDOUT, metavar="FILE", help="Where to; - is standard output."
)
@click.pass_obj
def export_verb(
    where: Where,
    form: str,
    versions: bool,
    environment: str,
    when: str | None,
    characters: tuple[str, ...],
    emotions: tuple[str, ...],
    sources: tuple[str, ...],
    bom: bool,
    output: str,
) -> None:
    """Write an environment's prompts to FILE: everything, or what is chosen.

    JSON holds emotions and characters too, and imports again without loss; CSV holds prompts
    alone, for spreadsheets. A bundle is all of Git's history, as `git clone` takes it.

    \b
    Example:
      prompt-repo export --format json --versions -o prompts.json
      prompt-repo export --format csv --character aria --source character -o -
    """
    repository = where.open_whole()
    if form == BUNDLE:
        if versions or when or characters or emotions or sources or bom:
            raise click.UsageError("a bundle holds all of the history; it takes no choices")
        with _written(output) as file:
            file.writelines(bundled(repository.store))
        return
    origin = Origin(environment, commit_at(repository, environment, when), datetime.now(UTC))
    chosen = frozenset(SOURCES[each] for each in sources) or frozenset(SOURCES.values())
    selection = Selection(
        frozenset(characters) or None, frozenset(emotions) or None, chosen, versions
    )
    heard: list[str] = []
    with cli_output.progress_bars() as progress, _written(output) as file:
        pieces = transfer.export(
            repository, origin, selection, Form(form), progress, bom=bom, warn=heard.append
        )
        file.writelines(pieces)
    show_warnings(heard)


def show_warnings(heard: Sequence[str]) -> None:
    """Warnings on standard error: the first, and how many more."""
    for warning in heard[:SHOWN]:
        click.echo(f"warning: {cli_output.printable(warning)}", err=True)
    if len(heard) > SHOWN:
        click.echo(f"warning: and {len(heard) - SHOWN:,} more like these", err=True)


@contextmanager
def _written(output: str) -> Iterator[BinaryIO]:
    """A file that takes its place when it is whole; standard output as it comes."""
    if output == STDOUT:
        yield sys.stdout.buffer
        return
    target = Path(output)
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as file:
        try:
            yield file  # type: ignore[misc]
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
