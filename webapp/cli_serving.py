"""The verbs that start something: run, serve, demo."""

from pathlib import Path

import click

from prompt_repo.cli_base import Where
from webapp import demo_database, folder, running, serving
from webapp.cli_records import settings_of
from webapp.cli_support import Verb
from webapp.processes import end_with_parent

host = click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")


@click.command(cls=Verb, short_help="Serve pages and API until Ctrl-C.")
@host
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--with-parent", type=int, hidden=True, help="End when this process does.")
@click.pass_obj
def serve(where: Where, host: str, port: int, with_parent: int | None) -> None:
    """Serve pages and API until Ctrl-C; makes no repository and no account.

    \b
    Example:
      prompt-repo --data /srv/prompts serve --host 127.0.0.1 --port 8000
    """
    if with_parent is not None:
        end_with_parent(with_parent)
    serving.serve(settings_of(where), host, port)


@click.command(cls=Verb, short_help="Start everything, at first with a demo repository.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, readable=False, path_type=Path),
    help="The data folder.",
)
@host
@click.option(
    "--port", type=click.IntRange(1, 65535), help="The port; without it 8000, or the next free one."
)
@click.option("--fresh", is_flag=True, help="Begin anew; what was there is set aside.")
@click.pass_obj
def run(where: Where, data: Path | None, host: str, port: int | None, fresh: bool) -> None:
    """Start everything: on the first start with a demo repository and an account.

    \b
    Example:
      prompt-repo run --data var --port 8000
    """
    settings = settings_of(Where(data, where.repository) if data else where)
    raise click.exceptions.Exit(running.run(settings, host, port, fresh))


@click.command(cls=Verb)
@click.pass_obj
def demo(where: Where) -> None:
    """Fill an empty data folder with a demo repository.

    \b
    Example:
      prompt-repo --data var demo
    """
    settings = settings_of(where)
    if settings.repository_path.exists():
        raise click.UsageError(f"{settings.repository_path} is there already")
    folder.prepare(settings.data)
    running.fill_demo(settings.repository_path)
    demo_database.announce(settings)
