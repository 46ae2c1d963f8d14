"""The verbs of background jobs: worker, and preview with its clean-up."""

import re
from datetime import UTC, datetime, timedelta

import click

from prompt_repo.cli_base import Where
from webapp import audit_entries, clock, folder, preview_files
from webapp.cli_records import records_of, settings_of
from webapp.cli_support import Verb
from webapp.processes import end_with_parent
from webapp.queue import QUEUES

AGE = re.compile(r"([0-9]{1,6})(m|h|d)")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@click.command(cls=Verb, short_help="Run background jobs until Ctrl-C.")
@click.option("--queues", default=",".join(QUEUES), show_default=True, help="Which, in order.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--single", is_flag=True, hidden=True)
@click.option("--with-parent", type=int, hidden=True, help="End when this process does.")
@click.pass_obj
def worker(
    where: Where, queues: str, processes: int, single: bool, with_parent: int | None
) -> None:
    """Run background jobs: previews, syncs, upkeep. As many machines may as you like.

    \b
    Example:
      prompt-repo --data /srv/prompts worker --queues previews --processes 2
    """
    from webapp import log
    from webapp import worker as workers

    if with_parent is not None:
        end_with_parent(with_parent)
    names = [name.strip() for name in queues.split(",") if name.strip()]
    unknown = [name for name in names if name not in QUEUES]
    if unknown or not names:
        raise click.UsageError(f"the queues are {', '.join(QUEUES)}")
    settings = settings_of(where)
    if not settings.redis_url:
        raise click.UsageError(
            "jobs need Redis: set PROMPT_REPO_REDIS_URL, or start everything with `./run`"
        )
    folder.prepare(settings.data)
    log.configure(settings)
    if single:
        workers.work(settings, names)
        return
    with records_of(where):
        raise click.exceptions.Exit(workers.run(settings, names, processes))


@click.group()
def preview() -> None:
    """What there is to do about previews, besides making them.

    \b
    Example:
      prompt-repo --data /srv/prompts preview cleanup
    """


@preview.command(cls=Verb)
@click.option("--older-than", metavar="TIME", default="", help="Such as 6h, 90m, 2d, or RFC 3339.")
@click.pass_obj
def cleanup(where: Where, older_than: str) -> None:
    """Delete the clips that expired, and print how many; their records stay.

    \b
    Example:
      prompt-repo --data /srv/prompts preview cleanup --older-than 6h
    """
    before = _moment(older_than) if older_than else None
    with records_of(where) as records:
        count = preview_files.clean_up(records, settings_of(where), before)
        audit_entries.from_command_line(records, "preview cleanup", "previews", count=count)
    click.echo(count)


def _moment(text: str) -> datetime:
    age = AGE.fullmatch(text.strip())
    try:
        if age is not None:
            return clock.now() - timedelta(**{UNITS[age[2]]: int(age[1])})
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.UsageError(
            f"{text!r} is no time; write 6h, 90m, 2d, or 2026-11-25T09:00:00Z"
        ) from None
