"""Child processes that never outlive their parent."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # of Linux's prctl
_libc = ctypes.CDLL(None)  # looked up before any fork
PATIENCE = 10.0  # seconds a process may take to stop before it is killed


class Child:
    """A program started as the leader of its own group, so that all of it can be stopped."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        folder: Path | None = None,
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(environ),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C on the terminal is its parent's to answer
                preexec_fn=_end_with_starter if sys.platform == "linux" else None,
            )

    def ended(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the program and whatever it started: kindly, and after a while by force."""
        if self.ended() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # nothing of the group is left: as it should be

    def last_words(self, lines: int = 15) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _end_with_starter() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def end_with_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """Has this process signalled when its parent dies, even of SIGKILL; on Linux alone."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before we could ask
        os.kill(os.getpid(), number)
