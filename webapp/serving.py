"""The web server: granian's processes around create_app."""

import errno
import gc
import os
import signal
import socket
from pathlib import Path

import click
from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from sqlalchemy.exc import SQLAlchemyError

from prompt_repo.errors import RepositoryNotFound, StorageFailed
from prompt_repo.git_store import GitStore
from webapp import audit_settings, folder
from webapp.config import Settings, export
from webapp.processes import end_with_parent
from webapp.records import Records

FIRST_PORT, PORTS_TRIED = 8000, 20


class PortTaken(Exception):
    """Another program listens where we should."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port {port} of {host} is taken by another program; stop it, or name another "
            "port with --port"
        )


class HostRefused(Exception):
    """The system lets nobody listen there."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(f"port {port} of {host[:80]!r} can't be listened on: {why}")


def make_app() -> Flask:
    """What each web process runs.

    Nothing of it is imported before: the library of counters looks, as it is imported, for the
    folder in which processes add up theirs, and web processes inherit what their parent has read.
    """
    from webapp.announcer import Announcer
    from webapp.application import create_app
    from webapp.courier import courier

    # Until granian sets its own: what was inherited would only note that somebody said stop, and
    # a program told so in its first second would take eight to end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    end_with_parent(os.getppid())
    app = create_app(Settings.from_environment())
    courier(app).start()
    Announcer(app).start()
    spare_the_program()
    return app


def spare_the_program() -> None:
    """Has the collector of garbage never look again through what the program itself is made of.

    It stays until the process ends, and a look through it takes 150 ms of somebody's request.
    """
    gc.collect()
    gc.freeze()


def serve(settings: Settings, host: str, port: int) -> None:
    """Serves until SIGTERM or Ctrl-C; raises PortTaken, HostRefused."""
    listening = require_free(host, port)
    counters = settings.metrics_folder or settings.data / "metrics"
    folder.prepare(settings.data)
    begin_counters(counters)
    guard_repository(settings.repository_path)
    enter_settings(settings)
    export(settings, metrics_folder=counters)
    Granian(
        "webapp.serving:make_app",
        factory=True,
        address=listening,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=settings.workers,
        blocking_threads=settings.threads,
        respawn_failed_workers=True,
        websockets=False,
        log_level=LogLevels.warning,
        workers_kill_timeout=8,
    ).serve()


def guard_repository(path: Path) -> None:
    """Gives a repository that was cloned or restored the settings a server's has.

    One that isn't there, or may only be read, is served as it is.
    """
    try:
        named = GitStore.open(path).guard()
    except (RepositoryNotFound, StorageFailed):
        return
    if named:
        click.echo(f"Set in {path}: {', '.join(named)}")


def enter_settings(settings: Settings) -> None:
    """Enters in the audit log what the settings say otherwise than at the last start."""
    records = Records(settings.records_address)
    try:
        records.migrate()
        audit_settings.enter(records, settings)
    except SQLAlchemyError as error:  # away at this moment; the web processes say so themselves
        click.echo(f"The settings were not entered in the audit log: {error}", err=True)
    finally:
        records.close()


def begin_counters(path: Path) -> None:
    """Takes the counts of processes that are dead away; what else is in their folder stays."""
    path.mkdir(parents=True, exist_ok=True)
    for counts in path.glob("*.db"):
        counts.unlink(missing_ok=True)


def require_free(host: str, port: int) -> str:
    """The numeric address of a host; raises PortTaken where something listens there already.

    Raises HostRefused where nobody can listen.
    """
    try:
        where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM) if host else []
    except (OSError, UnicodeError) as error:
        raise HostRefused(host, port, getattr(error, "strerror", "") or str(error)) from error
    if not where:
        raise HostRefused(host, port, "that is no host")
    family, kind, _, _, at = where[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(at)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(host, port) from error
            raise HostRefused(host, port, error.strerror or str(error)) from error
    return str(at[0])


def free_port(host: str) -> int:
    """The first free port from 8000 on; raises PortTaken where twenty in a row are not.

    Raises HostRefused.
    """
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        try:
            require_free(host, port)
        except PortTaken:
            continue
        return port
    raise PortTaken(host, port)


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds the server."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
