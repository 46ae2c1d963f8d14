"""A writer for test_crash.py: commits without end, says where it is, and waits to be killed."""

import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from prompt_repo import git_objects
from prompt_repo.git_store import GitStore
from prompt_repo.model import Author

DYING = Author("Dying Writer", "dying@studio.example")
BEGUN = "begun"
STEP = 0.001  # seconds: a write that takes 2 ms is stretched, so that kills land on every step
OURS = f"{os.sep}prompt_repo{os.sep}git_"


def write_until_killed(path: Path, files: int, seed: int, said: Connection) -> None:
    """Commits in a loop, slowly; says BEGUN after each first object, the commit when it is done."""
    _watch(said, lambda: time.sleep(STEP))
    store = GitStore.open(path)
    number = 0
    while True:
        number += 1
        said.send(_write(store, files, f"{seed} {number}"))


def die_at(path: Path, files: int, step: int, said: Connection) -> None:
    """Makes one commit, and kills itself at the nth step after its first object."""
    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    _watch(said, count)
    said.send(_write(GitStore.open(path), files, f"step {step}"))


def _write(store: GitStore, files: int, words: str) -> str:
    changes: dict[str, bytes | None] = {
        f"characters/c{number}/idle.yaml": f"{words} {number}\n".encode() for number in range(files)
    }
    with store.locked():
        head = store.head("staging")
        return store.write("staging", head, changes, author=DYING, message=words).oid


def _watch(said: Connection, step: Callable[[], None]) -> None:
    """Calls `step` before and after everything that the storage does once an object is there.

    A step is a call from `git_*.py`, or the return of one: every system call lies between two.
    """
    put = git_objects._written if hasattr(git_objects, "_written") else None
    assert put is not None
    begun = False

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal begun
        if OURS not in frame.f_code.co_filename:
            return
        if begun:
            step()
        elif event == "return" and frame.f_code.co_name in ("_written", "_write_pack"):
            begun = True
            said.send(BEGUN)
        if event == "return" and frame.f_code.co_name == "write":
            begun = False

    sys.setprofile(profile)
