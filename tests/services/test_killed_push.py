"""The whole server killed in mid-push: what was acknowledged is there, and all goes on."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prompt_repo import git_cli
from prompt_repo.repository import STAGING, Repository
from tests.factories import make_repository, put
from tests.git_client import PERSON, Clone, address, git, prompt
from webapp import tokens
from webapp.access import Scope
from webapp.config import Settings
from webapp.records import Records

KILLS = 3
MOST_TRIES = 16
LATEST = 1.0  # seconds after a push began; on a quick machine most are over by then
FILES = 25
START = 60.0  # seconds it may take


@contextmanager
def started(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The program over a data folder, in a session of its own, ready; killed with all below it."""
    command = [sys.executable, "-m", "webapp.cli", "--data", str(folder), "serve"]
    with subprocess.Popen(
        [*command, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as program:
        try:
            _await(port)
            yield program
        finally:
            with suppress(ProcessLookupError):  # a test killed it already
                os.killpg(program.pid, signal.SIGKILL)


def _await(port: int) -> None:
    """Comes back once somebody listens at a port."""
    end = time.monotonic() + START
    while time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz"):
            return
        time.sleep(0.05)
    raise AssertionError("the server did not start")


def more(clone: Clone, number: int, dice: random.Random) -> str:
    """One more commit of several files; gives it."""
    return clone.commit(
        {
            f"characters/aria/{emotion}.yaml": prompt(f"{number} {dice.randbytes(2_000).hex()}")
            for emotion in ("angry", "happy", "idle")
        }
        | {
            f"characters/c{number}x{each}/character.yaml": f"name: C{each}\n"
            for each in range(FILES)
        }
    )


def sound(folder: Path, acknowledged: list[str]) -> None:
    """Git finds nothing wrong, and every push that was acknowledged is on staging."""
    path = folder / "prompts.git"
    assert [] == git_cli.fsck(path)
    there = git(path, "rev-list", STAGING).said.split()
    assert [*reversed(acknowledged)] == [each for each in there if each in {*acknowledged}]


def test_a_server_killed_in_mid_push_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Kills at random; the same push is taken, or was taken already, once the server is back."""
    put(make_repository(tmp_path, ("aria",)), {"aria/angry": "Frowns."})
    records = Records(Settings(data=tmp_path).records_address)
    records.migrate()
    secret, _ = tokens.create(records, "laptop", {Scope.WRITE})
    records.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clone, dice = Clone(tmp_path / "work"), random.Random(7)
    acknowledged: list[str] = []
    killed = 0
    where = address(f"http://127.0.0.1:{port}", secret)
    assert git(tmp_path, "clone", "-q", "prompts.git", "work").ok
    clone.git("remote", "set-url", "origin", where)

    while killed < KILLS:
        with started(tmp_path, port) as program:
            latest = LATEST
            for _ in range(MOST_TRIES):
                commit = more(clone, len(acknowledged) + killed, dice)
                push = subprocess.Popen(
                    ["git", *PERSON, "push", "-q", "origin", "HEAD:staging"],
                    cwd=clone.folder,
                    stderr=subprocess.DEVNULL,
                )
                with suppress(subprocess.TimeoutExpired):
                    push.wait(dice.uniform(0.02, latest))
                dies = push.poll() is None
                latest *= 0.75  # the next one is met sooner, until one is met at work
                if dies:
                    os.killpg(program.pid, signal.SIGKILL)
                if push.wait(60) == 0:
                    acknowledged.append(commit)
                if dies:
                    break
            assert dies, "every push was quicker than its kill"
        killed += 1
        sound(tmp_path, acknowledged)

    with started(tmp_path, port):
        last = clone.push("HEAD:staging")
        latest_commit = clone.git("rev-parse", "HEAD")
        if latest_commit not in acknowledged:  # as it is where the last kill came just too late
            acknowledged.append(latest_commit)
    repository = Repository.open(tmp_path / "prompts.git")

    assert last.ok, last.said
    sound(tmp_path, acknowledged)
    assert acknowledged[-1] == repository.current(STAGING).commit
    assert [] == repository.history.check()
