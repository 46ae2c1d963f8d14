"""Clones and pushes through us, beside git's own `git http-backend` behind a plain server."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import Row, Scale, interleaved, ratio
from benchmarks.repositories import Repositories, keys, prompt_file
from webapp.serving import address, free_port

TITLE = "Git over HTTP"
HOST = "127.0.0.1"
PROGRAM = [sys.executable, "-m", "webapp.cli"]
PERSON = ("-c", "user.name=Sam Byrne", "-c", "user.email=sam@studio.example")
SEEDS = count(5_000_000)


def run(repositories: Repositories, scale: Scale) -> list[Row]:
    """Ratios of time: a clone, and the push of one edit, by the same of git http-backend."""
    prompts, commits = scale.of(12_000, 1_200, 24), scale.of(10_000, 1_000, 20)
    source = repositories.with_both(prompts, commits)
    with TemporaryDirectory(prefix="prompt-repo-benchmarks-") as name:
        folder = Path(name)
        for each in ("ours", "plain"):
            shutil.copytree(source, folder / each / "prompts.git")
        with _ours(folder / "ours") as ours, _plain(folder / "plain") as plain:
            clones = {
                "ours": partial(_clone, ours, folder),
                "plain": partial(_clone, plain, folder),
            }
            interleaved(clones, 1)
            cloned = interleaved(clones, scale.of(9, 5, 1))
            pushes = {
                "ours": partial(_push, _work(ours, folder / "a"), prompts),
                "plain": partial(_push, _work(plain, folder / "b"), prompts),
            }
            interleaved(pushes, 1)
            pushed = interleaved(pushes, scale.of(15, 7, 1))
    what = f"{prompts:,} prompts and {commits:,} commits"
    return [
        ratio(f"clone of {what} ÷ git http-backend", cloned, "ours", "plain", at_most=1.2),
        ratio(
            f"commit and checked push, {prompts:,} prompts ÷ unchecked by git http-backend",
            pushed,
            "ours",
            "plain",
        ),
    ]


@contextmanager
def _ours(data: Path) -> Iterator[str]:
    """Our server over a data folder; gives where to clone from."""
    where = ["--data", str(data)]
    made = subprocess.run(
        [*PROGRAM, *where, "token", "create", "--name", "bench", "--scope", "write"],
        check=True,
        capture_output=True,
        text=True,
    )
    port = free_port(HOST)
    with (data / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*PROGRAM, *where, "serve", "--host", HOST, "--port", str(port)],
            stdout=log,
            stderr=log,
        )
    url = address(HOST, port).replace("://", f"://me:{made.stdout.strip()}@")
    try:
        _git(data, "ls-remote", "-q", f"{url}git/prompts.git", tries=100)
        yield f"{url}git/prompts.git"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def _plain(root: Path) -> Iterator[str]:
    """Git's own server over a folder, in a process of its own."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.http_backend", str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield f"{server.stdout.readline().strip()}/prompts.git"
    finally:
        server.communicate()


def _clone(url: str, folder: Path) -> None:
    goal = folder / "cloned"
    _git(folder, "clone", "-q", "--bare", url, str(goal))
    shutil.rmtree(goal)


def _work(url: str, folder: Path) -> Path:
    _git(folder.parent, "clone", "-q", url, str(folder))
    return folder


def _push(work: Path, prompts: int) -> None:
    seed = next(SEEDS)
    known = keys(prompts)
    (work / known[seed % len(known)].path).write_bytes(prompt_file(seed))
    _git(work, "commit", "-q", "-a", "-m", "Better take")
    _git(work, "push", "-q", "origin", "staging")


def _git(folder: Path, *arguments: str, tries: int = 1) -> None:
    """A git command without anybody's settings; tried again while a server starts."""
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for left in reversed(range(tries)):
        done = subprocess.run(
            ["git", *PERSON, *arguments], cwd=folder, env=os.environ | alone, capture_output=True
        )
        if done.returncode == 0:
            return
        if not left:
            raise RuntimeError(done.stderr.decode())
        time.sleep(0.2)
