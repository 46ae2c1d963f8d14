"""Ctrl-C while the program is still being read."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def plain_ending() -> Iterator[None]:
    """Lets Ctrl-C end the process at once, without a traceback, inside the block.

    For imports: a KeyboardInterrupt raised in their midst shows as a traceback of somebody
    else's module, or is lost, where Python's import lock swallows it (CPython 3.11,
    `_get_module_lock`). Nothing has begun by then that would have to be put away.
    """
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if not ours:  # somebody chose otherwise: `nohup`, a test, an embedding program
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
