"""What `./run` does: a data folder with something in it, an account, a server, one last line."""

import dataclasses
import os
import signal
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click

from prompt_repo import cli_output, demo
from prompt_repo.repository import PRODUCTION, STAGING, Repository
from webapp import audit_entries, demo_database, folder, log, passwords, people, serving
from webapp.access import Role
from webapp.backstage import Backstage
from webapp.config import Settings, environment_of
from webapp.processes import Child
from webapp.records import Records

START = 60.0  # seconds the server may take to answer
LOGS = "logs"


class StartError(Exception):
    """The program can't start; says why."""


def run(settings: Settings, host: str, port: int | None, fresh: bool) -> int:
    """Runs everything until Ctrl-C or SIGTERM; gives the exit code.

    Raises FolderError, HostRefused, PortTaken and StartError.
    """
    if fresh:
        folder.require_marker(settings.data)
    folder.prepare(settings.data)
    with folder.running(settings.data):
        chosen = _port(host, port)
        settings = _with_logs(settings)
        if fresh:
            _begin_anew(settings)
        _require_repository(settings)
        _require_account(settings)
        return _serve(settings, host, chosen)


def fill_demo(path: Path, say: Callable[[str], None] = click.echo) -> None:
    """Makes the demo repository at `path`, whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    folder.remove(part)
    say("Making a demo repository …")
    with cli_output.progress_bars() as progress:
        demo.fill(part, progress=progress)
    part.rename(path)
    repository = Repository.open(path)
    staging = repository.current(STAGING)  # the index is made now, not in the first page's time
    repository.current(PRODUCTION)
    say(f"A demo repository with {len(staging.character_ids())} characters is in {path}")


def _port(host: str, port: int | None) -> int:
    if port is not None:
        serving.require_free(host, port)
        return port
    chosen = serving.free_port(host)
    if chosen != serving.FIRST_PORT:
        click.echo(f"Port {serving.FIRST_PORT} is taken; using {chosen}.")
    return chosen


def _with_logs(settings: Settings) -> Settings:
    logs = settings.data / LOGS
    for name in ("prompt-repo.jsonl", "server.log", "redis.log", "worker.log"):
        log.put_aside(logs / name)
    if settings.log == "stderr":
        return dataclasses.replace(settings, log=str(logs.absolute() / "prompt-repo.jsonl"))
    return settings


def _begin_anew(settings: Settings) -> None:
    if settings.records_url or settings.repository:
        raise StartError(
            "--fresh empties the data folder alone, but the settings keep the repository or the "
            "records elsewhere; empty those yourself"
        )
    kept = folder.set_aside(settings.data)
    if kept is not None:
        click.echo(f"What was there is kept in {kept} until the next --fresh.")


def _require_repository(settings: Settings) -> None:
    path = settings.repository_path
    if path.exists():
        return
    if settings.repository is not None:
        raise StartError(f"there is no repository at {path}; make one with `prompt-repo init`")
    fill_demo(path)
    demo_database.announce(settings)


def _require_account(settings: Settings) -> None:
    records = Records(settings.records_address)
    records.migrate()
    if people.count(records) == 0:
        password = passwords.one_time()
        people.add(records, "admin", password, Role.ADMIN, display_name="Admin")
        audit_entries.from_command_line(records, "user add", "admin", role=Role.ADMIN.value)
        _show_password("admin", password)
    records.close()


def _show_password(name: str, password: str) -> None:
    lines = [
        f"Log in as   {name}",
        f"Password    {password}",
        "Shown this once; change it under Account.",
    ]
    width = max(map(len, lines))
    click.echo(f"┌─{'─' * width}─┐")
    for line in lines:
        click.echo(f"│ {line:<{width}} │")
    click.echo(f"└─{'─' * width}─┘")


def _serve(settings: Settings, host: str, port: int) -> int:
    told = _Told()
    backstage = Backstage(settings, settings.data / LOGS)
    server: Child | None = None
    try:
        settings = backstage.begin()
        where = ("--host", host, "--port", str(port), "--with-parent", str(os.getpid()))
        server = Child(
            [sys.executable, "-m", "webapp.cli", "serve", *where],
            environment_of(settings),
            settings.data / LOGS / "server.log",
        )
        url = serving.address(host, port)
        if _answers(f"{url}healthz", server, told):
            click.echo(f"Ready: {url}")
            sys.stdout.flush()
        while not told.wait(0.5):
            if server.ended() is not None:
                raise StartError(f"the server stopped by itself:\n{server.last_words()}")
            backstage.tend()
    finally:
        if server is not None:
            server.stop()
        backstage.end()
    return told.exit_code


class _Told:
    """Whether a signal told us to stop, and which."""

    def __init__(self) -> None:
        self._event, self.exit_code = threading.Event(), 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.exit_code = 130 if number == signal.SIGINT else 0
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Whether it has come, looked for during some seconds."""
        return self._event.wait(seconds)


def _answers(url: str, child: Child, told: _Told) -> bool:
    """Waits for the server's first answer; False where we are told to stop meanwhile."""
    for _ in range(int(START / 0.05)):
        if child.ended() is not None:
            raise StartError(f"the server did not start:\n{child.last_words()}")
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
                return True
        except (urllib.error.URLError, OSError):
            if told.wait(0.05):
                return False
    raise StartError(f"the server did not answer within {START:.0f} s:\n{child.last_words()}")
