"""Git through the real web server, as it is started for people: chunks, sizes, memory."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from prompt_repo import git_cli
from prompt_repo.repository import STAGING, Repository
from tests.browser.studio import served
from tests.factories import make_repository, put
from tests.git_client import Clone, address, git, prompt
from webapp import tokens
from webapp.access import Scope
from webapp.config import Settings
from webapp.records import Records

MEGABYTE = 1024 * 1024


@dataclass
class Serving:
    """The program over a data folder, and where to clone from."""

    folder: Path
    where: str

    def clone(self) -> Clone:
        assert git(self.folder, "clone", "-q", self.where, "work").ok
        return Clone(self.folder / "work")


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    put(make_repository(tmp_path, ("aria",)), {"aria/angry": "Frowns."})
    with served(tmp_path) as url:
        records = Records(Settings(data=tmp_path).records_address)
        secret, _ = tokens.create(records, "laptop", {Scope.WRITE})
        records.close()
        yield Serving(tmp_path, address(url.rstrip("/"), secret))


def memory(pid: int) -> int:
    """What a process and those below it hold in memory, mapped files included, in bytes."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                total = int(line.split()[1]) * 1024
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return total
    return total + sum(memory(int(child)) for child in children)


def server_of(folder: Path) -> int:
    """The program that serves a data folder."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"run" in words and str(folder).encode() in words:
            return int(entry.name)
    raise AssertionError("nobody serves it")


@contextmanager
def grown(serving: Serving) -> Iterator[list[int]]:
    """The memory of the server and the git it runs, before the block and again and again in it."""
    server, over = server_of(serving.folder), threading.Event()
    sizes = [memory(server)]

    def watch() -> None:
        while not over.wait(0.05):
            sizes.append(memory(server))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield sizes
    finally:
        over.set()
        watcher.join()


def test_a_push_in_chunks_arrives(serving: Serving) -> None:
    """Beyond a megabyte git sends chunks without a length; all of it is there."""
    clone = serving.clone()
    dice = random.Random(1)
    texts = {
        f"characters/c{number}/angry.yaml": prompt(dice.randbytes(60_000).hex())
        for number in range(30)
    }
    names = {f"characters/c{number}/character.yaml": f"name: C{number}\n" for number in range(30)}
    commit = clone.commit({**texts, **names})

    pushed = clone.push("staging")
    repository = Repository.open(serving.folder / "prompts.git")

    assert pushed.ok, pushed.said
    assert commit == repository.head(STAGING)
    assert [] == git_cli.fsck(repository.store.path)


@pytest.mark.slow
def test_a_large_push_is_not_held_in_memory(serving: Serving) -> None:
    """The server and the git it runs grow by less than 64 MB over a push of 200 MB."""
    clone = serving.clone()
    clone.git("config", "core.compression", "0")
    clone.commit({"characters/aria/happy.yaml": random.Random(2).randbytes(200 * MEGABYTE)})

    with grown(serving) as sizes:
        pushed = clone.push("staging")

    assert "has 209,715,200 bytes" in pushed.said
    assert sizes[0] > 10 * MEGABYTE
    assert max(sizes) - sizes[0] < 64 * MEGABYTE
    assert [] == [*(serving.folder / "prompts.git" / "prompt-repo").glob("incoming-*")]


@pytest.mark.slow
def test_what_was_read_of_a_large_push_is_let_go_of(serving: Serving) -> None:
    """A hundred commits of a megabyte, each document of which is read: packs are mapped whole."""
    clone = serving.clone()
    clone.git("config", "core.compression", "0")
    dice = random.Random(3)
    for _ in range(100):
        texts = {each: prompt(dice.randbytes(120_000).hex()) for each in ("angry", "happy", "idle")}
        clone.commit({f"characters/aria/{each}.yaml": text for each, text in texts.items()})

    with grown(serving) as sizes:
        pushed = clone.push("staging")

    assert pushed.ok, pushed.said
    assert max(sizes) - sizes[0] < 64 * MEGABYTE
