"""`./run` as a stranger meets it: it starts, it stops, it goes on where it was."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from rq import Worker

from prompt_repo.repository import STAGING, Repository
from tests.preview_world import answers as answers_redis
from webapp import valkey

ROOT = Path(__file__).parents[2]
PASSWORD = re.compile(r"Password +([0-9a-f-]{19})")


@dataclass
class Running:
    """A program that was started, and what it has said so far."""

    process: subprocess.Popen[str]
    said: str

    @property
    def url(self) -> str:
        """The address on the last line."""
        return self.said.splitlines()[-1].removeprefix("Ready: ")

    def stop(self, number: int = signal.SIGINT) -> int:
        """What Ctrl-C in a terminal does: the signal goes to all; gives the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(30)


@contextmanager
def running(data: Path, *arguments: str) -> Iterator[Running]:
    """The program on a data folder, up to its address."""
    process = start(data, *arguments)
    assert process.stdout is not None
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Ready: "):
                break
        assert lines, process.communicate()
        yield Running(process, "".join(lines))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate()


def start(data: Path, *arguments: str) -> subprocess.Popen[str]:
    """The program in a session of its own, as a terminal has it, with nobody at the keyboard."""
    return subprocess.Popen(
        [sys.executable, "-m", "webapp", "run", "--data", str(data), *arguments],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(data.parent),
            "TMPDIR": tempfile.gettempdir(),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        preexec_fn=_as_from_a_terminal,
    )


def _as_from_a_terminal() -> None:
    """What runs the tests may ignore Ctrl-C, as in the background; its children would, too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def refused(data: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and the words of a start that comes to nothing."""
    process = start(data, *arguments)
    out, err = process.communicate(timeout=60)
    assert "Ready:" not in out
    assert "Traceback" not in err
    return process.returncode, err


def answers(url: str) -> bool:
    """Whether somebody serves there."""
    try:
        with urllib.request.urlopen(f"{url}healthz", timeout=10) as answer:
            return b"ok" in answer.read()
    except OSError:
        return False


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with blanks and letters in its name, started once and stopped by Ctrl-C."""
    folder = tmp_path_factory.mktemp("a stranger's") / "dätä folder"
    with running(folder) as first:
        assert answers(first.url)
        assert PASSWORD.search(first.said)
        assert 130 == first.stop()
        assert not answers(first.url)
    return folder


def test_the_first_start_makes_a_demo(data: Path) -> None:
    """At least twelve characters, seven emotions, a few hundred commits, staging ahead."""
    repository = Repository.open(data / "prompts.git")
    catalogue = repository.current(STAGING)

    assert len(catalogue.character_ids()) >= 12
    assert len(catalogue.configuration.emotions) == 7
    assert repository.rebuild() >= 200
    assert repository.head(STAGING) != repository.head("production")


def test_counters_of_all_web_processes_add_up(data: Path) -> None:
    """What any of them answered is in /metrics, whichever of them is asked."""
    with running(data) as program:
        asked = 12
        assert all(answers(program.url) for _ in range(asked))
        with urllib.request.urlopen(f"{program.url}metrics", timeout=10) as answer:
            told = answer.read().decode()

    counted = re.search(
        r'prompt_repo_requests_total\{method="GET",route="/healthz",status="200"\} ([\d.]+)', told
    )
    assert counted, told
    assert float(counted[1]) >= asked


def test_the_next_start_goes_on_where_it_was(data: Path) -> None:
    """No other demo, no other password; SIGTERM is no failure."""
    before = Repository.open(data / "prompts.git").head(STAGING)

    with running(data) as second:
        serves = answers(second.url)
        code = second.stop(signal.SIGTERM)

    assert (True, 0) == (serves, code)
    assert "Password" not in second.said
    assert before == Repository.open(data / "prompts.git").head(STAGING)


def test_one_folder_is_served_once(data: Path) -> None:
    """The second is told whose process has it; the first goes on."""
    with running(data) as first:
        code, said = refused(data)
        still = answers(first.url)

    assert (1, True) == (code, still)
    assert f"(process {first.process.pid})" in said


def test_a_port_that_is_taken_is_said(data: Path) -> None:
    """Named, it is that one or none."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, said = refused(data, "--port", str(other.getsockname()[1]))

    assert 1 == code
    assert "is taken by another program" in said


def test_a_killed_program_leaves_nothing_running(data: Path) -> None:
    """The server ends with whoever started it, and the folder is free at once."""
    with running(data) as killed:
        killed.process.kill()
        killed.process.wait()

    with running(data) as after:
        assert answers(after.url)


def test_fresh_begins_anew(data: Path, tmp_path: Path) -> None:
    """With another password; what was there is set aside, what isn't ours stays."""
    mine = data / "mine.txt"
    mine.write_text("keep")
    with running(data, "--fresh") as fresh:
        assert answers(fresh.url)

    assert PASSWORD.search(fresh.said)
    assert (data / "earlier" / "prompts.git").is_dir()
    assert "keep" == mine.read_text()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """Whatever is asked: nothing of ours is put among other people's files."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "cat.jpg").write_text("cat")

    for arguments in ([], ["--fresh"]):
        assert 1 == refused(folder, *arguments)[0]

    assert ["cat.jpg"] == [each.name for each in folder.iterdir()]


def test_ctrl_c_before_it_is_ready_ends_it(tmp_path: Path) -> None:
    """In the midst of making the demo; the next start makes it whole."""
    process = start(tmp_path / "data")
    assert process.stdout is not None
    assert any("Making a demo" in line for line in process.stdout)  # another port may be told first
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert "Traceback" not in err
    assert process.returncode != 0
    with running(tmp_path / "data") as after:
        assert answers(after.url)
        assert PASSWORD.search(after.said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_jobs_run_beside_the_server_and_stop_with_it(data: Path, number: signal.Signals) -> None:
    """The bundled Valkey and a worker: there when it is ready, gone when it is, even killed."""
    client = redis.Redis.from_url(valkey.url_of(data))
    with running(data) as program:
        _until(lambda: Worker.all(connection=client))
        pids = [each.pid for each in Worker.all(connection=client)]
        os.kill(program.process.pid, number)
        program.process.wait(30)

        _until(lambda: not answers_redis(client))
        _until(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()])


def _until(what: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end, "it did not come to be so"
        time.sleep(0.1)


@pytest.mark.parametrize("after", [0.15, 0.3, 0.6, 0.9, 1.2])
def test_ctrl_c_before_it_has_begun_ends_it_quietly(tmp_path: Path, after: float) -> None:
    """However far its imports have come: no traceback, and not unheard."""
    process = start(tmp_path / "data")
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert "Traceback" not in err
    assert process.returncode != 0
