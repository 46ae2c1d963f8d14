"""The verbs of a sync: draft rules, copy production's rows anonymised, tell how it went."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from prompt_repo.cli_base import Where
from prompt_repo.cli_output import printable
from sync import isolation, plan, rules, settling
from sync.comparing import Conflict
from sync.errors import (
    InvalidRules,
    NotIsolated,
    Problem,
    SyncError,
    UnknownConflict,
    UnusableDatabase,
    UnusableKey,
)
from sync.keyed import Key
from sync.preparing import SAMPLE
from sync.progress import Step, silent
from sync.run import PAUSED, Options, Result, run
from sync.state import State
from sync.tables import Source, Target, open_source, open_target
from sync.tables_failures import FAILURES, told
from sync.telling import latest_runs
from webapp import audit_entries, staging_config, staging_values
from webapp.cli_addresses import address_option
from webapp.cli_records import enter, records_of, settings_of
from webapp.cli_support import Misused, Verb
from webapp.config import told_secret

MISUSES = (InvalidRules, NotIsolated, UnusableDatabase, UnusableKey)
SHOWN = 10
source_option = address_option("--source", "Production's database")
target_option = address_option("--target", "Staging's database")
json_option = click.option("--json", "as_json", is_flag=True, help="For a program to read.")


class SyncVerb(Verb):
    """A verb that says in a sentence why a sync is refused."""

    def invoke(self, context: click.Context) -> Any:
        """Runs it; exit code 2 where it was used wrongly, 1 where something was found wrong."""
        try:
            return super().invoke(context)
        except SyncError as error:
            said = "\n".join(printable(line) for line in str(error).split("\n"))
            if isinstance(error, UnusableKey):
                said += "\nIt is read from PROMPT_REPO_ANONYMIZATION_KEY."
            if isinstance(error, MISUSES):
                raise Misused(said) from error
            raise click.ClickException(said) from error
        except FAILURES as error:
            raise click.ClickException(f"the database refused: {printable(told(error))}") from error


@click.group()
def sync() -> None:
    """Copy production's database to staging, anonymised on the way.

    A password in an address is for everybody to read in the list of processes. Export the address,
    such as postgresql://owner:password@host/app, as a variable and write env:NAME, or leave the
    password to ~/.pgpass or to a service of libpq's (postgresql:///?service=NAME).

    \b
    Example:
      prompt-repo sync plan --source env:PRODUCTION_DATABASE -o rules.yaml
      prompt-repo sync run --source env:PRODUCTION_DATABASE \\
        --target env:STAGING_DATABASE --rules rules.yaml
    """


@sync.command(name="plan", cls=SyncVerb)
@source_option
@click.option("-o", "--output", default="-", help="Where the file goes.", show_default=True)
def plan_(source: str, output: str) -> None:
    """Draft the file of rules: every column with a rule, nothing personal kept.

    \b
    Example:
      prompt-repo sync plan --source env:PRODUCTION_DATABASE -o rules.yaml
    """
    with _opened(open_source(source)) as production:
        schema = production.schema()
        text = plan.draft_file(schema, lambda table: production.sample(table, SAMPLE))
    if not schema.tables:
        raise UnusableDatabase("there is no table at this address, so there is nothing to plan")
    if output == "-":
        click.echo(text, nl=False)
    else:
        Path(output).write_text(text, encoding="utf-8")
        click.echo(f"Wrote {output}. Read it before the first run.", err=True)


@sync.command(name="run", cls=SyncVerb)
@source_option
@target_option
@click.option(
    "--rules",
    "file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What becomes of each column; `sync plan` drafts it.",
)
@click.option("--table", "tables", multiple=True, help="Only this table; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Look and count; write nothing.")
@click.option("--reset", is_flag=True, help="Discard what was changed in staging alone.")
@click.option("--restart", is_flag=True, help="Give an unfinished run of other rules or key up.")
@click.option(
    "--indexes-last", is_flag=True, help="Build indexes and keys of empty tables last; PostgreSQL."
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many fill a large, empty table; PostgreSQL.",
)
@click.option(
    "--on-conflict",
    type=click.Choice(["pause", *settling.ACTIONS]),
    default="pause",
    show_default=True,
    help="Where a row moved on both sides.",
)
@json_option
@click.pass_obj
def run_(where: Where, /, source: str, target: str, file: Path, as_json: bool, **how: Any) -> None:
    """Copy production's rows to staging as fakes, or go on with the run that was.

    The key comes from PROMPT_REPO_ANONYMIZATION_KEY. Exit code 1 where conflicts pause the run.

    \b
    Example:
      prompt-repo sync run --source env:PRODUCTION_DATABASE \\
        --target env:STAGING_DATABASE --rules rules.yaml --dry-run
    """
    isolation.check_urls(source, target)
    key = Key(told_secret(settings_of(where).anonymization_key))
    wanted = rules.parse(_read(file), str(file))
    with (
        _opened(open_source(source)) as production,
        _opened(open_target(target)) as staging,
        _progress(as_json) as tell,
    ):
        result = run(production, staging, wanted, key, Options(**how, progress=tell))
    done = result_json(result) | {"conflicts": len(result.conflicts)}  # rows are not for the log
    enter(where, "sync run", _shown(target), run=done, source=_shown(source))
    click.echo(json.dumps(result_json(result)) if as_json else _told(result))
    if result.status == PAUSED:
        raise click.exceptions.Exit(1)


@sync.command(cls=SyncVerb)
@target_option
@json_option
def status(target: str, as_json: bool) -> None:
    """Tell how the latest runs went, and which conflicts are open.

    \b
    Example:
      prompt-repo sync status --target env:STAGING_DATABASE --json
    """
    with _opened(open_target(target, make=False)) as staging:
        state = State(staging)
        runs = [run_json(row) for row in latest_runs(staging)] if state.there else []
        conflicts = [conflict for conflict, _ in state.conflicts()] if state.there else []
    if as_json:
        found = {"runs": runs, "conflicts": [conflict_json(each) for each in conflicts]}
        click.echo(json.dumps(found))
        return
    for each in runs:
        rows = sum(counts["seen"] for counts in each["tables"].values())
        said = f"  {printable(each['error'])}" if each["error"] else ""
        click.echo(f"{each['id']}  {each['status']}  {_counted(rows, 'row')}{said}")
    _tell_conflicts(conflicts)
    if not runs:
        click.echo("No sync has run yet.")


@sync.command(cls=SyncVerb)
@target_option
@click.argument("action", type=click.Choice(settling.ACTIONS))
@click.option("--table", help="Conflicts of this table only.")
@click.option("--key", "keys", multiple=True, help="The row; once for each column of its key.")
@click.option("--take", multiple=True, metavar="COLUMN=SIDE", help="For merge: whose value.")
def resolve(
    target: str, action: str, table: str | None, keys: tuple[str, ...], take: tuple[str, ...]
) -> None:
    """Decide about conflicts: all, those of a table, or one row. The next run carries it out.

    \b
    Example:
      prompt-repo sync resolve --target env:STAGING_DATABASE skip --table users
    """
    columns = dict(each.partition("=")[::2] for each in take)
    if keys and not table:
        raise click.UsageError("name the --table whose row --key means")
    with _opened(open_target(target, make=False)) as staging:
        state = State(staging)
        if not state.there:
            raise UnknownConflict("no sync has run at this address, so there is nothing to decide")
        which = (str(table), _key(state, str(table), keys)) if keys else None
        number = settling.decide(state, staging.schema().tables, action, which, table, columns)
        staging.commit()
    click.echo(f"Decided about {_counted(number, 'conflict')}.")


@sync.command()
@click.pass_obj
def unlock(where: Where) -> None:
    """Let admins enter staging at any host and from any network again, should they be shut out.

    \b
    Example:
      prompt-repo --data var sync unlock
    """
    with records_of(where) as records:
        changed = staging_config.unlock(records, settings_of(where), "command line")
        audit_entries.from_command_line(records, "staging.unlock", "staging", changed=changed)
    click.echo(
        "Staging may be entered at any host, from any network. Set both anew in the browser."
    )


def _shown(url: str) -> str:
    """A database's address without its password."""
    return staging_values.masked(url)


