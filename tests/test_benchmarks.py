"""The benchmarks run and print their ratios; what those are is not for a test to say."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import repositories
from benchmarks.__main__ import NAMES
from benchmarks.measuring import Row, interleaved, ratio
from prompt_repo import documents
from prompt_repo.model import Prompt

ROOT = Path(__file__).parent.parent
STARTS = """
import subprocess, sys, time
from types import SimpleNamespace
from benchmarks import __main__

ORPHAN = "from subprocess import *; print(Popen(['sleep', '600'], stdout=DEVNULL).pid)"

def run(repositories, scale):
    own = subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True)
    orphan = subprocess.run([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True)
    print(repositories.with_prompts(12).parent, own.pid, orphan.stdout.strip(), flush=True)
    own.wait()
    time.sleep(600)

__main__.import_module = lambda name: SimpleNamespace(TITLE="Started", run=run)
__main__.main(["--tiny", "edits"])
"""
"""Benchmarks of which one has a child in a session of its own, and an orphan of another."""


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_prints_a_table_of_ratios(name: str) -> None:
    """Each script runs at its smallest size and shows a ratio beside a budget."""
    command = [sys.executable, "-m", "benchmarks", "--tiny", name]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "ratio" in done.stdout
    assert "≤" in done.stdout or "≥" in done.stdout


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_benchmarks_that_are_stopped_leave_nothing(how: signal.Signals) -> None:
    """Neither processes, however they were started, nor their folder."""
    command = [sys.executable, "-c", STARTS, "import time; time.sleep(600)"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        folder, *started = running.stdout.readline().split()
        running.send_signal(how)
        code = running.wait(60)

    assert code == 128 + how
    assert [False, False] == [is_there(int(each)) for each in started]
    assert not Path(folder).exists()


def is_there(process: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_generated_prompts_are_what_the_product_writes() -> None:
    """The quick way to write a file gives the bytes of the slow one."""
    made = repositories.prompt_file(7)

    written = documents.dump(Prompt(repositories.text(7)))

    assert made == written


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """One slow round moves neither the ratio nor the verdict."""
    times = {"ours": [2.0, 2.0, 90.0], "floor": [1.0, 2.0, 1.0]}

    row = ratio("ours ÷ floor", times, "ours", "floor", at_most=2)

    assert row == Row("ours ÷ floor", 2.0, 1.0, 90.0, at_most=2)
    assert row.met


def test_rounds_are_interleaved() -> None:
    """Every round runs all contestants, and each goes first in its turn."""
    order: list[str] = []

    interleaved({name: lambda name=name: order.append(name) for name in "ab"}, 2)

    assert order == ["a", "b", "b", "a"]
