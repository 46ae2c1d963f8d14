"""The verb `audit`, and `fsck` with the audit log in it."""

from pathlib import Path

import click

from prompt_repo import cli, cli_output
from prompt_repo.cli_base import FOUND_WRONG, Where, json_option
from prompt_repo.progress import Progress
from webapp import audit_anchors, audit_entries, audit_log, audit_tending
from webapp.audit_check import Report, check
from webapp.cli_records import has_records, records_of, settings_of
from webapp.cli_support import Verb
from webapp.formatting import counted


@click.command(cls=Verb, short_help="Check Git, what is derived, every document, the audit log.")
@json_option
@click.pass_obj
def fsck(where: Where, as_json: bool) -> None:
    """Check all that is kept: Git's objects, the history index, documents, the audit log.

    The audit log is checked where there is a data folder. Exits 1 where something is wrong.

    \b
    Example:
      prompt-repo --data var fsck
    """
    with cli_output.progress_bars() as progress:
        repository = where.open()
        problems = cli.check_repository(repository, progress)
        report = _log_of(where, repository.store.path, progress)
    if report is not None:
        problems += _said(report)
    if as_json:
        cli_output.echo_json({"sound": not problems, "problems": problems})
    elif problems:
        for problem in problems:
            click.echo(cli_output.printable(problem))
    else:
        more = f"; {_all_of(report)}" if report else ""
        click.echo(f"Sound: objects, index and documents{more}.")
    if problems:
        raise click.exceptions.Exit(FOUND_WRONG)


@click.group(short_help="Verify, anchor or cut the audit log.")
def audit() -> None:
    """The audit log: whether it is whole, its anchors in Git, its end.

    \b
    Example:
      prompt-repo --data var audit verify
    """


@audit.command(cls=Verb, short_help="Work every hash out again, and compare with Git.")
@json_option
@click.pass_obj
def verify(where: Where, as_json: bool) -> None:
    """Work the hash of every entry out again, and compare with what Git has kept.

    Exits 1 where the log isn't what was written, and says where.

    \b
    Example:
      prompt-repo --data var audit verify
    """
    with records_of(where) as records:
        report = check(records, audit_anchors.all_of(where.open().store.path))
    if as_json:
        cli_output.echo_json(_plain(report))
    else:
        for line in _said(report):
            click.echo(cli_output.printable(line))
        click.echo(f"{'Sound' if report.sound else 'Looked at'}: {_all_of(report)}.")
    if not report.sound:
        raise click.exceptions.Exit(FOUND_WRONG)


@audit.command(cls=Verb)
@click.pass_obj
def anchor(where: Where) -> None:
    """Enter what is missing, and have Git keep the newest hash, as the clock does every 10 minutes.

    \b
    Example:
      prompt-repo --data var audit anchor
    """
    with records_of(where) as records:
        repository = where.open()
        found = audit_tending.catch_up(records, repository)
        link = audit_anchors.anchor(records, repository.store.path, "command line")
    if found:
        click.echo(f"Entered {counted(found, 'commit')} that had no entry.")
    click.echo(f"Git keeps entry {link.entry}." if link else "Git keeps the newest entry already.")


@audit.command(cls=Verb, short_help="Seal and cut what is older than some days.")
@click.option("--older-than", "days", type=click.IntRange(1, 36_500), metavar="DAYS")
@click.pass_obj
def cut(where: Where, days: int | None) -> None:
    """Seal the entries older than so many days, have Git keep the seal, and delete them.

    Without --older-than the setting PROMPT_REPO_AUDIT_DAYS says how many.

    \b
    Example:
      prompt-repo --data var audit cut --older-than 730
    """
    days = days or settings_of(where).audit_days
    if not days:
        raise click.UsageError("say --older-than DAYS, or set PROMPT_REPO_AUDIT_DAYS")
    with records_of(where) as records:
        entry = audit_entries.by_command(audit_log.SEALED, audit_tending.SEALED, days=days)
        count = audit_tending.seal(records, where.open(), days, entry)
    click.echo(f"Cut {count:,} {'entry' if count == 1 else 'entries'}.")


def _log_of(where: Where, repository: Path, progress: Progress) -> Report | None:
    """A check of the log that belongs to a repository; None where there are no records."""
    if not has_records(where):
        return None
    progress("Checking the audit log", 0, None)
    with records_of(where) as records:
        return check(records, audit_anchors.all_of(repository))


def _said(report: Report) -> list[str]:
    lines = [f"audit: {each}" for each in report.breaks]
    return [*lines, f"audit: and {report.more} more"] if report.more else lines


def _all_of(report: Report) -> str:
    kept = f", kept by Git up to {report.anchored}" if report.anchored else ", not kept by Git yet"
    return f"{report.count} entries of the audit log{kept}"


def _plain(report: Report) -> dict[str, object]:
    return {
        "sound": report.sound,
        "entries": report.count,
        "first": report.first,
        "last": report.last.entry,
        "hash": report.last.hash.hex(),
        "anchors": report.anchors,
        "anchored": report.anchored,
        "sealed": report.sealed,
        "breaks": [{"entry": each.entry, "problem": each.what} for each in report.breaks],
        "more": report.more,
    }