def _key(state: State, table: str, keys: tuple[str, ...]) -> tuple[Any, ...]:
    for conflict, _ in state.conflicts():
        if conflict.table == table and tuple(str(cell) for cell in conflict.key) == keys:
            return conflict.key
    return keys


Database = TypeVar("Database", Source, Target)


@contextmanager
def _opened(database: Database) -> Iterator[Database]:
    try:
        yield database
    finally:
        database.close()


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRules(
            [Problem(f"this is no UTF-8: {error.reason}", path=str(file))]
        ) from error


@contextmanager
def _progress(as_json: bool) -> Iterator[Any]:
    """A bar on a terminal, nothing elsewhere."""
    if as_json or not sys.stderr.isatty():
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    beside = (TextColumn("{task.fields[done]}"), TimeRemainingColumn())
    sizes: dict[str, int] = {}
    with Progress(*columns, *beside, console=Console(stderr=True)) as shown:
        task = shown.add_task("Syncing", total=None, done="")

        def tell(step: Step) -> None:
            sizes[step.table] = step.bytes
            rows = f"{step.all_done:,} of {step.all_expected:,} rows"
            done = f"{rows}, {sum(sizes.values()) / 1e6:,.1f} MB"
            shown.update(
                task, description=printable(step.table), completed=step.all_done,
                total=step.all_expected, done=done,
            )  # fmt: skip

        yield tell


