"""Writers for test_crash.py: they say how far they are, and are killed or kill themselves."""

import io
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from prompt_repo import git_objects
from prompt_repo.editing import Edit, save
from prompt_repo.git_store import GitStore
from prompt_repo.model import Author, Label, PromptKey
from prompt_repo.repository import STAGING, Repository

DYING = Author("Dying Writer", "dying@studio.example")
BEGUN, ENDED = "begun", "ended"
STEP = 0.003  # seconds: a write that takes 5 ms is stretched, so that kills land on every step
STORE = f"{os.sep}git_store.py"
IDLE = ("fspath", "getpid", "_path_normpath", "fileno")
FIRST = (git_objects._written.__name__, git_objects._write_pack.__name__)
"""What puts the first object on disk."""


def write_until_killed(path: Path, files: int, seed: int, said: Connection) -> None:
    """Commits in a loop, slowly; says BEGUN after each first object, the commit when it is done."""
    _watch(said, lambda: time.sleep(STEP), until="write")
    store = GitStore.open(path)
    number = 0
    while True:
        number += 1
        said.send(_write(store, files, f"{seed} {number}"))


def die_when_told(path: Path, orders: Connection, said: Connection) -> None:
    """Forks a writer for each order: how many files, and the step after its first object to die at.

    A writer of one file goes all the way of an edit, through the service and into the index;
    one of none makes a commit with a tag.
    Forked from a process that has opened everything, it needs no time to begin.
    """
    repository = Repository.open(path)
    repository.current(STAGING)
    while True:
        files, step = orders.recv()
        child = os.fork()
        if child == 0:
            _die(repository, files, step, said)
            os._exit(0)
        os.waitpid(child, 0)
        said.send(ENDED)


def _die(repository: Repository, files: int, step: int, said: Connection) -> None:
    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    _watch(said, count)
    if files == 0:
        said.send(_write(repository.store, 1, f"step {step}", Label(f"steps/{step}", "Notes")))
    elif files > 1:
        said.send(_write(repository.store, files, f"step {step}"))
    else:
        edit = Edit(PromptKey(None, "idle"), f"step {step}\n")
        commit = save(repository, STAGING, [edit], DYING, f"step {step}").commit
        assert commit is not None
        said.send(commit.oid)


def _write(store: GitStore, files: int, words: str, label: Label | None = None) -> str:
    changes: dict[str, bytes | None] = {
        f"characters/c{number}/idle.yaml": f"{words} {number}\n".encode() for number in range(files)
    }
    with store.locked():
        head = store.head("staging")
        return store.write("staging", head, changes, author=DYING, message=words, label=label).oid


def _watch(said: Connection, step: Callable[[], None], until: str = "") -> None:
    """Calls `step` before everything that asks something of the disk, once an object is there.

    `until` names a function whose return ends the steps till the next object.
    """
    begun = False

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal begun
        name = frame.f_code.co_name
        if event == "return" and name in FIRST and not begun:
            begun = True
            said.send(BEGUN)
        elif event == "return" and name == until and STORE in frame.f_code.co_filename:
            begun = False
        elif begun and event == "c_call" and _asks_the_disk(argument):
            step()

    sys.setprofile(profile)


def _asks_the_disk(called: Any) -> bool:
    """Whether a built-in function is the system's, a file's or SQLite's."""
    if called.__name__ in IDLE or called.__module__ in ("posix", "fcntl"):
        return called.__name__ not in IDLE
    return isinstance(called.__self__, (io.BufferedIOBase, io.FileIO, sqlite3.Connection))
