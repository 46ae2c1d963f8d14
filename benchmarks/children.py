"""What benchmarks start ends with them: also where a time limit or Ctrl-C ends them early."""

import ctypes
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

PR_SET_CHILD_SUBREAPER = 36  # of Linux's prctl: whoever loses its parent becomes our child
PATIENCE = 10.0  # seconds they have to end by themselves
TOLD = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def ended_with_us() -> Iterator[None]:
    """Ends every process that the block started, and what those started, when it is left.

    A signal leaves it as any error does, so that folders go too; what runs is told first, for
    somebody may be waiting for it.
    """
    ours = os.getpid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def stop(number: int, _: FrameType | None) -> None:
        if os.getpid() != ours:  # a fork of us, which has nothing to tidy
            os._exit(128 + number)
        for each in TOLD:
            signal.signal(each, signal.SIG_IGN)
        _signal(_below(ours), signal.SIGTERM)
        raise SystemExit(128 + number)

    before = [(each, signal.signal(each, stop)) for each in TOLD]
    try:
        yield
    finally:
        _end_all(ours)
        for each, handler in before:
            signal.signal(each, handler)


def _end_all(ours: int) -> None:
    """Ends them: kindly, and after a while by force."""
    _signal(_below(ours), signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    while left := _below(ours):
        _bury()
        if time.monotonic() > end:
            _signal(left, signal.SIGKILL)
        time.sleep(0.02)


def _bury() -> None:
    """Takes note of the dead, who else would stay in the list of processes."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _signal(processes: list[int], number: signal.Signals) -> None:
    for each in processes:
        with suppress(ProcessLookupError):
            os.kill(each, number)


def _below(ancestor: int) -> list[int]:
    """Every process that descends from one, however far."""
    children = defaultdict[int, list[int]](list)
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended just now
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            children[parent].append(int(status.parent.name))
    found, look = list[int](), [ancestor]
    while look:
        found += (below := children[look.pop()])
        look += below
    return found
