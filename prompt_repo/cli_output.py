"""What the command line prints: text for people, JSON and annotations for programs."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from prompt_repo.errors import Problem
from prompt_repo.model import Commit, Version
from prompt_repo.progress import Progress
from prompt_repo.validation import Finding, Severity

SHORT = 9  # hex digits of a commit shown to people
COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Shows bars on standard error where that is a terminal: what is done, how many of how many.

    A count without an end shows as that; the bars go away at the end.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"))
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:

        def show(what: str, done: int, of: int | None = None) -> None:
            count = f"{done:,} of {of:,}" if of is not None else f"{done:,}"
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of, count=count)
            bars.update(tasks[what], completed=done, total=of, count=count)

        yield show


def echo_json(value: Any) -> None:
    """One JSON value on standard output."""
    click.echo(json.dumps(value, indent=2))


def echo_text(text: str) -> None:
    """A prompt's text exactly; on a terminal it ends its last line and controls nothing."""
    if sys.stdout.isatty():
        text = "\n".join(printable(line) for line in text.split("\n")) + "\n"
    click.echo(text, nl=False)


def printable(text: str) -> str:
    """The text on one line, with what a terminal would obey or a log would break on escaped."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\t" else char.encode("unicode_escape").decode()
        for char in text
    )


def echo_findings(findings: Sequence[Finding], form: str, prefix: str) -> None:
    """Findings as `text` or `github` lines; `prefix` leads from here to the tree's folder."""
    for finding in findings:
        if form == "github":
            click.echo(annotation(finding, prefix))
        else:
            place, _, said = str(finding.problem).partition(": ")
            warning = "warning: " if finding.severity is Severity.WARNING else ""
            click.echo(printable(f"{prefix}{place}: {warning}{said}"))


def annotation(finding: Finding, prefix: str = "") -> str:
    """A finding as GitHub's workflow command, which marks the line in a pull request."""
    problem = finding.problem
    place = {"file": prefix + problem.path, "line": problem.line, "col": problem.column}
    given = ",".join(f"{name}={_property(value)}" for name, value in place.items() if value)
    said = f"{problem.field}: {problem.message}" if problem.field else problem.message
    return f"::{finding.severity} {given}::{_escaped(said)}"


def _property(value: object) -> str:
    return _escaped(str(value)).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return printable(text)


def problem_json(problem: Problem) -> dict[str, Any]:
    """What is wrong with a document, as the value a program reads."""
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "field": problem.field,
        "message": problem.message,
        "valid": list(problem.valid),
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as the value a program reads."""
    return {"severity": str(finding.severity), **problem_json(finding.problem)}


def version_json(version: Version) -> dict[str, Any]:
    """A version of a prompt as the value a program reads, without its text."""
    return {
        "version": version.number,
        "commit": version.commit,
        "removed": version.removed,
        "created_by": {"name": version.author.name, "email": version.author.email},
        "created_at": version.created_at.isoformat(),
        "reason": version.reason,
    }


def commit_json(commit: Commit) -> dict[str, Any]:
    """A commit as the value a program reads."""
    return {
        "commit": commit.oid,
        "author": {"name": commit.author.name, "email": commit.author.email},
        "created_at": commit.authored_at.isoformat(),
        "reason": commit.reason,
        "paths": [change.path for change in commit.changes],
    }


def version_row(version: Version) -> dict[str, str]:
    """A version as cells of a table."""
    gone = " (removed)" if version.removed else ""
    return {
        "version": f"{version.number}{gone}",
        "commit": version.commit[:SHORT],
        "when": f"{version.created_at:%Y-%m-%d %H:%M}",
        "who": version.author.name,
        "reason": _first_line(version.reason),
    }


def commit_row(commit: Commit) -> dict[str, str]:
    """A commit as cells of a table."""
    return {
        "commit": commit.oid[:SHORT],
        "when": f"{commit.authored_at:%Y-%m-%d %H:%M}",
        "who": commit.author.name,
        "files": str(len(commit.changes)),
        "reason": _first_line(commit.reason),
    }


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def echo_rows(rows: Iterable[Mapping[str, str]]) -> None:
    """Rows as a table on a terminal, else as lines with tabs between the cells."""
    safe = [{name: printable(cell) for name, cell in row.items()} for row in rows]
    if not sys.stdout.isatty():
        for row in safe:
            click.echo("\t".join(cell.replace("\t", " ") for cell in row.values()))
    elif safe:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in safe[0]:
            table.add_column(name, overflow="fold", no_wrap=name != "reason")
        for row in safe:
            table.add_row(*(Text(cell) for cell in row.values()))
        Console().print(table)


def echo_diff(diff: str) -> None:
    """A unified diff; coloured on a terminal."""
    if not sys.stdout.isatty():
        click.echo(diff, nl=False)
        return
    for line in diff.splitlines():
        click.secho(printable(line), fg=COLOURS.get(line[:1]))