def result_json(result: Result) -> dict[str, Any]:
    """What a run did, for a program."""
    return {
        "run": result.run,
        "status": result.status,
        "tables": {name: counts.as_dict() for name, counts in result.tables.items()},
        "total": result.total.as_dict(),
        "conflicts": [conflict_json(each) for each in result.conflicts],
        "warnings": result.warnings,
    }


def conflict_json(conflict: Conflict) -> dict[str, Any]:
    """A conflict, for a program; there are fakes in it only."""
    return {
        "table": conflict.table,
        "key": [_plain(cell) for cell in conflict.key],
        "kind": conflict.kind,
        **{
            side: None if row is None else [_plain(cell) for cell in row]
            for side, row in (
                ("base", conflict.base),
                ("production", conflict.production),
                ("staging", conflict.staging),
            )
        },
    }


def _plain(cell: Any) -> Any:
    return cell.hex() if isinstance(cell, bytes) else cell


def run_json(row: Any) -> dict[str, Any]:
    """A run as its record has it."""
    id_, started, finished, state, _, counts, error = row
    return {
        "id": id_, "started_at": started, "finished_at": finished, "status": state,
        "tables": json.loads(counts), "error": error,
    }  # fmt: skip


def _told(result: Result) -> str:
    heads = zip(("rows", "new", "changed", "gone", "same", "kept"), (9, 8, 8, 8, 9, 6), strict=True)
    lines = [f"{'table':32} {' '.join(f'{head:>{width}}' for head, width in heads)}"]
    for name, counts in result.tables.items():
        lines.append(
            f"{printable(name):32} {counts.seen:>9,} {counts.inserted:>8,} {counts.updated:>8,} "
            f"{counts.deleted:>8,} {counts.unchanged:>9,} {counts.kept:>6,}"
        )
    lines += [f"Note: {printable(each)}." for each in result.warnings]
    if result.conflicts:
        lines.append(f"{_counted(len(result.conflicts), 'conflict')}:")
        lines += [f"  {_named(each)}" for each in result.conflicts[:SHOWN]]
    if result.status == PAUSED:
        lines.append("Paused. Decide with `prompt-repo sync resolve`, then run again.")
    else:
        rows = _counted(result.total.seen, "row")
        lines.append(f"{result.status[:1].upper()}{result.status[1:]}: {rows}.")
    return "\n".join(lines)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what if number == 1 else what + 's'}"


def _named(conflict: Conflict) -> str:
    key = ", ".join(str(cell) for cell in conflict.key)
    return printable(f"{conflict.table} {key}: {conflict.kind}")


def _tell_conflicts(conflicts: list[Conflict]) -> None:
    if conflicts:
        click.echo(f"{_counted(len(conflicts), 'open conflict')}:")
    for conflict in conflicts[:SHOWN]:
        click.echo(f"  {_named(conflict)}")
